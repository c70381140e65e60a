"""``schema.json``: where data other than MovieLens's have what a model needs.

The keys of the file are the fields of ``ItemTable`` and ``InteractionTable``; docs/own_data.md explains them.
"""

import codecs
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from base.errors import UserError
from data.item_words import FILMS
from data.reading.columns import STARS
from data.reading.json_files import read_json
from data.reading.json_models import JsonObject, checked, satisfies
from data.reading.schema_values import (
    BestRating,
    Character,
    ColumnName,
    ColumnNames,
    Decimal,
    Dim,
    Encoding,
    FileName,
    Flag,
    Header,
    KindWeight,
    Placeholders,
    Repeats,
    Separator,
    Text,
    TimestampFormat,
)
from data.reading.source_files import shown_path

HELP = "docs/own_data.md explains schema.json"
LATER_KEYS = frozenset(
    {
        "quote", "escape", "decimal", "empty", "vectors", "text", "text_encoder", "numbers", "categories",
        "keep", "repeats", "weight", "kind",
    }
)  # fmt: skip


class Table(JsonObject):
    r"""A table of rows: delimited text, perhaps compressed, or Parquet; or a folder of such files.

    Attributes:
        file: its name, in the data folder.
        separator: one character between values.
        encoding: of the text.
        quotes: whether a value may stand in quotes, with separators and line breaks inside.
        quote: the character of these quotes.
        escape: the character before a quote that is part of a value; without it such a quote is doubled.
        decimal: what stands before the fraction of a number.
        header: names of the columns of a file whose first line does not have them.
        empty: texts that mean that there is no value, such as ``\N``.
    """

    place: ClassVar[str] = "the schema"  # where its keys stand, for errors

    file: FileName
    separator: Separator = ","
    encoding: Encoding = "utf-8"
    quotes: Flag = True
    quote: Character = '"'
    escape: Character | None = None
    decimal: Decimal = "."
    header: Header | None = None
    empty: Placeholders = []

    @property
    def one_line(self) -> tuple[str, ...]:
        """Columns whose values have no line breaks."""
        return ()

    @property
    def codec(self) -> str:
        """The name by which Python knows the encoding; a byte order mark of UTF-8 is not part of the text."""
        name = codecs.lookup(self.encoding).name
        return "utf-8-sig" if name == "utf-8" else name


class VectorBlock(JsonObject):
    """Vectors of the items, from one of three places.

    Attributes:
        name: of the block.
        file: a ``.npy`` file ``[n, width]`` in the data folder.
        ids: a text file with the ids of its rows, one per line.
        column: a column of lists of numbers, in a table that is Parquet.
        columns: columns of numbers.
        dim: to how many numbers the vectors are reduced.
    """

    name: Text
    file: FileName | None = None
    ids: FileName | None = None
    column: ColumnName | None = None
    columns: Annotated[list[ColumnName], Field(min_length=1, description="a list of column names")] | None = (
        None
    )
    dim: Dim = 128


def _has_one_source(block: VectorBlock) -> bool:
    """Whether the vectors come from exactly one place; a file needs the file of its ids."""
    sources = (block.file, block.column, block.columns)
    return sum(source is not None for source in sources) == 1 and (block.ids is None) == (block.file is None)


def _has_distinct_names(blocks: list[VectorBlock]) -> bool:
    return len({block.name for block in blocks}) == len(blocks)


_Block = Annotated[
    VectorBlock,
    satisfies(_has_one_source),
    Field(description="an object with a name and either file and ids, or column, or columns"),
]


class ItemFeatures(JsonObject):
    """What else is known about items; see docs/own_data.md.

    Attributes:
        vectors: vectors of the user's own.
        text: columns of text.
        text_encoder: ``tfidf``, ``wordllama``, or a model of sentence-transformers.
        numbers: columns of numbers.
        categories: columns with one of a few values.
        keep: columns that are no features and are kept for filters.
    """

    vectors: Annotated[
        list[_Block],
        satisfies(_has_distinct_names),
        Field(description="a list of blocks with different names"),
    ] = []
    text: ColumnNames = []
    text_encoder: Text = "tfidf"
    numbers: ColumnNames = []
    categories: ColumnNames = []
    keep: ColumnNames = []


