"""Releases of every format end as the same CSV files, rows in the release's order."""

from pathlib import Path

import pytest

from data.dataset import load_movielens
from data.sources.archives import BadArchive
from data.sources.convert import convert_release, stars, write_csv


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")


def u_item_line(movie: int, title: str, *flags: int) -> str:
    return "|".join([str(movie), title, "01-Jan-1995", "", "http://x", *map(str, flags)])


def test_ml_100k(tmp_path: Path) -> None:
    (tmp_path / "u.data").write_bytes(b"196\t242\t3\t881250949\n186\t302\t3\t891717742\n")
    comedy_drama = [1 if position in (5, 8) else 0 for position in range(19)]
    text = "\n".join(
        [
            u_item_line(1, "Misérables, Les (1995)", *comedy_drama),
            u_item_line(267, "unknown", *([1] + [0] * 18)),
            u_item_line(2, "Bare (1995)", *([0] * 19)),
        ]
    )
    (tmp_path / "u.item").write_bytes(text.encode("latin-1") + b"\n")
    convert_release(tmp_path)
    assert lines(tmp_path / "ratings.csv") == [
        "userId,movieId,rating,timestamp",
        "196,242,3.0,881250949",
        "186,302,3.0,891717742",
        "",
    ]
    assert lines(tmp_path / "movies.csv") == [
        "movieId,title,genres",
        '1,"Misérables, Les (1995)",Comedy|Drama',
        "267,unknown,unknown",
        "2,Bare (1995),(no genres listed)",
        "",
    ]
    assert not (tmp_path / "u.data").exists()


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_dat(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "ratings.dat").write_bytes(b"1::122::5::838985046\n1::185::3.5::838983525\r\n")
    movies = 'Café: "au lait" (1995)'
    (tmp_path / "movies.dat").write_bytes(
        f"1::{movies}::Comedy|Drama\n3::Odd::One (1990)::\n".encode(encoding)
    )
    (tmp_path / "tags.dat").write_bytes("15::4973::a::b, é\rx::1215184630\n".encode())
    convert_release(tmp_path)
    assert lines(tmp_path / "ratings.csv")[1:] == ["1,122,5.0,838985046", "1,185,3.5,838983525", ""]
    assert lines(tmp_path / "movies.csv")[1:] == [
        '1,"Café: ""au lait"" (1995)",Comedy|Drama',
        "3,Odd::One (1990),(no genres listed)",
        "",
    ]
    assert (tmp_path / "tags.csv").read_bytes() == (
        'userId,movieId,tag,timestamp\n15,4973,"a::b, é\rx",1215184630\n'.encode()
    )


def test_a_lone_carriage_return_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "ratings.dat").write_bytes(b"1::1::5::838985046\n")
    (tmp_path / "movies.dat").write_bytes(b"1::A\rB (1995)::Drama\n")
    (tmp_path / "tags.dat").write_bytes(b"1::1::two\rlines::1215184630\n")
    convert_release(tmp_path)
    movielens = load_movielens(tmp_path, cache=False)
    assert movielens.movies.titles == ["A\rB (1995)"]
    assert movielens.tags is not None and movielens.tags.texts == ["two\rlines"]


def test_csv_release_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_bytes(b"userId,movieId,rating,timestamp\r\n1,1,3.5,1\r\n")
    (tmp_path / "movies.csv").write_bytes(b"movieId,title,genres\n1,A (1990),Drama\n")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    convert_release(tmp_path)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


@pytest.mark.parametrize("line", [b"1\t2\t3", b"1\t2\tthree\t4", b"1\t2\t3\t4\t5", b""])
def test_unreadable_line_is_named(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "u.data").write_bytes(b"196\t242\t3\t881250949\n" + line + b"\n")
    (tmp_path / "u.item").write_bytes(b"")
    with pytest.raises(BadArchive, match=r"u\.data, line 2: cannot read"):
        convert_release(tmp_path)


def test_wrong_number_of_genre_flags(tmp_path: Path) -> None:
    (tmp_path / "u.data").write_bytes(b"")
    (tmp_path / "u.item").write_text(u_item_line(1, "A (1990)", 0, 1) + "\n")
    with pytest.raises(BadArchive, match=r"u\.item, line 1"):
        convert_release(tmp_path)


def test_stars() -> None:
    assert [stars(text) for text in ("3", "3.5", "0.5", "5.0")] == ["3.0", "3.5", "0.5", "5.0"]


def test_write_csv_counts_rows(tmp_path: Path) -> None:
    assert write_csv(tmp_path / "x.csv", ("a",), [("1",), ("2",)]) == 2
