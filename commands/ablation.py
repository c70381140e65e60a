"""``--mode ablation``: how much each part of the method contributes, as in the table of the paper."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from base.compute import peak_memory_gb, set_up_compute
from base.files import write_json
from commands.common import (
    GRID_QUESTIONS,
    PROTOCOL_WORDS,
    comparison_seeds,
    load_and_split,
    refuse_resume,
    without_epoch_lines,
)
from config import PRESETS, Config
from data.dataset import MovieLens
from data.splits import Queries, Split, held_out_queries
from evaluation.ablation.plot import plot_ablation
from evaluation.ablation.report import ablation_report, ablation_table, comparison_table
from evaluation.ablation.variants import BLOCKS, check_typed, variant_config
from evaluation.baselines import ContentOnly, fit_and_choose
from evaluation.ranking import evaluate, sample_questions
from evaluation.train_once import train_once
from report.words import questions_heading

logger = logging.getLogger("pinsage")


@dataclass(frozen=True)
class _Data:
    """The data and the test questions of all variants."""

    movielens: MovieLens
    split: Split
    questions: Queries
    device: torch.device


def ablation(config: Config, typed: dict[str, Any]) -> None:
    """Train every variant with every seed; print a table, write ``ablation.json`` and ``ablation.png``.

    The default split is ``temporal``, as in the paper. A typed setting applies to all variants. The test
    questions are drawn once with ``--seed`` and are the same for all variants.

    Args:
        config: all settings.
        typed: the flags that were typed.

    Raises:
        UserError: a typed flag is one that the variants change, the split holds nothing out, or the data
            cannot be used.
        WorldError: the loss of a variant diverged.
    """
    started = time.perf_counter()
    check_typed(typed)
    refuse_resume(config, "ablation")
    device = set_up_compute(config.run)
    config = config.override({"split": typed.get("split", "temporal")})
    movielens, split = load_and_split(config)
    questions = sample_questions(
        held_out_queries(split, "test"), config.training.eval_queries, config.run.seed
    )
    runs = _run_variants(config, typed, _Data(movielens, split, questions, device))
    _report(config, typed, movielens.name, split, questions, runs)
    logger.info("done in %.0f s, peak memory %.2f GB", time.perf_counter() - started, peak_memory_gb())


def _run_variants(config: Config, typed: dict[str, Any], data: _Data) -> dict[str, list[dict[str, float]]]:
    """Test metrics of every variant, one entry per seed. Variants with equal settings are trained once."""
    variants = {variant.name: variant for block in BLOCKS for variant in block.variants}
    settings = {name: variant_config(config, v, typed) for name, v in variants.items() if v.trained}
    distinct = list(dict.fromkeys(settings.values()))
    results: dict[Config, list[dict[str, float]]] = {one: [] for one in distinct}
    content = [_content_only(config, data)] * config.benchmark.num_seeds
    total = len(distinct) * config.benchmark.num_seeds
    logger.info("%d variants to train, %d times in all", len(distinct), total)
    for one in distinct:
        name = next(name for name, chosen in settings.items() if chosen == one)
        for seed in comparison_seeds(config):
            results[one].append(_train_and_ask(one.override({"seed": seed}), data))
            done = sum(map(len, results.values()))
            logger.info(
                "[%d/%d] %s, seed %d: hit rate @10 %.4f, MRR %.4f, %.0f s",
                *(done, total, name, seed),
                *(results[one][-1][key] for key in ("hit_rate@10", "mrr", "seconds")),
            )
    return {name: results[settings[name]] if v.trained else content for name, v in variants.items()}


def _train_and_ask(config: Config, data: _Data) -> dict[str, float]:
    """Test metrics after the best epoch by validation, the number of that epoch, and the seconds."""
    started = time.perf_counter()
    with without_epoch_lines(config):
        trained = train_once(config, data.movielens, data.split, data.device)
    metrics = evaluate(trained.scorer, data.questions).metrics
    return metrics | {
        "best_epoch": trained.progress.best_epoch,
        "seconds": round(time.perf_counter() - started, 1),
    }


def _content_only(config: Config, data: _Data) -> dict[str, float]:
    """Test metrics of genres and year alone, weighted by validation; they do not depend on the seed."""
    chosen = fit_and_choose(
        (ContentOnly,),
        data.split,
        data.movielens.movies,
        config.run.seed,
        min(GRID_QUESTIONS, config.training.eval_queries),
    )[ContentOnly.name]
    assert chosen.scorer is not None  # this baseline is never skipped
    return evaluate(chosen.scorer, data.questions).metrics


def _report(
    config: Config,
    typed: dict[str, Any],
    name: str,
    split: Split,
    questions: Queries,
    runs: dict[str, list[dict[str, float]]],
) -> None:
    output = Path(config.run.output_dir)
    print("\n" + questions_heading(name, split.name, f"{len(questions):,} test questions", split.num_movies))
    print(PROTOCOL_WORDS[questions.protocol])
    print(_width_note(config) + "\n")
    print(ablation_table(BLOCKS, runs))
    print("\n" + comparison_table(BLOCKS, runs))
    head = {
        "dataset": name,
        "split": split.name,
        "protocol": questions.protocol,
        "seeds": comparison_seeds(config),
        "queries": len(questions),
        "catalogue": split.num_movies,
        "typed": {key: value for key, value in typed.items() if key in config.model_settings()},
    }
    write_json(head | ablation_report(BLOCKS, runs), output / "ablation.json")
    title = f"{name}, {split.name}: contribution of each part"
    plot_ablation(BLOCKS, runs, output / "ablation.png", title)
    print(f"\nwritten: {output / 'ablation.json'}, ablation.png")


def _width_note(config: Config) -> str:
    model, paper = config.model, PRESETS["paper"]
    return (
        f"layers of {model.hidden_dim} and embeddings of {model.embedding_dim} throughout; the paper has "
        f"{paper['hidden_dim']} and {paper['embedding_dim']}, too large for this number of trainings on a CPU"
    )
