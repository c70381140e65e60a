"""Runs: each piece of the ratings sorted by user, so that the ratings of any users can be found in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import UserError
from blocks.block_file import Array
from blocks.ingest.source import Piece, read_piece
from blocks.work_dir import WorkDir
from data.dataset import SAY_THE_BEST
from data.rating_scale import check_highest, in_stars
from data.reading.columns import RowFinder, stable_order
from data.reading.source_files import shown_path


def run_of_piece(
    folder: Path, work_dir: WorkDir, block: int, pieces: list[list[Any]], best_rating: float, fingerprint: str
) -> Mapping[str, Array]:
    """Read a piece and sort it by user, then place in the file.

    Args:
        folder: of the source. It is no setting: data that were moved are still the same.
        work_dir: has the stage ``catalogue``.
        block: number of the piece.
        pieces: the arguments of each ``Piece``.
        best_rating: of the source's own scale.
        fingerprint: of all files; it is only there to be part of the key.

    Returns:
        ``user_ids`` int64 ``[u]`` ascending and distinct, and ``ptr`` int64 ``[u + 1]``, where the ratings of
        each begin. ``movies`` int32, ``ratings`` float32 in stars, and ``times`` int64 ``[n]``. ``unknown``
        int64 ``[1]``, the number of ratings of films that are not in the catalogue, which are left out.

    Raises:
        UserError: the piece cannot be read, or has a rating above the best one, even if the user has rated
            the film before.
    """
    piece = Piece(*pieces[block])
    users, movie_ids, ratings, times = read_piece(folder, piece)
    movies = RowFinder(work_dir.block("catalogue")["movie_ids"])(movie_ids)
    del movie_ids
    order = stable_order(users)
    known = movies >= 0
    if not known.all():
        order = order[known[order]]
    users, ratings = users[order], in_stars(ratings[order], best_rating)
    check_highest(ratings, best_rating, shown_path(folder / piece.name), SAY_THE_BEST)
    first = np.flatnonzero(np.diff(users, prepend=-1))
    return {
        "user_ids": users[first],
        "ptr": np.append(first, len(users)),
        "movies": movies[order],
        "ratings": ratings,
        "times": times[order],
        "unknown": np.array([len(known) - int(known.sum())]),
    }


def users_of_runs(work_dir: WorkDir, block: int, ratings_per_panel: int) -> Mapping[str, Array]:
    """All users, and panels of them: consecutive users with about equally many ratings.

    Args:
        work_dir: has the stage ``runs``.
        block: 0.
        ratings_per_panel: of a panel, unless a single user has more.

    Returns:
        ``user_ids`` int64 ``[num_users]`` ascending, and ``panels`` int64 ``[num_panels + 1]``: the rows
        where each panel begins and the last one ends.

    Raises:
        UserError: there is no rating, or most are of films that are not in the catalogue.
    """
    ids, counts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    unknown = 0
    for run in work_dir.each("runs"):
        ids.append(run["user_ids"])
        counts.append(np.diff(run["ptr"]))
        unknown += int(run["unknown"][0])
        if sum(map(len, ids[1:])) > len(
            ids[0]
        ):  # so each id is merged a few times, however many runs there are
            _merge(ids, counts)
    _merge(ids, counts)
    (ids_of_all,), (counts_of_all,) = ids, counts
    known = int(counts_of_all.sum())
    if known == 0 or unknown > known:
        raise UserError(
            f"{unknown} of {known + unknown} ratings are of films that are not in the catalogue; "
            "use the ratings and the films of one release"
        )
    panel = (np.cumsum(counts_of_all) - 1) // ratings_per_panel
    starts = np.flatnonzero(np.diff(panel, prepend=-1))
    return {
        "user_ids": ids_of_all,
        "panels": np.append(starts, len(ids_of_all)),
    }


def _merge(ids: list[Array], counts: list[Array]) -> None:
    """Replace the lists by one entry each: the distinct ids, ascending, and the sums of their counts."""
    distinct, row = np.unique(np.concatenate(ids), return_inverse=True)
    total = np.bincount(row, np.concatenate(counts), minlength=len(distinct)).astype(np.int64)
    ids[:], counts[:] = [distinct], [total]


def num_panels(work_dir: WorkDir) -> int:
    """Number of panels of users."""
    return len(work_dir.block("users")["panels"]) - 1


def users_of_panel(work_dir: WorkDir, panel: int) -> range:
    """The user rows of a panel."""
    first, end = work_dir.block("users")["panels"][panel : panel + 2].tolist()
    return range(first, end)
