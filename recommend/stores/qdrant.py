"""Points for Qdrant as JSON Lines, one item a line."""

import json
from pathlib import Path

from base.files import replacing
from recommend.stores.catalogue import Catalogue, decimals

FILES = (
    "`points.jsonl` has one point a line: `id` (the row), `vector` and `payload`, as Qdrant's `PUT "
    "/collections/{name}/points` takes them. Make the collection with one vector per name of `vector`, all "
    "with the distance `Dot`. `query` only needs to be kept, not indexed."
)


def write_qdrant(catalogue: Catalogue, folder: Path) -> None:
    """Write ``points.jsonl``.

    Raises:
        OSError: a file could not be written.
    """
    with replacing(folder / "points.jsonl") as file:
        for row in range(len(catalogue)):
            vectors = [f'"{name}": {decimals(part[row])}' for name, part in catalogue.vectors.items()]
            payload = json.dumps(catalogue.record(row))
            line = f'{{"id": {row}, "vector": {{{", ".join(vectors)}}}, "payload": {payload}}}\n'
            file.write(line.encode())
    catalogue.write_readme(folder, FILES, "It stands in the same point under the name `query`.")
