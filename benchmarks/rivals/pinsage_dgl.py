"""PinSage with DGL, in an environment of its own: interactions in, training pairs and processor-seconds out.

    PYTHON benchmarks/rivals/pinsage_dgl.py FILE

PYTHON has ``benchmarks/rivals/requirements-dgl.txt`` installed. This file imports nothing of the project,
because DGL needs an older PyTorch. ``pinsage_dgl_process.py`` writes what it reads and reads what it says.

The training does what the PinSAGE example of DGL (its folder ``examples/pytorch/pinsage``) does for a batch:

- A pair is a random film and the end of a walk film, user, film from it. Each pair has one random negative.
- The films of the batch get neighbours by fresh walks, by ``PinSAGESampler``, and the neighbours get theirs
  in the same way. Edges between the two films of a pair, or of a negative, are removed.
- A film starts as a learned vector plus a linear map of its genres and its year. Two layers pool neighbours
  by visits, and their result is added to the film's start. A score is an inner product plus a bias per film.
- Loss: max(0, negative - positive + 1), mean over the pairs. Adam, dropout .5. The example's learning rate is
  .00003.

The example loads its batches through PyTorch's ``DataLoader`` and computes the start of the batch's films
twice. Here it is a loop, and they are computed once, which is a little faster. The example also reads titles,
word by word; here they are left out.

``FILE`` is an npz with ``users`` and ``movies`` int64 ``[n]``, the training interactions as rows;
``num_users`` and ``num_movies``; ``content`` float32 ``[num_movies, f]``.

Messages are a line of JSON each. The script says ``{"versions": {...}}``. Each line of stdin is a training
``{"neighbors": T, "walks": int, "batch_size": int, "lr": float}`` and one of two questions:

- ``"seconds": float``: trains for so many processor-seconds, and says ``{"pairs": int, "processor_seconds":
  float}``. A model goes on from where it was when the same training was asked before; its first batches are a
  warm-up that does not count.
- ``"num_pairs": int, "seed": int, "file": path``: trains a new model on so many pairs. Then it writes ``h``
  float32 ``[num_movies, HIDDEN]`` and ``bias`` float32 ``[num_movies]`` to the file, and says ``{"loss":
  float}``, the loss of the last batch.
"""

import json
import sys
import time
from typing import Any, TextIO

INSTALL = "install benchmarks/rivals/requirements-dgl.txt in an environment of its own"
HIDDEN, LAYERS = 64, 2
WALK_LENGTH, RESTART = 2, 0.5
DROPOUT, MARGIN = 0.5, 1.0
WARM_UP = 5  # batches
EMBED_BATCH = 512  # films

try:
    import dgl
    import numpy as np
    import torch
    from dgl import function as fn
    from torch import Tensor, nn
    from torch.nn import functional as F
except Exception as error:  # a DGL that does not fit its PyTorch fails in many ways
    sys.exit(f"error: {sys.executable} cannot import DGL ({type(error).__name__}: {error}); {INSTALL}")


class WeightedConv(nn.Module):
    """One convolution of the paper: pool the neighbours' messages by visits, join them with the film."""

    def __init__(self, width: int):
        super().__init__()
        self.message = nn.Linear(width, width)
        self.join = nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, block: Any, h: Tensor) -> Tensor:
        """Vectors of the block's targets ``[n, width]`` from those of its sources."""
        with block.local_scope():
            block.srcdata["message"] = self.message(self.dropout(h)).relu()
            block.edata["visits"] = block.edata["weights"].float()
            block.update_all(fn.u_mul_e("message", "visits", "m"), fn.sum("m", "pooled"))
            block.update_all(fn.copy_e("visits", "m"), fn.sum("m", "total"))
            pooled = block.dstdata["pooled"] / block.dstdata["total"].clamp(min=1).unsqueeze(1)
            target = h[: block.num_dst_nodes()]
            return F.normalize(self.join(self.dropout(torch.cat([pooled, target], dim=1))).relu(), dim=1)


class PinSage(nn.Module):
    """The network: start vectors, convolutions, biases of the films."""

    def __init__(self, content: Tensor):
        super().__init__()
        self.content = content
        self.own = nn.Embedding(len(content), HIDDEN)
        self.of_content = nn.Linear(content.size(1), HIDDEN)
        self.convs = nn.ModuleList([WeightedConv(HIDDEN) for _ in range(LAYERS)])
        self.bias = nn.Parameter(torch.zeros(len(content)))

    def forward(self, blocks: list[Any]) -> Tensor:
        """Vectors of the targets of the last block, ``[n, HIDDEN]``."""
        films = blocks[0].srcdata[dgl.NID]
        h = start = self.own(films) + self.of_content(self.content[films])
        for conv, block in zip(self.convs, blocks, strict=True):
            h = conv(block, h)
        return start[: len(h)] + h


