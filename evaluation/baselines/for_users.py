"""The baselines as recommenders for users, each with the settings that validation by users chooses."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from base.arrays import FloatArray
from base.sparse_products import add_product
from data.histories import History, UserQuestions
from evaluation.baselines.base import Baseline, BaselineTooLarge, Settings, UserScorer
from evaluation.baselines.fits import Fits
from evaluation.baselines.item_knn import ItemKNNCosine
from evaluation.baselines.popularity import Popularity
from evaluation.ranking import Scorer
from evaluation.users import HistoryScorer, user_metrics
from recommend.taste import weight_matrix

WEIGHTED = ", weighted"  # added to a baseline's name where films count by recency and rating
CHOSEN_BY = "ndcg@20"
BLOCK_SIZE = 256  # films scored at once


@dataclass(frozen=True)
class UserBaseline:
    """A baseline fitted on training interactions with the settings that validation chose.

    Attributes:
        settings: the chosen hyper-parameters; empty if the baseline was skipped.
        scorer: scores histories; None if the baseline was skipped.
        skipped: the reason why there is no scorer; empty if there is one.
    """

    settings: Settings
    scorer: HistoryScorer | None = field(repr=False)
    skipped: str = ""


@dataclass(frozen=True)
class FilmSum:
    """A film-to-film method for users: the sum of its scores for each film of a history.

    For EASE this is the method itself. iALS has a better way: the factors of a user with this history.

    Attributes:
        scorer: the method.
        num_movies: number of film rows.
        weighted: whether films count by recency and rating, as in PinSage's recommendations, or all alike.
    """

    scorer: Scorer
    num_movies: int
    weighted: bool

    def score_histories(self, histories: list[History]) -> FloatArray:
        """Scores of all films for each history, float32 ``[n, num_movies]``."""
        return film_sums([self.scorer], [film_counts(histories, self.num_movies, self.weighted)])[0][0]


def film_counts(histories: list[History], num_movies: int, weighted: bool) -> sp.csr_matrix:
    """How much each film counts for each user, float32 ``[n, num_movies]``; 1 on average."""
    counts = np.array([len(history.rows) for history in histories])
    if weighted:
        weights = weight_matrix(histories, num_movies)
        return sp.csr_matrix(sp.diags(counts.astype(np.float64)) @ weights, dtype=np.float32)
    films = np.concatenate([history.rows for history in histories])
    ones = np.ones(len(films), dtype=np.float32)
    return sp.csr_matrix((ones, films, np.cumsum([0, *counts])), shape=(len(histories), num_movies))


def film_sums(scorers: Sequence[Scorer], weightings: list[sp.csr_matrix]) -> list[list[FloatArray]]:
    """Scores by several ``film_counts`` of the same histories, and by several settings of one method.

    Each film is scored once for all weightings. Settings that share work are asked one after the other.

    Returns:
        For each scorer, one float32 ``[n, num_movies]`` per weighting.
    """
    if all(isinstance(scorer, UserScorer) for scorer in scorers):
        return [[scorer.score_users(counts) for counts in weightings] for scorer in scorers]  # type: ignore[attr-defined]
    by_film = [counts.tocsc() for counts in weightings]
    asked = np.flatnonzero(np.any([np.diff(counts.indptr) > 0 for counts in by_film], axis=0))
    sums = [[np.zeros(counts.shape, dtype=np.float32) for counts in by_film] for _ in scorers]
    for start in range(0, len(asked), BLOCK_SIZE):
        block = asked[start : start + BLOCK_SIZE]
        for scorer, totals in zip(scorers, sums, strict=True):
            scores = np.ascontiguousarray(scorer.score(block))
            for total, counts in zip(totals, by_film, strict=True):
                add_product(total, counts[:, block].tocsr(), scores)
    return sums


def fit_for_users(baseline: type[Baseline], fits: Fits, validation: UserQuestions) -> dict[str, UserBaseline]:
    """Fit every setting of a baseline's grid on training, and keep the one with the best validation NDCG.

    Every baseline except popularity comes twice: with all films of a history alike, and with the weights of
    PinSage's recommendations. So the gain from the weights can be told from the gain from the model.

    Args:
        baseline: one of ``USER_BASELINES``.
        fits: fits of the temporal split.
        validation: users that choose the settings.

    Returns:
        Name to baseline; ``skipped`` is set where the catalogue is too large for it.
    """
    try:
        chosen = _choose(baseline, fits, validation)
    except BaselineTooLarge as error:
        return {baseline.name: UserBaseline({}, None, str(error))}
    return {baseline.name + WEIGHTED * weighted: one for weighted, one in chosen.items()}


def _choose(baseline: type[Baseline], fits: Fits, validation: UserQuestions) -> dict[bool, UserBaseline]:
    """The best setting without and with weights; popularity is the same for every history."""
    kinds = (False,) if baseline is Popularity else (False, True)
    num_movies = fits.split.num_movies
    weightings = [film_counts(validation.histories, num_movies, weighted) for weighted in kinds]
    best: dict[bool, tuple[float, UserBaseline]] = {}
    for grid in _asked_together(baseline):
        fitted = [fits.fit(baseline, settings) for settings in grid]
        for settings, scorer, sums in zip(grid, fitted, film_sums(fitted, weightings), strict=True):
            for weighted, scores in zip(kinds, sums, strict=True):
                figure = user_metrics(scores, validation)[CHOSEN_BY]
                # Equal figures leave the earlier setting: the default comes first.
                if weighted not in best or figure > best[weighted][0]:
                    best[weighted] = figure, UserBaseline(settings, FilmSum(scorer, num_movies, weighted))
    return {weighted: chosen for weighted, (_, chosen) in best.items()}


def _asked_together(baseline: type[Baseline]) -> Sequence[Sequence[Settings]]:
    """The settings of the grid in groups; those of item-kNN by cosine differ only in what is cheap."""
    return [baseline.GRID] if baseline is ItemKNNCosine else [[settings] for settings in baseline.GRID]
