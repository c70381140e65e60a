"""What every store gets of a trained model: the items, their vectors, and what else is known of them."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from base.arrays import FloatArray
from base.files import replacing
from base.json_ids import json_id
from data.dataset import Movies
from model.checkpoint import Checkpoint
from recommend.stores.arrays import fixed_lists, movie_columns

# Stands beside the files of a store, for whoever has them without this program.
README = """\
{count} items of the data {name!r}, with vectors of {dim} numbers (float32, unit length).

- The score of an answer is the inner product of two vectors: the *query* of the item that asks, and the
  *candidate* of the answer. The highest score is the best. It is no probability.
- {queries}
- An item is often among its own answers. Ask for one more, and leave it out.
- `row` numbers the items from 0. `id` is their id in the data, {ids}.
- `year` is empty if it is unknown{columns}.

{files}
"""


@dataclass(frozen=True)
class Catalogue:
    """The items of a model, row by row.

    Attributes:
        name: of the data.
        movies: ids, titles, genres and years.
        candidates: float32 ``[num_movies, dim]``, items as answers, rows of unit length.
        queries: float32 ``[num_movies, dim]``, items that ask; None if they are the candidates.
        columns: raw columns of own data by name; None stands for an unknown value.
    """

    name: str
    movies: Movies
    candidates: FloatArray
    queries: FloatArray | None
    columns: dict[str, list[float | None] | list[str | None]]

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "Catalogue":
        """The items of a checkpoint."""
        same = torch.equal(checkpoint.query_embeddings, checkpoint.embeddings)
        return cls(
            checkpoint.dataset["name"],
            checkpoint.movies,
            checkpoint.embeddings.numpy(),
            None if same else checkpoint.query_embeddings.numpy(),
            {name: _with_gaps(column) for name, column in checkpoint.item_columns.items()},
        )

    def __len__(self) -> int:
        return len(self.movies)

    @property
    def vectors(self) -> dict[str, FloatArray]:
        """``candidate`` and, if they differ, ``query``: float32 ``[num_movies, dim]`` each."""
        return {"candidate": self.candidates} | ({} if self.queries is None else {"query": self.queries})

    def record(self, row: int) -> dict[str, Any]:
        """What is known of an item, as JSON has it. Own columns stand together under ``columns``."""
        known: dict[str, Any] = {
            "row": row,
            "id": json_id(self.movies.public_id(row)),
            "title": self.movies.titles[row],
            "year": self.movies.year(row),
            "genres": list(self.movies.genres[row]),
        }
        if self.columns:
            known["columns"] = {name: values[row] for name, values in self.columns.items()}
        return known

    def arrow_columns(self, vectors: bool = False) -> dict[str, Any]:
        """The keys of ``record`` as Arrow arrays, ids as they are.

        Args:
            vectors: add the arrays of ``self.vectors``, as lists of fixed length.
        """
        import pyarrow

        arrays = {"row": pyarrow.array(np.arange(len(self))), **movie_columns(self.movies)}
        if self.columns:
            # Null as a type fits no store; a column without any value is one of text.
            own = [pyarrow.array(values) for values in self.columns.values()]
            own = [array.cast(pyarrow.string()) if array.null_count == len(array) else array for array in own]
            arrays["columns"] = pyarrow.StructArray.from_arrays(own, list(self.columns))
        if vectors:
            arrays |= {name: fixed_lists(array) for name, array in self.vectors.items()}
        return arrays

    def write_readme(self, folder: Path, files: str, queries: str) -> None:
        """Write ``README.md``, which says what a query must do.

        Args:
            folder: of the store.
            files: what is particular to its files.
            queries: where the query of an item stands, if it is not the candidate.

        Raises:
            OSError: the file could not be written.
        """
        same = "The query of an item is its candidate."
        text = README.format(
            count=len(self),
            name=self.name,
            dim=self.candidates.shape[1],
            queries=same if self.queries is None else f"The query of an item is not its candidate. {queries}",
            ids="a whole number" if self.movies.text_ids is None else "a text",
            columns="; `columns` has what the data keep besides, empty if unknown" if self.columns else "",
            files=files,
        )
        with replacing(folder / "README.md") as file:
            file.write(text.encode(errors="replace"))


def decimals(vector: FloatArray) -> str:
    """A float32 vector as ``[0.5,-1e-05]``: the shortest decimals that mean the same numbers."""
    return f"[{','.join(vector.astype('U32'))}]"


def _with_gaps(column: Tensor | list[str]) -> list[float | None] | list[str | None]:
    """A column of a checkpoint, in which nan and the empty text stand for an unknown value."""
    if isinstance(column, Tensor):
        return [value if math.isfinite(value) else None for value in column.tolist()]
    return [value or None for value in column]
