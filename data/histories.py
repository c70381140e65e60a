"""What a person has seen and how they rated it: the question that recommendations for a person answer."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from base.arrays import FloatArray, IntArray
from base.errors import UserError
from data.dataset import Interactions
from data.splits import LIKED, Part, Split


class History(NamedTuple):
    """Films that someone has seen, oldest first.

    Attributes:
        rows: int ``[n]`` film rows, distinct; n at least 1.
        ratings: float32 ``[n]``, nan where there is none.
    """

    rows: IntArray
    ratings: FloatArray


def history_of_user(interactions: Interactions, user: int) -> History:
    """Everything that user row ``user`` rated, in order of time."""
    first, end = np.searchsorted(interactions.users, [user, user + 1])
    return History(interactions.movies[first:end], interactions.ratings[first:end])


@dataclass(frozen=True)
class UserQuestions:
    """The user protocol: given a history, where do all films rank that the user liked afterwards?

    Attributes:
        users: int ``[n]`` user rows.
        histories: one a user; its films may not be recommended.
        targets: int film rows a user, at least one; none of them is in the history.
    """

    users: IntArray
    histories: list[History]
    targets: list[IntArray]

    def __len__(self) -> int:
        return len(self.users)

    def sample(self, limit: int, seed: int) -> "UserQuestions":
        """At most ``limit`` users, drawn without replacement, in their order; a function of the seed."""
        if len(self) <= limit:
            return self
        chosen = np.sort(np.random.default_rng(seed).choice(len(self), limit, replace=False))
        return UserQuestions(
            self.users[chosen], [self.histories[i] for i in chosen], [self.targets[i] for i in chosen]
        )


def user_questions(split: Split, part: Part) -> UserQuestions:
    """Users with a film of 4 stars or more in ``part``, and what they had seen before it.

    A history is the user's training part and, for the test, the validation part behind it. Nobody
    without one is asked about.

    Args:
        split: the temporal one.
        part: where the targets are.

    Raises:
        UserError: nobody has both a history and a target.
    """
    held_out: Interactions = getattr(split, part)
    liked = held_out.select(held_out.ratings >= LIKED)
    users = np.intersect1d(liked.users, split.train.users)
    if not len(users):
        raise UserError(
            f"nobody to evaluate: no user has training ratings and one of {LIKED:g} or more in the "
            f"{part} part; use a larger dataset"
        )
    histories = [history_of_user(split.train, user) for user in users]
    if part == "test":
        histories = [
            _followed_by(history, history_of_user(split.validation, user))
            for history, user in zip(histories, users, strict=True)
        ]
    return UserQuestions(users, histories, [history_of_user(liked, user).rows for user in users])


def _followed_by(first: History, then: History) -> History:
    return History(np.concatenate([first.rows, then.rows]), np.concatenate([first.ratings, then.ratings]))
