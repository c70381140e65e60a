"""Compact vectors: every index over float16 and int8 against naive loops over the decoded vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import VECTOR_FORMS
from search import ExactIndex, LSHIndex, WeakANDIndex
from search.scan import Catalogue, best_by_product, best_by_scan
from search.vectors import Vectors
from tests.fuzzing import fuzz
from tests.search.test_nearest_neighbors import clustered, unit_vectors

COMPACT = ("float16", "int8")
MAKERS = {
    "exact": lambda form: ExactIndex(form),
    "lsh": lambda form: LSHIndex(64, 8, vectors=form),
    "ivf": lambda form: WeakANDIndex(5, 3, vectors=form),
}


@st.composite
def vectors_of_any_length(draw):
    """Float32 ``[n, d]`` with rows of zeros and rows from very short to very long."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    shape = draw(st.integers(1, 60)), draw(st.integers(1, 40))
    lengths = 10.0 ** rng.uniform(-12, 12, (shape[0], 1)) * (rng.random((shape[0], 1)) < 0.9)
    return (rng.standard_normal(shape) * lengths).astype(np.float32)


@fuzz(60)
@given(vectors=vectors_of_any_length(), form=st.sampled_from(COMPACT))
def test_a_stored_vector_is_close_to_the_given_one(vectors, form):
    stored = Vectors.encode(vectors, form)
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    off = np.linalg.norm(stored.decode().astype(np.float64) - vectors, axis=1)
    assert (off <= stored.relative_error * lengths + 1e-37).all()
    if form == "int8":
        coarse = stored.codes * stored.scales[:, None].astype(np.float64)
        assert (np.abs(coarse - vectors) <= 0.5001 * stored.scales[:, None]).all()


@fuzz(60)
@given(vectors=vectors_of_any_length(), form=st.sampled_from(VECTOR_FORMS), seed=st.integers(0, 99))
def test_taking_joining_and_files_agree_with_numpy(vectors, form, seed):
    rng = np.random.default_rng(seed)
    stored = Vectors.encode(vectors, form)
    order = rng.permutation(len(vectors))
    assert np.array_equal(stored.take(order).decode(), stored.decode()[order])
    cut = rng.integers(len(vectors) + 1)
    halves = Vectors.encode(vectors[:cut], form), Vectors.encode(vectors[cut:], form)
    assert np.array_equal(halves[0].join(halves[1]).decode(), stored.decode())
    assert np.array_equal(Vectors.from_arrays(stored.as_arrays()).decode(), stored.decode())
    assert np.array_equal(stored.decode(3, 7), stored.decode()[3:7])


def naive_best(stored, query, k):
    """Scores by a loop over the float16 codes, which decide for int8 too."""
    scales = stored.scales.astype(np.float64)
    halves = (stored.fine if len(stored.fine) else stored.codes).view(np.float16).astype(np.float64)
    return np.array(
        sorted((scales[row] * (halves[row] @ query) for row in range(len(scales))), reverse=True)[:k]
    )


@fuzz(40)
@given(
    form=st.sampled_from(COMPACT),
    count=st.integers(1, 1500),
    dim=st.integers(1, 40),
    k=st.integers(1, 30),
    seed=st.integers(0, 99),
)
def test_both_exact_searches_find_what_a_loop_finds(form, count, dim, k, seed):
    vectors, queries = unit_vectors(count, dim, seed), unit_vectors(3, dim, seed + 1)
    stored, k = Vectors.encode(vectors, form), min(k, count)
    for best in (best_by_scan, best_by_product):
        scores, rows = best(Catalogue.of(stored, np.arange(count)), queries, k)
        for query, found, found_rows in zip(queries, scores, rows, strict=True):
            expected = naive_best(stored, query.astype(np.float64), k)
            np.testing.assert_allclose(found, expected, atol=1e-5)
            np.testing.assert_allclose(found, stored.decode()[found_rows] @ query, atol=1e-5)
            assert len(set(found_rows.tolist())) == k


def test_blocks_of_a_large_catalogue_are_put_together(monkeypatch):
    monkeypatch.setattr("search.scan.VECTOR_BLOCK", 100)
    monkeypatch.setattr("search.scan.QUERY_BLOCK", 30)
    vectors, queries = clustered(1010, 20)
    for form in COMPACT:
        index = ExactIndex(form).build(vectors, np.arange(1010))
        together = index.search(queries, 7)  # 101 queries: by blocks
        for row, query in enumerate(queries):
            alone = index.search(query, 7)
            assert np.array_equal(alone.scores, together.scores[row])
            assert np.array_equal(alone.ids, together.ids[row])
        best = np.sort(vectors @ queries.T, axis=0)[::-1][:7].T
        np.testing.assert_allclose(together.scores, best, atol=1e-3)


