"""Reading releases: every form, every decision about rows, every error's line, and the cache."""

import math
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import data.dataset
import data.reading.cache
import data.reading.movielens
from base.errors import UserError
from data.dataset import MovieLens, load_movielens
from data.inspection.findings import Finding

RATINGS = "userId,movieId,rating,timestamp\n"
MOVIES = "movieId,title,genres\n"
OTHER_DATA = "describe the files in a schema.json, as docs/own_data.md explains"
FILMS = MOVIES + "10,Heat (1995),Action|Crime\n2,Jumanji (1995),Adventure\n31,Casino,(no genres listed)\n"


@pytest.fixture(autouse=True)
def user_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache directory, kept out of the way of the real one."""
    folder = tmp_path_factory.mktemp("user-cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


def write(folder: Path, **files: str | bytes) -> Path:
    """Files named with ``_`` for ``.`` and ``__`` for ``-``."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        path = folder / name.replace("__", "-").replace("_", ".")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def rows(movielens: MovieLens) -> list[tuple[int, int, float, int]]:
    """The interactions in ids, in the order they have."""
    kept = movielens.interactions
    users, movies = movielens.user_ids[kept.users], movielens.movies.ids[kept.movies]
    return list(
        zip(users.tolist(), movies.tolist(), kept.ratings.tolist(), kept.timestamps.tolist(), strict=True)
    )


def assert_same(one: MovieLens, other: MovieLens) -> None:
    """Equal in every value and type."""
    for left, right in (
        (one.movies.ids, other.movies.ids),
        (one.movies.years, other.movies.years),
        (one.user_ids, other.user_ids),
        (one.interactions.users, other.interactions.users),
        (one.interactions.movies, other.interactions.movies),
        (one.interactions.ratings, other.interactions.ratings),
        (one.interactions.timestamps, other.interactions.timestamps),
    ):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)
    assert (one.movies.titles, one.movies.genres) == (other.movies.titles, other.movies.genres)
    assert (one.name, one.notes, one.fingerprint) == (other.name, other.notes, other.fingerprint)
    assert (one.tags is None) == (other.tags is None) and (one.genome is None) == (other.genome is None)
    if one.tags and other.tags:
        assert one.tags.texts == other.tags.texts
        np.testing.assert_array_equal(one.tags.users, other.tags.users)
        np.testing.assert_array_equal(one.tags.movies, other.tags.movies)
    if one.genome and other.genome:
        assert one.genome.tag_names == other.genome.tag_names
        np.testing.assert_array_equal(one.genome.relevance, other.genome.relevance)
        np.testing.assert_array_equal(one.genome.movies, other.genome.movies)


def full_release(folder: Path) -> Path:
    """A CSV release with everything, unknown users, films and tags included."""
    return write(
        folder,
        ratings_csv=RATINGS + "7,10,4.5,100\n3,2,0.5,50\n7,2,5.0,90\n3,10,2.0,60\n",
        movies_csv=FILMS,
        tags_csv="userId,movieId,tag,timestamp\n7,10, Neo-Noir ,1\n9,10,unknown user,2\n7,99,unknown film,3\n"
        '3,2,"says ""hi"", twice",4\n3,2,  ,5\n',
        genome__scores_csv="movieId,tagId,relevance\n10,1,0.25\n10,2,0.5\n2,2,0.75\n2,2,0.1\n77,1,1\n10,9,1\n",
        genome__tags_csv="tagId,tag\n2,heist\n1,dark\n",
    )


# --- the three forms -------------------------------------------------------------------------------


