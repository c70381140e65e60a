"""How much each training interaction counts: weights of the graph's edges.

The amounts of a user's rows of an item are added up, and the logarithm damps the sum: the tenth purchase says
less than the second. On a shop's purchases, plain counts were worse than no weights at all.

Only proportions matter: to walks, spectral features and pairs, twice all weights are the same weights.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from base.arrays import FloatArray
from data.dataset import Events, Interactions

# Where weights come from: the events of the data, the ratings, or nowhere.
WeightSource = Literal["data", "rating", "none"]


def training_weights(
    interactions: Interactions,
    events: Events | None,
    is_train: npt.NDArray[np.bool_],
    source: WeightSource,
) -> FloatArray | None:
    """The weights of the training interactions.

    Args:
        interactions: all interactions, sorted by user and time.
        events: the rows of the source behind them; None if all count the same.
        is_train: bool ``[len(interactions)]``.
        source: ``data``: log(1 + the sum of the amounts of the events). ``rating``: the stars. ``none``: no
            weights.

    Returns:
        float32 ``[is_train.sum()]`` above 0; None if all are equal.
    """
    if source == "rating":
        weights = _of_ratings(interactions.ratings[is_train])
    elif source == "data" and events is not None:
        weights = np.log1p(_of_events(interactions, events, is_train)[is_train])
    else:
        return None
    if len(weights) == 0 or weights.min() == weights.max():
        return None
    return weights.astype(np.float32)


def _of_ratings(stars: FloatArray) -> FloatArray:
    """The stars as they are. An edge needs a weight above 0, so 0 stars count half of the lowest others."""
    lowest = stars[stars > 0].min(initial=np.inf)
    return np.where(stars > 0, stars, lowest / 2)


def _of_events(interactions: Interactions, events: Events, is_train: npt.NDArray[np.bool_]) -> FloatArray:
    """The amounts of the events of each interaction, added up, float64 ``[len(interactions)]``.

    Training must not know what a user did later, so an event counts only if it comes before the user's first
    held-out interaction.
    """
    held_out = np.flatnonzero(~is_train)
    users, first = np.unique(interactions.users[held_out], return_index=True)
    num_events = len(events.edges)
    end = np.full(int(interactions.users.max(initial=-1)) + 1, num_events)
    end[users] = events.own[held_out[first]]
    earlier = np.arange(num_events) < end[interactions.users[events.edges]]
    sums = np.bincount(events.edges[earlier], events.amounts[earlier], minlength=len(interactions))
    return sums.astype(np.float64)  # of no event at all, NumPy makes whole numbers
