"""Whatever a file holds: what was written, or one line that says why not; and no file leaves its folder.

The CSV readers have ``test_dataset_fuzz.py``, a film's JSON has ``test_film_file.py``.
"""

import copy
import io
import json
import stat
import tempfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from base.errors import UserError
from commands.id_lines import read_id_lines
from data.dataset import load_movielens
from data.reading.film_file import FilmFile
from data.reading.schema import read_schema
from data.sources.archives import BadArchive, extract
from model.checkpoint import load_checkpoint, save_checkpoint
from model.new_films.from_checkpoint import append_films
from recommend.added_films import ADDED, add_film, read_added
from recommend.recommender import Recommender
from tests.books import SCHEMA
from tests.data.test_dataset_fuzz import PIECES
from tests.fuzzing import fuzz
from tests.search.test_index_files import IDS, INDEXES, VECTORS
from tests.trained import trained_checkpoint

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def saved(folder):
    """A checkpoint: as an object, as bytes and as what the bytes hold."""
    checkpoint = trained_checkpoint()
    save_checkpoint(checkpoint, folder / "saved.pt")
    content = (folder / "saved.pt").read_bytes()
    return checkpoint, content, torch.load(io.BytesIO(content), weights_only=True)


def one_line(error):
    assert len(str(error).splitlines()) == 1 and len(str(error)) < 600, str(error)


@st.composite
def damaged(draw, content):
    """Bytes with a few stretches cut, overwritten, repeated or flipped, as a disk or a person would."""
    content = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        stretch = draw(st.integers(1, 60))
        kind = draw(st.sampled_from(["cut", "flip", "overwrite", "remove", "repeat"]))
        if kind == "cut":
            del content[start:]
        elif kind == "flip" and start < len(content):
            content[start] ^= 1 << draw(st.integers(0, 7))
        elif kind == "overwrite":
            content[start : start + stretch] = draw(st.binary(min_size=1, max_size=8))
        elif kind == "remove":
            del content[start : start + stretch]
        elif kind == "repeat":
            content[start:start] = content[start : start + stretch]
    return bytes(content)


# --- checkpoints ------------------------------------------------------------------------------------


@fuzz(60)
@given(st.data())
def test_a_damaged_checkpoint_is_refused_or_read_right(folder, saved, data):
    checkpoint, content, _ = saved
    path = folder / "damaged.pt"
    path.write_bytes(data.draw(damaged(content)))
    try:
        loaded = load_checkpoint(path)
    except UserError as error:
        one_line(error)
    else:
        assert torch.equal(loaded.embeddings, checkpoint.embeddings)
        assert loaded.movies.titles == checkpoint.movies.titles and loaded.settings == checkpoint.settings


def places(value, where=()):
    """Paths to everything in nested dictionaries and lists."""
    yield where
    items = (
        value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    )
    for key, inner in items:
        yield from places(inner, (*where, key))


VALUES = [
    *(None, 0, -1, 10**30, 1.5, float("nan"), True, "x", "", [], ["x"], [None], {}, {"x": 1}),
    *(torch.zeros(0), torch.zeros(3), torch.full((20, 5), torch.nan), torch.full((20, 5), 99).int()),
    *(torch.zeros(20, 8, dtype=torch.float64), torch.zeros(20).long(), torch.zeros(20, 5, 2)),
]


@fuzz(40)
@given(st.data())
def test_a_checkpoint_with_other_parts_is_refused_or_does_its_work(folder, saved, data):
    """Whole by its checksums, but something in it is missing or of another kind."""
    stored = copy.deepcopy(saved[2])
    every_place = [where for where in places(stored) if where]
    *way, last = every_place[data.draw(st.integers(0, len(every_place) - 1))]
    holder = stored
    for key in way:
        holder = holder[key]
    if data.draw(st.booleans()):
        holder[last] = VALUES[data.draw(st.integers(0, len(VALUES) - 1))]
    else:
        del holder[last]
    path = folder / "other.pt"
    torch.save(stored, path)
    try:
        loaded = load_checkpoint(path)
        every = append_films(loaded, [FilmFile("New", ratings=((1, 5.0),), movie_id=9_999)])
        found = next(Recommender(every).similar_rows([len(every.movies) - 1], 3))
    except UserError as error:
        one_line(error)
    else:
        assert len(found) == 3


# --- indexes ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def indexes(folder):
    """Each index's file and its answer."""
    contents = {}
    for name, make in INDEXES.items():
        index = make().build(VECTORS, IDS)
        index.save(folder / "index.npz")
        contents[name] = ((folder / "index.npz").read_bytes(), index.search(VECTORS[:3], 4))
    return contents


@fuzz(60)
@given(st.data(), st.sampled_from(sorted(INDEXES)))
def test_a_damaged_index_is_refused_or_answers_right(folder, indexes, data, name):
    content, answer = indexes[name]
    path = folder / "damaged.npz"
    path.write_bytes(data.draw(damaged(content)))
    try:
        loaded = type(INDEXES[name]()).load(path)
    except ValueError as error:
        one_line(error)
        assert "build it again" in str(error)
    else:
        found = loaded.search(VECTORS[:3], 4)
        assert np.array_equal(found.ids, answer.ids) and np.array_equal(found.scores, answer.scores)


