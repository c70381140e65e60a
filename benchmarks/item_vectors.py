"""A million vectors of 768 numbers: time and memory to fit their reduction and to reduce them from disk.

    python -m benchmarks.item_vectors

The reference is scikit-learn's ``IncrementalPCA`` on the first fiftieth of the rows. Memory is what the
process holds beside the reduced matrix at its peak. Pages of the mapped file that the system keeps do not
count, since it gives them up when memory is needed.
"""

import argparse
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from sklearn.decomposition import IncrementalPCA

from data.content.facts import Content, ItemVectors
from data.content.vectors import fit_vectors

STATUS = Path("/proc/self/status")
GIGABYTE = 1 << 20  # in the kilobytes that the system counts


class PrivatePeak:
    """The highest private memory of this process while the block runs, in gigabytes."""

    def __enter__(self) -> "PrivatePeak":
        self.gigabytes = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            fields = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
            self.gigabytes = max(self.gigabytes, int(fields["RssAnon"].split()[0]) / GIGABYTE)

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def main() -> None:
    """Write the file, measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num_items", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--dim", type=int, default=128)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.npy"
        _write(path, arguments.num_items, arguments.width)
        values = np.load(path, mmap_mode="r")
        rows = np.arange(arguments.num_items)
        block = ItemVectors("vectors", values, rows, rows.astype(np.int32), arguments.dim)
        with PrivatePeak() as memory:
            started = time.perf_counter()
            basis = fit_vectors(block, 0)
            fitted = time.perf_counter() - started
            reduced, _ = basis.features(Content((block,)), arguments.num_items)
            applied = time.perf_counter() - started - fitted
        beside = memory.gigabytes - reduced.nbytes / 2**30
        print(f"{arguments.num_items:,} x {arguments.width} float16 ({path.stat().st_size / 2**30:.1f} GB)")
        total = fitted + applied
        rate = arguments.num_items / total
        print(f"fit {fitted:.1f} s, reduce {applied:.1f} s, {rate:,.0f} vectors per second")
        print(f"peak {beside:.2f} GB beside the reduced matrix of {reduced.nbytes / 2**30:.2f} GB")
        part = values[: arguments.num_items // 50].astype(np.float32)
        started = time.perf_counter()
        IncrementalPCA(arguments.dim, batch_size=8192).fit(part).transform(part)
        reference = (time.perf_counter() - started) * arguments.num_items / len(part)
        ratio = reference / total
        print(f"ratio: {ratio:.1f} (time of scikit-learn's IncrementalPCA to ours, {reference:.0f} s)")


def _write(path: Path, num_items: int, width: int) -> None:
    """Random vectors with some leading directions, a block at a time."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(64, width)).astype(np.float32)
    values = np.lib.format.open_memmap(path, "w+", np.float16, (num_items, width))
    for start in range(0, num_items, 65_536):
        size = min(65_536, num_items - start)
        hidden = rng.normal(size=(size, 64)).astype(np.float32)
        values[start : start + size] = hidden @ directions / 8 + rng.normal(size=(size, width)).astype(
            np.float32
        )
    values.flush()


if __name__ == "__main__":
    main()
