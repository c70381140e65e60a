"""Simple recommenders that PinSage has to beat, one a module, all fitted on training interactions only."""

from utils.baselines.base import Baseline, BaselineTooLarge
from utils.baselines.content import ContentOnly
from utils.baselines.ease import EASE
from utils.baselines.item_factors import ImplicitALS
from utils.baselines.item_knn import ItemKNNBM25, ItemKNNCosine
from utils.baselines.popularity import Popularity
from utils.baselines.selection import BASELINES, SEEDED, ChosenBaseline, fit_and_choose
from utils.baselines.transitions import TransitionCounts
from utils.baselines.visit_counts import RandomWalks

__all__ = [
    "BASELINES",
    "EASE",
    "SEEDED",
    "Baseline",
    "BaselineTooLarge",
    "ChosenBaseline",
    "ContentOnly",
    "ImplicitALS",
    "ItemKNNBM25",
    "ItemKNNCosine",
    "Popularity",
    "RandomWalks",
    "TransitionCounts",
    "fit_and_choose",
]
