"""The two directions of the graph and the held-out ratings, each in one file that every process maps."""

from collections.abc import Mapping
from functools import partial
from operator import itemgetter

import numpy as np

from blocks.block_file import Array, Parts
from blocks.ingest.panels import PARTS
from blocks.work_dir import WorkDir, block_ranges
from data.dataset import Interactions
from data.graph_builder import ItemGraph
from data.splits import Split, SplitName, too_few_to_split

MAX_INT32 = np.iinfo(np.int32).max
FILMS_TOGETHER = 4096  # whose edges are merged at a time


def user_side(work_dir: WorkDir, block: int) -> Mapping[str, Array | Parts]:
    """``ptr`` int32 or int64 ``[num_users + 1]``, ``movies`` int32 ``[num_edges]`` in order of user and time,
    and ``users`` int32 ``[num_edges]``, the user of each edge.
    """  # noqa: D205
    degrees = [panel["degree"] for panel in work_dir.each("panels")]
    ptr = _pointers(np.concatenate(degrees))
    shape, starts = (int(ptr[-1]),), np.cumsum([0] + list(map(len, degrees)))
    return {
        "ptr": ptr,
        "movies": Parts(np.int32, shape, map(itemgetter("movies"), work_dir.each("panels"))),
        "users": Parts(
            np.int32,
            shape,
            (
                np.repeat(np.arange(start, start + len(degree), dtype=np.int32), degree)
                for start, degree in zip(starts.tolist(), degrees, strict=False)
            ),
        ),
    }


def movie_side(work_dir: WorkDir, block: int) -> Mapping[str, Array | Parts]:
    """``ptr`` int32 or int64 ``[num_movies + 1]`` and ``users`` int32 ``[num_edges]``, ascending per film."""
    panels = list(work_dir.each("panels"))
    starts = [panel["by_movie_ptr"] for panel in panels]
    ptr = _pointers(np.diff(np.sum(starts, axis=0)))
    parts = (_users_of(panels, films) for films in block_ranges(len(ptr) - 1, FILMS_TOGETHER))
    return {"ptr": ptr, "users": Parts(np.int32, (int(ptr[-1]),), parts)}


def held_out_ratings(work_dir: WorkDir, block: int, split: SplitName) -> Mapping[str, Array | Parts]:
    """``users``, ``movies`` and ``ratings`` of validation and test, in order of user and time; and ``range``.

    ``range`` float32 ``[2]`` has the lowest and the highest rating of all parts.

    Raises:
        UserError: as ``split_interactions`` does, if there is nothing to train on or nothing is held out.
    """
    names = [f"{part}_{column}" for part in PARTS for column in ("users", "movies", "ratings")]
    panels = list(work_dir.each("panels"))
    wanted = ["movies"] if split == "none" else ["movies", "test_movies"]
    if not all(any(len(panel[name]) for panel in panels) for name in wanted):
        raise too_few_to_split(sum(len(panel["degree"]) for panel in panels))
    lowest, highest = np.array([panel["range"] for panel in panels]).T
    return {
        **{name: _joined([panel[name] for panel in panels]) for name in names},
        "range": np.array([lowest.min(), highest.max()]),
    }


def _joined(arrays: list[Array]) -> Parts:
    return Parts(arrays[0].dtype, (sum(map(len, arrays)),), arrays)


def _pointers(degree: Array) -> Array:
    ptr = np.concatenate([[0], np.cumsum(degree, dtype=np.int64)])
    return ptr if ptr[-1] > MAX_INT32 else ptr.astype(np.int32)


def _users_of(panels: list[dict[str, Array]], films: range) -> Array:
    """The users of some films, film by film; those of earlier panels come first, so they are ascending."""
    ptrs = np.stack([panel["by_movie_ptr"][films.start : films.stop + 1] for panel in panels])
    counts = np.diff(ptrs, axis=1)  # [panels, films]
    ends = np.cumsum(counts.T, dtype=np.int64).reshape(counts.T.shape)  # film by film, then panel by panel
    first = ends.T - counts  # where the users of a panel and a film go
    found = np.empty(int(counts.sum()), np.int32)
    for panel, ptr, count, goes in zip(panels, ptrs, counts, first, strict=True):
        places = np.repeat(goes - (ptr[:-1] - ptr[0]), count)
        places += np.arange(len(places))
        found[places] = panel["by_movie_users"][ptr[0] : ptr[-1]]
    return found


def read_graph(work_dir: WorkDir) -> ItemGraph:
    """The mapped graph of the stages ``user_side`` and ``movie_side``."""
    by_user, by_movie = work_dir.block("user_side"), work_dir.block("movie_side")
    return ItemGraph.unchecked(by_movie["ptr"], by_movie["users"], by_user["ptr"], by_user["movies"])


def read_split(work_dir: WorkDir, name: SplitName) -> Split:
    """The mapped split. No reader of it needs times, or ratings of the training: they are 0."""
    by_user, held_out = work_dir.block("user_side"), work_dir.block("held_out")
    num_movies = len(work_dir.block("catalogue")["movie_ids"])

    def interactions(users: Array, movies: Array, ratings: Array | None = None) -> Interactions:
        zeros = partial(np.broadcast_to, shape=users.shape)
        stars = zeros(np.float32(0)) if ratings is None else ratings
        return Interactions(users, movies, stars, zeros(np.int64(0)))

    validation, test = (
        interactions(*(held_out[f"{part}_{column}"] for column in ("users", "movies", "ratings")))
        for part in PARTS
    )
    train = interactions(by_user["users"], by_user["movies"])
    return Split(name, train, validation, test, len(by_user["ptr"]) - 1, num_movies)
