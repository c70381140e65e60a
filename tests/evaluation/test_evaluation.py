import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric import metrics as pyg_metrics

from base.errors import WorldError
from data.splits import Queries
from evaluation.ranking import (
    EmbeddingScorer,
    evaluate,
    question_values,
    rank_targets,
    ranking_metrics,
    sample_questions,
)
from tests.fuzzing import fuzz


class TableScorer:
    """Scores looked up in a table: no arithmetic, so ties are exact."""

    def __init__(self, table):
        self.table = np.asarray(table, dtype=np.float32)

    def score(self, queries):
        return self.table[queries]


def make_questions(queries, targets, masks, protocol="pairs"):
    return Queries(
        protocol,
        np.arange(len(queries), dtype=np.int32),
        np.array(queries, dtype=np.int32),
        np.array(targets, dtype=np.int32),
        np.concatenate([[0], np.cumsum([len(mask) for mask in masks], dtype=np.int64)]),
        np.array([film for mask in masks for film in mask], dtype=np.int32),
    )


def naive_rank(scores, target, mask):
    rank = 1.0
    for film, score in enumerate(scores):
        if film != target and film not in mask:
            rank += 1.0 if score > scores[target] else 0.5 if score == scores[target] else 0.0
    return rank


def naive_top_10(scores, target, mask):
    candidates = [film for film in range(len(scores)) if film == target or film not in mask]
    return sorted(candidates, key=lambda film: (-scores[film], film))[:10]


@st.composite
def rankings(draw):
    """Few distinct scores, infinities among them, and masks that repeat films and may name the target."""
    num_movies = draw(st.integers(2, 25))
    film = st.integers(0, num_movies - 1)
    scores = st.sampled_from([-np.inf, -1.0, 0.0, 0.0, 0.5, np.inf])
    row = st.lists(scores, min_size=num_movies, max_size=num_movies)
    table = draw(st.lists(row, min_size=num_movies, max_size=num_movies))
    asked = draw(st.lists(st.tuples(film, film, st.lists(film, max_size=30)), min_size=1, max_size=12))
    queries, targets, masks = zip(*asked, strict=True)
    return table, make_questions(
        queries, targets, [[q, *mask] for q, mask in zip(queries, masks, strict=True)]
    )


@fuzz(150)
@given(rankings(), st.integers(1, 13))
def test_fast_ranks_and_coverage_equal_the_naive_loop(ranking, block_size):
    table, questions = ranking
    result = evaluate(TableScorer(table), questions, block_size)
    seen = np.zeros(len(table), dtype=int)
    for i, (query, target) in enumerate(zip(questions.queries, questions.targets, strict=True)):
        mask = questions.mask_movies[questions.mask_ptr[i] : questions.mask_ptr[i + 1]]
        assert result.ranks[i] == naive_rank(table[query], target, mask)
        seen[naive_top_10(table[query], target, mask)] += 1
    np.testing.assert_array_equal(result.recommended, seen)
    assert result.metrics["coverage@10"] == np.mean(seen > 0)
    np.testing.assert_array_equal(rank_targets(TableScorer(table), questions, block_size), result.ranks)


def test_ties_share_their_places():
    scores = [[9, 5, 5, 5, 7, 5]]
    # Film 0 is the query. One film is higher; three others are level: 1 + 1 + 3 / 2.
    assert rank_targets(TableScorer(scores), make_questions([0], [1], [[0]])) == [3.5]
    # Masking the higher film and one level one: 1 + 0 + 2 / 2.
    assert rank_targets(TableScorer(scores), make_questions([0], [1], [[0, 4, 5]])) == [2.0]


def test_a_masked_target_is_still_a_candidate():
    scores = TableScorer([[0, 3, 2, 1]])
    assert rank_targets(scores, make_questions([0], [2], [[0, 2]])) == [2.0]


def test_scoring_everything_alike_gains_nothing():
    questions = make_questions([0, 1], [5, 2], [[0], [1]])
    np.testing.assert_array_equal(rank_targets(TableScorer(np.zeros((101, 101))), questions), [50.5, 50.5])


def test_pairs_metrics_by_hand():
    metrics = ranking_metrics(np.array([1.0, 10.0, 10.5, 100.0, 100.5, 500.0, 500.5, 1000.0]), "pairs")
    assert metrics == pytest.approx(
        {
            "hit_rate@10": 2 / 8,
            "hit_rate@100": 4 / 8,
            "hit_rate@500": 6 / 8,
            "mrr": (1 + 1 / 10 + 1 / 10.5 + 1 / 100 + 1 / 100.5 + 1 / 500 + 1 / 500.5 + 1 / 1000) / 8,
            "scaled_mrr": (4 * 1 + 1 / 2 + 1 / 5 + 1 / 6 + 1 / 10) / 8,
        }
    )


