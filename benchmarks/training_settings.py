"""What the two benchmarks of training compare: one small network, at several sizes of a batch."""

import torch

from config import Config

NEIGHBORS = ((3, 10), (20, 50))  # (T, walks): the settings of DGL's PinSAGE example, and more of both
SMALL_BATCH = 512
LARGE_BATCH = 16_384  # the largest whose validation MRR is as with small ones
# Pairs per batch, and the learning rate that validation chose for it.
LEARNING_RATES = {SMALL_BATCH: 0.001, 4096: 0.0028, 8192: 0.004, LARGE_BATCH: 0.008, 32_768: 0.012}
ALL_FILMS = 2**31 - 1  # as negatives: a catalogue has fewer films
CPU = torch.device("cpu")


def settings_for(neighbors: int, walks: int, batch_size: int, negatives: int = ALL_FILMS) -> Config:
    """Hidden width 64, two layers.

    Args:
        neighbors: neighbours per film.
        walks: random walks that find them.
        batch_size: a key of ``LEARNING_RATES``.
        negatives: random negatives of a batch; 0 is the default number.
    """
    return Config().override(
        {
            "split": "temporal",
            "num_layers": 2,
            "num_neighbors": neighbors,
            "num_walks": walks,
            "hidden_dim": 64,
            "embedding_dim": 64,
            "batch_size": batch_size,
            "num_negatives": negatives,
            "lr": LEARNING_RATES[batch_size],
        }
    )


def setting_name(neighbors: int, walks: int) -> str:
    """An entry of ``NEIGHBORS`` in words."""
    return f"T = {neighbors}, {walks} walks"
