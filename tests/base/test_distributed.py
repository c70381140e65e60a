import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist

from base import joining
from base.distributed import (
    broadcast_from_leader,
    from_leader,
    gather_objects,
    gather_rows,
    share_of,
    share_of_rows,
)
from base.errors import UserError
from base.joining import join_process_group
from data.dataset import load_movielens
from data.splits import Queries
from evaluation.ranking import EmbeddingScorer, rank_targets
from evaluation.validation import question_shares, ranks_together
from model.aggregators import AGGREGATIONS
from model.checkpoint import BEST, load_checkpoint
from model.pinsage import PinSage
from tests.planted import planted_movielens

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = (
    "--epochs 3 --batch_size 500 --num_negatives 20 --max_hard_negatives 2 --spectral_dim 8 --num_layers 2 "
    "--num_neighbors 5 --hidden_dim 16 --embedding_dim 8 --patience 9 --num_threads 1 --device cpu"
).split()


def run(tmp_path, data, name, processes, *more):
    """Train in a process of its own, or in several; returns the history and the embeddings."""
    launcher = [sys.executable]
    if processes > 1:
        launcher += ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    folders = [f"--checkpoint_dir={tmp_path / name}", f"--output_dir={tmp_path / name}"]
    done = subprocess.run(
        [*launcher, "train.py", f"--data_dir={data}", *SETTINGS, *folders, *more],
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


@pytest.mark.slow
def test_one_of_two_processes_writes_the_events(tmp_path):
    pytest.importorskip("tensorboard", reason="needs requirements-tune.txt")
    run(tmp_path, planted_movielens(tmp_path), "two", 2, "--tensorboard")
    assert len(list((tmp_path / "two" / "tensorboard").iterdir())) == 1


@pytest.mark.parametrize(
    ("device", "steps"),
    [("cuda:1", ["meet cuda", "GPU cuda:1", "join nccl"]), ("cpu", ["meet cpu", "join gloo"])],
)
def test_a_process_takes_its_gpu_before_it_joins(monkeypatch, device, steps):
    done = []
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(joining, "rendezvous", lambda url, timeout: iter([(dist.HashStore(), 1, 2)]))
    monkeypatch.setattr(joining, "meet", lambda *given: done.append(f"meet {given[4]['device']}"))
    monkeypatch.setattr("torch.cuda.set_device", lambda device: done.append(f"GPU {device}"))
    monkeypatch.setattr("torch.distributed.init_process_group", lambda name, **_: done.append(f"join {name}"))
    assert join_process_group(lambda: torch.device(device), {}) == torch.device(device)
    assert done == steps


def test_a_process_without_its_device_tells_the_others(monkeypatch):
    said = []

    def no_device():
        raise UserError("no such device")

    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(joining, "rendezvous", lambda url, timeout: iter([(dist.HashStore(), 1, 2)]))

    def hear(store, rank, world_size, problem, facts):
        said.append(str(problem))
        raise problem

    monkeypatch.setattr(joining, "meet", hear)
    with pytest.raises(UserError, match="no such device"):
        join_process_group(no_device, {})
    assert said == ["no such device"]


@pytest.mark.parametrize(("num_rows", "size"), [(10, 1), (10, 2), (11, 3), (5, 4), (1, 3), (0, 2)])
def test_shares_of_rows_are_blocks_that_cover_all(monkeypatch, num_rows, size):
    monkeypatch.setattr("base.distributed.world_size", lambda: size)
    rows = []
    for number in range(size):
        monkeypatch.setattr("base.distributed.rank", lambda number=number: number)
        rows += range(num_rows)[share_of_rows(num_rows)]
    assert rows == list(range(num_rows))


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


PROCESSES = 3


def member(number, folder):
    """What one process of a group does for the tests below."""
    store = dist.FileStore(str(folder / "store"), PROCESSES)
    dist.init_process_group("gloo", store=store, rank=number, world_size=PROCESSES)
    torch.set_num_threads(1)
    torch.save((talk(number), embed(), ranks_together(*many_questions())), folder / f"{number}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    """What ``member`` computed in each process of a group."""
    folder = tmp_path_factory.mktemp("group")
    torch.multiprocessing.spawn(member, (folder,), nprocs=PROCESSES)
    return [torch.load(folder / f"{number}.pt", weights_only=False) for number in range(PROCESSES)]


def talk(number):
    rows = torch.arange(22.0).view(11, 2)
    value = {"a": np.arange(5.0) + number, "b": np.zeros((0, 3)), "c": ["text", number]}
    return (
        gather_rows(rows[share_of_rows(11)], 11),
        gather_objects(number),
        broadcast_from_leader(value),
        from_leader(lambda: f"of {number}"),
    )


@pytest.mark.slow
def test_all_have_the_rows_of_all_and_the_values_of_the_leader(members):
    for (rows, numbers, value, text), _, _ in members:
        assert torch.equal(rows, torch.arange(22.0).view(11, 2))
        assert numbers == [0, 1, 2]
        assert value["a"].tolist() == [0, 1, 2, 3, 4] and value["b"].shape == (0, 3)
        assert value["c"] == ["text", 0] and text == "of 0"


def embed():
    """Embeddings by one process and by all, of 29 films and of two, so that one process has none."""
    torch.manual_seed(0)
    features, weights = torch.randn(29, 6), torch.rand(29, 4)
    neighbors = torch.randint(29, (29, 4))
    found = []
    for aggregator in AGGREGATIONS:
        model = PinSage(6, 8, 10, (4, 2), aggregator, "mixed")
        for rows in (29, 2):
            films = (features[:rows], neighbors[:rows] % rows, weights[:rows])
            found.append([model.embed_all(*films, block_size=4, together=how) for how in (False, True)])
    return found


@pytest.mark.slow
def test_films_embedded_in_shares_are_those_of_one_process(members):
    for _, found, _ in members:
        assert len(found) == 2 * len(AGGREGATIONS)
        for alone, together in found:
            for one, other in zip(alone, together, strict=True):
                torch.testing.assert_close(other, one)


def many_questions():
    rng = np.random.default_rng(0)
    queries, targets = rng.integers(0, 900, (2, 3_000)).astype(np.int32)
    vectors = rng.standard_normal((900, 16)).astype(np.float32)
    return EmbeddingScorer(vectors), Queries("pairs", queries, queries, targets, np.arange(3_001), queries)


@pytest.mark.slow
def test_questions_answered_in_shares_have_the_ranks_of_one_process(members):
    expected = rank_targets(*many_questions())
    for _, _, ranks in members:
        assert ranks.tolist() == expected.tolist()


def test_shares_of_questions_are_whole_blocks_that_cover_all():
    _, questions = many_questions()
    shares = question_shares(questions, 3)
    assert min(map(len, shares)) > 300  # one block of four
    assert sorted(np.concatenate(shares)) == list(range(3_000))
    films = [set(questions.queries[share]) for share in shares]
    assert not films[0] & films[1] and not films[1] & films[2]
