"""Synthetic data in parts: any part alone, the same whoever makes it, and a run that goes on after a kill."""

import hashlib
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from base.errors import UserError
from commands.entry import main_everything, main_modes
from data import prepare
from data.sources import staging, synthetic_parts
from data.sources.synthetic import SCALES, SyntheticSize, draw_histories, film_popularity, user_activity
from data.sources.synthetic_parts import (
    generate_parts,
    make_world,
    num_parts,
    size_of_part,
    synthetic_part,
)

TINY = SyntheticSize(1_000, 1_682, 110_007, users_per_part=300)  # parts of 300, 300, 300 and 100 users
ROOT = Path(__file__).parents[2]
WANTED = {"dataset": "synthetic", "scale": "tiny", "seed": 0}


def part_files(folder: Path) -> list[Path]:
    return sorted((folder / "ratings").iterdir())


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in part_files(folder)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("parts")
    generate_parts(TINY, 0, path, num_threads=1)
    return path


@pytest.fixture(scope="module")
def ratings(folder: Path) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(path) for path in part_files(folder)], ignore_index=True)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCALES, "tiny", TINY)


def prepare_tiny(folder: Path, seed: int = 0) -> None:
    prepare.prepare_dataset("synthetic", folder, None, "tiny", seed, quiet=True, num_threads=1)


def test_counts_and_order(folder: Path, ratings: pd.DataFrame) -> None:
    assert [path.name for path in part_files(folder)] == [f"part-0000{n}.parquet" for n in range(4)]
    assert {name: str(kind) for name, kind in ratings.dtypes.items()} == {
        "userId": "int64",
        "movieId": "int64",
        "rating": "float32",
        "timestamp": "int64",
    }
    assert len(ratings) == 110_007 and (ratings.userId.unique() == np.arange(1, 1_001)).all()
    assert ratings.userId.is_monotonic_increasing and ratings.groupby("userId").size().min() >= 20
    assert (ratings.groupby("userId").timestamp.diff().dropna() > 0).all()
    assert not ratings.duplicated(["userId", "movieId"]).any()
    assert set(np.unique(ratings.rating * 2)) == set(range(1, 11))
    movies = pd.read_csv(folder / "movies.csv")
    assert (movies.movieId == np.arange(1, 1_683)).all() and set(ratings.movieId) <= set(movies.movieId)


@pytest.mark.parametrize("part", range(4))
def test_a_part_alone_is_that_of_the_whole(folder: Path, part: int) -> None:
    alone = synthetic_part(TINY, 0, part)
    whole = pa.parquet.read_table(part_files(folder)[part])
    assert alone.equals(whole, check_metadata=True)
    assert not synthetic_part(TINY, 1, part).equals(whole)


@pytest.mark.parametrize("num_threads", [2, 5])
def test_the_threads_do_not_matter(folder: Path, tmp_path: Path, num_threads: int) -> None:
    generate_parts(TINY, 0, tmp_path, num_threads)
    assert digests(tmp_path) == digests(folder)
    assert (tmp_path / "movies.csv").read_bytes() == (folder / "movies.csv").read_bytes()


def test_the_numbers_stay() -> None:
    """A changed generator must not continue a folder that an earlier one began."""
    table = synthetic_part(TINY, 0, 2)
    numbers = [table[name].to_numpy().astype("<f8").tobytes() for name in table.column_names]
    assert hashlib.sha256(b"".join(numbers)).hexdigest() == (
        "682901388aeb0559f493fb2f199edcd9e9dc53a5cf2bb89f8bd06c0b38a6a464"
    )


@pytest.mark.parametrize("name", ["250m", "1b"])
def test_the_parts_of_the_scales_add_up(name: str) -> None:
    size = SCALES[name]
    parts = [size_of_part(size, part) for part in range(num_parts(size))]
    assert sum(part.num_users for part in parts) == size.num_users
    assert sum(part.num_ratings for part in parts) == size.num_ratings
    assert (num_parts(size), parts[-1].num_users) == {"250m": (20, 80_000), "1b": (82, 20_000)}[name]
    last = user_activity(parts[-1], np.random.default_rng(1))
    assert last.sum() == parts[-1].num_ratings and last.min() >= 20


@pytest.mark.parametrize("users_per_part", [1, 7, 999, 5_000])
def test_any_number_of_users_per_part(users_per_part: int) -> None:
    """Also where each user has the fewest or the most ratings allowed."""
    for num_ratings in (20_000, 110_007, 672_000):
        size = replace(TINY, num_ratings=num_ratings, users_per_part=users_per_part)
        parts = [size_of_part(size, part) for part in range(num_parts(size))]
        assert sum(part.num_ratings for part in parts) == num_ratings
        for part in parts:
            assert 20 * part.num_users <= part.num_ratings <= 672 * part.num_users


