"""The benchmark of training: DGL's process, and what is compared with what."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from base.errors import UserError, WorldError
from benchmarks.rivals import pinsage_dgl_process
from benchmarks.rivals.pinsage_dgl_process import DglTraining, content_of
from benchmarks.training import DGL, OURS, PLAIN, ratio_lines, speed_table
from data.dataset import load_movielens
from data.splits import split_movielens
from tests.planted import block_of, planted_movielens
from tests.test_rooms import imported_modules

FAKE = Path(__file__).with_name("fake_dgl.py")


@pytest.fixture(scope="module")
def movielens(tmp_path_factory):
    folder = planted_movielens(tmp_path_factory.mktemp("training"), 100, 80, per_user=20)
    return load_movielens(folder, cache=False)


@pytest.fixture(scope="module")
def split(movielens):
    return split_movielens(movielens, "temporal")


def test_interactions_go_out_and_rates_come_back(movielens, split):
    with DglTraining(sys.executable, split, movielens.movies, script=FAKE) as dgl:
        assert dgl.versions == {"dgl": "fake", "torch": "none"}
        seen = len(split.train) + split.num_movies**2
        assert dgl.rate(3, 10, batch_size=32, seconds=2) == 32 * seen / 2
        z = dgl.embeddings(3, 10, batch_size=32, lr=0.001, num_pairs=100, seed=0)
        films = torch.arange(split.num_movies)
        same_block = (films[:, None] - films) % 2 == 0
        assert torch.equal(z.queries @ z.candidates.T, same_block + films.float())
        with pytest.raises(WorldError, match="DGL: out of luck"):
            dgl.rate(13, 10, batch_size=32, seconds=2)


def test_genres_and_years_are_known(movielens):
    content = content_of(movielens.movies)
    assert content.dtype == np.float32 and np.isfinite(content).all()
    assert list(content[:, :-1].sum(axis=1)) == [len(genres) for genres in movielens.movies.genres]
    years = np.nan_to_num(movielens.movies.years, nan=2000)
    assert 100 * content[:, -1] + 2000 == pytest.approx(years)


def test_a_missing_environment_is_one_line(movielens, split):
    with pytest.raises(UserError, match="cannot run nowhere/python.*requirements-dgl.txt"):
        DglTraining("nowhere/python", split, movielens.movies)
    if not can_import_dgl(sys.executable):
        with pytest.raises(WorldError, match="cannot import DGL.*requirements-dgl.txt"):
            with DglTraining(sys.executable, split, movielens.movies):
                pass


def test_the_script_of_the_other_environment_imports_nothing_of_ours():
    source = pinsage_dgl_process.SCRIPT.read_text(encoding="utf-8")
    names = {name.split(".")[0] for _, name in imported_modules(source)}
    assert names - {"dgl", "numpy", "torch"} <= sys.stdlib_module_names


def test_dgl_trains(movielens, split):
    """Needs DGL: set PINSAGE_DGL_PYTHON to the Python of its environment."""
    python = os.environ.get("PINSAGE_DGL_PYTHON")
    if python is None or not can_import_dgl(python):
        pytest.skip("DGL: PINSAGE_DGL_PYTHON does not name a Python that has it")
    with DglTraining(python, split, movielens.movies) as dgl:
        assert dgl.rate(3, 10, batch_size=64, seconds=0.2) > 0
        trained, again = (dgl.embeddings(3, 10, 64, lr=0.003, num_pairs=20_000, seed=0) for _ in range(2))
    assert torch.equal(trained.candidates, again.candidates)
    scores = (trained.queries @ trained.candidates.T).fill_diagonal_(-torch.inf)
    block = torch.tensor([block_of(film) for film in movielens.movies.ids])
    best = scores.topk(5).indices
    assert (block[best] == block[:, None]).float().mean() > 0.9


def can_import_dgl(python):
    done = subprocess.run(
        [python, "-c", "import dgl"], capture_output=True, env=os.environ | {"DGLBACKEND": "pytorch"}
    )
    return done.returncode == 0


def test_ratios_are_to_the_plain_loop_and_to_dgl_where_it_takes_part():
    speeds = {
        (OURS, 4096, "1,024"): 90.0,
        (OURS, 8192, "all films"): 120.0,
        (OURS, 16384, "all films"): 200.0,
        (PLAIN, 512, "50 each"): 20.0,
    }
    [line] = ratio_lines((3, 10), speeds)
    assert line.startswith("ratio: 10.0 (") and "T = 3, 10 walks" in line and "plain loop at 512" in line
    speeds |= {(DGL, 32, "1 each"): 1.0, (DGL, 512, "1 each"): 10.0, (DGL, 16384, "1 each"): 100.0}
    _, small, large = ratio_lines((3, 10), speeds)
    assert small.startswith("ratio: 20.0 (") and "DGL at 512" in small
    assert large.startswith("ratio: 2.0 (") and "DGL at 16,384" in large
    table = speed_table((3, 10), speeds)
    assert "pairs per processor-second" in table and "all films" in table
