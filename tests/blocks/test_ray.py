"""Ray as the engine, on a cluster of two nodes: the same files as of local processes, also after deaths.

A killed node is replaced, so all tests share the cluster.
"""

import os
import signal
import sys

import numpy as np
import psutil
import pytest

from base.errors import UserError
from blocks.block_file import write_block
from blocks.engines import make_engine
from blocks.local_engine import MAX_TRIES, ONE_THREAD, LocalEngine
from blocks.ray_engine import RayEngine
from blocks.runner import opened
from blocks.stage import Stage
from blocks.work_dir import WorkDir
from search.exact import ExactIndex
from search.ray_shards import load_on_ray
from search.sharded import ShardedIndex
from search.weak_and.index import WeakANDIndex
from tests.blocks.held import NUM_BLOCKS, STAGES, environment, held_stages, products
from tests.blocks.kills import ROOT, Drive, besides_progress, interrupt, is_alive, wait_until
from tests.blocks.ray_cluster import needs_ray, ray_environment
from tests.blocks.road import embed_and_answer, manifests, prepare, whole_road
from tests.blocks.small_disk import fill, go_on_with_more_space, small_disk

HELD = [("numbers", 1), ("squares", 1), ("total", 0)]


class TwoNodes:
    """A cluster of two nodes with two processors each, on this machine."""

    def __init__(self):
        from ray.cluster_utils import Cluster

        self.cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
        self.address = self.cluster.address
        self.second = self.cluster.add_node(num_cpus=2)

    def kill_second(self):
        """Kill the second node, and wait until its processes that made blocks have noticed it and ended."""
        raylet = psutil.Process(self.second.all_processes["raylet"][0].process.pid)
        workers = [process.pid for process in raylet.children(recursive=True)]
        self.cluster.remove_node(self.second, allow_graceful=False)
        self.second = None
        wait_until(lambda: not any(map(is_alive, workers)), "the end of the node's processes")

    def replace_second(self):
        """Start a second node if there is none."""
        if self.second is None:
            self.second = self.cluster.add_node(num_cpus=2)


@pytest.fixture(scope="module")
def nodes():
    with ray_environment():
        nodes = TwoNodes()
        yield nodes
        nodes.cluster.shutdown()


@pytest.fixture
def drive(nodes, tmp_path):
    drive = Drive(tmp_path / "work", "ray", 2, nodes.address)
    yield drive
    drive.let_go()
    if drive.process and drive.process.poll() is None:
        drive.process.kill()
    nodes.replace_second()


@pytest.fixture(scope="module")
def by_local_processes(tmp_path_factory):
    """The manifests that every way of running must reach."""
    folder = tmp_path_factory.mktemp("local")
    with opened(folder, LocalEngine(2)) as runner:
        runner.run(all_stages())
    return manifests(folder)


def all_stages():
    return [*held_stages(), Stage("products", products, 5)]


@needs_ray
@pytest.mark.slow
@pytest.mark.parametrize("num_workers", [1, 2, 4])
def test_the_same_files_as_of_local_processes(nodes, by_local_processes, tmp_path, num_workers):
    with opened(tmp_path, make_engine("ray", num_workers, nodes.address)) as runner:
        runner.run(all_stages())
    assert manifests(tmp_path) == by_local_processes
    assert set(by_local_processes) == {*STAGES, "products"}


@pytest.fixture(scope="module")
def road_by_local_processes(tmp_path_factory):
    """Data, a model, and the manifests of the whole road."""
    return whole_road(tmp_path_factory.mktemp("road"))


@needs_ray
@pytest.mark.slow
@pytest.mark.parametrize("num_workers", [1, 2, 4])
def test_neighbours_embeddings_and_answers_to_the_bit(nodes, road_by_local_processes, tmp_path, num_workers):
    data, model, expected = road_by_local_processes
    prepare(data, tmp_path, make_engine("ray", num_workers, nodes.address))
    embed_and_answer(tmp_path, make_engine("ray", num_workers, nodes.address), model)
    assert {"neighbors", "features", "embeddings", "answers"} <= set(expected)
    assert manifests(tmp_path) == expected


