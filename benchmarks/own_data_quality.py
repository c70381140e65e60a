"""What do content and repeats of own data give? PinSage with and without them, beside tuned baselines.

    python -m benchmarks.own_data_quality --data_dir ../shared/online-retail --schema shop.json

Trains on the temporal split once per variant and seed. Pairs: hit rate and MRR of the next liked item. Users:
recall and NDCG of the liked items of the test part. The best baseline is the one that validation prefers, one
for pairs and one for users. Intervals are over users of the test part (bootstrap).
"""

import argparse
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from base.arrays import FloatArray
from base.compute import set_up_compute
from commands.common import GRID_QUESTIONS
from config import Config
from data.dataset import MovieLens, load_movielens
from data.edge_weights import WeightSource
from data.histories import UserQuestions, user_questions
from data.splits import Queries, Split, held_out_queries, split_movielens
from evaluation.baselines import BASELINES, USER_BASELINES, fit_and_choose
from evaluation.baselines.fits import Fits
from evaluation.baselines.for_users import UserBaseline, fit_for_users
from evaluation.comparison.bootstrap import Estimate, estimate_means
from evaluation.ranking import Scorer, question_values, rank_targets
from evaluation.train_once import TrainedOnce, train_once
from evaluation.users import DEPTH, HistoryScorer, values_by_user
from recommend.taste import TasteScorer
from report.text_table import TableColumn, TableSection, render_table

# variant: whether the content of items is used, and the weights of interactions
VARIANTS: dict[str, tuple[bool, WeightSource]] = {
    "plain": (False, "none"),
    "content": (True, "none"),
    "counts": (False, "data"),
    "content and counts": (True, "data"),
}
PAIRS = {"pairs @10": "hit_rate@10", "pairs @100": "hit_rate@100", "pairs MRR": "mrr"}
USERS = {f"users recall@{DEPTH}": f"recall@{DEPTH}", f"users NDCG@{DEPTH}": f"ndcg@{DEPTH}"}
FIGURES = (*PAIRS, *USERS)
JUDGED = ("pairs @100", f"users recall@{DEPTH}")

Figures = Mapping[str, FloatArray]  # one value per question or user


@dataclass(frozen=True)
class Questions:
    """The questions of one part of the split."""

    pairs: Queries
    users: UserQuestions

    def asked_to(self, scorer: Scorer, for_users: HistoryScorer) -> dict[str, FloatArray]:
        """What a method gets for each question."""
        return self.pairs_of(scorer) | self.users_of(for_users)

    def pairs_of(self, scorer: Scorer) -> dict[str, FloatArray]:
        """Hits and reciprocal ranks of the questions of pairs."""
        values = question_values(rank_targets(scorer, self.pairs), "pairs")
        return {name: values[key] for name, key in PAIRS.items()}

    def users_of(self, scorer: HistoryScorer) -> dict[str, FloatArray]:
        """Recall and NDCG of each user."""
        values = values_by_user(scorer.score_histories(self.users.histories), self.users)
        return {name: np.array([value[key] for value in values]) for name, key in USERS.items()}

    def who(self, figure: str) -> np.ndarray:
        """The user of each value of a figure."""
        return self.pairs.users if figure.startswith("pairs") else np.arange(len(self.users))


def _questions(split: Split, part: str, best_rating: float) -> Questions:
    return Questions(held_out_queries(split, part), user_questions(split, part, best_rating))  # type: ignore[arg-type]


def _pinsage(
    variant: str, movielens: MovieLens, config: Config, seeds: Iterable[int]
) -> tuple[Figures, dict[str, list[float]]]:
    """Test figures of a variant, means over the seeds for each question; and the mean of each seed."""
    with_content, weights = VARIANTS[variant]
    data = movielens if with_content else replace(movielens, content=None)
    split = split_movielens(data, "temporal", weights)
    test = _questions(split, "test", movielens.best_rating)
    runs = []
    for seed in seeds:
        of_seed = config.override({"seed": seed})
        trained = train_once(of_seed, data, split, set_up_compute(of_seed.run))
        runs.append(test.asked_to(trained.scorer, TasteScorer.of(trained.checkpoint)))
        shown = "  ".join(f"{name} {runs[-1][name].mean():.4f}" for name in FIGURES)
        print(f"{variant}, seed {seed}: {shown}  ({_choices(trained)})", flush=True)
    means = {name: np.mean([run[name] for run in runs], axis=0) for name in FIGURES}
    return means, {name: [float(run[name].mean()) for run in runs] for name in FIGURES}


