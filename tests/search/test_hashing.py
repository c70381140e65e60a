"""Signatures, Hamming scan, hash tables and probing, each against a naive computation."""

from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.lsh.buckets import flips, make_tables, probe, table_keys
from search.lsh.hamming import BLOCK, keep_nearest, scan
from search.lsh.signatures import hyperplanes, sign, sign_query
from tests.fuzzing import fuzz
from tests.search.test_nearest_neighbors import unit_vectors


def random_signatures(rng, count, words):
    """Signatures of few distinct bits, so that equal distances are common."""
    return rng.integers(0, 16, (count, words), dtype=np.uint64)


def differing_bits(one, other):
    """How many bits differ, for each row."""
    return np.unpackbits((one ^ other).view(np.uint8), axis=-1).sum(axis=-1, dtype=np.int64)


def by_hamming(signatures, signature, limit):
    """Rows of the smallest distances, ties by the lower row; in rising order."""
    distances = differing_bits(signatures, signature)
    return np.sort(np.argsort(distances, kind="stable")[:limit])


@fuzz(100)
@given(st.integers(1, 3 * BLOCK), st.integers(1, 5), st.integers(1, 80), st.integers(0, 2**32 - 1))
def test_scan_equals_sorting(count, words, limit, seed):
    rng = np.random.default_rng(seed)
    signatures = random_signatures(rng, count, words)
    signature = random_signatures(rng, 1, words)[0]
    limit = min(limit, count)
    found = scan(np.ascontiguousarray(signatures.T), signature, limit)
    assert np.array_equal(found, by_hamming(signatures, signature, limit))


def test_keep_nearest_by_hand():
    distances, rows = np.array([3, 1, 2, 1, 2, 9], dtype=np.int32), np.arange(6)
    assert keep_nearest(distances, rows, 5, 3, np.zeros(10, dtype=np.int64)) == 2
    assert rows[:3].tolist() == [1, 2, 3] and distances[:3].tolist() == [1, 2, 1]


@pytest.mark.parametrize(("num_bits", "dim"), [(64, 8), (256, 128), (10, 32), (100, 3), (65, 65)])
def test_signatures_are_the_signs_of_projections(num_bits, dim):
    normals = hyperplanes(num_bits, dim, seed=0)
    assert normals.shape == (num_bits, dim)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)
    group = normals[: min(dim, num_bits)]
    np.testing.assert_allclose(group @ group.T, np.eye(len(group)), atol=1e-6)
    vectors = unit_vectors(20, dim)
    signatures = sign(vectors, normals)
    bits = vectors @ normals.T > 0
    for row in range(20):
        for b in range(num_bits):
            assert (int(signatures[row, b // 64]) >> b % 64 & 1) == bits[row, b]
    projections = np.empty(num_bits, dtype=np.float32)
    one = np.empty(signatures.shape[1], dtype=np.uint64)
    mean = np.full(dim, 0.25, dtype=np.float32)
    sign_query(vectors[3] + mean, mean, normals, projections, one)
    np.testing.assert_allclose(projections, vectors[3] @ normals.T, atol=1e-5)
    assert differing_bits(one, signatures[3]) == 0


def test_the_angle_decides_how_many_bits_differ():
    rng = np.random.default_rng(0)
    normals = hyperplanes(4096, 32, seed=1)
    for _ in range(5):
        a, b = rng.standard_normal((2, 32)).astype(np.float32)
        angle = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        one, two = sign(np.stack([a, b]), normals)
        assert differing_bits(one, two) / 4096 == pytest.approx(angle / np.pi, abs=0.03)


def test_tables_hold_every_row_in_its_bucket():
    signatures = np.random.default_rng(0).integers(0, 2**63, (300, 1), dtype=np.uint64)
    rows, starts = make_tables(signatures, 8, 4)
    keys = table_keys(signatures, 8, 4)
    for table in range(8):
        for bucket in range(16):
            held = rows[table, starts[table, bucket] : starts[table, bucket + 1]]
            assert held.tolist() == np.flatnonzero(keys[:, table] == bucket).tolist()
    assert keys[5, 3] == int(signatures[5, 0]) >> 12 & 15


@fuzz(50)
@given(st.integers(1, 6), st.integers(1, 70), st.integers(0, 10**6))
def test_flips_come_in_the_order_of_their_cost(bits, num_probes, seed):
    margins = np.random.default_rng(seed).random(bits).astype(np.float32)
    out = np.empty(num_probes, dtype=np.int64)
    found = flips(margins, num_probes, out)
    subsets = chain.from_iterable(combinations(range(bits), size) for size in range(bits + 1))
    costs = sorted(
        (sum(float(margins[b]) ** 2 for b in chosen), sum(1 << b for b in chosen)) for chosen in subsets
    )
    assert found == min(num_probes, 2**bits)
    assert out[:found].tolist() == [mask for _, mask in costs[:found]]


@fuzz(50)
@given(st.integers(1, 400), st.integers(1, 16), st.integers(1, 30), st.integers(0, 10**6))
def test_probing_ranks_the_rows_of_its_buckets_by_hamming_distance(count, num_probes, limit, seed):
    rng = np.random.default_rng(seed)
    normals = hyperplanes(64, 8, seed=0)
    signatures = sign(rng.standard_normal((count, 8)).astype(np.float32), normals)
    projections = rng.standard_normal(64).astype(np.float32)
    signature = np.packbits(projections > 0, bitorder="little").view(np.uint64)
    tables = make_tables(signatures, 16, 4)
    found, compared = probe(tuple(tables), signatures, signature, projections, 4, num_probes, limit)
    keys, own = table_keys(signatures, 16, 4), table_keys(signature[None], 16, 4)[0]
    out = np.empty(num_probes, dtype=np.int64)
    reached = set()
    for table in range(16):
        masks = out[: flips(np.abs(projections[4 * table : 4 * table + 4]), num_probes, out)]
        reached |= set(np.flatnonzero(np.isin(keys[:, table], own[table] ^ masks)).tolist())
    assert compared == len(reached)
    distances = differing_bits(signatures, signature)
    expected = sorted(distances[row] for row in reached)[:limit]
    assert set(found.tolist()) <= reached and len(set(found.tolist())) == len(found)
    assert sorted(distances[found].tolist()) == expected
