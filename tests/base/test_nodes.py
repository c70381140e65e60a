"""``torchrun --nnodes=2``: two network namespaces with a cable between them, and one shared folder."""

import csv

import pytest

from benchmarks.nodes import relative_differences, train_alone, train_on_two_nodes
from benchmarks.nodes_network import reason_against
from model.checkpoint import BEST, load_checkpoint
from tests.planted import planted_movielens
from tests.ranks import SMALL

STEPS = 100


@pytest.fixture(scope="module")
def network():
    """Skips by name where there can be no namespaces."""
    if reason := reason_against():
        pytest.skip(reason)


@pytest.mark.slow
def test_two_nodes_have_the_losses_of_one_process(network, tmp_path):
    data = planted_movielens(tmp_path / "data", num_users=200)

    def flags(name):
        folders = ["--checkpoint_dir", str(tmp_path / name), "--output_dir", str(tmp_path / name)]
        shorter = ["--batch_size", "40", "--pairs_per_epoch", str(40 * STEPS // 2), "--epochs", "2"]
        return ["--data_dir", str(data), *SMALL, *shorter, *folders]

    alone = train_alone(tmp_path / "alone_record", flags("alone"))
    nodes = train_on_two_nodes(tmp_path / "two_record", flags("two"), seconds=200)
    assert len(nodes) == 2
    assert len(alone["losses"]) == STEPS
    assert nodes[0]["losses"] == nodes[1]["losses"]
    assert max(relative_differences(alone["losses"], nodes[0]["losses"])) < 1e-5
    assert abs(alone["losses"][-1] - alone["losses"][0]) > 0.01  # they move
    figures = []
    for name in ("alone", "two"):
        with (tmp_path / name / "training_history.csv").open() as file:
            figures.append([float(row["validation_mrr"]) for row in csv.DictReader(file)])
        assert load_checkpoint(tmp_path / name / BEST).progress["best_epoch"] in (1, 2)
    assert figures[1] == pytest.approx(figures[0], rel=1e-3)
