"""Tags, tag genome, content and the scale of a release: over blocks as in memory."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from base.errors import UserError
from blocks.description import Description, write_description
from blocks.features import read_basis
from blocks.ingest.facts import read_facts
from blocks.ingest.graph import read_graph
from blocks.ingest.source import find_source
from blocks.plain_values import packed, unpacked
from blocks.preparation import preparation
from blocks.prepared import prepared_data, prepared_inputs
from blocks.runner import opened
from blocks.work_dir import WorkDir
from commands.entry import main_modes, main_train
from config import Config
from data.dataset import load_movielens
from data.film_facts import select_facts, training_facts
from data.graph_builder import build_graph
from data.sources.synthetic import SyntheticSize, generate
from data.splits import split_movielens
from model.inputs import build_inputs
from model.training import data_identity
from tests.blocks.here import Here

MIN_RATING = 3.0  # of 10
FEATURES = {
    "interactions": {"best_rating": 10},
    "items": {
        "file": "more.csv",
        "text": ["plot"],
        "numbers": ["price"],
        "categories": ["brand"],
        "keep": ["code"],
        "vectors": [{"name": "frames", "file": "frames.npy", "ids": "frames.txt", "dim": 3}],
    },
}
CONFIG = Config().override({"split": "temporal", "min_rating": MIN_RATING, "spectral_dim": 8, "seed": 3})
WORDS = ["train", "island", "heist", "robot", "dog", "winter", "opera"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Synthetic ratings from 1 to 10 with everything that a release may have beside them."""
    folder = tmp_path_factory.mktemp("facts") / "data"
    folder.mkdir()
    generate(SyntheticSize(num_users=120, num_movies=80, num_ratings=3000), 0, folder)
    rng = np.random.default_rng(0)
    header, *lines = (folder / "ratings.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines]
    doubled = [f"{user},{film},{2 * float(stars):g},{time}" for user, film, stars, time in rows]
    (folder / "ratings.csv").write_text("\n".join([header, *doubled, ""]))
    films = [line.split(",")[0] for line in (folder / "movies.csv").read_text().splitlines()[1:]]
    tags = [f"{user},{film},{rng.choice(WORDS)},1\n" for user, film, *_ in rows[::3]]
    tags += [f"{rows[0][0]},999999,lost,1\n", f"77777,{films[0]},stranger,1\n"]
    (folder / "tags.csv").write_text("userId,movieId,tag,timestamp\n" + "".join(tags))
    names = "".join(f"{tag},tag {tag}\n" for tag in range(1, 6))
    (folder / "genome-tags.csv").write_text("tagId,tag\n" + names)
    scores = [f"{film},{tag},{rng.random():.3f}\n" for film in films[:50] for tag in range(1, 6)]
    (folder / "genome-scores.csv").write_text("movieId,tagId,relevance\n" + "".join(scores))
    plots = [" and ".join(rng.choice(WORDS, 2)) for _ in films[5:]]
    more = [
        f"{film},{plot},{rng.random():.2f},{rng.choice(['a', 'b'])},c{i}\n"
        for i, (film, plot) in enumerate(zip(films[5:], plots, strict=True))
    ]
    (folder / "more.csv").write_text("movieId,plot,price,brand,code\n" + "".join(more))
    np.save(folder / "frames.npy", rng.normal(size=(60, 12)).astype(np.float32))
    (folder / "frames.txt").write_text("\n".join(films[:60]))
    (folder / "features.json").write_text(json.dumps(FEATURES))
    return folder


@pytest.fixture(scope="module")
def work(data, tmp_path_factory):
    """The same data prepared, 32 films per block."""
    folder = tmp_path_factory.mktemp("facts-work")
    source = find_source(data)
    with opened(folder, Here()) as runner:
        runner.run(preparation(source, "temporal", MIN_RATING, CONFIG.model, 3, 32, 1000))
    write_description(folder, Description.of(source, CONFIG))
    return folder


@pytest.fixture(scope="module")
def at_once(data):
    movielens = load_movielens(data, MIN_RATING, cache=False)
    split = split_movielens(movielens, "temporal")
    return movielens, split, build_inputs(movielens, split, CONFIG.model, 3)


def test_all_facts_are_those_of_memory(work, at_once):
    movielens, split, _ = at_once
    found, expected = read_facts(WorkDir(work)), training_facts(movielens.facts, split)
    users = prepared_data(work)[0].user_ids
    assert len(expected.tags.texts) < len(movielens.tags.texts)  # something was held out
    assert sorted(zip(users[found.tags.users], found.tags.movies, found.tags.texts, strict=True)) == sorted(
        zip(movielens.user_ids[expected.tags.users], expected.tags.movies, expected.tags.texts, strict=True)
    )
    assert found.genome.tag_names == expected.genome.tag_names
    assert np.array_equal(found.genome.movies, expected.genome.movies)
    assert np.array_equal(found.genome.relevance, expected.genome.relevance)
    (vectors,), (expected_vectors,) = found.content.vectors, expected.content.vectors
    for name in ("values", "rows", "movies"):
        assert np.array_equal(getattr(vectors, name), getattr(expected_vectors, name))
    plain = {"vectors": (), "numbers": {}}
    assert replace(found.content, **plain) == replace(expected.content, **plain)
    assert np.array_equal(found.content.numbers["price"], expected.content.numbers["price"], equal_nan=True)


def test_features_apart_from_the_spectral_ones_are_those_of_memory(work, at_once):
    nodes, basis = at_once[2].nodes, at_once[2].basis
    found = np.concatenate([block["features"] for block in WorkDir(work).each("features")])
    expected = nodes.features.numpy()
    assert found.shape == expected.shape
    first = len(basis.genre_names) + 5
    spectral = np.arange(first, first + basis.user_basis.shape[1] + 1)
    others = np.setdiff1d(np.arange(found.shape[1]), spectral)
    assert len(others) > len(basis.genre_names) + 40  # tags, genome and content are there
    np.testing.assert_allclose(found[:, others], expected[:, others], atol=1e-5)


def test_the_stored_basis_is_that_of_memory(work, at_once):
    found, expected = read_basis(WorkDir(work)), at_once[2].basis
    assert found.tag_names == expected.tag_names and found.degree_mean == expected.degree_mean
    assert np.array_equal(found.genome_basis, expected.genome_basis)
    content = at_once[0].content
    assert np.array_equal(found.content.features(content, 80), expected.content.features(content, 80))


def test_data_have_the_same_identity(work, at_once):
    found, split = prepared_data(work)
    assert data_identity(found, split) | {"split": ""} == data_identity(*at_once[:2]) | {"split": ""}
    assert found.best_rating == 10 and found.content.kept == at_once[0].content.kept


def test_shadows_keep_their_content(work, at_once):
    facts, expected = prepared_data(work)[0].facts, at_once[2].shadows
    shadows = prepared_inputs(work, facts, CONFIG.model, 3).shadows
    width = expected.content.shape[1]
    for epoch in (0, 1):
        drawn, in_memory = (one.draw(epoch, 0.5).features[:, -width:] for one in (shadows, expected))
        torch.testing.assert_close(drawn, in_memory, atol=1e-5, rtol=0)


def test_facts_of_some_films_are_their_facts(at_once):
    movielens, split, inputs = at_once
    facts, rows = training_facts(movielens.facts, split), np.array([70, 3, 55, 4])
    some = select_facts(facts, rows)
    assert some.movies.titles == [facts.movies.titles[row] for row in rows]
    assert [text for movie, text in zip(some.tags.movies, some.tags.texts, strict=True) if movie == 1] == [
        text for movie, text in zip(facts.tags.movies, facts.tags.texts, strict=True) if movie == 3
    ]
    relevance = dict(zip(facts.genome.movies.tolist(), facts.genome.relevance, strict=True))
    assert np.array_equal(some.genome.relevance, np.stack([relevance[row] for row in (3, 4)]))
    assert some.genome.movies.tolist() == [1, 3]
    content = inputs.basis.content
    np.testing.assert_allclose(
        content.features(some.content, 4), content.features(facts.content, 80)[rows], atol=1e-6
    )


def test_commands_train_and_answer_with_them(data, tmp_path, capsys):
    work, folder = str(tmp_path / "work"), str(tmp_path / "checkpoints")
    line = ["--data_dir", str(data), "--work_dir", work, "--split", "temporal", "--spectral_dim", "8"]
    assert main_modes(["--mode", "prepare", *line, "--num_walks", "20", "--workers", "1"]) == 0
    small = ["--hidden_dim", "8", "--embedding_dim", "8", "--epochs", "1", "--pairs_per_epoch", "1000"]
    assert main_train(["--work_dir", work, "--checkpoint_dir", folder, *small]) == 0
    assert main_modes(["--mode", "embed", "--work_dir", work, "--checkpoint_dir", folder]) == 0
    capsys.readouterr()
    asked = ["--mode", "inference", "--checkpoint_dir", folder, "--data_dir", str(data)]
    assert main_modes([*asked, "--movie_id", "1", "--where", "code = c3"]) == 0
    film = load_movielens(data, cache=False).movies.shown_title(8)  # the fourth line of more.csv
    assert film in capsys.readouterr().out


def with_scale(data, folder, best_rating):
    """Write the release with another best rating, and without content."""
    for path in data.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    (folder / "features.json").write_text(json.dumps({"interactions": {"best_rating": best_rating}}))


def test_ratings_above_the_scale_are_refused(data, tmp_path):
    with_scale(data, tmp_path, 4)
    stages = preparation(find_source(tmp_path), "temporal", 0.0, CONFIG.model, 0)
    with (
        opened(tmp_path / "work", Here()) as runner,
        pytest.raises(UserError, match=r"ratings up to 10, above the best rating, 4; correct them, or give"),
    ):
        runner.run(stages)


def test_ratings_of_unknown_films_may_be_of_another_scale(data, tmp_path):
    with_scale(data, tmp_path, 10)
    with (tmp_path / "ratings.csv").open("a") as file:
        file.write("1,999999,90,1\n")
    with opened(tmp_path / "work", Here()) as runner:
        runner.run(preparation(find_source(tmp_path), "temporal", 0.0, CONFIG.model, 0))
        expected = build_graph(
            split_movielens(load_movielens(tmp_path, cache=False), "temporal").train, 120, 80
        )
        assert np.array_equal(read_graph(runner.work_dir).user_movies, expected.user_movies)


def test_packed_values_come_back():
    value = {
        "names": ["a", "b"],
        "number": np.float32(0.1),
        "none": None,
        "parts": [{"rows": np.arange(3)}, {"rows": np.zeros((0, 2), np.float32)}],
        "array number": 7,
    }
    found = unpacked(packed(value))
    assert found["names"] == ["a", "b"] and found["none"] is None
    assert found["number"] == float(np.float32(0.1)) and found["array number"] == 7
    assert np.array_equal(found["parts"][0]["rows"], np.arange(3))
    assert found["parts"][1]["rows"].shape == (0, 2)
