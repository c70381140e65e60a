"""The content of items as features: one part for each block of vectors, for the text, and for each column."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from base.arrays import BoolArray, FloatArray, IntArray
from data.content.encoders import EncoderBasis, fit_encoder
from data.content.facts import Content
from data.content.table_columns import CategoryBasis, NumberBasis, fit_categories, fit_numbers
from data.content.text import TEXT, TextBasis, fit_text
from data.content.vectors import VectorBasis, fit_vectors

TFIDF = "tfidf"
Part = VectorBasis | TextBasis | EncoderBasis | NumberBasis | CategoryBasis
KINDS: dict[str, Callable[..., Part]] = {
    "vectors": VectorBasis,
    "text": TextBasis,
    "encoder": EncoderBasis,
    "number": NumberBasis,
    "category": CategoryBasis,
}


@dataclass(frozen=True)
class ContentBasis:
    """Parameters that turn content into features.

    Attributes:
        parts: in the order of the features.
        title_is_text: whether the text has the titles in it.
        informative: whether it says which items the same people take; content that does not is left out.
    """

    parts: tuple[Part, ...]
    title_is_text: bool = False
    informative: bool = True

    @property
    def num_features(self) -> int:
        """Number of features, with the masks."""
        return sum(part.num_features + 1 for part in self.parts)

    @property
    def _masks(self) -> IntArray:
        """The columns of the masks."""
        return np.cumsum([part.num_features + 1 for part in self.parts]) - 1

    def features(self, content: Content | None, num_movies: int) -> FloatArray:
        """Features of items.

        Args:
            content: of the items; None if there is none.
            num_movies: number of items.

        Returns:
            float32 ``[num_movies, num_features]``. The mask column of a part is 1 and the part is zeros where
            an item lacks it, and everywhere if content is not informative.
        """
        columns = []
        for part in self.parts:
            values, known = part.features(content or Content(), num_movies)
            columns += [values * self.informative, ~(known & self.informative)[:, None]]
        return np.concatenate(columns, axis=1, dtype=np.float32)

    def described(self, features: FloatArray) -> BoolArray:
        """Which items have any part, bool ``[n]``, by their content features."""
        return np.any(features[:, self._masks] == 0, axis=1)

    def values(self, features: FloatArray) -> FloatArray:
        """Content features with zeros for the masks."""
        features = features.copy()
        features[:, self._masks] = 0
        return features

    def masked(self, features: FloatArray, share: float, rng: np.random.Generator) -> FloatArray:
        """A copy of content features in which each part of an item is masked with the chance ``share``."""
        features = features.copy()
        first = 0
        for part in self.parts:
            end = first + part.num_features
            hidden = rng.random(len(features)) < share
            features[hidden, first:end] = 0
            features[hidden, end] = 1
            first = end + 1
        return features

    def as_plain(self) -> dict[str, Any]:
        """Arrays and plain values, from which ``from_plain`` makes this basis."""
        kind_of = {kind: name for name, kind in KINDS.items()}
        parts = [
            {"kind": kind_of[type(part)]} | {field.name: getattr(part, field.name) for field in fields(part)}
            for part in self.parts
        ]
        return {"parts": parts, "title_is_text": self.title_is_text, "informative": self.informative}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "ContentBasis":
        """The reverse of ``as_plain``; values of older checkpoints have ``text_columns``, too."""
        parts = tuple(
            KINDS[part["kind"]](**{name: value for name, value in part.items() if name != "kind"})
            for part in plain["parts"]
        )
        return cls(parts, plain["title_is_text"], plain.get("informative", True))


def fit_content(content: Content, seed: int) -> ContentBasis:
    """Fit the features of content.

    Args:
        content: of all items that training may see.
        seed: seed of samples and randomised SVDs.
    """
    parts: list[Part] = [fit_vectors(block, seed) for block in content.vectors]
    if content.text is not None and content.text_encoder == TFIDF:
        parts.append(fit_text(TEXT, content.text, seed))
    elif content.text is not None:
        parts.append(fit_encoder(content.text_encoder, content.text, seed))
    parts += [fit_numbers(name, values) for name, values in content.numbers.items()]
    parts += [fit_categories(name, values, seed) for name, values in content.categories.items()]
    return ContentBasis(tuple(parts), content.title_is_text)
