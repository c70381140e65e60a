"""Index files: the same answers after a round trip, and 500 damaged files that are all refused or right."""

import contextlib
import json
import os

import numpy as np
import pytest

from search import (
    ExactIndex,
    LSHIndex,
    LSHQuery,
    WeakANDIndex,
    WeakANDQuery,
    fingerprint,
)
from search.files import ALIGNMENT, DIGEST, HEADER, _digest
from search.weak_and.tokens import FilmTokens
from tests.search.test_nearest_neighbors import unit_vectors

VECTORS = unit_vectors(30)
IDS = np.arange(30) * 7 + 100
INDEXES = {
    "exact": ExactIndex,
    "lsh": lambda: LSHIndex(64, 8, seed=3),
    "ivf": lambda: WeakANDIndex(6, 2, seed=3),
    "exact int8": lambda: ExactIndex("int8"),
    "lsh int8": lambda: LSHIndex(64, 8, seed=3, vectors="int8"),
    "ivf float16": lambda: WeakANDIndex(6, 2, seed=3, vectors="float16"),
}


@pytest.fixture(params=INDEXES)
def index(request):
    return INDEXES[request.param]().build(VECTORS, IDS)


def test_a_loaded_index_answers_the_same_and_can_change(index, tmp_path):
    if isinstance(index, LSHIndex):
        index.query = LSHQuery(4, "buckets", 3)
    elif isinstance(index, WeakANDIndex):
        index.query = WeakANDQuery(2, 3, 1.1)
    path = tmp_path / "index.npz"
    index.save(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["index.npz"]
    loaded = type(index).load(path, fingerprint(VECTORS, IDS))
    assert repr(loaded) == repr(index) and loaded.settings() == index.settings()
    for queries, k in ((VECTORS, 5), (VECTORS[0], 99)):
        ours, theirs = loaded.search(queries, k), index.search(queries, k)
        assert np.array_equal(ours.ids, theirs.ids) and np.array_equal(ours.scores, theirs.scores)
    for either in (loaded, index):
        either.add(unit_vectors(3, seed=8), [1, 2, 3])
        either.remove([100, 107])
    assert np.array_equal(loaded.search(VECTORS, 8).ids, index.search(VECTORS, 8).ids)
    index.save(path)  # over an older file
    assert len(type(index).load(path)) == 31


def test_it_holds_arrays_only_and_opens_without_pickle(index, tmp_path):
    index.save(tmp_path / "index.npz")
    with np.load(tmp_path / "index.npz", allow_pickle=False) as archive:
        assert all(archive[name].dtype != object for name in archive.files)
        assert json.loads(str(archive[HEADER]))["fingerprint"] == fingerprint(VECTORS, IDS)


def test_an_empty_index_can_be_saved(tmp_path):
    for name, make in INDEXES.items():
        make().save(tmp_path / name)
        loaded = type(make()).load(tmp_path / name)
        assert len(loaded) == 0 and loaded.search(np.zeros(3), 2).ids.shape == (0,)


def test_the_fingerprint_knows_vectors_and_ids_but_not_their_order():
    order = np.random.default_rng(0).permutation(30)
    assert fingerprint(VECTORS[order], IDS[order]) == fingerprint(VECTORS, IDS)
    assert fingerprint(VECTORS, IDS + 1) != fingerprint(VECTORS, IDS)
    assert fingerprint(VECTORS[::-1], IDS) != fingerprint(VECTORS, IDS)


def rewritten(path, change):
    """The file with its parts changed by ``change(arrays, header)``, everything else kept."""
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    header = json.loads(str(arrays[HEADER]))
    change(arrays, header)
    arrays[HEADER] = json.dumps(header)
    np.savez(path, **arrays)


def as_version_1(path):
    """The file as programs wrote it before arrays were mapped: no list of arrays, no lists of the index."""
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files if not name.startswith("list.")}
        for name in FilmTokens._fields:  # Weak AND's lists begin with them
            if f"list.{name}" in archive:
                arrays[f"row.{name}"] = archive[f"list.{name}"][: len(arrays["ids"])]
    header = json.loads(str(arrays.pop(HEADER))) | {"version": 1}
    del header["arrays"], header["settings"]["vectors"], arrays[DIGEST]
    text = json.dumps(header)
    np.savez(path, **arrays, **{HEADER: text, DIGEST: _digest(text, arrays)})


