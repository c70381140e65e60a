"""Random calls of the public classes: half of them valid and compared with a naive loop, half wrong.

``python -m tests.public_calls SEED COUNT`` announces each call before it makes it, so that a call that ends
the process can be named. ``tests/test_public_calls.py`` runs it.
"""

import sys
from collections import Counter
from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
import torch

from base.sparse_products import product_with_dense, rows_product
from data.graph_builder import ItemGraph
from data.walks.sampler import RandomWalkSampler
from model.aggregators import AGGREGATIONS, importance_pooling
from model.pinsage import PinSage, build_blocks
from search import ExactIndex, LSHIndex, WeakANDIndex

Rng = np.random.Generator
# Values that are not row numbers of fewer than 100 rows.
NOT_ROWS = (-1, 100, 45_000, 2**40, 2**63, 2**70, -(2**70), 1.5, float("nan"), True, "3", None, 3 + 1j)


def edges(rng: Rng) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Users and items of a small random graph, with repeats, and how many of each there are."""
    num_users, num_items = int(rng.integers(1, 12)), int(rng.integers(1, 15))
    count = int(rng.integers(0, 60))
    return rng.integers(num_users, size=count), rng.integers(num_items, size=count), num_users, num_items


def table(rng: Rng, num_rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A neighbour table of any rows and weights, zeros among them."""
    width = int(rng.integers(1, 5))
    neighbors = torch.from_numpy(rng.integers(num_rows, size=(num_rows, width)))
    weights = torch.from_numpy(
        (rng.random((num_rows, width)) * (rng.random((num_rows, width)) < 0.7)).astype("f")
    )
    return neighbors, weights


def any_form(rng: Rng, rows: np.ndarray) -> object:
    """The same row numbers as a list, an array of some integer type, or a tensor."""
    forms = [list, lambda r: r.astype(np.int32), lambda r: r.astype(np.uint64), torch.from_numpy, lambda r: r]
    return forms[rng.integers(len(forms))](rows)


# Valid calls, each against a naive computation.


def valid_graph(rng: Rng) -> None:
    users, items, num_users, num_items = edges(rng)
    graph = ItemGraph.from_edges(any_form(rng, users), any_form(rng, items), num_users, num_items)
    pairs = dict.fromkeys(zip(users.tolist(), items.tolist(), strict=True))
    for user in range(num_users):
        mine = graph.user_movies[graph.user_ptr[user] : graph.user_ptr[user + 1]]
        assert mine.tolist() == [item for who, item in pairs if who == user]
    for item in range(num_items):
        mine = graph.movie_users[graph.movie_ptr[item] : graph.movie_ptr[item + 1]]
        assert sorted(mine.tolist()) == sorted(who for who, what in pairs if what == item)


def valid_walks(rng: Rng) -> None:
    users, items, num_users, num_items = edges(rng)
    graph = ItemGraph.from_edges(users, items, num_users, num_items)
    length, width = int(rng.integers(1, 4)), int(rng.integers(1, 8))
    sampler = RandomWalkSampler(
        graph, int(rng.integers(1, 50)), length, float(rng.random()), int(rng.integers(9))
    )
    seeds = rng.integers(num_items, size=rng.integers(0, 6))
    neighbors, weights = sampler.batch_sample_neighbors(any_form(rng, seeds), width)
    assert neighbors.shape == weights.shape == (len(seeds), width) and neighbors.dtype == torch.int64
    for seed, row, weight in zip(seeds.tolist(), neighbors.tolist(), weights.tolist(), strict=True):
        reached, frontier = set(), {seed}
        for _ in range(length):
            of_frontier = {u for u, i in zip(users, items, strict=True) if i in frontier}
            frontier = {int(i) for u, i in zip(users, items, strict=True) if u in of_frontier}
            reached |= frontier
        kept = [n for n, w in zip(row, weight, strict=True) if w > 0]
        assert set(kept) <= reached - {seed} and len(set(kept)) == len(kept)
        assert row[len(kept) :] == [seed] * (width - len(kept))
        assert weight == sorted(weight, reverse=True) and (not kept or abs(sum(weight) - 1) < 1e-5)


def valid_index(rng: Rng) -> None:
    count, dim = int(rng.integers(1, 60)), int(rng.integers(2, 9))
    vectors = rng.standard_normal((count, dim)).astype(np.float32)
    ids = rng.permutation(1000)[:count] - 500
    makers = (ExactIndex, lambda: LSHIndex(32, 4), lambda: WeakANDIndex(int(rng.integers(1, 9)), 4))
    which = int(rng.integers(3))
    index = makers[which]().build(vectors, any_form(rng, ids) if ids.min() >= 0 else ids.tolist())
    queries, k = rng.standard_normal((3, dim)).astype(np.float32), int(rng.integers(1, 12))
    exclude = [rng.choice(ids, int(rng.integers(0, 4))) for _ in queries]
    found = index.search(queries, k, exclude=exclude)
    score = {int(one): vector for one, vector in zip(ids, vectors, strict=True)}
    for query, out, scores, names in zip(queries, exclude, found.scores, found.ids, strict=True):
        naive = sorted((-float(query @ v) for one, v in score.items() if one not in out))[: len(names)]
        assert len(set(names.tolist())) == len(names) and not set(names.tolist()) & set(out.tolist())
        for given, name in zip(scores, names.tolist(), strict=True):
            assert abs(given - query @ score[name]) < 1e-4
        assert scores.tolist() == sorted(scores.tolist(), reverse=True)
        if which == 0:
            np.testing.assert_allclose(-np.array(naive), scores, atol=1e-4)
    single = index.search(queries[0], k, exclude=exclude[0])
    assert single.ids.shape[0] >= found.ids.shape[1]


