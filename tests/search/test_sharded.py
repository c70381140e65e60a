"""Shards answer as one index: exact ones id for id, approximate ones with the recall of one at equal work."""

import json
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import VECTOR_FORMS
from search import ExactIndex, LSHIndex, LSHQuery, ShardedIndex, WeakANDIndex, WeakANDQuery
from search.tuning import recall_by_score
from tests.fuzzing import fuzz
from tests.search.test_nearest_neighbors import clustered, unit_vectors


def equal(found, expected):
    return np.array_equal(found.ids, expected.ids) and np.array_equal(found.scores, expected.scores)


@fuzz(150)
@given(
    form=st.sampled_from(VECTOR_FORMS),
    count=st.integers(0, 400),
    num_shards=st.integers(1, 9),
    by_hand=st.booleans(),
    k=st.integers(1, 120),
    num_queries=st.sampled_from([1, 3, 25]),
    num_excluded=st.sampled_from([None, 0, 4, 200]),
    whole_numbers=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_exact_shards_equal_one_index(
    form, count, num_shards, by_hand, k, num_queries, num_excluded, whole_numbers, seed
):
    """With whole numbers most scores are equal. By hand, shards have any size and may be empty."""
    rng = np.random.default_rng(seed)
    vectors, queries = (
        rng.integers(-2, 3, (n, 6)) if whole_numbers else rng.standard_normal((n, 6))
        for n in (count, num_queries)
    )
    ids = rng.permutation(10**12 + np.arange(count))
    one = ExactIndex(form).build(vectors, ids)
    if by_hand:
        shard_of = rng.integers(0, num_shards + 1, count)
        parts = (np.flatnonzero(shard_of == number) for number in range(num_shards + 1))
        sharded = ShardedIndex([ExactIndex(form).build(vectors[part], ids[part]) for part in parts], 2)
    else:
        sharded = ShardedIndex([ExactIndex(form) for _ in range(num_shards)]).build(vectors, ids)
    exclude = None
    if num_excluded is not None:  # a list each, from none to all of a shard and more
        lists = rng.integers(0, min(num_excluded, count) + 1, num_queries)
        exclude = [np.append(rng.choice(ids, size, replace=False), -1) for size in lists]
    assert len(sharded) == count and sorted(sharded.ids) == sorted(ids)
    assert equal(sharded.search(queries, k, exclude), one.search(queries, k, exclude))
    first = None if exclude is None else exclude[0]
    assert equal(sharded.search(queries[0], k, first), one.search(queries[0], k, first))


def test_a_query_that_excludes_all_of_a_shard_does_not_take_it_from_others():
    vectors = unit_vectors(9)
    shards = [ExactIndex().build(vectors[part], part) for part in (np.arange(3), np.arange(3, 9))]
    found = ShardedIndex(shards).search(vectors[[0, 0]], 3, exclude=[np.arange(3), np.array([8])])
    assert found.ids[1, 0] == 0 and not np.isin(found.ids[0], np.arange(3)).any()


def test_effort_is_that_of_all_shards():
    """Shares are of all vectors, whatever the sizes of the shards."""
    vectors = unit_vectors(1000)
    parts = np.split(np.arange(1000), [0, 100])  # nothing, a tenth, the rest
    exact = ShardedIndex([ExactIndex().build(vectors[part], part) for part in parts])
    assert exact.effort(vectors[:3], 5) == pytest.approx((0, 1))
    few = np.arange(90, 130)
    for allowed in (few, exact.subset(few)):
        assert exact.effort(vectors[0], 5, allowed) == pytest.approx((0, 0.04))
    assert exact.effort(vectors[:2], 5, [few, few[:20]]) == pytest.approx((0, 0.03))
    lsh = ShardedIndex([LSHIndex().build(vectors[part], part) for part in parts])
    for shard in lsh.shards:
        shard.query = LSHQuery(4, "scan")
    assert lsh.effort(vectors[:3], 10) == pytest.approx((1, 0.08))  # 4 k of each shard that is not empty
    assert ShardedIndex([WeakANDIndex(), LSHIndex()]).effort([], 3) == (0, 0)


def test_adding_and_removing():
    vectors = np.random.default_rng(0).integers(-2, 3, (60, 5))
    one = ExactIndex().build(vectors[:30], np.arange(30))
    sharded = ShardedIndex([ExactIndex() for _ in range(4)]).build(vectors[:30], np.arange(30))
    for index in (one, sharded):
        index.add(vectors[30:], np.arange(60, 30, -1))
        assert index.remove([0, 7, 33, 999]) == 3
    assert equal(sharded.search(vectors, 20), one.search(vectors, 20))
    with pytest.raises(ValueError, match="distinct, got 5 more than once"):
        sharded.add(vectors[:1], [5])
    sharded = ShardedIndex([ExactIndex(), ExactIndex()]).build(vectors[:1], [0])
    with pytest.raises(ValueError, match=r"dimension 5, got \(1, 3\)"):  # though the smallest shard is empty
        sharded.add(np.ones((1, 3)), [1])


class Elsewhere:
    """A shard that forwards to an index, as one on another machine would."""

    def __init__(self, index, together=None):
        self.index, self.together = index, together

    def search(self, queries, k, **conditions):
        if self.together is not None:
            self.together.wait(timeout=30)  # returns when all shards are being searched
        return self.index.search(queries, k, **conditions)

    def __len__(self):
        return len(self.index)


def test_shards_elsewhere_are_searched_at_the_same_time():
    vectors = np.random.default_rng(0).integers(-1, 2, (90, 4))
    one, together = ExactIndex().build(vectors, np.arange(90)), threading.Barrier(3)
    shards = [Elsewhere(ExactIndex().build(vectors[i::3], np.arange(i, 90, 3)), together) for i in range(3)]
    sharded = ShardedIndex(shards, num_threads=3)
    for _ in range(5):
        assert equal(sharded.search(vectors, 40), one.search(vectors, 40))
    assert equal(sharded.search(vectors[0], 9, exclude=[4]), one.search(vectors[0], 9, exclude=[4]))
    with pytest.raises(ValueError, match="only shards in this program can be saved, got a Elsewhere"):
        sharded.save("never")


def test_popularity_is_a_column_of_the_vectors():
    """It is 0 in queries until somebody asks for it, so shards need not know it."""
    rng = np.random.default_rng(0)
    popularity = rng.integers(0, 5, 200)
    vectors = np.column_stack([rng.integers(-1, 2, (200, 6)), popularity])
    one = ExactIndex().build(vectors, np.arange(200))
    sharded = ShardedIndex([ExactIndex() for _ in range(3)]).build(vectors, np.arange(200))
    query = np.append(rng.integers(-1, 2, 6), 0)
    asked = query + [0, 0, 0, 0, 0, 0, 3]
    without, found = sharded.search(query, 20), sharded.search(asked, 20)
    assert equal(without, one.search(query, 20)) and equal(found, one.search(asked, 20))
    assert popularity[found.ids].mean() > popularity[without.ids].mean() + 1


NUM_SHARDS = 4
EQUAL_WORK = {
    "lsh": (LSHIndex, LSHQuery(20), LSHQuery(20 // NUM_SHARDS)),
    "ivf": (lambda: WeakANDIndex(64), WeakANDQuery(16, 12), WeakANDQuery(16, 12 // NUM_SHARDS)),
    "ivf of few probes": (lambda: WeakANDIndex(64), WeakANDQuery(4, 12), WeakANDQuery(4, 12 // NUM_SHARDS)),
}


@pytest.mark.parametrize("name", EQUAL_WORK)
def test_recall_is_that_of_one_index_that_scores_as_many(name):
    """Mean over five catalogues of 5,000 in 200 clusters; one more result in 4,000 is not lower."""
    make, whole, share = EQUAL_WORK[name]
    differences = []
    for seed in range(5):
        vectors, queries = clustered(5000, 200, dim=64, seed=seed)
        ids = np.arange(5000)
        best = ExactIndex().build(vectors, ids).search(queries, 10).scores
        one = make().build(vectors, ids)
        sharded = ShardedIndex([make() for _ in range(NUM_SHARDS)]).build(vectors, ids)
        one.query = whole
        for shard in sharded.shards:
            shard.query = share
        recalls = [recall_by_score(index.search(queries, 10).scores, best) for index in (one, sharded)]
        differences.append(recalls[1] - recalls[0])
    assert np.mean(differences) >= -0.00025


MAKERS = {"exact": lambda: ExactIndex("int8"), "lsh": lambda: LSHIndex(64, 8), "ivf": lambda: WeakANDIndex(5)}


@pytest.mark.parametrize("name", MAKERS)
def test_a_folder_answers_the_same(name, tmp_path):
    vectors, folder = unit_vectors(60), tmp_path / "index"
    sharded = ShardedIndex([MAKERS[name]() for _ in range(3)]).build(vectors, np.arange(60))
    sharded.save(folder)
    loaded = ShardedIndex.load(folder, verify=True, num_threads=2)
    assert equal(loaded.search(vectors, 9), sharded.search(vectors, 9))
    loaded.add(unit_vectors(3, seed=1), [60, 61, 62])
    loaded.remove(np.arange(10))
    loaded.save(folder)
    assert len(list(folder.iterdir())) == 4  # the older shards are gone
    assert equal(ShardedIndex.load(folder).search(vectors, 9), loaded.search(vectors, 9))


def test_folders_that_are_refused(tmp_path):
    vectors, folder = unit_vectors(20), tmp_path / "index"
    with pytest.raises(FileNotFoundError):
        ShardedIndex.load(folder)
    sharded = ShardedIndex([ExactIndex(), ExactIndex()]).build(vectors, np.arange(20))
    sharded.save(folder)
    manifest, (one, two) = folder / "shards.json", sorted(folder.glob("*.npz"))
    text = manifest.read_text()
    for wrong in (
        "",
        "[]",
        "{}",
        text[:50],
        text.replace("exact", "other"),
        text.replace("shard-0", "../shard-0"),
    ):
        manifest.write_text(wrong)
        with pytest.raises(ValueError, match="shards.json is "):
            ShardedIndex.load(folder)
    for change in ({"version": 9}, {"format": "other"}, {"shards": []}):
        manifest.write_text(json.dumps(json.loads(text) | change))
        with pytest.raises(ValueError, match="is not of this program"):
            ShardedIndex.load(folder)
    manifest.write_text(text)
    one.write_bytes(two.read_bytes())
    with pytest.raises(ValueError, match="is stale"):
        ShardedIndex.load(folder)
    one.unlink()
    with pytest.raises(FileNotFoundError):
        ShardedIndex.load(folder)
    sharded.save(folder)  # mends it
    assert equal(ShardedIndex.load(folder).search(vectors, 5), sharded.search(vectors, 5))


def test_a_save_that_fails_leaves_the_older_index(tmp_path, monkeypatch):
    vectors = unit_vectors(30)
    older = ShardedIndex([ExactIndex(), ExactIndex()]).build(vectors[:20], np.arange(20))
    older.save(tmp_path)
    newer = ShardedIndex([ExactIndex(), ExactIndex()]).build(vectors, np.arange(30))

    def full(self, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(newer.shards[1], "save", full.__get__(newer.shards[1]))
    with pytest.raises(OSError, match="No space left"):
        newer.save(tmp_path)
    assert equal(ShardedIndex.load(tmp_path).search(vectors, 5), older.search(vectors, 5))


def test_arguments_that_do_not_fit():
    with pytest.raises(ValueError, match="shards must be at least one index, got none"):
        ShardedIndex([])
    with pytest.raises(ValueError, match="num_threads must be a whole number of at least 1, got 0"):
        ShardedIndex([ExactIndex()], num_threads=0)
    index = ExactIndex().build(unit_vectors(3), [1, 2, 3])
    with pytest.raises(ValueError, match="ids of shards must be distinct, got 1 more than once"):
        ShardedIndex([index, index])
    assert repr(ShardedIndex([index, ExactIndex()])) == "ShardedIndex(3 in 2 shards, ExactIndex(3 x 8), ...)"
