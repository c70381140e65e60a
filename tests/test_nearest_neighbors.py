import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.nearest_neighbors import ExactIndex


def unit_vectors(count, dim=8, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 5), st.integers(0, 99))
def test_it_equals_brute_force(count, k, num_excluded, seed):
    rng = np.random.default_rng(seed)
    vectors, ids = unit_vectors(count, seed=seed), rng.permutation(10**12 + np.arange(count))
    queries = unit_vectors(4, seed=seed + 1)
    exclude = [rng.choice(ids, min(num_excluded, count - 1), replace=False) for _ in queries]
    scores, found = ExactIndex().build(vectors, ids).search(queries, k, exclude=exclude)
    assert scores.dtype == np.float32 and found.dtype == np.int64
    for row, out in enumerate(exclude):
        allowed = ~np.isin(ids, out)
        expected = np.sort(vectors[allowed] @ queries[row])[::-1][:k]
        assert len(found[row]) == min(k, allowed.sum()) == len(set(found[row].tolist()))
        np.testing.assert_allclose(scores[row], expected, atol=1e-6)
        position = {name: place for place, name in enumerate(ids.tolist())}
        rows = [position[name] for name in found[row].tolist()]
        np.testing.assert_allclose(scores[row], vectors[rows] @ queries[row], atol=1e-6)
        assert not np.isin(found[row], out).any()


def test_one_query_equals_a_batch_of_one():
    index = ExactIndex().build(unit_vectors(20), np.arange(20))
    one = index.search(unit_vectors(1, seed=5)[0], 4, exclude=np.array([3, 99]))
    many = index.search(unit_vectors(1, seed=5), 4, exclude=[np.array([3, 99])])
    assert one.ids.shape == (4,) and many.ids.shape == (1, 4)
    assert np.array_equal(one.ids, many.ids[0]) and np.array_equal(one.scores, many.scores[0])


def test_add_and_remove():
    vectors = unit_vectors(10)
    index = ExactIndex().build(vectors[:6], np.arange(6))
    index.add(vectors[6:], np.arange(6, 10))
    assert len(index) == 10 and index.search(vectors[8], 1).ids.tolist() == [8]
    assert index.remove([8, 77]) == 1
    assert 8 not in index.search(vectors[8], 10).ids
    with pytest.raises(ValueError, match="distinct, got 1 repeats"):
        index.add(vectors[:1], [0])


@pytest.mark.parametrize(
    ("queries", "k", "message"),
    [
        (np.zeros(8), 0, "k must be at least 1, got 0"),
        (np.zeros(8), -3, "k must be at least 1, got -3"),
        (np.zeros(5), 1, "dimension 8"),
        (np.full(8, np.nan), 1, "nan or infinite"),
    ],
)
def test_bad_queries(queries, k, message):
    with pytest.raises(ValueError, match=message):
        ExactIndex().build(unit_vectors(3), np.arange(3)).search(queries, k)


def test_bad_vectors():
    with pytest.raises(ValueError, match="nan or infinite"):
        ExactIndex().build(np.full((2, 3), np.inf), [0, 1])
    with pytest.raises(ValueError, match="distinct"):
        ExactIndex().build(np.zeros((2, 3)), [1, 1])
    with pytest.raises(ValueError, match="expected embeddings"):
        ExactIndex().build(np.zeros((2, 3)), [1])


def test_edges_of_size():
    vectors = unit_vectors(3)
    assert ExactIndex().build(vectors, [5, 6, 7]).search(vectors[0], 10).ids[0] == 5
    alone = ExactIndex().build(vectors[:1], [5])
    assert alone.search(vectors[0], 3, exclude=np.array([5])).ids.shape == (0,)
    assert ExactIndex().search(np.zeros(4), 3).ids.shape == (0,)
    equal = ExactIndex().build(np.ones((6, 2)), np.arange(6)).search(np.ones(2), 4)
    assert len(set(equal.ids.tolist())) == 4
    assert ExactIndex().build(vectors, [5, 6, 7]).search(np.zeros(8), 2).ids.shape == (2,)


def test_saved_index_answers_the_same_and_a_torn_one_is_refused(tmp_path):
    vectors = unit_vectors(20)
    index = ExactIndex().build(vectors, np.arange(20) + 100)
    index.save(tmp_path / "index.npz")
    loaded = ExactIndex.load(tmp_path / "index.npz")
    assert np.array_equal(loaded.search(vectors, 5).ids, index.search(vectors, 5).ids)
    assert [path.name for path in tmp_path.iterdir()] == ["index.npz"]
    content = (tmp_path / "index.npz").read_bytes()
    (tmp_path / "torn.npz").write_bytes(content[: len(content) // 2])
    (tmp_path / "foreign.npz").write_bytes(b"something else")
    for name in ("torn.npz", "foreign.npz"):
        with pytest.raises(ValueError, match="build it again"):
            ExactIndex.load(tmp_path / name)
    assert repr(loaded) == "ExactIndex(20 x 8)"
