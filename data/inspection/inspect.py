"""The inspection of a data set: figures, and what looks wrong in them."""

from dataclasses import dataclass

from data.dataset import MovieLens
from data.inspection.figures import Figures, figures_of
from data.inspection.oddities import oddities_of
from data.inspection.oddity import Oddity
from data.splits import Split


@dataclass(frozen=True)
class Inspection:
    """What a data set contains.

    Attributes:
        figures: what was counted.
        oddities: what looks wrong, the most harmful first.
    """

    figures: Figures
    oddities: tuple[Oddity, ...]


def inspect_data(movielens: MovieLens, split: Split) -> Inspection:
    """Look at data before they are trained on; nothing is too odd for an answer.

    Args:
        movielens: the data.
        split: split of these data.
    """
    figures = figures_of(movielens, split)
    return Inspection(figures, oddities_of(figures))