# --- the older releases' files ----------------------------------------------------------------------

RELEASES = {
    "dat": (
        {"ratings.dat": b"1::31::2.5::1260759144\n1::10::3::5\n7::31::4.5::851866703\n"},
        {"movies.dat": b"31::Dangerous Minds (1995)::Drama\n10::GoldenEye::Action|Thriller\n"},
        {"tags.dat": b"1::31::a tag::5\n7::10::x::y::6\n"},
    ),
    "100k": (
        {"u.data": b"196\t242\t3\t881250949\n186\t242\t3\t891717742\n22\t377\t1\t878887116\n"},
        {
            "u.item": b"242|Kolya (1996)|24-Jan-1997||http://x|" + b"|".join(b"0" * 1 for _ in range(19))
            + b"\n377|Heavyweights (1994)|1994||y|" + b"|".join(b"1" for _ in range(19)) + b"\n"
        },
    ),
}  # fmt: skip


@fuzz(120)
@given(st.data(), st.sampled_from(sorted(RELEASES)))
def test_damaged_older_releases(data, name):
    files = {key: content for part in RELEASES[name] for key, content in part.items()}
    hit = data.draw(st.sampled_from(sorted(files)))
    content = data.draw(damaged(files[hit]))
    if data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(content)))
        content = content[:place] + data.draw(st.sampled_from(PIECES)) + content[place:]
    with tempfile.TemporaryDirectory() as here:
        for key, value in (files | {hit: content}).items():
            (Path(here) / key).write_bytes(value)
        try:
            movielens = load_movielens(here, cache=False)
        except UserError as error:
            one_line(error)
        else:
            kept = movielens.interactions
            assert len(kept) and kept.movies.max() < movielens.num_movies and np.isfinite(kept.ratings).all()


# --- archives ---------------------------------------------------------------------------------------

PARTS = st.sampled_from(
    [
        "ml",
        "ratings.csv",
        "..",
        ".",
        "",
        "/",
        "\\",
        "C:",
        "~",
        "CON",
        "a\0b",
        "\u202e",
        "..\\..",
        "é",
        "x" * 300,
    ]
)
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join) | st.text(max_size=12)


@fuzz(60)
@example([("../ratings.csv", stat.S_IFREG)], None)
@example([("ml/../../ratings.csv", stat.S_IFREG)], None)
@example([("ml/ratings.csv", stat.S_IFLNK)], None)
@given(
    st.lists(st.tuples(NAMES, st.sampled_from([0, stat.S_IFREG, stat.S_IFLNK, stat.S_IFIFO])), max_size=4),
    st.data(),
)
def test_no_archive_writes_outside_its_folder(members, data):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that occur twice
        for name, kind in [("ml/ratings.csv", stat.S_IFREG), *members]:
            info = zipfile.ZipInfo(name)
            info.filename = name  # as it is, not as ZipInfo tidies it
            info.external_attr = (kind | 0o644) << 16
            file.writestr(info, b"1,2,3\n")
    content = archive.getvalue()
    if data is not None and data.draw(st.booleans()):
        content = data.draw(damaged(content))
    with tempfile.TemporaryDirectory() as here:
        (Path(here) / "release.zip").write_bytes(content)
        target = Path(here) / "inside" / "target"
        target.mkdir(parents=True)
        try:
            written = extract(Path(here) / "release.zip", "ml", ["ratings.csv"], ["movies.csv"], target)
        except BadArchive as error:
            one_line(error)
        else:
            assert {path.name for path in target.iterdir()} == set(written) <= {"ratings.csv", "movies.csv"}
            assert not any(path.is_symlink() for path in target.iterdir())
        assert {path.name for path in Path(here).iterdir()} == {"release.zip", "inside"}
        assert {path.name for path in (Path(here) / "inside").iterdir()} == {"target"}


# --- JSON and lists of ids --------------------------------------------------------------------------


@fuzz(60)
@given(st.data())
def test_damaged_schemas_and_lists_of_added_films(folder, saved, data):
    (folder / ADDED).unlink(missing_ok=True)
    add_film(folder, saved[0], FilmFile("New (1999)", 1999, ("Drama",), ("a tag",), ((1, 4.5), (2, 3.0))))
    for path, content, read in (
        (folder / ADDED, (folder / ADDED).read_bytes(), lambda path: read_added(path.parent)),
        (folder / "schema.json", json.dumps(SCHEMA).encode(), read_schema),
    ):
        path.write_bytes(data.draw(damaged(content)))
        try:
            read(path)
        except UserError as error:
            one_line(error)


@fuzz(100)
@given(st.binary(max_size=40) | st.lists(st.sampled_from(PIECES), max_size=10).map(b"".join))
def test_any_list_of_ids(folder, content):
    path = folder / "ids.txt"
    path.write_bytes(content)
    try:
        assert all(text.strip() == text != "" for _, text in read_id_lines(str(path), str(path)))
    except UserError as error:
        one_line(error)
