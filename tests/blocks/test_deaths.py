"""A death in the middle of a write in every stage of the whole road: of a process, and of the driver."""

import os
import subprocess
import sys

import pytest

from blocks.local_engine import ONE_THREAD, LocalEngine
from tests.blocks.deaths import begun, deaths, dying
from tests.blocks.kills import ROOT
from tests.blocks.road import embed_and_answer, manifests, prepare, whole_road


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    """Data, a model, and the manifests of the whole road without a death."""
    return whole_road(tmp_path_factory.mktemp("road"))


def assert_right(work, marks, expected):
    """All is as without a death, which was in every stage; of each stage one block alone was begun twice."""
    assert manifests(work) == expected
    assert deaths(marks) == set(expected)
    for stage, counts in begun(marks).items():
        assert sorted(counts) == [1] * (len(counts) - 1) + [2], stage
    assert list(work.glob("*/.*.tmp")) == []


@pytest.mark.slow
def test_a_process_dies_in_every_stage(road, tmp_path, caplog):
    data, model, expected = road
    prepare(data, tmp_path / "work", LocalEngine(2), dying(tmp_path, at_last=True))
    embed_and_answer(tmp_path / "work", LocalEngine(2), model, dying(tmp_path, at_last=True))
    assert_right(tmp_path / "work", tmp_path, expected)
    for stage in expected:
        assert f"of {stage} is made again" in caplog.text


@pytest.mark.slow
def test_the_driver_dies_in_every_stage(road, tmp_path):
    data, model, expected = road
    command = [
        sys.executable,
        "-m",
        "tests.blocks.deaths",
        *map(str, (data, tmp_path / "work", model, tmp_path)),
    ]
    ended = subprocess.run(command, cwd=ROOT, env=os.environ | ONE_THREAD, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert_right(tmp_path / "work", tmp_path, expected)
