"""What every method is asked: three tasks, each a list of histories with films to find.

- People: all that a user rated before, and the films that the user liked later (temporal split).
- Next item by history: the user's training films, and the film that the user rated next (leave one out).
- Next item by film: the user's latest training film alone, and the same target.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np

from base.arrays import IntArray
from data.dataset import MovieLens
from data.histories import History, histories_of_users, user_questions
from data.splits import Part, Split, SplitName, held_out_queries

Task = Literal["people", "next_by_history", "next_by_film"]
TASKS: tuple[Task, ...] = get_args(Task)


class TaskFacts(NamedTuple):
    """How a task is asked and judged.

    Attributes:
        title: its name in tables.
        split: the split that gives its questions.
        figures: names of metrics, as in ``evaluation.users`` and ``evaluation.metrics``.
        chosen_by: the metric that chooses settings and epoch on validation, as elsewhere in the project.
    """

    title: str
    split: SplitName
    figures: tuple[str, ...]
    chosen_by: str


_NEXT = ("hit_rate@10", "hit_rate@100", "mrr")
FACTS: dict[Task, TaskFacts] = {
    "people": TaskFacts("people", "temporal", ("recall@20", "ndcg@20"), "ndcg@20"),
    "next_by_history": TaskFacts("next item, whole training history", "leave_one_out", _NEXT, "mrr"),
    "next_by_film": TaskFacts("next item, latest training film alone", "leave_one_out", _NEXT, "mrr"),
}


@dataclass(frozen=True)
class Questions:
    """The questions of one task and one part of its split.

    Attributes:
        task: the task.
        users: int ``[n]`` user rows.
        histories: what a method may use, one per question.
        excluded: int film rows that are not candidates, one array per question; never a target.
        targets: int film rows to find, one array per question, at least one row each.
    """

    task: Task
    users: IntArray
    histories: list[History]
    excluded: list[IntArray]
    targets: list[IntArray]

    def __len__(self) -> int:
        return len(self.users)


def questions_of(split: Split, part: Part, movielens: MovieLens) -> dict[Task, Questions]:
    """The questions of every task that belongs to the split.

    Raises:
        UserError: the part does not give a question.
    """
    if split.name == "temporal":
        return {"people": _people(split, part, movielens.best_rating)}
    return _next_item(split, part)


def _people(split: Split, part: Part, best_rating: float) -> Questions:
    """The user protocol; films of the history are not candidates."""
    asked = user_questions(split, part, best_rating)
    excluded = [history.rows for history in asked.histories]
    return Questions("people", asked.users, asked.histories, excluded, asked.targets)


def _next_item(split: Split, part: Part) -> dict[Task, Questions]:
    """The project's next-item questions, once with the whole training history and once with its last film.

    The candidates are those of ``Queries``: all films except those that the user rated before the target.
    The validation film is among these in the test, but it is part of no history, here as in the project.
    """
    queries = held_out_queries(split, part)
    excluded = [
        queries.mask_movies[a:b] for a, b in zip(queries.mask_ptr, queries.mask_ptr[1:], strict=False)
    ]
    targets = list(queries.targets[:, None])
    whole = histories_of_users(split.train, queries.users)
    latest = [History(history.rows[-1:], history.ratings[-1:]) for history in whole]
    assert np.array_equal([history.rows[0] for history in latest], queries.queries)
    return {
        "next_by_history": Questions("next_by_history", queries.users, whole, excluded, targets),
        "next_by_film": Questions("next_by_film", queries.users, latest, excluded, targets),
    }
