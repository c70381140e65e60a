"""The forms in which GroupLens writes its releases: the files, their columns, and how a line comes apart.

Each form is described here and nowhere else. ``data.reading.movielens`` reads a folder of any form,
``data.sources.convert`` rewrites a downloaded release as CSV, and ``data.sources.releases`` names the form
of each release. A new form is an entry of ``FORMATS``.
"""

from collections.abc import Callable
from dataclasses import dataclass

Fields = tuple[str, ...]

RATINGS_CSV, MOVIES_CSV, TAGS_CSV = "ratings.csv", "movies.csv", "tags.csv"
RATINGS_FOLDER, PART_NAME = "ratings", "part-{:05d}.parquet"  # ratings in parts instead of ratings.csv
RATING_COLUMNS = ("userId", "movieId", "rating", "timestamp")
MOVIE_COLUMNS = ("movieId", "title", "genres")
TAG_COLUMNS = ("userId", "movieId", "tag", "timestamp")
NO_GENRES = "(no genres listed)"
GENOME_FILES = ("genome-scores.csv", "genome-tags.csv")

# The flag columns of u.item, in order (u.genre lists them).
U_ITEM_GENRES = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama",
    "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip


@dataclass(frozen=True)
class TextFile:
    """A file of films or of tags.

    Attributes:
        name: of the file.
        columns: what a row contains, named as in the CSV releases.
        split: takes a line apart into these columns, or raises ValueError. None for CSV, where the header
            says which column is which.
        line_form: what a line looks like, for errors.
        encodings: tried in this order.
    """

    name: str
    columns: Fields
    split: Callable[[str], Fields] | None = None
    line_form: str = ""
    encodings: tuple[str, ...] = ("utf-8",)


@dataclass(frozen=True)
class ReleaseFormat:
    """One form of release.

    Attributes:
        ratings: name of the file of ratings, which tells the forms apart.
        separator: what stands between the values of a rating. With a comma the file has a header.
        movies: the film catalogue.
        tags: who tagged which film how; None if no release of this form has tags.
        genome: names of the tag genome's files, if releases of this form may have them.
    """

    ratings: str
    separator: str
    movies: TextFile
    tags: TextFile | None = None
    genome: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the files without which a folder is not of this form."""
        return self.ratings, self.movies.name

    @property
    def optional(self) -> tuple[str, ...]:
        """Names of the files that are read where they are present."""
        return (*((self.tags.name,) if self.tags else ()), *self.genome)


def _split_movie(line: str) -> Fields:
    """``id::title::genres``; the title may itself contain two colons."""
    movie, rest = line.split("::", 1)
    title, genres = rest.rsplit("::", 1)
    return movie, title, genres or NO_GENRES


def _split_tag(line: str) -> Fields:
    """``user::movie::tag::timestamp``; the tag may itself contain two colons."""
    user, movie, rest = line.split("::", 2)
    tag, timestamp = rest.rsplit("::", 1)
    return user, movie, tag, timestamp


def _split_u_item(line: str) -> Fields:
    """``id|title|date|video date|address`` and one flag for each of the 19 genres."""
    movie, title, _date, _video_date, _address, *flags = line.split("|")
    if not set(flags) <= {"0", "1"}:
        raise ValueError("a genre flag must be 0 or 1")
    genres = [name for name, flag in zip(U_ITEM_GENRES, flags, strict=True) if flag == "1"]
    return movie, title, "|".join(genres) or NO_GENRES


CSV = ReleaseFormat(
    RATINGS_CSV, ",", TextFile(MOVIES_CSV, MOVIE_COLUMNS), TextFile(TAGS_CSV, TAG_COLUMNS), GENOME_FILES
)
DAT = ReleaseFormat(
    "ratings.dat",
    "::",
    # ml-10m is UTF-8. ml-1m is Latin-1, which cannot be decoded as UTF-8.
    TextFile("movies.dat", MOVIE_COLUMNS, _split_movie, "id::title::genres", ("utf-8", "latin-1")),
    TextFile("tags.dat", TAG_COLUMNS, _split_tag, "user::movie::tag::timestamp"),
)
U_DATA = ReleaseFormat(
    "u.data",
    "\t",
    TextFile(
        "u.item",
        MOVIE_COLUMNS,
        _split_u_item,
        f"id|title|date|date|address and {len(U_ITEM_GENRES)} flags",
        ("latin-1",),
    ),
)
FORMATS = (CSV, DAT, U_DATA)


def format_of(ratings: str) -> ReleaseFormat:
    """The format whose file of ratings has this name."""
    return next(form for form in FORMATS if form.ratings == ratings)
