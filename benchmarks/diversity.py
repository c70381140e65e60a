"""What varied lists cost and buy: hit rate and variety of the first ten, for several diversities.

    python -m benchmarks.diversity --checkpoint_dir checkpoints

Test questions of the split of the checkpoint. With ``--split temporal`` also people: the share of the films
that a user liked later that are in the first ten.
"""

import argparse
from pathlib import Path

import numpy as np

from base.arrays import FloatArray, IntArray
from data.dataset import load_movielens
from data.histories import UserQuestions, user_questions
from data.splits import Queries, held_out_queries, split_movielens
from evaluation.ranking import EmbeddingScorer, ask
from evaluation.variety import COVERAGE_DEPTH, FilmFacts, variety_metrics
from model.checkpoint import BEST, Checkpoint, load_checkpoint
from recommend.diversity import FilmChooser, num_candidates
from recommend.recommender import Recommender
from report.names import metric_label
from report.tables import FigureBlock, FigureColumn, format_table

AMOUNTS = (0.0, 0.1, 0.3, 0.5, 0.7, 1.0)
YEARS = "deviation of years"

Row = dict[str, float]


def main() -> None:
    """Print one table, or two."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dir", default="data/ml-100k")
    parser.add_argument("--checkpoint_dir", default="checkpoints")
    flags = parser.parse_args()
    checkpoint = load_checkpoint(Path(flags.checkpoint_dir) / BEST)
    movielens = load_movielens(flags.data_dir, checkpoint.settings["min_rating"], earlier=checkpoint.earlier)
    split = split_movielens(movielens, checkpoint.settings["split"], "none")
    facts = FilmFacts.of(movielens.movies, split)
    questions = held_out_queries(split, "test")
    show(questions.protocol, of_films(checkpoint, questions, facts))
    if split.name == "temporal":
        people = user_questions(split, "test", movielens.best_rating)
        show("user", of_people(checkpoint, people, facts))


def of_films(checkpoint: Checkpoint, questions: Queries, facts: FilmFacts) -> dict[str, Row]:
    """Diversity to the figures of questions that a film asks."""
    vectors, queries = checkpoint.embeddings.numpy(), checkpoint.query_embeddings.numpy()
    chooser = FilmChooser(checkpoint.basis, checkpoint.features.numpy(), vectors)
    found = ask(EmbeddingScorer(vectors, queries), questions, depth=num_candidates(COVERAGE_DEPTH))[1]
    table = {}
    for amount in AMOUNTS:
        lists = found[:, :COVERAGE_DEPTH].copy()
        for place, (query, candidates) in enumerate(zip(questions.queries, found, strict=True)):
            candidates = candidates[candidates >= 0]
            scores = vectors[candidates] @ queries[query]
            chosen = chooser.choose(candidates, scores, COVERAGE_DEPTH, amount)
            lists[place, : len(chosen)] = candidates[chosen]
        hits = (lists == questions.targets[:, None]).any(axis=1)
        table[f"{amount:g}"] = {"hit_rate@10": float(hits.mean())} | varied(checkpoint, lists, facts)
    return table


def of_people(checkpoint: Checkpoint, questions: UserQuestions, facts: FilmFacts) -> dict[str, Row]:
    """Diversity to the figures of questions that a history asks."""
    recommender, table = Recommender(checkpoint), {}
    for amount in AMOUNTS:
        asked = recommender.with_diversity(amount)
        lists = np.full((len(questions), COVERAGE_DEPTH), -1)
        shares = np.empty(len(questions))
        for place, (history, targets) in enumerate(zip(questions.histories, questions.targets, strict=True)):
            rows = [film.row for film in asked.suggest(history, COVERAGE_DEPTH)]
            lists[place, : len(rows)] = rows
            shares[place] = np.isin(targets, rows).mean()
        table[f"{amount:g}"] = {"recall@10": float(shares.mean())} | varied(checkpoint, lists, facts)
    return table


def varied(checkpoint: Checkpoint, lists: IntArray, facts: FilmFacts) -> Row:
    """The figures of variety, coverage, and how far apart the years of a list are (standard deviation)."""
    years: FloatArray = np.where(lists >= 0, checkpoint.movies.years[lists], np.nan)
    shown = np.unique(lists[lists >= 0])
    return variety_metrics(lists, facts) | {
        "coverage@10": len(shown) / len(checkpoint.movies),
        YEARS: float(np.nanmean(np.nanstd(years, axis=1))),
    }


def show(protocol: str, table: dict[str, Row]) -> None:
    """One line per diversity."""
    columns = [
        FigureColumn(key, metric_label(key), form=".1f" if key == YEARS else ".3f", starred=False)
        for key in table["0"]
    ]
    print(f"\n{protocol}\n\n{format_table(columns, [FigureBlock(table)], corner='diversity')}")


if __name__ == "__main__":
    main()
