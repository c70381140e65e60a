"""``--mode cold_start``: recommendations with held-out films, which have few ratings or none."""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from base.compute import peak_memory_gb, set_up_compute
from base.errors import UserError
from base.files import write_json
from commands.common import (
    GRID_QUESTIONS,
    PROTOCOL_WORDS,
    comparison_seeds,
    load_and_split,
    refuse_resume,
    without_epoch_lines,
)
from config import Config
from data.dataset import Interactions, MovieLens
from data.graph_builder import build_graph
from data.splits import Queries, Split, held_out_queries
from evaluation.baselines import ContentOnly, ItemKNNBM25, ItemKNNCosine, fit_and_choose
from evaluation.baselines.base import Baseline
from evaluation.cold_start.held_out import (
    MIN_RATINGS,
    HeldOutFilms,
    choose_films,
    first_ratings,
    fold_in,
    hold_out_films,
    select_films,
)
from evaluation.cold_start.plot import plot_cold_start
from evaluation.cold_start.report import (
    Result,
    SeedResult,
    cold_start_report,
    cold_start_table,
    verdict_table,
)
from evaluation.ranking import EmbeddingScorer, Scorer, rank_targets, ranking_metrics, sample_questions
from evaluation.train_once import TrainedOnce, train_once
from model.new_films.from_graph import embed_films, inputs_with_new_films
from report.names import PINSAGE
from report.words import number_range

logger = logging.getLogger("pinsage")

RATINGS = (0, 1, 5, 20)  # numbers of ratings that each held-out film is given after training
COMPARED_RATINGS = 5  # the number of ratings with which PinSage is compared with the baselines
COMPARED: tuple[type[Baseline], ...] = (ContentOnly, ItemKNNCosine, ItemKNNBM25)


def cold_start(config: Config, typed: dict[str, Any]) -> None:
    """Train without some films, embed them, rank; print a table, write ``cold_start.json`` and a chart.

    Each seed holds out other films, draws other ratings of them, and trains another model.

    Args:
        config: all settings.
        typed: the flags that were typed.

    Raises:
        UserError: another split than ``temporal`` was typed, or the data have too few ratings.
        WorldError: the loss diverged.
    """
    started = time.perf_counter()
    if typed.get("split", "temporal") != "temporal":
        raise UserError(
            f"--split {typed['split']}: --mode cold_start asks the pairs of --split temporal; drop --split"
        )
    refuse_resume(config, "cold_start")
    device = set_up_compute(config.run)
    config = config.override({"split": "temporal"})
    movielens, split = load_and_split(config)
    results = []
    for seed in comparison_seeds(config):
        results.append(_one_seed(config.override({"seed": seed}), movielens, split, device))
        logger.info("[%d/%d] seed %d done", len(results), config.benchmark.num_seeds, seed)
    _report(config, movielens, results)
    logger.info("done in %.0f s, peak memory %.2f GB", time.perf_counter() - started, peak_memory_gb())


def _one_seed(config: Config, movielens: MovieLens, split: Split, device: torch.device) -> SeedResult:
    """Hold films out, train, and rank the test targets with each number of ratings per held-out film."""
    seed = config.run.seed
    films = hold_out_films(movielens, split, choose_films(movielens.interactions, movielens.num_movies, seed))
    questions = sample_questions(
        held_out_queries(films.whole_split, "test"), config.training.eval_queries, seed
    )
    groups = _question_groups(films, questions)
    logger.info("seed %d: training without %d films", seed, len(films.new_films))
    with without_epoch_lines(config):
        trained = train_once(config, films.known, films.known_split, device)
    baselines = _choose_baselines(config, films)
    results: Result = {group: {} for group in groups}
    for count in RATINGS:
        ratings = first_ratings(films.withheld, count, seed)
        scorers = _fit_baselines(baselines, config, films, ratings)
        scorers[PINSAGE] = _embed(config, films, trained, ratings)
        for method, scorer in scorers.items():
            ranks = rank_targets(scorer, questions)
            for group, rows in groups.items():
                results[group].setdefault(method, {})[count] = ranking_metrics(ranks[rows], "pairs")
    return SeedResult(seed, len(films.new_films), {name: len(rows) for name, rows in groups.items()}, results)