@needs_ray
@pytest.mark.slow
@pytest.mark.parametrize("kind", [ExactIndex, WeakANDIndex])
def test_shards_in_actors_answer_as_shards_here(nodes, tmp_path, kind):
    import ray

    rng = np.random.default_rng(0)
    vectors = rng.integers(-2, 3, (300, 6)).astype(np.float32)  # many equal scores
    here = ShardedIndex([kind() for _ in range(3)]).build(vectors, np.arange(300))
    here.save(tmp_path)
    with pytest.raises(RuntimeError, match="call ray.init first"):
        load_on_ray(tmp_path)
    ray.init(address=nodes.address, log_to_driver=False)
    try:
        there = load_on_ray(tmp_path)
        assert len(there) == 300
        assert there.effort(vectors[:20], 7) == here.effort(vectors[:20], 7)
        exclude = [np.array([row, row + 1]) for row in range(20)]
        some = np.arange(0, 300, 7)
        prepared = there.subset(some)
        for found, expected in (
            (there.search(vectors[:20], 7), here.search(vectors[:20], 7)),
            (there.search(vectors[:20], 7, exclude), here.search(vectors[:20], 7, exclude)),
            (there.search(vectors[:20], 7, exclude, some), here.search(vectors[:20], 7, exclude, some)),
            (there.search(vectors[:20], 7, allowed=prepared), here.search(vectors[:20], 7, allowed=some)),
            (there.search(vectors[0], 400), here.search(vectors[0], 400)),
        ):
            assert np.array_equal(found.ids, expected.ids)
            assert np.array_equal(found.scores, expected.scores)
    finally:
        ray.shutdown()


@needs_ray
@pytest.mark.slow
def test_blocks_are_made_on_both_nodes_with_one_thread_each(nodes, tmp_path):
    with opened(tmp_path, RayEngine("auto")) as runner:
        runner.run([Stage("environment", environment, 12)])
        found = np.array([arrays["values"] for arrays in runner.work_dir.each("environment")])
    assert set(found[:, 0]) == {len(ONE_THREAD)}
    assert len(set(found[:, 2])) == 2  # a node's processes have one parent


@needs_ray
@pytest.mark.slow
def test_torn_and_foreign_files_are_made_again(nodes, by_local_processes, tmp_path):
    drive = Drive(tmp_path, "ray", 2, nodes.address)
    with opened(tmp_path, LocalEngine(2)) as runner:
        runner.run(all_stages())
    torn, foreign = (WorkDir(tmp_path).path("squares", block) for block in (0, 3))
    torn.write_bytes(torn.read_bytes()[:1000])
    write_block(foreign, "another key", {"values": np.zeros(5)})
    (tmp_path / "calls").unlink()
    with opened(tmp_path, RayEngine(nodes.address, 2)) as runner:
        runner.run(all_stages())
    assert set(drive.calls()[0]) == {("squares", 0), ("squares", 3)}
    assert manifests(tmp_path) == by_local_processes


@needs_ray
@pytest.mark.slow
def test_a_killed_process_has_its_block_made_again(drive):
    for held in HELD:
        drive.hold(*held)
    drive.start()
    for stage, block in HELD:
        (writer,) = drive.started((stage, block))
        if stage != "total":
            drive.wait_for_others(stage, held=1)
        drive.let_go_of(stage, block)
        os.kill(writer, signal.SIGKILL)
    code, seen = drive.end()
    assert code == 0, seen
    assert drive.repeated() == dict.fromkeys(HELD, 1)
    assert "Ray: A worker died or was killed" in seen
    drive.assert_right()


