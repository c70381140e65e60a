"""Local processes that die in the middle of a write: the run ends right or goes on right."""

import logging
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import base.progress
from blocks.engines import make_engine
from blocks.local_engine import MAX_TRIES, ONE_THREAD, LocalEngine
from blocks.runner import opened
from blocks.stage import Stage
from tests.blocks.held import STAGES, environment
from tests.blocks.kills import ROOT, Drive, besides_progress, interrupt
from tests.blocks.small_disk import fill, go_on_with_more_space, small_disk
from tests.blocks.sums import stages


@pytest.fixture
def drive(tmp_path):
    drive = Drive(tmp_path / "work", "local", 2)
    yield drive
    drive.let_go()
    if drive.process and drive.process.poll() is None:
        drive.process.kill()


@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_process_is_replaced_and_its_block_alone_made_again(drive, stage):
    block = 0 if stage == "total" else 1
    drive.hold(stage, block)
    drive.start()
    (writer,) = drive.started((stage, block))
    if stage != "total":
        drive.wait_for_others(stage, held=1)
    os.kill(writer, signal.SIGKILL)
    drive.let_go()
    code, seen = drive.end()
    assert code == 0
    assert f"a process was ended by signal 9; block {block} of {stage} is made again\n" in seen
    assert drive.repeated() == {(stage, block): 1}
    drive.assert_right()


def test_all_processes_killed(drive):
    drive.hold("squares", 1)
    drive.hold("squares", 2)
    drive.start()
    for writer in drive.started(("squares", 1), ("squares", 2)):
        os.kill(writer, signal.SIGKILL)
    drive.let_go()
    assert drive.end()[0] == 0
    assert drive.repeated() == {("squares", 1): 1, ("squares", 2): 1}
    drive.assert_right()


@pytest.mark.parametrize(("how", "stage"), [*(("SIGKILL", stage) for stage in STAGES), ("Ctrl-C", "squares")])
def test_a_second_run_goes_on_where_a_killed_one_ended(drive, how, stage):
    block = 0 if stage == "total" else 1
    drive.hold(stage, block)
    drive.start()
    drive.started((stage, block))
    if stage != "total":
        drive.wait_for_others(stage, held=1)
    if how == "SIGKILL":
        drive.process.kill()
    else:
        interrupt(drive)
    code, seen = drive.end()
    drive.assert_no_process_left()
    if how == "Ctrl-C":
        assert code == 130
        (line,) = besides_progress(seen)
        assert line.startswith("interrupted")
        assert drive.left() == []
    drive.let_go()
    before = drive.whole(*STAGES)
    assert drive.run()[0] == 0
    assert drive.repeated() == {(stage, block): 1}
    assert before.items() <= drive.whole(*STAGES).items()
    drive.assert_right()


def test_a_block_that_always_dies_ends_the_run_with_one_line(drive):
    (drive.folder / "kills itself").touch()
    code, seen = drive.run()
    assert code == 1
    assert seen.splitlines()[-1].startswith(
        f"error: {MAX_TRIES} processes in turn died at block 2 of numbers"
    )
    assert drive.repeated()["numbers", 2] == MAX_TRIES - 1
    drive.assert_no_process_left()
    (drive.folder / "kills itself").unlink()
    assert drive.run()[0] == 0
    drive.assert_right()


@pytest.mark.parametrize(
    ("trouble", "code", "line"),
    [
        ("mistake", 2, "error: numbers of block 2 are wrong; use other numbers"),
        (
            "strange",
            1,
            "error: unexpected RuntimeError: Strange: something strange; run again with --verbose",
        ),
    ],
)
def test_an_error_ends_the_run_and_the_blocks_in_the_making(drive, trouble, code, line):
    (drive.folder / trouble).touch()
    drive.hold("numbers", 0)
    got, seen = drive.run()
    assert got == code
    (only,) = besides_progress(seen)
    assert only.startswith(line)
    drive.assert_no_process_left()
    assert drive.left() == []


def test_a_full_disk(tmp_path):
    with small_disk(tmp_path / "disk", "5m") as disk:
        drive = Drive(disk / "work", "local", 2)
        fill(drive)
        assert drive.left() == []
        go_on_with_more_space(drive, disk)


def test_every_process_has_one_thread(tmp_path):
    with opened(tmp_path, LocalEngine(3)) as runner:
        runner.run([Stage("environment", environment, 6)])
        found = np.array([arrays["values"] for arrays in runner.work_dir.each("environment")])
    assert set(found[:, 0]) == {len(ONE_THREAD)}
    assert len(set(found[:, 1])) > 1
    assert os.environ.get("NUMBA_NUM_THREADS") != "1"


def test_a_fork_server_with_other_variables_is_refused(tmp_path):
    code = f"""
import multiprocessing, pathlib
process = multiprocessing.get_context("forkserver").Process(target=print)
process.start(), process.join()
from tests.blocks.held import environment
from tests.blocks.test_local_failures import LocalEngine, Stage, opened
with opened(pathlib.Path({str(tmp_path)!r}), LocalEngine(1)) as runner:
    runner.run([Stage("environment", environment, 1)])
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "RuntimeError: blocks cannot be made by a fork server of something else" in ended.stderr


def test_only_processes_that_embed_import_pytorch():
    code = (
        "import sys, blocks.preparation, blocks.embedding, blocks.answers, blocks.description\n"
        "assert not {'torch', 'torch_geometric', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_process_that_died_while_it_was_idle_is_replaced(tmp_path):
    engine = LocalEngine(1)
    with opened(tmp_path, engine) as runner:
        runner.run(stages(temporary=False)[:1])
        engine._workers[0].process.kill()
        engine._workers[0].process.join()
        runner.run(stages(temporary=False)[1:2])
        assert len(list(runner.work_dir.each("sums"))) == 4


def test_lines_of_progress_where_there_is_no_bar(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(base.progress, "LINE_EVERY", 0.0)
    with caplog.at_level(logging.INFO, "pinsage"), opened(tmp_path, LocalEngine(1)) as runner:
        runner.run(stages(temporary=False)[:1])
    lines = [record.getMessage() for record in caplog.records]
    assert [line.split(",")[0] for line in lines[:4]] == [f"numbers: {n} of 4 blocks" for n in range(1, 5)]
    assert lines[3].endswith("about 00:00 left")


def test_an_engine_is_chosen_by_name():
    assert make_engine("local", 3).num_workers == 3
    assert make_engine("local").num_workers == len(os.sched_getaffinity(0))
    for arguments, message in [
        (("dask",), "`engine` dask must be one of local, ray"),
        (("local", 0), "`workers` 0 must be at least 1"),
        (("local", 1, "auto"), "`ray_address` auto is for `engine` ray"),
    ]:
        with pytest.raises(ValueError, match=message):
            make_engine(*arguments)
