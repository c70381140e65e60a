"""Faults of one process among several: all end soon, each machine with one line that says where and why."""

import time

import pytest

from model.checkpoint import BEST, LAST, load_checkpoint
from tests.planted import planted_movielens
from tests.ranks import SMALL, end_of, run_ranks, start_ranks

pytestmark = pytest.mark.slow


def flags(data, folder, *more):
    return [
        *SMALL,
        "--data_dir",
        str(data),
        "--checkpoint_dir",
        str(folder),
        "--output_dir",
        str(folder),
        *more,
    ]


def errors(ends):
    """The one error line of every process."""
    for _, lines in ends:
        assert sum(line.startswith("error: ") for line in lines) == 1, lines
    return [next(line for line in lines if line.startswith("error: ")) for _, lines in ends]


def test_data_that_one_machine_lacks_end_both(tmp_path):
    data, missing = planted_movielens(tmp_path / "data"), tmp_path / "missing"
    ends = run_ranks(flags(data, tmp_path / "out"), flags(missing, tmp_path / "out"))
    assert [code for code, _ in ends] == [2, 2]
    for line in errors(ends):
        assert line.startswith("error: process 1 of 2 on ") and str(missing) in line


def test_other_data_on_one_machine_end_both(tmp_path):
    data, other = planted_movielens(tmp_path / "data"), planted_movielens(tmp_path / "other", seed=1)
    ends = run_ranks(flags(data, tmp_path / "out"), flags(other, tmp_path / "out"))
    assert [code for code, _ in ends] == [2, 2]
    for line in errors(ends):
        assert line.startswith("error: process 1 of 2 on ") and "the fingerprint of --data_dir is " in line


def test_other_flags_on_one_machine_end_both(tmp_path):
    data = planted_movielens(tmp_path / "data")
    ends = run_ranks(flags(data, tmp_path / "out"), flags(data, tmp_path / "out", "--lr", "0.5"))
    assert [code for code, _ in ends] == [2, 2]
    for line in errors(ends):
        assert "process 1 of 2 on " in line and "--lr is 0.5, but 0.003 in process 0" in line


def test_a_folder_in_use_ends_both_before_anything_is_read(tmp_path):
    data = planted_movielens(tmp_path / "data")
    first = start_ranks([flags(data, tmp_path / "out", "--epochs", "9999", "--patience", "9999")])
    try:
        wait_for(tmp_path / "out" / LAST)
        ends = run_ranks(flags(data, tmp_path / "out"), flags(tmp_path / "missing", tmp_path / "out"))
    finally:
        first[0].kill()
    assert [code for code, _ in ends] == [2, 2]
    for line in errors(ends):
        assert line.startswith("error: process 0 of 2 on ") and "is in use" in line


def test_a_process_that_dies_ends_the_other_and_resume_continues(tmp_path):
    data, out = planted_movielens(tmp_path / "data"), tmp_path / "out"
    endless = flags(data, out, "--epochs", "99999", "--patience", "99999")
    processes = start_ranks([endless, endless])
    wait_for(out / BEST)
    processes[1].kill()
    started = time.monotonic()
    (code, lines), _ = end_of(processes, seconds=60)
    assert time.monotonic() - started < 30
    assert code == 1
    assert "process 0 of 2 lost the connection" in lines[-1] and "--resume continues" in lines[-1]
    done = load_checkpoint(out / LAST).trainer["epoch"]
    more = [*endless[:-4], "--epochs", str(done + 1), "--patience", "99999", "--resume"]
    ends = run_ranks(more, more)
    assert [code for code, _ in ends] == [0, 0], ends
    assert load_checkpoint(out / LAST).trainer["epoch"] == done + 1


def test_all_continue_the_checkpoint_that_the_leader_reads(tmp_path):
    """Another process that read the file itself would find none, a torn one or the next one."""
    data, out, empty = planted_movielens(tmp_path / "data"), tmp_path / "out", tmp_path / "empty"
    assert [code for code, _ in run_ranks(flags(data, out))] == [0]
    (out / f".{LAST}.1.tmp").write_bytes(b"torn")
    more = ["--resume", "--epochs", "5"]
    ends = run_ranks(flags(data, out, *more), flags(data, empty, *more))
    assert [code for code, _ in ends] == [0, 0], ends
    assert load_checkpoint(out / LAST).trainer["epoch"] == 5
    assert not list(out.glob(".*.tmp")) and not (empty / LAST).exists()


def test_a_model_is_extended_into_its_own_folder(tmp_path):
    out, newer = tmp_path / "out", tmp_path / "newer"
    data = planted_movielens(tmp_path / "data", per_user=12)
    assert [code for code, _ in run_ranks(flags(data, out))] == [0]
    newer.mkdir()
    (newer / "movies.csv").write_bytes((data / "movies.csv").read_bytes())
    more = "".join(f"{user},{film},5.0,2000000000\n" for user in range(61, 71) for film in range(1, 21))
    (newer / "ratings.csv").write_text((data / "ratings.csv").read_text() + more)
    before = load_checkpoint(out / BEST).dataset["data"]
    extend = ["--extend", str(out / BEST)]
    alone = [code for code, _ in run_ranks(flags(newer, tmp_path / "alone", *extend))]
    ends = run_ranks(*[flags(newer, out, *extend)] * 2)
    assert [*alone, *(code for code, _ in ends)] == [0, 0, 0], ends
    one, two = load_checkpoint(tmp_path / "alone" / LAST), load_checkpoint(out / LAST)
    assert one.dataset["data"] == two.dataset["data"] != before
    losses = [[row["loss"] for row in model.progress["history"]] for model in (one, two)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def wait_for(path, seconds=120):
    """Wait until a file is there."""
    until = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < until, f"no {path.name}"
        time.sleep(0.1)