def test_files_of_version_1_are_read_whole(tmp_path):
    for name in ("exact", "lsh", "ivf"):
        index, path = INDEXES[name]().build(VECTORS, IDS), tmp_path / "index.npz"
        index.save(path)
        as_version_1(path)
        loaded = type(index).load(path, fingerprint(VECTORS, IDS))
        assert np.array_equal(loaded.search(VECTORS, 5).ids, index.search(VECTORS, 5).ids)
        rewritten(path, lambda arrays, header: arrays["embeddings"].__setitem__((0, 0), 9))
        with pytest.raises(ValueError, match="its digest does not match"):
            type(index).load(path)


def test_a_damaged_number_is_found_by_verify_alone_and_a_damaged_place_always(index, tmp_path):
    path = tmp_path / "index.npz"
    index.save(path)
    content = path.read_bytes()
    large = index._stored.codes.tobytes()[:64]
    path.write_bytes(content.replace(large, bytes(64), 1))
    assert len(type(index).load(path)) == 30
    with pytest.raises(ValueError, match="its digest does not match"):
        type(index).load(path, verify=True)
    ids = index.ids.tobytes()[:64]
    path.write_bytes(content.replace(ids, bytes(64), 1))
    with pytest.raises(ValueError, match="its checksums do not match"):
        type(index).load(path)


def test_arrays_are_mapped_and_aligned(index, tmp_path):
    path = tmp_path / "index.npz"
    index.save(path)
    loaded = type(index).load(path)
    for array in (*loaded._stored, loaded.ids, *loaded._rows.values(), *loaded._lists.values()):
        assert array.nbytes == 0 or (array.ctypes.data % ALIGNMENT == 0 and not array.flags.owndata)


def test_a_file_changes_only_when_it_is_saved(index, tmp_path):
    path = tmp_path / "index.npz"
    index.save(path)
    before = path.read_bytes()
    loaded = type(index).load(path)
    loaded.remove([100])
    loaded.add(unit_vectors(2, seed=5), [1, 2])
    loaded.search(VECTORS, 3, exclude=[[1]] * 30)
    assert path.read_bytes() == before
    loaded.save(path)
    again = type(index).load(path, fingerprint(loaded.embeddings, loaded.ids), verify=True)
    assert np.array_equal(again.search(VECTORS, 9).ids, loaded.search(VECTORS, 9).ids)
    still = type(index).load(path)
    still.save(path)  # over the file that it is mapped from
    os.truncate(path, path.stat().st_size - 1)
    assert np.array_equal(again.search(VECTORS, 9).ids, loaded.search(VECTORS, 9).ids)


def test_what_changes_nothing_leaves_the_fingerprint_and_the_mapped_arrays(index, tmp_path):
    path = tmp_path / "index.npz"
    index.save(path)
    loaded = type(index).load(path)
    assert loaded.remove([1, 2]) == 0  # ids that are not in it
    loaded.add(np.zeros((0, VECTORS.shape[1])), [])
    assert not loaded._stored.codes.flags.owndata
    loaded.save(path)
    assert len(type(index).load(path, fingerprint(VECTORS, IDS))) == 30


