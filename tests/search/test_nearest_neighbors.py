"""One contract for all indexes, and what each promises on its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import (
    ExactIndex,
    LSHIndex,
    LSHQuery,
    ShardedIndex,
    WeakANDIndex,
    WeakANDQuery,
)
from search.tuning import recall_by_score, tune
from tests.fuzzing import fuzz


def unit_vectors(count, dim=8, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def clustered(count, num_clusters, dim=32, seed=0):
    """Unit vectors around cluster centres, and as many queries of the same kind as a tenth of them."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((num_clusters, dim))
    share = rng.lognormal(size=num_clusters)
    which = rng.choice(num_clusters, count + count // 10, p=share / share.sum())
    vectors = centres[which] + 0.5 * rng.standard_normal((len(which), dim))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return vectors[:count], vectors[count:]


def lsh_buckets():
    index = LSHIndex(64, 8)
    index.query = LSHQuery(candidates_factor=3, method="buckets", probes=2)
    return index


def narrow_weak_and():
    index = WeakANDIndex(7, 1)
    index.query = WeakANDQuery(probes=1, candidates_factor=1)
    return index


MAKERS = {
    "exact": ExactIndex,
    "lsh": lambda: LSHIndex(64, 8),
    "lsh buckets": lsh_buckets,
    "ivf": lambda: WeakANDIndex(7, 3),
    "ivf narrow": narrow_weak_and,
    "ivf default": WeakANDIndex,
    "sharded exact": lambda: ShardedIndex([ExactIndex() for _ in range(3)]),
    "sharded lsh": lambda: ShardedIndex([LSHIndex(64, 8) for _ in range(3)], num_threads=2),
    "sharded ivf": lambda: ShardedIndex([WeakANDIndex(7, 3) for _ in range(2)]),
}


@pytest.fixture(params=MAKERS)
def make(request):
    return MAKERS[request.param]


class TestEveryIndex:
    """What holds for every index, however approximate."""

    @fuzz(40)
    @given(
        name=st.sampled_from(sorted(MAKERS)),
        count=st.integers(1, 40),
        k=st.integers(1, 50),
        num_excluded=st.integers(0, 6),
        seed=st.integers(0, 99),
    )
    def test_k_distinct_results_with_exact_scores_best_first(self, name, count, k, num_excluded, seed):
        rng = np.random.default_rng(seed)
        vectors, ids = unit_vectors(count, seed=seed), rng.permutation(10**12 + np.arange(count))
        queries = unit_vectors(4, seed=seed + 1)
        exclude = [
            np.append(rng.choice(ids, min(num_excluded, count - 1), replace=False), -5) for _ in queries
        ]
        scores, found = MAKERS[name]().build(vectors, ids).search(queries, k, exclude=exclude)
        assert scores.dtype == np.float32 and found.dtype == np.int64
        position = {int(name): row for row, name in enumerate(ids)}
        for row, out in enumerate(exclude):
            assert len(found[row]) == min(k, count - len(out) + 1) == len(set(found[row].tolist()))
            rows = [position[int(name)] for name in found[row]]
            np.testing.assert_allclose(scores[row], vectors[rows] @ queries[row], atol=1e-6)
            assert (np.diff(scores[row]) <= 1e-6).all() and not np.isin(found[row], out).any()

    def test_all_of_a_catalogue_is_found_in_order(self, make):
        vectors, query = unit_vectors(50), unit_vectors(1, seed=1)[0]
        found = make().build(vectors, np.arange(50)).search(query, 99)
        assert found.ids.tolist() == np.argsort(-(vectors @ query), kind="stable").tolist()

    def test_one_query_equals_a_batch_of_one(self, make):
        index = make().build(unit_vectors(20), np.arange(20))
        one = index.search(unit_vectors(1, seed=5)[0], 4, exclude=np.array([3, 99]))
        many = index.search(unit_vectors(1, seed=5), 4, exclude=[np.array([3, 99])])
        assert one.ids.shape == (4,) and many.ids.shape == (1, 4)
        assert np.array_equal(one.ids, many.ids[0]) and np.array_equal(one.scores, many.scores[0])

    def test_a_batch_equals_its_queries_one_at_a_time(self, make):
        vectors, queries = clustered(600, 30, dim=8)
        queries = np.concatenate([queries] * 4)  # enough for several threads, where there are any
        index = make().build(vectors, np.arange(600))
        together = index.search(queries, 5)
        for row, query in enumerate(queries):
            alone = index.search(query, 5)
            assert np.array_equal(alone.ids, together.ids[row])
            assert np.array_equal(alone.scores, together.scores[row])

    def test_an_empty_batch(self, make):
        index = make().build(unit_vectors(5), np.arange(5))
        assert index.search(np.zeros((0, 8)), 3).ids.shape == (0, 3)
        assert index.search(np.zeros((0, 8)), 3, exclude=[]).ids.shape == (0, 3)

    def test_add_and_remove(self, make):
        vectors = unit_vectors(30)
        index = make().build(vectors[:20], np.arange(20))
        index.add(vectors[20:], np.arange(20, 30))
        assert len(index) == 30 and sorted(index.search(vectors[0], 30).ids.tolist()) == list(range(30))
        assert index.search(vectors[25], 1).ids.tolist() == [25]
        assert index.remove([25, 77, -1]) == 1 and index.remove([25]) == 0
        assert 25 not in index.search(vectors[25], 30).ids and len(index) == 29
        assert index.remove(np.arange(30)) == 29 and index.search(vectors[0], 3).ids.shape == (0,)
        index.add(vectors[:2], [4, 5])
        assert index.search(vectors[1], 1).ids.tolist() == [5]

    def test_what_cannot_be_added_changes_nothing(self, make):
        vectors = unit_vectors(6)
        index = make().build(vectors, np.arange(6))
        before = index.search(vectors, 6)
        for embeddings, ids, message in (
            (vectors[:1], [0], "distinct, got 0 more than once"),
            (np.zeros((2, 8)), [7, 7], "distinct, got 7 more than once"),
            (np.zeros((1, 5)), [9], r"dimension 8, got \(1, 5\)"),
            (np.full((1, 8), np.nan), [9], "NaN or infinity"),
        ):
            with pytest.raises(ValueError, match=message):
                index.add(embeddings, ids)
        assert np.array_equal(index.search(vectors, 6).ids, before.ids)

    @pytest.mark.parametrize(
        ("queries", "k", "message"),
        [
            (np.zeros(8), 0, "k must be a whole number of at least 1, got 0"),
            (np.zeros(8), -3, "k must be a whole number of at least 1, got -3"),
            (np.zeros(5), 1, r"dimension 8, got \(1, 5\)"),
            (np.zeros((2, 3, 8)), 1, "dimension 8"),
            (np.full(8, np.nan), 1, "queries must be finite, but contain NaN or infinity"),
            (np.append(np.zeros(7), np.inf), 1, "queries must be finite, but contain NaN or infinity"),
        ],
    )
    def test_bad_queries(self, make, queries, k, message):
        with pytest.raises(ValueError, match=message):
            make().build(unit_vectors(3), np.arange(3)).search(queries, k)

    def test_exclude_that_does_not_fit_the_queries(self, make):
        with pytest.raises(ValueError, match="a list of ids for each query, got 1 for 2"):
            make().build(unit_vectors(3), np.arange(3)).search(np.zeros((2, 8)), 1, exclude=[np.array([1])])

    def test_bad_vectors(self, make):
        with pytest.raises(ValueError, match="NaN or infinity"):
            make().build(np.full((2, 3), np.inf), [0, 1])
        with pytest.raises(ValueError, match="distinct"):
            make().build(np.zeros((2, 3)), [1, 1])
        with pytest.raises(ValueError, match="expected embeddings"):
            make().build(np.zeros((2, 3)), [1])

    @pytest.mark.parametrize(
        "wrong",
        [1.5, np.nan, True, "7", None, 2**63, 2**70, np.uint64(2**64 - 1), np.float64(1.0)],
    )
    def test_ids_that_do_not_fit_int64(self, make, wrong):
        vectors = unit_vectors(4)
        index = make().build(vectors[:3], np.arange(3))
        for name, call in (
            ("ids", lambda: index.build(vectors, [9, 8, 7, wrong])),
            ("ids", lambda: index.add(vectors[3:], [wrong])),
            ("ids", lambda: index.remove([wrong])),
            ("ids", lambda: index.remove([0, wrong])),
            ("exclude", lambda: index.search(vectors[0], 2, exclude=[wrong])),
            ("exclude", lambda: index.search(vectors[:2], 2, exclude=[[0], [1, wrong]])),
        ):
            with pytest.raises(
                ValueError, match=f"{name} must be whole numbers from -9223372036854775808 to"
            ):
                call()
        assert len(index) == 3 and index.search(vectors, 1).ids[:3, 0].tolist() == [0, 1, 2]

    def test_ids_of_any_integer_type(self, make):
        vectors = unit_vectors(3)
        for ids in (
            np.arange(3, dtype=np.uint64),
            np.arange(3, dtype=np.int8),
            [0, 1, 2],
            np.array([0, 1, 2], object),
        ):
            index = make().build(vectors, ids)
            assert index.ids.dtype == np.int64 and index.search(vectors, 1).ids[:, 0].tolist() == [0, 1, 2]
        low, high = -(2**63), 2**63 - 1
        assert sorted(make().build(vectors[:2], [low, high]).search(vectors[0], 2).ids.tolist()) == [
            low,
            high,
        ]
        assert index.remove(1) == 1 and index.search(vectors[0], 3, exclude=2).ids.tolist() == [0]

    @pytest.mark.parametrize("k", [0, -1, 1.0, 2.5, True, None, "3", np.nan, [2]])
    def test_k_is_a_whole_number_from_1_on(self, make, k):
        with pytest.raises(ValueError, match="k must be a whole number of at least 1, got"):
            make().build(unit_vectors(3), np.arange(3)).search(np.zeros(8), k)

    def test_k_may_be_as_large_as_one_likes(self, make):
        index = make().build(unit_vectors(3), np.arange(3))
        for k in (np.int8(5), 2**31, 2**63, 2**70):
            assert index.search(np.ones(8), k).ids.shape == (3,)
            assert index.search(np.ones(8), k, exclude=[1]).ids.shape == (2,)

    @pytest.mark.parametrize(
        "queries",
        [["a"], [[True] * 8], [None] * 8, [1j] * 8, np.full(8, 1e16), np.full(8, 1e300), [[1], [1, 2]]],
    )
    def test_queries_are_real_numbers_of_usable_size(self, make, queries):
        with pytest.raises(ValueError, match="queries must be "):
            make().build(unit_vectors(3), np.arange(3)).search(queries, 1)
        with pytest.raises(ValueError, match="queries must be "):
            make().search(queries, 1)

    @pytest.mark.parametrize(
        ("last", "shown"),
        [
            (2**63, "9223372036854775808"),
            (-(2**63) - 1, "-9223372036854775809"),
            (np.uint64(2**63), "9223372036854775808"),
            (1.5, "1.5"),
            (3.0, r"\d\.0"),
            (np.nan, "nan"),
            ("3", "'3'|'0'"),
            (None, "None"),
            (True, "True"),
        ],
    )
    def test_ids_that_an_index_cannot_hold_are_refused_by_name(self, make, last, shown):
        said = f"must be whole numbers from -9223372036854775808 to 9223372036854775807, got ({shown})"
        index = make().build(unit_vectors(3), [7, 8, 9])
        for name, call in {
            "ids": lambda: make().build(unit_vectors(3), [0, 1, last]),
            "ids ": lambda: index.add(unit_vectors(1), [last]),
            "ids  ": lambda: index.remove([last]),
            "exclude": lambda: index.search(np.ones(8), 1, exclude=np.array([last])),
        }.items():
            with pytest.raises(ValueError, match=f"{name.strip()} {said}"):
                call()
        assert sorted(index.ids.tolist()) == [7, 8, 9]
        largest = make().build(unit_vectors(2), np.array([2**63 - 1, 5], np.uint64))
        assert sorted(largest.search(np.ones(8), 2).ids.tolist()) == [5, 2**63 - 1]

    def test_empty_lists(self, make):
        index = make().build(unit_vectors(3), np.arange(3))
        found = index.search([], 2)
        assert found.ids.shape == found.scores.shape == (0, 2)
        assert found.ids.dtype == np.int64 and found.scores.dtype == np.float32
        assert index.search([], 2, exclude=[]).ids.shape == (0, 2)
        assert index.search(np.ones(8), 2, exclude=[]).ids.shape == (2,)
        assert index.remove([]) == 0 and index.add([], []) is None and len(index) == 3
        assert len(index.build([], [])) == 0 and index.search([], 2).ids.shape == (0, 0)

    def test_vectors_without_an_axis_and_lists_that_are_none(self, make):
        with pytest.raises(ValueError, match="with d from 1 on"):
            make().build(np.zeros((2, 0)), [0, 1])
        index = make().build(unit_vectors(3), np.arange(3))
        for exclude in (5, np.array(5), "ab"):
            with pytest.raises(ValueError, match="exclude must have a list of ids for each query"):
                index.search(np.zeros((2, 8)), 1, exclude=exclude)
        with pytest.raises(ValueError, match="embeddings must have dimension 8, got"):
            index.add(np.zeros((0, 5)), [])

    def test_an_empty_index_has_no_columns(self, make):
        for index in (make(), make().build(np.zeros((0, 4)), [])):
            assert index.search(np.zeros(4), 3).ids.shape == (0,)
            assert index.search(np.zeros((2, 4)), 3, exclude=[np.array([1])] * 2).ids.shape == (2, 0)
            assert index.remove([1]) == 0 and len(index) == 0

    def test_one_film(self, make):
        alone = make().build(unit_vectors(1), [5])
        assert alone.search(unit_vectors(1, seed=3)[0], 3).ids.tolist() == [5]
        assert alone.search(unit_vectors(1)[0], 3, exclude=np.array([5])).ids.shape == (0,)

    @pytest.mark.parametrize("value", [0.0, 1.0, -3.5])
    def test_all_vectors_equal(self, make, value):
        index = make().build(np.full((60, 4), value), np.arange(60))
        scores, ids = index.search(np.ones(4), 7)
        assert len(set(ids.tolist())) == 7 and np.array_equal(scores, np.full(7, 4 * value, dtype=np.float32))

    def test_to_a_query_of_zeros_every_score_is_zero(self, make):
        scores, ids = make().build(unit_vectors(40), np.arange(40)).search(np.zeros(8), 6)
        assert not scores.any() and len(set(ids.tolist())) == 6 and (np.diff(ids) > 0).all()

    def test_vectors_of_any_length_and_a_query_unlike_them_all(self, make):
        vectors = 1000 * unit_vectors(40) + 500
        scores, ids = make().build(vectors, np.arange(40)).search(-vectors.mean(axis=0), 40)
        assert sorted(ids.tolist()) == list(range(40))
        np.testing.assert_allclose(scores, -vectors[ids] @ vectors.mean(axis=0), rtol=1e-5)

    def test_the_callers_arrays_are_left_alone(self, make):
        vectors, queries = unit_vectors(30), unit_vectors(2, seed=1)
        kept = vectors.copy(), queries.copy()
        index = make().build(vectors, np.arange(30))
        index.search(queries, 3)
        index.remove([3])
        assert np.array_equal(vectors, kept[0]) and np.array_equal(queries, kept[1])

    def test_the_same_seed_gives_the_same_index(self, make):
        vectors, queries = clustered(400, 20)
        one, two = (make().build(vectors, np.arange(400)).search(queries, 5) for _ in range(2))
        assert np.array_equal(one.ids, two.ids)


def recall(index, vectors, queries, k=10):
    exact = ExactIndex().build(vectors, np.arange(len(vectors))).search(queries, k)
    return recall_by_score(index.search(queries, k).scores, exact.scores)


class TestRecall:
    """Floors at seed 0: 5,000 unit vectors of 64 dimensions in 200 clusters."""

    vectors, queries = clustered(5000, 200, dim=64)

    def build(self, index):
        return index.build(self.vectors, np.arange(len(self.vectors)))

    def test_lsh_scan(self):
        assert recall(self.build(LSHIndex(256, 16)), self.vectors, self.queries) > 0.98

    def test_lsh_buckets_rise_with_their_probes(self):
        index = self.build(LSHIndex(256, 16))
        recalls = []
        for probes in (1, 4, 16, 64):
            index.query = LSHQuery(20, "buckets", probes)
            recalls.append(recall(index, self.vectors, self.queries))
        assert recalls == sorted(recalls) and recalls[-1] > 0.95

    def test_weak_and_rises_with_its_probes(self):
        index = self.build(WeakANDIndex(100, 10))
        recalls = []
        for probes in (1, 4, 16, 100):
            index.query = WeakANDQuery(probes, 10)
            recalls.append(recall(index, self.vectors, self.queries))
        assert recalls == sorted(recalls) and recalls[2] > 0.98 and recalls[3] > 0.999

    def test_token_score_ranks_so_well_that_few_candidates_suffice(self):
        index = self.build(WeakANDIndex(100, 2))
        index.query = WeakANDQuery(100, 2)
        assert recall(index, self.vectors, self.queries) > 0.99

    @pytest.mark.parametrize("maker", [lambda: LSHIndex(128, 8), lambda: WeakANDIndex(100)])
    def test_tuning_reaches_its_target_at_the_first_point_that_does(self, maker):
        index = self.build(maker())
        tuned = tune(index, self.queries, 0.97)
        assert tuned.reached and tuned.recall >= 0.97
        assert recall(index, self.vectors, self.queries) == pytest.approx(tuned.recall)
        points = index.operating_points()
        assert index.query in points
        for cheaper in points[: points.index(index.query)]:
            index.query = cheaper
            assert recall(index, self.vectors, self.queries) < 0.99

    def test_a_target_out_of_reach_keeps_the_most_thorough_point(self):
        rng = np.random.default_rng(0)
        index = LSHIndex(8, 2).build(rng.standard_normal((9000, 16)), np.arange(9000))
        tuned = tune(index, rng.standard_normal((50, 16)).astype(np.float32), 1.0)
        assert not tuned.reached and index.query == index.operating_points()[-1]


def test_parameters_that_do_not_fit():
    with pytest.raises(ValueError, match="divide evenly into its tables, got num_bits 100 and num_tables 16"):
        LSHIndex(100, 16)
    with pytest.raises(ValueError, match="num_partitions must be a whole number from 1 to 2147483647, got 0"):
        WeakANDIndex(0)
    with pytest.raises(ValueError, match="candidates_factor"):
        WeakANDIndex(5, 0)
    with pytest.raises(ValueError, match="method must be one of auto, scan, buckets, got 'tree'"):
        LSHQuery(method="tree")
    with pytest.raises(ValueError, match="probes must be a whole number from 1 to 65536, got 0"):
        LSHQuery(probes=0)
    for wrong in (0, -1, 1.5, True, np.nan, "8", 2**63, 2**70, np.uint64(2**64 - 1)):
        for name, make in (
            ("num_bits", lambda value: LSHIndex(num_bits=value)),
            ("num_tables", lambda value: LSHIndex(num_tables=value)),
            ("candidates_factor", lambda value: LSHQuery(candidates_factor=value)),
            ("probes", lambda value: LSHQuery(probes=value)),
            ("num_partitions", lambda value: WeakANDIndex(num_partitions=value)),
            ("candidates_factor", lambda value: WeakANDIndex(candidates_factor=value)),
            ("probes", lambda value: WeakANDQuery(probes=value)),
            ("candidates_factor", lambda value: WeakANDQuery(candidates_factor=value)),
        ):
            with pytest.raises(ValueError, match=f"{name} must be a whole number from 1 to .*, got"):
                make(wrong)
    for wrong in (-1, 1.5, True, "8", 2**63):
        for make in (LSHIndex, WeakANDIndex):
            with pytest.raises(ValueError, match="seed must be a whole number from 0 to .*, got"):
                make(seed=wrong)
    for wrong in (-0.1, np.nan, np.inf, 1e9, True, "1"):
        with pytest.raises(ValueError, match="wand_factor must be a number from 0 to 1000, got"):
            WeakANDQuery(wand_factor=wrong)
    query = LSHQuery(np.int64(3), probes=np.uint8(4))
    assert type(query.candidates_factor) is type(query.probes) is int
    with pytest.raises(ValueError, match="at most 8192 dimensions, got 8193"):
        WeakANDIndex().build(np.zeros((1, 8193)), [0])
    index = LSHIndex(64, 2).build(unit_vectors(5), np.arange(5))
    index.query = LSHQuery(method="buckets")
    with pytest.raises(ValueError, match="keys of at most 20 bits, got 64 bits in 2 tables"):
        index.search(np.zeros(8), 1)


def test_more_probes_than_buckets_are_all_buckets():
    vectors = unit_vectors(300)
    index = LSHIndex(12, 4).build(vectors, np.arange(300))
    index.query = LSHQuery(1, "buckets", 8)
    expected = index.search(vectors, 5)
    index.query = LSHQuery(1, "buckets", 60_000)
    assert np.array_equal(index.search(vectors, 5).ids, expected.ids)


def test_tuning_needs_something_to_tune_on():
    index = LSHIndex(8, 2).build(unit_vectors(9), np.arange(9))
    with pytest.raises(ValueError, match="tuning needs vectors and queries, got 9 and 0"):
        tune(index, np.zeros((0, 8)), 0.9)
    with pytest.raises(ValueError, match="tuning needs vectors and queries, got 0 and 3"):
        tune(LSHIndex(8, 2), np.zeros((3, 8)), 0.9)
    with pytest.raises(ValueError, match="target_recall must be a number from 0 to 1, got 1.5"):
        tune(index, unit_vectors(3), 1.5)


def test_representations():
    vectors = unit_vectors(20)
    assert repr(ExactIndex().build(vectors, np.arange(20))) == "ExactIndex(20 x 8)"
    text = repr(LSHIndex(64, 8).build(vectors, np.arange(20)))
    assert text.startswith("LSHIndex(20 x 8, 64 bits in 8 tables, scan, LSHQuery(")
    text = repr(WeakANDIndex(5).build(vectors, np.arange(20)))
    assert text.startswith("WeakANDIndex(20 x 8, 5 partitions, WeakANDQuery(")


def test_buckets_are_chosen_on_large_catalogues_only(monkeypatch):
    index = LSHIndex(64, 8).build(unit_vectors(50), np.arange(50))
    assert index.method == "scan" and all(point.method == "scan" for point in index.operating_points())
    monkeypatch.setattr("search.lsh.index.BUCKETS_FROM", 50)
    assert index.method == "buckets" and index.operating_points()[0].method == "buckets"
    wide = LSHIndex(64, 1).build(unit_vectors(50), np.arange(50))
    assert wide.method == "scan"


def test_a_build_that_fails_leaves_the_old_index(monkeypatch):
    vectors = unit_vectors(5)
    index = WeakANDIndex().build(vectors, np.arange(5))
    with pytest.raises(ValueError, match="at most 8192"):
        index.build(np.zeros((2, 9000)), [8, 9])
    assert index.search(vectors[3], 1).ids.tolist() == [3]