def _choices(trained: TrainedOnce) -> str:
    """What validation chose, in words."""
    blend, person = trained.checkpoint.blend, trained.checkpoint.person
    views = "no views"
    if blend is not None:
        views = f"graph view x {blend.graph_share:g}, content view x {blend.content_share:g}"
    people = f"for people x {person.graph_factor:g}, rank offset {person.rank_offset:g}"
    return f"epoch {trained.progress.best_epoch}, {views}, {people}"


def _baselines(movielens: MovieLens, seed: int) -> dict[str, tuple[str, dict[str, FloatArray]]]:
    """The baseline of pairs and that of users which validation prefers: its name, its figures."""
    split = split_movielens(movielens, "temporal", "none")
    fits = Fits(split, movielens.movies, seed)
    validation, test = (_questions(split, part, movielens.best_rating) for part in ("validation", "test"))
    chosen = fit_and_choose(BASELINES, split, movielens.movies, seed, GRID_QUESTIONS, fits)
    fitted = {name: one for name, one in chosen.items() if one.scorer is not None}
    for_pairs = max(fitted, key=lambda name: fitted[name].validation_mrr)
    best: tuple[float, str, UserBaseline] | None = None
    for cls in USER_BASELINES:
        for name, one in fit_for_users(cls, fits, validation.users).items():
            if one.scorer is None:
                continue
            figure = float(validation.users_of(one.scorer)[f"users NDCG@{DEPTH}"].mean())
            if best is None or figure > best[0]:
                best = figure, name, one
    assert best is not None and best[2].scorer is not None
    scorer = fitted[for_pairs].scorer
    assert scorer is not None
    return {
        "pairs": (for_pairs, test.pairs_of(scorer)),
        "users": (best[1], test.users_of(best[2].scorer)),
    }


def main() -> None:
    """Train, fit, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dir", required=True)
    parser.add_argument("--schema", default=None)
    parser.add_argument("--min_rating", type=float, default=0.0)
    parser.add_argument("--num_seeds", type=int, default=3)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    flags = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    movielens = load_movielens(flags.data_dir, flags.min_rating, schema=flags.schema)
    config = Config().override({"quiet": True, "split": "temporal"})
    baselines = _baselines(movielens, config.run.seed)
    best = baselines["pairs"][1] | baselines["users"][1]
    names = {kind: name for kind, (name, _) in baselines.items()}
    print(f"best baselines by validation: {names['pairs']} (pairs), {names['users']} (users)", flush=True)
    test = _questions(split_movielens(movielens, "temporal", "none"), "test", movielens.best_rating)
    rows = [["best baselines", *(f"{best[name].mean():.4f}" for name in FIGURES)]]
    gaps = []
    for variant in flags.variants:
        means, of_seeds = _pinsage(variant, movielens, config, range(flags.num_seeds))
        rows.append([variant, *(_cell(of_seeds[name]) for name in FIGURES)])
        for name in JUDGED:
            gap = estimate_means({name: means[name] - best[name]}, test.who(name), config.run.seed)[name]
            gaps.append(_gap(variant, name, gap))
    headings = [TableColumn("", numeric=False), *(TableColumn(name) for name in FIGURES)]
    notes = [f"{movielens.name}, {len(test.pairs)} questions, {len(test.users)} users; +- over seeds"]
    print(render_table(headings, [TableSection(rows)], notes))
    print("\n".join(["", "against the best baseline, with the interval over users:", *gaps]))


def _cell(values: list[float]) -> str:
    spread = f" +- {np.std(values, ddof=1):.4f}" if len(values) > 1 else ""
    return f"{np.mean(values):.4f}{spread}"


def _gap(variant: str, name: str, gap: Estimate) -> str:
    return f"{variant}, {name}: {gap.mean:+.4f} ({gap.low:+.4f} to {gap.high:+.4f})"


if __name__ == "__main__":
    main()
