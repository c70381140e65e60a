"""``schema.json``: where other data than MovieLens's keep what a model needs.

The keys of the file are the fields of ``ItemTable`` and ``InteractionTable``; docs/own_data.md explains them.
"""

import codecs
import difflib
import json
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from base.errors import UserError
from data.reading.json_files import read_json
from data.reading.number_rules import FLOAT32_MAX
from data.reading.source_files import shown, shown_path

SCHEMA_FILE = "schema.json"
STARS = 5.0  # best rating everywhere else in the program
TIMESTAMP_FORMATS = ("number", "iso")
HELP = "docs/own_data.md explains schema.json"

Kind = TypeVar("Kind", bound="Table")

_WORDS = {
    str: "a text of printable characters",
    bool: "true or false",
    float: "a number",
    tuple: "a list of column names",
}


@dataclass(frozen=True, kw_only=True)
class Table:
    """A delimited text file.

    Attributes:
        file: its name, in the data folder.
        separator: one character between values.
        encoding: of the text.
        quotes: whether a value may stand in double quotes, with separators and line breaks inside.
        header: names of the columns of a file whose first line does not have them.
    """

    file: str
    separator: str = ","
    encoding: str = "utf-8"
    quotes: bool = True
    header: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class ItemTable(Table):
    """What is recommended, an item a row; all but ``id`` may be missing.

    Attributes:
        id: column of the ids, any text.
        title: column of the titles; without it the id is the title.
        genres: column of the genres, or of any other words that items share.
        genre_separator: what stands between two genres.
        year: column of the years; without it a year in brackets at the end of the title.
    """

    id: str
    title: str | None = None
    genres: str | None = None
    genre_separator: str = "|"
    year: str | None = None


@dataclass(frozen=True, kw_only=True)
class InteractionTable(Table):
    """Who took or rated what, one interaction a row.

    Attributes:
        user: column of the users' ids, any text.
        item: column of the items' ids.
        rating: column of the ratings; without it every interaction counts as liked.
        best_rating: the best rating there is; ratings are scaled so that it becomes 5.
        timestamp: column of the times; without it a user's rows are in order of time.
        timestamp_format: ``number`` (whole, of any unit) or ``iso`` (2024-05-31, 2024-05-31T18:30:00Z).
    """

    user: str
    item: str
    rating: str | None = None
    best_rating: float = STARS
    timestamp: str | None = None
    timestamp_format: str = "number"


@dataclass(frozen=True)
class Schema:
    """All of ``schema.json``.

    Attributes:
        interactions: the one file that must be.
        items: the catalogue; without it, the items of the interactions.
    """

    interactions: InteractionTable
    items: ItemTable | None = None

    def as_plain(self) -> dict[str, Any]:
        """Every key with its value, defaults included."""
        return asdict(self)


def read_schema(path: Path) -> Schema:
    """Read and check a schema.

    Raises:
        UserError: the file cannot be read, or something in it is not as it must be; the one line says
            where, what and what to do.
    """
    where = shown_path(path)
    content = read_json(path)
    if not isinstance(content, dict):
        raise UserError(f"{where} must hold an object in braces, got {_shown_json(content)}; {HELP}")
    _check_keys(where, content, ("interactions", "items"))
    if "interactions" not in content:
        raise UserError(f'{where}: no "interactions"; say which file holds who took what, {HELP}')
    interactions = _table(where, "interactions", content["interactions"], InteractionTable)
    items = content.get("items")
    return Schema(interactions, None if items is None else _table(where, "items", items, ItemTable))


def _check_keys(where: str, content: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in content:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            meant = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
            raise UserError(f"{where}: unknown key {shown(key)}; {meant}")


def _table(where: str, name: str, content: Any, kind: type[Kind]) -> Kind:
    """One table of the schema, every value of its type and in its range."""
    if not isinstance(content, dict):
        raise UserError(f'{where}: "{name}" must be an object in braces, got {_shown_json(content)}; {HELP}')
    where = f'{where}, "{name}"'
    hints = get_type_hints(kind)
    _check_keys(where, content, tuple(hints))
    for setting in fields(kind):
        if setting.name in content:
            _check_type(f'{where}: "{setting.name}"', content[setting.name], hints[setting.name])
        elif setting.default is MISSING:
            raise UserError(f'{where}: no "{setting.name}"; {HELP}')
    if content.get("header") is not None:
        content = content | {"header": tuple(content["header"])}
    table = kind(**content)
    _check_values(where, table)
    return table


def _check_type(what: str, value: Any, hint: Any) -> None:
    if value is None and type(None) in get_args(hint):
        return
    (kind,) = (get_origin(kind) or kind for kind in (get_args(hint) or (hint,)) if kind is not type(None))
    fits = {
        str: _is_text(value),
        bool: isinstance(value, bool),
        float: isinstance(value, int | float) and not isinstance(value, bool),
        tuple: isinstance(value, list) and value and all(map(_is_text, value)),
    }
    if not fits[kind]:
        raise UserError(f"{what} must be {_WORDS[kind]}, got {_shown_json(value)}")


def _is_text(value: Any) -> bool:
    """Whether a value can name a file or a column, or stand between values."""
    return isinstance(value, str) and value != "" and (value.isprintable() or value == "\t")


def _check_values(where: str, table: Table) -> None:
    if len(table.separator) != 1 or table.separator in '"\r\n':
        raise UserError(
            f'{where}: "separator" must be one character, and neither a quote nor a line break, '
            f"got {_shown_json(table.separator)}; \\t is a tab"
        )
    try:
        "".encode(codecs.lookup(table.encoding).name)
    except (LookupError, ValueError) as error:
        raise UserError(
            f'{where}: unknown "encoding" {_shown_json(table.encoding)}; utf-8, latin-1 and cp1252 are common'
        ) from error
    if isinstance(table, InteractionTable):
        if table.timestamp_format not in TIMESTAMP_FORMATS:
            raise UserError(
                f'{where}: "timestamp_format" must be {" or ".join(TIMESTAMP_FORMATS)}, '
                f"got {_shown_json(table.timestamp_format)}"
            )
        if not 0 < table.best_rating <= FLOAT32_MAX:
            best = _shown_json(table.best_rating)
            raise UserError(f'{where}: "best_rating" must be a finite number above 0, got {best}')


def _shown_json(value: Any) -> str:
    return shown(json.dumps(value, ensure_ascii=False))