def test_what_is_refused_and_why(index, tmp_path):
    path = tmp_path / "index.npz"

    def refusal(expected=None, kind=None):
        with pytest.raises(ValueError, match="build it again") as caught:
            (kind or type(index)).load(path, expected, verify=True)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)
        return str(caught.value)

    index.save(path)
    assert "is stale (it contains other embeddings" in refusal(fingerprint(2 * VECTORS, IDS))
    other = ExactIndex if not isinstance(index, ExactIndex) else LSHIndex
    assert f"contains a {index.kind} index, not {other.kind}" in refusal(kind=other)
    rewritten(path, lambda arrays, header: header.update(version=99))
    assert "of version 99, but this program reads 1 to 2" in refusal()
    rewritten(path, lambda arrays, header: header.update(format="other"))
    assert "not an index of this program (format 'other')" in refusal()
    index.save(path)
    rewritten(path, lambda arrays, header: arrays["ids"].__setitem__(0, 5))
    assert "its digest does not match" in refusal()
    index.save(path)
    rewritten(path, lambda arrays, header: arrays.update(ids=arrays["ids"].astype(np.int32)))
    assert "its checksums do not match" in refusal()
    index.save(path)
    rewritten(path, lambda arrays, header: arrays.pop(DIGEST))
    assert "torn or not an index" in refusal()
    for content in (b"", b"something else", path.read_bytes()[:-30]):
        path.write_bytes(content)
        assert "torn or not an index" in refusal()
    np.save(tmp_path / "other.npy", VECTORS)
    (tmp_path / "other.npy").replace(path)
    assert "torn or not an index" in refusal()
    np.savez(path, objects=np.array([{}], dtype=object))
    assert "torn or not an index" in refusal()
    with pytest.raises(FileNotFoundError):
        type(index).load(tmp_path / "missing.npz")


def damage(rng, content):
    """Cut short, bits flipped, stretches overwritten, removed or repeated."""
    start = int(rng.integers(len(content)))
    stretch = int(rng.integers(1, 200))
    match rng.integers(5):
        case 0:
            del content[start:]
        case 1:
            for place in rng.integers(len(content), size=rng.integers(1, 4)):
                content[place] ^= 1 << int(rng.integers(8))
        case 2:
            content[start : start + stretch] = rng.bytes(len(content[start : start + stretch]))
        case 3:
            del content[start : start + stretch]
        case 4:
            content[start:start] = content[start : start + stretch]


@pytest.mark.parametrize("part", range(5))
def test_500_damaged_files_are_refused_or_read_right(part, tmp_path):
    """With ``verify`` the answers are right; without it, they are ids of the index."""
    rng = np.random.default_rng(part)
    path, answers = tmp_path / "index.npz", {}
    contents = {}
    for name, make in INDEXES.items():
        built = make().build(VECTORS, IDS)
        built.save(path)
        contents[name], answers[name] = path.read_bytes(), built.search(VECTORS, 4)
    refused = 0
    for number in range(100):
        name = sorted(INDEXES)[number % len(INDEXES)]
        content = bytearray(contents[name])
        damage(rng, content)
        path.write_bytes(content)
        kind = type(INDEXES[name]())
        with contextlib.suppress(ValueError):
            assert np.isin(kind.load(path).search(VECTORS, 4).ids, IDS).all()
        try:
            loaded = kind.load(path, verify=True)
        except ValueError as error:
            assert "build it again" in str(error)
            refused += 1
        else:  # what was hit says nothing about the content, for instance a date in the archive
            found = loaded.search(VECTORS, 4)
            assert np.array_equal(found.ids, answers[name].ids)
            assert np.array_equal(found.scores, answers[name].scores)
    assert refused > 70


def test_a_file_that_cannot_be_written_leaves_the_old_one(index, tmp_path, monkeypatch):
    path = tmp_path / "index.npz"
    index.save(path)
    before = path.read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("search.files._array_header", full)
    with pytest.raises(OSError, match="No space left"):
        index.save(path)
    assert path.read_bytes() == before and [entry.name for entry in tmp_path.iterdir()] == ["index.npz"]


def test_a_whole_file_of_another_program_is_refused(index, tmp_path):
    path = tmp_path / "index.npz"
    for change in (
        lambda arrays, header: header["settings"].update(unknown=1),
        lambda arrays, header: header.pop("settings"),
        lambda arrays, header: header.pop("query"),
    ):
        index.save(path)
        rewritten(path, change)
        with pytest.raises(ValueError, match="index.npz .*; build it again"):
            type(index).load(path)
