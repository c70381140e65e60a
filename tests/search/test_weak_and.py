"""Weak AND: brute force, the readable reference and the compiled kernel, equal to the last tie."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.weak_and.index import WeakANDIndex, WeakANDQuery
from search.weak_and.kernel import weak_and_sorted
from search.weak_and.partitions import MAX_TERMS, assign, default_partitions, default_probes, train_partitions
from search.weak_and.postings import BLOCK_LENGTH, invert
from search.weak_and.reference import brute_force, raised, token_score, weak_and
from search.weak_and.tokens import DETAIL_SHIFT, FilmTokens, QueryTokens
from tests.fuzzing import fuzz
from tests.search.test_nearest_neighbors import clustered, unit_vectors

NORM = 16  # residual norms are stored in sixteenths


def random_tokens(rng, num_films, num_partitions, dim, spread):
    """Films with one to three distinct terms; small integers, so that equal scores are common."""
    terms = np.full((num_films, MAX_TERMS), -1, dtype=np.int32)
    weights = np.zeros((num_films, MAX_TERMS), dtype=np.int32)
    for film in range(num_films):
        size = rng.integers(1, min(MAX_TERMS, num_partitions) + 1)
        terms[film, :size] = rng.choice(num_partitions, size, replace=False)
        weights[film, :size] = rng.integers(0, 4 * spread + 1, size)
    details = rng.integers(-spread, spread + 1, (num_films, dim)).astype(np.int8)
    return FilmTokens(terms, weights, details)


def random_query(rng, tokens, postings, num_partitions, spread):
    """A query with valid bounds of its own: Cauchy-Schwarz without knowing any centroid."""
    weights = rng.integers(-3 * spread, 40 * spread + 1, num_partitions)
    details = rng.integers(-spread, spread + 1, tokens.details.shape[1]).astype(np.int16)
    lists = rng.permutation(num_partitions)[: rng.integers(1, num_partitions + 1)]
    unread = np.delete(weights, lists).max(initial=0)
    norm = np.ceil(np.linalg.norm(details.astype(float)) * DETAIL_SHIFT / NORM)
    bounds = np.stack(
        [
            np.maximum(0, weights[lists]),
            np.full(len(lists), norm),
            np.full(len(lists), unread),
            np.ones(len(lists)),
        ],
        axis=1,
    ).astype(np.int64)
    return QueryTokens(weights.astype(np.int64), details, lists.astype(np.int64), bounds, 0)


@fuzz(300)
@given(
    num_films=st.integers(1, 150),
    num_partitions=st.integers(1, 9),
    dim=st.integers(1, 6),
    spread=st.integers(0, 3),
    num_candidates=st.integers(1, 60),
    factor=st.sampled_from([1.0, 1.0, 0.0, 1.1, 2.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_kernel_reference_and_brute_force_agree(
    num_films, num_partitions, dim, spread, num_candidates, factor, seed
):
    rng = np.random.default_rng(seed)
    tokens = random_tokens(rng, num_films, num_partitions, dim, spread)
    postings = invert(tokens, num_partitions)
    query = random_query(rng, tokens, postings, num_partitions, spread)
    reference = weak_and(postings, tokens, query, num_candidates, factor)
    films, scores, scored, skipped = weak_and_sorted(
        tuple(postings), tuple(tokens), tuple(query), num_candidates, factor
    )
    assert (films.tolist(), scores.tolist(), scored) == (
        reference.films, reference.scores, reference.scored,
    )  # fmt: skip
    assert skipped == reference.skipped
    if factor <= 1:
        expected = brute_force(postings, tokens, query, num_candidates)
        assert (reference.films, reference.scores) == (expected.films, expected.scores)
    for film, score in zip(reference.films, reference.scores, strict=True):
        assert score == token_score(film, tokens, query)


@fuzz(40)
@given(
    count=st.integers(1, 300),
    num_partitions=st.integers(1, 40),
    probes=st.integers(1, 12),
    num_candidates=st.integers(1, 50),
    scale=st.sampled_from([1e-3, 1.0, 1e4]),
    seed=st.integers(0, 999),
)
def test_they_agree_on_real_tokens_and_bounds(count, num_partitions, probes, num_candidates, scale, seed):
    vectors, queries = clustered(max(10, count), 12, dim=16, seed=seed)
    index = WeakANDIndex(num_partitions).build(scale * vectors[:count] + 0.1 * scale, np.arange(count))
    index.query = WeakANDQuery(probes)
    for vector in (queries[0], np.zeros(16, dtype=np.float32), -scale * vectors[0], vectors[0]):
        query = index.weigh(vector, num_candidates)
        expected = brute_force(index.postings, index.tokens, query, num_candidates)
        reference = weak_and(index.postings, index.tokens, query, num_candidates)
        films, scores, scored, _ = weak_and_sorted(
            tuple(index.postings), tuple(index.tokens), tuple(query), num_candidates, 1.0
        )
        assert len(expected.films) >= min(count, num_candidates)  # it widens until there are enough
        assert films.tolist() == reference.films == expected.films
        assert scores.tolist() == reference.scores == expected.scores and scored == reference.scored
        for place, term in enumerate(query.lists):
            check_bounds(index, query, place, term)


def check_bounds(index, query, place, term):
    """No film of a list or block scores above its bound, the parts of other lists read left out."""
    start, end = index.postings.starts[term : term + 2]
    films = index.postings.films[start:end]
    others = set(query.lists.tolist()) - {int(term)}
    alone = [f for f in films if not others & set(index.tokens.terms[f].tolist())]
    for film in alone:
        block = index.postings.block_starts[term] + np.searchsorted(films, film) // BLOCK_LENGTH
        for peaks in (index.postings.block_peaks[block], index.postings.list_peaks[term]):
            bound = int(np.append(peaks, 1) @ query.bounds[place])
            assert token_score(int(film), index.tokens, query) <= bound


def test_by_hand():
    # Films 0 to 3; partition 0 holds 0, 1 and 3, partition 1 holds 2 and 3. One axis.
    tokens = FilmTokens(
        np.array([[0, -1, -1], [0, -1, -1], [1, -1, -1], [0, 1, -1]], dtype=np.int32),
        np.array([[5, 0, 0], [3, 0, 0], [9, 0, 0], [2, 2, 0]], dtype=np.int32),
        np.array([[0], [1], [0], [-1]], dtype=np.int8),
    )
    postings = invert(tokens, 2)
    assert postings.films.tolist() == [0, 1, 3, 2, 3] and postings.starts.tolist() == [0, 3, 5]
    assert postings.list_peaks.tolist() == [[5, NORM, 2], [9, NORM, 2]]
    bounds = np.array([[1000, 256 // NORM, 0, 1], [100, 256 // NORM, 0, 1]])
    details = np.array([1], dtype=np.int16)
    query = QueryTokens(np.array([1000, 100]), details, np.array([0, 1]), bounds, 0)
    found = weak_and(postings, tokens, query, 4)
    assert found.films == [0, 1, 3, 2]
    assert found.scores == [5000, 3000 + 256, 2000 + 200 - 256, 900]
    # Film 1 is scored: its list could reach 5257. Film 2 is skipped: its list reaches 1157, and only
    # together with the other list, at film 3, is there enough for a pivot.
    assert weak_and(postings, tokens, query, 1) == ([0], [5000], 3, 2)


def test_a_full_heap_prunes_far_lists_and_a_larger_factor_prunes_more():
    vectors, queries = clustered(4000, 40, dim=16)
    index = WeakANDIndex(60).build(vectors, np.arange(4000))
    index.query = WeakANDQuery(probes=60, candidates_factor=1)
    exact = index.count_postings(queries, 10)
    index.query = WeakANDQuery(probes=60, candidates_factor=1, wand_factor=1.2)
    hasty = index.count_postings(queries, 10)
    assert exact.skipped > exact.scored > hasty.scored
    assert exact.scored + exact.skipped == hasty.scored + hasty.skipped == len(index.postings.films) * 400


def test_the_factor_raises_positive_thresholds_only():
    assert [raised(t, 1.5) for t in (10, 0, -10)] == [15, 0, -10] and raised(7, 1.0) == 7


def test_the_first_level_of_an_index_that_was_emptied():
    vectors = unit_vectors(30)
    index = WeakANDIndex(5).build(vectors, np.arange(30))
    index.remove(np.arange(30))
    for empty in (index, WeakANDIndex()):
        assert empty.count_postings(vectors, 3) == (0, 0)
        with pytest.raises(ValueError, match="query must be one vector, of an index that is not empty"):
            empty.weigh(vectors[0], 3)
    index.add(vectors, np.arange(30))
    assert index.count_postings(vectors[0], 3).scored > 0 and index.count_postings([], 3) == (0, 0)
    for query, k, message in (
        (vectors[0, :3], 3, "queries must be"),
        (vectors[0], 0, "must be a whole number"),
        (np.full(8, np.nan), 3, "queries must be finite"),
    ):
        for call in (index.count_postings, index.weigh):
            with pytest.raises(ValueError, match=message):
                call(query, k)


def test_soft_assignment_adds_up_to_the_film():
    vectors, _ = clustered(500, 20, dim=16)
    centred = vectors - vectors.mean(axis=0)
    centroids = train_partitions(centred, 25, seed=0)
    np.testing.assert_allclose(np.linalg.norm(centroids, axis=1), 1, atol=1e-5)
    terms, weights, residuals = assign(centred, centroids)
    assert (terms[:, 0] == (centred @ centroids.T).argmax(axis=1)).all()
    assert (weights >= 0).all() and (weights[terms < 0] == 0).all()
    assert 1 < (terms >= 0).sum(axis=1).mean() < MAX_TERMS
    for film in range(500):
        own = [(t, w) for t, w in zip(terms[film], weights[film], strict=True) if t >= 0]
        whole = sum(w * centroids[t] for t, w in own) + residuals[film]
        np.testing.assert_allclose(whole, centred[film], atol=1e-5)
        assert max(abs(centroids[t] @ residuals[film]) for t, _ in own) < 1e-3
        assert len({t for t, _ in own}) == len(own)


def test_token_scores_rank_as_inner_products_do():
    vectors, queries = clustered(2000, 10, dim=32)
    index = WeakANDIndex(20).build(vectors, np.arange(2000))
    query = index.weigh(queries[0], 10)
    films = range(0, 2000, 7)
    tokens = [token_score(film, index.tokens, query) for film in films]
    products = index.embeddings[list(films)] @ queries[0]
    assert np.corrcoef(tokens, products)[0, 1] > 0.999


@fuzz(60)
@given(
    count=st.integers(1, 300),
    later=st.integers(0, 20),
    k=st.integers(1, 20),
    scale=st.sampled_from([1e-3, 1.0, 1e4]),
    seed=st.integers(0, 999),
)
def test_the_second_level_passes_over_nothing_that_belongs_to_the_result(count, later, k, scale, seed):
    """Films added later may lie outside what the stored integers can express; the margin must know."""
    vectors, queries = clustered(400, 8, dim=16, seed=seed)
    index = WeakANDIndex(9).build(scale * vectors[:count], np.arange(count))
    if later:
        index.add(7 * scale * vectors[count : count + later], np.arange(count, count + later))
    index.query = WeakANDQuery(probes=9, candidates_factor=400)
    for query in (queries[0], -3 * scale * vectors[0]):
        scores = index.search(query, k).scores
        best = np.sort(index.embeddings @ query)[::-1][:k]
        np.testing.assert_allclose(scores, best, rtol=1e-4, atol=1e-5 * scale * np.linalg.norm(query))
        weighed = index.weigh(query, 1)
        tokens = np.array([token_score(film, index.tokens, weighed) for film in range(len(index))])
        exact = index.embeddings.astype(np.float64) @ query
        first, second = np.nonzero(tokens[:, None] > tokens[None, :] + weighed.margin)
        assert (exact[first] >= exact[second]).all()


@pytest.mark.parametrize("first", [0.0, 1e-45, 1e-30, 1e15])
@pytest.mark.parametrize("later", [1e-30, 1.0, 1e15])
def test_films_added_later_may_be_of_any_size(first, later):
    """The margin of rounding then exceeds 64 bits, and steps of the smallest vectors are 0 in float32."""
    vectors = np.concatenate([first * np.ones((30, 4)), later * unit_vectors(30, 4)]).astype(np.float32)
    index = WeakANDIndex(7, 1).build(vectors[:30], np.arange(30))
    index.add(vectors[30:], np.arange(30, 60))
    for query in (unit_vectors(1, 4, seed=1)[0], np.full(4, 1e-45, np.float32)):
        scores, ids = index.search(query, 60)
        assert sorted(ids.tolist()) == list(range(60))
        np.testing.assert_array_equal(scores, np.sort(scores)[::-1])
        np.testing.assert_allclose(scores, vectors[ids] @ query, rtol=1e-4, atol=1e-6 * later)


@pytest.mark.parametrize("count", [3, 50])
def test_centroids_have_unit_length_though_films_are_few(count):
    """FAISS copies the vectors where there are no more than clusters; the bounds need unit length."""
    sample = np.concatenate([7 * unit_vectors(count - 1), np.zeros((1, 8), dtype=np.float32)])
    lengths = np.linalg.norm(train_partitions(sample, 50, seed=0), axis=1)
    np.testing.assert_allclose(np.sort(lengths), [0.0] + [1.0] * (count - 1), atol=1e-6)


def test_defaults_from_the_size():
    assert [default_partitions(n) for n in (1, 10, 1682, 62_423, 1_000_000)] == [1, 10, 164, 999, 4000]
    assert [default_probes(partitions) for partitions in (100, 999, 4000)] == [16, 4, 8]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_more_partitions_than_films(count):
    index = WeakANDIndex(100).build(unit_vectors(count), np.arange(count))
    assert sorted(index.search(unit_vectors(1, seed=9)[0], 10).ids.tolist()) == list(range(count))
