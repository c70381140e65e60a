"""Whatever ratings.csv and movies.csv hold: a dataset, or an error of one line.

And two readings that must agree: pyarrow's with the one line by line, and ours with a naive one.
"""

import csv
import io
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from base.errors import UserError
from data.dataset import MovieLens, load_movielens
from tests.fuzzing import fuzz

pytestmark = pytest.mark.slow

FUZZ = fuzz(500)

VALID_RATINGS = b"""userId,movieId,rating,timestamp
1,31,2.5,1260759144
1,1029,3.0,1260759179
7,31,4.5,851866703
2,10,4.0,835355493
2,31,0.5,835355493
"""
VALID_MOVIES = b"""movieId,title,genres
31,Dangerous Minds (1995),Drama
1029,"Dumbo, the ""flying"" elephant (1941)",Animation|Children|Drama|Musical
10,GoldenEye,(no genres listed)
"""
# What numbers, lines and quotes are made of, and what readers are known to disagree about.
PIECES = [
    *(b"", b",", b"\n", b"\r", b"\r\n", b'"', b'""', b" ", b"\t", b"\0", b"-", b"+", b".", b"::", b"|"),
    *(b"0", b"1", b"007", b"31", b"1.0", b"1e3", b"1e39", b"1e400", b"0x1F", b"1_0", b"-0", b"-0.5", b".5"),
    *(b"nan", b"NA", b"null", b"inf", b"-Infinity", b"9223372036854775807", b"9223372036854775808"),
    *(b"\xff", b"\xef\xbb\xbf", "é".encode(), "١".encode(), "\u2028".encode(), b"\x1a", b"\x85", b"#"),
]


def load_bytes(ratings: bytes, movies: bytes) -> MovieLens:
    """Load a folder of these two files, without a cache."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "ratings.csv").write_bytes(ratings)
        (Path(folder) / "movies.csv").write_bytes(movies)
        try:
            return load_movielens(folder, cache=False)
        except UserError as error:
            # The folder is another one each time.
            raise UserError(str(error).replace(folder, "FOLDER")) from error


def outcome(ratings: bytes, movies: bytes) -> str | list[object]:
    """The error's text, checked to be one printable line, or every value that was read."""
    try:
        movielens = load_bytes(ratings, movies)
    except UserError as error:
        assert len(str(error).splitlines()) == 1 and str(error).isprintable() and len(str(error)) < 500
        return str(error)
    kept = movielens.interactions
    columns = (
        movielens.movies.ids,
        movielens.user_ids,
        kept.users,
        kept.movies,
        kept.ratings,
        kept.timestamps,
    )
    assert np.isfinite(kept.ratings).all() and (kept.ratings >= 0).all() and len(kept) > 0
    assert 0 <= kept.users.min() and kept.users.max() == movielens.num_users - 1
    assert 0 <= kept.movies.min() and kept.movies.max() < movielens.num_movies
    assert (np.diff(movielens.user_ids) > 0).all() and (movielens.user_ids >= 0).all()
    assert (np.lexsort((kept.timestamps, kept.users)) == np.arange(len(kept))).all()
    return [*(column.tolist() for column in columns), movielens.movies.titles, movielens.notes]


@st.composite
def mutated(draw: st.DrawFn, valid: bytes) -> bytes:
    """A valid file with a few bytes, fields or lines replaced, removed, repeated or exchanged."""
    content = valid
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["insert", "byte", "field", "line", "exchange", "cut"]))
        if kind == "field":
            lines = [line.split(b",") for line in content.split(b"\n")]
            line = lines[draw(st.integers(0, len(lines) - 1))]
            line[draw(st.integers(0, len(line) - 1))] = draw(st.sampled_from(PIECES) | st.binary(max_size=4))
            content = b"\n".join(b",".join(fields) for fields in lines)
        elif kind in ("line", "exchange"):
            rows = content.split(b"\n")
            one, other = (draw(st.integers(0, len(rows) - 1)) for _ in range(2))
            rows[one], rows[other] = (rows[other], rows[one]) if kind == "exchange" else (rows[other],) * 2
            content = b"\n".join(rows)
        else:
            position = draw(st.integers(0, len(content)))
            if kind == "cut":
                content = content[:position]
            else:
                piece = draw(st.sampled_from(PIECES))
                content = content[:position] + piece + content[position + (kind == "byte") :]
    return content


@FUZZ
@given(mutated(VALID_RATINGS), st.sampled_from([2, 30, 1 << 20]))
def test_mutated_ratings(ratings: bytes, block_bytes: int) -> None:
    """Neither the size of blocks nor who parses them makes a difference."""
    result = outcome(ratings, VALID_MOVIES)
    with mock.patch("data.reading.number_columns.BLOCK_BYTES", block_bytes):
        assert outcome(ratings, VALID_MOVIES) == result
    with mock.patch("data.reading.number_columns._parse_block", return_value=None):
        assert outcome(ratings, VALID_MOVIES) == result


@FUZZ
@given(mutated(VALID_MOVIES))
def test_mutated_movies(movies: bytes) -> None:
    outcome(VALID_RATINGS, movies)


@FUZZ
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=12).map(b"".join), st.booleans())
def test_random_lines_below_the_header(content: bytes, is_ratings: bool) -> None:
    ratings = VALID_RATINGS.split(b"\n")[0] + b"\n" + content if is_ratings else VALID_RATINGS
    movies = VALID_MOVIES if is_ratings else VALID_MOVIES.split(b"\n")[0] + b"\n" + content
    outcome(ratings, movies)


