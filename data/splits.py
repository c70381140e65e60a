"""Splits of the interactions by time, and the test questions of each protocol.

What is held out depends only on the order in time of each user's interactions. Graph, features, walks,
positive pairs and baselines use the training part only.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from base.arrays import BoolArray, IntArray
from base.errors import UserError
from data.dataset import Events, Interactions, MovieLens
from data.edge_weights import WeightSource, training_weights

SplitName = Literal["leave_one_out", "temporal", "none"]
Part = Literal["validation", "test"]
LIKED = 4.0  # minimum number of stars of a film that a user liked


@dataclass(frozen=True)
class Split:
    """Training, validation and test interactions of one catalogue.

    Attributes:
        name: ``leave_one_out``, ``temporal`` or ``none``.
        train: interactions that models and baselines are fitted on. Only these may have weights.
        validation: interactions that settings are chosen on.
        test: interactions of the reported figures.
        num_users: number of user rows in the data.
        num_movies: number of film rows in the catalogue.
    """

    name: SplitName
    train: Interactions
    validation: Interactions
    test: Interactions
    num_users: int
    num_movies: int

    def without_times(self) -> "Split":
        """The same split with all times 0, which take no memory; training needs the order alone."""
        parts = {name: getattr(self, name) for name in ("train", "validation", "test")}
        return replace(
            self,
            **{
                name: replace(part, timestamps=np.broadcast_to(np.int64(0), len(part)))
                for name, part in parts.items()
            },
        )


@dataclass(frozen=True)
class Queries:
    """Questions about held-out interactions: given film ``queries[i]``, what is the rank of ``targets[i]``?

    Attributes:
        protocol: ``next_item`` or ``pairs``.
        users: int32 ``[n]``, the user row of each question (for confidence intervals over users).
        queries: int32 ``[n]`` film rows.
        targets: int32 ``[n]`` film rows.
        mask_ptr: int64 ``[n + 1]``; question i masks ``mask_movies[mask_ptr[i]:mask_ptr[i + 1]]``.
        mask_movies: int32 film rows that must not be recommended; they always include the query.
    """

    protocol: Literal["next_item", "pairs"]
    users: IntArray
    queries: IntArray
    targets: IntArray
    mask_ptr: IntArray
    mask_movies: IntArray

    def __len__(self) -> int:
        return len(self.queries)

    def select(self, rows: IntArray) -> "Queries":
        """The questions at the positions ``rows``, int ``[m]``, in that order."""
        lengths = (self.mask_ptr[1:] - self.mask_ptr[:-1])[rows]
        mask_ptr = np.concatenate([[0], np.cumsum(lengths)])
        within = np.arange(mask_ptr[-1]) - np.repeat(mask_ptr[:-1], lengths)
        mask_movies = self.mask_movies[np.repeat(self.mask_ptr[:-1][rows], lengths) + within]
        return Queries(
            self.protocol, self.users[rows], self.queries[rows], self.targets[rows], mask_ptr, mask_movies
        )


def split_movielens(
    movielens: MovieLens, name: SplitName = "leave_one_out", weights: WeightSource = "data"
) -> Split:
    """Split the interactions of a data set; arguments and errors as in ``split_interactions``.

    Raises:
        UserError: also if weights shall be the ratings of data without ratings.
    """
    if weights == "rating" and not movielens.rated:
        raise UserError(
            f"{movielens.name} has no ratings, which `weighted_walks` rating takes as weights; "
            "use `weighted_walks` data or none"
        )
    return split_interactions(
        movielens.interactions, movielens.num_users, movielens.num_movies, name, movielens.events, weights
    )


def split_interactions(
    interactions: Interactions,
    num_users: int,
    num_movies: int,
    name: SplitName = "leave_one_out",
    events: Events | None = None,
    weights: WeightSource = "data",
) -> Split:
    """Split the interactions of each user by time.

    Args:
        interactions: sorted by user and time.
        num_users: number of user rows.
        num_movies: number of film rows.
        name: ``leave_one_out``: of each user with three interactions or more, the last one is test, the
            one before it validation, the rest training. ``temporal``: of the n interactions of a user,
            the first ``7 * n // 10`` are training, those up to ``8 * n // 10`` validation, the rest test
            (the paper's 70/10/20, section 4). ``none``: everything is training.
        events: the rows behind the interactions; None if all interactions count the same.
        weights: where the weights of the training interactions come from, see ``training_weights``.

    Raises:
        UserError: the training part is empty, or the test part is empty and ``name`` is not ``none``; or a
            weight is too large.
    """
    is_validation, is_test = held_out(interactions.users, num_users, name)
    is_train = ~(is_test | is_validation)
    if not is_train.any() or (name != "none" and not is_test.any()):
        raise too_few_to_split(num_users)
    train_weights = training_weights(interactions, events, is_train, weights)
    return Split(
        name,
        train=replace(interactions.select(is_train), weights=train_weights),
        validation=interactions.select(is_validation),
        test=interactions.select(is_test),
        num_users=num_users,
        num_movies=num_movies,
    )


def too_few_to_split(num_users: int) -> UserError:
    """The error for data of which nothing can be trained on, or nothing be held out."""
    return UserError(
        f"too few ratings to split: none of the {num_users} users has enough ratings for both training "
        "and test; use a larger dataset or `split` none"
    )


def held_out(users: IntArray, num_users: int, name: SplitName) -> tuple[BoolArray, BoolArray]:
    """Which interactions are validation, and which are test: bool ``[n]`` each.

    Args:
        users: int ``[n]``, user rows of interactions that are sorted by user and time.
        num_users: number of user rows.
        name: of the split, see ``split_interactions``.
    """
    counts = np.bincount(users, minlength=num_users)
    starts = np.cumsum(counts) - counts
    size = counts[users]
    position = np.arange(len(users)) - starts[users]
    if name == "leave_one_out":
        enough = size >= 3
        return enough & (position == size - 2), enough & (position == size - 1)
    if name == "temporal":
        is_test = position >= 8 * size // 10
        return (position >= 7 * size // 10) & ~is_test, is_test
    none = np.zeros(len(users), dtype=bool)
    return none, none


def held_out_queries(split: Split, part: Part) -> Queries:
    """The questions of the protocol of the split: next item for leave-one-out, pairs for temporal.

    Args:
        split: not the split ``none``.
        part: the part that contains the targets.

    Raises:
        UserError: the split is ``none``, or the part does not give a question.
    """
    if split.name == "none":
        raise UserError("`split` none holds nothing out to evaluate; train with leave_one_out or temporal")
    queries = _next_item_queries(split, part) if split.name == "leave_one_out" else _pair_queries(split, part)
    if len(queries) == 0:
        raise UserError(
            f"nothing to evaluate: the {part} part of split {split.name} has {len(getattr(split, part))} "
            "ratings but gives no question; use a larger dataset or another `split`"
        )
    return queries


def _next_item_queries(split: Split, part: Part) -> Queries:
    """One question per user. The query is the user's last training film; all earlier films are masked."""
    target = getattr(split, part)
    train_count = np.bincount(split.train.users, minlength=split.num_users)
    train_end = np.cumsum(train_count)
    seen_count = train_count[target.users] + (1 if part == "test" else 0)
    mask_ptr = np.concatenate([[0], np.cumsum(seen_count)])
    within = np.arange(mask_ptr[-1]) - np.repeat(mask_ptr[:-1], seen_count)
    first = np.repeat((train_end - train_count)[target.users], seen_count)
    is_validation_film = within == np.repeat(train_count[target.users], seen_count)
    source = np.where(is_validation_film, 0, first + within)
    mask_movies = split.train.movies[source]
    if part == "test":
        mask_movies[is_validation_film] = split.validation.movies
    return Queries(
        "next_item",
        target.users,
        split.train.movies[train_end[target.users] - 1],
        target.movies,
        mask_ptr,
        mask_movies,
    )


def _pair_queries(split: Split, part: Part) -> Queries:
    """One question per two consecutive liked films of a user in ``part``; only the query is masked."""
    held_out: Interactions = getattr(split, part)
    liked = held_out.select(held_out.ratings >= LIKED)
    same_user = liked.users[1:] == liked.users[:-1]
    queries = liked.movies[:-1][same_user]
    return Queries(
        "pairs",
        liked.users[1:][same_user],
        queries,
        liked.movies[1:][same_user],
        np.arange(len(queries) + 1),
        queries,
    )
