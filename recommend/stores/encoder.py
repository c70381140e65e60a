"""The item encoder as ONNX: from features and neighbours to vectors, without this program."""

import contextlib
import copy
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from base.arrays import unit_rows
from base.files import replacing
from data.feature_extractor import described_parts
from model.blend import POPULARITY_LENGTH, Blend
from model.checkpoint import Checkpoint
from model.heads import Embeddings
from model.new_films.from_checkpoint import stored_model
from model.pinsage import PinSage
from model.views import Views
from recommend.stores.catalogue import Catalogue

OF_NODES = ("features", "neighbors", "weights")
OUTPUTS = ("candidates", "queries")
FILES = """\
`encoder.onnx` makes the vectors. Its inputs have one row per item, of as many items as you like:

- `features` float32 [n, {features}]
- `neighbors` int64 [n, {neighbors}], rows of these items
- `weights` float32 [n, {neighbors}], 0 where there is no neighbour
{views}
Its outputs are `candidates` and `queries`, float32 [n, {dim}]. `inputs.npz` has the inputs of the items that
the model was trained on, under these names; their vectors are those of the other exports."""
OF_VIEWS = """\
- `graph` float32 [n, {graph}], who took the item; `content` float32 [n, {content}], what it is
- `content_factor` float32 [n], 1, or more for items that the training has not seen
- `popularity` float32 [n], in standard deviations
"""


class GatheredPooling(nn.Module):
    """The pooling of an aggregator in operators that ONNX has, one neighbour of each item at a time.

    ONNX has no ``embedding_bag``, and gathering all neighbours at once would take T times the memory.

    Args:
        aggregator: a key of ``model.aggregators.AGGREGATIONS``.
    """

    def __init__(self, aggregator: str):
        super().__init__()
        self.aggregator = aggregator

    def pool_unchecked(self, h: Tensor, neighbors: Tensor, weights: Tensor) -> Tensor:
        """The numbers of ``NeighborAggregation.pool_unchecked``, up to rounding."""
        if self.aggregator != "importance":
            weights = (weights > 0).to(h.dtype)
        columns = zip(neighbors.unbind(1), weights.unsqueeze(2).unbind(1), strict=True)
        parts = [weight * h[rows] for rows, weight in columns]  # of [n, d] each
        pooled = parts[0]
        for part in parts[1:]:
            pooled = torch.maximum(pooled, part) if self.aggregator == "max" else pooled + part
        if self.aggregator == "max":  # messages are never negative, so 0 stands for no neighbour
            return pooled
        total = weights.sum(dim=1, keepdim=True)
        return pooled / torch.where(total > 0, total, torch.ones_like(total))


class Encoder(nn.Module):
    """All layers, the head and the views for a whole catalogue, as ``PinSage.embed_all`` and ``Blend.join``.

    Args:
        model: the network.
        blend: how learned vectors and views are joined; None if the learned ones are all.

    Shapes:
        - ``forward``: ``Nodes`` of n items and, with a blend, their ``Views`` -> candidates and queries
          ``[n, dim]``
    """

    def __init__(self, model: PinSage, blend: Blend | None):
        super().__init__()
        self.model = copy.deepcopy(model)
        for conv in self.model.convs:
            conv.aggr_module = GatheredPooling(conv.aggregator)  # type: ignore[arg-type]
        self.blend = blend
        self.eval()

    def forward(self, features: Tensor, neighbors: Tensor, weights: Tensor, *views: Tensor) -> Embeddings:
        """The vectors of the items."""
        h = features
        for conv, count in zip(self.model.convs, self.model.layer_neighbors, strict=True):
            h = conv.forward_padded(  # type: ignore[operator]
                h, h, neighbors[:, :count], weights[:, :count]
            )
        learned = self.model.head(h)
        return learned if self.blend is None else self.blend.join(learned, Views(*views))


def write_onnx(checkpoint: Checkpoint, folder: Path) -> None:
    """Write ``encoder.onnx``, and ``inputs.npz`` with what it reads of the items of the training.

    Raises:
        UserError: the weights of the checkpoint do not fit its settings.
        OSError: a file could not be written.
    """
    inputs = encoder_inputs(checkpoint)
    with replacing(folder / "encoder.onnx") as file:
        file.write(exported(Encoder(stored_model(checkpoint), checkpoint.blend), inputs))
    with replacing(folder / "inputs.npz") as file:
        np.savez(file, allow_pickle=False, **{name: part.numpy() for name, part in inputs.items()})
    widths = {name: part.size(-1) for name, part in inputs.items()}
    views = "" if checkpoint.blend is None else OF_VIEWS.format(**widths)
    files = FILES.format(**widths | {"dim": checkpoint.embeddings.size(1), "views": views})
    Catalogue.of(checkpoint).write_readme(folder, files, "The encoder makes both.")


def encoder_inputs(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """What ``Encoder`` reads of the items that the model was trained on, by the names of the inputs.

    A checkpoint keeps no views. They follow from features and candidates, as ``Blend.join`` made these.
    """
    inputs = dict(zip(OF_NODES, checkpoint.nodes, strict=True))
    if (blend := checkpoint.blend) is None:
        return inputs
    candidates = checkpoint.embeddings * blend.radius
    widths = [*map(len, blend.covariances), 2]
    _, graph, content, popularity = candidates.split(widths, dim=1)
    if content.size(1):
        content = torch.from_numpy(unit_rows(described_parts(checkpoint.basis, checkpoint.features.numpy())))
    views = Views(
        graph / blend.balances[0],
        content,
        torch.ones(len(candidates)),
        popularity[:, 0] / POPULARITY_LENGTH,
    )
    return inputs | {name: part.contiguous() for name, part in views._asdict().items()}


def exported(encoder: Encoder, inputs: dict[str, Tensor]) -> bytes:
    """An encoder as an ONNX model for any number of items.

    Args:
        encoder: the encoder.
        inputs: an example; of its rows, the number is left open.
    """
    rows = {0: torch.export.Dim("items")}
    shapes: list[object] = [rows] * len(OF_NODES)
    if of_views := len(inputs) - len(OF_NODES):  # the exporter wants those of *views together
        shapes.append((rows,) * of_views)
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            encoder,
            tuple(inputs.values()),
            dynamo=True,
            verbose=False,
            input_names=list(inputs),
            output_names=OUTPUTS,
            dynamic_shapes=shapes,
        )
    assert program is not None
    return program.model_proto.SerializeToString()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of operators that no encoder has."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
