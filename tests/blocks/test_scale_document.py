"""The engines and the cluster file of docs/scale.md work; Slurm and Spark are stood in for."""

import os

import numpy as np
import pytest

from base.errors import WorldError
from blocks.runner import opened
from blocks.stage import Stage
from tests.blocks.kills import ROOT
from tests.blocks.sums import expected, stages
from tests.documents.pages import pages

# Runs the script of its standard input once for each number of the array.
SBATCH = """#!/bin/bash
[ "$1" = --wait ] || exit 9
range=${2#--array=}
script=$(mktemp)
cat > "$script"
chmod +x "$script"
worst=0
for number in $(seq "${range%-*}" "${range#*-}"); do
    SLURM_ARRAY_TASK_ID=$number "$script" || worst=1
done
rm "$script"
exit $worst
"""


class Partitions:
    """What Spark makes of a list."""

    def __init__(self, values):
        self.values = values

    def map(self, function):
        return Partitions([function(value) for value in self.values])

    def collect(self):
        return self.values


class Context:
    """Spark's way in."""

    def parallelize(self, values, num_partitions):
        assert num_partitions == len(values)
        return Partitions(values)


def document():
    return next(page for page in pages() if page.path.name == "scale.md")


@pytest.fixture(scope="module")
def engines():
    """What the document's Python defines."""
    names = {}
    for text in document().in_language("python"):
        exec(compile(text, "docs/scale.md", "exec"), names)
    return names


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A folder with a ``sbatch`` that runs jobs here."""
    program = tmp_path / "bin" / "sbatch"
    program.parent.mkdir()
    program.write_text(SBATCH)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(ROOT)


def fails(work_dir, block):
    """A stage that cannot be made."""
    raise OSError("no")


def test_a_job_array_of_slurm_makes_the_blocks(engines, slurm, tmp_path):
    with opened(tmp_path / "work", engines["SlurmEngine"]()) as runner:
        runner.run(stages(2))
        assert np.array_equal(runner.work_dir.block("joined")["all"], expected(2))
        with pytest.raises(WorldError, match="blocks of fails failed"):
            runner.run([Stage("fails", fails, 1)])


def test_spark_makes_the_blocks(engines, tmp_path):
    with opened(tmp_path, engines["SparkEngine"](Context())) as runner:
        runner.run(stages())
        assert np.array_equal(runner.work_dir.block("joined")["all"], expected())


def test_the_cluster_file_fits_the_schema_of_ray():
    pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-ray.txt")
    import yaml
    from ray.autoscaler._private.util import prepare_config, validate_config

    (text,) = document().in_language("yaml")
    validate_config(prepare_config(yaml.safe_load(text)))
