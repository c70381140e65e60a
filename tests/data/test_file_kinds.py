"""Files that are not text are named by their first bytes, wherever text is read."""

import bz2
import gzip
import io
import lzma
import pickle
import sqlite3
import tarfile
import zipfile

import numpy as np
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import feather, parquet

from base.errors import UserError
from data.dataset import load_movielens
from data.reading.file_kinds import KINDS, START_BYTES, named_format
from tests.fuzzing import fuzz

RATINGS = b"userId,movieId,rating,timestamp\n1,1,4,5\n1,2,3,6\n"
MOVIES = b"movieId,title,genres\n1,A,x\n2,B,y\n"
TABLE = pyarrow.table({"userId": [1], "movieId": [1]})


def zipped(*names):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, RATINGS)
    return stream.getvalue()


def written(write):
    stream = io.BytesIO()
    write(stream)
    return stream.getvalue()


def database(folder):
    connection = sqlite3.connect(folder / "ratings.db")
    connection.execute("create table ratings (userId, movieId)")
    connection.commit()
    connection.close()
    return (folder / "ratings.db").read_bytes()


def archive(stream):
    with tarfile.open(fileobj=stream, mode="w") as file:
        file.addfile(tarfile.TarInfo("ratings.csv"))


FILES = {
    "xlsx": zipped("[Content_Types].xml", "xl/workbook.xml"),
    "zip": zipped("ratings.csv"),
    "gzip": gzip.compress(RATINGS),
    "bzip2": bz2.compress(RATINGS),
    "xz": lzma.compress(RATINGS),
    "zstd": pyarrow.compress(RATINGS, "zstd", asbytes=True),
    "parquet": written(lambda stream: parquet.write_table(TABLE, stream)),
    "feather": written(lambda stream: feather.write_feather(TABLE, stream, compression="uncompressed")),
    "npy": written(lambda stream: np.save(stream, np.ones(3))),
    "pickle": pickle.dumps({"userId": [1]}),
    "tar": written(archive),
    "xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "7z": b"7z\xbc\xaf\x27\x1c\0\4",
    "rar": b"Rar!\x1a\x07\x01\0",
    "hdf5": b"\x89HDF\r\n\x1a\n\0",
    "html": b"\n<!doctype html><title>404</title>",
    "git-lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n",
    "utf-16": RATINGS.decode().encode("utf-16"),
    "utf-32": RATINGS.decode().encode("utf-32"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", ["ratings.csv", "movies.csv", "ratings.dat", "movies.dat", "u.item"])
def test_a_file_of_another_kind_is_named(tmp_path, name, place):
    ratings, movies = {
        "csv": ("ratings.csv", "movies.csv"),
        "dat": ("ratings.dat", "movies.dat"),
        "item": ("u.data", "u.item"),
    }[place.rpartition(".")[2]]
    (tmp_path / ratings).write_bytes(RATINGS if ratings.endswith("csv") else b"1::1::4::5\n")
    (tmp_path / movies).write_bytes(MOVIES if movies.endswith("csv") else b"1::A::x\n")
    (tmp_path / place).write_bytes(FILES[name])
    with pytest.raises(UserError) as caught:
        load_movielens(tmp_path, cache=False)
    assert str(caught.value) == f"{tmp_path / place} is {KINDS[name].what}; {KINDS[name].advice}"


def test_a_database_is_named(tmp_path):
    assert named_format(database(tmp_path)) == "sqlite"


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text", ["userId,movieId\n1,2\n", "id;Titel\n1;Ärger\n", "用户,电影,评分,时间\n1,2,3,4\n5,6,7,8\n"]
)
def test_utf_16_without_a_mark_is_named_by_its_zeros(codec, text):
    assert named_format(text.encode(codec)) == "utf-16"


@fuzz(300)
@given(st.text(max_size=60), st.sampled_from(["utf-8", "utf-8-sig"]))
def test_text_is_no_kind(text, encoding):
    content = text.replace("\0", "0").encode(encoding)
    if not content.lstrip().lower().startswith((b"<", b"%pdf-", b"version https", b"pk", b"obj")):
        assert named_format(content) is None


@pytest.mark.parametrize(
    "start",
    [b"PAR1,rating\n1,2\n", b"BZh9,PK,x\n", b"Object,1\n", b"zip,PK\n", b"", b"\xef\xbb\xbfuserId,x\n"],
)
def test_headers_that_resemble_a_kind_are_text(start):
    assert named_format(start) is None


def test_only_the_start_counts():
    assert named_format(b"a" * START_BYTES + bytes(START_BYTES)) is None


def test_a_compressed_file_beside_is_named(tmp_path):
    (tmp_path / "movies.csv").write_bytes(MOVIES)
    (tmp_path / "ratings.csv.gz").write_bytes(gzip.compress(RATINGS))
    with pytest.raises(UserError, match=r"has no ratings\.csv, but ratings\.csv\.gz; unpack it, or describe"):
        load_movielens(tmp_path)
