"""Where a new film takes its neighbours from: walks in the training graph, the spectral basis, or nowhere.

    python -m benchmarks.new_film_neighbors data/ml-100k --epochs 4 --seeds 3

Films are held out and ratings of theirs handed in as in ``main.py --mode cold_start``; only where the
neighbours of the held-out films come from differs between the rows.
"""

import argparse

import numpy as np
import torch

from config import Config
from data.dataset import load_movielens
from data.graph_builder import build_graph
from data.splits import held_out_queries, split_interactions
from evaluation.cold_start.held_out import (
    HeldOutFilms,
    choose_films,
    first_ratings,
    fold_in,
    hold_out_films,
    select_films,
)
from evaluation.ranking import EmbeddingScorer, Scorer, rank_targets, ranking_metrics
from evaluation.train_once import TrainedOnce, train_once
from model.new_films.from_checkpoint import spectral_neighbors
from model.new_films.from_graph import embed_films, inputs_with_new_films
from model.nodes import Nodes

RATINGS = (1, 5, 20)
ROADS = ("walks", "spectral basis", "none")


def main() -> None:
    """Print hit rates @10 and @100, means over the seeds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data_dir")
    parser.add_argument("--epochs", type=int, default=Config().training.epochs)
    parser.add_argument("--seeds", type=int, default=3)
    flags = parser.parse_args()
    torch.set_num_threads(1)
    runs = [_one_seed(flags.data_dir, flags.epochs, seed) for seed in range(flags.seeds)]
    kinds = ("unseen film asks", "unseen film is the answer")
    print(f"hit rate @10 / @100; {flags.epochs} epochs, {flags.seeds} seeds; ratings known: {RATINGS}")
    for row, road in enumerate(ROADS):
        means = np.mean(runs, axis=0)[:, row]  # [ratings, kinds, cutoffs]
        for kind, name in enumerate(kinds):
            print(f"{road:<15} {name:<26}", "  ".join(f"{a:.3f} / {b:.3f}" for a, b in means[:, kind]))


def _one_seed(data_dir: str, epochs: int, seed: int) -> np.ndarray:
    """Figures ``[ratings, roads, kinds, cutoffs]`` of one model."""
    config = Config().override({"split": "temporal", "epochs": epochs, "seed": seed, "quiet": True})
    movielens = load_movielens(data_dir)
    num_users, num_movies = movielens.num_users, movielens.num_movies
    split = split_interactions(movielens.interactions, num_users, num_movies, "temporal")
    films = hold_out_films(movielens, split, choose_films(movielens.interactions, num_movies, seed))
    trained = train_once(config, films.known, films.known_split, torch.device("cpu"))
    questions = held_out_queries(films.whole_split, "test")
    asks, asked = films.is_new(questions.queries), films.is_new(questions.targets)
    figures = []
    for count in RATINGS:
        scorers = _scorers(config, films, trained, count)
        ranks = [rank_targets(scorers[road], questions) for road in ROADS]
        metrics = [[ranking_metrics(r[kind], "pairs") for kind in (asks, asked & ~asks)] for r in ranks]
        figures.append([[[m["hit_rate@10"], m["hit_rate@100"]] for m in row] for row in metrics])
    return np.array(figures)


def _scorers(config: Config, films: HeldOutFilms, trained: TrainedOnce, count: int) -> dict[str, Scorer]:
    """The same features with each road's neighbours."""
    seed, known = config.run.seed, films.known.num_movies
    ratings = fold_in(films.known_split.train, first_ratings(films.withheld, count, seed))
    graph = build_graph(ratings, films.whole.num_users, films.whole.num_movies)
    new = select_films(films.whole, films.new_films).facts
    walked = inputs_with_new_films(trained.inputs, graph, new, config.model, seed).nodes
    raters = graph.movie_user_matrix()[known:]
    features = trained.inputs.nodes.features.numpy()
    neighbors, weights = spectral_neighbors(
        trained.inputs.basis, features, raters, config.model.max_neighbors
    )
    tables = {
        "walks": (walked.neighbors[known:], walked.weights[known:]),
        "spectral basis": (neighbors, weights),
        "none": (neighbors, torch.zeros_like(weights)),
    }
    known_nodes = trained.inputs.nodes
    return {
        road: EmbeddingScorer.of(
            embed_films(trained.trainer, known_nodes.followed_by(Nodes(walked.features[known:], *table)))
        )
        for road, table in tables.items()
    }


if __name__ == "__main__":
    main()
