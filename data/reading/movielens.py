"""From a folder in one of GroupLens's forms to columns of rows.

The columns (see ``read_release``) are what the cache keeps. Everything about the source is decided in them,
and nothing that depends on the caller's settings.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from base.errors import UserError
from data.content.facts import Content
from data.inspection.findings import EXAMPLES, Finding
from data.item_words import FILMS, ItemWords
from data.rating_scale import with_best_rating
from data.reading.cache import DIGEST_BYTES, content_fingerprint
from data.reading.columns import STARS, Columns, RowFinder, joined
from data.reading.events import equal_to_earlier
from data.reading.formats import FORMATS, NO_GENRES, RATING_COLUMNS, RATINGS_FOLDER, ReleaseFormat
from data.reading.number_columns import NumberColumn, read_number_columns
from data.reading.number_kinds import AMOUNT, ID, SECONDS, parse_id
from data.reading.source_files import OTHER_DATA, bad_line, empty, exists, shown_path
from data.reading.tags import add_genome, add_tags
from data.reading.text_tables import text_rows
from data.title_year import year_of_title

if TYPE_CHECKING:
    from data.reading.features_json import Features

FEATURES_FILE = "features.json"
MAX_DROPPED_SHARE = 0.5  # of the ratings; beyond, the two files do not belong together
FETCH = "fetch a dataset with download_dataset.py, or give another `data_dir`"
PACKED = (".gz", ".zst", ".bz2", ".xz", ".zip", ".7z")


@dataclass(frozen=True)
class MovieLensFolder:
    """A folder and how to read it.

    Attributes:
        folder: where it lies.
        format: how its files are written.
        optional: names of the optional files that it has.
        features: what its ``features.json`` says; None if it has none, or one that says nothing.
    """

    folder: Path
    format: ReleaseFormat
    optional: tuple[str, ...]
    features: "Features | None" = None

    @property
    def words(self) -> ItemWords:
        """What its items are called."""
        return FILMS

    @property
    def best_rating(self) -> float:
        """The best rating of the scale of its ratings."""
        return STARS if self.features is None else self.features.best_rating

    @property
    def files(self) -> list[Path]:
        """Every file that is read, beside ``features.json``.

        Raises:
            UserError: a file that ``features.json`` names is missing.
        """
        files = [self.folder / name for name in (*self.format.required, *self.optional)]
        if self.features is not None and self.features.items is not None:
            from data.reading.film_features import feature_files  # with pydantic, which takes a while to load

            files += feature_files(self.folder, self.features.items)
        return list(dict.fromkeys(files))

    def fingerprint(self, parts: Sequence[Path] = ()) -> str:
        """Hex digest of the files' names and content, and of what ``features.json`` says.

        Args:
            parts: the files of the ratings, if they are not the one file of the format.
        """
        files = self.files
        if parts:
            files = [*files[1:], *parts]  # the first one is that of the ratings
        content = content_fingerprint(files)
        if self.features is None:
            return content
        text = json.dumps([self.features.as_plain(), content])
        return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()

    def of_first_rows(self) -> "MovieLensFolder":
        """Itself: of a release the first rating in the file has always counted."""
        return self

    def related(self, columns: Columns) -> None:
        """No pairs: titles tell which films are of one series, see ``data/series.py``."""

    def content(self, columns: Columns) -> Content | None:
        """The content of the films, from the columns that ``read`` made."""
        if self.features is None or self.features.items is None:
            return None
        from data.reading.item_content import content_of

        return content_of(columns, self.features.items, self.folder)

    def read(self) -> Columns:
        """Read and index every file; see ``read_release``."""
        return read_release(self)


def find_release(folder: Path) -> MovieLensFolder:
    """Tell the form of the release in a folder by the names of its files.

    Raises:
        UserError: there is no such folder, it has its ratings in parts, or it has none of the forms.
    """
    where = shown_path(folder)
    if not exists(folder):
        raise UserError(f"no folder {where}; {FETCH}")
    if not folder.is_dir():
        raise UserError(f"{where} is a file; `data_dir` must name a folder")
    for form in FORMATS:
        _refuse_packed(folder, form)
        if exists(folder / form.ratings):
            return release_of(folder, form)
    if next(folder.glob(f"{RATINGS_FOLDER}/*.parquet"), None) is not None:
        raise UserError(
            f"{where} has its ratings in parts ({RATINGS_FOLDER}/*.parquet), which this command does not "
            "read yet; give a `data_dir` with ratings.csv, as synthetic data up to 25m have it"
        )
    forms = " or ".join(" with ".join(form.required) for form in FORMATS)
    raise UserError(
        f"{where} has no MovieLens ratings ({forms}); {FETCH}; for data of your own, {OTHER_DATA}"
    )


def release_of(folder: Path, form: ReleaseFormat) -> MovieLensFolder:
    """The release of a form, with the optional files that it has and what ``features.json`` says.

    Raises:
        UserError: ``features.json`` is wrong.
    """
    optional = tuple(name for name in form.optional if exists(folder / name))
    release, path = MovieLensFolder(folder, form, optional), folder / FEATURES_FILE
    if not exists(path):
        return release
    from data.reading.features_json import read_features  # pydantic takes a while to load

    features = read_features(path)
    return replace(release, features=features) if features.as_plain() else release


def _refuse_packed(folder: Path, form: ReleaseFormat) -> None:
    """Name a compressed file where the file itself is missing.

    Raises:
        UserError: there is one.
    """
    for name in form.required:
        packed = next((name + end for end in PACKED if exists(folder / (name + end))), None)
        if packed is not None and not exists(folder / name):
            raise UserError(
                f"{shown_path(folder)} has no {name}, but {packed}; unpack it, or {OTHER_DATA}: "
                "that reads gzip, zstd and Parquet"
            )


def read_release(release: MovieLensFolder) -> Columns:
    """Read and index every file of a release.

    Returns:
        Columns with the arrays ``movie_ids``, ``years``, ``user_ids`` (ascending), ``users``, ``movies``,
        ``ratings`` and ``timestamps`` (as ``Interactions``) and the texts ``titles``, ``genres`` (joined by
        ``|``) and ``notes``. With tags also ``tag_users``, ``tag_movies`` and the texts ``tags``. With a
        genome also ``genome_movies``, ``relevance`` and the texts ``genome_tags``. With ``features.json``
        also the texts ``best_rating`` and what ``add_content`` adds.

    Raises:
        UserError: a file or a line cannot be read, or most ratings are of films that are not in the
            catalogue.
    """
    columns = Columns({}, {"notes": [], "findings": []})
    add_movies(release, columns)
    find_movie = RowFinder(columns.arrays["movie_ids"])
    _add_ratings(release, find_movie, columns)
    add_facts(release, find_movie, columns)
    columns = with_best_rating(columns, release.best_rating)
    columns.freeze()
    return columns


def add_facts(release: MovieLensFolder, find_movie: RowFinder, columns: Columns) -> None:
    """Add what a release says about its films beside the catalogue: tags, tag genome and content.

    Args:
        release: which has them or not.
        find_movie: from film ids to rows.
        columns: what to add to; it has films and users already.

    Raises:
        UserError: a file or a line cannot be read.
    """
    folder, form = release.folder, release.format
    if form.tags is not None and form.tags.name in release.optional:
        add_tags(folder / form.tags.name, form.tags, find_movie, columns)
    if any(name in release.optional for name in form.genome):
        add_genome(folder, find_movie, columns)
    if release.features is not None and release.features.items is not None:
        from data.reading.film_features import add_film_features

        add_film_features(folder, release.features.items, columns)


def add_movies(release: MovieLensFolder, columns: Columns) -> None:
    """Add the catalogue: ids, titles, genres and years, in the order of the file.

    Raises:
        UserError: there is no film, an id is not a number, or two films have the same id.
    """
    file = release.format.movies
    path = release.folder / file.name
    first_line: dict[int, int] = {}
    titles, genres = [], []
    for line, (id_text, title, genre_text) in text_rows(path, file, ("movieId", "title", "genres")):
        movie = parse_id(path, line, "movieId", id_text)
        if movie in first_line:
            problem = f"movieId {movie} is already on line {first_line[movie]}"
            raise bad_line(path, line, problem, "give each film one line")
        first_line[movie] = line
        titles.append(title)
        genres.append("" if genre_text.strip() == NO_GENRES else genre_text.strip())
    if not titles:
        raise empty(path)
    columns.arrays["movie_ids"] = np.array(list(first_line), dtype=np.int64)
    columns.arrays["years"] = np.array([year_of_title(title) for title in titles], dtype=np.float32)
    columns.texts |= {"titles": titles, "genres": genres}


def _add_ratings(release: MovieLensFolder, find_movie: RowFinder, columns: Columns) -> None:
    """Add users and interactions, each film once per user.

    Raises:
        UserError: the file or a line of it cannot be read, or most ratings are of films that are not in the
            catalogue.
    """
    path, movies_file = release.folder / release.format.ratings, release.format.movies.name
    kinds = (ID, ID, AMOUNT, SECONDS)
    wanted = tuple(NumberColumn(name, kind) for name, kind in zip(RATING_COLUMNS, kinds, strict=True))
    blocks: list[list[np.ndarray]] = [[], [], [], []]
    total = 0
    unknown: dict[int, None] = {}
    for user_ids, movie_ids, ratings, timestamps in read_number_columns(
        path, wanted, release.format.separator
    ):
        total += len(user_ids)
        movies = find_movie(movie_ids)
        known = movies >= 0
        if not known.all() and len(unknown) < EXAMPLES:
            unknown |= dict.fromkeys(movie_ids[~known].tolist())
        for kept, column in zip(blocks, (user_ids, movies, ratings, timestamps), strict=True):
            kept.append(column if known.all() else column[known])
    if total == 0:
        raise empty(path)
    kept_users, movies, ratings, timestamps = (joined(column) for column in blocks)
    dropped = total - len(kept_users)
    if dropped > MAX_DROPPED_SHARE * total:
        some = f"only {total - dropped} of its" if dropped < total else "none of its"
        raise UserError(
            f"{shown_path(path)}: {some} {total} ratings are of films in {movies_file} "
            f"(not {_listed(unknown)}); use the two files of one release"
        )
    columns.note(dropped, "rating", f"of films absent from {movies_file} dropped ({_listed(unknown)})")
    # Releases group ratings by user: the first id of each run is enough, and leaves little to sort.
    is_first = np.concatenate([[True], kept_users[1:] != kept_users[:-1]])
    ids = np.unique(kept_users[is_first])
    users = RowFinder(ids)(kept_users)
    del kept_users
    columns.arrays["user_ids"] = ids
    repeated = columns.add_interactions(users, movies, ratings, timestamps)
    equal = len(equal_to_earlier((users, movies, ratings, timestamps))) if repeated else 0
    columns.note(repeated, "duplicate rating", "dropped, the first of user and film kept")
    findings = (
        Finding("unknown_items", dropped, total, tuple(unknown)[:EXAMPLES]),
        Finding("equal_rows", equal, total),
        Finding("repeats", repeated - equal, total),
    )
    columns.texts["findings"] += [one.as_text() for one in findings]


def _listed(ids: Iterable[int]) -> str:
    return ", ".join(map(str, islice(ids, EXAMPLES)))
