"""Panels: the ratings of some users from all runs, split by time, in both directions of the graph."""

from collections.abc import Mapping

import numpy as np

from base.arrays import IntArray
from blocks.block_file import Array
from blocks.ingest.runs import users_of_panel
from blocks.work_dir import WorkDir
from data.graph_builder import both_directions
from data.reading.columns import first_of_pair, time_order
from data.splits import SplitName, held_out

PARTS = ("validation", "test")


def panel_of_users(work_dir: WorkDir, block: int, split: SplitName, min_rating: float) -> Mapping[str, Array]:
    """Merge the ratings of the users of a panel, and split them.

    As ``load_movielens`` does, it keeps the first rating of user and film, and orders a user's ratings by
    time, then place in the source.

    Args:
        work_dir: has the stages ``catalogue``, ``runs`` and ``users``.
        block: number of the panel.
        split: see ``split_interactions``.
        min_rating: ratings below it are dropped. Users who have no others keep their row.

    Returns:
        Of training ``degree`` int32 ``[users]`` and ``movies`` int32 ``[edges]``, in order of user and time,
        and the same edges as ``by_movie_ptr`` int64 ``[num_movies + 1]`` and ``by_movie_users`` int32
        ``[edges]``, ascending. For ``validation`` and ``test`` the columns ``_users`` and ``_movies`` int32
        and ``_ratings`` float32. User rows are those of all data. ``range`` float32 ``[2]``, the lowest and
        the highest rating that is kept; infinite if there is none.
    """
    rows = users_of_panel(work_dir, block)
    ids = work_dir.block("users")["user_ids"][rows.start : rows.stop]
    num_movies = len(work_dir.block("catalogue")["movie_ids"])
    users, movies, ratings, times = _ratings_of(work_dir, ids)
    order = time_order(users, times, first_of_pair(users, movies))
    del times
    users, movies, ratings = users[order], movies[order], ratings[order]
    if min_rating > 0:
        kept = ratings >= min_rating
        users, movies, ratings = users[kept], movies[kept], ratings[kept]
    validation, test = held_out(users, len(rows), split)
    train = ~(validation | test)
    graph = both_directions(users[train], movies[train], len(rows), num_movies)
    found = {
        "degree": graph.user_degree,
        "movies": graph.user_movies,
        "by_movie_ptr": graph.movie_ptr.astype(np.int64),
        "by_movie_users": graph.movie_users + np.int32(rows.start),
        "range": np.array([ratings.min(initial=np.inf), ratings.max(initial=-np.inf)], np.float32),
    }
    for name, part in zip(PARTS, (validation, test), strict=True):
        found[f"{name}_users"] = users[part] + np.int32(rows.start)
        found[f"{name}_movies"] = movies[part]
        found[f"{name}_ratings"] = ratings[part]
    return found


def _ratings_of(work_dir: WorkDir, ids: IntArray) -> tuple[Array, Array, Array, Array]:
    """The ratings of users, in the order of the source: places in ``ids``, film rows, ratings and times."""
    columns: list[list[Array]] = [[], [], [], []]
    for run in work_dir.each("runs"):
        first, end = np.searchsorted(run["user_ids"], [ids[0], ids[-1] + 1])
        ptr = run["ptr"][first : end + 1]
        places = np.searchsorted(ids, run["user_ids"][first:end]).astype(np.int32)
        columns[0].append(np.repeat(places, np.diff(ptr)))
        for column, name in zip(columns[1:], ("movies", "ratings", "times"), strict=True):
            column.append(run[name][ptr[0] : ptr[-1]])
    users, movies, ratings, times = (np.concatenate(column) for column in columns)
    return users, movies, ratings, times
