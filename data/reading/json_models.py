"""JSON objects whose keys and values are declared: pydantic checks them, and the errors are in our words.

The rule of a key is the ``description`` of its type: the words after 'must be' in its error. So a new key is
one line of a model, and its errors need no code. Import this module only where such a file is read, since
pydantic takes a tenth of a second to load.
"""

import difflib
from collections.abc import Callable, Iterator
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from base.errors import UserError
from data.reading.json_files import shown_json
from data.reading.source_files import shown

Place = tuple[int | str, ...]
Model = TypeVar("Model", bound="JsonObject")

_UNKNOWN, _MISSING = "extra_forbidden", "missing"  # pydantic's names for these mistakes
_URGENCY = {_UNKNOWN: 0, _MISSING: 1}


class JsonObject(BaseModel):
    """An object that has only the keys declared, with values of exactly the types declared."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def satisfies(test: Callable[[Any], bool]) -> AfterValidator:
    """A condition on a value, for an ``Annotated`` type."""

    def check(value: Any) -> Any:
        if not test(value):
            raise ValueError
        return value

    return AfterValidator(check)


def checked(model: type[Model], value: Any, where: str, advice: str = "correct it") -> Model:
    """A JSON value as an object of a model.

    Args:
        model: what keys and values there may be.
        value: what ``json`` read.
        where: the file, for errors.
        advice: what to do about a value that breaks its rule.

    Raises:
        UserError: a key is unknown or missing, or a value breaks its rule; one line with the place, the
            value and the rule. Of several mistakes an unknown key is reported first, as it may be the
            misspelt name of a missing one.
    """
    try:
        return model.model_validate(value)
    except ValidationError as failure:
        mistakes = failure.errors(include_url=False, include_context=False)
        first = min(mistakes, key=lambda mistake: _URGENCY.get(mistake["type"], len(_URGENCY)))
        raise UserError(where + _sentence(model, value, first, advice)) from failure


def _sentence(model: type[JsonObject], value: Any, mistake: ErrorDetails, advice: str) -> str:
    """What to say of a mistake after the name of the file."""
    place, offender = mistake["loc"], mistake["input"]
    if mistake["type"] == _UNKNOWN:
        return _unknown_key(model, place[:-1], str(place[-1]))
    if mistake["type"] == _MISSING:
        return f": {_name(place)} is missing; add it: {_rule(model, place)}"
    if mistake["type"] == "string_unicode" and isinstance(_value_at(value, place), dict):
        return _unknown_key(model, place, offender)  # half of a surrogate pair in a key
    name = f": {_name(place)}" if place else ""
    return f"{name} must be {_rule(model, place)}, got {shown_json(offender)}; {advice}"


def _unknown_key(model: type[JsonObject], place: Place, key: str) -> str:
    known = list(_model_at(model, place).model_fields)
    close = difflib.get_close_matches(key, known, n=1)
    inside = f" in {_name(place)}" if place else ""
    advice = f"did you mean {close[0]}?" if close else f"known keys are {', '.join(known)}"
    return f": unknown key {shown(key)}{inside}; {advice}"


def _name(place: Place) -> str:
    """A place as people write it: ``ratings[0].userId``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return "".join(steps).removeprefix(".")


def _value_at(value: Any, place: Place) -> Any:
    for step in place:
        value = value[step]
    return value


def _types_at(hint: Any, place: Place) -> Iterator[Any]:
    """The types at a place below a type, each ``Annotated`` one before the type that it annotates."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        if not place:
            yield hint
        yield from _types_at(arguments[0], place)
    elif origin in (Union, UnionType):
        for branch in arguments:
            yield from _types_at(branch, place)
    elif not place:
        yield hint
    elif origin in (list, dict):
        yield from _types_at(arguments[-1], place[1:])
    elif _is_model(hint):
        yield from _types_at(get_type_hints(hint, include_extras=True)[str(place[0])], place[1:])


def _model_at(model: type[JsonObject], place: Place) -> type[JsonObject]:
    return next(hint for hint in _types_at(model, place) if _is_model(hint))


def _rule(model: type[JsonObject], place: Place) -> str:
    """The rule for the value at a place: the description of its type, or what an object must look like."""
    for hint in _types_at(model, place):
        for note in getattr(hint, "__metadata__", ()):
            if isinstance(note, FieldInfo) and note.description:
                return note.description
        if _is_model(hint):
            needed = [f'"{key}": ...' for key, field in hint.model_fields.items() if field.is_required()]
            return f"an object such as {{{', '.join(needed)}}}"
    raise TypeError(f"{model.__name__} states no rule for {_name(place)}")


def _is_model(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, JsonObject)
