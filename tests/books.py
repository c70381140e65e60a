"""Loans of a small library: data of another field, written in another way, whose right answer is known.

Use it as ``from tests.books import library``.
"""

import csv
import json
from pathlib import Path

import numpy as np

SCHEMA = {
    "items": {
        "file": "books.csv",
        "separator": ";",
        "id": "isbn",
        "title": "name",
        "genres": "subjects",
        "genre_separator": ",",
        "year": "published",
    },
    "interactions": {"file": "loans.txt", "separator": ";", "user": "reader", "item": "book"},
}
LOANS = 12
STRAY_CHANCE = 0.1


def shelf_of(isbn: str) -> str:
    """The shelf of a book, ``sea`` or ``stars``: those of one shelf belong together."""
    return isbn.split("/")[0]


def library(folder: Path, num_readers: int = 60, num_books: int = 40, seed: int = 0) -> Path:
    """Write books.csv, loans.txt and schema.json: text ids, semicolons, no ratings and no times.

    Readers borrow from one shelf, but for a stray book in ten. Titles are as awkward as titles are.

    Args:
        folder: folder to write into, made when missing.
        num_readers: readers.
        num_books: books, even.
        seed: of the random choices.

    Returns:
        ``folder``, ready to be read as a dataset.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    books = [f"{('sea', 'stars')[number % 2]}/{number:03d}-X" for number in range(num_books)]
    with (folder / "books.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerow(["shelf mark", "isbn", "name", "published", "subjects"])
        for number, book in enumerate(books):
            title = f'Tome {number:03d}; or, the "Whale", Éd. 鯨'
            subjects = f"{shelf_of(book)}, novels" if number % 5 else ""
            writer.writerow([f"A{number}", book, title, 1900 + number if number % 7 else "", subjects])
    with (folder / "loans.txt").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\n")
        writer.writerow(["reader", "book"])
        for reader in range(num_readers):
            home = [book for book in books if shelf_of(book) == ("sea", "stars")[reader % 2]]
            others = [book for book in books if book not in home]
            strays = rng.binomial(LOANS, STRAY_CHANCE)
            borrowed = [*rng.choice(home, LOANS - strays, False), *rng.choice(others, strays, False)]
            writer.writerows([f"Reader Nº{reader}", str(book)] for book in rng.permutation(borrowed))
    (folder / "schema.json").write_text(json.dumps(SCHEMA, indent=2), encoding="utf-8")
    return folder