def valid_pooling(rng: Rng) -> None:
    num_rows = int(rng.integers(1, 9))
    neighbors, weights = table(rng, num_rows)
    h = torch.from_numpy(rng.random((num_rows, 3)).astype("f"))
    name = ("importance", "mean", "max")[rng.integers(3)]
    pooled = AGGREGATIONS[name]().pool(h, neighbors, weights)
    for row in range(num_rows):
        present = [(h[n], w) for n, w in zip(neighbors[row], weights[row], strict=True) if w > 0]
        expected = torch.zeros(3)
        if present and name == "max":
            expected = torch.stack([vector for vector, _ in present]).amax(dim=0)
        elif present:
            shares = [float(w) if name == "importance" else 1.0 for _, w in present]
            expected = sum(vector * s for (vector, _), s in zip(present, shares, strict=True)) / sum(shares)
        torch.testing.assert_close(pooled[row], expected, atol=1e-5, rtol=1e-4)


def valid_blocks(rng: Rng) -> None:
    num_rows = int(rng.integers(1, 12))
    neighbors, weights = table(rng, num_rows)
    width = neighbors.size(1)
    counts = [int(rng.integers(1, width + 1)) for _ in range(int(rng.integers(1, 3)))]
    seeds = rng.permutation(num_rows)[: rng.integers(1, num_rows + 1)]
    nodes, blocks = build_blocks(any_form(rng, seeds), neighbors, weights, counts)
    assert nodes[: len(seeds)].tolist() == seeds.tolist() and len(set(nodes.tolist())) == len(nodes)
    needed = set(seeds.tolist())
    for block, count in zip(reversed(blocks), reversed(counts), strict=True):
        assert block.num_targets == len(needed)
        needed |= {int(n) for target in needed for n in neighbors[target, :count]}
    assert set(nodes.tolist()) == needed
    first = blocks[0]
    assert torch.equal(nodes[first.neighbors], neighbors[nodes[: first.num_targets], : counts[0]])


def valid_product(rng: Rng) -> None:
    rows, inner, columns = (int(size) for size in rng.integers(1, 9, size=3))
    left = sp.random(rows, inner, 0.4, "csr", dtype=np.float32, random_state=rng)
    if rng.random() < 0.5:
        dense = rng.random((inner, columns)).astype("f")
        np.testing.assert_allclose(product_with_dense(left, dense), left.toarray() @ dense, rtol=1e-5)
    else:
        right = sp.random(inner, columns, 0.4, "csr", dtype=np.float32, random_state=rng)
        wanted = rng.integers(rows, size=rng.integers(0, 5))
        expected = left.toarray()[wanted] @ right.toarray()
        np.testing.assert_allclose(rows_product(left, any_form(rng, wanted), right), expected, rtol=1e-5)


# Wrong calls: a function that makes the call, and the argument that the error must name.


def spoiled(rng: Rng, rows: list) -> list:
    """Row numbers with one that is wrong among them."""
    rows = list(rows)
    rows.insert(int(rng.integers(len(rows) + 1)), NOT_ROWS[rng.integers(len(NOT_ROWS))])
    return rows


