"""Do vectors and words of items help? Trains on generated data whose answer is known.

    python -m benchmarks.item_content --num_seeds 3

Every figure is a hit rate of the next-item test over the whole catalogue. The oracle knows the cluster of
every item and the number of its training interactions. *Rare* means at most two training interactions: rare
targets are hard to find, rare queries are hard to answer.
"""

import argparse
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from base.arrays import FloatArray, IntArray
from base.compute import set_up_compute
from benchmarks.item_content_data import ClusteredItems, clustered_items
from config import Config
from data.content.facts import Content, ItemVectors
from data.dataset import MovieLens, movielens_of
from data.in_memory import columns_from_arrays, fingerprint_of
from data.splits import Split, held_out_queries, split_interactions
from evaluation.ranking import Scorer, rank_targets
from evaluation.statistics import mean_metrics
from evaluation.train_once import train_once
from report.text_table import TableColumn, TableSection, render_table

RARE = 2
VARIANTS = ("popularity", "none", "vectors", "shuffled", "latin", "cjk", "oracle")
COLUMNS = ("all @10", "all @100", "rare query @10", "rare target @100")
ELSEWHERE = 0.02  # what an item of another cluster counts for the oracle


@dataclass(frozen=True)
class KnownScores:
    """A scorer with one row of scores per query item."""

    scores: FloatArray

    def score(self, queries: IntArray) -> FloatArray:
        """The rows of ``queries``."""
        return self.scores[queries]


def _content(data: ClusteredItems, variant: str, seed: int) -> Content | None:
    """What a variant knows about the items."""
    items = np.arange(len(data.clusters), dtype=np.int32)
    if variant in ("vectors", "shuffled"):
        shuffled = np.random.default_rng([seed, 1]).permutation(items)
        rows = shuffled if variant == "shuffled" else items
        return Content((ItemVectors("vectors", data.vectors, rows, items, data.vectors.shape[1]),))
    if variant in ("latin", "cjk"):
        return Content(text=getattr(data, variant), text_columns=(variant,))
    return None


def _measure(seed: int, variants: list[str], settings: dict[str, Any]) -> dict[str, dict[str, float]]:
    """The figures of every variant on the data of one seed."""
    data = clustered_items(seed)
    titles = {item: f"Item {item}" for item in range(len(data.clusters))}
    columns = columns_from_arrays(data.users, data.items, titles=titles)
    movielens = movielens_of(columns, "clusters", fingerprint_of(columns))
    split = split_interactions(movielens.interactions, movielens.num_users, movielens.num_movies)
    taken = np.bincount(split.train.movies, minlength=movielens.num_movies)
    questions = held_out_queries(split, "test")
    rare_query, rare_target = taken[questions.queries] <= RARE, taken[questions.targets] <= RARE
    config = Config().override({"seed": seed, "quiet": True} | settings)
    figures = {}
    for variant in variants:
        scorer = _scorer(variant, data, taken, movielens, split, config)
        ranks = rank_targets(scorer, questions)
        figures[variant] = {
            "all @10": _share(ranks, 10),
            "all @100": _share(ranks, 100),
            "rare query @10": _share(ranks[rare_query], 10),
            "rare target @100": _share(ranks[rare_target], 100),
        }
        shown = "  ".join(f"{name} {figure:.4f}" for name, figure in figures[variant].items())
        print(f"seed {seed}  {variant:10}  {shown}", flush=True)
    return figures


def _scorer(
    variant: str, data: ClusteredItems, taken: IntArray, movielens: MovieLens, split: Split, config: Config
) -> Scorer:
    if variant == "popularity":
        return KnownScores(np.broadcast_to(taken, (len(taken), len(taken))).astype(np.float32))
    if variant == "oracle":
        same = data.clusters[:, None] == data.clusters
        return KnownScores(np.where(same, taken + 1, ELSEWHERE * taken).astype(np.float32))
    content = _content(data, variant, config.run.seed)
    return train_once(config, replace(movielens, content=content), split, set_up_compute(config.run)).scorer


def _share(ranks: FloatArray, depth: int) -> float:
    return float((ranks <= depth).mean())


def main() -> None:
    """Print the mean over the seeds, and each figure as a share of the oracle's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num_seeds", type=int, default=3)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=VARIANTS)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="settings of the training")
    arguments = parser.parse_args()
    settings = {name: _value(text) for name, text in (one.split("=") for one in arguments.set)}
    seeds = [_measure(seed, arguments.variants, settings) for seed in range(arguments.num_seeds)]
    means = {variant: mean_metrics([figures[variant] for figures in seeds]) for variant in arguments.variants}
    best = means.get("oracle")
    rows = [
        [variant, *(_cell(figures[name], best[name] if best else None) for name in COLUMNS)]
        for variant, figures in means.items()
    ]
    headings = [TableColumn("variant", numeric=False), *(TableColumn(name) for name in COLUMNS)]
    note = f"Means over {len(seeds)} seeds; in brackets the share of the oracle's figure."
    print(render_table(headings, [TableSection(rows)], [note]))


def _value(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        return float(text) if text.replace(".", "").isdigit() else text


def _cell(figure: float, oracle: float | None) -> str:
    return f"{figure:.4f}" + (f" ({figure / oracle:3.0%})" if oracle else "")


if __name__ == "__main__":
    main()
