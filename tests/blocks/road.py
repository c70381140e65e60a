"""The whole road over blocks on small data: from ratings to the answers of all films."""

import torch

from blocks.answers import answer_stages
from blocks.description import Description, write_description
from blocks.embedding import FEATURES, NEIGHBORS, embedding_stages
from blocks.ingest.source import find_source
from blocks.local_engine import LocalEngine
from blocks.model_weights import weights_stage
from blocks.preparation import preparation
from blocks.prepared import prepared_data, prepared_inputs
from blocks.runner import opened
from blocks.work_dir import MANIFEST
from config import Config, SearchConfig
from data.sources.synthetic import SyntheticSize, generate
from model.checkpoint import save_checkpoint
from model.training import new_training

CONFIG = Config().override(
    {"split": "temporal", "spectral_dim": 8, "num_walks": 20, "num_neighbors": 4, "num_layers": 2}
    | {"hidden_dim": 8, "embedding_dim": 8}
)


def small_data(folder):
    """Ratings of a release."""
    folder.mkdir()
    generate(SyntheticSize(num_users=120, num_movies=80, num_ratings=3000), 0, folder)
    return folder


def prepare(data, folder, engine, change=list):
    """``--mode prepare``, over several panels and blocks; ``change`` makes other stages of the stages."""
    source = find_source(data)
    with opened(folder, engine) as runner:
        runner.run(change(preparation(source, "temporal", 0.0, CONFIG.model, 0, 32, 1000)))
    write_description(folder, Description.of(source, CONFIG))


def random_model(folder, path):
    """A checkpoint before any training."""
    movielens, split = prepared_data(folder)
    inputs = prepared_inputs(folder, movielens.facts, CONFIG.model, 0)
    training = new_training(CONFIG, movielens, split, torch.device("cpu"), inputs)
    save_checkpoint(training.checkpoint(training.trainer.embeddings()), path)


def embed_and_answer(folder, engine, checkpoint, change=list):
    """``--mode embed`` and ``--mode recommend_all``."""
    with opened(folder, engine) as runner:
        runner.adopt((FEATURES, NEIGHBORS), "prepare")
        runner.run(change([weights_stage(checkpoint)]))
        runner.run(change(embedding_stages(runner.work_dir)))
        runner.run(change(answer_stages(runner.work_dir, SearchConfig(), 5, 0)))


def whole_road(folder):
    """Data, a model, and the manifests of the whole road, made in a folder by local processes."""
    data, work, model = small_data(folder / "data"), folder / "work", folder / "best.pt"
    prepare(data, work, LocalEngine(2))
    random_model(work, model)
    embed_and_answer(work, LocalEngine(2), model)
    return data, model, manifests(work)


def manifests(work):
    """Keys and digests of all blocks, by stage."""
    return {path.parent.name: path.read_text() for path in work.glob(f"*/{MANIFEST}")}
