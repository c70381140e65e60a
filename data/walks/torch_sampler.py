"""The walks of ``data/walks/sampler.py`` as tensor operations, for a GPU; the same neighbours to the bit.

All walks of a block of seeds take a hop at once. The random words are the Numba kernel's: SplitMix64 in
int64 arithmetic that wraps around, with shifts that bring in zeros. So the neighbour table does not
depend on the device. The tests compare both samplers bit for bit on the CPU.
"""

import numpy as np
import torch
from torch import Tensor

from base.arrays import IntArray
from config import ModelConfig
from data.graph_builder import ItemGraph
from data.walks import kernel as walk_kernel
from data.walks.sampler import RandomWalkSampler

BLOCK_WALKS = 2_000_000  # walks in memory at once, some hundred bytes each
LOWER_HALF = (1 << 32) - 1


def _signed(word: int) -> int:
    """The int64 with a number's lowest 64 bits: PyTorch has no arithmetic on uint64."""
    return (word + (1 << 63)) % (1 << 64) - (1 << 63)


GOLDEN = _signed(int(walk_kernel.GOLDEN))


def _shift(words: Tensor, bits: int) -> Tensor:
    """Right shift that brings in zeros."""
    return (words >> bits) & ((1 << (64 - bits)) - 1)


def _mix(z: Tensor) -> Tensor:
    """SplitMix64's finaliser, as ``walk_kernel.mix``."""
    z = (z ^ _shift(z, 30)) * _signed(0xBF58476D1CE4E5B9)
    z = (z ^ _shift(z, 27)) * _signed(0x94D049BB133111EB)
    return z ^ _shift(z, 31)


def _words(stream: Tensor, count: int) -> Tensor:
    """The next ``count`` words of each stream ``[n]``: int64 ``[n, count]``."""
    return _mix(stream.unsqueeze(1) + GOLDEN * torch.arange(1, count + 1, device=stream.device))


def _step(ptr: Tensor, ends: Tensor, node: Tensor, half: Tensor) -> Tensor:
    """The node at the other end of an edge of each node, int64, chosen by 32 random bits.

    Args:
        ptr: int32 ``[num_nodes + 1]``.
        ends: int32 ``[num_edges]``, or ``[num_edges, 3]``, an alias table.
        node: int64 ``[n]``.
        half: int64 ``[n]``, the random bits.
    """
    start = ptr[node].long()
    product = half * (ptr[node + 1] - start)
    edge = start + (product >> 32)
    if ends.dim() == 1:
        return ends[edge].long()
    threshold, own, alias = ends[edge].long().unbind(1)
    # int32 holds the bits of uint32: PyTorch compares signed numbers only.
    return torch.where((product & LOWER_HALF) < (threshold & LOWER_HALF), own, alias)


