"""ml-100k from the recbole wheel: a fabricated one offline, the real one over the network."""

import csv
import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from base.errors import WorldError
from data.sources import recbole
from data.sources.archives import BadArchive

INTER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949\n1\t1\t5\t9\n"
ITEM = (
    "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    "1\tToy Story\t1995\tAnimation Children's Comedy\n"
    '267\tunkonwn\tunkonwn\tunknown\n1412\tLand, "Time" (1995)\tV\tDrama\n9\tÉté\t1990\t\n'
)


def make_wheel(folder: Path, inter: str = INTER, item: str = ITEM) -> Path:
    path = folder / "recbole-1.2.1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{recbole.INSIDE}.inter", inter)
        archive.writestr(f"{recbole.INSIDE}.item", item)
    return path


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_conversion(tmp_path: Path) -> None:
    recbole.convert_wheel(make_wheel(tmp_path), tmp_path)
    assert rows(tmp_path / "ratings.csv")[1:] == [["196", "242", "3.0", "881250949"], ["1", "1", "5.0", "9"]]
    assert rows(tmp_path / "movies.csv")[1:] == [
        ["1", "Toy Story (1995)", "Animation|Children's|Comedy"],
        ["267", "unkonwn", "unknown"],
        ["1412", 'Land, "Time" (1995)', "Drama"],
        ["9", "Été (1990)", "(no genres listed)"],
    ]


@pytest.mark.parametrize(
    "inter", ["", INTER.replace("rating", "score"), INTER + "1\t2\n", INTER.replace("\t5\t", "\tfive\t")]
)
def test_wheels_that_are_not_as_expected(tmp_path: Path, inter: str) -> None:
    with pytest.raises(BadArchive):
        recbole.convert_wheel(make_wheel(tmp_path, inter), tmp_path)


def test_not_a_wheel(tmp_path: Path) -> None:
    (tmp_path / "x.whl").write_bytes(b"PK")
    with pytest.raises(BadArchive, match="does not contain ml-100k"):
        recbole.convert_wheel(tmp_path / "x.whl", tmp_path)


def fake_pip(
    monkeypatch: pytest.MonkeyPatch, code: int, stderr: str = "", wheel: bool = False
) -> list[list[str]]:
    calls = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess:
        calls.append(command)
        if wheel:
            make_wheel(Path(command[-1]))
        return subprocess.CompletedProcess(command, code, "", stderr)

    monkeypatch.setattr(subprocess, "run", run)
    return calls


def test_pip_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fake_pip(monkeypatch, 0, wheel=True)
    monkeypatch.setattr(recbole, "file_digest", lambda path, algorithm: recbole.WHEEL_SHA256)
    assert "recbole==1.2.1" in recbole.fetch_ml_100k(tmp_path)
    assert calls[0][:5] == [sys.executable, "-m", "pip", "download", "--no-deps"]
    assert not any("index" in word or "install" in word for word in calls[0])
    assert {path.name for path in tmp_path.iterdir()} == {"ratings.csv", "movies.csv"}


def test_wrong_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_pip(monkeypatch, 0, wheel=True)
    with pytest.raises(WorldError, match="has SHA-256 .*, expected 9c994820"):
        recbole.fetch_ml_100k(tmp_path)


def test_pip_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_pip(
        monkeypatch, 1, "WARNING: Retrying\nERROR: No matching distribution found for recbole==1.2.1\n\n"
    )
    with pytest.raises(WorldError, match=r"failed \(No matching distribution found for recbole==1\.2\.1\)"):
        recbole.fetch_ml_100k(tmp_path)


def test_pip_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WorldError, match="-m pip is missing"):
        recbole.fetch_ml_100k(tmp_path)


def test_pip_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(command: list[str], timeout: float, **options: object) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(WorldError, match="took longer than 300 seconds"):
        recbole.fetch_ml_100k(tmp_path)


@pytest.mark.network
def test_the_real_one(ml_100k_dir: Path) -> None:
    ratings, movies = rows(ml_100k_dir / "ratings.csv"), rows(ml_100k_dir / "movies.csv")
    assert (len(ratings), len(movies)) == (100_001, 1_683)
    assert ratings[1] == ["196", "242", "3.0", "881250949"]
    assert len({row[0] for row in ratings[1:]}) == 943
    assert len({row[1] for row in ratings[1:]}) == 1_682
    assert movies[1] == ["1", "Toy Story (1995)", "Animation|Children's|Comedy"]
    titles = {row[0]: row[1] for row in movies}
    assert titles["267"] == "unkonwn"
    assert titles["1412"] == "Land Before Time III: The Time of the Great Giving (1995)"
    assert sum(not title.endswith(")") for title in titles.values()) == 2  # the header and film 267