class Batches:
    """Batches of pairs with the blocks that embed their films.

    Args:
        graph: films and users, and the edges in both directions.
        neighbors: the number of neighbours of a film.
        walks: the number of walks that find them.
    """

    def __init__(self, graph: Any, neighbors: int, walks: int):
        self.graph = graph
        self.sampler = dgl.sampling.PinSAGESampler(
            graph, "movie", "user", WALK_LENGTH, RESTART, walks, neighbors
        )

    def draw(self, size: int) -> tuple[Any, Any, list[Any]]:
        """The graph of the pairs, the graph of the negatives, and the blocks, first layer first."""
        num_movies = self.graph.num_nodes("movie")
        query, negative = torch.randint(num_movies, (2, size))
        walks, _ = dgl.sampling.random_walk(self.graph, query, metapath=["rated_by", "rated"])
        ended = walks[:, 2] >= 0  # a film that nobody rated has no walk
        query, positive, negative = query[ended], walks[ended, 2], negative[ended]
        pairs, negatives = dgl.compact_graphs(
            [dgl.graph((query, films), num_nodes=num_movies) for films in (positive, negative)]
        )
        return (
            pairs,
            negatives,
            self.blocks(pairs.ndata[dgl.NID], query.repeat(2), torch.cat([positive, negative])),
        )

    def blocks(self, seeds: Tensor, sources: Tensor, targets: Tensor) -> list[Any]:
        """The blocks that embed ``seeds``, first layer first, without edges from sources to targets."""
        blocks: list[Any] = []
        for _ in range(LAYERS):
            edges = self.sampler(seeds)
            *_, known = edges.edge_ids(sources, targets, return_uv=True)
            if len(known):
                edges = dgl.remove_edges(edges, known)
            blocks.insert(0, dgl.to_block(edges, seeds))
            seeds = blocks[0].srcdata[dgl.NID]
        return blocks


class Training:
    """One training; the arguments are those of the message."""

    def __init__(self, graph: Any, content: Tensor, neighbors: int, walks: int, batch_size: int, lr: float):
        self.batches = Batches(graph, neighbors, walks)
        self.batch_size = batch_size
        self.model = PinSage(content)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)

    def step(self) -> tuple[int, float]:
        """Train on one batch; returns its number of pairs and its loss."""
        pairs, negatives, blocks = self.batches.draw(self.batch_size)
        h = self.model(blocks)
        bias = self.model.bias[pairs.ndata[dgl.NID]]
        positive, negative = (_scores(edges, h, bias) for edges in (pairs, negatives))
        loss = (negative - positive + MARGIN).clamp(min=0).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return pairs.num_edges(), loss.item()

    @torch.no_grad()
    def embed(self) -> dict[str, Any]:
        """``h`` and ``bias`` of all films."""
        self.model.eval()
        none = torch.empty(0, dtype=torch.int64)
        films = torch.arange(len(self.model.bias)).split(EMBED_BATCH)
        h = torch.cat([self.model(self.batches.blocks(seeds, none, none)) for seeds in films])
        return {"h": h.numpy(), "bias": self.model.bias.numpy()}


def _scores(edges: Any, h: Tensor, bias: Tensor) -> Tensor:
    """The score of each edge, ``[num_edges]``."""
    with edges.local_scope():
        edges.ndata["h"], edges.ndata["bias"] = h, bias.unsqueeze(1)
        edges.apply_edges(fn.u_dot_v("h", "h", "product"))
        edges.apply_edges(fn.u_add_v("bias", "bias", "bias"))
        return (edges.edata["product"] + edges.edata["bias"]).squeeze(1)


def speed(training: Training, seconds: float) -> dict[str, float]:
    """Train for so many processor-seconds."""
    pairs, started = 0, time.process_time()
    while (spent := time.process_time() - started) < seconds:
        pairs += training.step()[0]
    return {"pairs": pairs, "processor_seconds": spent}


def whole(training: Training, num_pairs: int, path: str) -> dict[str, float]:
    """Train on so many pairs and write what was learned."""
    pairs, loss = 0, 0.0
    while pairs < num_pairs:
        count, loss = training.step()
        pairs += count
    np.savez(path, **training.embed())
    return {"loss": loss}


def rating_graph(data: dict[str, Any]) -> Any:
    """Films and users as DGL's graph."""
    users, movies = torch.from_numpy(data["users"]), torch.from_numpy(data["movies"])
    return dgl.heterograph(
        {("movie", "rated_by", "user"): (movies, users), ("user", "rated", "movie"): (users, movies)},
        num_nodes_dict={"movie": int(data["num_movies"]), "user": int(data["num_users"])},
    )


def say(message: dict[str, Any], answers: TextIO) -> None:
    """Send a message."""
    print(json.dumps(message), file=answers, flush=True)


def _seed(seed: int) -> None:
    """DGL and its example draw from global generators."""
    torch.manual_seed(seed)
    dgl.seed(seed)


def answer_jobs() -> int:
    """Train what stdin asks for; returns the exit code."""
    if len(sys.argv) != 2:
        print("usage: pinsage_dgl.py FILE", file=sys.stderr)
        return 2
    answers, sys.stdout = sys.stdout, sys.stderr  # libraries print; only messages go to stdout
    torch.set_num_threads(1)
    _seed(0)
    with np.load(sys.argv[1]) as file:
        data = dict(file)
    graph = rating_graph(data)
    graph.create_formats_()
    content = torch.from_numpy(data["content"])
    say({"versions": {"dgl": dgl.__version__, "torch": torch.__version__}}, answers)
    running: dict[tuple[float, ...], Training] = {}
    for line in sys.stdin:
        job = json.loads(line)
        setting = (job["neighbors"], job["walks"], job["batch_size"], job["lr"])
        if "num_pairs" in job:
            _seed(job["seed"])
            say(whole(Training(graph, content, *setting), job["num_pairs"], job["file"]), answers)
            continue
        if setting not in running:
            running[setting] = Training(graph, content, *setting)
            for _ in range(WARM_UP):
                running[setting].step()
        say(speed(running[setting], job["seconds"]), answers)
    return 0


if __name__ == "__main__":
    sys.exit(answer_jobs())
