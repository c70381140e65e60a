"""What data say about items besides title, genres and year: vectors, text, numbers and categories."""

from dataclasses import dataclass, field, replace

import numpy as np

from base.arrays import FloatArray, IntArray

MAX_WIDTH = 8192  # of vectors
MAX_GENRES = 1000  # each is a feature of every item; more of them are reduced like a column of categories


@dataclass(frozen=True)
class ItemVectors:
    """A block of vectors.

    Attributes:
        name: of the block.
        values: float ``[num_vectors, width]``; may be mapped from disk.
        rows: int ``[n]``, rows of ``values``.
        movies: int32 ``[n]``, distinct film rows; film ``movies[i]`` has the vector ``values[rows[i]]``. The
            other films have none.
        dim: to how many numbers the vectors are reduced.
    """

    name: str
    values: FloatArray
    rows: IntArray
    movies: IntArray
    dim: int

    def select(self, row_of: IntArray) -> "ItemVectors":
        """The vectors of selected films.

        Args:
            row_of: int ``[num_movies]``, the new row of each film, -1 if the film is not selected.
        """
        movies = row_of[self.movies]
        kept = movies >= 0
        return replace(self, rows=self.rows[kept], movies=movies[kept])


@dataclass(frozen=True)
class Content:
    """What is known about n items.

    Attributes:
        vectors: blocks of vectors.
        text: one text per item, empty if it has none; None if no column is text.
        text_columns: names of the columns that ``text`` joins.
        title_is_text: whether the column of titles is one of them.
        text_encoder: how text becomes a vector.
        numbers: name -> float64 ``[n]``, nan where there is no value.
        categories: name -> one value per item, empty where there is none.
        kept: name -> one value per item as in the source; these columns are for filters.
    """

    vectors: tuple[ItemVectors, ...] = ()
    text: list[str] | None = None
    text_columns: tuple[str, ...] = ()
    title_is_text: bool = False
    text_encoder: str = "tfidf"
    numbers: dict[str, FloatArray] = field(default_factory=dict)
    categories: dict[str, list[str]] = field(default_factory=dict)
    kept: dict[str, list[str]] = field(default_factory=dict)

    def select(self, rows: IntArray, num_movies: int) -> "Content":
        """The items at ``rows``, in that order, of ``num_movies``."""
        row_of = np.full(num_movies, -1, dtype=np.int32)
        row_of[rows] = np.arange(len(rows))

        def chosen(values: list[str]) -> list[str]:
            return [values[row] for row in rows]

        return replace(
            self,
            vectors=tuple(block.select(row_of) for block in self.vectors),
            text=None if self.text is None else chosen(self.text),
            numbers={name: values[rows] for name, values in self.numbers.items()},
            categories={name: chosen(values) for name, values in self.categories.items()},
            kept={name: chosen(values) for name, values in self.kept.items()},
        )
