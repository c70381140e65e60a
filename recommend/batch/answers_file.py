"""The answers of all films or users as one file: Parquet, JSON Lines or CSV, one row per recommended film."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from base.arrays import IntArray
from base.checks import EXACT_BELOW
from base.files import replacing
from base.json_ids import json_id
from recommend.answers import SCORE_DIGITS
from recommend.batch.answers import Answers

if TYPE_CHECKING:
    import pandas

FORMS = ("parquet", "jsonl", "csv")

Ids = IntArray | list[str]
Columns = dict[str, npt.NDArray[Any]]


class Written(NamedTuple):
    """Number of films or users that were asked for, and of films that were recommended to all of them."""

    num_questions: int
    num_films: int


def write_answers(path: Path, form: str, asking: Ids, films: Ids, parts: Iterable[Answers]) -> Written:
    """Write answers part by part.

    The columns are ``queryId``, ``rank`` (int32 from 1), ``movieId``, ``score`` (float32) and, for users,
    ``becauseId``: the film of theirs that adds most. Ids are int64, or text where the data have such. In JSON
    Lines and CSV scores have six digits. In JSON Lines ids from 2^53 on are text.

    Args:
        path: the file.
        form: one of ``FORMS``.
        asking: ids of the films or users that ask.
        films: ids of the films.
        parts: their answers, in order.

    Raises:
        OSError: the file could not be written. An older one is unchanged.
    """
    num_questions = num_films = 0
    asking, films = (np.array(ids, dtype=object) if isinstance(ids, list) else ids for ids in (asking, films))
    with replacing(path) as file, _WRITERS[form](file) as write:
        for answers in parts:
            own = asking[num_questions : num_questions + len(answers.counts)]
            columns = _columns(own, films, answers)
            write(columns)
            num_questions += len(own)
            num_films += len(columns["rank"])
    return Written(num_questions, num_films)


def _columns(own: Any, films: Any, answers: Answers) -> Columns:
    ranks = np.arange(1, answers.rows.shape[1] + 1, dtype=np.int32)
    there = ranks <= answers.counts[:, None]
    columns = {
        "queryId": own.repeat(answers.counts),
        "rank": np.broadcast_to(ranks, there.shape)[there],
        "movieId": films[answers.rows[there]],
        "score": answers.scores[there].astype(np.float32),
    }
    if answers.because.shape[1]:
        columns["becauseId"] = films[answers.because[there]]
    return columns


@contextmanager
def _parquet(file: BinaryIO) -> Iterator[Callable[[Columns], None]]:
    import pyarrow
    from pyarrow import parquet

    with ExitStack() as ends:
        writer: Any = None

        def write(columns: Columns) -> None:
            nonlocal writer
            schema = pyarrow.schema([(name, _arrow_type(column)) for name, column in columns.items()])
            writer = writer or ends.enter_context(parquet.ParquetWriter(file, schema))
            writer.write_table(pyarrow.table(columns, schema=schema))

        yield write


def _arrow_type(column: npt.NDArray[Any]) -> Any:
    import pyarrow

    return pyarrow.string() if column.dtype == object else pyarrow.from_numpy_dtype(column.dtype)


@contextmanager
def _csv(file: BinaryIO) -> Iterator[Callable[[Columns], None]]:
    def write(columns: Columns) -> None:
        text = _frame(columns).to_csv(index=False, header=file.tell() == 0, lineterminator="\n")
        file.write(text.encode())

    yield write


@contextmanager
def _json_lines(file: BinaryIO) -> Iterator[Callable[[Columns], None]]:
    def write(columns: Columns) -> None:
        if not len(columns["rank"]):
            return
        for name, column in columns.items():
            if name.endswith("Id") and column.dtype != object and np.abs(column).max() >= EXACT_BELOW:
                columns[name] = np.array([json_id(value) for value in column.tolist()], dtype=object)
        text = _frame(columns).to_json(
            orient="records", lines=True, force_ascii=False, double_precision=SCORE_DIGITS
        )
        file.write(text.encode())

    yield write


def _frame(columns: Columns) -> "pandas.DataFrame":
    import pandas

    return pandas.DataFrame(columns | {"score": columns["score"].astype(np.float64).round(SCORE_DIGITS)})


_WRITERS = {"parquet": _parquet, "jsonl": _json_lines, "csv": _csv}
