"""Film features from the catalogue and the training graph (paper, section 4.1).

A row contains, in this order: genres, release year, log degree (also in the paper), spectral features of
the training graph, tags, tag genome and content (vectors, text, numbers and categories of the data's own).
If a film lacks a part, that part is zeros and its mask column
is 1. ``FeatureBasis`` stores what is needed to compute the same features for a new film. There is no
vector per film id.
"""

import logging
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from base.arrays import FloatArray, unit_rows
from base.sparse_products import product_with_dense
from data.content.basis import ContentBasis, fit_content
from data.content.facts import MAX_GENRES
from data.content.informative import is_informative
from data.dataset import Facts, Genome, Movies, Tags
from data.graph_builder import ItemGraph
from data.spectral import fit_spectral, right_singular_vectors

logger = logging.getLogger("pinsage")

TAG_DIM = 32  # singular vectors kept of the film-tag matrix
GENOME_DIM = 64  # principal components kept of the tag genome
MAX_TAGS = 20_000  # the most frequent tags are used; rare ones are mostly typing errors and private notes
FEW_RATINGS = 2
YEAR_LENGTH = 0.3  # of one deviation of the year, where all genres of a film have length 1


@dataclass(frozen=True)
class FeatureBasis:
    """Parameters that turn the facts about films into features; fitted on training data.

    The checkpoint contains them.

    Attributes:
        genre_names: genres of the multi-hot part, sorted.
        year_mean, year_std: mean and standard deviation of the release year.
        degree_mean, degree_std: mean and standard deviation of log(1 + training ratings).
        user_basis: float32 ``[num_users, spectral_dim]``; the spectral features of a film are the sum of
            the rows of its raters, scaled to unit length.
        tag_names: tags of the rows of ``tag_basis``, in that order.
        tag_basis: float32 ``[num_tags, tag_dim]``, from damped tag counts to features.
        genome_mean: float32 ``[num_genome_tags]``, mean relevance.
        genome_basis: float32 ``[num_genome_tags, genome_dim]``, principal components.
        content: parameters of the content part; None without content.
        view_basis: float32 ``[num_users, rank]``, see ``data/graph_view.py``; None if the model has no graph
            view.
    """

    genre_names: list[str]
    year_mean: float
    year_std: float
    degree_mean: float
    degree_std: float
    user_basis: FloatArray
    tag_names: list[str]
    tag_basis: FloatArray
    genome_mean: FloatArray
    genome_basis: FloatArray
    content: ContentBasis | None = None
    view_basis: FloatArray | None = None


def fit_features(facts: Facts, graph: ItemGraph, spectral_dim: int, seed: int) -> FeatureBasis:
    """Fit the feature basis.

    Args:
        facts: facts about all films; tags from the training part only.
        graph: training graph.
        spectral_dim: maximum number of singular vectors; the matrix may have fewer.
        seed: seed of the randomised SVDs.
    """
    return basis_of(facts, graph, fit_spectral(graph, spectral_dim, seed), seed)


def basis_of(facts: Facts, graph: ItemGraph, user_basis: FloatArray, seed: int) -> FeatureBasis:
    """The feature basis with a given spectral basis; other arguments as in ``fit_features``."""
    movies = facts.movies
    rated = graph.movie_degree > 0
    years = movies.years[np.isfinite(movies.years)]
    log_degree = np.log1p(graph.movie_degree[rated])
    tag_names, tag_basis = _fit_tags(facts.tags, len(movies), seed)
    genome_mean, genome_basis = _fit_genome(facts.genome, seed)
    return FeatureBasis(
        genre_names=_genre_names(movies),
        year_mean=float(years.mean()) if len(years) else 0.0,
        year_std=_spread(years),
        degree_mean=float(log_degree.mean()) if len(log_degree) else 0.0,
        degree_std=_spread(log_degree),
        user_basis=user_basis,
        tag_names=tag_names,
        tag_basis=tag_basis,
        genome_mean=genome_mean,
        genome_basis=genome_basis,
        content=_fit_content(facts, graph, seed),
    )


