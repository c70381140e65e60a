"""A LanceDB database with one table."""

from pathlib import Path

from recommend.stores.catalogue import Catalogue

TABLE = "items"
FILES = (
    f"This folder is a LanceDB database. Its table `{TABLE}` has the items and their vectors. Search the "
    'column `candidate` with `distance_type("dot")`; distances are 1 - score. There is no index on it, so a '
    "search is exact; for millions of items, make one with `create_index`."
)


def write_lancedb(catalogue: Catalogue, folder: Path) -> None:
    """Write the table ``items`` in a new version; LanceDB itself makes it whole or not at all.

    Raises:
        OSError: it could not be written.
    """
    import lancedb
    import pyarrow

    database = lancedb.connect(folder)
    # Asked to overwrite what is not there, LanceDB warns.
    mode = "overwrite" if (folder / f"{TABLE}.lance").exists() else "create"
    database.create_table(TABLE, pyarrow.table(catalogue.arrow_columns(vectors=True)), mode=mode)
    catalogue.write_readme(folder, FILES, "It stands in the column `query`.")
