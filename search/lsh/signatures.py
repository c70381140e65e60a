"""Signatures: the signs of a vector's projections on hyperplanes, as bits (Charikar, 2002).

The normals of the hyperplanes are orthogonal in groups of as many as there are axes. That spreads the
bits evenly and makes Hamming distance a better measure of the angle than independent normals do
(super-bit LSH: Ji et al., 2012). Vectors are centred first: otherwise embeddings that all point to one
side would agree in most bits.
"""

import numba
import numpy as np

from base.arrays import FloatArray, IntArray
from search.kernels import inner_products

WORD = 64


def hyperplanes(num_bits: int, dim: int, seed: int) -> FloatArray:
    """Unit normals float32 ``[num_bits, dim]``, orthogonal in groups of ``dim``."""
    rng = np.random.default_rng(seed)
    groups = [np.linalg.qr(rng.standard_normal((dim, dim)))[0] for _ in range(-(-num_bits // dim))]
    return np.ascontiguousarray(np.concatenate(groups)[:num_bits], dtype=np.float32)


def sign(vectors: FloatArray, normals: FloatArray) -> IntArray:
    """Signatures uint64 ``[n, words]`` of centred vectors: bit b of a row is bit b % 64 of word b // 64."""
    num_bits = len(normals)
    words = -(-num_bits // WORD)
    signatures = np.zeros((len(vectors), words), dtype=np.uint64)
    as_bytes = signatures.view(np.uint8)
    for start in range(0, len(vectors), 65_536):
        part = slice(start, start + 65_536)
        bits = np.packbits(vectors[part] @ normals.T > 0, axis=1, bitorder="little")
        as_bytes[part, : bits.shape[1]] = bits
    return signatures


@numba.njit(nogil=True, cache=True)
def sign_query(
    query: np.ndarray, mean: np.ndarray, normals: np.ndarray, projections: np.ndarray, signature: np.ndarray
) -> None:
    """The same for one query: ``projections`` float32 ``[bits]`` and ``signature`` uint64 ``[words]``.

    A query may have another mean and length than the films. It is centred as they are, so that a film
    as its own query has its own signature.
    """
    inner_products(normals, query - mean, projections)
    signature[:] = 0
    for b in range(len(projections)):
        if projections[b] > 0:
            signature[b // WORD] |= np.uint64(1) << np.uint64(b % WORD)
