"""MovieLens in memory: films, interactions and, where a release has them, tags and the tag genome.

Other data, read by a schema, take the same form, with their items for films. Films and users are rows in
everything that follows; their ids stand here.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy.typing as npt

from base.arrays import FloatArray, IntArray, release_mapped
from base.errors import UserError
from data.content.facts import Content
from data.earlier_reading import TODAY, EarlierReading
from data.inspection.findings import Finding, parse_findings
from data.item_words import FILMS, ItemWords
from data.low_ratings import without_low_ratings
from data.rating_scale import best_rating_of, check_scale
from data.reading.cache import load_columns, store_columns
from data.reading.columns import STARS, Columns
from data.reading.movielens import FEATURES_FILE, MovieLensFolder, find_release
from data.reading.source_files import exists, shown_path
from data.title_article import shown_title

if TYPE_CHECKING:
    from data.reading.own_data import OwnData

SCHEMA_FILE = "schema.json"
SAY_THE_BEST = (
    "correct them, or give the best one in features.json beside the files: "
    '{{"interactions": {{"best_rating": {}}}}}'
)
SAY_THE_BEST_IN_PYTHON = "give best_rating={}"


@dataclass(frozen=True)
class Movies:
    """Every film of the catalogue, in the order of its file; a film's position is its row.

    Attributes:
        ids: int64 ``[num_movies]``, MovieLens ids; the rows themselves where there are text ids.
        titles: titles as the release has them, ``Toy Story (1995)``.
        genres: one tuple of genre names per film, empty if none are listed.
        years: float32 ``[num_movies]``, release year from the title, nan if it has none.
        text_ids: the ids of data whose ids are text; None for MovieLens.
        words: what people call them.
    """

    ids: IntArray
    titles: list[str]
    genres: list[tuple[str, ...]]
    years: FloatArray
    text_ids: list[str] | None = None
    words: ItemWords = FILMS

    def __len__(self) -> int:
        return len(self.ids)

    def public_id(self, row: int) -> int | str:
        """The id of a film as the data have it."""
        return int(self.ids[row]) if self.text_ids is None else self.text_ids[row]

    def shown_title(self, row: int) -> str:
        """The title of a film as people say it."""
        return shown_title(self.titles[row])

    def year(self, row: int) -> int | None:
        """The year of a film; None if it is unknown."""
        year = self.years.item(row)
        return int(year) if year == year else None

    def select(self, rows: IntArray) -> "Movies":
        """The films at ``rows``, in that order."""
        return Movies(
            self.ids[rows],
            [self.titles[row] for row in rows],
            [self.genres[row] for row in rows],
            self.years[rows],
            None if self.text_ids is None else [self.text_ids[row] for row in rows],
            self.words,
        )


@dataclass(frozen=True)
class Interactions:
    """Ratings as columns, sorted by user row, then timestamp, then the order of the source file.

    Attributes:
        users: int32 ``[n]``, user rows.
        movies: int32 ``[n]``, film rows.
        ratings: float32 ``[n]``, stars, halves kept.
        timestamps: int64 ``[n]``, seconds since 1970 in a release; in other data any unit.
        weights: float32 ``[n]`` above 0, how much each interaction counts; None if all count the same.
    """

    users: IntArray
    movies: IntArray
    ratings: FloatArray
    timestamps: IntArray
    weights: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.users)

    def release(self) -> None:
        """Take what is mapped from the cache out of memory; half a gigabyte at 25 million ratings.

        The next access reads it again.
        """
        for column in (self.users, self.movies, self.ratings, self.timestamps):
            release_mapped(column)

    def select(self, rows: npt.NDArray) -> "Interactions":
        """The interactions at ``rows`` (a boolean mask or positions), in that order."""
        return Interactions(
            self.users[rows],
            self.movies[rows],
            self.ratings[rows],
            self.timestamps[rows],
            None if self.weights is None else self.weights[rows],
        )


@dataclass(frozen=True)
class Events:
    """The rows of the source behind the interactions, in data where a user may take an item several times.

    Attributes:
        edges: int32 ``[num_events]``, the interaction that an event belongs to. Events are sorted by user,
            then time, then the order of the source file.
        amounts: float32 ``[num_events]`` above 0, how much the event counts.
        own: int32 ``[num_interactions]``, the event that gives the interaction its time, ascending.
    """

    edges: IntArray
    amounts: FloatArray
    own: IntArray


@dataclass(frozen=True)
class Tags:
    """Free-text tags, one entry per tag given: int32 user rows, int32 film rows, lower-case text."""

    users: IntArray
    movies: IntArray
    texts: list[str]


@dataclass(frozen=True)
class Genome:
    """The tag genome: ``relevance`` float32 ``[len(movies), num_tags]`` for the film rows ``movies``."""

    movies: IntArray
    relevance: FloatArray
    tag_names: list[str]


@dataclass(frozen=True)
class Facts:
    """What is known about films apart from who rated them: catalogue, tags, tag genome and content.

    Film rows of the others are rows of ``movies``; each of them is None where there is none.
    """

    movies: Movies
    tags: Tags | None = None
    genome: Genome | None = None
    content: Content | None = None


@dataclass(frozen=True)
class MovieLens:
    """A release or other data, read and indexed.

    Attributes:
        name: the folder's name, for instance ``ml-100k``.
        movies: the catalogue.
        user_ids: int64 ``[num_users]``, ids of the user rows, ascending.
        interactions: every kept rating.
        fingerprint: hex digest of the source files' content.
        notes: what was counted while reading, for instance ``3 duplicate ratings dropped``.
        tags: tag applications, if the release has them.
        genome: tag relevance scores, if the release has them.
        user_text_ids: ids of the user rows in data whose ids are text; None for MovieLens.
        rated: whether the data have ratings; without them every interaction counts as the best one.
        best_rating: the best rating of the data's own scale, which is 5 stars here.
        content: vectors, text, numbers and categories of the items, if the data have them.
        events: the rows behind the interactions, if they do not all count the same.
        time_unit: of the timestamps: ``seconds`` or ``microseconds`` since 1970, ``number`` (an unknown unit)
            or ``row`` (the data have no times).
        findings: what was counted while reading, as values; ``notes`` has most of it in words.
        counted: in data without ratings, what counts of a user's rows of an item: ``count`` (all), ``first``
            or ``last``; None for others.
        related: int32 ``[n, 2]`` film rows that belong together, of a file that the schema names. Only
            evaluation looks at them.
    """

    name: str
    movies: Movies
    user_ids: IntArray
    interactions: Interactions
    fingerprint: str
    notes: tuple[str, ...] = ()
    tags: Tags | None = field(default=None, repr=False)
    genome: Genome | None = field(default=None, repr=False)
    user_text_ids: list[str] | None = field(default=None, repr=False)
    rated: bool = True
    best_rating: float = STARS
    content: Content | None = field(default=None, repr=False)
    events: Events | None = field(default=None, repr=False)
    time_unit: str = "seconds"
    findings: tuple[Finding, ...] = ()
    counted: str | None = None
    related: IntArray | None = field(default=None, repr=False)

    @property
    def facts(self) -> Facts:
        """Everything but the ratings. Tags of held-out ratings are among them: see ``data/film_facts.py``."""
        return Facts(self.movies, self.tags, self.genome, self.content)

    @property
    def num_users(self) -> int:
        """Number of users with at least one kept rating."""
        return len(self.user_ids)

    @property
    def num_movies(self) -> int:
        """Number of films in the catalogue, rated or not."""
        return len(self.movies)


def find_data(folder: Path, schema: str | None = None) -> "MovieLensFolder | OwnData":
    """How to read a folder: by the schema given or else the folder's own; as a release if there is none.

    Raises:
        UserError: there is no such folder, ``schema.json`` or ``features.json`` is wrong, or the folder has
            none of the forms of a release.
    """
    if schema is None and not (exists(folder) and exists(folder / SCHEMA_FILE)):
        return find_release(folder)
    if not folder.is_dir():
        raise UserError(f"no folder {shown_path(folder)}; `data_dir` must name the folder of your data")
    if schema is None and exists(folder / FEATURES_FILE):
        raise UserError(
            f"{shown_path(folder)} has {SCHEMA_FILE} and {FEATURES_FILE}, which is for MovieLens's files; "
            f"move its keys to {SCHEMA_FILE} and remove it"
        )
    from data.reading.own_data import OwnData  # pydantic takes a while to load
    from data.reading.schema import read_schema

    return OwnData(folder, read_schema(folder / SCHEMA_FILE if schema is None else Path(schema)))


def load_movielens(
    data_dir: str | Path,
    min_rating: float = 0.0,
    cache: bool = True,
    schema: str | None = None,
    earlier: EarlierReading = TODAY,
) -> MovieLens:
    """Read a release or other data, from the cache where the files have been read before.

    Without a schema the folder must have one of the forms that GroupLens ships, as the files' names tell:
    ``ratings.csv``, ``movies.csv`` and perhaps ``tags.csv``, ``genome-scores.csv`` and ``genome-tags.csv``;
    or ``ratings.dat``, ``movies.dat`` and perhaps ``tags.dat``; or ``u.data`` and ``u.item``. If a user rated
    a film several times, the first rating in the file counts. Ratings, tags and scores of films that are not
    in the catalogue are dropped, and so are tags of users without ratings. ``notes`` says how many.

    Args:
        data_dir: the folder.
        min_rating: ratings below this one, of the data's own scale, are dropped, and so are users who have no
            others.
        cache: keep the parsed columns in ``<data_dir>/.cache``, or else in the user's cache directory, and
            use those kept before. The arrays are read-only in either case.
        schema: file that says how to read other data; None for the folder's own ``schema.json``, if it has
            one.
        earlier: how data were read for the checkpoint that they are for, ``Checkpoint.earlier``.

    Returns:
        The release; users are rows by ascending id, films by their place in the file.

    Raises:
        UserError: the folder, a file or a line cannot be read, or no rating is left. The text is one
            line with file, line, value and what to do.
    """
    folder = Path(data_dir)
    source = find_data(folder, schema)
    fingerprint = source.fingerprint()
    if earlier.first_rows and (former := source.of_first_rows()) is not source:
        source, cache = former, False  # the cache has what is read today
    columns = load_columns(folder, fingerprint) if cache else None
    if columns is None:
        columns = source.read()
        if cache:
            store_columns(folder, fingerprint, columns)
    name = folder.resolve().name
    movielens = movielens_of(columns, name, fingerprint, min_rating, shown_path(folder), earlier)
    movies = replace(movielens.movies, words=source.words)
    return replace(movielens, movies=movies, content=source.content(columns), related=source.related(columns))


def movielens_of(
    columns: Columns,
    name: str,
    fingerprint: str,
    min_rating: float = 0.0,
    where: str | None = None,
    earlier: EarlierReading = TODAY,
) -> MovieLens:
    """The data set of columns that a reader made.

    Args:
        columns: as of ``read_release`` and ``OwnData.read``.
        name: of the data.
        fingerprint: of their content.
        min_rating: rating of the data's own scale below which one is dropped.
        where: what an error calls the data; their name by default, for data in memory.
        earlier: as in ``load_movielens``.

    Raises:
        UserError: a rating is above the best one, or no rating is left.
    """
    if earlier.in_stars:
        texts = {key: value for key, value in columns.texts.items() if key != "best_rating"}
        columns = Columns(columns.arrays, texts)
    else:
        check_scale(columns, where or name, SAY_THE_BEST_IN_PYTHON if where is None else SAY_THE_BEST)
    notes = list(columns.texts["notes"])
    if min_rating > 0:
        columns = without_low_ratings(min_rating, columns, notes, where or name)
    return _movielens(name, fingerprint, columns, tuple(notes))


def _movielens(name: str, fingerprint: str, columns: Columns, notes: tuple[str, ...]) -> MovieLens:
    """The columns under the names and types that the rest of the program knows."""
    arrays, texts = columns.arrays, columns.texts
    genres = [tuple(genre for genre in text.split("|") if genre) for text in texts["genres"]]
    tags = genome = None
    if "tags" in texts:
        tags = Tags(arrays["tag_users"], arrays["tag_movies"], texts["tags"])
    if "genome_tags" in texts:
        genome = Genome(arrays["genome_movies"], arrays["relevance"], texts["genome_tags"])
    return MovieLens(
        name,
        Movies(arrays["movie_ids"], texts["titles"], genres, arrays["years"], texts.get("movie_text_ids")),
        arrays["user_ids"],
        Interactions(arrays["users"], arrays["movies"], arrays["ratings"], arrays["timestamps"]),
        fingerprint,
        notes,
        tags,
        genome,
        texts.get("user_text_ids"),
        "unrated" not in texts,
        best_rating_of(columns),
        None,
        _events(columns),
        texts.get("time_unit", ["seconds"])[0],
        parse_findings(texts.get("findings", [])),
        texts.get("counted", [None])[0],
    )


def _events(columns: Columns) -> Events | None:
    arrays = columns.arrays
    if "event_edges" not in arrays:
        return None
    return Events(arrays["event_edges"], arrays["event_amounts"], arrays["edge_events"])
