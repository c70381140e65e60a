"""What a GPU computes, compared with a CPU; skipped where there is no GPU. ``python -m pytest -m cuda``."""

import numpy as np
import pytest
import torch

from commands.entry import main_inference, main_modes, main_train
from data.splits import held_out_queries, split_movielens
from evaluation.validation import judge_by
from model.checkpoint import load_checkpoint
from model.inputs import build_inputs
from model.trainer import Trainer
from search.exact import ExactIndex
from tests.commands.test_commands import FAST, flags
from tests.factories import random_movielens
from tests.planted import planted_movielens
from tests.trained import MODEL, TRAINING

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def trainer_on(device, movielens=None):
    movielens = movielens or random_movielens()
    split = split_movielens(movielens, "leave_one_out")
    inputs = build_inputs(movielens, split, MODEL, 0)
    return Trainer(inputs, split, MODEL, TRAINING, 0, torch.device(device))


def test_a_training_on_a_gpu_has_the_losses_of_one_on_a_cpu():
    on_cpu, on_gpu = trainer_on("cpu"), trainer_on("cuda")
    assert next(on_gpu.model.parameters()).is_cuda
    for _ in range(3):
        assert on_gpu.train_epoch()["loss"] == pytest.approx(on_cpu.train_epoch()["loss"], rel=1e-3)
    for ours, theirs in zip(on_gpu.embeddings(), on_cpu.embeddings(), strict=True):
        assert not ours.is_cuda
        torch.testing.assert_close(ours, theirs, atol=0.01, rtol=0)


def test_equal_weights_embed_all_films_equally_and_have_the_same_validation():
    on_cpu, on_gpu = trainer_on("cpu"), trainer_on("cuda")
    on_cpu.train_epoch()
    on_gpu.load_state_dict(on_cpu.state_dict())
    found = [trainer.embeddings() for trainer in (on_cpu, on_gpu)]
    for cpu, gpu in zip(*found, strict=True):
        torch.testing.assert_close(cpu, gpu, atol=1e-5, rtol=0)
    split = split_movielens(random_movielens(), "leave_one_out")
    cpu, gpu = (judge_by(held_out_queries(split, "validation"))(embeddings) for embeddings in found)
    assert gpu == pytest.approx(cpu, abs=1e-3)


def test_a_training_resumed_on_a_gpu_goes_on_as_an_uninterrupted_one():
    whole, first, second = (trainer_on("cuda") for _ in range(3))
    whole_losses = [whole.train_epoch()["loss"] for _ in range(3)]
    losses = [first.train_epoch()["loss"]]
    second.load_state_dict(first.state_dict())
    losses += [second.train_epoch()["loss"] for _ in range(2)]
    assert losses == pytest.approx(whole_losses, rel=1e-3)


def test_commands_train_on_a_gpu_and_answer_on_a_cpu(tmp_path, capsys):
    planted_movielens(tmp_path / "planted")
    assert main_train([*flags(tmp_path), "--epochs", "2", "--device", "cuda", *FAST]) == 0
    checkpoint = load_checkpoint(tmp_path / "checkpoints" / "best.pt")
    assert not checkpoint.embeddings.is_cuda
    resume = ["--resume", "--epochs", "3"]
    assert main_train([*flags(tmp_path), *FAST, *resume, "--device", "cuda"]) == 0
    capsys.readouterr()
    folder = ["--checkpoint_dir", str(tmp_path / "checkpoints")]
    assert main_inference([*folder, "--movie_id", str(int(checkpoint.movies.ids[0]))]) == 0
    assert main_modes(["--mode", "evaluate", *flags(tmp_path)]) == 0


def test_exact_search_finds_the_same_ids():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(5000, 32)).astype(np.float32)
    queries = rng.normal(size=(50, 32)).astype(np.float32)
    found = ExactIndex().build(vectors, np.arange(5000)).search(queries, 10)
    assert np.array_equal(found.ids, np.argsort(-(queries @ vectors.T), axis=1, kind="stable")[:, :10])
