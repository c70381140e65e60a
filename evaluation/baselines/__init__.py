"""Simple recommenders to compare PinSage with, fitted on training interactions only; see ``registry``."""

from evaluation.baselines.base import Baseline, BaselineTooLarge
from evaluation.baselines.content import ContentOnly
from evaluation.baselines.ease import EASE
from evaluation.baselines.item_factors import ImplicitALS
from evaluation.baselines.item_knn import ItemKNNBM25, ItemKNNCosine
from evaluation.baselines.popularity import Popularity
from evaluation.baselines.registry import BASELINES, SEEDED, USER_BASELINES
from evaluation.baselines.selection import ChosenBaseline, fit_and_choose
from evaluation.baselines.transitions import TransitionCounts
from evaluation.baselines.visit_counts import RandomWalks

__all__ = [
    "BASELINES",
    "EASE",
    "SEEDED",
    "USER_BASELINES",
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
