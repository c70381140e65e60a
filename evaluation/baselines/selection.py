"""Each baseline at its best: validation chooses its settings from a grid of four."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from data.dataset import Movies
from data.splits import Queries, Split
from evaluation.baselines.base import Baseline, BaselineTooLarge, Settings
from evaluation.baselines.fits import Fits
from evaluation.ranking import Scorer, rank_targets, ranking_metrics

# The cost of a question grows with the number of ratings. From five million ratings on, fewer questions
# than asked for choose the settings: a thousand at 25 million.
GRID_COST = 25_000_000_000  # validation questions times training ratings


@dataclass(frozen=True)
class ChosenBaseline:
    """A baseline fitted on training interactions with the settings that validation chose.

    Attributes:
        settings: the chosen hyper-parameters; empty if the baseline was skipped.
        scorer: the fitted baseline, or None if it was skipped.
        validation_mrr: the figure that chose them, NaN if the baseline was skipped.
        trials: every setting of the grid with its validation MRR.
        seconds: time of all fits and validations.
        skipped: the reason why there is no scorer; empty if there is one.
    """

    settings: Settings
    scorer: Scorer | None = field(repr=False)
    validation_mrr: float
    trials: tuple[tuple[Settings, float], ...]
    seconds: float
    skipped: str = ""


def fit_and_choose(
    baselines: Sequence[type[Baseline]],
    split: Split,
    movies: Movies,
    seed: int,
    max_questions: int,
    fits: Fits | None = None,
) -> dict[str, ChosenBaseline]:
    """Fit every setting of every grid on training, and keep the one with the best validation MRR.

    Test interactions are never used, and validation interactions only as questions.

    Args:
        baselines: the baselines to fit, for instance ``BASELINES``.
        split: the split; its own protocol asks the questions.
        movies: the catalogue.
        seed: decides the sampled questions and the baselines' random choices.
        max_questions: largest number of validation questions to sample; fewer are sampled above five
            million ratings.
        fits: keeps fits of this split, catalogue and seed.

    Returns:
        One entry per baseline, by name and in the given order; ``skipped`` says which of them cannot
        handle a catalogue of this size.

    Raises:
        UserError: the split has no validation questions.
    """
    fits = fits or Fits(split, movies, seed)
    questions = fits.questions(min(max_questions, GRID_COST // len(split.train)))
    return {baseline.name: _choose(baseline, fits, questions) for baseline in baselines}


def _choose(baseline: type[Baseline], fits: Fits, questions: Queries) -> ChosenBaseline:
    start = time.perf_counter()
    best: Scorer | None = None
    best_settings: Settings = {}
    best_mrr = float("nan")
    trials = []
    for settings in baseline.GRID:
        try:
            scorer = fits.fit(baseline, settings)
        except BaselineTooLarge as error:
            return ChosenBaseline({}, None, float("nan"), (), time.perf_counter() - start, str(error))
        mrr = ranking_metrics(rank_targets(scorer, questions), questions.protocol)["mrr"]
        trials.append((settings, mrr))
        # Equal figures leave the earlier setting: the default comes first.
        if best is None or mrr > best_mrr:
            best, best_settings, best_mrr = scorer, settings, mrr
    return ChosenBaseline(best_settings, best, best_mrr, tuple(trials), time.perf_counter() - start)
