"""Features and neighbours over blocks, against those of everything at once."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from base.errors import UserError
from blocks.description import Description, write_description
from blocks.ingest.source import find_source
from blocks.local_engine import LocalEngine
from blocks.power_iteration import panel_vectors
from blocks.preparation import preparation
from blocks.prepared import prepared_data, prepared_inputs
from blocks.runner import opened
from blocks.work_dir import MANIFEST, WorkDir
from commands.entry import main_modes, main_train
from config import Config, ModelConfig
from data.dataset import load_movielens
from data.graph_view import rater_matrix
from data.sources.synthetic import SyntheticSize, generate
from data.splits import split_movielens
from model.checkpoint import load_checkpoint
from model.inputs import ModelInputs, build_inputs
from model.nodes import Nodes
from model.shadows import ShadowSampler
from model.trainer import Trainer
from model.training import data_identity
from model.views import Views

SETTINGS_OF_MODEL = ModelConfig(spectral_dim=12, num_walks=30, num_neighbors=5)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Synthetic ratings, written as a release."""
    folder = tmp_path_factory.mktemp("data")
    generate(SyntheticSize(num_users=300, num_movies=200, num_ratings=8000), 0, folder)
    return folder


@pytest.fixture(scope="module")
def work(data, tmp_path_factory):
    """The same ratings prepared over several panels and blocks; nothing is removed.

    By processes with one thread, as any work is: with more, some BLAS give other bits.
    """
    folder = tmp_path_factory.mktemp("work")
    prepare(data, folder, LocalEngine(1), keep=True)
    return folder


def prepare(data, folder, engine, keep=False):
    stages = preparation(find_source(data), "temporal", 0.0, SETTINGS_OF_MODEL, 0, 64, 1500)
    with opened(folder, engine) as runner:
        runner.run([replace(stage, temporary=stage.temporary and not keep) for stage in stages])


@pytest.fixture(scope="module")
def at_once(data):
    movielens = load_movielens(data, cache=False)
    split = split_movielens(movielens, "temporal")
    return movielens, split, build_inputs(movielens, split, SETTINGS_OF_MODEL, 0)


def joined(work, stage, name):
    return np.concatenate([arrays[name] for arrays in WorkDir(work).each(stage)])


def test_there_are_several_blocks_of_everything(work):
    work_dir = WorkDir(work)
    assert work_dir.num_blocks("user_rows") > 3
    assert work_dir.num_blocks("features") == work_dir.num_blocks("neighbors") == 4


def test_neighbours_are_the_same_to_the_bit(work, at_once):
    nodes = at_once[2].nodes
    assert np.array_equal(joined(work, "neighbors", "neighbors"), nodes.neighbors.numpy())
    assert np.array_equal(joined(work, "neighbors", "weights"), nodes.weights.numpy())


def test_features_without_the_graph_are_the_same_to_the_bit(work, at_once):
    features, expected = joined(work, "features", "features"), at_once[2].nodes.features.numpy()
    spectral = len(at_once[2].basis.genre_names) + 5
    assert features.shape == expected.shape
    assert np.array_equal(features[:, :spectral], expected[:, :spectral])


@pytest.mark.parametrize(("name", "normalised"), [("spectral", True), ("view", False)])
def test_singular_vectors(work, at_once, name, normalised):
    """Against an exact SVD: the largest values, and the subspace of those that are apart from the rest."""
    _, split, inputs = at_once
    matrix = rater_matrix(inputs.graph).toarray().astype(np.float64)
    if normalised:
        movies, users = (np.maximum(matrix.sum(axis=axis, keepdims=True), 1) for axis in (1, 0))
        matrix /= np.sqrt(movies) * np.sqrt(users)
    _, values, right = np.linalg.svd(matrix, full_matrices=False)
    found = WorkDir(work).block(f"{name}-values")["values"]
    assert np.allclose(found[:8], values[:8], rtol=0.03)
    assert (found <= values[: len(found)] * 1.0001).all()
    panels = range(WorkDir(work).num_blocks("user_rows"))
    vectors = np.concatenate([panel_vectors(WorkDir(work), panel, name, normalised) for panel in panels])
    assert np.allclose(vectors.T @ vectors, np.eye(vectors.shape[1]), atol=1e-4)
    cosines = np.linalg.svd(right[:3] @ vectors)[1]
    assert cosines.min() > 0.99


@pytest.mark.parametrize("num_workers", [1, 2, 4])
def test_blocks_are_the_same_for_any_number_of_processes(data, work, tmp_path, num_workers):
    prepare(data, tmp_path, LocalEngine(num_workers))
    for manifest in sorted(work.glob(f"*/{MANIFEST}")):
        same = tmp_path / manifest.relative_to(work)
        assert json.loads(same.read_text()) == json.loads(manifest.read_text()), same


def settings_of(**changed):
    """A configuration with the settings of the work folder."""
    names = ("spectral_dim", "num_walks", "num_neighbors")
    of_model = {name: getattr(SETTINGS_OF_MODEL, name) for name in names}
    return Config().override(
        of_model | {"split": "temporal", "hidden_dim": 16, "embedding_dim": 16} | changed
    )


