"""``--mode export``: embeddings and films as files that other programs and vector stores read."""

from pathlib import Path
from typing import Any

from commands.cli import adopt
from config import Config
from model.checkpoint import BEST, Checkpoint, load_checkpoint
from recommend.added_films import with_added_films
from recommend.stores.arrays import QUERIES, write_movies, write_parquet, write_queries, write_vectors
from recommend.stores.catalogue import Catalogue
from recommend.stores.registry import ENCODER, WRITERS, check_installed
from search.choose import index_path, open_index


def export(config: Config, typed: dict[str, Any]) -> None:
    """Write ``embeddings/embeddings.npy`` (float32, unit rows) and ``embeddings/movies.csv`` (same rows).

    If a film as a query differs from the film as a candidate, ``embeddings/queries.npy`` has the vectors of
    queries (same rows, unit length). ``embeddings/embeddings.parquet`` holds all of it in one file. With
    ``--to``, a folder per store is written instead: ``embeddings/<store>/``. With ``--search_method`` or
    ``--vectors`` typed, the index is written as ``embeddings/index-<method>.npz``; its ids are rows.

    Raises:
        UserError: there is no checkpoint, flags contradict it, search parameters do not fit, or a package is
            missing.
        OSError: a file could not be written.
    """
    check_installed(config.export.stores)
    checkpoint_dir = Path(config.run.checkpoint_dir)
    trained = load_checkpoint(checkpoint_dir / BEST)
    adopt(config, trained.settings, typed)
    checkpoint = with_added_films(trained, checkpoint_dir)
    folder = Path(config.run.output_dir) / "embeddings"
    folder.mkdir(parents=True, exist_ok=True)
    catalogue = Catalogue.of(checkpoint)
    if config.export.stores:
        _write_stores(config.export.stores, trained, catalogue, folder)
    else:
        _write_arrays(catalogue, folder)
    if typed.keys() & {"search_method", "vectors"}:
        path = index_path(folder, config.search.search_method)
        queries = checkpoint.query_embeddings.numpy()
        index = open_index(config.search, catalogue.candidates, queries, config.run.seed)
        index.save(path)
        print(f"written: {path} {index!r}")


def _write_arrays(catalogue: Catalogue, folder: Path) -> None:
    embeddings, queries = catalogue.candidates, catalogue.queries
    write_vectors(folder / "embeddings.npy", embeddings)
    write_queries(folder, queries)
    write_movies(folder / "movies.csv", catalogue.movies)
    write_parquet(folder / "embeddings.parquet", catalogue.movies, embeddings, queries)
    written = ["movies.csv", "embeddings.parquet"] + [QUERIES] * (queries is not None)
    print(
        f"written: {folder / 'embeddings.npy'} {embeddings.shape}, "
        + ", ".join(str(folder / name) for name in written)
    )


def _write_stores(stores: tuple[str, ...], trained: Checkpoint, catalogue: Catalogue, folder: Path) -> None:
    for store in stores:
        target = folder / store
        target.mkdir(exist_ok=True)
        if store == ENCODER:
            from recommend.stores.encoder import write_onnx

            write_onnx(trained, target)
        else:
            WRITERS[store](catalogue, target)
        print(f"written: {target}: {', '.join(sorted(path.name for path in target.iterdir()))}")
