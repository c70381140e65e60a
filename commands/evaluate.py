"""``--mode evaluate``: the trained model and all baselines, on the split of the training."""

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from base.compute import peak_memory_gb, set_up_compute
from base.files import write_json
from commands.cli import adopt
from commands.common import GRID_QUESTIONS, PROTOCOL_WORDS, load_and_split
from commands.evaluate_search import report_search
from commands.evaluate_users import report_users
from commands.same_data import check_same_data
from config import Config
from data.dataset import MovieLens
from data.inspection.inspect import inspect_data
from data.splits import Queries, held_out_queries
from evaluation.baselines import BASELINES, ChosenBaseline, fit_and_choose
from evaluation.baselines.fits import Fits
from evaluation.few_candidates import few_candidates
from evaluation.ranking import EmbeddingScorer, Evaluation, evaluate, sample_questions
from evaluation.related.report import RelatedComparison, related_as_plain, related_table
from evaluation.variety import FilmFacts
from model.checkpoint import BEST, Checkpoint, load_checkpoint
from recommend.added_films import ADDED
from report.embedding_map import plot_embedding_map
from report.hit_rates import plot_hit_rates
from report.html.report import Run, write_report
from report.map_layout import lay_out_films
from report.names import PINSAGE
from report.tables import format_metrics_table
from report.words import few_candidates as few_candidates_words
from report.words import sampled as sampled_of

logger = logging.getLogger("pinsage")


def evaluate_checkpoint(config: Config, typed: dict[str, Any]) -> None:
    """Evaluate ``best.pt`` on the protocol of its split; print a table, write ``metrics.json`` and pictures.

    Args:
        config: all settings.
        typed: the flags that were typed.

    Raises:
        UserError: checkpoint, data and flags do not fit together, or the split holds nothing out.
    """
    started = time.perf_counter()
    set_up_compute(config.run)
    path = Path(config.run.checkpoint_dir) / BEST
    checkpoint = load_checkpoint(path)
    config = adopt(config, checkpoint.settings, typed)
    if path.with_name(ADDED).exists():
        logger.info("%s is not used: only films of the training are evaluated", path.with_name(ADDED))
    movielens, split = load_and_split(config, checkpoint.earlier)
    check_same_data(checkpoint, movielens, split, path)
    movielens.interactions.release()  # the split has copies
    questions = held_out_queries(split, "test")
    sampled = sample_questions(questions, config.training.eval_queries, config.run.seed)
    scorer = EmbeddingScorer(checkpoint.embeddings.numpy(), checkpoint.query_embeddings.numpy())
    facts = FilmFacts.of(movielens.movies, split)
    ours = evaluate(scorer, sampled, facts=facts)
    related = RelatedComparison.of(movielens, split)
    related.ask(PINSAGE, scorer)
    fits = Fits(split, movielens.movies, config.run.seed)
    baselines, theirs = _compare_baselines(config, fits, sampled, facts, related)
    _report(config, checkpoint, movielens, fits, questions, sampled, ours, theirs, baselines, related)
    if config.search.needs_file:
        report_search(config, checkpoint, sampled)
    logger.info("evaluated in %.0f s, peak memory %.2f GB", time.perf_counter() - started, peak_memory_gb())


def _compare_baselines(
    config: Config, fits: Fits, sampled: Queries, facts: FilmFacts, related: RelatedComparison
) -> tuple[dict[str, ChosenBaseline], dict[str, Evaluation]]:
    """Fit and evaluate the baselines. Each is removed from memory before the next one is fitted."""
    logger.info("fitting the baselines, each with the best of four settings by validation")
    limit = min(GRID_QUESTIONS, config.training.eval_queries)
    baselines, results = {}, {}
    for cls in BASELINES:
        started = time.perf_counter()
        chosen = fit_and_choose([cls], fits.split, fits.movies, fits.seed, limit, fits)[cls.name]
        if chosen.scorer is not None:
            results[cls.name] = evaluate(chosen.scorer, sampled, facts=facts)
            related.ask(cls.name, chosen.scorer)
        baselines[cls.name] = chosen = replace(chosen, scorer=None)  # frees the memory of the scorer
        logger.info("%s: %.0f s", cls.name, time.perf_counter() - started)
    return baselines, results


def _report(
    config: Config,
    checkpoint: Checkpoint,
    movielens: MovieLens,
    fits: Fits,
    questions: Queries,
    sampled: Queries,
    ours: Evaluation,
    theirs: dict[str, Evaluation],
    baselines: dict[str, ChosenBaseline],
    related: RelatedComparison,
) -> None:
    split = fits.split
    output = Path(config.run.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    name, words = checkpoint.dataset["name"], checkpoint.movies.words
    asked = sampled_of(len(sampled), len(questions))
    print(
        f"\n{name}, {asked} test questions of the split {split.name}; "
        f"all {split.num_movies:,} {words.items} are candidates"
    )
    print(words.said(PROTOCOL_WORDS[sampled.protocol]) + "\n")
    rows = {key: result.metrics for key, result in theirs.items()} | {PINSAGE: ours.metrics}
    few = few_candidates(sampled, split.num_movies)
    notes = [few_candidates_words(few, len(sampled))] if few else []
    print(format_metrics_table(rows, highlight=PINSAGE, notes=notes, words=words))
    for key, baseline in baselines.items():
        if baseline.skipped:
            print(f"{key} is left out: {baseline.skipped}")
    report: dict[str, Any] = {
        "dataset": name,
        "split": split.name,
        "protocol": sampled.protocol,
        "seed": config.run.seed,
        "queries": len(sampled),
        "catalogue": split.num_movies,
        "metrics": ours.metrics,
        "baselines": {key: result.metrics for key, result in theirs.items()},
        "baseline_settings": {key: b.settings for key, b in baselines.items() if not b.skipped},
        "baselines_skipped": {key: b.skipped for key, b in baselines.items() if b.skipped},
    }
    if few:
        report["few_candidates"] = few
    if related.questions is not None:
        gaps = related.differences(config.run.seed)
        print("\n" + related_table(name, related, gaps))
        report["related"] = related_as_plain(related, gaps)
    if split.name == "temporal":
        report["user"] = report_users(config, checkpoint, fits, movielens.rated)
    write_json(report, output / "metrics.json")
    ranks = {key: result.ranks for key, result in theirs.items()} | {PINSAGE: ours.ranks}
    title = f"{name}, {sampled.protocol.replace('_', ' ')}"
    plot_hit_rates(ranks, output / "hit_rates.png", title, words)
    popularity = np.bincount(split.train.movies, minlength=split.num_movies)
    movies = checkpoint.movies
    film_map = lay_out_films(checkpoint.embeddings.numpy(), movies, popularity, config.run.seed)
    plot_embedding_map(film_map, movies, output / "embedding_map.png")
    question = words.said(PROTOCOL_WORDS[sampled.protocol])
    history, best_epoch = (checkpoint.progress[key] for key in ("history", "best_epoch"))
    inspection = inspect_data(movielens, split)
    run = Run(report, question, checkpoint.settings, history, best_epoch, ranks, film_map, movies, inspection)
    write_report(run, output / "report.html")
    print(f"\nwritten: {output / 'metrics.json'}, hit_rates.png, embedding_map.png, report.html")
