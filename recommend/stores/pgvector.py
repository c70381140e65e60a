r"""A table for PostgreSQL with the extension pgvector, as a script for psql.

The rows are in the text format of ``COPY``, in which tabs separate columns, ``\N`` is null, and a backslash
begins an escape: https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS. Elements of an
array stand in double quotes, in which a backslash escapes, too:
https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from base.files import replacing
from recommend.stores.catalogue import Catalogue, decimals

TABLE = "pinsage_items"
MOST_INDEXED = 2000  # numbers of a vector that pgvector can index
FILES = (
    "`items.sql` is a script for psql. It makes the table `{table}`, in place of one of this name; the "
    "columns `candidate` and `query` are vectors. `query.sql` asks for the nearest items of one. `<#>` is "
    "the inner product times -1, so the smallest is the best. {index}"
)
INDEXED = (
    "The index is approximate (HNSW). `SET hnsw.ef_search = 200` finds more; without the index, a search is "
    "exact."
)
NOT_INDEXED = "There is no index, because pgvector indexes at most 2,000 numbers; so a search is exact."
BEGIN = r"""\set ON_ERROR_STOP on
SET client_encoding = 'UTF8';
BEGIN;
CREATE EXTENSION IF NOT EXISTS vector;
DROP TABLE IF EXISTS {table};
CREATE TABLE {table} (
    "row" integer PRIMARY KEY,
    id {id_type} NOT NULL,
    title text NOT NULL,
    year integer,
    genres text[] NOT NULL,
    columns jsonb,
    {vectors}
);
COPY {table} FROM stdin;
"""
END = r"""\.
CREATE INDEX ON {table} USING hash (id);
{index}COMMIT;
ANALYZE {table};
"""
INDEX = "CREATE INDEX ON {table} USING hnsw (candidate vector_ip_ops);\n"
QUERY = """\
-- The ten nearest items of the first one, which is left out itself.
SELECT id, title, -(candidate <#> (SELECT {query} FROM {table} WHERE "row" = 0)) AS score
FROM {table}
WHERE "row" <> 0
ORDER BY candidate <#> (SELECT {query} FROM {table} WHERE "row" = 0)
LIMIT 10;
"""
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"})
_IN_QUOTES = str.maketrans({"\\": r"\\", '"': r"\""})


def write_pgvector(catalogue: Catalogue, folder: Path) -> None:
    """Write ``items.sql`` and ``query.sql``.

    Raises:
        OSError: a file could not be written.
    """
    dim = catalogue.candidates.shape[1]
    index = INDEX.format(table=TABLE) if dim <= MOST_INDEXED else ""
    begin = BEGIN.format(
        table=TABLE,
        id_type="bigint" if catalogue.movies.text_ids is None else "text",
        vectors=",\n    ".join(f"{name} vector({dim}) NOT NULL" for name in catalogue.vectors),
    )
    with replacing(folder / "items.sql") as file:
        file.write(begin.encode())
        for row in range(len(catalogue)):
            file.write(copy_line(_values(catalogue, row)).encode())
        file.write(END.format(table=TABLE, index=index).encode())
    query = "candidate" if catalogue.queries is None else "query"
    with replacing(folder / "query.sql") as file:
        file.write(QUERY.format(table=TABLE, query=query).encode())
    files = FILES.format(table=TABLE, index=INDEXED if index else NOT_INDEXED)
    catalogue.write_readme(folder, files, "It stands in the column `query`.")


def copy_line(values: Iterable[str | None]) -> str:
    """One row in the text format of ``COPY``, with its newline."""
    return "\t".join(r"\N" if value is None else value.translate(_ESCAPES) for value in values) + "\n"


def array_text(values: Iterable[str]) -> str:
    """Texts as one value of the type ``text[]``."""
    return "{" + ",".join(f'"{value.translate(_IN_QUOTES)}"' for value in values) + "}"


def _values(catalogue: Catalogue, row: int) -> list[str | None]:
    known = catalogue.record(row)
    columns = known.get("columns")
    return [
        str(row),
        _storable(str(known["id"])),
        _storable(known["title"]),
        None if known["year"] is None else str(known["year"]),
        array_text(map(_storable, known["genres"])),
        None if columns is None else json.dumps(_storable_keys(columns), ensure_ascii=False),
        *(decimals(part[row]) for part in catalogue.vectors.values()),
    ]


def _storable_keys(columns: dict[str, Any]) -> dict[str, Any]:
    return {name: _storable(value) if isinstance(value, str) else value for name, value in columns.items()}


def _storable(text: str) -> str:
    """The text without what PostgreSQL cannot hold: the character NUL and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()
