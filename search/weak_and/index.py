"""Two-level retrieval on the Weak AND operator (paper, section 3.5; Broder et al., CIKM 2003).

The paper says no more than that. The rest is ours. Films are documents whose terms are their partitions
and details (``tokens.py``). The query reads the posting lists of its nearest partitions (``postings.py``).
The first level keeps the best by token score (``kernel.py``). The second level computes the exact inner
products of those that can still be among the best k.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from base.arrays import FloatArray, IntArray
from base.checks import MAX_INT32, number, whole_number
from search.base import COMPARED, NOT_COUNTED, SCORED, SKIPPED, VectorIndex, empty_results
from search.kernels import rescore, rescore_all, worth_rescoring
from search.subset import Subset
from search.threads import over_queries
from search.weak_and.kernel import weak_and
from search.weak_and.part import best_of_part, part_of
from search.weak_and.partitions import (
    assign,
    default_partitions,
    default_probes,
    sample_size,
    train_partitions,
)
from search.weak_and.postings import Postings, film_order, invert
from search.weak_and.tokens import (
    BYTE_STEPS,
    MAX_AXES,
    FilmTokens,
    Partitions,
    QueryTokens,
    Scales,
    choose_scales,
    detail_unit,
    round_centroids,
    round_films,
    rounding_errors,
    weigh_query,
)

BLOCK = 32_768  # films described at a time
# Under a condition the best are farther from the query, so up to so many times as many films are scored as
# the lists of a query have. Measured on a million clustered vectors: recall is not below that without one.
PART_FACTOR = 24
# So many films, or so many per partition, are all scored: choosing partitions costs nearly as much.
EXACT_UP_TO, EXACT_FACTOR = 10_000, 3
MAX_WAND_FACTOR = 1000  # times the largest token score, it still fits an integer of 64 bits


@dataclass(frozen=True)
class WeakANDQuery:
    """Query parameters.

    Attributes:
        probes: partitions whose posting lists are read; by default chosen from their number. More are
            read if these contain fewer films than there are candidates.
        candidates_factor: films that the first level gives to the second, as a multiple of k.
        wand_factor: 1 keeps the first level exact on the token score; more skips more and may lose films.

    Raises:
        ValueError: a parameter of the wrong type or out of range.
    """

    probes: int | None = None
    candidates_factor: int = 10
    wand_factor: float = 1.0

    def __post_init__(self) -> None:
        factor = whole_number("candidates_factor", self.candidates_factor, 1, MAX_INT32)
        object.__setattr__(self, "candidates_factor", factor)  # the way into a frozen dataclass
        if self.probes is not None:
            object.__setattr__(self, "probes", whole_number("probes", self.probes, 1, MAX_INT32))
        wand_factor = number("wand_factor", self.wand_factor, 0, MAX_WAND_FACTOR)
        object.__setattr__(self, "wand_factor", wand_factor)


class PostingCounts(NamedTuple):
    """The cost of first levels: films scored, and postings that were skipped."""

    scored: int
    skipped: int


class WeakANDIndex(VectorIndex):
    """Inverted lists of partitions, a Weak AND first level, an exact second level.

    Args:
        num_partitions: cells of k-means; by default about 4 sqrt(n), chosen when the index is built.
        candidates_factor: ``WeakANDQuery.candidates_factor``.
        seed: of k-means.
        vectors: how the vectors are stored: float32, float16 or int8.

    Raises:
        ValueError: an argument of the wrong type or out of range.
    """

    kind = "ivf"

    def __init__(
        self,
        num_partitions: int | None = None,
        candidates_factor: int = 10,
        seed: int = 0,
        vectors: str = "float32",
    ) -> None:
        super().__init__(vectors)
        if num_partitions is not None:
            num_partitions = whole_number("num_partitions", num_partitions, 1, MAX_INT32)
        self.num_partitions = num_partitions
        self.seed = whole_number("seed", seed, 0, MAX_INT32)
        self.query: WeakANDQuery = WeakANDQuery(candidates_factor=candidates_factor)

    def settings(self) -> dict[str, Any]:
        """The build parameters, as ``__init__`` takes them."""
        return {"num_partitions": self.num_partitions, "seed": self.seed} | super().settings()

    @property
    def _probes(self) -> int:
        return self.query.probes or default_probes(len(self._trained["centroids"]))

    def operating_points(self) -> list[WeakANDQuery]:
        """Rising probes and factors, ordered by the number of films that the two levels look at."""
        total = len(self._trained["centroids"]) if len(self) else 1
        mean_list = len(self) / total
        probes = [p for p in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024) if p < total] + [total]
        points = [
            WeakANDQuery(p, f, self.query.wand_factor) for p in probes for f in (2, 3, 5, 10, 20, 30, 50)
        ]
        # A film of the first level costs about a third of one of the second: one byte per axis, not four.
        return sorted(points, key=lambda q: (q.probes or 0) * mean_list / 3 + 10 * q.candidates_factor)

    def count_postings(self, queries: npt.ArrayLike, k: int) -> PostingCounts:
        """The cost of the first level for ``queries`` ``[n, d]`` or ``[d]``, summed.

        Raises:
            ValueError: as ``search``.
        """
        vectors, _ = self._checked_queries(queries)
        k = min(whole_number("k", k, 1), len(self))
        counts = np.zeros((len(vectors), 3), dtype=np.int64)
        if k and len(vectors):
            self._run(vectors, k, counts)
        return PostingCounts(*counts[:, [COMPARED, SKIPPED]].sum(axis=0).tolist())

    def _train(self, vectors: FloatArray) -> dict[str, npt.NDArray[Any]]:
        dim = vectors.shape[1]
        if dim > MAX_AXES:
            raise ValueError(f"this index takes at most {MAX_AXES} dimensions, got {dim}; use LSHIndex")
        mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
        wanted = self.num_partitions or default_partitions(len(vectors))
        size = min(len(vectors), max(BLOCK, sample_size(wanted)))
        chosen = np.random.default_rng(self.seed).choice(len(vectors), size, replace=False)
        sample = vectors[chosen] - mean
        centroids = round_centroids(train_partitions(sample, wanted, self.seed))
        _, weights, residuals = assign(sample[:BLOCK], centroids)
        scales = choose_scales(weights, residuals, sample, float(np.abs(centroids).max()))
        return {"mean": mean, "centroids": centroids, "scales": np.array(scales)}

    def _encode(self, vectors: FloatArray) -> dict[str, npt.NDArray[Any]]:
        mean, centroids = self._trained["mean"], self._trained["centroids"]
        weight_step, detail_step = self._trained["scales"].tolist()
        parts: list[dict[str, npt.NDArray[Any]]] = []
        for start in range(0, max(1, len(vectors)), BLOCK):  # in blocks: temporary arrays stay small
            terms, weights, residuals = assign(vectors[start : start + BLOCK] - mean, centroids)
            tokens = round_films(terms, weights, residuals, weight_step, detail_step)
            errors = rounding_errors(weights, residuals, tokens, weight_step, detail_step)
            parts.append({**tokens._asdict(), "errors": errors})
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _arrange(self) -> dict[str, npt.NDArray[Any]]:
        order = film_order(self._rows["terms"])
        if (np.diff(order) < 0).any():
            self._stored, self.ids = self._stored.take(order), self.ids[order]
            self._rows = {name: rows[order] for name, rows in self._rows.items()}
        tokens = FilmTokens(*(self._rows[name] for name in FilmTokens._fields))
        postings = invert(tokens, len(self._trained["centroids"]))
        lists = postings._asdict() | self._rounded_partitions(tokens)._asdict()
        return lists.pop("tokens")._asdict() | lists

    def _prepare(self) -> None:
        if not len(self):
            return
        tokens = FilmTokens(*(self._lists[name] for name in FilmTokens._fields))
        self.postings = Postings(tokens, *(self._lists[name] for name in Postings._fields[1:]))
        self.partitions = Partitions(*(self._lists[name] for name in Partitions._fields))
        self.tokens = FilmTokens(*(rows[: len(self)] for rows in tokens))
        self._rows |= self.tokens._asdict()  # views of the tokens in the lists: they are kept once
        lists = (tuple(tokens), *self.postings[1:])
        self._parts: Any = (tuple(self._stored), self.ids, tuple(self.partitions), lists)

    def _rounded_partitions(self, tokens: FilmTokens) -> Partitions:
        """Centroids in whole steps, and the errors of all rounding for the films in the index.

        Trained centroids are whole numbers of steps already, those of older files are not.
        """
        centroids, (weight_step, detail_step) = self._trained["centroids"], self._trained["scales"].tolist()
        unit = detail_unit(float(np.abs(centroids).max()), weight_step, detail_step)
        step = detail_step / (unit * weight_step)
        codes = np.clip(np.rint(centroids / step), -BYTE_STEPS, BYTE_STEPS).astype(np.int8)
        numbers = codes.astype(np.float32)
        offs = np.linalg.norm(centroids - numbers * step, axis=1)  # of each centroid
        sums = np.abs(numbers).sum(axis=1)
        slack = longest = error = stored_sum = 0.0
        for start in range(0, len(self), BLOCK):
            terms, weights, details = (array[start : start + BLOCK] for array in tokens)
            residuals = details.astype(np.float32)
            lean = np.abs(np.einsum("ntd,nd->nt", numbers[terms], residuals))  # -1 takes any centroid
            slack = max(slack, float(lean[terms >= 0].max()))
            sizes = (weights * sums[terms]).sum(axis=1) + unit * np.abs(residuals).sum(axis=1)
            stored_sum = max(stored_sum, float(sizes.max()))
            errors = self._rows["errors"][start : start + BLOCK] + weight_step * (weights * offs[terms]).sum(
                axis=1
            )
            error = max(error, float(errors.max()))
            vectors = self._stored.decode(start, start + BLOCK)
            longest = max(longest, float(np.linalg.norm(vectors, axis=1).max()))
        # Margins for sums in float32, here and in the second level, and for the form of its vectors.
        error += (1e-5 + self._stored.relative_error) * longest
        scales = Scales(unit, weight_step * step, 1.001 * slack + 0.01, error, stored_sum)
        squares = np.square(numbers.astype(np.float64)).sum(axis=1)
        homes = np.bincount(tokens.terms[:, 0], minlength=len(codes)).astype(np.int64)
        return Partitions(codes, np.where(squares > 0, squares, 1.0), homes, np.array(scales, np.float64))

    def weigh(self, query: FloatArray, num_candidates: int) -> QueryTokens:
        """The terms of a query ``[d]``, to follow a first level step by step.

        Raises:
            ValueError: an empty index, a query as ``search`` refuses it, or no candidates.
        """
        vectors, single = self._checked_queries(query)
        if len(self) == 0 or not single:
            raise ValueError(f"query must be one vector, of an index that is not empty, got {vectors.shape}")
        num_candidates = whole_number("num_candidates", num_candidates, 1, MAX_INT32)
        return QueryTokens(*weigh_query(vectors[0], tuple(self.partitions), self._probes, num_candidates))

    def _search(
        self, vectors: FloatArray, k: int, subset: Subset | None = None, counts: IntArray = NOT_COUNTED
    ) -> tuple[FloatArray, IntArray]:
        if subset is not None:
            return self._search_part(vectors, k, subset, counts)
        if self.query.candidates_factor * k < len(self.ids):
            return self._run(vectors, k, counts)
        # Every film would be a candidate: a first level chooses nothing.
        scores, ids = empty_results(len(vectors), k)
        counts[:, SCORED] = len(self.ids)
        over_queries(rescore_all, (vectors, scores, ids), self._parts[:2])
        return scores, ids

    def _run(self, vectors: FloatArray, k: int, counts: IntArray) -> tuple[FloatArray, IntArray]:
        scores, ids = empty_results(len(vectors), k)
        query = self.query
        num_candidates = min(len(self), query.candidates_factor * k)
        fixed = (self._parts, self._probes, num_candidates, query.wand_factor)
        over_queries(_search_each, (vectors, scores, ids, counts), fixed)
        return scores, ids

    def _search_part(
        self, vectors: FloatArray, k: int, subset: Subset, counts: IntArray
    ) -> tuple[FloatArray, IntArray]:
        num_candidates, num_partitions = self.query.candidates_factor * k, len(self._trained["centroids"])
        count = len(subset)
        if count <= max(num_candidates, EXACT_UP_TO, EXACT_FACTOR * num_partitions):
            return self._scored_exactly(vectors, k, subset, counts)
        scores, ids = empty_results(len(vectors), k)
        in_lists = self._probes * len(self) // num_partitions
        num_films = max(PART_FACTOR * in_lists, num_candidates)
        part = subset.kept("part", lambda: tuple(part_of(self.tokens, subset.rows, num_partitions)))
        fixed = (self._parts[:3], part, subset.rows, num_films, num_candidates)
        over_queries(_search_part_each, (vectors, scores, ids, counts), fixed)
        return scores, ids

    def __repr__(self) -> str:
        partitions, query = self.num_partitions, self.query
        if len(self):
            partitions, query = len(self._trained["centroids"]), replace(query, probes=self._probes)
        return f"{type(self).__name__}({self._size}, {partitions} partitions, {query})"


@numba.njit(nogil=True, cache=True)
def _search_each(
    queries: np.ndarray,
    scores: np.ndarray,
    found: np.ndarray,
    counts: np.ndarray,
    parts: tuple,
    probes: int,
    num_candidates: int,
    wand_factor: float,
) -> None:
    """Both levels for each query: fills ``scores`` and ``found`` ``[n, k]``.

    Fills ``counts`` ``[n, 3]`` too, unless it has no rows.
    """
    vectors, ids, partitions, postings = parts
    for i in range(len(queries)):
        query = queries[i]
        weighed = weigh_query(query, partitions, probes, num_candidates)
        films, token_scores, scored, skipped = weak_and(postings, weighed, num_candidates, wand_factor)
        candidates = worth_rescoring(films, token_scores, found.shape[1], weighed[5])
        rescore(vectors, ids, query, candidates, scores[i], found[i])
        if len(counts):
            counts[i, COMPARED], counts[i, SKIPPED], counts[i, SCORED] = scored, skipped, len(candidates)


@numba.njit(nogil=True, cache=True)
def _search_part_each(
    queries: np.ndarray,
    scores: np.ndarray,
    found: np.ndarray,
    counts: np.ndarray,
    parts: tuple,
    part: tuple,
    rows: np.ndarray,
    num_films: int,
    num_candidates: int,
) -> None:
    """``_search_each`` in the part of the index that ``rows`` and ``part`` describe."""
    vectors, ids, partitions = parts
    for i in range(len(queries)):
        query = queries[i]
        weighed = weigh_query(query, partitions, 1, 0)
        films, token_scores, compared = best_of_part(part, weighed, found.shape[1], num_films, num_candidates)
        candidates = rows[worth_rescoring(films, token_scores, found.shape[1], weighed[5])]
        rescore(vectors, ids, query, candidates, scores[i], found[i])
        if len(counts):
            counts[i, COMPARED], counts[i, SCORED] = compared, len(candidates)
