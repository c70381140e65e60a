"""DGL's PinSage from the project's side: starts ``pinsage_dgl.py`` in its environment, asks for its speed."""

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch

from base.arrays import FloatArray
from base.errors import UserError
from benchmarks.rivals.other_python import OtherPython
from data.dataset import Movies
from data.feature_extractor import genre_indicators
from data.splits import Split
from model.heads import Embeddings

LEARNING_RATE = 3e-5  # of the example
SCRIPT = Path(__file__).with_name("pinsage_dgl.py")


class DglTraining:
    """A running ``pinsage_dgl.py`` that trains as long as it is told to; use it in a ``with`` statement.

    Args:
        python: the Python of the environment with DGL.
        split: its training part is what is trained on.
        movies: the films; their genres and years are known to the model.
        script: what is run; another one in tests.
    """

    def __init__(self, python: str, split: Split, movies: Movies, script: Path = SCRIPT):
        self.versions: dict[str, str] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="dgl-")
        folder = Path(self._folder.name)
        np.savez(
            folder / "training.npz",
            users=split.train.users.astype(np.int64),
            movies=split.train.movies.astype(np.int64),
            num_users=split.num_users,
            num_movies=split.num_movies,
            content=content_of(movies),
        )
        try:
            self._script = OtherPython(
                [python, str(script), str(folder / "training.npz")],
                "DGL",
                "install benchmarks/rivals/requirements-dgl.txt in an environment of its own",
                folder / "errors.txt",
                # Without DGLBACKEND, DGL writes a file into the home directory.
                {"OMP_NUM_THREADS": "1", "DGLBACKEND": "pytorch"},
            )
        except UserError:
            self._folder.cleanup()
            raise

    def __enter__(self) -> "DglTraining":
        try:
            self.versions = self._script.answer()["versions"]
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._script.end(at_once=True)
        self._folder.cleanup()

    def rate(self, neighbors: int, walks: int, batch_size: int, seconds: float) -> float:
        """Pairs per processor-second of a training that takes at least so many processor-seconds.

        Args:
            neighbors: neighbours per film.
            walks: random walks that find them.
            batch_size: pairs per step.
            seconds: of measuring; a few batches before are a warm-up.

        Raises:
            WorldError: the script ended; the message has its reason.
        """
        job = {"neighbors": neighbors, "walks": walks, "batch_size": batch_size, "lr": LEARNING_RATE}
        answer = self._ask(job | {"seconds": seconds})
        return float(answer["pairs"] / answer["processor_seconds"])

    def embeddings(
        self, neighbors: int, walks: int, batch_size: int, lr: float, num_pairs: int, seed: int
    ) -> Embeddings:
        """What a new model has learned from so many pairs; its inner products are the scores of the example.

        Args:
            neighbors: neighbours per film.
            walks: random walks that find them.
            batch_size: pairs per step.
            lr: learning rate.
            num_pairs: of the training.
            seed: of the training.

        Raises:
            WorldError: the script ended; the message has its reason.
        """
        path = Path(self._folder.name) / "learned.npz"
        job = {"neighbors": neighbors, "walks": walks, "batch_size": batch_size, "lr": lr}
        self._ask(job | {"num_pairs": num_pairs, "seed": seed, "file": str(path)})
        with np.load(path) as file:
            h, bias = (torch.from_numpy(file[name]) for name in ("h", "bias"))
        # The query's own bias is the same for all its candidates.
        ones = torch.ones(len(h), 1)
        return Embeddings(torch.cat([h, bias.unsqueeze(1)], dim=1), torch.cat([h, ones], dim=1))

    def _ask(self, job: dict[str, Any]) -> dict[str, Any]:
        self._script.send(job)
        return self._script.answer()


def content_of(movies: Movies) -> FloatArray:
    """Genres as 0 and 1, and the year in centuries since 2000 (0 if unknown): float32 ``[num_movies, f]``."""
    names = sorted({genre for genres in movies.genres for genre in genres})
    year = np.nan_to_num((movies.years - 2000) / 100)
    return np.column_stack([genre_indicators(movies, names), year]).astype(np.float32)