def test_csv_release(tmp_path: Path) -> None:
    movielens = load_movielens(full_release(tmp_path / "mine"))
    assert movielens.name == "mine"
    assert (movielens.num_users, movielens.num_movies) == (2, 3)
    assert movielens.movies.ids.tolist() == [10, 2, 31]
    assert movielens.movies.genres == [("Action", "Crime"), ("Adventure",), ()]
    assert movielens.movies.years[:2].tolist() == [1995, 1995] and math.isnan(movielens.movies.years[2])
    assert movielens.user_ids.tolist() == [3, 7]
    assert movielens.interactions.users.tolist() == [0, 0, 1, 1]
    assert movielens.interactions.movies.tolist() == [1, 0, 1, 0]
    assert rows(movielens) == [(3, 2, 0.5, 50), (3, 10, 2.0, 60), (7, 2, 5.0, 90), (7, 10, 4.5, 100)]
    kept = movielens.interactions
    types = [column.dtype.name for column in (kept.users, kept.movies, kept.ratings, kept.timestamps)]
    assert types == ["int32", "int32", "float32", "int64"]
    assert movielens.movies.ids.dtype == movielens.user_ids.dtype == np.int64
    assert movielens.movies.years.dtype == np.float32


def test_tags_and_genome(tmp_path: Path) -> None:
    movielens = load_movielens(full_release(tmp_path / "mine"))
    assert movielens.tags is not None and movielens.genome is not None
    assert movielens.tags.texts == ["neo-noir", 'says "hi", twice']
    assert (movielens.tags.users.tolist(), movielens.tags.movies.tolist()) == ([1, 0], [0, 1])
    assert movielens.genome.tag_names == ["heist", "dark"]
    assert movielens.genome.movies.tolist() == [0, 1]
    np.testing.assert_array_equal(
        movielens.genome.relevance, np.array([[0.5, 0.25], [0.75, 0]], dtype=np.float32)
    )
    assert movielens.notes == (
        "2 tags of unknown users or films dropped",
        "1 empty tag dropped",
        "2 genome scores of unknown films or tags dropped",
        "1 duplicate genome score dropped, the first of film and tag kept",
    )


def test_dat_release(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        ratings_dat="5::20::3::100\r\n1::10::4.5::50\r\n",
        movies_dat="10::Léon: The Professional::Part 2 (1994)::Action|Drama\n20::Plain::Comedy\n".encode(
            "latin-1"
        ),
        tags_dat="5::20::a::b::100\n",
    )
    movielens = load_movielens(folder)
    assert rows(movielens) == [(1, 10, 4.5, 50), (5, 20, 3.0, 100)]
    assert movielens.movies.titles == ["Léon: The Professional::Part 2 (1994)", "Plain"]
    assert movielens.movies.genres == [("Action", "Drama"), ("Comedy",)]
    assert movielens.tags is not None and movielens.tags.texts == ["a::b"]


def test_utf8_movies_dat(tmp_path: Path) -> None:
    folder = write(tmp_path, ratings_dat="1::1::3::1\n", movies_dat="1::Amélie (2001)::Comedy\n")
    assert load_movielens(folder).movies.titles == ["Amélie (2001)"]


def test_ml_100k_release(tmp_path: Path) -> None:
    flags = ["0"] * 19
    flags[5] = flags[16] = "1"
    folder = write(
        tmp_path,
        u_data="196\t242\t3\t881250949\n186\t302\t3\t891717742\n",
        u_item=f"242|Misérables, Les (1995)|01-Jan-1995||http://x|{'|'.join(flags)}\n"
        f"302|unknown||||1|{'|'.join('0' * 18)}\n".encode("latin-1"),
    )
    movielens = load_movielens(folder)
    assert rows(movielens) == [(186, 302, 3.0, 891717742), (196, 242, 3.0, 881250949)]
    assert movielens.movies.titles == ["Misérables, Les (1995)", "unknown"]
    assert movielens.movies.genres == [("Comedy", "Thriller"), ("unknown",)]


