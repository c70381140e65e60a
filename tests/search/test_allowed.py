"""Searches in a part of an index: all answers are allowed, there are k or all, exact ones are the best."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import VECTOR_FORMS
from search import ExactIndex, LSHIndex, LSHQuery, ShardedIndex, WeakANDIndex, WeakANDQuery
from search.subset import IdRows
from search.tuning import recall_by_score
from tests.fuzzing import fuzz
from tests.search.test_nearest_neighbors import clustered, unit_vectors


def with_query(index, query):
    index.query = query
    return index


@pytest.fixture
def few_are_not_all_scored(monkeypatch):
    """So that small catalogues use signatures and partitions too."""
    monkeypatch.setattr("search.lsh.index.EXACT_UP_TO", 8)
    monkeypatch.setattr("search.weak_and.index.EXACT_UP_TO", 8)
    monkeypatch.setattr("search.weak_and.index.EXACT_FACTOR", 1)


MAKERS = {
    "exact": ExactIndex,
    "lsh": lambda form: with_query(LSHIndex(64, 8, vectors=form), LSHQuery(2)),
    "lsh buckets": lambda form: with_query(LSHIndex(64, 16, vectors=form), LSHQuery(1, "buckets", 2)),
    "ivf": lambda form: with_query(WeakANDIndex(9, vectors=form), WeakANDQuery(1, 1)),
    "ivf hasty": lambda form: with_query(WeakANDIndex(40, vectors=form), WeakANDQuery(2, 1, 3.0)),
}
MAKERS |= {
    f"sharded {name}": lambda form, make=MAKERS[name]: ShardedIndex([make(form) for _ in range(3)])
    for name in ("exact", "lsh", "ivf")
}


@pytest.mark.usefixtures("few_are_not_all_scored")
@fuzz(200)
@given(
    name=st.sampled_from(sorted(MAKERS)),
    form=st.sampled_from(VECTOR_FORMS),
    count=st.integers(0, 300),
    k=st.integers(1, 40),
    num_queries=st.sampled_from([None, 0, 1, 3, 25]),
    shares=st.tuples(st.sampled_from([0, 0.02, 0.3, 0.7, 1]), st.sampled_from([0, 0.02, 0.3, 0.7, 1])),
    num_excluded=st.sampled_from([None, 0, 3, 100]),
    per_query=st.booleans(),
    prepared=st.booleans(),
    row_ids=st.booleans(),
    whole_numbers=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_the_best_that_are_allowed(
    name, form, count, k, num_queries, shares, num_excluded, per_query, prepared, row_ids, whole_numbers, seed
):
    """Ids are repeated and foreign ones among them; with whole numbers most scores are equal."""
    rng = np.random.default_rng(seed)
    shape = (num_queries or 1, 6)
    vectors, queries = (
        rng.integers(-2, 3, size) if whole_numbers else rng.standard_normal(size)
        for size in ((count, 6), shape)
    )
    queries = queries[0] if num_queries is None else queries[:num_queries]
    ids = np.arange(count) if row_ids else rng.permutation(10**12 + 3 * np.arange(count))
    index = MAKERS[name](form).build(vectors, ids)
    several = range(num_queries or 1) if num_queries != 0 else range(0)

    def some(share):
        chosen = rng.choice(ids, rng.integers(0, int(share * count) + 1)) if count else ids
        return np.concatenate([chosen, [-7, 10**13, -7]])

    if per_query and num_queries is not None:
        each = [some(shares[i % 2]) for i in several]
        allowed = [index.subset(one) for one in each] if prepared else each
    else:
        each = [some(shares[0])] * len(several)
        allowed = each[0] if several else some(shares[0])
        allowed = index.subset(allowed) if prepared else allowed
    out, exclude = [np.zeros(0, int)] * len(several), None
    if num_excluded is not None:
        out = [rng.choice(ids, min(num_excluded, count), replace=False) for _ in several]
        exclude = out[0] if num_queries is None else out
    found = index.search(queries, k, exclude=exclude, allowed=allowed)
    left = [np.setdiff1d(np.intersect1d(one, ids), without) for one, without in zip(each, out, strict=True)]
    rows, all_scores = (np.atleast_2d(array) for array in (found.ids, found.scores))
    assert len(rows) == len(several)
    if several:
        assert rows.shape[1] == min([k, *map(len, left)])
    exact = ExactIndex(form).build(vectors, ids)
    for i, answers in enumerate(rows):
        assert len(set(answers.tolist())) == len(answers) and np.isin(answers, left[i]).all()
        query = queries if num_queries is None else queries[i]
        scores = all_scores[i]
        assert (np.diff(scores) <= 0).all()
        whole = exact.search(query, max(count, 1))
        keep = np.isin(whole.ids, left[i] if "exact" in name else answers)
        assert np.array_equal(scores, whole.scores[keep][: len(scores)])  # to the bit
        assert np.array_equal(answers, whole.ids[keep][: len(scores)])


@fuzz(100)
@given(
    count=st.integers(0, 200),
    wanted=st.lists(st.integers(-5, 250), max_size=300),
    kind=st.sampled_from(["rows", "rising", "any", "limits"]),
    seed=st.integers(0, 10**6),
)
def test_rows_of_ids(count, wanted, kind, seed):
    rng = np.random.default_rng(seed)
    ids = {
        "rows": lambda: np.arange(count),
        "rising": lambda: np.sort(rng.choice(240, count, replace=False)) - 3,
        "any": lambda: rng.permutation(240)[:count],
        "limits": lambda: np.unique(np.append(np.arange(count), [-(2**63), 2**63 - 1])),
    }[kind]()
    expected = sorted(row for row, one in enumerate(ids.tolist()) if one in set(wanted))
    assert IdRows(ids).find(np.array(wanted, np.int64)).tolist() == expected


def test_a_prepared_subset_is_valid_until_the_index_changes():
    vectors = unit_vectors(40)
    for make in MAKERS.values():
        index = make("float32").build(vectors, np.arange(40))
        subset = index.subset([3, 5, 5, 99])
        assert sorted(index.search(vectors[0], 9, allowed=subset).ids.tolist()) == [3, 5]
        other = make("float32").build(vectors, np.arange(40))
        with pytest.raises(ValueError, match="allowed is a subset of another index or of earlier vectors"):
            other.search(vectors[0], 9, allowed=subset)
        index.remove([0, 1, 2, 5])
        with pytest.raises(ValueError, match="make it again"):
            index.search(vectors[0], 9, allowed=subset)


@pytest.mark.parametrize("name", MAKERS)
def test_allowed_ids_may_change_between_searches(name):
    index, allowed = MAKERS[name]("float32").build(unit_vectors(40), np.arange(40)), np.arange(8)
    for _ in range(2):
        assert sorted(index.search(np.ones(8), 40, allowed=allowed).ids.tolist()) == list(range(8))
    allowed += 20  # the same array, of other ids
    assert sorted(index.search(np.ones(8), 40, allowed=allowed).ids.tolist()) == list(range(20, 28))
    index.remove([21])
    assert sorted(index.search(np.ones(8), 40, allowed=allowed).ids.tolist()) == [20, *range(22, 28)]


@pytest.mark.parametrize("name", MAKERS)
def test_what_cannot_be_allowed(name):
    index = MAKERS[name]("float32").build(unit_vectors(20), np.arange(20))
    for wrong in ([1.5], [None], ["3"], [True], 2.0, "ab", [2**63]):
        for call in (
            lambda wrong=wrong: index.search(np.ones(8), 2, allowed=wrong),
            lambda wrong=wrong: index.search(np.ones((2, 8)), 2, allowed=[[1], wrong]),
        ):
            with pytest.raises(ValueError, match=r"^allowed must be whole numbers from -[^\n]*$"):
                call()
        with pytest.raises(ValueError, match="^ids must be whole numbers"):
            index.subset(wrong)
    with pytest.raises(ValueError, match="allowed must have a list of ids for each query, got 3 for 2"):
        index.search(np.ones((2, 8)), 2, allowed=[[1], [2], [3]])
    assert index.search(np.ones((2, 8)), 2, allowed=np.array([], int)).ids.shape == (2, 0)
    assert index.search(np.ones(8), 2, allowed=[]).ids.shape == (0,)
    assert index.search(np.ones(8), 2, allowed=7).ids.tolist() == [7]
    assert index.search(np.ones((2, 8)), 2, allowed=np.array([[7], [8]])).ids.tolist() == [[7], [8]]


@pytest.mark.parametrize("name", MAKERS)
def test_a_list_of_ids_is_for_all_queries(name):
    """However many it has: with as many as queries it is not one id for each."""
    vectors = unit_vectors(20)
    index = MAKERS[name]("float32").build(vectors, np.arange(20))
    for ids in ([7, 3], (7, 3, 8), list(np.arange(4)), []):
        found = index.search(vectors[:2], 3, allowed=ids)
        one = index.search(vectors[:2], 3, allowed=np.array(ids, int))
        assert found.ids.shape == (2, min(3, len(ids)))
        assert np.array_equal(found.ids, one.ids) and np.array_equal(found.scores, one.scores)
        assert index.effort(vectors[:2], 3, ids) == index.effort(vectors[:2], 3, np.array(ids, int))


APPROXIMATE = {"lsh": LSHIndex, "ivf": WeakANDIndex}


@pytest.mark.parametrize("share", [0.5, 0.2, 0.05])
@pytest.mark.parametrize("name", APPROXIMATE)
def test_recall_is_not_below_that_without_a_condition(name, share):
    vectors, queries = clustered(40_000, 1500)
    queries, ids = queries[:400], np.arange(40_000)
    index, exact = (make().build(vectors, ids) for make in (APPROXIMATE[name], ExactIndex))
    allowed = np.flatnonzero(np.random.default_rng(0).random(40_000) < share)
    without, under = (
        recall_by_score(
            index.search(queries, 10, allowed=which).scores, exact.search(queries, 10, allowed=which).scores
        )
        for which in (None, allowed)
    )
    assert under >= without > 0.9


@pytest.mark.usefixtures("few_are_not_all_scored")
def test_effort_is_what_was_looked_at():
    vectors, queries = clustered(4000, 100)
    ids, some = np.arange(4000), np.arange(0, 4000, 2)
    exact = ExactIndex().build(vectors, ids)
    assert exact.effort(queries, 10) == (0, 1) and exact.effort(queries, 10, some) == (0, 0.5)
    assert exact.effort(queries[0], 10, [3, 5]) == (0, 0.0005)
    assert exact.effort(queries[:2], 10, [[3, 5], ids[:6]]) == (0, 0.001)
    lsh = with_query(LSHIndex().build(vectors, ids), LSHQuery(20, "scan"))
    assert lsh.effort(queries, 10) == (1, 0.05)  # 20 k of 4,000
    assert lsh.effort(queries, 10, some) == (0.5, 0.05) and lsh.effort(queries, 10, np.array([7])) == (
        0,
        0.00025,
    )
    for index in (
        with_query(LSHIndex().build(vectors, ids), LSHQuery(20, "buckets")),
        WeakANDIndex().build(vectors, ids),
    ):
        for allowed in (None, some):
            effort = index.effort(queries, 10, allowed)
            assert 0 < effort.scored < effort.compared < 0.6
    assert WeakANDIndex().effort([], 3) == LSHIndex().effort([], 3, []) == (0, 0)
