"""Answers for all films are those of brute force, ties included, whatever the blocks and the processes."""

import shutil

import numpy as np
import pytest

from blocks import nearest
from blocks.answers import answer_stages
from blocks.local_engine import LocalEngine
from blocks.nearest import Nearest
from blocks.runner import opened
from blocks.shards import open_shard
from blocks.work_dir import WorkDir
from config import SearchConfig
from search.base import SearchResult
from search.exact import ExactIndex
from search.kernels import products
from search.sharded import merged
from tests.blocks.here import Here
from tests.blocks.works import with_embeddings

NUM_FILMS, DIM = 300, 24


def vectors(num=NUM_FILMS, dim=DIM, copies=True, seed=0):
    """Candidates and queries of unit length; with ``copies``, many candidates are equal."""
    rng = np.random.default_rng(seed)
    candidates, queries = (rng.normal(size=(num, dim)).astype(np.float32) for _ in range(2))
    if copies:
        candidates = candidates[rng.integers(0, num // 4, num)]
    return [part / np.linalg.norm(part, axis=1, keepdims=True) for part in (candidates, queries)]


def brute_force(candidates, queries, k):
    """The k nearest of every film: all scores of the kernel that every search uses, sorted."""
    every = np.arange(len(candidates))
    rows, scores = [], []
    for film, query in enumerate(queries):
        of_film = np.empty(len(candidates), np.float32)
        products(candidates, np.zeros(0, np.float32), query, every, of_film)
        np.testing.assert_allclose(
            of_film, candidates @ query, rtol=1e-4, atol=1e-5 * np.abs(candidates).max()
        )
        rows.append([row for row in np.lexsort((every, -of_film)) if row != film][:k])
        scores.append(of_film[rows[-1]])
    return np.array(scores), np.array(rows)


def answers(folder, search=None, k=10, engine=None):
    """Scores and rows of all answers."""
    with opened(folder, engine or Here()) as runner:
        runner.adopt(("embeddings",), "embed")
        runner.run(answer_stages(runner.work_dir, search or SearchConfig(), k, 0))
        blocks = list(runner.work_dir.each("answers"))
    scores, ids = (np.concatenate([block[name] for block in blocks]) for name in ("scores", "ids"))
    assert scores.dtype == np.float32 and ids.dtype == np.int64
    return scores, ids


@pytest.mark.parametrize("per_block", [70, 128, 300, 1000])
@pytest.mark.parametrize("k", [1, 10])
def test_exact_answers_are_those_of_brute_force(tmp_path, per_block, k):
    candidates, queries = vectors()
    with_embeddings(tmp_path, candidates, queries, per_block)
    scores, ids = answers(tmp_path, k=k)
    best_scores, best = brute_force(candidates, queries, k)
    assert np.array_equal(ids, best)
    assert scores.tobytes() == best_scores.tobytes()
    if k == 10:
        assert (np.diff(scores, axis=1) == 0).any(axis=1).mean() > 0.9  # there are ties nearly everywhere


def test_exact_answers_are_those_of_the_index_in_memory(tmp_path):
    candidates, queries = vectors(dim=37)
    with_embeddings(tmp_path, candidates, queries, 128)
    scores, ids = answers(tmp_path)
    rows = np.arange(len(candidates))
    expected = ExactIndex().build(candidates, rows).search(queries, 10, exclude=list(rows[:, None]))
    assert np.array_equal(ids, expected.ids)
    assert scores.tobytes() == expected.scores.tobytes()


def test_all_vectors_equal(tmp_path):
    candidates = np.tile(vectors(1, copies=False)[1], (50, 1))
    with_embeddings(tmp_path, candidates, candidates, 20)
    _, ids = answers(tmp_path, k=4)
    assert ids.tolist() == [[row for row in range(5 + 1) if row != film][:4] for film in range(50)]


def test_fewer_films_than_wanted(tmp_path):
    candidates, queries = vectors(9, copies=False)
    with_embeddings(tmp_path, candidates, queries, 4)
    _, ids = answers(tmp_path, k=20)
    assert ids.shape == (9, 8)
    assert [sorted([film, *row]) for film, row in enumerate(ids.tolist())] == [list(range(9))] * 9


def test_one_film_has_no_answers(tmp_path):
    candidates, queries = vectors(1, copies=False)
    with_embeddings(tmp_path, candidates, queries, 4)
    assert answers(tmp_path)[1].shape == (1, 0)


@pytest.mark.parametrize(("queries_at_once", "candidates_at_once"), [(1, 1), (7, 64), (512, 13)])
def test_order_and_sizes_of_shards_change_no_bit(monkeypatch, queries_at_once, candidates_at_once):
    monkeypatch.setattr(nearest, "QUERIES_AT_ONCE", queries_at_once)
    monkeypatch.setattr(nearest, "CANDIDATES_AT_ONCE", candidates_at_once)
    candidates, queries = vectors()
    expected = brute_force(candidates, queries, 5)
    for borders in ([0, 300], [0, 1, 100, 300], [0, 299, 300]):
        found = Nearest(queries, np.arange(len(queries)), 5)
        for start, stop in reversed(list(zip(borders[:-1], borders[1:], strict=True))):
            found.offer(candidates[start:stop], start)
        for ours, theirs in zip(found.best(), expected, strict=True):
            assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("length", [1e-6, 1.0, 1e6])
def test_vectors_of_any_length(length):
    candidates, queries = vectors()
    candidates = candidates * np.float32(length)
    candidates[::3] *= np.float32(100)
    found = Nearest(queries, np.arange(len(queries)), 5)
    found.offer(candidates, 0)
    for ours, theirs in zip(found.best(), brute_force(candidates, queries, 5), strict=True):
        assert ours.tobytes() == theirs.tobytes()


SEARCHES = [
    SearchConfig(search_method="lsh", lsh_bits=64, lsh_tables=4),
    SearchConfig(search_method="ivf", ivf_partitions=4),
    SearchConfig(vectors="float16"),
    SearchConfig(vectors="int8"),
]


@pytest.mark.parametrize("search", SEARCHES, ids=lambda s: f"{s.search_method}-{s.vectors}")
def test_indexes_answer_over_all_shards(tmp_path, search):
    candidates, queries = vectors(copies=False)
    with_embeddings(tmp_path, candidates, queries, 128)
    scores, ids = answers(tmp_path, search)
    assert ids.shape == (NUM_FILMS, 10)
    assert (ids != np.arange(NUM_FILMS)[:, None]).all()
    assert all(len(set(row)) == 10 for row in ids.tolist())
    assert (np.diff(scores, axis=1) <= 0).all()
    products = np.einsum("ikd,id->ik", candidates[ids], queries)
    np.testing.assert_allclose(scores, products, atol=2e-3)
    _, best = brute_force(candidates, queries, 10)
    found = np.mean([len(set(ours) & set(theirs)) / 10 for ours, theirs in zip(ids, best, strict=True)])
    assert found > 0.85, found
    index = open_shard(WorkDir(tmp_path), 2, search, 0)
    assert index.ids.min() == 256 and len(index) == 44


def test_other_settings_make_other_shards_and_only_those(tmp_path):
    with_embeddings(tmp_path, *vectors(copies=False), 128)
    engine = Here()
    answers(tmp_path, SEARCHES[0], engine=engine)
    assert {stage for stage, _ in engine.blocks} == {"shards", "answers"} and len(engine.blocks) == 6
    engine = Here()
    answers(tmp_path, SEARCHES[0], k=3, engine=engine)
    assert {stage for stage, _ in engine.blocks} == {"answers"}
    engine = Here()
    answers(tmp_path, SearchConfig(search_method="lsh", lsh_bits=32, lsh_tables=4), k=3, engine=engine)
    assert len(engine.blocks) == 6
    engine = Here()  # what LSH does not read changes nothing
    again = SearchConfig(search_method="lsh", lsh_bits=32, lsh_tables=4, ivf_partitions=7)
    answers(tmp_path, again, k=3, engine=engine)
    assert engine.blocks == []


def test_merging_keeps_the_best_and_breaks_ties_by_id():
    first = SearchResult(np.array([[3, 1]], np.float32), np.array([[9, 2]]))
    second = SearchResult(np.array([[3, 1, 0]], np.float32), np.array([[4, 1, 7]]))
    best = merged([first, second], 3)
    assert best.ids.tolist() == [[4, 9, 1]] and best.scores.tolist() == [[3, 3, 1]]
    assert merged([first], 5).ids.tolist() == [[9, 2]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("search", "numbers"),
    [(SearchConfig(), (1, 2, 4)), (SEARCHES[0], (1, 2)), (SEARCHES[1], (1, 2))],
    ids=str,
)
def test_any_number_of_processes_gives_the_same_bits(tmp_path, search, numbers):
    with_embeddings(tmp_path, *vectors(), 70)
    found = []
    for workers in numbers:
        for stage in ("shards", "answers"):
            shutil.rmtree(tmp_path / stage, ignore_errors=True)
        answers(tmp_path, search, engine=LocalEngine(workers))
        found.append(WorkDir(tmp_path).manifest("answers")["digests"])
    assert len(found[0]) == 5
    assert all(digests == found[0] for digests in found)