def _question_groups(films: HeldOutFilms, questions: Queries) -> dict[str, np.ndarray]:
    """The positions of the questions of each group, by the name of the group.

    A film is called unseen in the names if it is a held-out film.

    Raises:
        UserError: a group has no question.
    """
    asks, asked = films.is_new(questions.queries), films.is_new(questions.targets)
    groups = {
        "target unseen": np.flatnonzero(asked & ~asks),
        "query unseen": np.flatnonzero(asks),
        "either unseen": np.flatnonzero(asks | asked),
        "all pairs": np.arange(len(questions)),
    }
    for name, rows in groups.items():
        if len(rows) == 0:
            raise UserError(
                f"none of the {len(questions):,} test pairs is in the group '{name}': "
                f"{len(films.new_films)} held-out films are too few; use a larger dataset or another --seed"
            )
    return groups


def _embed(config: Config, films: HeldOutFilms, trained: TrainedOnce, ratings: Interactions) -> Scorer:
    """The trained model with the held-out films appended as new films that have only ``ratings``."""
    graph = build_graph(
        fold_in(films.known_split.train, ratings), films.whole.num_users, films.whole.num_movies
    )
    new = select_films(films.whole, films.new_films).facts
    inputs = inputs_with_new_films(trained.inputs, graph, new, config.model, config.run.seed)
    return EmbeddingScorer.of(embed_films(trained.trainer, inputs.nodes, inputs.views))


def _choose_baselines(config: Config, films: HeldOutFilms) -> dict[type[Baseline], dict[str, Any]]:
    """The best settings of each baseline, by validation without the held-out films."""
    limit = min(GRID_QUESTIONS, config.training.eval_queries)
    chosen = fit_and_choose(COMPARED, films.known_split, films.known.movies, config.run.seed, limit)
    return {baseline: chosen[baseline.name].settings for baseline in COMPARED}


def _fit_baselines(
    baselines: Mapping[type[Baseline], dict[str, Any]],
    config: Config,
    films: HeldOutFilms,
    ratings: Interactions,
) -> dict[str, Scorer]:
    """Each baseline, fitted for all films on the training ratings and ``ratings`` of the held-out films."""
    train = fold_in(films.known_split.train, ratings)
    whole = films.whole
    return {
        baseline.name: baseline(**settings).fit(
            train, whole.movies, whole.num_users, whole.num_movies, config.run.seed
        )
        for baseline, settings in baselines.items()
    }


def _report(config: Config, movielens: MovieLens, results: list[SeedResult]) -> None:
    output = Path(config.run.output_dir)
    held_out = number_range([result.num_films for result in results])
    print(
        f"\n{movielens.name}, films held out from training: a tenth of those with {MIN_RATINGS} ratings or "
        f"more ({held_out} films{', different ones for each seed' if len(results) > 1 else ''})"
    )
    print(
        "after training, each gets its features and the given number of its training ratings, drawn at "
        "random; nothing is trained again"
    )
    print(PROTOCOL_WORDS["pairs"] + f"; all {movielens.num_movies:,} films are candidates\n")
    print(cold_start_table(results, RATINGS))
    print("\n" + verdict_table(results, count=COMPARED_RATINGS))
    head = {
        "dataset": movielens.name,
        "split": "temporal",
        "protocol": "pairs",
        "seeds": comparison_seeds(config),
        "catalogue": movielens.num_movies,
        "fewest_ratings": MIN_RATINGS,
        "ratings": list(RATINGS),
    }
    write_json(head | cold_start_report(results), output / "cold_start.json")
    title = f"{movielens.name}: films held out from training"
    plot_cold_start(results, RATINGS, output / "cold_start.png", title)
    print(f"\nwritten: {output / 'cold_start.json'}, cold_start.png")
