"""PinSage and the project's own baselines on the three tasks."""

from collections.abc import Sequence

import numpy as np

from base.arrays import FloatArray
from base.compute import set_up_compute
from benchmarks.rivals.judge import Outcome, figures_of
from benchmarks.rivals.questions import FACTS, Questions, Task, questions_of
from benchmarks.rivals.tuning import Outcomes, Settings
from config import Config
from data.dataset import MovieLens
from data.splits import Split
from evaluation.baselines import EASE, Baseline, ItemKNNBM25, ItemKNNCosine, TransitionCounts
from evaluation.baselines.fits import Fits
from evaluation.baselines.for_users import WEIGHTED, FilmSum
from evaluation.train_once import TrainedOnce, train_once
from recommend.taste import TasteScorer

BASELINES: tuple[type[Baseline], ...] = (ItemKNNCosine, ItemKNNBM25, TransitionCounts, EASE)


def pinsage_outcomes(movielens: MovieLens, split: Split, seed: int) -> Outcomes:
    """PinSage at its defaults: the epoch is the one that its own validation chooses."""
    config = Config().override({"quiet": True, "split": split.name, "seed": seed})
    trained = train_once(config, movielens, split, set_up_compute(config.run))
    taste = TasteScorer.of(trained.checkpoint)
    validation, test = (questions_of(split, part, movielens) for part in ("validation", "test"))
    return {
        task: Outcome(
            figures_of(_pinsage_scores(trained, taste, validation[task]), validation[task])[
                FACTS[task].chosen_by
            ],
            trained.progress.best_epoch,
            "",
            figures_of(_pinsage_scores(trained, taste, test[task]), test[task]),
        )
        for task in test
    }


def _pinsage_scores(trained: TrainedOnce, taste: TasteScorer, questions: Questions) -> FloatArray:
    """A single film is a query by itself; a history is asked as recommendations for a person are."""
    if questions.task == "next_by_film":
        return trained.scorer.score(np.array([history.rows[0] for history in questions.histories]))
    return taste.score_histories(questions.histories)


def baseline_outcomes(movielens: MovieLens, split: Split) -> dict[str, dict[Task, tuple[Settings, Outcome]]]:
    """Each baseline with the settings of its grid that validation prefers, for each task.

    For histories every baseline comes twice, as in ``evaluation.baselines.for_users``: with all films alike,
    and weighted by recency and rating.
    """
    fits = Fits(split, movielens.movies, Config().run.seed)
    validation, test = (questions_of(split, part, movielens) for part in ("validation", "test"))
    found: dict[str, dict[Task, tuple[Settings, Outcome]]] = {}
    for baseline in BASELINES:
        for settings in baseline.GRID:
            fitted = fits.fit(baseline, settings)
            for weighted in (False, True):
                scorer = FilmSum(fitted, split.num_movies, weighted)
                entry = found.setdefault(baseline.name + WEIGHTED * weighted, {})
                for task in _tasks(validation, weighted):
                    scores = scorer.score_histories(validation[task].histories)
                    figure = figures_of(scores, validation[task])[FACTS[task].chosen_by]
                    if task not in entry or figure > entry[task][1].validation:
                        reached = figures_of(scorer.score_histories(test[task].histories), test[task])
                        entry[task] = settings, Outcome(figure, 0, "", reached)
    return found


def _tasks(questions: dict[Task, Questions], weighted: bool) -> Sequence[Task]:
    """The tasks in which weights can matter, or all of them."""
    return [task for task in questions if not (weighted and task == "next_by_film")]
