"""One question, answered by two models, for a page that shows both lists side by side."""

from collections.abc import Callable
from typing import Any, NamedTuple

from base.errors import UserError
from recommend.answers import Answer
from recommend.recommender import Recommender
from serve.choices import Choices
from serve.shown import as_shown

THIS = "this model"
Ask = Callable[[Recommender, list[int]], Answer]  # a question about the films in these rows


class ComparedModel(NamedTuple):
    """One of two models, what the page calls it, and the fingerprint of its files."""

    name: str
    recommender: Recommender
    fingerprint: str = ""


def compare_models(
    this: ComparedModel, other: ComparedModel | None, rows: list[int], ask: Ask, choices: Choices
) -> list[dict[str, Any]]:
    """What both models answer about some films. Films are matched by their ids.

    Args:
        this: the model that is served.
        other: the second one, if there is one.
        rows: of the films that the question names, in the first model.
        ask: the question.
        choices: of the visitor; a model that has no view of popularity ignores that choice.

    Raises:
        UserError: there is no second model, it does not know a film, or the condition is none.
    """
    if other is None:
        raise UserError("there is no second model; start the server with `compare_dir`")
    movies = this.recommender.movies
    try:
        there = [other.recommender.lookup.row_of_id(movies.public_id(row)) for row in rows]
    except UserError as error:
        raise UserError(f"the second model cannot answer: {error}") from None
    sides = []
    for (name, recommender, fingerprint), asked in ((this, rows), (other, there)):
        possible = choices if recommender.checkpoint.blend is not None else choices._replace(popularity=0.0)
        changed = possible.applied(recommender)
        shown = as_shown(changed, ask(changed, asked))
        sides.append({"name": name, "fingerprint": fingerprint} | shown)
    return sides
