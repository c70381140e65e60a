"""The stores that files can be written for, and the packages that this takes."""

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path

from base.errors import UserError
from recommend.stores.catalogue import Catalogue
from recommend.stores.index_files import write_faiss, write_usearch
from recommend.stores.lancedb import write_lancedb
from recommend.stores.pgvector import write_pgvector
from recommend.stores.qdrant import write_qdrant

INSTALL = "pip install -r requirements-stores.txt"
ENCODER = "onnx"  # no store of items: it is written of the model, by recommend/stores/encoder.py
WRITERS: dict[str, Callable[[Catalogue, Path], None]] = {
    "faiss": write_faiss,
    "lancedb": write_lancedb,
    "pgvector": write_pgvector,
    "qdrant": write_qdrant,
    "usearch": write_usearch,
}
NEEDS = {"lancedb": ("lancedb",), "usearch": ("usearch",), ENCODER: ("onnx", "onnxscript")}


def check_installed(stores: Iterable[str]) -> None:
    """Check that the packages are there which writing for these stores takes, before anything is written.

    Raises:
        UserError: one is missing; the text says how to install it.
    """
    for store in stores:
        for package in NEEDS.get(store, ()):
            if find_spec(package) is None:
                raise UserError(f"`to` {store} needs the package {package}, an extra; run `{INSTALL}`")
