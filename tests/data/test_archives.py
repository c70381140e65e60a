"""No archive writes outside its folder, and a damaged one is a reason in one line."""

import contextlib
import io
import random
import stat
import warnings
import zipfile
from pathlib import Path

import pytest

from data.sources import archives
from data.sources.archives import BadArchive, extract, file_digest

GOOD = {"ml-x/ratings.csv": b"userId\n", "ml-x/movies.csv": b"movieId\n"}


def make_zip(path: Path, members: dict[str, bytes], *more: tuple[zipfile.ZipInfo, bytes]) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # zipfile warns of duplicate names, which is what we are after
        for name, content in members.items():
            archive.writestr(name, content)
        for info, content in more:
            archive.writestr(info, content)
    return path


def unpack(path: Path, target: Path) -> list[str]:
    target.mkdir(exist_ok=True)
    return extract(path, "ml-x", ["ratings.csv", "movies.csv"], ["README.txt"], target)


def test_only_the_named_files_come_out(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "x.zip", {**GOOD, "ml-x/script.sh": b"#!", "ml-x/README.txt": b"hello"})
    assert unpack(path, tmp_path / "out") == ["ratings.csv", "movies.csv", "README.txt"]
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"ratings.csv", "movies.csv", "README.txt"}


@pytest.mark.parametrize(
    "name", ["/etc/evil", "../evil", "ml-x/../../evil", "..\\evil", "C:\\evil", "c:evil", "\\\\host\\evil"]
)
def test_names_that_lead_outside(tmp_path: Path, name: str) -> None:
    path = make_zip(tmp_path / "x.zip", GOOD, (zipfile.ZipInfo(name), b"evil"))
    with pytest.raises(BadArchive, match="points outside the folder"):
        unpack(path, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir()) and not list(tmp_path.glob("**/*evil*"))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices(tmp_path: Path, kind: int) -> None:
    info = zipfile.ZipInfo("ml-x/README.txt")
    info.external_attr = (kind | 0o777) << 16
    with pytest.raises(BadArchive, match="is a link or a device"):
        unpack(make_zip(tmp_path / "x.zip", GOOD, (info, b"/etc/passwd")), tmp_path / "out")


@pytest.mark.parametrize("name", ["ml-x/ratings.csv", "ml-x/RATINGS.CSV"])
def test_duplicate_names(tmp_path: Path, name: str) -> None:
    path = make_zip(tmp_path / "x.zip", GOOD, (zipfile.ZipInfo(name), b"other"))
    with pytest.raises(BadArchive, match="occurs twice"):
        unpack(path, tmp_path / "out")


def test_encrypted_member(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "x.zip", GOOD)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag in the central directory
    path.write_bytes(data)
    with pytest.raises(BadArchive, match="is encrypted"):
        unpack(path, tmp_path / "out")


def test_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 1_000_000)
    path = make_zip(tmp_path / "x.zip", {**GOOD, "ml-x/README.txt": bytes(2_000_000)})
    with pytest.raises(BadArchive, match=r"would unpack to 2,000,015 bytes, more than 1,000,000"):
        unpack(path, tmp_path / "out")
    monkeypatch.setattr(archives, "MAX_MEMBERS", 2)
    with pytest.raises(BadArchive, match="has 3 members, more than 2"):
        unpack(path, tmp_path / "out")


def test_bomb_that_lies_about_its_size(tmp_path: Path) -> None:
    """The directory declares 10 bytes, the stream holds a million: never more than 10 are written."""
    path = make_zip(tmp_path / "x.zip", {"ml-x/ratings.csv": bytes(1_000_000), "ml-x/movies.csv": b"m"})
    size = (1_000_000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (10).to_bytes(4, "little")))
    with pytest.raises(BadArchive):
        unpack(path, tmp_path / "out")
    assert (tmp_path / "out" / "ratings.csv").stat().st_size <= 10


@pytest.mark.parametrize("damage", ["truncated", "flipped", "text", "empty"])
def test_damage(tmp_path: Path, damage: str) -> None:
    path = make_zip(tmp_path / "x.zip", {**GOOD, "ml-x/README.txt": bytes(range(256)) * 40})
    data = bytearray(path.read_bytes())
    data[30 + len("ml-x/ratings.csv") + 4] ^= 0xFF  # within the first member's content
    path.write_bytes(
        {"truncated": data[: len(data) // 2], "flipped": data, "text": b"<html>", "empty": b""}[damage]
    )
    with pytest.raises(BadArchive, match="damaged or not a zip"):
        unpack(path, tmp_path / "out")


def test_other_compression(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("ml-x/README.txt")
    info.compress_type = zipfile.ZIP_LZMA
    with pytest.raises(BadArchive, match="packed by method 14, not by deflate"):
        unpack(make_zip(tmp_path / "x.zip", GOOD, (info, b"text")), tmp_path / "out")


def test_random_damage_is_always_a_reason(tmp_path: Path) -> None:
    """Whatever bytes change, the outcome is a complete extraction or ``BadArchive``."""
    good = make_zip(tmp_path / "x.zip", {**GOOD, "ml-x/README.txt": bytes(range(256)) * 4}).read_bytes()
    rng = random.Random(0)
    for _ in range(1_000):
        data = bytearray(good)
        for _ in range(rng.choice([1, 2, 5, 20])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        (tmp_path / "x.zip").write_bytes(data if rng.random() < 0.8 else data[: rng.randrange(len(data))])
        with contextlib.suppress(BadArchive):
            unpack(tmp_path / "x.zip", tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} <= {"x.zip", "out"}


def test_another_release(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "x.zip", {"ml-y/ratings.csv": b"", "ml-y/movies.csv": b""})
    with pytest.raises(BadArchive, match=r"has no ml-x/ratings\.csv \(it contains 'ml-y'\)"):
        unpack(path, tmp_path / "out")
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    path.write_bytes(empty.getvalue())
    with pytest.raises(BadArchive, match="it contains nothing"):
        unpack(path, tmp_path / "out")


def test_digest(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert file_digest(tmp_path / "x", "md5") == "900150983cd24fb0d6963f7d28e17f72"
