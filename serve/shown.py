"""Answers with what the page shows beside the records: titles as people say them, details, own columns."""

from typing import Any

from torch import Tensor

from data.title_article import shown_title
from model.checkpoint import Checkpoint
from recommend.answers import Answer
from recommend.by_row import RowRecommender


def as_shown(recommender: RowRecommender, answer: Answer) -> dict[str, Any]:
    """An answer under its public names, with what the page shows of it.

    Args:
        recommender: made it.
        answer: to a film or to a person.
    """
    plain = answer.as_plain()
    for film, found in zip(plain["recommendations"], answer, strict=True):
        source = found.because if answer.question.row is None else answer.question.row
        assert found.row is not None and source is not None
        film["shownTitle"] = found.shown_title
        film["columns"] = own_columns(recommender.checkpoint, found.row)
        film["details"] = recommender.reasons.details(source, found.row)
        if answer.question.row is None:
            film["details"].insert(0, recommender.reasons.of(source, found.row))
    title = plain["query"]["title"]
    plain["query"]["shownTitle"] = shown_title(title) if answer.question.kind == "film" else title
    return plain


def own_columns(model: Checkpoint, row: int) -> dict[str, float | str]:
    """The values of the data's own columns that a film has: numbers and texts."""
    values = {
        name: float(column[row]) if isinstance(column, Tensor) else column[row]
        for name, column in model.item_columns.items()
    }
    return {name: value for name, value in values.items() if value == value and value != ""}
