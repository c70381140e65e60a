"""SASRec from the project's side: starts ``sasrec.py`` in its environment and reads its rankings."""

import hashlib
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from base.arrays import FloatArray, IntArray
from base.errors import UserError
from benchmarks.rivals.judge import scores_of_ranking
from benchmarks.rivals.other_python import OtherPython
from benchmarks.rivals.questions import Questions, Task
from benchmarks.rivals.tuning import Grid, Scores, Settings
from data.histories import History, histories_of_users
from data.splits import Split

# The order is that of the search, the first value the start.
GRID: Grid = {
    "loss": ("softmax", "BCE 1", "gBCE 16"),  # the number is that of negatives
    "session_max_len": (50, 20, 100),
    "dropout_rate": (0.2, 0.4),
    "n_factors": (64, 128),
    "layers": ("sasrec", "ligr"),
    "use_pos_emb": (True, False),
    "lr": (0.003, 0.0015),
}
# Settings that the next item searches again, from what people chose: an epoch takes long.
AGAIN = ("session_max_len", "use_pos_emb")
FIXED: Settings = {"n_blocks": 2, "n_heads": 2, "batch_size": 32}
MAX_EPOCHS = 20
MIN_EPOCHS = 8
EVERY = 2  # epochs between two looks at validation
PATIENCE = 2  # looks without a better figure in any task, after which training stops
SCRIPT = Path(__file__).with_name("sasrec.py")
INSTALL = "install requirements-rivals.txt in an environment of its own"


def check_python(python: str) -> None:
    """Refuse a Python that cannot run ``sasrec.py``; asked before hours of other work.

    Raises:
        UserError: it is not there, or it does not have RecTools with its extra ``torch``.
    """
    try:
        done = subprocess.run([python, "-c", "import rectools.models.nn.transformers"], capture_output=True)
    except OSError as error:
        raise UserError(f"cannot run {python} ({error.strerror}); {INSTALL}") from None
    if done.returncode != 0:
        raise UserError(f"{python} cannot import rectools.models, a part of RecTools; {INSTALL}")


class RecTools:
    """A running ``sasrec.py`` that trains what it is told to; use it in a ``with`` statement.

    Args:
        python: the Python of the environment with RecTools.
        split: its training part is what models are trained on.
        asked: sets of questions; their histories are what rankings are made for. Equal sets of histories are
            asked once.
        script: what is run; another one in tests.
    """

    def __init__(
        self, python: str, split: Split, asked: Sequence[dict[Task, Questions]], script: Path = SCRIPT
    ):
        self.num_movies = split.num_movies
        self.versions: dict[str, str] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="rivals-")
        folder = Path(self._folder.name)
        users = np.unique(split.train.users)
        files = _as_arrays("train", histories_of_users(split.train, users))
        for questions in (one for by_task in asked for one in by_task.values()):
            files |= _as_arrays(set_name(questions), questions.histories)
        np.savez(folder / "questions.npz", **files)  # type: ignore[arg-type]
        try:
            self._script = OtherPython(
                [python, str(script), str(folder)], "SASRec", INSTALL, folder / "errors.txt"
            )
        except UserError:
            self._folder.cleanup()
            raise

    def __enter__(self) -> "RecTools":
        try:
            self.versions = self._script.answer()["versions"]
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._script.end(at_once=kind is not None)
        self._folder.cleanup()

    def train(
        self, settings: Settings, seed: int, epochs: int = MAX_EPOCHS, every: int = EVERY
    ) -> Generator[tuple[int, Scores], None, None]:
        """Train, and give the model after every ``every`` epochs as (epoch, scores); the caller may stop.

        Args:
            settings: a value for each name of ``GRID``.
            seed: of everything random.
            epochs: number of epochs.
            every: epochs between two models.
        """
        self._script.send({"settings": FIXED | settings, "seed": seed, "epochs": epochs, "every": every})
        while "epoch" in (answer := self._script.answer()):
            path = Path(answer["file"])
            with np.load(path) as file:
                rankings = dict(file)
            path.unlink()
            going_on = False
            try:
                yield answer["epoch"], self._scores(rankings)
                going_on = True
            finally:
                self._script.send({"go_on": going_on})
                if not going_on:
                    self._script.answer()  # that the job has ended

    def _scores(self, rankings: dict[str, IntArray]) -> Scores:
        def scores(questions: Questions, way: str) -> FloatArray:
            return scores_of_ranking(rankings[set_name(questions)], self.num_movies)

        return scores


def set_name(questions: Questions) -> str:
    """A name that sets of equal histories share: next item asks the same ones in validation and test."""
    rows = [history.rows for history in questions.histories]
    content = np.concatenate([np.cumsum([len(one) for one in rows]), *rows]).astype(np.int64)
    return f"{questions.task}-{hashlib.sha256(content.tobytes()).hexdigest()[:12]}"


def _as_arrays(name: str, histories: list[History]) -> dict[str, IntArray]:
    """``NAME_ptr`` int64 ``[n + 1]`` and ``NAME_movies`` int32."""
    rows = [history.rows for history in histories]
    return {
        f"{name}_ptr": np.cumsum([0, *map(len, rows)]),
        f"{name}_movies": np.concatenate(rows).astype(np.int32),
    }
