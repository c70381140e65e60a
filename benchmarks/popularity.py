"""What the control from surprising to well-known films costs and buys.

    python -m benchmarks.popularity --checkpoint_dir checkpoints-pairs --picture docs/popularity.png

The checkpoint must be one of ``--split temporal``. Test questions of pairs, people and series; the mean
number of training ratings of the films that are shown; and recall@10 of both approximate indexes against
exact search, without a rebuild.
"""

import argparse
from pathlib import Path

import numpy as np

from config import SearchConfig
from data.dataset import load_movielens
from data.histories import user_questions
from data.splits import held_out_queries, split_movielens
from evaluation.ranking import EmbeddingScorer, rank_targets, ranking_metrics
from evaluation.related.measure import evaluate_related
from evaluation.related.questions import related_questions
from evaluation.users import evaluate_users
from model.checkpoint import BEST, Checkpoint, load_checkpoint
from recommend.taste import TasteScorer, nearest_films
from report.plot_style import GREY, PALETTE, figure, left_title
from report.tables import format_metrics_table
from search import ExactIndex
from search.choose import open_index

AMOUNTS = (-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0)
SHOWN = {
    "pairs @100": "pairs hit rate @100",
    "recall@20": "people recall@20",
    "siblings@10": "series siblings@10",
}


def main() -> None:
    """Print the table and draw the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dir", default="data/ml-100k")
    parser.add_argument("--checkpoint_dir", default="checkpoints-pairs")
    parser.add_argument("--picture", help="file to draw, a PNG")
    flags = parser.parse_args()
    checkpoint = load_checkpoint(Path(flags.checkpoint_dir) / BEST)
    table = measure(checkpoint, flags.data_dir)
    print(format_metrics_table(table, form=".3f"))
    if flags.picture:
        draw(table, Path(flags.picture))


def measure(checkpoint: Checkpoint, data_dir: str) -> dict[str, dict[str, float]]:
    """The figures of each amount, by its name."""
    blend = checkpoint.blend
    assert blend is not None, "the checkpoint has no views; train again"
    movielens = load_movielens(data_dir, checkpoint.settings["min_rating"], earlier=checkpoint.earlier)
    split = split_movielens(movielens, checkpoint.settings["split"], "none")
    pairs, people = held_out_queries(split, "test"), user_questions(split, "test", movielens.best_rating)
    ratings = np.bincount(split.train.movies, minlength=split.num_movies)
    series = related_questions(movielens)
    vectors, rows = checkpoint.embeddings.numpy(), np.arange(split.num_movies)
    indexes = {
        method: open_index(
            SearchConfig(search_method=method), vectors, checkpoint.query_embeddings.numpy(), 0, None
        )
        for method in ("lsh", "ivf")
    }
    exact = ExactIndex().build(vectors, rows)
    table = {}
    for amount in AMOUNTS:
        queries = blend.with_popularity(checkpoint.query_embeddings.numpy(), amount)
        scorer = EmbeddingScorer(vectors, queries)
        found = ranking_metrics(rank_targets(scorer, pairs), "pairs")
        for_people = TasteScorer(
            exact, blend.with_popularity(checkpoint.person_queries, amount), checkpoint.person.rank_offset
        )
        row = {
            "pairs @10": found["hit_rate@10"],
            "pairs @100": found["hit_rate@100"],
            "pairs MRR": found["mrr"],
        }
        row |= {"recall@20": evaluate_users(for_people, people)["recall@20"]}
        if series is not None:
            related = evaluate_related(scorer, series, ratings).metrics()
            row["siblings@10"] = related["siblings@10"]
        nearest = nearest_films(exact, queries, rows, 10)
        row["ratings@10"] = float(ratings[nearest].mean())
        for method, index in indexes.items():
            row[f"{method} recall"] = recall(nearest_films(index, queries, rows, 10), nearest)
        table[f"{amount:+g}" if amount else "0"] = row
    return table


def recall(found: np.ndarray, nearest: np.ndarray) -> float:
    """Share of the nearest films that were found."""
    shares = [np.isin(one, best).mean() for one, best in zip(found, nearest, strict=True)]
    return float(np.mean(shares))


def draw(table: dict[str, dict[str, float]], path: Path) -> None:
    """Quality, and how often the films that are shown were rated, against the amount."""
    amounts = [float(name) for name in table]
    with figure(path, 8, 3.4) as drawing:
        left_title(drawing, "From surprising (-1) to well-known films (1)")
        quality, known = drawing.subplots(1, 2)
        for colour, (key, name) in zip(PALETTE, SHOWN.items(), strict=False):
            if key in table["0"]:
                quality.plot(amounts, [row[key] for row in table.values()], "o-", color=colour, label=name)
        quality.set_ylim(bottom=0)
        quality.legend(fontsize=8)
        quality.set_xlabel("popularity")
        known.plot(amounts, [row["ratings@10"] for row in table.values()], "o-", color=GREY)
        known.set_ylim(bottom=0)
        known.set_xlabel("popularity")
        known.set_ylabel("mean ratings of the first ten")


if __name__ == "__main__":
    main()
