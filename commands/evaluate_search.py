"""The loss of quality by an approximate index: it is asked the same questions as exact search."""

from pathlib import Path

import numpy as np

from base.arrays import FloatArray, IntArray
from base.files import write_json
from config import Config
from data.splits import Queries
from model.checkpoint import Checkpoint
from search.base import VectorIndex
from search.choose import open_index
from search.exact import ExactIndex
from search.tuning import recall_by_score

DEPTH = 10
BLOCK = 256  # questions asked at once
MAX_FILMS = 5_000  # films whose neighbours are searched to compute the recall


def report_search(config: Config, checkpoint: Checkpoint, questions: Queries) -> None:
    """Print hit rate, MRR and recall at 10 of ``--search_method`` and exact search; write ``search.json``.

    Args:
        config: all settings.
        checkpoint: the trained model.
        questions: the test questions.
    """
    embeddings = checkpoint.embeddings.numpy()
    queries = checkpoint.query_embeddings.numpy()
    index = open_index(config.search, embeddings, queries, config.run.seed, Path(config.run.checkpoint_dir))
    exact = ExactIndex().build(embeddings, np.arange(len(embeddings)))
    ours, theirs = search_metrics(index, queries, questions), search_metrics(exact, queries, questions)
    asked = np.random.default_rng(config.run.seed).permutation(len(queries))[:MAX_FILMS]
    found, best = (
        method.search(queries[asked], DEPTH, exclude=list(asked[:, None])).ids for method in (index, exact)
    )
    # By the scores of the model's own vectors: those of an index may be of compact ones.
    scores = (
        np.einsum("nkd,nd->nk", embeddings[ids], queries[asked], dtype=np.float32) for ids in (found, best)
    )
    recall = recall_by_score(*scores)
    method = config.search.search_method
    report = {
        "method": method,
        "index": repr(index),
        "questions": len(questions),
        f"recall@{DEPTH}": recall,
        "metrics": ours,
        "exact": theirs,
    }
    path = Path(config.run.output_dir) / "search.json"
    write_json(report, path)
    print(f"\nsearch by {method}: {index!r}")
    for name, value in ours.items():
        print(f"{name:<12} {value:.4f}   exact {theirs[name]:.4f}   difference {value - theirs[name]:+.4f}")
    of = f"of the {DEPTH} nearest of {checkpoint.movies.words.counted(len(asked))}"
    print(f"recall@{DEPTH:<5} {recall:.4f}   {of}\nwritten: {path}")


def search_metrics(index: VectorIndex, query_embeddings: FloatArray, questions: Queries) -> dict[str, float]:
    """Hit rate and MRR of the first ten results. Masked films are excluded, except for the target.

    Args:
        index: an index whose ids are film rows.
        query_embeddings: float32 ``[num_movies, d]``.
        questions: the questions.

    Returns:
        ``hit_rate@10`` and ``mrr@10``.
    """
    lengths = np.diff(questions.mask_ptr)
    # The longest mask of a batch limits the number of results of all its questions. If fewer than DEPTH
    # would be left, ask one question at a time.
    size = BLOCK if len(index) - lengths.max() >= DEPTH else 1
    # Masks of similar length in one batch: the index fetches as many more results as the longest mask needs.
    order = np.argsort(lengths, kind="stable")
    ranks = np.concatenate(
        [
            _ranks(index, query_embeddings, questions, order[start : start + size])
            for start in range(0, len(order), size)
        ]
    )
    return {
        f"hit_rate@{DEPTH}": float(np.mean(ranks <= DEPTH)),
        f"mrr@{DEPTH}": float(np.mean(1 / ranks)),
    }


def _ranks(
    index: VectorIndex, query_embeddings: FloatArray, questions: Queries, rows: IntArray
) -> FloatArray:
    """The rank of each target among the first ten results, float ``[b]``; infinity if it is not there."""
    exclude = []
    for row in rows:
        mask = questions.mask_movies[questions.mask_ptr[row] : questions.mask_ptr[row + 1]]
        exclude.append(mask[mask != questions.targets[row]])
    found = index.search(query_embeddings[questions.queries[rows]], DEPTH, exclude=exclude).ids
    hits = found == questions.targets[rows][:, None]  # [b, DEPTH]
    return np.where(hits.any(axis=1), 1.0 + hits.argmax(axis=1), np.inf)
