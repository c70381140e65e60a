"""Your own graph through the parts: walks, PyG's loader, the PinSage network and a loss of your own.

    python examples/own_graph.py

The data are made here: readers borrow books of one subject, and one book in ten of another. The network
gets no subject, only random features, so what it learns comes from the graph.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # where the project is not installed

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch_geometric.loader import LinkLoader  # noqa: E402

from model.pyg import ImportanceNeighborSampler, importance_graph  # noqa: E402
from pinsage import ExactIndex, ItemGraph, PinSage, RandomWalkSampler  # noqa: E402

NUM_SUBJECTS = 8
TEMPERATURE = 0.1


def loans(num_readers: int, num_books: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Edges of the graph: reader and book of each of twelve loans per reader."""
    rng = np.random.default_rng(seed)
    readers = np.repeat(np.arange(num_readers), 12)
    subject = np.where(rng.random(len(readers)) < 0.9, readers, rng.integers(NUM_SUBJECTS, size=len(readers)))
    books = rng.integers(num_books // NUM_SUBJECTS, size=len(readers)) * NUM_SUBJECTS + subject % NUM_SUBJECTS
    return readers, books


def main(argv: list[str] | None = None) -> None:
    """Train on pairs of books that one reader borrowed, and print how often the nearest book fits."""
    parser = argparse.ArgumentParser(description="A graph of your own through the parts of PinSage.")
    parser.add_argument("--epochs", type=int, default=5)
    arguments = parser.parse_args(argv)
    num_books = 400
    readers, books = loans(num_readers=600, num_books=num_books, seed=0)

    # 1. The graph, and each book's most important neighbours by random walks.
    graph = ItemGraph.from_edges(readers, books, num_items=num_books)
    walks = RandomWalkSampler(graph, seed=0)
    neighbors, weights = walks.batch_sample_neighbors(np.arange(num_books), num_neighbors=10)

    # 2. The same as a PyG graph; a loader draws pairs and the subgraph that a batch of them needs.
    torch.manual_seed(0)
    data = importance_graph(neighbors, weights, x=torch.randn(num_books, 32))
    pairs = torch.from_numpy(np.stack([books[:-1], books[1:]])[:, readers[:-1] == readers[1:]])
    loader = LinkLoader(
        data,
        ImportanceNeighborSampler(neighbors, weights, num_layers=2),
        edge_label_index=pairs,
        batch_size=256,
        shuffle=True,
    )

    # 3. Two layers; the loss asks for each book's partner among those of the batch.
    model = PinSage(32, hidden_channels=64, out_channels=64, layer_neighbors=(10, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    for epoch in range(1, arguments.epochs + 1):
        total = 0.0
        for batch in loader:
            z = model(batch.x, batch.edge_index, batch.edge_weight)
            first, second = batch.edge_label_index
            scores = z.queries[first] @ z.candidates[second].T / TEMPERATURE
            loss = torch.nn.functional.cross_entropy(scores, torch.arange(len(first)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: loss {total / len(loader):.3f}")

    # 4. Embed every book, and search.
    z = model.eval().embed_all(data.x, neighbors, weights)
    index = ExactIndex().build(z.candidates.numpy(), np.arange(num_books))
    nearest = index.search(z.queries.numpy(), 5, exclude=list(np.arange(num_books)[:, None])).ids
    same = (nearest % NUM_SUBJECTS == np.arange(num_books)[:, None] % NUM_SUBJECTS).mean()
    print(f"of the 5 books nearest to each, {same:.0%} have its subject (by chance: {1 / NUM_SUBJECTS:.0%})")


if __name__ == "__main__":
    main()
