"""Items in clusters: data in which the content of an item says who takes it.

Every user takes most items from two clusters. Popularity follows Zipf's law, and many items have hardly any
interactions. The vector of an item is its cluster's centre and noise of its own; its words are drawn from
those of the cluster and from common ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from base.arrays import FloatArray, IntArray, unit_rows

NUM_ITEMS, NUM_CLUSTERS, NUM_USERS = 5_000, 100, 5_000
TAKEN, FROM_CLUSTERS, CLUSTERS_OF_USER = 10, 8, 2
ZIPF_EXPONENT = 1.0  # 40 % of the items have fewer than three training interactions
WIDTH = 128
CENTRE_COSINE = 0.5
WORDS_OF_CLUSTER, COMMON_WORDS, WORDS_OF_ITEM, WORDS_FROM_CLUSTER = 20, 500, 12, 4
LATIN = "abcdefghiklmnoprstuv"
CJK = [chr(code) for code in range(0x4E00, 0x4E00 + 3000)]


@dataclass(frozen=True)
class ClusteredItems:
    """Interactions in the order of time, and the content of the items.

    Attributes:
        users: int64 ``[n]``.
        items: int64 ``[n]``.
        clusters: int64 ``[NUM_ITEMS]``, the cluster of each item.
        vectors: float32 ``[NUM_ITEMS, WIDTH]``.
        latin: one text per item, words of Latin letters between spaces.
        cjk: one text per item, of Chinese characters without spaces.
    """

    users: IntArray
    items: IntArray
    clusters: IntArray
    vectors: FloatArray
    latin: list[str]
    cjk: list[str]


def clustered_items(seed: int) -> ClusteredItems:
    """Draw the data."""
    rng = np.random.default_rng(seed)
    clusters = rng.permutation(np.arange(NUM_ITEMS) % NUM_CLUSTERS)
    popularity = 1 / np.arange(1, NUM_ITEMS + 1) ** ZIPF_EXPONENT
    members = [np.flatnonzero(clusters == cluster) for cluster in range(NUM_CLUSTERS)]
    taken = np.stack([_taken(popularity, members, rng) for _ in range(NUM_USERS)])
    centres = unit_rows(rng.normal(size=(NUM_CLUSTERS, WIDTH)))
    noise = unit_rows(rng.normal(size=(NUM_ITEMS, WIDTH)))
    vectors = CENTRE_COSINE * centres[clusters] + np.sqrt(1 - CENTRE_COSINE**2) * noise
    words = _words(clusters, rng)
    return ClusteredItems(
        users=np.repeat(np.arange(NUM_USERS), TAKEN),
        items=taken.ravel(),
        clusters=clusters,
        vectors=vectors.astype(np.float32),
        latin=[" ".join(_word(word, LATIN, 6) for word in own) for own in words],
        cjk=["".join(_word(word, CJK, 2) for word in own) for own in words],
    )


def _taken(popularity: FloatArray, members: Sequence[IntArray], rng: np.random.Generator) -> IntArray:
    """The items of one user, in the order of time: most of two clusters, the others of all."""
    own = np.concatenate([members[c] for c in rng.choice(len(members), CLUSTERS_OF_USER, replace=False)])
    chance = popularity[own] / popularity[own].sum()
    items = rng.choice(own, FROM_CLUSTERS, replace=False, p=chance)
    others = rng.choice(len(popularity), TAKEN, replace=False, p=popularity / popularity.sum())
    others = others[~np.isin(others, items)][: TAKEN - FROM_CLUSTERS]
    return rng.permutation(np.concatenate([items, others]))


def _words(clusters: IntArray, rng: np.random.Generator) -> IntArray:
    """The words of each item, as numbers: int64 ``[NUM_ITEMS, WORDS_OF_ITEM]``."""
    shape = (len(clusters), WORDS_OF_ITEM)
    of_cluster = clusters[:, None] * WORDS_OF_CLUSTER + rng.integers(WORDS_OF_CLUSTER, size=shape)
    common = NUM_CLUSTERS * WORDS_OF_CLUSTER + rng.integers(COMMON_WORDS, size=shape)
    words = np.where(np.arange(WORDS_OF_ITEM) < WORDS_FROM_CLUSTER, of_cluster, common)
    return rng.permuted(words, axis=1)


def _word(number: int, letters: Sequence[str], length: int) -> str:
    """The word of a number: letters drawn with the number as seed."""
    drawn = np.random.default_rng([int(number), length]).integers(len(letters), size=length)
    return "".join(letters[i] for i in drawn)
