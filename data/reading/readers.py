"""From a release's own files to columns of rows, whichever of the three forms GroupLens chose.

The columns that come out (see ``read_release``) are what the cache keeps: everything that has to be
decided about the source is decided, nothing that depends on the caller's settings.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base.errors import UserError
from data.reading.cache import content_fingerprint
from data.reading.columns import Columns
from data.reading.indexing import RowFinder, first_of_pair, joined, time_order
from data.reading.number_columns import read_number_columns
from data.reading.number_rules import AMOUNT, ID, SECONDS, Column
from data.reading.source_files import empty, exists, shown_path
from data.reading.text_tables import (
    Fields,
    csv_rows,
    film_table,
    movies_dat_fields,
    split_rows,
    tag_applications,
    tag_names,
    tags_dat_fields,
    u_item_fields,
)
from data.sources.convert import U_ITEM_GENRES

RATING_COLUMNS = (
    Column("userId", ID),
    Column("movieId", ID),
    Column("rating", AMOUNT),
    Column("timestamp", SECONDS),
)
GENOME_COLUMNS = (Column("movieId", ID), Column("tagId", ID), Column("relevance", AMOUNT))
GENOME_FILES = ("genome-scores.csv", "genome-tags.csv")

Rows = Callable[[Path], Iterator[tuple[int, Fields]]]


@dataclass(frozen=True)
class Format:
    """How one family of releases writes its files."""

    ratings: str
    separator: str
    movies: str
    movie_rows: Rows
    tags: str | None
    tag_rows: Rows | None


def _csv_movies(path: Path) -> Iterator[tuple[int, Fields]]:
    return csv_rows(path, ("movieId", "title", "genres"))


def _csv_tags(path: Path) -> Iterator[tuple[int, Fields]]:
    return csv_rows(path, ("userId", "movieId", "tag"))


def _dat_movies(path: Path) -> Iterator[tuple[int, Fields]]:
    # ml-10m is UTF-8; ml-1m is Latin-1, which as UTF-8 does not decode.
    return split_rows(path, movies_dat_fields, "id::title::genres", ("utf-8", "latin-1"))


def _dat_tags(path: Path) -> Iterator[tuple[int, Fields]]:
    return split_rows(path, tags_dat_fields, "user::movie::tag::timestamp", ("utf-8",))


def _u_item_movies(path: Path) -> Iterator[tuple[int, Fields]]:
    form = f"id|title|date|date|address and {len(U_ITEM_GENRES)} flags"
    return split_rows(path, u_item_fields, form, ("latin-1",))


FORMATS = (
    Format("ratings.csv", ",", "movies.csv", _csv_movies, "tags.csv", _csv_tags),
    Format("ratings.dat", "::", "movies.dat", _dat_movies, "tags.dat", _dat_tags),
    Format("u.data", "\t", "u.item", _u_item_movies, None, None),
)


@dataclass(frozen=True)
class Release:
    """A folder and how to read it.

    Attributes:
        folder: where it lies.
        format: how its files are written.
        optional: names of the optional files it has.
    """

    folder: Path
    format: Format
    optional: tuple[str, ...]

    @property
    def files(self) -> list[Path]:
        """Everything that is read of it."""
        return [self.folder / name for name in (self.format.ratings, self.format.movies, *self.optional)]

    def fingerprint(self) -> str:
        """Hex digest of the files' names and content."""
        return content_fingerprint(self.files)

    def read(self) -> Columns:
        """Everything in it; see ``read_release``."""
        return read_release(self)


def find_release(folder: Path) -> Release:
    """Tell from the names of its files which form a folder's release has.

    Raises:
        UserError: no such folder, or none of the forms.
    """
    where = shown_path(folder)
    if not exists(folder):
        raise UserError(f"no folder {where}; fetch a dataset with download_dataset.py, or give --data_dir")
    if not folder.is_dir():
        raise UserError(f"{where} is a file; --data_dir must name a folder")
    for form in FORMATS:
        if exists(folder / form.ratings):
            wanted = (form.tags, *GENOME_FILES) if form.separator == "," else (form.tags,)
            optional = tuple(name for name in wanted if name and exists(folder / name))
            return Release(folder, form, optional)
    forms = " or ".join(f"{form.ratings} with {form.movies}" for form in FORMATS)
    raise UserError(
        f"{where} holds no MovieLens ratings ({forms}); fetch a dataset with download_dataset.py, "
        "or give --data_dir"
    )


