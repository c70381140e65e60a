"""The baselines that PinSage is compared with.

To add one:

1. Write a module with a frozen dataclass as ``Baseline`` describes it: a ``name``, a ``GRID`` of four
   settings with the defaults first, and ``fit``.
2. Add the class to ``BASELINES`` here; to ``SEEDED`` too if it draws at random, and to ``USER_BASELINES`` if
   it should also recommend for users in the user protocol.
3. Test it against a dense computation in ``tests/evaluation/test_baselines.py``.

Tables, pictures, the benchmark and ``metrics.json`` then have it.
"""

from evaluation.baselines.base import Baseline
from evaluation.baselines.content import ContentOnly
from evaluation.baselines.ease import EASE
from evaluation.baselines.item_factors import ImplicitALS
from evaluation.baselines.item_knn import ItemKNNBM25, ItemKNNCosine
from evaluation.baselines.popularity import Popularity
from evaluation.baselines.transitions import TransitionCounts
from evaluation.baselines.visit_counts import RandomWalks

BASELINES: tuple[type[Baseline], ...] = (
    Popularity,
    ContentOnly,
    ItemKNNCosine,
    ItemKNNBM25,
    TransitionCounts,
    EASE,
    ImplicitALS,
    RandomWalks,
)
# Their fits differ from seed to seed; the fits of all others are the same to the bit.
SEEDED: frozenset[type[Baseline]] = frozenset({ImplicitALS})
USER_BASELINES: tuple[type[Baseline], ...] = (Popularity, ItemKNNCosine, ItemKNNBM25, EASE, ImplicitALS)