@needs_ray
@pytest.mark.slow
def test_a_killed_node_has_its_blocks_made_again_on_another(drive, nodes):
    drive.engine = ("ray", 4, nodes.address)
    for stage in ("numbers", "squares"):
        for block in range(NUM_BLOCKS):
            drive.hold(stage, block)
    drive.start()
    for stage in ("numbers", "squares"):
        drive.started(*((stage, block) for block in range(NUM_BLOCKS)))
        nodes.kill_second()
        for block in range(NUM_BLOCKS):
            drive.let_go_of(stage, block)
        drive.wait_for_others(stage, held=0)
        if stage == "numbers":
            nodes.replace_second()
    code, seen = drive.end()
    assert code == 0, seen
    again = drive.repeated()
    assert sum(again.values()) == 4, again  # two of each stage
    drive.assert_right()


@needs_ray
@pytest.mark.slow
def test_a_killed_driver_ends_its_blocks_and_a_second_run_goes_on(drive):
    for stage, block in HELD:
        before = drive.whole(*STAGES)
        drive.hold(stage, block)
        drive.start()
        drive.started((stage, block))
        if stage != "total":
            drive.wait_for_others(stage, held=1)
        drive.process.kill()
        drive.end()
        drive.assert_no_process_left()
        assert before.items() <= drive.whole(*STAGES).items()
        drive.let_go()
    before = drive.whole(*STAGES)
    assert drive.run()[0] == 0
    assert drive.repeated() == dict.fromkeys(HELD, 1)
    assert before.items() <= drive.whole(*STAGES).items()
    drive.assert_right()


@needs_ray
@pytest.mark.slow
def test_an_interrupt_ends_all(drive):
    drive.hold("squares", 1)
    drive.start()
    drive.started(("squares", 1))
    drive.wait_for_others("squares", held=1)
    interrupt(drive)
    code, seen = drive.end()
    assert code == 130
    *warnings, last = besides_progress(seen)  # Ray may still speak of a node of an earlier test
    assert last.startswith("interrupted"), seen
    assert all(warning.startswith("Ray: ") for warning in warnings), seen
    drive.assert_no_process_left()


@needs_ray
@pytest.mark.slow
@pytest.mark.parametrize(
    ("trouble", "code", "line"),
    [
        ("mistake", 2, "error: numbers of block 2 are wrong; use other numbers"),
        ("strange", 1, "error: unexpected "),
        ("kills itself", 1, f"error: processes or nodes of the Ray cluster died {MAX_TRIES} times at"),
    ],
)
def test_an_error_is_one_line_and_ends_the_blocks_in_the_making(drive, trouble, code, line):
    (drive.folder / trouble).touch()
    drive.hold("numbers", 0)
    got, seen = drive.run()
    assert got == code
    *warnings, last = besides_progress(seen)
    assert last.startswith(line), seen
    assert all(warning.startswith("Ray: ") for warning in warnings), seen
    drive.assert_no_process_left()
    if trouble == "kills itself":
        assert drive.calls()[0]["numbers", 2] == MAX_TRIES


@needs_ray
@pytest.mark.slow
def test_a_full_disk(nodes, tmp_path):
    with small_disk(tmp_path / "disk", "5m") as disk:
        drive = Drive(disk / "work", "ray", 2, nodes.address)
        fill(drive)
        go_on_with_more_space(drive, disk)


@needs_ray
@pytest.mark.slow
def test_ray_on_this_machine_alone(by_local_processes, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))  # Ray puts a new token there
    (tmp_path / "home").mkdir()
    drive = Drive(tmp_path / "work", "ray", 2)
    code, seen = drive.run()
    assert code == 0
    assert besides_progress(seen) == []
    drive.assert_right()
    assert manifests(drive.folder).items() <= by_local_processes.items()


@needs_ray
@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:1", "`ray_address` 127.0.0.1:1: nothing answers there"),
        ("head", "`ray_address` head must be local, auto, or host:port"),
        ("ray://head:10001", "must be local, auto, or host:port"),
    ],
)
def test_an_address_where_no_cluster_is(address, message):
    with pytest.raises(UserError, match=message):
        RayEngine(address)


def test_without_ray_one_line_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match="run `pip install -r requirements-ray.txt`"):
        make_engine("ray")
    assert (ROOT / "requirements-ray.txt").exists()
