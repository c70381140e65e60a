"""MovieLens in memory: films, interactions and, where a release has them, tags and the tag genome.

Only this module translates between MovieLens ids and rows; everything after it speaks rows.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Movies:
    """Every film of ``movies.csv``, in file order; a film's position is its row.

    Attributes:
        ids: int64 ``[num_movies]``, MovieLens ids.
        titles: titles as the release has them, ``Toy Story (1995)``.
        genres: one tuple of genre names a film, empty when none are listed.
        years: float32 ``[num_movies]``, release year read from the title, nan when it has none.
    """

    ids: IntArray
    titles: list[str]
    genres: list[tuple[str, ...]]
    years: FloatArray

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Interactions:
    """Ratings as columns, sorted by user row, then timestamp, then the order of the source file.

    Attributes:
        users: int32 ``[n]``, user rows.
        movies: int32 ``[n]``, film rows.
        ratings: float32 ``[n]``, stars, halves kept.
        timestamps: int64 ``[n]``, seconds since 1970.
    """

    users: IntArray
    movies: IntArray
    ratings: FloatArray
    timestamps: IntArray

    def __len__(self) -> int:
        return len(self.users)

    def select(self, rows: npt.NDArray) -> "Interactions":
        """The interactions at ``rows`` (a boolean mask or positions), in that order."""
        return Interactions(self.users[rows], self.movies[rows], self.ratings[rows], self.timestamps[rows])


@dataclass(frozen=True)
class Tags:
    """Free-text tags, one row an application: int32 user rows, int32 film rows, lower-case text."""

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
class MovieLens:
    """A release, read and indexed.

    Attributes:
        name: the folder's name, for instance ``ml-100k``.
        movies: the catalogue.
        user_ids: int64 ``[num_users]``, ids of the user rows, ascending.
        interactions: every kept rating.
        fingerprint: hex digest of the source files' content.
        notes: what was counted while reading, for instance ``3 duplicate ratings dropped``.
        tags: tag applications, if the release has them.
        genome: tag relevance scores, if the release has them.
    """

    name: str
    movies: Movies
    user_ids: IntArray
    interactions: Interactions
    fingerprint: str
    notes: tuple[str, ...] = ()
    tags: Tags | None = field(default=None, repr=False)
    genome: Genome | None = field(default=None, repr=False)

    @property
    def num_users(self) -> int:
        """Number of users with at least one kept rating."""
        return len(self.user_ids)

    @property
    def num_movies(self) -> int:
        """Number of films in the catalogue, rated or not."""
        return len(self.movies)
