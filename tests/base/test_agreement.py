"""Processes that end together. The others of a group are played by what they would have sent."""

import threading
from datetime import timedelta

import pytest
import torch.distributed as dist

from base import agreement
from base.agreement import Outcome, agreeing, check_equal
from base.errors import UserError, WorldError
from base.joining import meet, versions


@pytest.fixture
def others(monkeypatch):
    """A group of two: call it with what process 1 sends; process 0 is this one."""

    def send(value):
        monkeypatch.setattr(agreement, "world_size", lambda: 2)
        monkeypatch.setattr(agreement, "gather_objects", lambda mine: [mine, value])

    return send


def step(error=None):
    with agreeing():
        if error is not None:
            raise error
    return "done"


def test_alone_nothing_is_sent_and_errors_are_as_they_are(monkeypatch):
    monkeypatch.setattr(agreement, "gather_objects", lambda mine: pytest.fail("sent"))
    assert step() == "done"
    with pytest.raises(KeyError):
        step(KeyError("x"))


def test_a_step_that_succeeds_everywhere_goes_on(others):
    others(Outcome("b"))
    assert step() == "done"


@pytest.mark.parametrize(("code", "kind"), [(2, UserError), (1, WorldError)])
def test_an_error_elsewhere_is_an_error_here(others, code, kind):
    others(Outcome("b", "no ratings.csv", code))
    with pytest.raises(kind, match="^process 1 of 2 on b: no ratings.csv$"):
        step()


def test_an_error_here_names_this_process(others):
    others(Outcome("b"))
    with pytest.raises(UserError, match="^process 0 of 2 on .+: no ratings.csv$"):
        step(UserError("no ratings.csv"))


def test_the_same_error_everywhere_names_nobody(others):
    others(Outcome("b", "no ratings.csv", 2))
    with pytest.raises(UserError, match="^no ratings.csv$"):
        step(UserError("no ratings.csv"))


def test_an_unexpected_error_keeps_its_traceback_here_and_is_a_line_elsewhere(others):
    others(Outcome("b"))
    with pytest.raises(KeyError):
        step(KeyError("x"))
    others(Outcome.of(KeyError("x")))
    with pytest.raises(WorldError, match="^process 1 of 2 on .+: KeyError: 'x'$"):
        step()


def test_one_process_of_a_machine_says_the_line(others, monkeypatch):
    others(Outcome("b", "no ratings.csv", 2))
    monkeypatch.setenv("LOCAL_RANK", "3")
    monkeypatch.setattr(agreement, "SECONDS_FOR_THE_LINE", 0)
    with pytest.raises(SystemExit) as ended:
        step()
    assert ended.value.code == 2


def test_equal_facts_pass_and_other_ones_are_named(others):
    others(("b", {"data": "1", "split": "2"}))
    check_equal({"data": "1", "split": "2"})
    with pytest.raises(UserError, match="^process 1 of 2 on b: data is 1, but 7 in process 0 on .+ need"):
        check_equal({"data": "7", "split": "2"})


def meet_as(store, hellos, wait=20.0):
    """All processes meet, in a thread each; returns what each raised."""
    raised = [None] * len(hellos)

    def one(rank, problem, facts):
        try:
            meet(store, rank, len(raised), problem, facts, timedelta(seconds=wait))
        except Exception as error:
            raised[rank] = error

    threads = [
        threading.Thread(target=one, args=(rank, *hello)) for rank, hello in enumerate(hellos) if hello
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_equal_processes_meet():
    assert meet_as(dist.HashStore(), [(None, {"`lr`": "1"})] * 3) == [None] * 3


def test_a_process_that_cannot_start_ends_all():
    raised = meet_as(dist.HashStore(), [(None, {}), (UserError("no such device"), {}), (None, {})])
    assert {type(error) for error in raised} == {UserError}
    assert all(str(error).startswith("process 1 of 3 on ") for error in raised)
    assert all(str(error).endswith(": no such device") for error in raised)


def test_other_flags_end_all():
    raised = meet_as(dist.HashStore(), [(None, {"`lr`": "1"}), (None, {"`lr`": "2"})])
    assert all("process 1 of 2" in str(error) and "`lr` is 2, but 1 in" in str(error) for error in raised)


def test_a_process_that_never_comes_is_named():
    here, missing = meet_as(dist.HashStore(), [(None, {}), None], wait=0.5)
    assert isinstance(here, WorldError) and "process 1 of 2 did not come within 0 s" in str(here)
    assert missing is None


def test_versions_are_those_of_what_computes():
    found = versions()
    assert {"python", "torch", "numpy", "scipy", "numba"} < set(found)
    assert found == versions()
