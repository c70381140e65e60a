"""Ways to recommend for a history, compared by the validation part of the user protocol.

    python -m benchmarks.taste --data_dir data/ml-100k --checkpoint_dir checkpoints-pairs

The checkpoint must be one of ``--split temporal``. Test ratings are not used.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.cluster import AgglomerativeClustering

from base.arrays import FloatArray, IntArray
from data.dataset import load_movielens
from data.histories import History, user_questions
from data.splits import split_interactions
from evaluation.users import HistoryScorer, evaluate_users
from model.checkpoint import BEST, load_checkpoint
from recommend.taste import TasteScorer, history_weights
from report.tables import format_metrics_table
from report.words import counted

MAX_CLUSTERED = 200  # latest films of a history that are clustered
WARD_THRESHOLDS = (0.3, 0.5, 0.8, 1.2)  # largest increase of variance at which Ward's method still merges


class OneByOne:
    """Scores histories by a function of a single history.

    Args:
        score: history to scores of all films, ``[num_movies]``.
    """

    def __init__(self, score: Callable[[History], FloatArray]):
        self.score = score

    def score_histories(self, histories: list[History]) -> FloatArray:
        """Scores of all films for each history, ``[n, num_movies]``."""
        return np.stack([self.score(history) for history in histories])


def medoids(vectors: FloatArray, weights: FloatArray, threshold: float) -> tuple[IntArray, FloatArray]:
    """Ward clusters as in PinnerSage: the medoid of each cluster, and the cluster's weight."""
    if len(vectors) == 1:
        return np.zeros(1, dtype=np.int64), weights
    ward = AgglomerativeClustering(n_clusters=None, distance_threshold=threshold, linkage="ward")
    cluster = ward.fit_predict(vectors)
    chosen = []
    for label in range(cluster.max() + 1):
        members = np.flatnonzero(cluster == label)
        inside = vectors[members]
        # For unit vectors, the smallest sum of squared distances is the largest sum of cosines.
        chosen.append(members[(inside @ inside.sum(axis=0)).argmax()])
    return np.array(chosen), np.bincount(cluster, weights).astype(np.float64)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dir", default="data/ml-100k")
    parser.add_argument("--checkpoint_dir", default="checkpoints-pairs")
    flags = parser.parse_args()
    checkpoint = load_checkpoint(Path(flags.checkpoint_dir) / BEST)
    movielens = load_movielens(flags.data_dir, checkpoint.settings["min_rating"], earlier=checkpoint.earlier)
    split = split_interactions(
        movielens.interactions, movielens.num_users, movielens.num_movies, checkpoint.settings["split"]
    )
    questions = user_questions(split, "validation")
    embeddings, queries = checkpoint.embeddings.numpy(), checkpoint.person_queries
    taste = TasteScorer.of(checkpoint)
    shares = taste.shares(np.arange(len(embeddings)))

    def averaged(history: History) -> FloatArray:
        return queries[history.rows].mean(axis=0) @ embeddings.T

    def averaged_by_weight(history: History) -> FloatArray:
        return history_weights(history) @ queries[history.rows] @ embeddings.T

    def latest(history: History) -> FloatArray:
        return queries[history.rows[-1]] @ embeddings.T

    def clustered(threshold: float) -> Callable[[History], FloatArray]:
        def score(history: History) -> FloatArray:
            rows = history.rows[-MAX_CLUSTERED:]
            weights = history_weights(history)[-MAX_CLUSTERED:]
            chosen, importance = medoids(embeddings[rows], weights, threshold)
            return np.asarray(importance @ shares[rows[chosen]]).ravel()

        return score

    def each(history: History) -> FloatArray:
        return np.asarray(shares[history.rows].sum(axis=0)).ravel()

    ways: dict[str, HistoryScorer] = {
        "the latest film": OneByOne(latest),
        "the average film": OneByOne(averaged),
        "the weighted average": OneByOne(averaged_by_weight),
        **{f"medoids of clusters, Ward {t:g}": OneByOne(clustered(t)) for t in WARD_THRESHOLDS},
        "each film, all alike": OneByOne(each),
        "each film, weighted": taste,
    }
    print(f"{movielens.name}: {counted(len(questions), 'validation user')}\n", flush=True)
    metrics = {name: evaluate_users(scorer, questions) for name, scorer in ways.items()}
    print(format_metrics_table(metrics, form=".4f"))


if __name__ == "__main__":
    main()
