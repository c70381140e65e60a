import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from base.distributed import join_process_group, share_of
from data.dataset import load_movielens
from model.checkpoint import BEST, load_checkpoint
from tests.planted import planted_movielens

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = (
    "--epochs 3 --batch_size 500 --num_negatives 20 --max_hard_negatives 2 --spectral_dim 8 --num_layers 2 "
    "--num_neighbors 5 --hidden_dim 16 --embedding_dim 8 --patience 9 --num_threads 1 --device cpu"
).split()


def run(tmp_path, data, name, processes):
    """Train in a process of its own, or in several; returns the history and the embeddings."""
    launcher = [sys.executable]
    if processes > 1:
        launcher += ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    folders = [f"--checkpoint_dir={tmp_path / name}", f"--output_dir={tmp_path / name}"]
    done = subprocess.run(
        [*launcher, "train.py", f"--data_dir={data}", *SETTINGS, *folders],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    with (tmp_path / name / "training_history.csv").open() as file:
        history = list(csv.DictReader(file))
    return history, load_checkpoint(tmp_path / name / BEST).embeddings, done.stderr


@pytest.mark.slow
def test_two_processes_train_as_one_does(tmp_path):
    data = planted_movielens(tmp_path)
    assert load_movielens(data).num_movies > 2
    alone, its_embeddings, _ = run(tmp_path, data, "one", 1)
    together, their_embeddings, said = run(tmp_path, data, "two", 2)
    assert len(alone) == len(together) == 3
    for name in ("loss", "validation_mrr", "hard_negatives"):
        theirs = [float(row[name]) for row in together]
        assert theirs == pytest.approx([float(row[name]) for row in alone], rel=1e-3), name
    torch.testing.assert_close(their_embeddings, its_embeddings, atol=1e-3, rtol=0)
    assert said.count("epoch  3/3") == 1  # one of them speaks


@pytest.mark.parametrize(
    ("device", "steps"), [("cuda:1", ["GPU cuda:1", "join nccl"]), ("cpu", ["join gloo"])]
)
def test_a_process_takes_its_gpu_before_it_joins(monkeypatch, device, steps):
    done = []
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("torch.cuda.set_device", lambda device: done.append(f"GPU {device}"))
    monkeypatch.setattr("torch.distributed.init_process_group", lambda name: done.append(f"join {name}"))
    join_process_group(torch.device(device))
    assert done == steps


def test_shares_are_disjoint_complete_and_hold_different_queries(monkeypatch):
    queries = torch.randint(10, (57,), generator=torch.Generator().manual_seed(0))
    shares = []
    for rank in range(3):
        monkeypatch.setattr("base.distributed.world_size", lambda: 3)
        monkeypatch.setattr("base.distributed.rank", lambda rank=rank: rank)
        shares.append(share_of(queries))
    assert torch.cat([mine for mine, _ in shares]).sort().values.tolist() == list(range(57))
    assert sum(part for _, part in shares) == pytest.approx(1)
    assert sum(len(queries[mine].unique()) for mine, _ in shares) <= 10 + 2  # a query at a cut is in two
    assert share_of(queries[:2])[0].tolist() == [0, 1]