def test_data_of_a_prepared_folder_have_the_same_identity(work, data, at_once):
    movielens, split, _ = at_once
    write_description(work, Description.of(find_source(data), settings_of()))
    found, found_split = prepared_data(work)
    expected = data_identity(movielens, split)
    assert data_identity(found, found_split) == expected
    assert np.array_equal(found.user_ids, movielens.user_ids)
    assert found.movies.titles == movielens.movies.titles
    assert found.movies.genres == movielens.movies.genres


def test_training_on_mapped_inputs_is_training_on_the_same_arrays_in_memory(work, at_once):
    """Pairs, negatives and shadows come from the same edges, so all losses are equal to the bit."""
    _, split, in_memory = at_once
    config = settings_of(pairs_per_epoch=1000, batch_size=100)
    data, of_pairs = prepared_data(work)
    mapped = prepared_inputs(work, data.facts, config.model, 0)
    copied = ModelInputs(
        in_memory.graph,
        mapped.basis,
        Nodes(*(part.clone() for part in mapped.nodes)),
        ShadowSampler(in_memory.graph, mapped.basis, at_once[0].facts, config.model, 0),
        Views(*(part.clone() for part in mapped.views)),
    )
    losses = []
    for inputs, pairs in ((mapped, of_pairs), (copied, split)):
        trainer = Trainer(inputs, pairs, config.model, config.training, 0, torch.device("cpu"))
        losses.append([trainer.train_epoch()["loss"] for _ in range(2)])
    assert losses[0] == losses[1]


def test_the_command_prepares_once(data, tmp_path, capsys):
    line = ["--mode", "prepare", "--data_dir", str(data), "--work_dir", str(tmp_path / "work")]
    line += ["--spectral_dim", "8", "--num_walks", "20", "--workers", "1"]
    for expected in ("neighbors: 1 of 1 blocks made", "0 of the blocks were made"):
        assert main_modes(line) == 0
        assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--weighted_walks", "rating"], "--mode prepare does not know --weighted_walks yet"),
        (["--schema", "a.json"], "--mode prepare does not know --schema yet"),
        (["--data_dir", "nowhere"], "no folder nowhere"),
        (["--ray_address", "auto"], "--ray_address auto needs --engine ray"),
    ],
)
def test_wrong_inputs_end_in_one_line(data, tmp_path, capsys, flags, message):
    line = ["--mode", "prepare", "--data_dir", str(data), "--work_dir", str(tmp_path / "work"), *flags]
    assert main_modes(line) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def test_a_folder_that_is_not_prepared(tmp_path):
    with pytest.raises(UserError, match="is not prepared; run --mode prepare with this `work_dir` first"):
        prepared_data(tmp_path)
    (tmp_path / "work.json").write_text('{"name": "a", "fingerprint": "b", "settings": {}}')
    with pytest.raises(UserError, match="was prepared by another version of the program; run --mode prepare"):
        prepared_data(tmp_path)


@pytest.fixture
def prepared(data, tmp_path):
    """A folder that the command prepared."""
    work = tmp_path / "prepared"
    line = ["--mode", "prepare", "--data_dir", str(data), "--work_dir", str(work), "--split", "temporal"]
    assert main_modes([*line, "--spectral_dim", "8", "--num_walks", "20", "--workers", "1"]) == 0
    return work


def test_training_on_a_prepared_folder(data, prepared, tmp_path, capsys):
    """Also continued: two epochs in two runs are two epochs in one."""
    small = ["--work_dir", str(prepared), "--hidden_dim", "8", "--embedding_dim", "8", "--batch_size", "500"]
    small += ["--lr_schedule", "exponential", "--pairs_per_epoch", "2000"]

    def folders(name):
        return ["--checkpoint_dir", str(tmp_path / name), "--output_dir", str(tmp_path / f"{name}-output")]

    assert main_train([*small, *folders("whole"), "--epochs", "2"]) == 0
    assert main_train([*small, *folders("parts"), "--epochs", "1"]) == 0
    resumed = ["--work_dir", str(prepared), "--resume", "--epochs", "2", *folders("parts")]
    assert main_train(resumed) == 0
    whole, parts = (load_checkpoint(tmp_path / name / "last.pt") for name in ("whole", "parts"))
    assert torch.equal(whole.embeddings, parts.embeddings)
    split = prepared_data(prepared)[1]
    raters = [set(split.train.users[split.train.movies == film].tolist()) for film in range(split.num_movies)]
    known = load_checkpoint(tmp_path / "whole" / "best.pt").co_raters
    for film in (0, 3):
        other, count = known.films[film, 0].item(), known.counts[film, 0].item()
        assert count == len(raters[film] & raters[other])
    assert whole.dataset["name"] == data.name
    assert main_modes(["--mode", "inference", "--checkpoint_dir", str(tmp_path / "whole")]) == 0
    capsys.readouterr()
    assert main_train([*small, *folders("other"), "--spectral_dim", "9"]) == 2
    assert "--spectral_dim 9 contradicts the prepared folder, made with 8" in capsys.readouterr().err
    assert main_train([*small, *folders("other"), "--data_dir", str(data)]) == 2
    assert "--work_dir has the data of a new training; drop it, or --data_dir" in capsys.readouterr().err
    assert main_train(["--work_dir", str(tmp_path / "none"), *folders("other")]) == 2
    assert "none is not prepared; run --mode prepare with this --work_dir first" in capsys.readouterr().err
