"""Index files of FAISS and usearch, whose keys are rows, and beside them the items of these rows."""

from pathlib import Path
from typing import Any

import numpy as np

from base.files import replacing
from recommend.stores.arrays import QUERIES, write_queries, write_table
from recommend.stores.catalogue import Catalogue

# Of usearch's graph, generous: recall@10 against exact search stays near 1.
CONNECTIVITY, EXPANSION = 32, 256


def write_faiss(catalogue: Catalogue, folder: Path) -> None:
    """Write ``items.faiss``, a flat index, which is exact.

    Raises:
        OSError: a file could not be written.
    """
    import faiss

    index = faiss.IndexFlatIP(catalogue.candidates.shape[1])
    index.add(catalogue.candidates)
    _write(catalogue, folder, "items.faiss", faiss.serialize_index(index).data, "It is exact.")


def write_usearch(catalogue: Catalogue, folder: Path) -> None:
    """Write ``items.usearch``, a navigable graph (HNSW).

    Raises:
        OSError: a file could not be written.
    """
    from usearch.index import Index

    dim = catalogue.candidates.shape[1]
    index = Index(ndim=dim, metric="ip", dtype="f32", connectivity=CONNECTIVITY, expansion_add=EXPANSION)
    index.add(np.arange(len(catalogue)), catalogue.candidates)
    note = (
        "Its distances are 1 - score. The file does not keep `expansion_search`: after opening, set it to "
        f"{EXPANSION}, or more if answers are missed."
    )
    _write(catalogue, folder, "items.usearch", index.save(), note)


def _write(catalogue: Catalogue, folder: Path, name: str, content: Any, note: str) -> None:
    with replacing(folder / name) as file:
        file.write(content)
    write_table(folder / "items.parquet", catalogue.arrow_columns())
    write_queries(folder, catalogue.queries)
    files = (
        f"`{name}` is the index of the candidates, for the inner product. Its keys are rows; `items.parquet` "
        f"says which item is at a row. {note}"
    )
    catalogue.write_readme(folder, files, f"That of row r is row r of `{QUERIES}`.")
