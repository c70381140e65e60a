"""Stages over blocks: what is whole is kept, what is not is made again, by any number of processes."""

import json

import numpy as np
import pytest

from base.errors import UserError
from blocks.block_file import BadBlockError, Parts, read_block, write_block
from blocks.local_engine import LocalEngine
from blocks.runner import opened
from blocks.work_dir import MANIFEST, WorkDir, block_ranges
from tests.blocks.here import Here
from tests.blocks.sums import ROWS, expected, stages


def run(folder, *args, **kwargs):
    """The blocks that were made, and all sums."""
    engine = Here()
    with opened(folder, engine) as runner:
        runner.run(stages(*args, **kwargs))
        return set(engine.blocks), np.array(runner.work_dir.block("joined")["all"])


def test_a_second_run_makes_nothing(tmp_path):
    made, sums = run(tmp_path)
    assert len(made) == 9
    assert np.array_equal(sums, expected())
    made, sums = run(tmp_path)
    assert made == set()
    assert np.array_equal(sums, expected())


def test_files_of_a_temporary_stage_are_removed_and_made_again_only_if_they_are_needed(tmp_path):
    run(tmp_path)
    numbers = tmp_path / "numbers"
    assert [path.name for path in numbers.iterdir()] == [MANIFEST]
    WorkDir(tmp_path).path("joined", 0).unlink()
    assert run(tmp_path)[0] == {("joined", 0)}
    WorkDir(tmp_path).path("sums", 1).unlink()
    made, sums = run(tmp_path)
    assert made == {("sums", 1), *(("numbers", block) for block in range(4))}
    assert np.array_equal(sums, expected())


@pytest.mark.parametrize("damage", ["torn", "empty", "a bit", "foreign", "of another block"])
def test_a_bad_file_is_made_again(tmp_path, damage):
    run(tmp_path)
    path = WorkDir(tmp_path).path("sums", 2)
    content = bytearray(path.read_bytes())
    if damage == "torn":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "a bit":
        content[17] ^= 1
        path.write_bytes(content)
    elif damage == "foreign":
        write_block(path, "another key", {"sums": np.zeros(ROWS, np.int64)})
    else:
        path.write_bytes(WorkDir(tmp_path).path("sums", 1).read_bytes())
    made, sums = run(tmp_path)
    assert ("sums", 2) in made
    assert ("sums", 1) not in made
    assert np.array_equal(sums, expected())


def test_other_settings_make_what_depends_on_them(tmp_path):
    run(tmp_path, temporary=False)
    made, sums = run(tmp_path, factor=3, temporary=False)
    assert {stage for stage, _ in made} == {"sums", "joined"}
    assert np.array_equal(sums, expected(factor=3))


@pytest.mark.parametrize("num_blocks", [2, 7])
def test_another_number_of_blocks(tmp_path, num_blocks):
    run(tmp_path)
    _, sums = run(tmp_path, num_blocks)
    assert np.array_equal(sums, expected(num_blocks))


def test_what_a_killed_process_left_is_removed(tmp_path):
    run(tmp_path)
    WorkDir(tmp_path).path("sums", 0).unlink()
    left = tmp_path / "sums" / ".000000.block.77-ab.tmp"
    left.write_bytes(b"half")
    run(tmp_path)
    assert not left.exists()


def test_one_run_at_a_time(tmp_path):
    with opened(tmp_path, Here()):
        with pytest.raises(UserError, match="is in use .* give another `work_dir`"):
            with opened(tmp_path, Here()):
                pass


@pytest.mark.parametrize("num_workers", [1, 3])
def test_local_processes(tmp_path, num_workers):
    with opened(tmp_path, LocalEngine(num_workers)) as runner:
        runner.run(stages())
        assert np.array_equal(runner.work_dir.block("joined")["all"], expected())
        assert sorted(runner.made) == ["joined", "numbers", "sums"]
    manifest = json.loads((tmp_path / "sums" / MANIFEST).read_text())
    assert len(manifest["digests"]) == 4


def test_arrays_of_all_kinds_come_back(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "floats": rng.normal(size=(3, 5)).astype(np.float32),
        "empty": np.zeros((0, 4), np.int64),
        "bytes": np.arange(7, dtype=np.uint8),
        "by_column": np.asfortranarray(rng.normal(size=(4, 3))),
        "none": np.zeros(0, np.int32),
    }
    path = tmp_path / "a.block"
    parts = Parts(np.int16, (5, 2), (np.full((n, 2), n) for n in (2, 0, 3)))
    write_block(path, "k", arrays | {"parts": parts})
    read = read_block(path, "k", verify=True)
    assert list(read) == [*arrays, "parts"]
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        assert np.array_equal(read[name], array)
        assert read[name].ctypes.data % 64 == 0
    assert read["parts"].tolist() == [[2, 2]] * 2 + [[3, 3]] * 3
    read["floats"][0] = 0  # in memory alone
    assert np.array_equal(read_block(path, verify=True)["floats"], arrays["floats"])
    with pytest.raises(BadBlockError, match="made from something else"):
        read_block(path, "other")


def test_parts_that_do_not_add_up(tmp_path):
    with pytest.raises(ValueError, match="do not add up"):
        write_block(tmp_path / "a", "k", {"a": Parts(np.int8, (3,), [np.zeros(2, np.int8)])})
    assert list(tmp_path.iterdir()) == []


def test_rows_of_several_blocks(tmp_path):
    run(tmp_path)
    rows = np.array([0, 3, ROWS - 1, ROWS, 2 * ROWS + 5, 2 * ROWS + 5, 4 * ROWS - 1])
    assert np.array_equal(WorkDir(tmp_path).rows("sums", "sums", rows), expected()[rows])
    assert len(WorkDir(tmp_path).rows("sums", "sums", rows[:0])) == 0


def test_ranges_of_blocks():
    assert block_ranges(10, 4) == [range(4), range(4, 8), range(8, 10)]
    assert block_ranges(8, 4) == [range(4), range(4, 8)]
    assert block_ranges(0, 4) == [range(0)]
