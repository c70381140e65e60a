"""Histories: the films that a person has seen and rated, from which films for this person are recommended."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from base.arrays import FloatArray, IntArray
from base.errors import UserError
from data.dataset import Interactions
from data.rating_scale import from_stars
from data.reading.columns import STARS
from data.splits import LIKED, Part, Split


class History(NamedTuple):
    """Films that a person has seen, oldest first.

    Attributes:
        rows: int ``[n]`` distinct film rows; n is at least 1.
        ratings: float32 ``[n]``, stars, NaN if the person did not rate the film.
    """

    rows: IntArray
    ratings: FloatArray


def history_of_user(interactions: Interactions, user: int) -> History:
    """All films that the user in row ``user`` rated, in the order of time."""
    return histories_of_users(interactions, np.array([user]))[0]


def histories_of_users(interactions: Interactions, users: IntArray) -> list[History]:
    """``history_of_user`` for the user rows ``users`` ``[n]``."""
    first, end = (np.searchsorted(interactions.users, users, side).tolist() for side in ("left", "right"))
    films, ratings = interactions.movies, interactions.ratings
    return [History(films[a:b], ratings[a:b]) for a, b in zip(first, end, strict=True)]


@dataclass(frozen=True)
class UserQuestions:
    """The user protocol: given a history, what are the ranks of the films that the user liked afterwards?

    Attributes:
        users: int ``[n]`` user rows.
        histories: one per user; its films must not be recommended.
        targets: int film rows, one array per user; at least one row each, not in the history.
    """

    users: IntArray
    histories: list[History]
    targets: list[IntArray]

    def __len__(self) -> int:
        return len(self.users)

    def sample(self, limit: int, seed: int) -> "UserQuestions":
        """The questions of at most ``limit`` users, drawn without replacement; their order is kept.

        The draw depends on the seed only.
        """
        if len(self) <= limit:
            return self
        chosen = np.sort(np.random.default_rng(seed).choice(len(self), limit, replace=False))
        return UserQuestions(
            self.users[chosen], [self.histories[i] for i in chosen], [self.targets[i] for i in chosen]
        )


def user_questions(split: Split, part: Part, best_rating: float = STARS) -> UserQuestions:
    """One question per user who has training ratings and liked a film in ``part``.

    The history consists of the user's training interactions and, for the test, also of the validation
    interactions. The targets are the films in ``part`` with 4 stars or more.

    Args:
        split: a temporal split.
        part: the part that contains the targets.
        best_rating: of the scale on which an error names ratings.

    Raises:
        UserError: there is no such user.
    """
    held_out: Interactions = getattr(split, part)
    liked = held_out.select(held_out.ratings >= LIKED)
    users = np.intersect1d(liked.users, split.train.users)
    if not len(users):
        raise UserError(
            f"nothing to evaluate: no user has training ratings and a rating of "
            f"{from_stars(LIKED, best_rating):g} or more in the {part} part; use a larger dataset"
        )
    histories = histories_of_users(split.train, users)
    if part == "test":
        later = histories_of_users(split.validation, users)
        histories = [_followed_by(*parts) for parts in zip(histories, later, strict=True)]
    return UserQuestions(users, histories, [history.rows for history in histories_of_users(liked, users)])


def _followed_by(first: History, then: History) -> History:
    return History(np.concatenate([first.rows, then.rows]), np.concatenate([first.ratings, then.ratings]))
