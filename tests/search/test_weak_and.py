"""Weak AND: brute force, the readable reference and the compiled kernel, equal to the last tie."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.weak_and.index import WeakANDIndex, WeakANDQuery
from search.weak_and.kernel import weak_and as compiled_weak_and
from search.weak_and.part import best_of_part, part_of
from search.weak_and.partitions import MAX_TERMS, assign, default_partitions, default_probes, train_partitions
from search.weak_and.postings import film_order, invert
from search.weak_and.reference import brute_force, raised, token_score, upper_bound, weak_and
from search.weak_and.tokens import FilmTokens, QueryTokens
from tests.fuzzing import fuzz
from tests.search.test_nearest_neighbors import clustered, unit_vectors

NORM = 16  # residual norms are stored in sixteenths
UNIT = 256  # of details, in units of the score
# Of random tokens, and how many candidates are wanted.
TOKENS = {
    "num_films": st.integers(1, 150),
    "num_partitions": st.integers(1, 9),
    "dim": st.integers(1, 6),
    "spread": st.integers(0, 3),
    "num_candidates": st.integers(1, 60),
}


def random_tokens(rng, num_films, num_partitions, dim, spread):
    """Films with one to three distinct terms; small integers, so that equal scores are common."""
    terms = np.full((num_films, MAX_TERMS), -1, dtype=np.int32)
    weights = np.zeros((num_films, MAX_TERMS), dtype=np.int32)
    for film in range(num_films):
        size = rng.integers(1, min(MAX_TERMS, num_partitions) + 1)
        terms[film, :size] = rng.choice(num_partitions, size, replace=False)
        weights[film, :size] = rng.integers(0, 4 * spread + 1, size)
    details = rng.integers(-spread, spread + 1, (num_films, dim)).astype(np.int8)
    order = film_order(terms)
    return FilmTokens(terms[order], weights[order], details)


def random_query(rng, tokens, num_partitions, spread):
    """A query with valid bounds of its own: Cauchy-Schwarz without knowing any centroid."""
    weights = rng.integers(-3 * spread, 40 * spread + 1, num_partitions).astype(np.int32)
    details = rng.integers(-spread, spread + 1, tokens.details.shape[1]).astype(np.int16)
    heaviest = np.argsort(-weights, kind="stable")
    lists = heaviest[: rng.integers(1, num_partitions + 1)]
    following = np.append(weights[heaviest], 0)[1 : len(lists) + 1]
    norm = np.ceil(np.linalg.norm(details.astype(float)) * UNIT / NORM)
    bounds = np.stack(
        [
            np.maximum(0, weights[lists]),
            np.full(len(lists), norm),
            np.maximum(0, following),
            np.ones(len(lists)),
        ],
        axis=1,
    ).astype(np.int64)
    return QueryTokens(weights, details, lists, bounds, UNIT, 0)


def compiled(postings, query, num_candidates, factor=1.0):
    """The kernel's result, in the form of the reference's."""
    films, scores, scored, skipped = compiled_weak_and(
        (tuple(postings.tokens), *postings[1:]), tuple(query), num_candidates, factor
    )
    order = np.lexsort((films, -scores))
    return films[order].tolist(), scores[order].tolist(), scored, skipped


@fuzz(300)
@given(
    **TOKENS,
    factor=st.sampled_from([1.0, 1.0, 0.0, 1.1, 2.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_kernel_reference_and_brute_force_agree(
    num_films, num_partitions, dim, spread, num_candidates, factor, seed
):
    rng = np.random.default_rng(seed)
    tokens = random_tokens(rng, num_films, num_partitions, dim, spread)
    postings = invert(tokens, num_partitions)
    query = random_query(rng, tokens, num_partitions, spread)
    reference = weak_and(postings, query, num_candidates, factor)
    assert compiled(postings, query, num_candidates, factor) == reference
    if factor <= 1:
        expected = brute_force(postings, query, num_candidates)
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
        expected = brute_force(index.postings, query, num_candidates)
        reference = weak_and(index.postings, query, num_candidates)
        assert len(expected.films) >= min(count, num_candidates)  # it widens until there are enough
        assert compiled(index.postings, query, num_candidates) == reference
        assert (reference.films, reference.scores) == (expected.films, expected.scores)
        for place, term in enumerate(query.lists):
            check_bounds(index, query, place, term)


def check_bounds(index, query, place, term):
    """No film of a list or block scores above its bound, but for films of lists before."""
    before = set(query.lists[:place].tolist())
    postings = index.postings
    for block in range(*postings.starts[term : term + 2]):
        for row in range(*postings.blocks[block, :2]):
            if not before & set(postings.tokens.terms[row].tolist()):
                for peaks in (postings.peaks[block], postings.list_peaks[term]):
                    score = token_score(row, postings.tokens, query)
                    assert score <= upper_bound(peaks, query.bounds[place])


def test_lists_blocks_and_copies_by_hand():
    # 40 films in partition 0 alone, one in 0 and 1, one in 1 and 0 and 2.
    terms = np.array([[0, -1, -1]] * 40 + [[0, 1, -1], [1, 0, 2]], dtype=np.int32)
    weights = np.array([[1, 0, 0]] * 40 + [[5, 3, 0], [7, 4, 2]], dtype=np.int32)
    tokens = FilmTokens(terms, weights, np.arange(42, dtype=np.int8)[:, None])
    postings = invert(tokens, 4)
    assert postings.copied.tolist() == [41, 40, 41]  # in the lists of partitions 0, 1 and 2
    assert postings.tokens.details[42:, 0].tolist() == [41, 40, 41]
    assert [postings.blocks[slice(*postings.starts[t : t + 2])].tolist() for t in range(4)] == [
        [[0, 32, 1], [32, 40, 1], [40, 41, 0], [42, 43, 0]], [[41, 42, 0], [43, 44, 0]], [[44, 45, 0]], [],
    ]  # fmt: skip
    assert postings.own_weights[40:].tolist() == [5, 7, 4, 3, 2]
    assert postings.peaks[:4].tolist() == [[1, 31 * NORM, 0], [1, 39 * NORM, 0], [5, 640, 3], [4, 656, 9]]
    assert postings.list_peaks.tolist() == [[5, 656, 9], [7, 656, 6], [2, 656, 11], [0, 0, 0]]
    assert [postings.film(row) for row in postings.rows(1)] == [41, 40]


def test_by_hand():
    # Partition 0 holds films 0, 1 and 2, partition 1 holds 2 and 3. One axis.
    tokens = FilmTokens(
        np.array([[0, -1, -1], [0, -1, -1], [0, 1, -1], [1, -1, -1]], dtype=np.int32),
        np.array([[5, 0, 0], [3, 0, 0], [2, 2, 0], [9, 0, 0]], dtype=np.int32),
        np.array([[0], [1], [-1], [0]], dtype=np.int8),
    )
    postings = invert(tokens, 2)
    bounds = np.array([[1000, 256 // NORM, 100, 1], [100, 256 // NORM, 0, 1]])
    weights, details = np.array([1000, 100], dtype=np.int32), np.array([1], dtype=np.int16)
    query = QueryTokens(weights, details, np.array([0, 1]), bounds, UNIT, 0)
    # Film 2 is scored in the list of partition 0, with both of its partitions, and not again.
    expected = ([0, 1, 2, 3], [5000, 3000 + 256, 2000 + 200 - 256, 900], 4, 1)
    assert weak_and(postings, query, 4) == expected == compiled(postings, query, 4)
    # Two films are enough for a threshold of 3256 with one result wanted, and 5000 at the end of their block.
    # The block of film 2 reaches 2000 + 256 + 200 + 1, and the list of partition 1 reaches 1157.
    assert weak_and(postings, query, 1) == ([0], [5000], 2, 3) == compiled(postings, query, 1)


@fuzz(200)
@given(
    **TOKENS,
    seed=st.integers(0, 2**32 - 1),
)
def test_a_part_read_to_its_end_equals_brute_force(
    num_films, num_partitions, dim, spread, num_candidates, seed
):
    rng = np.random.default_rng(seed)
    tokens = random_tokens(rng, num_films, num_partitions, dim, spread)
    query = random_query(rng, tokens, num_partitions, spread)
    rows = np.flatnonzero(rng.random(num_films) < 0.7)
    part = part_of(tokens, rows, num_partitions)
    wanted = min(num_candidates, len(rows))
    # There is no k-th best, so nothing is promised less.
    films, scores, scored = best_of_part(tuple(part), tuple(query), len(rows) + 1, len(rows), wanted)
    expected = sorted((-token_score(row, tokens, query), row) for row in rows.tolist())[:wanted]
    assert sorted(zip((-scores).tolist(), rows[films].tolist(), strict=True)) == expected
    assert scored == len(rows)


def test_partitions_are_read_until_they_promise_less_than_the_kth_best():
    # Details are 1 or -1 on each of two axes, so a partition promises its best weight and four details.
    tokens = FilmTokens(
        np.array([[0, -1, -1], [0, -1, -1], [1, -1, -1], [2, -1, -1]], dtype=np.int32),
        np.array([[9, 0, 0], [5, 0, 0], [9, 0, 0], [9, 0, 0]], dtype=np.int32),
        np.array([[1, 1], [1, -1], [-1, 1], [1, 1]], dtype=np.int8),
    )
    part = part_of(tokens, np.arange(4), 3)
    weights, details = np.array([1000, 500, 100], dtype=np.int32), np.array([1, 0], dtype=np.int16)
    query = (weights, details, np.zeros(0, np.int64), np.zeros((0, 4), np.int64), UNIT, 0)
    # Partition 0 has 9256 and 5256; 1 promises 4500 + 4 * 256 and has 4244; 2 promises 900 + 4 * 256.
    for k, num_films, expected in [(1, 4, 2), (2, 4, 3), (3, 4, 3), (4, 4, 4), (2, 2, 2), (4, 3, 3)]:
        assert best_of_part(tuple(part), query, k, num_films, k)[2] == expected, k
    # More candidates than films so far: it reads on.
    films, scores, scored = best_of_part(tuple(part), query, 1, 4, 3)
    assert (sorted(films.tolist()), sorted(scores.tolist()), scored) == ([0, 1, 2], [4244, 5256, 9256], 3)


def test_a_full_heap_prunes_far_lists_and_a_larger_factor_prunes_more():
    vectors, queries = clustered(4000, 40, dim=16)
    index = WeakANDIndex(60).build(vectors, np.arange(4000))
    index.query = WeakANDQuery(probes=60, candidates_factor=1)
    exact = index.count_postings(queries, 10)
    index.query = WeakANDQuery(probes=60, candidates_factor=1, wand_factor=1.2)
    hasty = index.count_postings(queries, 10)
    assert exact.skipped > exact.scored > hasty.scored
    assert (
        exact.scored + exact.skipped == hasty.scored + hasty.skipped == len(index.postings.own_weights) * 400
    )


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


def test_centroids_of_an_older_file_are_rounded_and_the_margin_knows():
    """They are not whole numbers of steps, and the step of the details is no whole number of units."""
    vectors, queries = clustered(400, 8, dim=16)
    index = WeakANDIndex(9).build(vectors, np.arange(400))
    trained = index.partitions.scales
    index._trained["centroids"] = train_partitions(vectors - index._trained["mean"], 9, 0)
    index._trained["scales"] = index._trained["scales"] * [1.0, 1.37]
    index._rows = index._encode(index.embeddings)
    index._refresh()
    assert index.partitions.scales[3] > trained[3]
    index.query = WeakANDQuery(probes=9, candidates_factor=400)
    for query in queries[:20]:
        scores, ids = index.search(query, 10)
        np.testing.assert_allclose(scores, np.sort(vectors @ query)[::-1][:10], rtol=1e-5)
        expected = brute_force(index.postings, index.weigh(query, 20), 20)
        assert compiled(index.postings, index.weigh(query, 20), 20)[:2] == expected[:2]


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
