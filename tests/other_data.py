"""The planted data as other people have them: ratings of ten, or ids that JavaScript cannot hold as numbers.

Use it as ``from tests.other_data import large_ids, out_of_ten``.
"""

import csv
import json
from pathlib import Path

from tests.planted import planted_movielens

SHIFT = 2**53  # from here on every second whole number is none that JavaScript has
OUT_OF_TEN = {
    "items": {"file": "movies.csv", "id": "movieId", "title": "title", "genres": "genres"},
    "interactions": {
        "file": "ratings.csv", "user": "userId", "item": "movieId", "rating": "rating",
        "timestamp": "timestamp", "best_rating": 10,
    },
}  # fmt: skip


def out_of_ten(folder: Path, **options: int) -> Path:
    """The planted ratings twice as high, and the schema that says so; ids are text."""
    _changed(
        planted_movielens(folder, **options) / "ratings.csv", "rating", lambda text: f"{2 * float(text):g}"
    )
    (folder / "schema.json").write_text(json.dumps(OUT_OF_TEN), encoding="utf-8")
    return folder


def large_ids(folder: Path, **options: int) -> Path:
    """The planted data with ``SHIFT`` added to every id of a film and of a user."""
    planted_movielens(folder, **options)
    for file, column in (("movies.csv", "movieId"), ("ratings.csv", "movieId"), ("ratings.csv", "userId")):
        _changed(folder / file, column, lambda text: str(int(text) + SHIFT))
    return folder


def _changed(path: Path, column: str, change) -> None:
    """Change every value of a column of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | {column: change(row[column])} for row in rows)
