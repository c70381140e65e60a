"""One question, answered by two models, for a page that shows both lists side by side."""

from typing import Any, NamedTuple

from base.errors import UserError
from recommend.recommender import Recommender
from serve.choices import Choices
from serve.shown import as_shown

THIS = "this model"


class OtherModel(NamedTuple):
    """A second model, and what the page calls it."""

    name: str
    recommender: Recommender


def compare_models(
    model: Recommender, other: OtherModel | None, row: int, k: int, choices: Choices
) -> list[dict[str, Any]]:
    """The films that go with a film by both models. Films are matched by their ids.

    Args:
        model: which is served.
        other: the second one, if there is one.
        row: of the film, in the first model.
        k: films wanted.
        choices: of the visitor; a model that has no view of popularity ignores that choice.

    Raises:
        UserError: there is no second model, it does not know the film, or the condition is none.
    """
    if other is None:
        raise UserError("there is no second model; start the server with `compare_dir`")
    there = other.recommender.lookup.row_of_id(model.movies.public_id(row))
    sides = []
    for name, recommender, asked in ((THIS, model, row), (*other, there)):
        possible = choices if recommender.checkpoint.blend is not None else choices._replace(popularity=0.0)
        changed = possible.applied(recommender)
        answer = next(changed.answer_rows([asked], k, reasons=True))
        sides.append({"name": name, "recommendations": as_shown(changed, answer)["recommendations"]})
    return sides
