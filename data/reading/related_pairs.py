"""Pairs of items that belong together, from a file of the data's own, for the test of relatedness only."""

from pathlib import Path

import numpy as np

from base.arrays import IntArray
from base.errors import UserError
from data.reading.schema import HELP, Table
from data.reading.source_files import must_exist, shown_path
from data.reading.tables import parts_of, table_rows

ITEM, RELATED = "item", "related"  # the columns


def read_related(path: Path, row_of: dict[str, int]) -> IntArray:
    """Read a CSV file (perhaps compressed) or a Parquet file with the columns ``item`` and ``related``.

    Pairs with an unknown item are left out: lists of this kind often name more items than a catalogue has.

    Args:
        path: the file.
        row_of: from item ids to rows.

    Returns:
        int32 ``[n, 2]`` item rows: an item, and one that goes with it.

    Raises:
        UserError: the file cannot be read, or none of its pairs is of known items.
    """
    must_exist(path, f"{RELATED} in the schema must name a file")
    table = Table(file=path.name)
    pairs, total = [], 0
    for part in parts_of(path):
        for _, (item, other) in table_rows(part, RELATED, table, {ITEM: ITEM, RELATED: RELATED}):
            total += 1
            if item in row_of and other in row_of:
                pairs.append((row_of[item], row_of[other]))
    if not pairs:
        raise UserError(
            f"{shown_path(path)}: none of its {total} pairs is of two items in the catalogue; write ids "
            f"as in the other files; {HELP}"
        )
    return np.array(pairs, dtype=np.int32)
