"""The content of new films: vectors, text, numbers and categories as somebody wrote them down."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from base.errors import UserError
from data.content.basis import ContentBasis
from data.content.facts import Content, ItemVectors
from data.content.table_columns import CategoryBasis, NumberBasis
from data.content.text import TEXT, TextBasis
from data.content.vectors import VectorBasis
from data.reading.film_file import FilmFile


def content_of_films(basis: ContentBasis | None, films: Sequence[FilmFile]) -> Content | None:
    """The content of new films that a model can use; None if the model knows no content.

    Args:
        basis: of the model.
        films: checked by ``check_content``.
    """
    if basis is None:
        return None
    vectors = []
    for part in basis.parts:
        if isinstance(part, VectorBasis):
            movies = [row for row, film in enumerate(films) if part.name in film.vectors]
            values = np.array([films[row].vectors[part.name] for row in movies], dtype=np.float32)
            values = values.reshape(len(movies), len(part.mean))
            rows = np.arange(len(movies))
            vectors.append(
                ItemVectors(part.name, values, rows, np.array(movies, np.int32), part.num_features)
            )
    texts = [" ".join(filter(None, (film.title * basis.title_is_text, film.text))) for film in films]
    return Content(
        vectors=tuple(vectors),
        text=texts if any(part.name == TEXT for part in basis.parts) else None,
        numbers={
            name: np.array([film.numbers.get(name, np.nan) for film in films])
            for name in _names(basis, NumberBasis)
        },
        categories={
            name: [film.categories.get(name, "") for film in films] for name in category_names(basis)
        },
    )


def check_content(basis: ContentBasis | None, kept: Iterable[str], film: FilmFile, name: str) -> None:
    """Refuse content that the model does not know.

    Args:
        basis: of the model.
        kept: names of its columns that are only for conditions.
        film: the new film.
        name: of its file, for the message.

    Raises:
        UserError: a block or a column is unknown, or a vector has another length than those of the training.
    """
    widths = {part.name: len(part.mean) for part in _parts(basis, VectorBasis)}
    known: dict[str, tuple[Mapping[str, Any], list[str]]] = {
        "vectors": (film.vectors, list(widths)),
        "numbers": (film.numbers, _names(basis, NumberBasis)),
        "categories": (film.categories, category_names(basis)),
        "keep": (film.keep, list(kept)),
    }
    for key, (given, names) in known.items():
        for one in given:
            if one not in names:
                has = f"it knows {', '.join(names)}" if names else "it was trained without any"
                raise UserError(f"{name}: {key}.{one} is unknown to the model; {has}; leave it out")
    for block, values in film.vectors.items():
        if len(values) != widths[block]:
            raise UserError(
                f"{name}: vectors.{block} must have {widths[block]} numbers, as in training, got "
                f"{len(values)}; make it by the same model as the others"
            )
    if film.text and TEXT not in {part.name for part in (basis.parts if basis else ())}:
        raise UserError(f"{name}: text is unknown to the model, it was trained without; leave it out")


def category_names(basis: ContentBasis | None) -> list[str]:
    """The columns of categories."""
    many = [part.name for part in _parts(basis, TextBasis) if part.name != TEXT]
    return _names(basis, CategoryBasis) + many


def _parts(basis: ContentBasis | None, kind: type) -> list:
    return [part for part in (basis.parts if basis else ()) if isinstance(part, kind)]


def _names(basis: ContentBasis | None, kind: type) -> list[str]:
    return [part.name for part in _parts(basis, kind)]
