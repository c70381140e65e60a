"""The training that ours is compared with: a plain loop around PyG's ``LinkLoader``.

It has the same model, features, neighbour table, pairs, loss and optimiser as ours, written as a PyG user
would first write it: the loader makes one subgraph per batch, the layers run over its edges, and every pair
has its own negatives.
"""

from collections.abc import Iterator

import torch
from torch.nn import functional as F
from torch_geometric.loader import LinkLoader

from config import ModelConfig, TrainingConfig
from data.pairs import TrainingPairs
from data.splits import Split
from model.inputs import ModelInputs
from model.pyg import ImportanceNeighborSampler, importance_graph
from model.trainer import build_model

NEGATIVES = 50  # per pair, drawn from the films of the batch
BATCH_SIZE = 512
PAIRS = 1_000_000  # drawn once, and repeated


def reference_steps(
    inputs: ModelInputs, split: Split, model_settings: ModelConfig, settings: TrainingConfig, seed: int
) -> Iterator[int]:
    """Train without end; yields the number of pairs of each step."""
    pairs = TrainingPairs(split.train, split.num_users, settings.pair_window, settings.pair_order == "both")
    generator = torch.Generator().manual_seed(seed)
    queries, positives = pairs[pairs.draw(PAIRS, generator)]
    data = importance_graph(inputs.nodes.neighbors, inputs.nodes.weights, x=inputs.nodes.features)
    sampler = ImportanceNeighborSampler(
        inputs.nodes.neighbors, inputs.nodes.weights, model_settings.num_layers
    )
    model = build_model(inputs.nodes.features.size(1), model_settings, seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.lr)
    while True:
        loader = LinkLoader(
            data,
            sampler,
            edge_label_index=torch.stack([queries, positives]),
            batch_size=BATCH_SIZE,
            shuffle=True,
        )
        for batch in loader:
            h = batch.x
            for conv in model.convs:
                h = conv(h, batch.edge_index, batch.edge_weight)
            candidates, asked = (F.normalize(part, dim=1) for part in model.head(h))
            query, positive = batch.edge_label_index
            negative = torch.randint(len(h), (len(query), NEGATIVES), generator=generator)
            answers = torch.cat([positive.unsqueeze(1), negative], dim=1)  # [B, 1 + NEGATIVES]
            scores = torch.einsum("bd,bnd->bn", asked[query], candidates[answers]) / settings.temperature
            loss = F.cross_entropy(scores, torch.zeros(len(query), dtype=torch.int64))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield len(query)
