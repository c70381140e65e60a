"""``features.json``: what a MovieLens folder may say about its films and its ratings."""

from pathlib import Path
from typing import Any, ClassVar

from data.reading.columns import STARS
from data.reading.json_files import read_json
from data.reading.json_models import JsonObject, checked
from data.reading.schema import HELP, ItemFeatures, Table, check_dialect
from data.reading.schema_values import BestRating, ColumnName, FileName
from data.reading.source_files import shown_path

FEATURES_HELP = "docs/own_data.md explains features.json"


class FeatureTable(Table, ItemFeatures):
    """A table of what else is known about the films of a MovieLens folder.

    Attributes:
        id: column of the films' ids.
    """

    place: ClassVar[str] = "features.json"

    file: FileName = "movies.csv"
    id: ColumnName = "movieId"


class RatingScale(JsonObject):
    """The scale of the ratings of a MovieLens folder."""

    best_rating: BestRating = STARS


class Features(JsonObject):
    """``features.json``, which a MovieLens folder may have.

    Attributes:
        items: what else is known about films.
        interactions: the scale of the ratings.
    """

    items: FeatureTable | None = None
    interactions: RatingScale | None = None

    @property
    def best_rating(self) -> float:
        """The best rating of the scale."""
        return STARS if self.interactions is None else self.interactions.best_rating

    def as_plain(self) -> dict[str, Any]:
        """The keys with other values than their default: what the fingerprint of the data is made of."""
        plain = self.model_dump(exclude_defaults=True)
        return {name: part for name, part in plain.items() if part}


def read_features(path: Path) -> Features:
    """Read and check a ``features.json``.

    Raises:
        UserError: as ``read_schema``.
    """
    features = checked(Features, read_json(path), shown_path(path), FEATURES_HELP)
    if features.items is not None:
        check_dialect(features.items, f"{shown_path(path)}: items", HELP)
    return features
