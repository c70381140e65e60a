"""Synthetic data in parts: hundreds of millions of ratings, of which any part can be made alone.

The films follow from the seed. A part, the ratings of some users, follows from the seed and the part's
number: it has a generator of its own, and its share of the ratings is known without the parts before it. So
the parts are the same whoever makes them, in whichever order, and add up to the size's number of ratings.
"""

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numba
import numpy as np
import pyarrow as pa
import pyarrow.parquet
from tqdm import tqdm

from base.arrays import FloatArray
from base.files import replacing
from data.reading.formats import PART_NAME, RATING_COLUMNS, RATINGS_FOLDER
from data.sources.synthetic import (
    SCALES,
    USERS_PER_CHUNK,
    Catalogue,
    SyntheticSize,
    draw_histories,
    draw_tastes,
    film_popularity,
    make_catalogue,
    user_activity,
    write_movies,
)

SCHEMA = pa.schema(list(zip(RATING_COLUMNS, (pa.int64(), pa.int64(), pa.float32(), pa.int64()), strict=True)))


@dataclass(frozen=True)
class World:
    """What all parts share.

    Attributes:
        size: how much there is in all.
        seed: of every random choice.
        films: the catalogue.
        tastes: of ``draw_tastes``.
    """

    size: SyntheticSize
    seed: int
    films: Catalogue
    tastes: FloatArray


def num_parts(size: SyntheticSize) -> int:
    """Number of parts of a size.

    Raises:
        ValueError: data of this size are not written in parts.
    """
    if size.users_per_part is None:
        raise ValueError(f"users_per_part must be a number to make parts, got {size}; give one")
    return -(-size.num_users // size.users_per_part)


def size_of_part(size: SyntheticSize, part: int) -> SyntheticSize:
    """Users and ratings of one part; the ratings of all parts add up to ``size.num_ratings``.

    Raises:
        ValueError: there is no such part.
    """
    if not 0 <= part < num_parts(size):
        raise ValueError(f"part must be from 0 to {num_parts(size) - 1}, got {part}")
    first, last = _users(size, part)
    before, after = (size.num_ratings * users // size.num_users for users in (first, last))
    return replace(size, num_users=last - first, num_ratings=after - before)


def _users(size: SyntheticSize, part: int) -> tuple[int, int]:
    """How many users come before a part, and how many with it."""
    assert size.users_per_part is not None  # num_parts has looked
    return part * size.users_per_part, min((part + 1) * size.users_per_part, size.num_users)


def make_world(scale: str | SyntheticSize, seed: int) -> World:
    """The films and tastes of a seed.

    Args:
        scale: a key of ``SCALES``, or other counts; with ``users_per_part``.
        seed: of every random choice.

    Raises:
        ValueError: data of this scale are not written in parts, or the number of ratings does not fit.
    """
    size = SCALES[scale] if isinstance(scale, str) else scale
    rng = np.random.default_rng(seed)
    typical = user_activity(size_of_part(size, 0), rng)  # the parts have one distribution
    films = make_catalogue(size, film_popularity(size, typical), rng)
    return World(size, seed, films, draw_tastes(rng))


def _chunks(world: World, part: int) -> Iterator[pa.Table]:
    """The ratings of one part in pieces, so that memory does not grow with ``users_per_part``."""
    size = size_of_part(world.size, part)
    rng = np.random.default_rng(np.random.SeedSequence(world.seed, spawn_key=(part,)))
    activity = user_activity(size, rng)
    first_id = _users(world.size, part)[0] + 1
    for first in range(0, len(activity), USERS_PER_CHUNK):
        counts = activity[first : first + USERS_PER_CHUNK]
        movies, halves, times = draw_histories(counts, world.films, world.tastes, rng)
        users = np.repeat(np.arange(len(counts)) + first_id + first, counts)
        stars = halves.astype(np.float32) / 2
        yield pa.table([users, movies + 1, stars, times], schema=SCHEMA)


def synthetic_part(scale: str | SyntheticSize, seed: int, part: int) -> pa.Table:
    """One part of the ratings, without the others.

    Args:
        scale: a key of ``SCALES``, or other counts; with ``users_per_part``.
        seed: of every random choice.
        part: its number, from 0.

    Returns:
        ``userId``, ``movieId`` and ``timestamp`` int64 and ``rating`` float32, by user, then time.

    Raises:
        ValueError: there is no such part, data of this scale are not written in parts, or the number of
            ratings does not fit.
    """
    return pa.concat_tables(_chunks(make_world(scale, seed), part))


def write_part(world: World, part: int, file: BinaryIO, stop: threading.Event) -> int:
    """Write one part as Parquet, a row group per chunk of users.

    Returns:
        The number of ratings.

    Raises:
        CancelledError: ``stop`` was set, and the part is not whole.
    """
    rows = 0
    with pa.parquet.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        for table in _chunks(world, part):
            if stop.is_set():
                raise CancelledError(f"part {part} is not whole")
            writer.write_table(table, row_group_size=len(table))
            rows += len(table)
    return rows


def generate_parts(
    scale: str | SyntheticSize,
    seed: int,
    out_dir: Path,
    num_threads: int | None = None,
    quiet: bool = True,
) -> None:
    """Write movies.csv and the parts of the ratings that are not there yet.

    A part has its name only when it is whole. The threads share the films and make a part each.

    Args:
        scale: a key of ``SCALES``, or other counts; with ``users_per_part``.
        seed: of every random choice.
        out_dir: an existing folder. Parts that it has must be of the same scale and seed.
        num_threads: None for one per core.
        quiet: no progress bar; there is also none when stderr is not a terminal.

    Raises:
        ValueError: data of this scale are not written in parts, or the number of ratings does not fit.
        OSError: a file could not be written. Whole parts stay.
    """
    world = make_world(scale, seed)
    write_movies(world.films, out_dir)
    folder = out_dir / RATINGS_FOLDER
    folder.mkdir(exist_ok=True)
    for torn in folder.glob(".*.tmp"):  # of a run that was killed
        torn.unlink()
    paths = {part: folder / PART_NAME.format(part) for part in range(num_parts(world.size))}
    missing = {part: path for part, path in paths.items() if not path.exists()}
    there = sum(size_of_part(world.size, part).num_ratings for part in paths.keys() - missing.keys())
    stop = threading.Event()

    def make(part: int, path: Path) -> int:
        with replacing(path) as file:
            return write_part(world, part, file, stop)

    hidden = quiet or not sys.stderr.isatty()
    with (
        tqdm(
            total=world.size.num_ratings, initial=there, unit="ratings", unit_scale=True, disable=hidden
        ) as bar,
        ThreadPoolExecutor(num_threads or numba.get_num_threads()) as pool,
    ):
        made = [pool.submit(make, part, path) for part, path in missing.items()]
        try:
            for one in as_completed(made):
                bar.update(one.result())
        except BaseException:  # Ctrl-C too: the other threads end at their next chunk
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