@pytest.mark.network
def test_real_ml_100k(ml_100k_dir: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(ml_100k_dir, tmp_path / "ml-100k")
    movielens = load_movielens(folder)
    assert (movielens.num_users, movielens.num_movies, len(movielens.interactions)) == (943, 1682, 100_000)
    assert movielens.notes == ()


# --- decisions about rows --------------------------------------------------------------------------


def test_columns_in_any_order_with_others_between(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        ratings_csv="\ufeffrating,why,timestamp,movieId,userId\r\n3.5,\u00e9 0x,7,2,1\r\n4,,8,10,1\r\n\r\n",
        movies_csv="\ufeffgenres,movieId,title\r\nDrama,2,A\r\n,10,B\r\n",
    )
    movielens = load_movielens(folder)
    assert rows(movielens) == [(1, 2, 3.5, 7), (1, 10, 4.0, 8)]
    assert movielens.movies.genres == [("Drama",), ()]


def test_quoted_titles_and_quoted_numbers(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        ratings_csv=RATINGS + '"1","10","4.5","7"\n',
        movies_csv=MOVIES + '10,"Good, ""Bad"" and Ugly, The (1966)",Western\n',
    )
    movielens = load_movielens(folder)
    assert rows(movielens) == [(1, 10, 4.5, 7)]
    assert movielens.movies.titles == ['Good, "Bad" and Ugly, The (1966)']


@pytest.mark.parametrize(
    ("title", "year"),
    [
        ("Toy Story (1995)", 1995),
        ("Das Boot (1981)  ", 1981),
        ("Twin Peaks (1989–1991)", 1989),
        ("Fawlty Towers (1975-1979)", 1975),
        ("Running (2006–)", 2006),
        ("2001 (film) (1968)", 1968),
        ("1984", math.nan),
        ("(1995) first", math.nan),
        ("", math.nan),
    ],
)
def test_years(tmp_path: Path, title: str, year: float) -> None:
    folder = write(tmp_path, ratings_csv=RATINGS + "1,1,3,1\n", movies_csv=MOVIES + f"1,{title},Drama\n")
    np.testing.assert_array_equal(load_movielens(folder).movies.years, np.float32([year]))


def test_ids_of_any_size_in_any_order(tmp_path: Path) -> None:
    big = 2**63 - 1
    folder = write(
        tmp_path,
        ratings_csv=RATINGS + f"{10**15},{big},1.5,3\n0,5,2.5,-4\n{big},{big},3.5,1\n",
        movies_csv=MOVIES + f"{big},A,x\n5,B,y\n",
    )
    movielens = load_movielens(folder)
    assert movielens.user_ids.tolist() == [0, 10**15, big]
    assert movielens.movies.ids.tolist() == [big, 5]
    assert rows(movielens) == [(0, 5, 2.5, -4), (10**15, big, 1.5, 3), (big, big, 3.5, 1)]


def test_equal_timestamps_keep_the_order_of_the_file(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        ratings_csv=RATINGS
        + "".join(f"{user},{movie},3,5\n" for movie in (31, 2, 10) for user in (2, 1))
        # Earlier in time, later in the file.
        + "3,2,1,5\n3,31,1,4\n",
        movies_csv=FILMS,
    )
    assert [(user, movie) for user, movie, *_ in rows(load_movielens(folder))] == [
        *((1, 31), (1, 2), (1, 10)),
        *((2, 31), (2, 2), (2, 10)),
        *((3, 31), (3, 2)),
    ]


def test_first_of_duplicates_and_no_unknown_films(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        ratings_csv=RATINGS + "1,10,1,9\n1,10,2,1\n8,99,5,1\n1,2,3,1\n1,99,4,1\n1,99,4,1\n1,10,5,1\n",
        movies_csv=FILMS,
    )
    movielens = load_movielens(folder)
    assert rows(movielens) == [(1, 2, 3.0, 1), (1, 10, 1.0, 9)]
    assert movielens.notes == (
        "3 ratings of films absent from movies.csv dropped (99)",
        "2 duplicate ratings dropped, the first of user and film kept",
    )


def test_min_rating(tmp_path: Path) -> None:
    folder = full_release(tmp_path / "mine")
    movielens = load_movielens(folder, min_rating=4.5)
    assert movielens.user_ids.tolist() == [7]
    assert rows(movielens) == [(7, 2, 5.0, 90), (7, 10, 4.5, 100)]
    assert movielens.tags is not None and movielens.tags.texts == ["neo-noir"]
    assert movielens.tags.users.tolist() == [0]
    assert movielens.notes[-2:] == (
        "2 of 4 ratings below 4.5 stars dropped",
        "1 tag of users without such ratings dropped",
    )
    assert movielens.fingerprint == load_movielens(folder).fingerprint
    assert_same(movielens, load_movielens(folder, min_rating=4.5, cache=False))


def test_blocks_join_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few bytes, so that lines begin in one and end in another."""
    folder = full_release(tmp_path / "mine")
    whole = load_movielens(folder, cache=False)
    for size in (1, 7, 40):
        monkeypatch.setattr("data.reading.number_columns.BLOCK_BYTES", size)
        assert_same(load_movielens(folder, cache=False), whole)
    write(folder, ratings_csv=RATINGS + "1,10,3,1\n1,2,3,1\n\n1,31,x,1\n")
    with pytest.raises(UserError, match="line 5: rating must be"):
        load_movielens(folder)


def test_last_line_needs_no_newline(tmp_path: Path) -> None:
    folder = write(tmp_path, ratings_csv=RATINGS + "1,10,3,1", movies_csv=FILMS.rstrip())
    assert rows(load_movielens(folder)) == [(1, 10, 3.0, 1)]


# --- errors ----------------------------------------------------------------------------------------

ID_RULE = "must be a whole number from 0 to 9223372036854775807, got"
STARS_RULE = "rating must be a finite number of 0 or more, got"
BAD_RATINGS = {
    "text": ("1,10,good,5", f"line 3: {STARS_RULE} 'good'; correct or remove the line"),
    "empty value": ("1,10,,5", f"line 3: {STARS_RULE} ''; correct or remove the line"),
    "nan": ("1,10,NaN,5", f"line 3: {STARS_RULE} 'NaN'; correct or remove the line"),
    "inf": ("1,10,inf,5", f"line 3: {STARS_RULE} 'inf'; correct or remove the line"),
    "too large": ("1,10,1e39,5", f"line 3: {STARS_RULE} '1e39'; correct or remove the line"),
    "negative": ("1,10,-0.5,5", f"line 3: {STARS_RULE} '-0.5'; correct or remove the line"),
    "negative id": ("-1,10,3,5", f"line 3: userId {ID_RULE} '-1'; correct or remove the line"),
    "decimal id": ("1,10.5,3,5", f"line 3: movieId {ID_RULE} '10.5'; correct or remove the line"),
    "hexadecimal id": ("0x1,10,3,5", f"line 3: userId {ID_RULE} '0x1'; correct or remove the line"),
    "huge id": (
        "9223372036854775808,10,3,5",
        f"line 3: userId {ID_RULE} '9223372036854775808'; correct or remove the line",
    ),
    "long value": (
        "7" * 500 + ",10,3,5",
        f"line 3: userId {ID_RULE} '{'7' * 60}'... (500 characters); correct or remove the line",
    ),
    "timestamp": (
        "1,10,3,2001-02-03",
        "line 3: timestamp must be a whole number of seconds, got '2001-02-03'; correct or remove the line",
    ),
    "control characters": (
        "1,10,\x1b[31m\u2028,5",
        f"line 3: {STARS_RULE} '\\x1b[31m\\u2028'; correct or remove the line",
    ),
    "too few": (
        "1,10,3",
        "line 3: expected 4 values between ',', got 3 in '1,10,3'; correct or remove the line",
    ),
    "too many": (
        "1,10,3,5,6",
        "line 3: expected 4 values between ',', got 5 in '1,10,3,5,6'; correct or remove the line",
    ),
    "open quote": (
        '1,"10,3,5',
        "line 3: not valid CSV (a quote is opened and not closed) in '1,\"10,3,5'; "
        "correct or remove the line",
    ),
    "text after a quote": (
        '1,"1"0,3,5',
        "line 3: not valid CSV (text follows a closing quote) in '1,\"1\"0,3,5'; correct or remove the line",
    ),
    "carriage return": (
        "1,10\r,3,5",
        "line 3: not valid CSV (a carriage return stands inside a value) in '1,10\\r,3,5'; "
        "correct or remove the line",
    ),
    "encoding": (b"1,10,3,\xff5", "line 3: not UTF-8 text near b'1,10,3,\\xff5'; save the file as UTF-8"),
}


def message_of(folder: Path, **options: float) -> str:
    """What the user sees, without the folder, having checked that it is one line."""
    with pytest.raises(UserError) as caught:
        load_movielens(folder, **options)
    text = str(caught.value)
    assert len(text.splitlines()) == 1 and text.isprintable()
    return text.replace(f"{folder}/", "").replace(str(folder), "FOLDER")


@pytest.mark.parametrize("case", BAD_RATINGS)
def test_bad_rating_lines(tmp_path: Path, case: str) -> None:
    line, expected = BAD_RATINGS[case]
    content = line if isinstance(line, bytes) else line.encode()
    folder = write(
        tmp_path, ratings_csv=RATINGS.encode() + b"1,2,3,4\n" + content + b"\n1,31,x,4\n", movies_csv=FILMS
    )
    assert message_of(folder) == f"ratings.csv, {expected}"


BAD_MOVIES = {
    "duplicate": (
        "1,A,x\n2,B,y\n1,C,z\n",
        "line 4: movieId 1 is already on line 2; give each film one line",
    ),
    "id": (
        "1,A,x\nx,B,y\n",
        f"line 3: movieId {ID_RULE} 'x'; correct the line; for ids that are text, {OTHER_DATA}",
    ),
    "unquoted comma": (
        "1,A, B,x\n",
        "line 2: expected 3 values, got 4 in '1,A, B,x'; quote values that contain ',', or remove the line",
    ),
    "open quote": (
        '1,A,x\n2,"B,y\n3,C,z\n',
        "line 3: not valid CSV (a quote is opened and not closed); correct or remove the line",
    ),
    "encoding": (
        b"1,Am\xe9lie,x\n",
        "line 2: not UTF-8 text near b'1,Am\\xe9lie,x'; save the file as UTF-8",
    ),
}


@pytest.mark.parametrize("case", BAD_MOVIES)
def test_bad_movie_lines(tmp_path: Path, case: str) -> None:
    lines, expected = BAD_MOVIES[case]
    content = lines if isinstance(lines, bytes) else lines.encode()
    folder = write(tmp_path, ratings_csv=RATINGS + "1,1,3,4\n", movies_csv=MOVIES.encode() + content)
    assert message_of(folder) == f"movies.csv, {expected}"


def test_lines_after_a_multi_line_title_are_counted_right(tmp_path: Path) -> None:
    films = MOVIES + '1,"Two\nlines (1999)",x\ny,B,z\n'
    folder = write(tmp_path, ratings_csv=RATINGS + "1,1,3,4\n", movies_csv=films)
    assert message_of(folder).startswith("movies.csv, line 4: movieId")


HEADER = f"the header must name userId,movieId,rating,timestamp once each; for other columns, {OTHER_DATA}"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("userId,movieId,rating\n", f"no column 'timestamp' in the header 'userId,movieId,rating'; {HEADER}"),
        ("1,31,2.5,1260759144\n", f"no column 'userId' in the header '1,31,2.5,1260759144'; {HEADER}"),
        (
            "userId,userId,movieId,rating,timestamp\n",
            f"more than one column 'userId' in the header 'userId,userId,movieId,rating,timestamp'; {HEADER}",
        ),
        (b"\xffu\0s\0", "not UTF-8 text near b'\\xffu\\x00s\\x00'; save the file as UTF-8"),
    ],
)
def test_bad_headers(tmp_path: Path, header: str | bytes, expected: str) -> None:
    folder = write(tmp_path, ratings_csv=header, movies_csv=FILMS)
    assert message_of(folder) == f"ratings.csv, line 1: {expected}"


NOTHING_IN_IT = (
    "is empty: no row of data in it; remove the folder and fetch the dataset with download_dataset.py"
)


@pytest.mark.parametrize(
    ("ratings", "movies", "expected"),
    [
        ("", FILMS, f"ratings.csv {NOTHING_IN_IT}"),
        (RATINGS, FILMS, f"ratings.csv {NOTHING_IN_IT}"),
        (RATINGS + "1,1,3,4\n", "", f"movies.csv {NOTHING_IN_IT}"),
        (RATINGS + "1,1,3,4\n", MOVIES, f"movies.csv {NOTHING_IN_IT}"),
        (
            RATINGS + "1,1,3,4\n1,3,3,4\n",
            FILMS,
            "ratings.csv: none of its 2 ratings are of films in movies.csv (not 1, 3); "
            "use the two files of one release",
        ),
    ],
)
def test_nothing_to_read(tmp_path: Path, ratings: str, movies: str, expected: str) -> None:
    assert message_of(write(tmp_path, ratings_csv=ratings, movies_csv=movies)) == expected


def test_nobody_left(tmp_path: Path) -> None:
    assert message_of(full_release(tmp_path / "mine"), min_rating=5.5) == (
        "no user is left in FOLDER: none of its 4 ratings has 5.5 stars or more, the highest has 5; "
        "lower `min_rating`"
    )


def test_missing_things(tmp_path: Path) -> None:
    assert message_of(tmp_path / "none") == (
        "no folder FOLDER; fetch a dataset with download_dataset.py, or give another `data_dir`"
    )
    (tmp_path / "file").write_text("x")
    assert message_of(tmp_path / "file") == "FOLDER is a file; `data_dir` must name a folder"
    assert message_of(write(tmp_path / "some", movies_csv=FILMS)) == (
        "FOLDER has no MovieLens ratings (ratings.csv with movies.csv or ratings.dat with movies.dat or "
        "u.data with u.item); fetch a dataset with download_dataset.py, or give another `data_dir`; "
        f"for data of your own, {OTHER_DATA}"
    )
    missing = "is missing; download_dataset.py fetches a complete dataset"
    folder = write(tmp_path / "half", ratings_csv=RATINGS + "1,1,3,4\n")
    assert message_of(folder) == f"movies.csv {missing}"
    folder = write(full_release(tmp_path / "genome"))
    (folder / "genome-tags.csv").unlink()
    assert message_of(folder) == f"genome-tags.csv {missing}"


def test_folder_or_pipe_in_a_files_place(tmp_path: Path) -> None:
    folder = write(tmp_path, movies_csv=FILMS)
    advice = "put the data file of that name there"
    (folder / "ratings.csv").mkdir()
    assert message_of(folder) == f"ratings.csv is a folder; {advice}"
    (folder / "ratings.csv").rmdir()
    os.mkfifo(folder / "ratings.csv")
    assert message_of(folder) == f"ratings.csv is not a regular file; {advice}"


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By way of a replaced ``open``: an administrator may read everything."""

    def refuse(path: Path, *args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    folder = full_release(tmp_path / "mine")
    monkeypatch.setattr(Path, "open", refuse)
    assert message_of(folder) == (
        "no permission to read genome-scores.csv; chmod u+rX it, or use a copy of it"
    )
    monkeypatch.setattr(Path, "stat", refuse)
    assert message_of(folder) == "no permission to read FOLDER; chmod u+rX it, or use a copy of it"


def test_bad_lines_of_the_other_forms(tmp_path: Path) -> None:
    folder = write(tmp_path / "dat", ratings_dat="1::1::3::1\n1\t2::3::4\n", movies_dat="1::A::x\n")
    assert message_of(folder) == (
        "ratings.dat, line 2: expected 4 values between '::', got 3 in '1\\t2::3::4'; "
        "correct or remove the line"
    )
    write(folder, movies_dat="1::A::x\n2::B\n")
    assert message_of(folder) == (
        "movies.dat, line 2: expected id::title::genres, got '2::B'; correct or remove the line"
    )
    folder = write(tmp_path / "100k", u_data="1\t1\t3\t1\n", u_item="1|A|||x|0|1|2\n")
    assert message_of(folder) == (
        "u.item, line 1: expected id|title|date|date|address and 19 flags, got '1|A|||x|0|1|2'; "
        "correct or remove the line"
    )


def test_file_without_line_ends(tmp_path: Path) -> None:
    folder = write(tmp_path, ratings_csv=RATINGS + "1" * (2 << 20), movies_csv=FILMS)
    assert message_of(folder).startswith("ratings.csv, line 2: longer than 1048576 bytes, beginning b'111")


def test_error_in_a_folder_with_a_newline_in_its_name(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        load_movielens(tmp_path / "a\nb")
    assert "\n" not in str(caught.value)


# --- the cache -------------------------------------------------------------------------------------


def entries(folder: Path) -> list[Path]:
    """Cache entries below a folder."""
    return [path.parent for path in folder.rglob("manifest.json")]


@pytest.fixture
def parsings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Grows by one at every parsing of a release."""
    counted: list[Path] = []
    original = data.reading.movielens.read_release

    def counting(release: data.reading.movielens.MovieLensFolder) -> data.reading.columns.Columns:
        counted.append(release.folder)
        return original(release)

    monkeypatch.setattr(data.reading.movielens, "read_release", counting)
    return counted


def test_second_load_comes_from_the_cache(tmp_path: Path, parsings: list[Path]) -> None:
    folder = full_release(tmp_path / "mine")
    first, second = load_movielens(folder), load_movielens(folder)
    assert len(parsings) == 1 and len(entries(folder)) == 1
    assert_same(first, second)
    for movielens in (first, second):
        with pytest.raises(ValueError, match="read-only"):
            movielens.interactions.users[0] = 1
    base = second.interactions.timestamps.base
    assert isinstance(base, np.memmap)
    assert not list((folder / ".cache").rglob("*.pkl"))


def test_without_cache_nothing_is_written(tmp_path: Path, parsings: list[Path], user_cache: Path) -> None:
    folder = full_release(tmp_path / "mine")
    load_movielens(folder, cache=False)
    load_movielens(folder, cache=False)
    assert len(parsings) == 2 and not (folder / ".cache").exists() and not list(user_cache.iterdir())


def test_any_damage_is_parsed_again(tmp_path: Path, parsings: list[Path]) -> None:
    folder = full_release(tmp_path / "mine")
    first = load_movielens(folder)
    (entry,) = entries(folder)
    for name in sorted(path.name for path in entry.iterdir()):
        intact = (entry / name).read_bytes()
        for position in (0, len(intact) // 2, len(intact) - 2):
            flipped = bytearray(intact)
            flipped[position] ^= 1
            (entry / name).write_bytes(flipped)
            before = len(parsings)
            assert_same(load_movielens(folder), first)
            assert len(parsings) == before + 1, (name, position)
        for content in (intact[: len(intact) // 2], b"", b"[]", b'{"x": 1}'):
            (entry / name).write_bytes(content)
            assert_same(load_movielens(folder), first)
        (entry / name).unlink()
        assert_same(load_movielens(folder), first)
    before = len(parsings)
    load_movielens(folder)
    assert len(parsings) == before, "a damaged entry is replaced by a sound one"


def test_unwritable_data_folder_falls_back(tmp_path: Path, parsings: list[Path], user_cache: Path) -> None:
    folder = write(full_release(tmp_path / "mine"), _cache="a file in the folder's place")
    first, second = load_movielens(folder), load_movielens(folder)
    assert len(parsings) == 1 and len(entries(user_cache / "pinsage-movielens")) == 1
    assert_same(first, second)


def test_no_cache_anywhere_is_no_error(
    tmp_path: Path, parsings: list[Path], user_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(full_release(tmp_path / "mine"), _cache="a file in the folder's place")
    write(user_cache, pinsage__movielens="another")
    assert_same(load_movielens(folder), load_movielens(folder))
    assert len(parsings) == 2

    def full_disk(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    (folder / ".cache").unlink()
    monkeypatch.setattr(np, "save", full_disk)
    load_movielens(folder)
    assert not list((folder / ".cache").iterdir()), "nothing unfinished stays"


def test_changed_source_has_a_new_fingerprint(tmp_path: Path, parsings: list[Path]) -> None:
    folder = full_release(tmp_path / "mine")
    seen = {load_movielens(folder).fingerprint}
    for name in ("ratings.csv", "movies.csv", "tags.csv", "genome-scores.csv"):
        path = folder / name
        content = path.read_text().rstrip("\n")
        path.write_text(content + "\n\n")
        seen.add(load_movielens(folder).fingerprint)
    (folder / "tags.csv").unlink()
    seen.add(load_movielens(folder).fingerprint)
    assert len(seen) == len(parsings) == 6
    assert len(entries(folder)) == 1, "only what the folder holds now is kept"
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert load_movielens(copy).fingerprint in seen


def test_unfinished_entries_go_after_a_day(tmp_path: Path) -> None:
    folder = full_release(tmp_path / "mine")
    old, new = (folder / ".cache" / f".{digit * 32}-1.{digit * 16}" for digit in "ab")
    other = folder / ".cache" / "somebody's"
    for path in (old, new, other):
        path.mkdir(parents=True)
    os.utime(old, (0, 0))
    load_movielens(folder)
    assert not old.exists() and new.exists() and other.exists()


def test_new_format_ignores_old_entries(
    tmp_path: Path, parsings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = full_release(tmp_path / "mine")
    load_movielens(folder)
    monkeypatch.setattr(data.reading.cache, "FORMAT", data.reading.cache.FORMAT + 1)
    load_movielens(folder)
    assert len(parsings) == 2


def test_tags_none_of_which_are_known(tmp_path: Path) -> None:
    """Empty columns survive the cache too."""
    folder = write(full_release(tmp_path / "mine"), tags_csv="userId,movieId,tag\n99,10,x\n")
    assert_same(load_movielens(folder), load_movielens(folder))


def test_what_was_dropped_is_a_finding_too(tmp_path: Path) -> None:
    rows = ["1,10,1,9", "1,99,2,1", "8,10,5,1", "1,98,3,1", "1,10,4,1", "1,2,4,1", "8,31,5,1", "8,97,1,1"]
    lines = "".join(row + "\n" for row in [*rows, "8,96,1,1", "8,2,1,1", "8,31,5.0,1"])
    findings = load_movielens(write(tmp_path, ratings_csv=RATINGS + lines, movies_csv=FILMS)).findings
    assert findings == (
        Finding("unknown_items", 4, 11, (99, 98, 97)),
        Finding("equal_rows", 1, 11),
        Finding("repeats", 1, 11),
    )


def test_two_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    lines = "".join(f"1,{movie},4,1\n" for movie in (10, 2, 550, 551, 552, 553, 554))
    assert message_of(write(tmp_path, ratings_csv=RATINGS + lines, movies_csv=FILMS)) == (
        "ratings.csv: only 2 of its 7 ratings are of films in movies.csv (not 550, 551, 552); "
        "use the two files of one release"
    )
