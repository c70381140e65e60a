"""Each raw format is described once: reader, converter and downloader follow the description."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data.dataset import MovieLens, load_movielens
from data.reading.formats import FORMATS, RATING_COLUMNS, Fields, ReleaseFormat, TextFile
from data.sources.convert import convert_release
from data.sources.staging import is_complete

ROOT = Path(__file__).parents[2]


def _toy_movie(line: str) -> Fields:
    title, movie, genres = line.split("#")
    return movie, title, genres


TOY = ReleaseFormat(
    "votes.toy",
    "#",
    TextFile("films.toy", ("movieId", "title", "genres"), _toy_movie, "title#id#genres", ("utf-8",)),
)
FILES = {
    "u.data": {
        "u.data": b"196\t242\t3\t881250949\n186\t302\t3\t891717742\n196\t302\t5\t5\n",
        "u.item": "242|Misérables, Les (1995)|1||x|{}\n302|unknown||||{}\n".format(
            "|".join("0" * 5 + "1" + "0" * 13), "|".join("0" * 19)
        ).encode("latin-1"),
    },
    "ratings.dat": {
        "ratings.dat": b"5::20::3::100\r\n1::10::4.5::50\r\n5::10::4::7\r\n",
        "movies.dat": 'Léon: "The" Professional::Part 2 (1994)'.encode("latin-1").join(
            (b"10::", b"::Action|Drama\n20::Plain::\n")
        ),
        "tags.dat": b"5::20::a::b, c::100\n1::10::two\rlines::1\n",
    },
    "votes.toy": {
        "votes.toy": b"5#20#3#100\n1#10#4.5#50\n5#10#4#7\n",
        "films.toy": "Café (1994)#10#Action|Drama\nPlain#20#\n".encode(),
    },
}


@pytest.fixture(autouse=True)
def with_a_new_format(monkeypatch: pytest.MonkeyPatch) -> None:
    """A form that the program does not know: an entry of FORMATS is all that it takes."""
    for module in ("reading.movielens", "sources.convert", "sources.staging"):
        monkeypatch.setattr(f"data.{module}.FORMATS", (*FORMATS, TOY))


def facts(movielens: MovieLens) -> list[object]:
    kept = movielens.interactions
    columns = (
        movielens.movies.ids,
        movielens.user_ids,
        kept.users,
        kept.movies,
        kept.ratings,
        kept.timestamps,
    )
    tags = movielens.tags
    return [
        *(column.tolist() for column in columns),
        np.nan_to_num(movielens.movies.years).tolist(),
        (movielens.movies.titles, movielens.movies.genres),
        None if tags is None else (tags.texts, tags.users.tolist(), tags.movies.tolist()),
    ]


@pytest.mark.parametrize("form", FILES)
def test_a_raw_release_and_its_conversion_are_the_same_data(tmp_path: Path, form: str) -> None:
    for name, content in FILES[form].items():
        (tmp_path / name).write_bytes(content)
    assert is_complete(tmp_path, {"dataset": "any"})  # a raw release is a dataset, and is kept as it is
    raw = facts(load_movielens(tmp_path, cache=False))
    convert_release(tmp_path)
    names = {"ratings.csv", "movies.csv"} | ({"tags.csv"} if "tags.dat" in FILES[form] else set())
    assert {path.name for path in tmp_path.iterdir()} == names
    assert facts(load_movielens(tmp_path, cache=False)) == raw
    assert is_complete(tmp_path, {"dataset": "any"})


def test_every_format_has_the_columns_of_the_csv_releases() -> None:
    assert RATING_COLUMNS == ("userId", "movieId", "rating", "timestamp")
    for form in FORMATS:
        assert form.movies.columns == ("movieId", "title", "genres")
        assert form.tags is None or form.tags.columns == ("userId", "movieId", "tag", "timestamp")


def test_reading_a_release_loads_neither_pydantic_nor_pandas() -> None:
    """Both take a while to load, and only a schema or a film file needs the first."""
    code = (
        "import sys, commands.download, data.prepare, data.dataset, data.reading.film_file;"
        "assert not {'pydantic', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