def test_next_item_metrics_by_hand():
    metrics = ranking_metrics(np.array([1.0, 3.0, 20.0, 20.5]), "next_item")
    assert metrics == pytest.approx(
        {
            "hit_rate@10": 2 / 4,
            "hit_rate@100": 1.0,
            "hit_rate@500": 1.0,
            "mrr": (1 + 1 / 3 + 1 / 20 + 1 / 20.5) / 4,
            "ndcg@20": (1 + 1 / 2 + 1 / np.log2(21)) / 4,
            "recall@20": 3 / 4,
        }
    )


@pytest.mark.parametrize("protocol", ["next_item", "pairs"])
def test_metrics_are_means_over_questions(protocol):
    ranks = np.array([1.0, 2.5, 10.0, 20.0, 20.5, 101.0, 700.0])
    values = question_values(ranks, protocol)
    assert values.keys() == ranking_metrics(ranks, protocol).keys()
    for i, rank in enumerate(ranks):
        alone = {name: column[i] for name, column in values.items()}
        assert alone == pytest.approx(ranking_metrics(np.array([rank]), protocol))


def test_coverage_breaks_ties_by_row():
    questions = make_questions([0, 1], [11, 11], [[0], [1]])
    result = evaluate(TableScorer(np.zeros((20, 20))), questions)
    # Rows 1-10 for the first question; row 0 and rows 2-10 for the second.
    np.testing.assert_array_equal(result.recommended, [1, 1, *[2] * 9, *[0] * 9])
    assert result.metrics["coverage@10"] == 11 / 20


@pytest.mark.skipif(
    not hasattr(pyg_metrics, "LinkPredCoverage"), reason="torch_geometric has all these metrics from 2.7 on"
)
@pytest.mark.parametrize("seed", range(3))
def test_metrics_agree_with_torch_geometric(seed):
    rng = np.random.default_rng(seed)
    num_movies, num_questions = 700, 80
    scores = rng.permuted(np.tile(np.arange(num_movies), (num_movies, 1)), axis=1)  # no ties
    queries = rng.integers(0, num_movies, num_questions)
    targets = (queries + rng.integers(1, num_movies, num_questions)) % num_movies
    questions = make_questions(queries, targets, [[q] for q in queries], "next_item")
    ours = evaluate(TableScorer(scores), questions).metrics

    masked = scores[queries].astype(float)
    masked[np.arange(num_questions), queries] = -np.inf
    ranked = torch.from_numpy(np.argsort(-masked, axis=1))
    edges = torch.from_numpy(np.stack([np.arange(num_questions), targets]))
    theirs = {
        "mrr": pyg_metrics.LinkPredMRR(k=num_movies),
        "recall@20": pyg_metrics.LinkPredRecall(k=20),
        "hit_rate@10": pyg_metrics.LinkPredHitRatio(k=10),
        "hit_rate@100": pyg_metrics.LinkPredHitRatio(k=100),
        "hit_rate@500": pyg_metrics.LinkPredHitRatio(k=500),
        "ndcg@20": pyg_metrics.LinkPredNDCG(k=20),
        "coverage@10": pyg_metrics.LinkPredCoverage(k=10, num_dst_nodes=num_movies),
    }
    assert theirs.keys() == ours.keys()
    for name, metric in theirs.items():
        metric.update(ranked[:, : metric.k], edges)
        assert ours[name] == pytest.approx(float(metric.compute()), abs=1e-6), name


def test_embedding_scorer_takes_its_own_query_embeddings():
    candidates = np.array([[1, 0], [0, 1], [1, 1]], dtype=np.float32)
    np.testing.assert_array_equal(EmbeddingScorer(candidates).score(np.array([1])), [[0, 1, 1]])
    turned = EmbeddingScorer(candidates, candidates[:, ::-1])
    np.testing.assert_array_equal(turned.score(np.array([1, 0])), [[1, 0, 1], [0, 1, 1]])


def test_nan_scores_are_refused_with_the_film():
    table = np.zeros((4, 4))
    table[2, 1] = np.nan
    with pytest.raises(WorldError, match="scores contain NaN for 1 of 2 queries.*film row 2;"):
        rank_targets(TableScorer(table), make_questions([0, 2], [1, 3], [[0], [2]]))


def test_no_questions_are_refused():
    with pytest.raises(ValueError, match="at least one question"):
        evaluate(TableScorer(np.zeros((3, 3))), make_questions([], [], []))


def test_sampled_questions_are_a_function_of_the_seed():
    masks = [[i, *range(i % 3)] for i in range(50)]
    questions = make_questions(range(50), [(i + 1) % 50 for i in range(50)], masks)
    sample = sample_questions(questions, 20, seed=7)
    np.testing.assert_array_equal(sample.queries, sample_questions(questions, 20, seed=7).queries)
    assert not np.array_equal(sample.queries, sample_questions(questions, 20, seed=8).queries)
    assert len(sample) == 20 and (np.diff(sample.queries) > 0).all()
    for i, query in enumerate(sample.queries):
        mask = sample.mask_movies[sample.mask_ptr[i] : sample.mask_ptr[i + 1]]
        np.testing.assert_array_equal(mask, masks[query])
    assert sample_questions(questions, 50, seed=0) is questions
