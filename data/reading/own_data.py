"""Data of any field, read as ``schema.json`` says: text ids, any columns, perhaps no ratings or times.

The result has the same columns as ``data.reading.movielens`` makes of a release, with items for films. Ids
become rows, and the ids as text are kept beside them.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from base.arrays import IntArray
from data.content.facts import Content
from data.item_words import ItemWords
from data.reading.cache import DIGEST_BYTES, content_fingerprint
from data.reading.columns import STARS, Columns
from data.reading.item_content import content_of
from data.reading.own_interactions import add_own_interactions
from data.reading.own_items import add_own_items
from data.reading.related_pairs import read_related
from data.reading.schema import Schema
from data.reading.source_files import must_exist
from data.reading.tables import parts_of
from data.reading.unused_times import unused_times
from data.reading.vector_blocks import vector_files


@dataclass(frozen=True)
class OwnData:
    """A folder and the schema that says how to read it.

    Attributes:
        folder: where the files lie.
        schema: what is in them.
    """

    folder: Path
    schema: Schema

    @property
    def words(self) -> ItemWords:
        """What its items are called."""
        return ItemWords(self.schema.words.item, self.schema.words.items)

    @property
    def files(self) -> list[Path]:
        """Every file that is read, the vectors among them.

        Raises:
            UserError: a file is missing.
        """
        tables = {"items": self.schema.items, "interactions": self.schema.interactions}
        named = [
            (f"{name}.file", self.folder / table.file) for name, table in tables.items() if table is not None
        ]
        for key, path in named:
            must_exist(path, f"{key} in the schema must name a file")
        files = [part for _, path in named for part in parts_of(path)]
        if self.schema.items is None:
            return files
        return files + vector_files(self.schema.items, self.folder)

    def fingerprint(self) -> str:
        """Hex digest of the files' content and of how the schema reads them."""
        parts = [self.schema.as_plain(), content_fingerprint(self.files)]
        return hashlib.blake2b(json.dumps(parts).encode(), digest_size=DIGEST_BYTES).hexdigest()

    def read(self) -> Columns:
        """Read and index every file.

        Returns:
            Columns as of ``read_release``, and the texts ``movie_text_ids`` and ``user_text_ids``, one per
            row. Without ratings also the texts ``unrated``, which are empty.

        Raises:
            UserError: a file or a line cannot be read, or too few interactions are of items in the catalogue.
        """
        columns = Columns({}, {"notes": [], "findings": []})
        items, interactions = self.schema.items, self.schema.interactions
        path = self.folder / interactions.file
        if items is None:
            row_of: dict[str, int] = {}
            add_own_interactions(path, interactions, row_of, True, columns)
            columns.texts |= {"titles": list(row_of), "genres": [""] * len(row_of)}
            columns.arrays["years"] = np.full(len(row_of), np.nan, dtype=np.float32)
        else:
            row_of = add_own_items(self.folder / items.file, items, columns)
            add_own_interactions(path, interactions, row_of, False, columns)
        if interactions.timestamp is None:
            columns.texts["findings"] += [one.as_text() for one in unused_times(parts_of(path), interactions)]
        columns.texts["movie_text_ids"] = list(row_of)
        if interactions.rating is None:
            columns.texts["unrated"] = []
            columns.texts["counted"] = [interactions.counted]
        elif interactions.best_rating != STARS:
            columns.texts["best_rating"] = [str(interactions.best_rating)]
        columns.arrays["movie_ids"] = np.arange(len(row_of), dtype=np.int64)
        columns.freeze()
        return columns

    def of_first_rows(self) -> "OwnData":
        """As earlier versions read it: if the schema does not say what counts, the first row of the file."""
        interactions = self.schema.interactions
        if interactions.counted != "count" or interactions.repeats is not None:
            return self
        first = interactions.model_copy(update={"repeats": "first"})
        return replace(self, schema=self.schema.model_copy(update={"interactions": first}))

    def related(self, columns: Columns) -> IntArray | None:
        """Pairs of items that belong together, int32 ``[n, 2]`` rows; None if the schema names no file."""
        if self.schema.related is None:
            return None
        row_of = {text: row for row, text in enumerate(columns.texts["movie_text_ids"])}
        return read_related(self.folder / self.schema.related, row_of)

    def content(self, columns: Columns) -> Content | None:
        """The content of the items, from the columns that ``read`` made."""
        return None if self.schema.items is None else content_of(columns, self.schema.items, self.folder)
