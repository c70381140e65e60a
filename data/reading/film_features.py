"""What ``features.json`` says about the films of a MovieLens folder beside the release: columns and vectors.

The columns stand in a table of the folder, by default movies.csv. Films and rows of the table meet by their
ids, which are whole numbers in any spelling.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from base.errors import UserError
from data.inspection.findings import EXAMPLES, Finding
from data.reading.columns import Columns
from data.reading.item_content import add_content, content_columns
from data.reading.number_kinds import ID
from data.reading.own_items import add_list_columns
from data.reading.source_files import bad_line, must_exist, shown, shown_path
from data.reading.tables import parts_of, table_rows
from data.reading.vector_blocks import vector_files

if TYPE_CHECKING:
    from data.reading.features_json import FeatureTable


class FilmRows(Mapping[str, int]):
    """From ids in any spelling, such as ``7`` and ``007``, to the rows of films.

    Args:
        ids: int64 ``[num_movies]``, distinct.
    """

    def __init__(self, ids: np.ndarray):
        self._row_of = {one: row for row, one in enumerate(ids.tolist())}

    def __getitem__(self, text: str) -> int:
        try:
            return self._row_of[int(ID.parse(text))]
        except ValueError:
            raise KeyError(text) from None

    def __iter__(self) -> Iterator[str]:
        return map(str, self._row_of)

    def __len__(self) -> int:
        return len(self._row_of)


def feature_files(folder: Path, table: "FeatureTable") -> list[Path]:
    """Every file that the features are read from.

    Raises:
        UserError: one is missing.
    """
    path = folder / table.file
    if _needs_table(table):
        must_exist(path, f"items.file in {table.place} must name a file")
    vectors = vector_files(table, folder)
    return [*(parts_of(path) if _needs_table(table) else ()), *vectors]


def add_film_features(folder: Path, table: "FeatureTable", columns: Columns) -> None:
    """Add the content of the films, as ``add_content`` does.

    Args:
        folder: of the data.
        table: where the content is.
        columns: what to add to; it has the films already.

    Raises:
        UserError: a file cannot be read, no row is of a film, or two rows are of one film.
    """
    path, find_film = folder / table.file, FilmRows(columns.arrays["movie_ids"])
    if _needs_table(table):
        _add_table(path, table, find_film, columns)
    add_content(columns, table, folder, find_film, shown_path(path), table.decimal)


def _needs_table(table: "FeatureTable") -> bool:
    """Whether anything is read from the table; vectors may have files of their own."""
    return bool(content_columns(table)) or any(block.column is not None for block in table.vectors)


def _add_table(path: Path, table: "FeatureTable", find_film: FilmRows, columns: Columns) -> None:
    """Add the columns of the table, empty where a film has no row."""
    kept = content_columns(table)
    contents = {name: [""] * len(find_film) for name in kept.values()}
    wanted: dict[str, str | None] = {"id": table.id, **kept}
    ids: list[str] = []
    films: list[int] = []  # of the rows of the table, -1 for rows of no film
    line_of: dict[int, int] = {}
    unknown: list[str] = []
    for part in parts_of(path):
        for line, (one, *values) in table_rows(part, "items", table, wanted):
            film = find_film.get(one, -1)
            ids.append(one)
            films.append(film)
            if film < 0:
                unknown.append(one)
                continue
            if film in line_of:
                problem = f"{table.id} {shown(one)} is already on line {line_of[film]}"
                raise bad_line(part, line, problem, "give each film one line")
            line_of[film] = line
            for name, value in zip(contents, values, strict=True):
                contents[name][film] = value
    examples = tuple(unknown[:EXAMPLES])
    if not line_of:
        raise UserError(
            f"{shown_path(path)}: none of its {len(films)} rows is of a film of the catalogue "
            f"(not {', '.join(map(shown, examples))}); items.id in {table.place} must name the column of the "
            "films' ids"
        )
    columns.note(len(unknown), "row", f"of {path.name} of unknown films left out")
    if unknown:
        finding = Finding("rows_of_unknown_films", len(unknown), len(films), examples)
        columns.texts.setdefault("findings", []).append(finding.as_text())
    columns.texts |= {f"column:{name}": values for name, values in contents.items()}
    _add_lists(path, table, ids, np.array(films, dtype=np.int32), columns)


def _add_lists(
    path: Path, table: "FeatureTable", ids: list[str], films: np.ndarray, columns: Columns
) -> None:
    """Add the vectors of list columns.

    Args:
        path: of the table.
        table: which names the columns.
        ids: of its rows.
        films: int32 ``[len(ids)]``, -1 for rows of no film.
        columns: what to add to.
    """
    of_rows = Columns()
    add_list_columns(path, table, of_rows, ids)
    for name in {block.column for block in table.vectors if block.column is not None}:
        of_films = films[of_rows.arrays[f"vector_rows:{name}"]]
        columns.arrays[f"vector:{name}"] = of_rows.arrays[f"vector:{name}"][of_films >= 0]
        columns.arrays[f"vector_rows:{name}"] = of_films[of_films >= 0]