def wrong_call(rng: Rng) -> tuple[Callable[[], object], str]:
    """A call that must be refused."""
    graph = ItemGraph.from_edges([0, 1, 1, 2], [0, 0, 1, 2], 3, 40)
    sampler = RandomWalkSampler(graph, 5)
    vectors = rng.standard_normal((6, 4)).astype(np.float32)
    index = (ExactIndex, lambda: LSHIndex(16, 4), lambda: WeakANDIndex(2))[rng.integers(3)]()
    built = index.build(vectors, np.arange(6))
    neighbors, weights = table(rng, 6)
    h = torch.ones(6, 3)
    bad_count = (0, -1, 1.5, True, None, "2", float("nan"), 2**70)[rng.integers(8)]
    bad_id = (1.5, True, "1", None, 2**63, -(2**70), float("nan"))[rng.integers(7)]
    bad_row = (-1, 6, 2**40)[rng.integers(3)]
    bad_weight = (-1.0, float("nan"), float("inf"))[rng.integers(3)]
    holed = vectors.copy()
    holed[2, 1] = (np.nan, np.inf)[rng.integers(2)]
    left = sp.random(4, 5, 0.5, "csr", dtype=np.float32, random_state=rng)
    bad_chance = (-0.1, 1.1, np.nan)[rng.integers(3)]
    no_rows = torch.where(neighbors == neighbors[0, 0], bad_row, neighbors)
    parts = (graph.movie_ptr, graph.movie_users, graph.user_ptr, graph.user_movies)
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: sampler.batch_sample_neighbors(spoiled(rng, [1, 2]), 3), "nodes"),
        (lambda: sampler.batch_sample_neighbors([45], 3), "nodes"),
        (lambda: sampler.batch_sample_neighbors([[1, 2]], 3), "nodes"),
        (lambda: sampler.batch_sample_neighbors([1], bad_count), "num_neighbors"),
        (lambda: RandomWalkSampler(graph, num_walks=bad_count), "num_walks"),
        (lambda: RandomWalkSampler(graph, walk_length=bad_count), "walk_length"),
        (lambda: RandomWalkSampler(graph, restart_probability=bad_chance), "restart"),
        (lambda: sampler.refresh((-1, 0.5, True, None)[rng.integers(4)]), "number"),
        (lambda: ItemGraph.from_edges(spoiled(rng, [0]), [0, 1], 3, 40), "users"),
        (lambda: ItemGraph.from_edges([0, 1], spoiled(rng, [0]), 3, 40), "items"),
        (lambda: ItemGraph.from_edges([0, 1, 2], [0, 1], 3, 40), "users and items"),
        (lambda: ItemGraph(parts[0] + 1, *parts[1:]), "movie_ptr"),
        (lambda: ItemGraph(parts[0], parts[1] + 90, *parts[2:]), "movie_users"),
        (lambda: index.build(vectors, [0, 1, 2, 3, 4, bad_id]), "ids"),
        (lambda: index.build(vectors, np.arange(6, dtype=np.uint64) + np.uint64(2**63)), "ids"),
        (lambda: index.build(vectors, [0, 1, 2, 3, 4, 4]), "ids"),
        (lambda: index.build(holed, np.arange(6)), "embeddings"),
        (lambda: built.add(vectors[:1], [bad_id]), "ids"),
        (lambda: built.remove([bad_id]), "ids"),
        (lambda: built.search(vectors[0], bad_count if bad_count != 2**70 else 0), "k"),
        (lambda: built.search(vectors[0, :3], 2), "queries"),
        (lambda: built.search(holed[2], 2), "queries"),
        (lambda: built.search(vectors[0], 2, exclude=[bad_id]), "exclude"),
        (lambda: built.search(vectors[0], 2, allowed=[bad_id]), "allowed"),
        (lambda: LSHIndex(bad_count, 4), "num_bits"),
        (lambda: LSHIndex(16, 3), "num_tables"),
        (lambda: WeakANDIndex(bad_count or -2), "num_partitions"),
        (lambda: importance_pooling(h, no_rows, weights), "neighbors"),
        (lambda: importance_pooling(h, neighbors.float(), weights), "neighbors"),
        (lambda: importance_pooling(h, neighbors, torch.full_like(weights, bad_weight)), "weights"),
        (lambda: importance_pooling(h, neighbors, weights[:, :-1]), "weights"),
        (lambda: build_blocks([1, 1], neighbors, weights, [1]), "seeds"),
        (lambda: build_blocks([2, bad_row], neighbors, weights, [1]), "seeds"),
        (lambda: build_blocks([1], neighbors + 6, weights, [1]), "neighbors"),
        (lambda: build_blocks([1], neighbors, weights, [bad_count]), "layer_neighbors"),
        (lambda: PinSage(bad_count), "in_channels"),
        (lambda: PinSage(4, layer_neighbors=[bad_count]), "layer_neighbors"),
        (lambda: product_with_dense(left, np.ones((4, 2), np.float32)), "left"),
        (lambda: product_with_dense(left, np.ones((5, 2))), "right"),
        (lambda: rows_product(left, spoiled(rng, [1]), left.T.tocsr()), "rows"),
    ]  # fmt: skip
    return calls[rng.integers(len(calls))]


VALID = (valid_graph, valid_walks, valid_index, valid_pooling, valid_blocks, valid_product)


def main(seed: int, count: int) -> None:
    """Make ``count`` calls, half of them wrong ones; prints each before it is made."""
    made: Counter[str] = Counter()
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        print(f"call {number} of seed {seed}", flush=True)
        if number % 2:
            call, argument = wrong_call(rng)
            try:
                result = call()
            except ValueError as error:
                assert argument in str(error), f"the error does not name {argument}: {error}"
                assert "\n" not in str(error), f"more than one line: {error}"
            else:
                raise AssertionError(f"a wrong {argument} was accepted: {result!r:.200}")
            made["refused"] += 1
        else:
            VALID[rng.integers(len(VALID))](rng)
            made["equal to the naive loop"] += 1
    print(f"done: {dict(made)}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