def test_impossible_parts() -> None:
    for part in (-1, 4):
        with pytest.raises(ValueError, match=f"part must be from 0 to 3, got {part}"):
            synthetic_part(TINY, 0, part)
    with pytest.raises(ValueError, match="users_per_part must be a number"):
        synthetic_part("25m", 0, 0)


def test_the_shape_is_that_of_one_piece(ratings: pd.DataFrame) -> None:
    """Popularity, ratings per user, stars and drift, beside the same films watched by users in one piece."""
    world, rng = make_world(TINY, 0), np.random.default_rng(5)
    activity = user_activity(TINY, rng)
    movies, halves, times = draw_histories(activity, world.films, world.tastes, rng)
    users = np.repeat(np.arange(1, 1_001), activity)
    one = pd.DataFrame({"userId": users, "movieId": movies + 1, "rating": halves / 2, "timestamp": times})
    wanted, found = shape(one), shape(ratings)
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=0.07), name
    assert found["drift"] > 1.1  # 1 where a user's films are shuffled


def test_one_part_foretells_the_popularity() -> None:
    """The films are made without the activity of all users."""
    typical, everybody = (
        film_popularity(TINY, user_activity(size, np.random.default_rng(2)))
        for size in (size_of_part(TINY, 0), TINY)
    )
    assert typical[0] == pytest.approx(everybody[0], rel=0.1)
    assert np.abs(typical - everybody).sum() < 0.03


def shape(ratings: pd.DataFrame) -> dict[str, float]:
    """What a data set looks like, in numbers that do not depend on the random draws much."""
    films = np.sort(ratings.movieId.value_counts().to_numpy())[::-1]
    users = ratings.groupby("userId").size().to_numpy()
    days = ratings.groupby("userId").timestamp.agg(lambda times: times.max() - times.min()) / 86_400
    return {
        "head": films[0] / len(users),
        "first tenth": films[:168].sum() / films.sum(),
        "median of a film": float(np.median(films)),
        "median of a user": float(np.median(users)),
        "busiest": float(np.quantile(users, 0.99)),
        "mean stars": float(ratings.rating.mean()),
        "deviation of stars": float(ratings.rating.std()),
        "median days": float(days.median()),
        "drift": drift(ratings),
    }


def drift(ratings: pd.DataFrame) -> float:
    """How much more alike a user's first and second quarters are than the first and the last one.

    Alike: the mean cosine of the sums of film vectors, made of who rated a film (a random projection).
    """
    vectors = np.random.default_rng(0).normal(size=(ratings.userId.max() + 1, 64))
    film = np.zeros((ratings.movieId.max() + 1, 64))
    np.add.at(film, ratings.movieId.to_numpy(), vectors[ratings.userId.to_numpy()])
    film -= film.mean(0)
    film /= np.linalg.norm(film, axis=1, keepdims=True) + 1e-9
    place = ratings.groupby("userId").cumcount() / ratings.groupby("userId").movieId.transform("size")
    quarter = (4 * place).astype(int).to_numpy()
    taste = np.zeros((ratings.userId.max() + 1, 4, 64))
    np.add.at(taste, (ratings.userId.to_numpy(), quarter), film[ratings.movieId.to_numpy()])
    taste = taste[1:] / (np.linalg.norm(taste[1:], axis=2, keepdims=True) + 1e-9)
    return float((taste[:, 0] * taste[:, 1]).sum(1).mean() / (taste[:, 0] * taste[:, 3]).sum(1).mean())


class Killed(BaseException):
    """What the tests raise where a process would end."""


def killed_after(monkeypatch: pytest.MonkeyPatch, num_whole: int) -> None:
    """Make the generator end in the middle of the part after ``num_whole`` whole ones."""
    write = synthetic_parts.write_part

    def write_or_end(world, part, file, stop):
        if part == num_whole:
            file.write(b"half of a part")
            raise Killed
        return write(world, part, file, stop)

    monkeypatch.setattr(synthetic_parts, "write_part", write_or_end)


def test_a_run_goes_on_where_it_was_ended(tiny, folder, tmp_path, monkeypatch) -> None:
    out, partial = tmp_path / "out", tmp_path / "out.partial"
    with monkeypatch.context() as patch, pytest.raises(Killed):
        killed_after(patch, 2)
        prepare_tiny(out)
    assert not out.exists() and list(digests(partial)) == ["part-00000.parquet", "part-00001.parquet"]
    (partial / "ratings" / ".part-00002.parquet.1.tmp").write_bytes(b"of a killed process")
    stamps = [path.stat().st_mtime_ns for path in part_files(partial)[1:]]
    with pytest.raises(UserError, match=r"out.partial is what .* \(.*seed 0, not .*seed 1\); remove it or"):
        prepare_tiny(out, seed=1)
    prepare_tiny(out)
    assert digests(out) == digests(folder)
    assert [path.stat().st_mtime_ns for path in part_files(out)[:2]] == stamps
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    assert sorted(path.name for path in out.iterdir()) == ["dataset.json", "movies.csv", "ratings"]