@fuzz(40)
@given(
    name=st.sampled_from(sorted(MAKERS)),
    form=st.sampled_from(COMPACT),
    count=st.integers(1, 60),
    num_added=st.integers(0, 20),
    num_removed=st.integers(0, 20),
    num_excluded=st.integers(0, 5),
    seed=st.integers(0, 99),
)
def test_a_mapped_index_that_changes_equals_one_in_memory(
    name, form, count, num_added, num_removed, num_excluded, seed, tmp_path_factory
):
    rng = np.random.default_rng(seed)
    vectors, ids = unit_vectors(count + num_added, seed=seed), rng.permutation(1000)[: count + num_added]
    queries = unit_vectors(3, seed=seed + 1)
    ours = MAKERS[name](form).build(vectors[:count], ids[:count])
    path = tmp_path_factory.mktemp("mapped") / "index.npz"
    ours.save(path)
    mapped = type(ours).load(path, verify=True)
    removed = rng.choice(ids, min(num_removed, len(ids)), replace=False)
    for index in (ours, mapped):
        index.add(vectors[count:], ids[count:])
        index.remove(removed)
    excluded = [rng.choice(ids, min(num_excluded, len(ids)), replace=False) for _ in queries]
    found, expected = (index.search(queries, 6, exclude=excluded) for index in (mapped, ours))
    assert np.array_equal(found.ids, expected.ids) and np.array_equal(found.scores, expected.scores)
    stays = ~np.isin(ids, removed)
    left = dict(zip(ids[stays].tolist(), vectors[stays], strict=True))
    for query, row_ids, scores, out in zip(queries, found.ids, found.scores, excluded, strict=True):
        assert not np.isin(row_ids, out).any() and set(row_ids.tolist()) <= set(left)
        np.testing.assert_allclose(scores, [left[i] @ query for i in row_ids.tolist()], atol=1e-3)
    if name == "exact":
        rebuilt = ExactIndex(form).build(vectors[stays], ids[stays]).search(queries, 6, exclude=excluded)
        assert np.array_equal(found.ids, rebuilt.ids) and np.array_equal(found.scores, rebuilt.scores)


@pytest.mark.parametrize("form", COMPACT)
@pytest.mark.parametrize("name", MAKERS)
def test_recall_is_that_of_float32(name, form):
    vectors, queries = clustered(5000, 200, dim=64)
    ids = np.arange(5000)
    best = np.sort(queries @ vectors.T, axis=1)[:, -10:-9]  # the tenth
    recalls = []
    for index in (MAKERS[name]("float32"), MAKERS[name](form)):
        found = index.build(vectors, ids).search(queries, 10).ids
        scores = np.einsum("nkd,nd->nk", vectors[found], queries)
        recalls.append((scores >= best - 1e-5).mean())
    assert recalls[1] >= recalls[0] - 0.005


@pytest.mark.parametrize("form", COMPACT)
def test_a_damaged_vector_does_not_keep_others_from_their_places(form, tmp_path):
    vectors, path = unit_vectors(500, 16), tmp_path / "index.npz"
    index = ExactIndex(form).build(vectors, np.arange(500))
    index.save(path)
    row = (index._stored.fine if form == "int8" else index._stored.codes)[3].tobytes()
    path.write_bytes(path.read_bytes().replace(row, b"\xff" * len(row)))  # NaN
    found, expected = (i.search(vectors[10:20], 10).ids for i in (ExactIndex.load(path), index))
    for ids, best in zip(found.tolist(), expected.tolist(), strict=True):
        assert set(best) - {3} <= set(ids)
    everything = ExactIndex.load(path).search(vectors[0], 500).ids.tolist()
    assert sorted(everything) == list(range(500)) and everything[-1] == 3


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [19, 20])
def test_exact_search_takes_arrays_that_are_read_only(count):
    vectors = unit_vectors(60, 16)
    expected = ExactIndex().build(vectors, np.arange(60)).search(vectors[:count], 5).ids
    vectors.setflags(write=False)
    assert np.array_equal(ExactIndex().build(vectors, np.arange(60)).search(vectors[:count], 5).ids, expected)


def test_sizes_and_names():
    vectors = unit_vectors(100, 64)
    sizes = {form: sum(a.nbytes for a in Vectors.encode(vectors, form)) for form in VECTOR_FORMS}
    assert sizes == {"float32": 25_600, "float16": 12_800 + 400, "int8": 6_400 + 400 + 12_800}
    assert "100 x 64 int8" in repr(ExactIndex("int8").build(vectors, np.arange(100)))
    for make in (ExactIndex, lambda form: LSHIndex(vectors=form), lambda form: WeakANDIndex(vectors=form)):
        for wrong in ("float64", "", None, 8):
            with pytest.raises(ValueError, match="vectors must be one of float32, float16, int8, got"):
                make(wrong)
