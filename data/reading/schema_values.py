"""What the values of ``schema.json`` and ``features.json`` may be."""

import codecs
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field, WrapValidator

from data.content.facts import MAX_WIDTH
from data.reading.json_models import satisfies
from data.reading.number_kinds import FLOAT32_MAX

_LINE = "a,b\n"
_HALF_PAIRS = b"+2AA-\\ud800"  # in UTF-7 and as Python writes it


def _is_text(value: str) -> bool:
    """Whether a value can name a file or a column, or stand between values."""
    return value != "" and (value.isprintable() or value == "\t")


def _is_separator(value: str) -> bool:
    return _is_text(value) and len(value) == 1 and value != '"'


def _is_character(value: str) -> bool:
    return len(value) == 1 and value.isprintable() and value != " "


def _is_encoding(value: str) -> bool:
    try:
        name = codecs.lookup(value).name
        content = _LINE.encode(name)
        decoder = codecs.getincrementaldecoder(name)()
        line = "".join(decoder.decode(content[at : at + 1]) for at in range(len(content)))
        halves = _HALF_PAIRS.decode(name, "replace")
    except (LookupError, ValueError):
        return False
    if line != _LINE:
        return False
    # Half of a surrogate pair is no text: such an encoding reads what no file can be written with.
    return not any("\ud800" <= character <= "\udfff" for character in halves)


def _as_typed(value: Any, check: Callable[[Any], float]) -> Any:
    """The number as the schema has it: 10 and 10.0 give different fingerprints of the data."""
    check(value)
    return value


_text = satisfies(_is_text)
Text = Annotated[str, _text, Field(description="a text of printable characters")]
_name = satisfies(lambda value: value != "" and value.isprintable())
FileName = Annotated[str, _name, Field(description="the name of a file in printable characters")]
ColumnName = Annotated[str, _name, Field(description="the name of a column in printable characters")]
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
Character = Annotated[
    str, satisfies(_is_character), Field(description="one printable character other than a space")
]
Decimal = Annotated[Literal[".", ","], Field(description='"." or ","')]
Placeholders = Annotated[
    list[Annotated[str, Field(description="a text")]],
    Field(fail_fast=True, description="a list of texts that stand for no value"),
]
ColumnNames = Annotated[list[ColumnName], Field(fail_fast=True, description="a list of column names")]
Dim = Annotated[int, Field(ge=1, le=MAX_WIDTH, description=f"a whole number from 1 to {MAX_WIDTH}")]
Repeats = Annotated[Literal["count", "first", "last"], Field(description="count, first or last")]
KindWeight = Annotated[float, Field(ge=0, le=1e6, description="a number from 0 to 1000000")]
