"""``schema.json``: where data other than MovieLens's have what a model needs.

The keys of the file are the fields of ``ItemTable`` and ``InteractionTable``; docs/own_data.md explains them.
"""

import codecs
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, WrapValidator

from data.reading.columns import STARS
from data.reading.json_files import read_json
from data.reading.json_models import JsonObject, checked, satisfies
from data.reading.number_columns import FLOAT32_MAX
from data.reading.source_files import shown_path

HELP = "docs/own_data.md explains schema.json"


def _is_text(value: str) -> bool:
    """Whether a value can name a file or a column, or stand between values."""
    return value != "" and (value.isprintable() or value == "\t")


def _is_separator(value: str) -> bool:
    return _is_text(value) and len(value) == 1 and value != '"'


def _is_encoding(value: str) -> bool:
    try:
        "".encode(codecs.lookup(value).name)
    except (LookupError, ValueError):
        return False
    return True


def _as_typed(value: Any, check: Callable[[Any], float]) -> Any:
    """The number as the schema has it: 10 and 10.0 give different fingerprints of the data."""
    check(value)
    return value


_text = satisfies(_is_text)
Text = Annotated[str, _text, Field(description="a text of printable characters")]
FileName = Annotated[str, _text, Field(description="the name of a file in printable characters")]
ColumnName = Annotated[str, _text, Field(description="the name of a column in printable characters")]
Separator = Annotated[
    str,
    satisfies(_is_separator),
    Field(description="one character, and neither a quote nor a line break (\\t is a tab)"),
]
Encoding = Annotated[
    str,
    _text,
    satisfies(_is_encoding),
    Field(description="an encoding that Python knows, such as utf-8, latin-1 or cp1252"),
]
Flag = Annotated[bool, Field(description="true or false")]
Header = Annotated[
    list[ColumnName], Field(min_length=1, fail_fast=True, description="a list of column names")
]
TimestampFormat = Annotated[Literal["number", "iso"], Field(description="number or iso")]
BestRating = Annotated[
    float, Field(gt=0, le=FLOAT32_MAX, description="a finite number above 0"), WrapValidator(_as_typed)
]


class Table(JsonObject):
    """A delimited text file.

    Attributes:
        file: its name, in the data folder.
        separator: one character between values.
        encoding: of the text.
        quotes: whether a value may stand in double quotes, with separators and line breaks inside.
        header: names of the columns of a file whose first line does not have them.
    """

    file: FileName
    separator: Separator = ","
    encoding: Encoding = "utf-8"
    quotes: Flag = True
    header: Header | None = None


class ItemTable(Table):
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


class InteractionTable(Table):
    """Who took or rated what, one interaction per row.

    Attributes:
        user: column of the users' ids, any text.
        item: column of the items' ids.
        rating: column of the ratings; without it every interaction counts as liked.
        best_rating: the best rating there is; ratings are scaled so that it becomes 5.
        timestamp: column of the times; without it a user's rows are in order of time.
        timestamp_format: ``number`` (whole, of any unit) or ``iso`` (2024-05-31, 2024-05-31T18:30:00Z).
    """

    user: ColumnName
    item: ColumnName
    rating: ColumnName | None = None
    best_rating: BestRating = STARS
    timestamp: ColumnName | None = None
    timestamp_format: TimestampFormat = "number"


class Schema(JsonObject):
    """How to read a folder.

    Attributes:
        interactions: who took what.
        items: the catalogue; without it, the items of the interactions.
    """

    interactions: InteractionTable
    items: ItemTable | None = None

    def as_plain(self) -> dict[str, Any]:
        """Every key with its value, defaults included: what the fingerprint of the data is made of.

        A key that is added to a table must be left out here at its default, or every older fingerprint
        changes.
        """
        return self.model_dump()


def read_schema(path: Path) -> Schema:
    """Read and check a schema.

    Raises:
        UserError: the file cannot be read, or something in it is wrong; one line with the place, the value
            and what to do.
    """
    return checked(Schema, read_json(path), shown_path(path), HELP)