class ItemTable(Table, ItemFeatures):
    """What is recommended, one item per row; every key but ``id`` may be missing.

    Attributes:
        id: column of the ids, any text.
        title: column of the titles; without it the id is the title.
        genres: column of the genres, or of any other words that items share.
        genre_separator: what stands between two genres.
        year: column of the years; without it a year in brackets at the end of the title.
    """

    id: ColumnName
    title: ColumnName | None = None
    genres: ColumnName | None = None
    genre_separator: Text = "|"
    year: ColumnName | None = None

    @property
    def one_line(self) -> tuple[str, ...]:
        """Ids and titles."""
        return (self.id,) if self.title is None else (self.id, self.title)


class KindColumn(JsonObject):
    """Kinds of interactions, such as views and purchases.

    Attributes:
        column: of the kinds.
        weights: how much an interaction of a kind counts; with 0 it is left out.
    """

    column: ColumnName
    weights: Annotated[
        dict[str, KindWeight],
        Field(min_length=1, description='an object with a weight per kind, such as {"view": 1, "buy": 5}'),
    ]


class InteractionTable(Table):
    """Who took or rated what, one interaction per row.

    Attributes:
        user: column of the users' ids, any text.
        item: column of the items' ids.
        rating: column of the ratings; without it every interaction counts as liked.
        best_rating: the best rating there is; ratings are scaled so that it becomes 5.
        timestamp: column of the times; without it a user's rows are in order of time.
        timestamp_format: ``number`` (of any unit) or ``iso`` (2024-05-31, 2024-05-31T18:30:00.25Z).
        repeats: what counts if a user takes an item several times: each time, the first one or the last one;
            ``count`` by default without ratings, else ``first``.
        weight: column of amounts, such as seconds; a row counts log(1 + amount).
        kind: column of kinds with a weight each.
    """

    user: ColumnName
    item: ColumnName
    rating: ColumnName | None = None
    best_rating: BestRating = STARS
    timestamp: ColumnName | None = None
    timestamp_format: TimestampFormat = "number"
    repeats: Repeats | None = None
    weight: ColumnName | None = None
    kind: KindColumn | None = None

    @property
    def one_line(self) -> tuple[str, ...]:
        """Users and items."""
        return self.user, self.item

    @property
    def counted(self) -> Literal["count", "first", "last"]:
        """``repeats``, or its default."""
        return self.repeats or ("count" if self.rating is None else "first")


class Words(JsonObject):
    """What people call the items.

    Attributes:
        item: one of them.
        items: several.
    """

    item: Text = FILMS.item
    items: Text = FILMS.items


class Schema(JsonObject):
    """How to read a folder.

    Attributes:
        interactions: who took what.
        items: the catalogue; without it, the items of the interactions.
        related: file of pairs of items that belong together, for evaluation only; columns ``item`` and
            ``related``.
        words: what people call the items.
    """

    interactions: InteractionTable
    items: ItemTable | None = None
    related: FileName | None = None
    words: Words = Words()

    def as_plain(self) -> dict[str, Any]:
        """The keys with their values: what the fingerprint of the data is made of.

        A key of ``LATER_KEYS`` is left out at its default, so that the fingerprint of data that were read
        before the key existed stays.
        """
        plain = self.model_dump(exclude={"related", "words"})  # nothing is trained on them
        if self.interactions.repeats == self.interactions.model_copy(update={"repeats": None}).counted:
            plain["interactions"]["repeats"] = None
        for name, table in (("interactions", self.interactions), ("items", self.items)):
            if table is not None:
                defaults = type(table).model_fields
                plain[name] = {
                    key: value
                    for key, value in plain[name].items()
                    if key not in LATER_KEYS or value != defaults[key].default
                }
        return plain


def read_schema(path: Path) -> Schema:
    """Read and check a schema.

    Raises:
        UserError: the file cannot be read, or something in it is wrong; one line with the place, the value
            and what to do.
    """
    schema = checked(Schema, read_json(path), shown_path(path), HELP)
    for name, table in (("items", schema.items), ("interactions", schema.interactions)):
        if table is not None:
            check_dialect(table, f"{shown_path(path)}: {name}", HELP)
    return schema


def check_dialect(table: Table, where: str, advice: str) -> None:
    """Refuse a table in which one character has two meanings.

    Args:
        table: of a schema.
        where: its place, for the error.
        advice: what to do.

    Raises:
        UserError: separator, quote and escape are not three different characters.
    """
    meanings = {"separator": table.separator, "escape": table.escape}
    if table.quotes:
        meanings["quote"] = table.quote
    given = {name: one for name, one in meanings.items() if one is not None}
    for name, one in given.items():
        other = next((key for key, value in given.items() if value == one and key != name), None)
        if other is not None:
            raise UserError(
                f"{where}.{name} and {other} must be different characters, got {one!r} for both; {advice}"
            )