class TorchRandomWalkSampler(RandomWalkSampler):
    """``RandomWalkSampler`` on a PyTorch device; other arguments and errors as there.

    Args:
        device: where the graph is kept and the walks are taken; results are on the CPU.
    """

    def __init__(
        self,
        graph: ItemGraph,
        num_walks: int = 200,
        walk_length: int = 2,
        restart_probability: float = 0.5,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ):
        super().__init__(graph, num_walks, walk_length, restart_probability, seed)
        self.device = torch.device(device)
        # The kernel's arrays, so that both have the same alias tables if the graph has weights.
        self._graph = tuple(
            torch.from_numpy(np.require(part.view(np.int32), requirements="W")).to(self.device)
            for part in self._adjacency
        )

    def batch_sample_neighbors(
        self, nodes: Tensor | IntArray, num_neighbors: int = 50
    ) -> tuple[Tensor, Tensor]:
        """See ``RandomWalkSampler.batch_sample_neighbors``."""
        seeds, num_neighbors = self._checked(nodes, num_neighbors)
        blocks = torch.tensor(seeds).split(max(1, BLOCK_WALKS // self.num_walks))
        tables = [self._sample(block.to(self.device), num_neighbors) for block in blocks]
        neighbors, weights = zip(*tables, strict=True)
        return torch.cat([part.cpu() for part in neighbors]), torch.cat([part.cpu() for part in weights])

    def _sample(self, seeds: Tensor, num_neighbors: int) -> tuple[Tensor, Tensor]:
        movie_ptr = self._graph[0]
        neighbors = seeds.unsqueeze(1).repeat(1, num_neighbors)
        weights = torch.zeros(neighbors.shape, device=self.device)
        rated = (movie_ptr[seeds] < movie_ptr[seeds + 1]).nonzero().squeeze(1)
        if len(rated):
            walked = seeds[rated]
            neighbors[rated], weights[rated] = _rank_by_visits(walked, self._walk(walked), num_neighbors)
        return neighbors, weights

    def _walk(self, seeds: Tensor) -> Tensor:
        """Visited films ``[n, steps]`` in the order of the visits, hop by hop; gaps hold the seed."""
        movie_ptr, movie_ends, user_ptr, user_ends = self._graph
        stream = _mix(_signed(int(self._key)) ^ _mix(seeds + GOLDEN))
        # One entry per live walk, those of a seed side by side: its seed's row, its film, its random word.
        row = torch.arange(len(seeds), device=self.device).repeat_interleave(self.num_walks)
        node = seeds[row]
        word = _words(stream, self.num_walks).flatten()
        stream = stream + _signed(self.num_walks * GOLDEN)
        hops = []
        for hop in range(self.walk_length):
            if hop > 0:
                row, node, word, stream = self._keep_survivors(row, node, stream)
            user = _step(movie_ptr, movie_ends, node, _shift(word, 32))
            node = _step(user_ptr, user_ends, user, word & LOWER_HALF)
            place, alive = _place_in_row(row, len(seeds))
            visited = seeds.unsqueeze(1).repeat(1, int(alive.max()))
            visited[row, place] = node
            hops.append(visited)
        return torch.cat(hops, dim=1)

    def _keep_survivors(
        self, row: Tensor, node: Tensor, stream: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """End walks with the restart probability; rows, nodes and words of the others, and the streams.

        A walk reads one word as its coin, and a survivor the next one for its hop. So the place of a
        coin depends on the coins before it: a loop over walks, each step for all seeds at once.
        """
        place, alive = _place_in_row(row, len(stream))
        max_alive = int(alive.max())
        words = _words(stream, 2 * max_alive)
        survives = _shift(words, 32) >= int(self._restart)  # [n, 2 * max_alive]
        coins = torch.zeros((max_alive + 1, len(stream)), dtype=torch.int64, device=self.device)
        for walk in range(max_alive):
            here = coins[walk]
            coins[walk + 1] = here + 1 + survives.gather(1, here.unsqueeze(1)).squeeze(1)
        stream = stream + GOLDEN * coins.gather(0, alive.unsqueeze(0)).squeeze(0)
        coin = coins[place, row]
        kept = survives[row, coin]
        row, node, coin = row[kept], node[kept], coin[kept]
        return row, node, words[row, coin + 1], stream


def _place_in_row(row: Tensor, num_rows: int) -> tuple[Tensor, Tensor]:
    """Of elements sorted by row: the place of each within its row, and the length of each row."""
    alive = torch.bincount(row, minlength=num_rows)
    first = alive.cumsum(0) - alive
    return torch.arange(len(row), device=row.device) - first[row], alive


def _rank_by_visits(seeds: Tensor, visited: Tensor, limit: int) -> tuple[Tensor, Tensor]:
    """The ``limit`` most visited films of each row without the seed, ties by first visit; their weights."""
    num_rows, steps = visited.shape
    # Sorted by film and then by time: the visits of a film stand together, the first one in front.
    film_and_time = (visited * steps + torch.arange(steps, device=visited.device)).sort(dim=1).values
    film = film_and_time // steps
    begins = torch.ones_like(film, dtype=torch.bool)
    begins[:, 1:] = film[:, 1:] != film[:, :-1]
    begin = begins.flatten().nonzero().squeeze(1)
    count = torch.diff(begin, append=begin.new_tensor([num_rows * steps]))
    first = film_and_time.flatten()[begin] % steps
    is_seed = film.flatten()[begin] == seeds[begin // steps]
    merit = torch.zeros_like(film)
    merit.view(-1)[begin] = torch.where(is_seed, 0, count * steps + (steps - 1 - first))
    best, place = merit.topk(min(limit, steps), dim=1)
    count = best // steps  # [n, min(T, steps)], 0 where there is no further film
    neighbors = seeds.unsqueeze(1).repeat(1, limit)
    neighbors[:, : count.shape[1]] = torch.where(count > 0, film.gather(1, place), seeds.unsqueeze(1))
    weights = torch.zeros(neighbors.shape, device=seeds.device)
    weights[:, : count.shape[1]] = (count.double() / count.sum(dim=1, keepdim=True).clamp(min=1)).float()
    return neighbors, weights


def walk_sampler(
    graph: ItemGraph, settings: ModelConfig, seed: int, device: torch.device | str = "cpu"
) -> RandomWalkSampler:
    """The sampler for these settings: Numba on the CPU, PyTorch on cuda; the neighbours are the same."""
    arguments = (graph, settings.num_walks, settings.walk_length, settings.restart_probability, seed)
    if torch.device(device).type == "cuda":
        return TorchRandomWalkSampler(*arguments, device=device)
    return RandomWalkSampler(*arguments)