def read_release(release: Release) -> Columns:
    """Read and index everything.

    Returns:
        Columns with the arrays ``movie_ids``, ``years``, ``user_ids`` (ascending), ``users``, ``movies``,
        ``ratings`` and ``timestamps`` (as ``Interactions``) and the texts ``titles``, ``genres`` (joined by
        ``|``) and ``notes``; with tags also ``tag_users``, ``tag_movies`` and the texts ``tags``; with a
        genome also ``genome_movies``, ``relevance`` and the texts ``genome_tags``.

    Raises:
        UserError: a file or a line cannot be read, or no rating is of a film in the catalogue.
    """
    form = release.format
    path = release.folder / form.movies
    films = film_table(path, form.movie_rows(path))
    columns = Columns(
        {"movie_ids": films.ids, "years": films.years},
        {"titles": films.titles, "genres": films.genres, "notes": []},
    )
    find_movie = RowFinder(films.ids)
    _read_ratings(release, find_movie, columns)
    if form.tags in release.optional:
        _read_tags(release, find_movie, columns)
    if any(name in release.optional for name in GENOME_FILES):
        _read_genome(release, find_movie, columns)
    columns.freeze()
    return columns


def _read_ratings(release: Release, find_movie: RowFinder, columns: Columns) -> None:
    """Add users and interactions, each film once a user, in the order ``Interactions`` promises."""
    path = release.folder / release.format.ratings
    blocks: list[list[np.ndarray]] = [[], [], [], []]
    total = 0
    for user_ids, movie_ids, ratings, timestamps in read_number_columns(
        path, RATING_COLUMNS, release.format.separator
    ):
        total += len(user_ids)
        movies = find_movie(movie_ids)
        known = movies >= 0
        for kept, column in zip(blocks, (user_ids, movies, ratings, timestamps), strict=True):
            kept.append(column if known.all() else column[known])
    if total == 0:
        raise empty(path)
    kept_users, movies, ratings, timestamps = (joined(column) for column in blocks)
    if len(kept_users) == 0:
        raise UserError(
            f"{shown_path(path)}: none of the films of its {total} ratings is in {release.format.movies}; "
            "use the two files of one release"
        )
    columns.note(total - len(kept_users), "rating", f"of films absent from {release.format.movies} dropped")
    # Releases group ratings by user: one id a run leaves little to sort.
    is_first = np.concatenate([[True], kept_users[1:] != kept_users[:-1]])
    ids = np.unique(kept_users[is_first])
    users = RowFinder(ids)(kept_users)
    del kept_users
    order = time_order(users, timestamps, first_of_pair(users, movies, len(columns.texts["titles"])))
    columns.note(len(users) - len(order), "duplicate rating", "dropped, the first of user and film kept")
    columns.arrays["user_ids"] = ids
    columns.arrays["users"] = users[order]
    columns.arrays["movies"] = movies[order]
    columns.arrays["ratings"] = ratings[order]
    columns.arrays["timestamps"] = timestamps[order]


def _read_tags(release: Release, find_movie: RowFinder, columns: Columns) -> None:
    if release.format.tags is None or release.format.tag_rows is None:
        return
    path = release.folder / release.format.tags
    user_ids, movie_ids, texts = tag_applications(path, release.format.tag_rows(path))
    users = RowFinder(columns.arrays["user_ids"])(user_ids)
    movies = find_movie(movie_ids)
    known = (users >= 0) & (movies >= 0)
    kept = known & np.array([bool(text) for text in texts], dtype=bool)
    columns.note(int((~known).sum()), "tag", "of unknown users or films dropped")
    columns.note(int((known & ~kept).sum()), "empty tag", "dropped")
    columns.arrays["tag_users"] = users[kept]
    columns.arrays["tag_movies"] = movies[kept]
    columns.texts["tags"] = [text for text, keep in zip(texts, kept, strict=True) if keep]


def _read_genome(release: Release, find_movie: RowFinder, columns: Columns) -> None:
    """Add the scores of known films and tags; a score given twice counts as it stands first."""
    scores_path, tags_path = (release.folder / name for name in GENOME_FILES)
    tag_ids, names = tag_names(tags_path)
    find_tag = RowFinder(tag_ids)
    parts: list[list[np.ndarray]] = [[], [], []]
    unknown = 0
    for movie_ids, score_tag_ids, relevance in read_number_columns(scores_path, GENOME_COLUMNS):
        movies, tags = find_movie(movie_ids), find_tag(score_tag_ids)
        known = (movies >= 0) & (tags >= 0)
        unknown += int((~known).sum())
        for kept, column in zip(parts, (movies, tags, relevance), strict=True):
            kept.append(column[known])
    if not parts[0]:
        raise empty(scores_path)
    movies, tags, relevance = (joined(column) for column in parts)
    columns.note(unknown, "genome score", "of unknown films or tags dropped")
    rows, row_of = np.unique(movies, return_inverse=True)
    first = first_of_pair(row_of, tags, len(names))
    if first is not None:
        columns.note(
            len(tags) - len(first),
            "duplicate genome score",
            "dropped, the first of film and tag kept",
        )
        row_of, tags, relevance = row_of[first], tags[first], relevance[first]
    table = np.zeros((len(rows), len(names)), dtype=np.float32)
    table[row_of, tags] = relevance
    columns.arrays["genome_movies"] = rows.astype(np.int32)
    columns.arrays["relevance"] = table
    columns.texts["genome_tags"] = names
