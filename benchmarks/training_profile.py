"""The time of a training step by kind of operation."""

import time

import torch
from torch.profiler import ProfilerActivity, profile

from model.pinsage import build_blocks_unchecked
from model.trainer import Trainer
from report.text_table import TableColumn, TableSection, render_table

KINDS = {
    "matrix products": ("aten::mm", "aten::addmm", "aten::bmm"),
    "gather and pooling": (
        "embedding_bag", "aten::index", "aten::gather", "aten::scatter", "aten::_index_put",
    ),
    "optimiser": ("Optimizer", "foreach", "aten::_foreach", "aten::addcdiv", "aten::addcmul", "lerp"),
    "numbering films": ("unique", "aten::sort", "aten::nonzero", "aten::argsort"),
    "softmax": ("aten::exp", "aten::amax", "aten::log", "_SharedLogSumExp"),
}  # fmt: skip
REST = "other element-wise work"
WALKS = "walks and features of shadows"
STEPS = 10


def step_profile(trainer: Trainer) -> dict[str, float]:
    """Share of an epoch's time by kind, the largest first; walks are drawn once per epoch.

    Args:
        trainer: must have trained at least one epoch, so that kernels are compiled.
    """
    size = trainer.settings.batch_size
    queries, positives = trainer.pairs[trainer.pairs.draw(STEPS * size, trainer.generator)[: STEPS * size]]
    started = time.process_time()
    nodes = trainer.draw_nodes()
    drawing = time.process_time() - started
    started = time.process_time()
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        batches = zip(queries.split(size), positives.split(size), strict=True)
        steps = sum(1 for batch in batches if trainer.train_step(nodes, *batch, rate=1e-6))
    seconds = (time.process_time() - started) / steps * trainer.steps_per_epoch
    spent = dict.fromkeys([*KINDS, REST], 0.0)
    for event in recorded.key_averages():
        kind = next((k for k, names in KINDS.items() if any(n in event.key for n in names)), REST)
        spent[kind] += event.self_cpu_time_total
    total = sum(spent.values())
    shares = {kind: time_spent / total * seconds for kind, time_spent in spent.items()} | {WALKS: drawing}
    whole = sum(shares.values())
    return {kind: share / whole for kind, share in sorted(shares.items(), key=lambda item: -item[1])}


def profile_table(shares: dict[str, float]) -> str:
    """One row per kind."""
    columns = [TableColumn("kind of operation", numeric=False), TableColumn("share of an epoch")]
    return render_table(columns, [TableSection([[kind, f"{share:.1%}"] for kind, share in shares.items()])])


def cpu_rate(trainer: Trainer, cpu_seconds: float) -> float:
    """Pairs trained per CPU second, over whole epochs that take at least ``cpu_seconds`` together."""
    pairs, spent = 0, 0.0
    while True:
        started = time.process_time()
        trainer.train_epoch()
        spent += time.process_time() - started
        pairs += trainer.pairs_per_epoch
        if spent >= cpu_seconds:
            return pairs / spent


def whole_catalogue_seconds(trainer: Trainer) -> tuple[float, float]:
    """CPU seconds to embed all films: layer by layer, and in mini-batches of 512 films."""
    model = trainer.model.eval()
    features, neighbors, weights = trainer.nodes
    started = time.process_time()
    model.embed_all(features, neighbors, weights)
    layer_wise = time.process_time() - started
    started = time.process_time()
    with torch.no_grad():
        for films in torch.arange(len(features)).split(512):
            sources, blocks = build_blocks_unchecked(films, neighbors, weights, model.layer_neighbors)
            model.forward_blocks(features[sources], blocks)
    return layer_wise, time.process_time() - started
