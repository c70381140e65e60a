"""Text as vectors of a language model that the user names: an extra, see ``requirements-text.txt``."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base.arrays import BoolArray, FloatArray
from base.errors import UserError
from data.content.facts import Content, ItemVectors
from data.content.text import TEXT, TEXT_DIM
from data.content.vectors import VectorBasis, fit_vectors

WORDLLAMA = "wordllama"
INSTALL = "pip install -r requirements-text.txt"

Encode = Callable[[list[str]], FloatArray]


@dataclass(frozen=True)
class EncoderBasis:
    """Parameters that turn text into features by a language model.

    Attributes:
        encoder: ``wordllama``, or the name or folder of a model of sentence-transformers.
        mean: float32 ``[width]``, as of ``VectorBasis``.
        axes: float32 ``[width, rank]``, as of ``VectorBasis``.
    """

    encoder: str
    mean: FloatArray
    axes: FloatArray

    @property
    def name(self) -> str:
        """Of the part."""
        return TEXT

    @property
    def num_features(self) -> int:
        """Number of features, without the mask."""
        return self.axes.shape[1]

    def features(self, content: Content, num_movies: int) -> tuple[FloatArray, BoolArray]:
        """Features float32 ``[num_movies, rank]``, and bool ``[num_movies]``: which films have text.

        Raises:
            UserError: the model is not installed or cannot be read.
        """
        block = _encoded(self.encoder, content.text or [""] * num_movies, self.num_features, len(self.mean))
        return VectorBasis(TEXT, self.mean, self.axes).features(Content((block,)), num_movies)


def fit_encoder(encoder: str, texts: list[str], seed: int) -> EncoderBasis:
    """Fit the features of text by a language model.

    Args:
        encoder: as of ``EncoderBasis``.
        texts: one per item, perhaps empty.
        seed: as of ``fit_vectors``.

    Raises:
        UserError: the model is not installed or cannot be read.
    """
    basis = fit_vectors(_encoded(encoder, texts, TEXT_DIM), seed)
    return EncoderBasis(encoder, basis.mean, basis.axes)


def _encoded(encoder: str, texts: list[str], dim: int, width: int = 0) -> ItemVectors:
    """The texts that are not empty as a block of vectors; of ``width`` if there is none."""
    rows = np.array([row for row, text in enumerate(texts) if text], dtype=np.int32)
    if not len(rows):
        return ItemVectors(TEXT, np.zeros((0, max(width, 1)), np.float32), rows, rows, dim)
    values = text_encoder(encoder)([texts[row] for row in rows])
    if width and values.shape[1] != width:
        raise UserError(
            f"`text_encoder` {encoder} gives vectors of length {values.shape[1]}, in training of {width}; "
            "use the same model"
        )
    return ItemVectors(TEXT, values, np.arange(len(rows)), rows, dim)


def text_encoder(name: str) -> Encode:
    """The function from n texts to float32 ``[n, width]`` of a language model.

    Args:
        name: ``wordllama``, whose model is part of its package, or the name or folder of a model of
            sentence-transformers.

    Raises:
        UserError: its package is not installed, or there is no such model.
    """
    if name == WORDLLAMA:
        try:
            import wordllama
        except ImportError:
            raise UserError(f"`text_encoder` {name} needs the package wordllama; {INSTALL}") from None
        model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
        return lambda texts: np.asarray(model.embed(texts), dtype=np.float32)
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise UserError(
            f"`text_encoder` {name} is a model of the package sentence-transformers; {INSTALL}, or use tfidf"
        ) from None
    try:
        transformer = SentenceTransformer(name, device="cpu")
    except Exception as error:  # each kind of missing or broken model has an error of its own
        reason = str(error).partition("\n")[0]
        raise UserError(
            f"`text_encoder` {name} cannot be read ({reason}); give a folder with a model of "
            "sentence-transformers, wordllama or tfidf"
        ) from error
    return lambda texts: transformer.encode(texts, show_progress_bar=False, convert_to_numpy=True)
