"""Whether a split can be trained on, and how many questions it has. Both need nothing but the split."""

import numpy as np

from base.errors import UserError
from data.splits import LIKED, Part, Split, held_out_queries

MIN_FILMS = 3  # a query, its positive and one other film as a negative


def check_pairs(split: Split) -> None:
    """Check that there are films and training pairs.

    Raises:
        UserError: there are fewer than three films, or no user has two training ratings.
    """
    if split.num_movies < MIN_FILMS:
        raise UserError(f"training needs at least {MIN_FILMS} films, got {split.num_movies}")
    if np.bincount(split.train.users, minlength=1).max() < 2:
        raise UserError(
            f"nothing to train on: none of the {split.num_users} users has two training ratings; "
            "use a larger dataset or another `split`"
        )


def check_trainable(split: Split) -> None:
    """Check everything that a training needs of a split: films, pairs and validation questions.

    Raises:
        UserError: as ``check_pairs``; or something is held out, but it gives no validation question.
    """
    check_pairs(split)
    if split.name != "none" and num_questions(split, "validation") == 0:
        held_out_queries(split, "validation")  # raises the error


def num_questions(split: Split, part: Part) -> int:
    """``len(held_out_queries(split, part))``, without making the questions; 0 where there is none.

    Args:
        split: any split; ``none`` has no questions.
        part: the part that contains the targets.
    """
    held_out = getattr(split, part)
    if split.name != "temporal":
        return len(held_out)
    liked = held_out.users[held_out.ratings >= LIKED]
    return int(np.count_nonzero(liked[1:] == liked[:-1]))
