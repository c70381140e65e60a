"""The user protocol of ``--mode evaluate``: films for a person, by the model and by the baselines."""

import logging
import time
from dataclasses import replace
from typing import Any

from config import Config
from data.histories import UserQuestions, user_questions
from data.rating_scale import from_stars
from data.splits import LIKED
from evaluation.baselines import USER_BASELINES
from evaluation.baselines.fits import Fits
from evaluation.baselines.for_users import WEIGHTED, UserBaseline, fit_for_users
from evaluation.few_candidates import few_candidates_of_users
from evaluation.users import evaluate_users, sample_users
from evaluation.variety import FilmFacts
from model.checkpoint import Checkpoint
from recommend.taste import TasteScorer
from report.names import PINSAGE
from report.tables import format_metrics_table
from report.words import few_candidates as few_candidates_words
from report.words import sampled

logger = logging.getLogger("pinsage")

HOW_TO_READ = (
    "recall: share of the targets that were found; "
    "weighted: recent and well-rated films of the history count more, as for PinSage"
)


def report_users(config: Config, checkpoint: Checkpoint, fits: Fits, rated: bool) -> dict[str, Any]:
    """Evaluate recommendations for the users of the temporal split; print a table.

    Args:
        config: all settings; ``eval_queries`` limits the number of users.
        checkpoint: the trained model.
        fits: baselines on the split of the training.
        rated: whether the data have ratings.

    Returns:
        The entry ``user`` of ``metrics.json``.

    Raises:
        UserError: validation or test has no user to ask.
    """
    split = fits.split
    every_user = user_questions(split, "test", checkpoint.best_rating)
    questions = _sample(every_user, split.num_movies, config)
    validation = _sample(
        user_questions(split, "validation", checkpoint.best_rating), split.num_movies, config
    )
    logger.info("fitting the baselines again, to recommend for users")
    facts = FilmFacts.of(checkpoint.movies, split)
    ours = evaluate_users(TasteScorer.of(checkpoint), questions, facts)
    found: dict[str, tuple[UserBaseline, dict[str, float]]] = {}
    for cls in USER_BASELINES:
        started = time.perf_counter()
        fitted = fit_for_users(cls, fits, validation)
        found |= {name: _evaluated(baseline, questions, facts) for name, baseline in fitted.items()}
        del fitted  # frees memory before the next one is fitted; item-kNN alone stores the ratings twice
        logger.info("%s: %.0f s", cls.name, time.perf_counter() - started)
    found = dict(sorted(found.items(), key=lambda entry: entry[0].endswith(WEIGHTED)))
    baselines = {name: baseline for name, (baseline, _) in found.items()}
    theirs = {name: metrics for name, (_, metrics) in found.items() if metrics}
    liked = from_stars(LIKED, checkpoint.best_rating)
    liking = f"test rating of {liked:g} or more" if rated else "test interaction"
    asked, words = sampled(len(questions), len(every_user)), checkpoint.movies.words
    print(
        f"\n{checkpoint.dataset['name']}, {asked} users with a {liking}\n"
        "user: all that a user rated before the test is the query, "
        f"the {words.items} that the user liked in the test are the targets\n"
    )
    few = few_candidates_of_users(questions, split.num_movies)
    notes = [words.said(HOW_TO_READ)] + ([few_candidates_words(few, len(questions), "user")] if few else [])
    print(format_metrics_table(theirs | {PINSAGE: ours}, highlight=PINSAGE, notes=notes, words=words))
    for name, baseline in baselines.items():
        if baseline.skipped:
            print(f"{name} is left out: {baseline.skipped}")
    return {
        "protocol": "user",
        "users": len(questions),
        "targets": liking,
        "metrics": ours,
        "baselines": theirs,
        "baseline_settings": {name: b.settings for name, b in baselines.items() if not b.skipped},
        "baselines_skipped": {name: b.skipped for name, b in baselines.items() if b.skipped},
    } | ({"few_candidates": few} if few else {})


def _evaluated(
    baseline: UserBaseline, questions: UserQuestions, facts: FilmFacts
) -> tuple[UserBaseline, dict[str, float]]:
    """The baseline without its fitted scorer, and its metrics; no metrics if it was skipped."""
    metrics = {} if baseline.scorer is None else evaluate_users(baseline.scorer, questions, facts)
    return replace(baseline, scorer=None), metrics


def _sample(questions: UserQuestions, num_movies: int, config: Config) -> UserQuestions:
    return sample_users(questions, num_movies, config.training.eval_queries, config.run.seed)
