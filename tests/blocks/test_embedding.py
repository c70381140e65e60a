"""Embeddings block by block are those of the model in memory."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from base.errors import UserError
from blocks import network
from blocks.embedding import check_current, check_fit, embedding_stages
from blocks.local_engine import LocalEngine
from blocks.model_weights import stored_model, weights_stage
from blocks.runner import opened
from blocks.work_dir import MANIFEST, WorkDir
from config import AGGREGATORS, HEADS
from data.splits import split_interactions
from model.checkpoint import Checkpoint, load_checkpoint
from model.inputs import build_inputs
from tests.blocks.here import Here
from tests.blocks.works import prepared
from tests.factories import random_movielens
from tests.trained import MODEL, trained_checkpoint

NO_VIEWS = {"graph_view": 0.0, "content_view": 0.0}


def inputs_of(model):
    movielens = random_movielens()
    split = split_interactions(movielens.interactions, movielens.num_users, movielens.num_movies)
    return build_inputs(movielens, split, model, 0)


@cache
def trained(model):
    """A checkpoint and the inputs of its training."""
    return trained_checkpoint(random_movielens(), model), inputs_of(model)


def a_work(folder, model=MODEL, **kwargs):
    """A checkpoint in a file, and a work folder with the same features."""
    checkpoint, inputs = trained(model)
    folder.mkdir(exist_ok=True)
    checkpoint.save(folder / "best.pt")
    assert torch.equal(inputs.nodes.features, checkpoint.features)
    prepared(folder / "work", inputs.nodes, inputs.views, **kwargs)
    return checkpoint, folder / "work"


def embed(folder, engine=None, checkpoint=None):
    """The blocks that were made, and all candidates and queries."""
    engine = engine or Here()
    with opened(folder, engine) as runner:
        runner.adopt(("features", "neighbors"), "prepare")
        runner.run([weights_stage(checkpoint or folder.parent / "best.pt")])
        check_fit(runner.work_dir)
        runner.run(embedding_stages(runner.work_dir))
        blocks = list(runner.work_dir.each("embeddings"))
    vectors = [np.concatenate([block[name] for block in blocks]) for name in ("candidates", "queries")]
    return getattr(engine, "blocks", None), vectors


def assert_equal(vectors, checkpoint: Checkpoint):
    for ours, theirs in zip(vectors, (checkpoint.embeddings, checkpoint.query_embeddings), strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=0, atol=1e-6)


ONE_LAYER, TWO_LAYERS = {"num_neighbors": 5}, {"num_layers": 2, "num_neighbors": (5, 3)}


@pytest.mark.parametrize(
    "changes",
    [{"aggregator": name} | layers for name in AGGREGATORS for layers in (ONE_LAYER, TWO_LAYERS)]
    + [{"head": name} | TWO_LAYERS | views for name in HEADS for views in ({}, NO_VIEWS)],
    ids=str,
)
def test_blocks_embed_as_the_model_does(tmp_path, changes):
    model = replace(MODEL, **changes)
    layers = model.num_layers
    checkpoint, work = a_work(tmp_path, model)
    made, vectors = embed(work)
    assert len(made) == 1 + 3 * (2 * layers + 1)
    assert_equal(vectors, checkpoint)
    assert [path.name for path in (work / "layer-1").iterdir()] == [MANIFEST]  # temporary files are gone


@pytest.mark.parametrize("views", [{"graph_view": 0.0}, {"content_view": 0.0}])
def test_one_view_alone(tmp_path, views):
    checkpoint, work = a_work(tmp_path, replace(MODEL, **views))
    assert_equal(embed(work)[1], checkpoint)


def test_shares_of_the_views_count(tmp_path):
    checkpoint, work = a_work(tmp_path)
    blend = checkpoint.blend
    assert blend is not None
    less = replace(
        checkpoint,
        blend=replace(blend, graph_share=0.1, content_share=0.3),
        query_embeddings=blend.with_shares(checkpoint.query_embeddings, 0.1, 0.3),
    )
    assert not torch.allclose(less.query_embeddings, checkpoint.query_embeddings, atol=1e-3)
    less.save(tmp_path / "less.pt")
    assert_equal(embed(work, checkpoint=tmp_path / "less.pt")[1], less)


@pytest.mark.parametrize("films_per_block", [1, 5, 20, 50])
def test_the_size_of_a_block_changes_nothing(tmp_path, films_per_block, monkeypatch):
    monkeypatch.setattr(network, "POOLED_BYTES", 4 * 5 * 16 * 3)  # three films at a time
    checkpoint, work = a_work(tmp_path, films_per_block=films_per_block)
    assert_equal(embed(work)[1], checkpoint)


def test_a_wider_neighbour_table_begins_with_the_same_neighbours(tmp_path):
    checkpoint, work = a_work(tmp_path)
    wide = inputs_of(replace(MODEL, num_neighbors=9))
    assert wide.nodes.neighbors.shape[1] == 9
    prepared(tmp_path / "wide", wide.nodes, wide.views)
    assert_equal(embed(tmp_path / "wide")[1], checkpoint)


@pytest.mark.slow
def test_any_number_of_processes_gives_the_same_bits(tmp_path):
    model = replace(MODEL, num_layers=2)
    found = []
    for workers in (1, 2, 4):
        checkpoint, work = a_work(tmp_path / str(workers), model)
        # The sources of the test have other paths, so their keys differ; the digests must not.
        _, vectors = embed(work, LocalEngine(workers))
        assert_equal(vectors, checkpoint)
        found.append(WorkDir(work).manifest("embeddings")["digests"])
    assert len(found[0]) == 3
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("dies_after", [0, 1, 3, 5, 8, 12, 15])
def test_a_killed_run_is_continued_and_nothing_is_repeated(tmp_path, dies_after):
    checkpoint, work = a_work(tmp_path, replace(MODEL, num_layers=2))
    first = Here(dies_after)
    with pytest.raises(KeyboardInterrupt):
        embed(work, first)
    made, vectors = embed(work)
    assert len(first.blocks) == dies_after
    assert len(made) + dies_after == len({*made, *first.blocks}) == 16
    assert_equal(vectors, checkpoint)
    assert embed(work)[0] == []


def test_another_checkpoint_embeds_again_and_a_moved_one_does_not(tmp_path):
    _, work = a_work(tmp_path)
    embed(work)
    moved = tmp_path / "moved.pt"
    (tmp_path / "best.pt").rename(moved)
    assert embed(work, checkpoint=moved)[0] == []
    changed = load_checkpoint(moved)
    changed.trainer["model"]["head.shared.layers.0.bias"] += 1
    changed.save(tmp_path / "other.pt")
    made, _ = embed(work, checkpoint=tmp_path / "other.pt")
    assert ("weights", 0) in made and len(made) == 1 + 9


def test_workers_get_the_weights_of_the_checkpoint_alone(tmp_path):
    checkpoint, work = a_work(tmp_path)
    embed(work)
    stored = stored_model(WorkDir(work))
    assert stored.settings == checkpoint.settings
    assert stored.model_settings == MODEL
    model, blend = network.network(stored), network.blend_of(stored)
    for name, weight in checkpoint.trainer["model"].items():
        assert torch.equal(model.state_dict()[name], weight)
    assert blend is not None and checkpoint.blend is not None
    assert blend.lengths == checkpoint.blend.lengths
    for ours, theirs in zip(blend.covariances, checkpoint.blend.covariances, strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spectral_dim": 3}, r"has \d+ features, but the checkpoint needs \d+; run --mode prepare"),
        ({"num_neighbors": 4}, "has 4 `num_neighbors`, but the checkpoint needs 5; run"),
        ({"graph_view": 0.0}, "has 0 columns of `graph_view`, but the checkpoint needs 19; run"),
        (NO_VIEWS, "has 0 columns of `graph_view`, but the checkpoint needs 19; run"),
    ],
)
def test_a_work_of_other_settings_is_refused(tmp_path, changes, message):
    a_work(tmp_path)
    other = inputs_of(replace(MODEL, **changes))
    work = prepared(tmp_path / "other", other.nodes, other.views)
    with pytest.raises(UserError, match=message):
        embed(work)


def test_embeddings_of_earlier_features_are_noticed(tmp_path):
    _, work = a_work(tmp_path)
    embed(work)
    inputs = inputs_of(MODEL)

    def keys():
        return {
            name: WorkDir(work).manifest(name)["key"]
            for name in ("features", "neighbors", "weights", "embeddings")
        }

    check_current(WorkDir(work), keys())
    prepared(work, inputs.nodes, inputs.views, version=2)
    with pytest.raises(UserError, match="of other features .* run --mode embed again"):
        check_current(WorkDir(work), keys())


@pytest.mark.parametrize("damage", ["manifest", "text", "key", "block", "bit", "digest"])
def test_a_damaged_preparation_is_refused(tmp_path, damage):
    _, work = a_work(tmp_path)
    block, manifest = WorkDir(work).path("features", 1), work / "features" / MANIFEST
    if damage == "manifest":
        manifest.unlink()
    elif damage == "text":
        manifest.write_text("{")
    elif damage == "key":
        manifest.write_text(manifest.read_text().replace('"key": "', '"key": "0'))
    elif damage == "digest":
        digest = WorkDir(work).manifest("features")["digests"][1]
        manifest.write_text(manifest.read_text().replace(digest, "0" * len(digest)))
    elif damage == "block":
        block.unlink()
    else:
        content = bytearray(block.read_bytes())
        content[5] ^= 1
        block.write_bytes(content)
    message = "has no features; run" if damage in ("manifest", "text") else "missing or damaged; run"
    with pytest.raises(UserError, match=f"{message} --mode prepare"):
        embed(work)


def test_a_checkpoint_that_is_missing_or_no_checkpoint_is_refused(tmp_path):
    _, work = a_work(tmp_path)
    with pytest.raises(UserError, match="no checkpoint at .*none.pt .* train a model first"):
        embed(work, checkpoint=tmp_path / "none.pt")
    (tmp_path / "text.pt").write_text("text")
    with pytest.raises(UserError, match="is damaged or not a checkpoint"):
        embed(work, checkpoint=tmp_path / "text.pt")