def film_features(
    basis: FeatureBasis,
    facts: Facts,
    movie_users: sp.csr_matrix,
    degree_known: bool = True,
    content: FloatArray | None = None,
) -> FloatArray:
    """Features of known or new films.

    What the first raters of a film say about it is mostly chance. So a film that has content shows its
    popularity and its spectral features only with more than ``FEW_RATINGS`` ratings.

    Args:
        basis: fitted basis.
        facts: facts about these films.
        movie_users: CSR matrix ``[num_movies, num_users]`` with an entry where the user rated the film: the
            weight of the edge, or 1.
        degree_known: False for new films: their few ratings do not say how popular they are, so the
            degree is marked as missing.
        content: the content part, if it is known already, see ``content_columns``.

    Returns:
        float32 ``[num_movies, num_features]``.
    """
    movies = facts.movies
    degree = np.diff(movie_users.indptr).astype(np.float32)  # raters, whatever the weights of their edges
    if basis.content is not None:
        if content is None:
            content = basis.content.features(facts.content, len(movies))
        movie_users = movie_users.copy()
        rare = (degree <= FEW_RATINGS) & basis.content.described(content)
        movie_users.data[np.repeat(rare, np.diff(movie_users.indptr))] = 0
        degree[rare] = 0
    parts = [
        _genre_part(basis, movies),
        _year_part(basis, movies),
        _degree_part(basis, degree if degree_known else np.zeros_like(degree)),
    ]
    if basis.user_basis.shape[1]:
        # No division by the square root of the degree: the scaling to unit length cancels it.
        parts.append(_with_mask(unit_rows(product_with_dense(movie_users, basis.user_basis))))
    if basis.tag_names:
        parts.append(
            _with_mask(unit_rows(_tag_counts(facts.tags, len(movies), basis.tag_names) @ basis.tag_basis))
        )
    if len(basis.genome_mean):
        parts.append(_genome_part(basis, len(movies), facts.genome))
    if content is not None:
        parts.append(content)
    return np.concatenate(parts, axis=1, dtype=np.float32)


def training_ratings(basis: FeatureBasis, features: FloatArray) -> FloatArray:
    """The number of training ratings of each film, recovered from its features.

    Args:
        basis: the basis of the features.
        features: float32 ``[n, num_features]``.

    Returns:
        float64 ``[n]``, whole numbers.
    """
    column = _degree_column(basis)
    scaled, unrated = features[:, column].astype(np.float64), features[:, column + 1] > 0
    return np.where(unrated, 0, np.expm1(scaled * basis.degree_std + basis.degree_mean).round())


def spectral_rows(basis: FeatureBasis, features: FloatArray) -> FloatArray:
    """The spectral part of features, without its mask column.

    Args:
        basis: the basis of the features.
        features: float32 ``[n, num_features]``.

    Returns:
        float32 ``[n, spectral_dim]``; each row has unit length or is zero.
    """
    first = _degree_column(basis) + 2
    return features[:, first : first + basis.user_basis.shape[1]]


def content_columns(basis: FeatureBasis, features: FloatArray) -> FloatArray | None:
    """The content part of features, float32 ``[n, num_content]``; None if the basis has none."""
    return None if basis.content is None else features[:, -basis.content.num_features :]


def described_parts(basis: FeatureBasis, features: FloatArray) -> FloatArray:
    """What features say about films apart from their raters: genres, year, tags, tag genome and content.

    Args:
        basis: the basis of the features.
        features: float32 ``[n, num_features]``.

    Returns:
        float32 ``[n, num_columns]``; zeros where a film lacks a part.
    """
    num_genres, spectral = len(basis.genre_names), basis.user_basis.shape[1]
    parts = [features[:, :num_genres], YEAR_LENGTH * features[:, num_genres + 1, None]]
    first = _degree_column(basis) + 2 + (spectral + 1 if spectral else 0)
    for width in (basis.tag_basis.shape[1] * bool(basis.tag_names), basis.genome_basis.shape[1]):
        if width:
            parts.append(features[:, first : first + width])
            first += width + 1  # the mask
    if basis.content is not None:
        parts.append(basis.content.values(features[:, -basis.content.num_features :]))
    return np.concatenate(parts, axis=1, dtype=np.float32)


def _fit_content(facts: Facts, graph: ItemGraph, seed: int) -> ContentBasis | None:
    """The content basis; by the items that are not rare, it knows whether content tells who takes what.

    None if there is no content, or only columns that are for filters.
    """
    if facts.content is None:
        return None
    basis = fit_content(facts.content, seed)
    if not basis.parts:
        return None
    features = basis.features(facts.content, len(facts.movies))
    judged = basis.described(features) & (graph.movie_degree > FEW_RATINGS)
    informative = is_informative(basis.values(features), judged, graph, seed)
    if not informative:
        logger.info("  the content of items does not say which items the same people take: it is left out")
    return replace(basis, informative=informative)


def _degree_column(basis: FeatureBasis) -> int:
    return len(basis.genre_names) + 3  # after the genres, the mask of genres, the year and its mask


