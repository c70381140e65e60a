"""Exact search has one result: the best by score and, of equal scores, by id, however it is computed."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from config import VECTOR_FORMS
from search import ExactIndex
from search.kernels import products
from search.narrow import lengths_of, slack_of
from search.scan import Catalogue, best_by_product, best_by_scan, best_on_device
from search.vectors import Vectors
from tests.fuzzing import fuzz
from tests.search.test_nearest_neighbors import clustered, unit_vectors


def score(stored, query, rows):
    """The scores that decide, of some rows."""
    scores = np.empty(len(rows), dtype=np.float32)
    products(stored.fine if len(stored.fine) else stored.codes, stored.scales, query, rows, scores)
    return scores


def expected(stored, ids, query, k):
    """Scores and ids by sorting everything."""
    scores = score(stored, query, np.arange(len(ids)))
    order = np.lexsort((ids, -scores))[:k]
    return scores[order], ids[order]


def on_device(catalogue, queries, k):
    """The way of a GPU, with PyTorch on the CPU in its place."""
    return best_on_device(torch.from_numpy(catalogue.stored.decode()), catalogue, queries, k)


WAYS = {"scan": best_by_scan, "product": best_by_product, "device": on_device}


@fuzz(150)
@given(
    form=st.sampled_from(VECTOR_FORMS),
    way=st.sampled_from(sorted(WAYS)),
    count=st.integers(1, 900),
    dim=st.integers(1, 40),
    k=st.integers(1, 50),
    values=st.sampled_from([None, 1, 3]),
    seed=st.integers(0, 10**6),
)
def test_every_way_finds_what_sorting_finds(form, way, count, dim, k, values, seed):
    """With whole numbers most scores are equal; without, vectors are from very short to very long."""
    rng = np.random.default_rng(seed)
    shape, k = (count, dim), min(k, count)
    if values is None:
        vectors = rng.standard_normal(shape) * 10.0 ** rng.uniform(-8, 8, (count, 1))
        queries = rng.standard_normal((5, dim)) * 10.0 ** rng.uniform(-8, 8, (5, 1))
    else:
        vectors, queries = (rng.integers(-values, values + 1, s) for s in (shape, (5, dim)))
    vectors, queries = vectors.astype(np.float32), queries.astype(np.float32)
    stored, ids = Vectors.encode(vectors, form), rng.permutation(10**12 + np.arange(count))
    scores, found = WAYS[way](Catalogue.of(stored, ids), queries, k)
    for row, query in enumerate(queries):
        best_scores, best_ids = expected(stored, ids, query, k)
        assert np.array_equal(found[row], best_ids) and np.array_equal(scores[row], best_scores)


@fuzz(60)
@given(form=st.sampled_from(VECTOR_FORMS), dim=st.integers(1, 300), seed=st.integers(0, 10**6))
def test_a_score_depends_on_query_and_vector_alone(form, dim, seed):
    rng = np.random.default_rng(seed)
    stored = Vectors.encode(rng.standard_normal((67, dim)).astype(np.float32), form)
    query = rng.standard_normal(dim).astype(np.float32)
    whole = score(stored, query, np.arange(67))
    rows = rng.permutation(67)[: rng.integers(1, 68)]
    assert np.array_equal(score(stored, query, rows), whole[rows])
    assert np.array_equal(score(stored.take(rows), query, np.arange(len(rows))), whole[rows])
    stored.codes.setflags(write=False)  # another compiled version of the kernel
    assert np.array_equal(score(stored, query, rows), whole[rows])


@fuzz(60)
@given(form=st.sampled_from(VECTOR_FORMS), dim=st.integers(1, 300), seed=st.integers(0, 10**6))
def test_fast_scores_are_within_their_bounds(form, dim, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((200, dim)) * 10.0 ** rng.uniform(-6, 6, (200, 1))
    stored = Vectors.encode(vectors.astype(np.float32), form)
    queries = (rng.standard_normal((3, dim)) * 10.0 ** rng.uniform(-6, 6, (3, 1))).astype(np.float32)
    codes = stored.codes * stored.scales[:, None] if form == "int8" else stored.decode()
    for query in queries:
        slack = slack_of(query, stored.compact, form == "int8", 0.0)
        off = np.abs((codes @ query).astype(np.float64) - score(stored, query, np.arange(200)))
        assert (off <= slack * lengths_of(stored).astype(np.float64) + 1e-33).all()


@pytest.mark.parametrize("form", VECTOR_FORMS)
def test_of_equal_scores_at_the_end_the_lowest_ids_are_found(form):
    rng = np.random.default_rng(0)
    ids = rng.permutation(3000)
    index = ExactIndex(form).build(np.ones((3000, 16)), ids)  # far too many to narrow
    queries = np.ones((30, 16))
    assert index.search(queries[0], 7).ids.tolist() == list(range(7))
    assert (index.search(queries, 7).ids == np.arange(7)).all()
    assert index.search(queries[0], 3, exclude=[0, 2, 9]).ids.tolist() == [1, 3, 4]
    exclude = [np.arange(row) for row in range(30)]
    found = index.search(queries, 2, exclude=exclude).ids
    assert np.array_equal(found, np.arange(30)[:, None] + [0, 1])


def test_int8_finds_what_float16_finds():
    vectors, queries = clustered(6000, 200, dim=64)
    for asked in (queries, queries[0]):
        fine, coarse = (
            ExactIndex(form).build(vectors, np.arange(6000)).search(asked, 20) for form in ("float16", "int8")
        )
        assert np.array_equal(fine.ids, coarse.ids) and np.array_equal(fine.scores, coarse.scores)


@pytest.mark.parametrize("precision", ["high", "medium"])
def test_a_lower_precision_of_products_widens_the_bounds(precision):
    vectors, queries = clustered(2000, 50)
    index = ExactIndex().build(vectors, np.arange(2000))
    expected = index.search(queries, 10)
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(precision)
        found = index.search(queries, 10)
    finally:
        torch.set_float32_matmul_precision(before)
    assert np.array_equal(found.ids, expected.ids) and np.array_equal(found.scores, expected.scores)


@pytest.mark.parametrize("form", VECTOR_FORMS)
@pytest.mark.parametrize("count", [60, 700])
def test_a_damaged_vector_is_found_once_and_last(form, count, tmp_path):
    vectors, path = unit_vectors(count, 16), tmp_path / "index.npz"
    index = ExactIndex(form).build(vectors, np.arange(count))
    index.save(path)
    row = (index._stored.fine if form == "int8" else index._stored.codes)[3].tobytes()
    path.write_bytes(path.read_bytes().replace(row, b"\xff" * len(row)))  # NaN
    damaged = ExactIndex.load(path)
    catalogue = Catalogue.of(damaged._stored, damaged.ids)
    for found in (
        *(damaged.search(query, count).ids for query in vectors[:3]),
        *damaged.search(vectors[:25], count).ids,
        *(row for way in WAYS.values() for row in way(catalogue, vectors[:3], count)[1]),
    ):
        assert sorted(found.tolist()) == list(range(count)) and found[-1] == 3
    best = index.search(vectors[10:40], 10).ids
    for ids, with_it in zip(damaged.search(vectors[10:40], 10).ids.tolist(), best.tolist(), strict=True):
        assert 3 not in ids and set(with_it) - {3} <= set(ids)
