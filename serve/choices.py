"""What a visitor may choose for every list: how well known, how varied, under which condition."""

from typing import Any, NamedTuple, TypeVar

from recommend.by_row import RowRecommender

R = TypeVar("R", bound=RowRecommender)


class Choices(NamedTuple):
    """The choices of a request.

    Attributes:
        popularity: from surprising (-1) to well-known films (1).
        diversity: from the best films (0) to films unlike each other (1).
        where: a condition, as ``RowRecommender.with_condition`` takes it; None for none.
    """

    popularity: float = 0.0
    diversity: float = 0.0
    where: Any = None

    def applied(self, recommender: R) -> R:
        """A copy of the recommender that answers by these choices.

        Raises:
            UserError: the model has no view of popularity, or the condition is none.
        """
        changed = recommender.with_popularity(self.popularity).with_diversity(self.diversity)
        return changed.with_condition(self.where)
