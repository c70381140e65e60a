"""Three sources of a new film's neighbours: walks in the training graph, the spectral basis, or none at all.

    python -m benchmarks.new_film_neighbors data/ml-100k --epochs 4 --seeds 3

Films are held out and some of their ratings are folded in, as in ``main.py --mode cold_start``. The rows
differ only in the source of the held-out films' neighbours.
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
from report.names import metric_label
from report.tables import FigureBlock, FigureColumn, format_table
from report.words import counted

RATINGS = (1, 5, 20)
SOURCES = ("walks", "spectral basis", "none")
METRICS = ("hit_rate@10", "hit_rate@100")


def main() -> None:
    """Print hit rates @10 and @100, means over the seeds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data_dir")
    parser.add_argument("--epochs", type=int, default=Config().training.epochs)
    parser.add_argument("--seeds", type=int, default=3)
    flags = parser.parse_args()
    torch.set_num_threads(1)
    runs = [_one_seed(flags.data_dir, flags.epochs, seed) for seed in range(flags.seeds)]
    means = np.mean(runs, axis=0)  # [ratings, sources, kinds, cutoffs]
    columns = [
        FigureColumn(f"{count} {metric}", str(count), metric_label(metric))
        for metric in METRICS
        for count in RATINGS
    ]
    blocks = []
    for kind, title in enumerate(("query unseen", "target unseen")):
        rows = {
            source: dict(zip([c.key for c in columns], means[:, place, kind].T.ravel().tolist(), strict=True))
            for place, source in enumerate(SOURCES)
        }
        blocks.append(FigureBlock(rows, title))
    note = f"* best in its block and column; {counted(flags.epochs, 'epoch')}, means over "
    note += counted(flags.seeds, "seed")
    print(format_table(columns, blocks, corner="ratings folded in", notes=[note]))


def _one_seed(data_dir: str, epochs: int, seed: int) -> np.ndarray:
    """Figures ``[ratings, sources, kinds, cutoffs]`` of one model."""
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
        ranks = [rank_targets(scorers[source], questions) for source in SOURCES]
        metrics = [[ranking_metrics(r[kind], "pairs") for kind in (asks, asked & ~asks)] for r in ranks]
        figures.append([[[m[name] for name in METRICS] for m in row] for row in metrics])
    return np.array(figures)


def _scorers(config: Config, films: HeldOutFilms, trained: TrainedOnce, count: int) -> dict[str, Scorer]:
    """The same features with the neighbours of each source."""
    seed, known = config.run.seed, films.known.num_movies
    ratings = fold_in(films.known_split.train, first_ratings(films.withheld, count, seed))
    graph = build_graph(ratings, films.whole.num_users, films.whole.num_movies)
    new = select_films(films.whole, films.new_films).facts
    extended = inputs_with_new_films(trained.inputs, graph, new, config.model, seed)
    walked = extended.nodes
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
        source: EmbeddingScorer.of(
            embed_films(
                trained.trainer,
                known_nodes.followed_by(Nodes(walked.features[known:], *table)),
                extended.views,
            )
        )
        for source, table in tables.items()
    }


if __name__ == "__main__":
    main()
