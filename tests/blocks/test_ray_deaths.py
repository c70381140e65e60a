"""Ray as the engine of the whole road: a process or a node dies in each of its stages.

It takes a quarter of an hour, so it runs with ``PINSAGE_ALL_DEATHS=1`` only; ``test_ray.py`` has such deaths
in three small stages. The head of the cluster makes no blocks, so that any node that does can die.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from blocks.ray_engine import RayEngine
from tests.blocks.deaths import begun, deaths, dying
from tests.blocks.ray_cluster import needs_ray, ray_environment
from tests.blocks.road import embed_and_answer, manifests, prepare, whole_road

pytestmark = [
    pytest.mark.slow,
    needs_ray,
    pytest.mark.skipif(
        os.environ.get("PINSAGE_ALL_DEATHS") != "1", reason="takes long: PINSAGE_ALL_DEATHS=1"
    ),
]


@pytest.fixture(scope="module")
def cluster():
    with ray_environment():
        from ray.cluster_utils import Cluster

        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        for _ in range(2):
            cluster.add_node(num_cpus=2)
        yield cluster
        cluster.shutdown()


def replace_dead_nodes(cluster):
    """Start a node for each that was killed. Ray starts nodes in the main thread only."""
    for node in list(cluster.worker_nodes):
        if node.all_processes["raylet"][0].process.poll() is not None:
            cluster.remove_node(node, allow_graceful=False)
            cluster.add_node(num_cpus=2)


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    """Data, a model, and the manifests of the whole road without a death."""
    return whole_road(tmp_path_factory.mktemp("road"))


@pytest.mark.parametrize("victim", [os.getpid, os.getppid], ids=["process", "node"])
def test_a_death_in_each_stage(cluster, road, tmp_path, victim):
    """The parent of a process that makes blocks is Ray's process of the node, the raylet."""
    data, model, expected = road
    change = dying(tmp_path, victim=victim, at_last=True)

    def run():
        prepare(data, tmp_path / "work", RayEngine(cluster.address, 2), change)
        embed_and_answer(tmp_path / "work", RayEngine(cluster.address, 2), model, change)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        while not running.done():
            replace_dead_nodes(cluster)
            time.sleep(0.1)
        running.result()
    assert manifests(tmp_path / "work") == expected
    assert deaths(tmp_path) == set(expected)
    again = {stage: sum(counts) - len(counts) for stage, counts in begun(tmp_path).items()}
    print("blocks made again, by stage:", again)
    assert min(again.values()) == 1
    assert max(again.values()) <= (1 if victim is os.getpid else 2)  # what the node was making
