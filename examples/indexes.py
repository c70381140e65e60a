"""The three indexes on any vectors: what each finds, and how long a search takes.

python examples/indexes.py
python examples/indexes.py --num_vectors 100000
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # where the project is not installed

import numpy as np  # noqa: E402

from pinsage import ExactIndex, LSHIndex, WeakANDIndex  # noqa: E402

K = 10


def clustered_vectors(num_vectors: int, dim: int, seed: int) -> np.ndarray:
    """Unit vectors around a thousand centres, as embeddings are; float32 ``[num_vectors, dim]``."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((1000, dim))
    vectors = centres[rng.integers(1000, size=num_vectors)] + 0.5 * rng.standard_normal((num_vectors, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def main(argv: list[str] | None = None) -> None:
    """Build the indexes, search, and print recall against exact search."""
    parser = argparse.ArgumentParser(description="The three indexes on random clustered vectors.")
    parser.add_argument("--num_vectors", type=int, default=20_000)
    parser.add_argument("--num_queries", type=int, default=500)
    arguments = parser.parse_args(argv)

    vectors = clustered_vectors(arguments.num_vectors, 128, seed=0)
    ids = 10 * np.arange(len(vectors))  # any whole numbers; `search` gives them back
    queries = vectors[: arguments.num_queries]

    truth = ExactIndex().build(vectors, ids).search(queries, K).ids
    print(f"{'index':<40} {'recall@10':>9} {'ms per query':>13}")
    for index in (ExactIndex(), LSHIndex(num_bits=256, num_tables=16), WeakANDIndex(num_partitions=100)):
        index.build(vectors, ids)
        index.search(queries[:2], K)  # compiles the kernels
        started = time.perf_counter()
        found = index.search(queries, K).ids
        milliseconds = 1e3 * (time.perf_counter() - started) / len(queries)
        recall = np.mean([len(set(a) & set(b)) / K for a, b in zip(found, truth, strict=True)])
        print(f"{index!r:<40.40} {recall:>9.3f} {milliseconds:>13.3f}")

    # Vectors can come and go, ids can be excluded, and an index is one file.
    index = ExactIndex().build(vectors, ids)
    index.remove(ids[:1])
    index.add(vectors[:1], [-1])
    print("nearest to vector 0, itself left out:", index.search(vectors[0], 3, exclude=np.array([-1])).ids)


if __name__ == "__main__":
    main()
