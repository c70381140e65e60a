"""Text of any script: TF-IDF weights of words and of runs of characters, reduced by a truncated SVD.

Runs of characters need no spaces between words, and they bring together forms of a word.
"""

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from base.arrays import BoolArray, FloatArray, unit_rows
from data.content.facts import Content
from data.content.vectors import LENGTH
from data.spectral import right_singular_vectors

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

TEXT = "text"  # the name of the part made of the text columns
TEXT_DIM = 128
MAX_TERMS = 20_000  # of words, and of runs of characters: the most frequent ones
MIN_TEXTS = 2  # a term of one text connects nothing
# The words, and runs of two to four characters within words.
ANALYSES: tuple[dict[str, Any], ...] = (
    {"analyzer": "word", "token_pattern": r"(?u)\w+"},
    {"analyzer": "char_wb", "ngram_range": (2, 4)},
)


@dataclass(frozen=True)
class TextBasis:
    """Parameters that turn text into features.

    Attributes:
        name: ``text``, or the name of a column of categories with many values.
        terms: words, and runs of characters.
        weights: float32, the inverse document frequencies of each of the two lists.
        axes: float32 ``[num_terms, rank]``, for the terms of both lists, one after the other.
    """

    name: str
    terms: tuple[list[str], list[str]]
    weights: tuple[FloatArray, FloatArray]
    axes: FloatArray

    @property
    def num_features(self) -> int:
        """Number of features, without the mask."""
        return self.axes.shape[1]

    def features(self, content: Content, num_movies: int) -> tuple[FloatArray, BoolArray]:
        """Features float32 ``[num_movies, rank]`` of equal length, and which films have known terms."""
        texts = content.text if self.name == TEXT else content.categories.get(self.name)
        if texts is None or not self.num_features:
            return np.zeros((num_movies, self.num_features), dtype=np.float32), np.zeros(
                num_movies, dtype=bool
            )
        parts = []
        for analysis, terms, weights in zip(ANALYSES, self.terms, self.weights, strict=True):
            if terms:
                vectorizer = _vectorizer(analysis, vocabulary={term: i for i, term in enumerate(terms)})
                vectorizer.idf_ = weights
                parts.append(vectorizer.transform(texts))
        reduced = unit_rows(sp.hstack(parts, format="csr").astype(np.float32) @ self.axes)
        return LENGTH * reduced, np.any(reduced, axis=1)


def fit_text(name: str, texts: list[str], seed: int, dim: int = TEXT_DIM) -> TextBasis:
    """Fit the features of text.

    Args:
        name: of the basis.
        texts: one per item, perhaps empty.
        seed: seed of the randomised SVD.
        dim: maximum number of features.
    """
    parts: list[sp.csr_matrix] = []
    terms: list[list[str]] = []
    weights: list[FloatArray] = []
    for analysis in ANALYSES:
        vectorizer = _vectorizer(analysis, min_df=MIN_TEXTS, max_features=MAX_TERMS)
        try:
            parts.append(vectorizer.fit_transform(texts))
        except ValueError:  # no term is in two texts
            terms.append([])
            weights.append(np.zeros(0, dtype=np.float32))
        else:
            terms.append(vectorizer.get_feature_names_out().tolist())
            weights.append(vectorizer.idf_.astype(np.float32))
    axes = np.zeros((0, 0), dtype=np.float32)
    if parts:
        weighted = sp.hstack(parts, format="csr").astype(np.float32)
        rank = min(dim, min(weighted.shape))
        right = right_singular_vectors(weighted, rank, seed)
        axes = np.ascontiguousarray(right.T, dtype=np.float32)
    return TextBasis(name, (terms[0], terms[1]), (weights[0], weights[1]), axes)


def _vectorizer(analysis: dict[str, Any], **settings: Any) -> "TfidfVectorizer":
    from sklearn.feature_extraction.text import TfidfVectorizer  # takes a second, and few data have text

    return TfidfVectorizer(preprocessor=_folded, sublinear_tf=True, dtype=np.float32, **analysis, **settings)


def _folded(text: str) -> str:
    """The text without differences of case and of writing: full-width letters become plain ones."""
    return unicodedata.normalize("NFKC", text).casefold()