@FUZZ
@example(b"\xef\xbb\xbf", False)
@example(b"\xef\xbb\xbf", True)
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode()), st.booleans())
def test_random_files(content: bytes, is_ratings: bool) -> None:
    outcome(*((content, VALID_MOVIES) if is_ratings else (VALID_RATINGS, content)))


# --- valid tables ----------------------------------------------------------------------------------

IDS = st.integers(0, 5) | st.integers(0, 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, str]:
    """ratings.csv and movies.csv as the csv module writes them, columns in any order."""
    films = draw(st.lists(IDS, min_size=1, max_size=6, unique=True))
    known, time = st.sampled_from(films), st.integers(0, 3) | st.integers(-(2**63), 2**63 - 1)
    stars = st.sampled_from([0.5, 1.0, 3.5, 5.0]) | st.floats(0, 5, width=32)
    rows = draw(
        st.lists(
            st.fixed_dictionaries(
                {"userId": IDS, "movieId": known | IDS, "rating": stars, "timestamp": time, "note": TEXT}
            ),
            min_size=1,
            max_size=25,
        )
    )
    rows = [{**row, "note": row["note"].replace("\n", " ").replace("\r", " ")} for row in rows]
    rows.append({**rows[0], "movieId": films[0]})
    names = draw(st.permutations(list(rows[0])))
    movies = [{"movieId": film, "title": draw(TEXT), "genres": draw(TEXT)} for film in films]
    # Of carriage returns the csv module quotes only those that a line end has, too.
    return table_text(names, rows, "\n"), table_text(["movieId", "title", "genres"], movies, "\r\n")


def table_text(names: list[str], rows: list[dict[str, object]], line_end: str) -> str:
    """The rows as CSV."""
    file = io.StringIO()
    writer = csv.DictWriter(file, names, lineterminator=line_end)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def naive_rows(ratings: str, movies: str) -> list[tuple[int, int, np.float32, int]]:
    """What should be read: first of duplicates, known films, by user and time."""
    films = {int(row["movieId"]) for row in csv.DictReader(io.StringIO(movies, newline=""))}
    kept: dict[tuple[int, int], tuple[int, int, np.float32, int]] = {}
    for row in csv.DictReader(io.StringIO(ratings, newline="")):
        user, movie = int(row["userId"]), int(row["movieId"])
        if movie in films:
            kept.setdefault((user, movie), (user, movie, np.float32(row["rating"]), int(row["timestamp"])))
    return sorted(kept.values(), key=lambda row: (row[0], row[3]))


@fuzz(300)
@given(tables())
def test_valid_tables_round_trip(texts: tuple[str, str]) -> None:
    ratings, movies = texts
    films = list(csv.DictReader(io.StringIO(movies, newline="")))
    rated = [row["movieId"] for row in csv.DictReader(io.StringIO(ratings, newline=""))]
    if 2 * sum(movie in {film["movieId"] for film in films} for movie in rated) < len(rated):
        with pytest.raises(
            UserError, match=f"only .* of its {len(rated)} ratings are of films in movies.csv"
        ):
            load_bytes(ratings.encode(), movies.encode())
        return
    movielens = load_bytes(ratings.encode(), movies.encode())
    kept = movielens.interactions
    columns = (
        movielens.user_ids[kept.users],
        movielens.movies.ids[kept.movies],
        kept.ratings,
        kept.timestamps,
    )
    read = list(zip(*(column.tolist() for column in columns), strict=True))
    assert read == [(user, movie, float(stars), time) for user, movie, stars, time in naive_rows(*texts)]
    assert movielens.movies.ids.tolist() == [int(film["movieId"]) for film in films]
    assert movielens.movies.titles == [film["title"] for film in films]


def test_large_random_table(tmp_path: Path) -> None:
    """Enough rows for pyarrow to work in several threads, users in no order."""
    rng = np.random.default_rng(0)
    size = 60_000
    columns = (rng.integers(0, 500, size), rng.integers(0, 400, size), rng.integers(1, 11, size) / 2)
    times = rng.integers(0, 50, size)
    lines = (f"{u},{m},{r},{t}\n" for u, m, r, t in zip(*columns, times, strict=True))
    ratings = "userId,movieId,rating,timestamp\n" + "".join(lines)
    movies = "movieId,title,genres\n" + "".join(f"{movie},Film {movie},x\n" for movie in range(350))
    movielens = load_bytes(ratings.encode(), movies.encode())
    kept = movielens.interactions
    read = zip(movielens.user_ids[kept.users], kept.movies, kept.ratings, kept.timestamps, strict=True)
    assert [tuple(row) for row in read] == naive_rows(ratings, movies)


@pytest.mark.parametrize("value", ["1" * 5_000_000, "9" * 5_000_000 + "x", "1e" * 500_000, '"' * 500_001])
def test_very_long_values_end_soon(value: str) -> None:
    for line in (f"1,31,{value},5\n", f"{value},31,3,5\n"):
        with pytest.raises(UserError):
            load_bytes(VALID_RATINGS + line.encode(), VALID_MOVIES)
    with pytest.raises(UserError):
        load_bytes(VALID_RATINGS, VALID_MOVIES + f"{value},a,b\n".encode())