def test_a_stopped_part_is_not_kept(tmp_path) -> None:
    """One thread fails; the others end at their next chunk, and no torn part has a part's name."""
    stop = threading.Event()
    stop.set()
    with (tmp_path / "part").open("wb") as file, pytest.raises(CancelledError):
        synthetic_parts.write_part(make_world(TINY, 0), 0, file, stop)


def test_made_once_and_checked(tiny, tmp_path) -> None:
    out = tmp_path / "out"
    prepare_tiny(out)
    note = json.loads((out / "dataset.json").read_text())
    assert {name: note[name] for name in WANTED} == WANTED
    assert sorted(note["files"]) == ["movies.csv", *(f"ratings/part-0000{n}.parquet" for n in range(4))]
    stamp = (out / "movies.csv").stat().st_mtime_ns
    prepare_tiny(out)
    assert (out / "movies.csv").stat().st_mtime_ns == stamp
    with pytest.raises(UserError, match="has the seed 0, not 1"):
        prepare_tiny(out, seed=1)
    part_files(out)[2].unlink()
    with pytest.raises(UserError, match="ratings/part-00002.parquet has changed since it was made"):
        prepare_tiny(out)


def test_somebody_elses_unfinished_folder_is_kept(tiny, tmp_path) -> None:
    partial = tmp_path / "out.partial"
    partial.mkdir()
    (partial / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="it does not say which, not dataset synthetic, scale tiny, seed 0"):
        prepare_tiny(tmp_path / "out")
    assert (partial / "thesis.txt").read_text() == "mine"


def test_two_runs_do_not_fill_one_folder(tiny, tmp_path) -> None:
    with staging.resumed(tmp_path / "out", WANTED):
        with pytest.raises(UserError, match=r"out.partial is in use \(making a dataset.* another `data_dir`"):
            prepare_tiny(tmp_path / "out")


def test_a_command_says_that_it_does_not_read_parts(tiny, tmp_path, capsys) -> None:
    """All commands read data the same way; this one needs no PyTorch."""
    out = tmp_path / "out"
    prepare_tiny(out)
    capsys.readouterr()
    assert main_modes(["--mode", "inspect", "--data_dir", str(out), "--quiet"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"error: {out} has its ratings in parts (ratings/*.parquet), which this command does not read yet; "
        "give a --data_dir with ratings.csv, as synthetic data up to 25m have it"
    ]


def test_run_refuses_before_it_generates(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main_everything(["--dataset", "synthetic", "--scale", "250m", "--quiet"]) == 2
    shown = capsys.readouterr().err
    assert "--scale 250m is written in parts" in shown and shown.count("\n") == 1
    assert not list(tmp_path.iterdir())


PREPARE = """
import sys
from pathlib import Path
from data.prepare import prepare_dataset
from data.sources.synthetic import SCALES, SyntheticSize
SCALES["twenty"] = SyntheticSize(40_000, 10_000, 6_000_000, users_per_part=2_000)
prepare_dataset("synthetic", Path(sys.argv[1]), None, "twenty", 0, quiet=True, num_threads=2)
"""


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path) -> None:
    """Processes that are killed in the middle: whole parts stay, and the last run's folder is as if alone."""
    folder = tmp_path / "out.partial" / "ratings"
    size = SyntheticSize(40_000, 10_000, 6_000_000, users_per_part=2_000)
    stamps: dict[str, int] = {}
    for enough in (2, 7):
        process = subprocess.Popen([sys.executable, "-c", PREPARE, str(tmp_path / "out")], cwd=ROOT)
        while len(list(folder.glob("part-*"))) < enough:
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        process.wait()
        found = {path.name: path.stat().st_mtime_ns for path in folder.glob("part-*")}
        assert stamps.items() <= found.items() and len(found) < 20
        stamps = found
    subprocess.run([sys.executable, "-c", PREPARE, str(tmp_path / "out")], cwd=ROOT, check=True)
    files = part_files(tmp_path / "out")
    assert [path.name for path in files] == [f"part-{part:05d}.parquet" for part in range(20)]
    assert stamps.items() <= {path.name: path.stat().st_mtime_ns for path in files}.items()
    assert sum(pa.parquet.read_metadata(path).num_rows for path in files) == 6_000_000
    for part in (0, 19):
        assert synthetic_part(size, 0, part).equals(pa.parquet.read_table(files[part]), check_metadata=True)