def _genre_names(movies: Movies) -> list[str]:
    """The genres that are a feature each; none if they are too many, which makes them content."""
    names = {genre for genres in movies.genres for genre in genres}
    return sorted(names) if len(names) <= MAX_GENRES else []


def _spread(values: FloatArray) -> float:
    """The standard deviation, or 1 if it is 0 or there are no values."""
    spread = float(values.std()) if len(values) else 0.0
    return spread if spread > 0 else 1.0


def _with_mask(values: FloatArray) -> FloatArray:
    """Append the mask column: 1 if the film lacks this part (its row is all zeros), else 0."""
    missing = ~values.any(axis=1, keepdims=True)
    return np.concatenate([values, missing], axis=1)


def genre_indicators(movies: Movies, genre_names: list[str]) -> FloatArray:
    """Which film has which of ``genre_names``: float32 ``[num_movies, num_genres]`` of 0 and 1."""
    column = {genre: i for i, genre in enumerate(genre_names)}
    indicators = np.zeros((len(movies), len(column)), dtype=np.float32)
    for row, genres in enumerate(movies.genres):
        indicators[row, [column[genre] for genre in genres if genre in column]] = 1
    return indicators


def _genre_part(basis: FeatureBasis, movies: Movies) -> FloatArray:
    return _with_mask(unit_rows(genre_indicators(movies, basis.genre_names)))


def _year_part(basis: FeatureBasis, movies: Movies) -> FloatArray:
    known = np.isfinite(movies.years)
    scaled = np.where(known, (movies.years - basis.year_mean) / basis.year_std, 0)
    return np.stack([scaled, ~known], axis=1)


def _degree_part(basis: FeatureBasis, degree: FloatArray) -> FloatArray:
    scaled = (np.log1p(degree) - basis.degree_mean) / basis.degree_std
    return np.stack([np.where(degree > 0, scaled, 0), degree == 0], axis=1)


def _tag_counts(tags: Tags | None, num_movies: int, tag_names: list[str]) -> sp.csr_matrix:
    """Damped tag counts log(1 + n), ``[num_movies, len(tag_names)]``; other tags are ignored."""
    column = {tag: i for i, tag in enumerate(tag_names)}
    pairs = [] if tags is None else [
        (movie, column[text]) for movie, text in zip(tags.movies, tags.texts, strict=True) if text in column
    ]  # fmt: skip
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    counts = sp.csr_matrix(
        (np.ones(len(pairs), np.float32), (rows, columns)), shape=(num_movies, len(tag_names))
    )
    counts.sum_duplicates()
    counts.data = np.log1p(counts.data)
    return counts


def _fit_tags(tags: Tags | None, num_movies: int, seed: int) -> tuple[list[str], FloatArray]:
    """Truncated SVD of the TF-IDF weights of films and tags (latent semantic analysis)."""
    if tags is None or len(tags.texts) == 0:
        return [], np.zeros((0, 0), dtype=np.float32)
    names, uses = np.unique(np.array(tags.texts, dtype=object).astype(str), return_counts=True)
    tag_names = sorted(names[np.argsort(-uses, kind="stable")[:MAX_TAGS]].tolist())
    counts = _tag_counts(tags, num_movies, tag_names)
    films_with = np.bincount(counts.indices, minlength=len(tag_names))
    inverse_frequency = np.log1p(num_movies / np.maximum(films_with, 1)).astype(np.float32)
    weighted = counts @ sp.diags_array(inverse_frequency)
    rank = min(TAG_DIM, min(weighted.shape))
    right = right_singular_vectors(weighted.tocsr(), rank, seed)
    return tag_names, (right * inverse_frequency).T.astype(np.float32)


def _fit_genome(genome: Genome | None, seed: int) -> tuple[FloatArray, FloatArray]:
    """Mean and principal components of the relevance scores of the tag genome."""
    if genome is None or len(genome.movies) == 0:
        return np.zeros(0, dtype=np.float32), np.zeros((0, 0), dtype=np.float32)
    mean = genome.relevance.mean(axis=0)
    rank = min(GENOME_DIM, min(genome.relevance.shape))
    right = right_singular_vectors(genome.relevance - mean, rank, seed)
    return mean.astype(np.float32), np.ascontiguousarray(right.T, dtype=np.float32)


def _genome_part(basis: FeatureBasis, num_movies: int, genome: Genome | None) -> FloatArray:
    projected = np.zeros((num_movies, basis.genome_basis.shape[1]), dtype=np.float32)
    if genome is not None:
        projected[genome.movies] = unit_rows((genome.relevance - basis.genome_mean) @ basis.genome_basis)
    return _with_mask(projected)
