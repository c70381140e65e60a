"""``--mode recommend_all``: films for every film or every user, as one file."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from base.compute import set_up_compute
from base.errors import UserError
from blocks.answers import ANSWERS, answer_stages
from blocks.embedding import CATALOGUE, EMBEDDINGS, FEATURES, NEIGHBORS, check_current
from blocks.model_weights import WEIGHTS, stored_model
from blocks.work_dir import block_ranges
from commands.cli import adopt
from commands.common import opened_work
from commands.where import typed_condition
from config import BlocksConfig, Config
from model.checkpoint import BEST, load_checkpoint
from recommend.added_films import with_added_films
from recommend.batch.answers import Answers, answers_of_films
from recommend.batch.answers_file import FORMS, Ids, write_answers
from recommend.batch.parts import in_parts
from recommend.batch.people import People
from recommend.history import training_data
from recommend.recommender import Recommender
from search.files import fingerprint

PARTS = "recommendations.parts"
ASKED_AT_ONCE = 1024  # films or users of one part
VERSION = 1  # raise it when other answers are given than before
# Flags of the way in memory.
_IN_MEMORY = ("recommend_for", "popularity", "diversity", "where", "schema", "data_dir", "checkpoint_dir")


def recommend_all(config: Config, typed: dict[str, Any]) -> None:
    """Write ``recommendations.parquet``, ``.jsonl`` or ``.csv``.

    By default from the checkpoint, in memory. With flags of blocks from the embeddings of a work folder; then
    the answers there are brought up to date.

    Raises:
        UserError: there is no checkpoint, the data are others, the work has no embeddings, or flags do not
            fit.
        WorldError: blocks cannot be made or written.
        OSError: the file could not be written.
    """
    form = typed.get("format", FORMS[0])
    path = Path(config.run.output_dir) / f"recommendations.{form}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if typed.keys() & BlocksConfig.__dataclass_fields__.keys():
        _by_blocks(config, typed, path, form)
    else:
        _in_memory(config, typed, path, form)


def _by_blocks(config: Config, typed: dict[str, Any], path: Path, form: str) -> None:
    for name in _IN_MEMORY:
        if name in typed:
            raise UserError(f"--{name} needs all films in memory; leave it out, or leave out --work_dir")
    with opened_work(config) as runner:
        runner.adopt((FEATURES, NEIGHBORS), "prepare", verify=False)  # only their keys are of interest
        runner.adopt((CATALOGUE,), "prepare")
        runner.adopt((WEIGHTS, EMBEDDINGS), "embed")
        check_current(runner.work_dir, runner.keys)
        seed = stored_model(runner.work_dir).settings["seed"]
        wanted = config.inference.num_recommendations
        runner.run(answer_stages(runner.work_dir, config.search, wanted, seed))
        ids = runner.work_dir.block(CATALOGUE)["movie_ids"]
        _write(path, form, ids, ids, map(_of_block, runner.work_dir.each(ANSWERS)))


def _of_block(block: dict[str, Any]) -> Answers:
    num_films, k = block["ids"].shape
    no_reasons = np.zeros((num_films, 0), dtype=np.int64)
    return Answers(np.full(num_films, k), block["ids"], block["scores"], no_reasons)


def _in_memory(config: Config, typed: dict[str, Any], path: Path, form: str) -> None:
    set_up_compute(config.run)
    folder, request = Path(config.run.checkpoint_dir), config.inference
    checkpoint = load_checkpoint(folder / BEST)
    config = adopt(config, checkpoint.settings, typed)
    for_users = request.recommend_for == "users"
    data = training_data(checkpoint, config.data.data_dir, config.data.schema) if for_users else None
    recommender = Recommender(with_added_films(checkpoint, folder), search=config.search, folder=folder)
    recommender = recommender.with_popularity(request.popularity).with_diversity(request.diversity)
    recommender = recommender.with_condition(typed_condition(request.where))
    films = _ids(recommender.movies.ids, recommender.movies.text_ids)
    asking, k = films, min(request.num_recommendations, len(recommender.movies))
    people = None
    if data is not None:
        asking, people = _ids(data.user_ids, data.user_text_ids), People(recommender, data)

    def make(asked: range) -> Answers:
        return answers_of_films(recommender, asked, k) if people is None else people.answers(asked, k)

    key = _key(recommender, config, k)
    parts = block_ranges(len(asking), ASKED_AT_ONCE)
    name, quiet = request.recommend_for, config.run.quiet
    with in_parts(path.with_name(PARTS), name, key, parts, make, quiet) as answers:
        asked = "users" if for_users else recommender.movies.words.items
        _write(path, form, asking, films, answers, asked)


def _ids(ids: Any, text_ids: list[str] | None) -> Ids:
    return ids if text_ids is None else text_ids


def _key(recommender: Recommender, config: Config, k: int) -> str:
    """A digest of all that the answers follow from. The model names the data of its training."""
    model, rows = recommender.checkpoint, np.arange(len(recommender.movies))
    vectors = [fingerprint(each, rows) for each in (recommender.embeddings, recommender.query_embeddings)]
    person = [model.person.rank_offset, model.person.graph_factor, model.settings["min_rating"]]
    request = [config.inference.recommend_for, k, recommender.popularity, recommender.diversity]
    if recommender.allowed is not None:
        request.append(hashlib.blake2b(recommender.allowed.data).hexdigest())
    text = json.dumps([VERSION, vectors, model.dataset["data"], person, request, asdict(config.search)])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _write(
    path: Path, form: str, asking: Ids, films: Ids, parts: Iterable[Answers], asked: str = "films"
) -> None:
    written = write_answers(path, form, asking, films, parts)
    print(f"written: {path}, {written.num_films:,} recommendations for {written.num_questions:,} {asked}")
