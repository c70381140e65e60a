"""``download_dataset.py`` without a network: local archives, synthetic data, folders that are in the way."""

import errno
import os
import subprocess
import sys
import time
import zipfile
from dataclasses import fields
from pathlib import Path

import pytest

from commands.download import main
from config import DownloadConfig
from data import prepare as sources
from data.sources import staging
from data.sources.releases import RELEASES
from data.sources.synthetic import SCALES
from tests.planted import planted_movielens


def test_the_settings_name_every_release_and_size() -> None:
    """``config.py`` imports nothing, so it repeats the names."""
    choices = {setting.name: setting.metadata["choices"] for setting in fields(DownloadConfig)}
    assert choices["dataset"] == (*RELEASES, "synthetic")
    assert choices["scale"] == tuple(SCALES)


def make_zip(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "1::1::3::9\n" if "ratings" in name else "1::A (1990)::Drama\n")
    return path


@pytest.fixture
def ml_1m_zip(tmp_path: Path) -> Path:
    return make_zip(tmp_path / "mine.zip", "ml-1m/ratings.dat", "ml-1m/movies.dat")


@pytest.fixture
def run(tmp_path: Path, capsys):
    def command(*flags: str) -> tuple[int, str]:
        code = main(["--data_dir", str(tmp_path / "out"), "--quiet", *flags])
        shown = capsys.readouterr().err
        assert "Traceback" not in shown
        return code, shown

    return command


def test_archive(run, ml_1m_zip: Path, tmp_path: Path) -> None:
    code, shown = run("--dataset", "ml-1m", "--archive", str(ml_1m_zip))
    assert code == 0 and "not GroupLens's own zip" in shown
    assert (tmp_path / "out" / "ratings.csv").read_text().split("\n")[1] == "1,1,3.0,9"
    assert ml_1m_zip.exists()


@pytest.mark.parametrize(
    "flags, reason",
    [
        (
            ["--dataset", "ml-1m", "--archive", "{tmp}/missing.zip"],
            "missing.zip is not a file; give the ml-1m.zip",
        ),
        (["--dataset", "ml-1m", "--archive", "{tmp}"], "is not a file"),
        (["--dataset", "ml-1m", "--archive", "{tmp}/text.zip"], "damaged or not a zip"),
        (
            ["--dataset", "ml-10m", "--archive", "{tmp}/mine.zip"],
            "has no ml-10M100K/ratings.dat (it contains 'ml-1m')",
        ),
        (["--dataset", "ml-1m", "--archive", "{tmp}/lines.zip"], "ratings.dat, line 1: cannot read 'x'"),
        (["--dataset", "synthetic", "--archive", "{tmp}/mine.zip"], "not with --dataset synthetic"),
        (["--dataset", "ml-2m"], "invalid choice"),
        (["--scale", "2m"], "invalid choice"),
        (["--seed", "-1"], "must be a whole number at least 0"),
    ],
)
def test_callers_mistakes(run, ml_1m_zip: Path, tmp_path: Path, flags: list[str], reason: str) -> None:
    (tmp_path / "text.zip").write_text("hello")
    with zipfile.ZipFile(tmp_path / "lines.zip", "w") as archive:
        archive.writestr("ml-1m/ratings.dat", "x\n")
        archive.writestr("ml-1m/movies.dat", "1::A (1990)::Drama\n")
    try:
        code, shown = run(*[flag.format(tmp=tmp_path) for flag in flags])
    except SystemExit as left:  # the parser's own way out
        code, shown = left.code, ""
    assert code == 2 and (not shown or (reason in shown and shown.count("\n") == 1))
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".out*"))


def test_synthetic_is_made_once(run, tmp_path: Path) -> None:
    synthetic = ("--dataset", "synthetic", "--scale", "100k")
    assert run(*synthetic) == (0, "")
    stamp = (tmp_path / "out" / "ratings.csv").stat().st_mtime_ns
    assert run(*synthetic) == (0, "")
    assert (tmp_path / "out" / "ratings.csv").stat().st_mtime_ns == stamp
    assert "has the seed 0, not 1" in run(*synthetic, "--seed", "1")[1]
    code, shown = run("--dataset", "ml-1m")
    assert (
        code == 2 and "has the dataset synthetic, not ml-1m; remove it or choose another --data_dir" in shown
    )


def test_what_is_already_there_is_kept(run, tmp_path: Path) -> None:
    planted_movielens(tmp_path / "out")
    assert run("--dataset", "ml-100k") == (0, "")


def test_raw_release_is_kept(run, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for name in ("u.data", "u.item"):
        (tmp_path / "out" / name).write_text("")
    assert run("--dataset", "ml-100k") == (0, "")


@pytest.mark.parametrize("damage", ["missing", "cut", "header", "shorter"])
def test_half_a_dataset_is_not_taken_for_one(run, ml_1m_zip: Path, tmp_path: Path, damage: str) -> None:
    flags = ("--dataset", "ml-1m", "--archive", str(ml_1m_zip))
    assert run(*flags)[0] == 0
    ratings = tmp_path / "out" / "ratings.csv"
    text = ratings.read_text()
    if damage == "missing":
        ratings.unlink()
    else:
        ratings.write_text(
            {"cut": text[:-2], "header": text[3:], "shorter": text.split("\n")[0] + "\n"}[damage]
        )
    code, shown = run(*flags)
    assert code == 2 and "not a complete dataset (ratings.csv" in shown


def test_empty_folder_is_filled_and_a_file_is_not(run, ml_1m_zip: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    code, shown = run("--dataset", "ml-1m", "--archive", str(ml_1m_zip))
    assert code == 2 and "out is a file" in shown
    (tmp_path / "out").unlink()
    (tmp_path / "out").mkdir()
    assert run("--dataset", "ml-1m", "--archive", str(ml_1m_zip))[0] == 0


def test_full_disk(run, ml_1m_zip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder / "ratings.csv"))

    monkeypatch.setattr(sources, "convert_release", full)
    code, shown = run("--dataset", "ml-1m", "--archive", str(ml_1m_zip))
    assert code == 1 and shown.startswith("error: disk full (") and "--archive" in shown
    assert [path.name for path in tmp_path.iterdir()] == ["mine.zip"]


def test_stale_leftovers_are_swept(run, ml_1m_zip: Path, tmp_path: Path) -> None:
    for name in (".out.old.partial", ".out.new.partial"):
        (tmp_path / name).mkdir()
    long_ago = time.time() - staging.STALE_SECONDS - 60
    os.utime(tmp_path / ".out.old.partial", (long_ago, long_ago))
    assert run("--dataset", "ml-1m", "--archive", str(ml_1m_zip))[0] == 0
    assert [path.name for path in tmp_path.glob(".out*")] == [".out.new.partial"]


def test_default_folder_and_script(tmp_path: Path, ml_1m_zip: Path) -> None:
    """The script as typed, from another working directory: the dataset's name names the folder."""
    script = Path(__file__).parents[2] / "download_dataset.py"
    command = [sys.executable, str(script), "--dataset", "ml-1m", "--archive", str(ml_1m_zip)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "data" / "ml-1m" / "movies.csv").exists()
