"""Load the points that ``--mode export --to qdrant`` wrote into a collection of Qdrant.

pip install -r requirements-stores.txt
python examples/load_qdrant.py --url http://localhost:6333
"""

import argparse
import json
from pathlib import Path

from qdrant_client import QdrantClient, models

POINTS = "output/embeddings/qdrant/points.jsonl"


def load(client: QdrantClient, points: str | Path = POINTS, collection: str = "items") -> None:
    """Make the collection, which must not exist yet, and send it the points in batches."""
    with Path(points).open(encoding="utf-8") as lines:
        widths = {name: len(vector) for name, vector in json.loads(next(lines))["vector"].items()}
        vectors = {
            name: models.VectorParams(size=width, distance=models.Distance.DOT)
            for name, width in widths.items()
        }
        if "query" in vectors:  # is only kept: nobody searches for it, so it needs no index
            vectors["query"].hnsw_config = models.HnswConfigDiff(m=0)
        client.create_collection(collection, vectors_config=vectors)
        lines.seek(0)
        client.upload_points(collection, (models.PointStruct(**json.loads(line)) for line in lines))


def main(argv: list[str] | None = None) -> None:
    """Load the points into a server."""
    parser = argparse.ArgumentParser(description="Load an export into Qdrant.")
    parser.add_argument("--url", default="http://localhost:6333", help="of the server")
    parser.add_argument("--points", default=POINTS, help="file of the export")
    parser.add_argument("--collection", default="items", help="name of the new collection")
    arguments = parser.parse_args(argv)
    load(QdrantClient(arguments.url), arguments.points, arguments.collection)


if __name__ == "__main__":
    main()
