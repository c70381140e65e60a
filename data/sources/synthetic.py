"""Data of MovieLens's shape at any size, with structure that a model can learn.

Films lie in niches: small groups around a point of a taste space that share genres. Users are mixtures of a
few taste vectors and drift from one mixture to another. A session picks a niche that suits its user and
tends to stay there, so films that are rated one after the other are related. A film's popularity decides
how often it comes up in its niche, and how well it suits the user decides the stars. Nothing is copied from
a real release: titles are numbers, and all films are older than all ratings.

``generate`` writes one ratings.csv. Larger sizes are written in parts, see ``data.sources.synthetic_parts``.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from tqdm import tqdm

from base.arrays import FloatArray, IntArray
from data.reading.formats import MOVIE_COLUMNS, MOVIES_CSV, RATING_COLUMNS, RATINGS_CSV
from data.sources.convert import write_csv
from data.sources.synthetic_users import NUM_PHASES, watch

MIN_RATINGS = 20  # MovieLens leaves out users with fewer
TASTE_DIM = 16
NUM_TASTES = 12
USERS_PER_CHUNK = 4096
FIRST_SECOND = 1_420_070_400  # 2015-01-01; users join during the four years that follow
LAST_YEAR = 2014
GENRES = (
    "Drama", "Comedy", "Thriller", "Romance", "Action", "Horror", "Documentary", "Crime", "Adventure",
    "Sci-Fi", "Children", "Animation", "Mystery", "Fantasy", "War", "Western", "Musical", "Film-Noir",
)  # fmt: skip


@dataclass(frozen=True)
class SyntheticSize:
    """How much to generate.

    Attributes:
        num_users: users, each with at least 20 ratings.
        num_movies: films in the catalogue, rated or not.
        num_ratings: ratings in all, exactly.
        head: share of the users that the most popular film's weight aims at.
        cutoff: where the popularity's power law bends down, as a share of the catalogue: the larger
            the catalogue, the thinner its tail.
        users_per_part: users of each part but the last, which may have fewer; None for one ratings.csv.
    """

    num_users: int
    num_movies: int
    num_ratings: int
    head: float = 0.55
    cutoff: float = 0.35
    users_per_part: int | None = None


SCALES = {
    "small": SyntheticSize(610, 9_742, 100_836, cutoff=0.2),  # the counts of ml-latest-small
    "100k": SyntheticSize(943, 1_682, 100_000),
    "1m": SyntheticSize(6_040, 3_883, 1_000_209),
    "10m": SyntheticSize(69_878, 10_681, 10_000_054, cutoff=0.2),
    "25m": SyntheticSize(162_541, 62_423, 25_000_095, head=0.46, cutoff=0.112),
    "250m": SyntheticSize(1_600_000, 200_000, 250_000_000, 0.46, 0.112, users_per_part=80_000),
    "1b": SyntheticSize(6_500_000, 400_000, 1_000_000_000, 0.46, 0.112, users_per_part=80_000),
}


@dataclass(frozen=True)
class Catalogue:
    """The films and the niches they lie in; a film's position is its id less one.

    Attributes:
        years: int64 ``[num_movies]``.
        genres: names joined by ``|``, one string per film.
        vectors: float64 ``[num_movies, TASTE_DIM]``, unit rows.
        quality: float64 ``[num_movies]``, stars above or below the average.
        order: int64 ``[num_movies]``, films grouped by niche.
        starts: int64 ``[num_niches + 1]``, where each niche begins in ``order``.
        mass: float64 ``[num_movies]``, popularity accumulated along ``order``.
        centres: float64 ``[num_niches, TASTE_DIM]``, unit rows.
        near: int64 ``[num_niches, 4]``, the niches closest to each.
    """

    years: IntArray
    genres: list[str]
    vectors: FloatArray
    quality: FloatArray
    order: IntArray
    starts: IntArray
    mass: FloatArray
    centres: FloatArray
    near: IntArray


def _unit(rows: FloatArray) -> FloatArray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def _bisect(rises: Callable[[float], float], target: float, low: float, high: float) -> float:
    """Where a rising function of one number reaches ``target``."""
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if rises(middle) < target else (low, middle)
    return high


def user_activity(scale: SyntheticSize, rng: np.random.Generator) -> IntArray:
    """Ratings of each user: log-normal above the minimum, adding up exactly.

    Returns:
        int64 ``[num_users]``.

    Raises:
        ValueError: the number of ratings does not fit: a user has at least 20, and at most two in five films.
    """
    shape = rng.lognormal(sigma=1.3, size=scale.num_users)
    max_ratings = int(0.4 * scale.num_movies)
    if not MIN_RATINGS * scale.num_users <= scale.num_ratings <= max_ratings * scale.num_users:
        raise ValueError(
            f"num_ratings must be from {MIN_RATINGS} to 0.4 * num_movies per user, got {scale}; "
            "change the counts"
        )

    def counts(factor: float) -> IntArray:
        return np.minimum(MIN_RATINGS + (factor * shape).astype(np.int64), max_ratings)

    activity = counts(_bisect(lambda factor: counts(factor).sum(), scale.num_ratings, 0.0, 1e6))
    surplus = int(activity.sum()) - scale.num_ratings
    activity[rng.choice(np.flatnonzero(activity > MIN_RATINGS), surplus, replace=False)] -= 1
    return activity


def film_popularity(scale: SyntheticSize, activity: IntArray) -> FloatArray:
    """Weights by popularity rank: a power law (Zipf-Mandelbrot) with a bend and a floor.

    The law's shift is what makes the top film rated by ``scale.head`` of the users.

    Returns:
        float64 ``[num_movies]``, falling, adding up to 1.
    """
    rank = np.arange(scale.num_movies)

    def weights(shift: float) -> FloatArray:
        law = np.exp(-rank / (scale.cutoff * scale.num_movies)) / (rank + 1 + shift)
        law /= law.sum()
        return (law + 0.002 / scale.num_movies) / 1.002  # a floor, 0.2 % of the average film

    def nobody_of_head(shift: float) -> float:
        return float(np.mean((1 - weights(shift)[0]) ** activity))

    return weights(_bisect(nobody_of_head, 1 - scale.head, 0.0, float(scale.num_movies)))


def make_catalogue(scale: SyntheticSize, popularity: FloatArray, rng: np.random.Generator) -> Catalogue:
    """Niches, and films in them; film 1 is the most popular, the others are in random order."""
    num_movies, num_niches = scale.num_movies, int(1.2 * scale.num_movies**0.5)
    frequency = 1 / np.arange(1.0, len(GENRES) + 1) ** 0.8
    frequency /= frequency.sum()
    genre_vectors = _unit(rng.normal(size=(len(GENRES), TASTE_DIM)))
    of_niche = np.stack([rng.choice(len(GENRES), 2, replace=False, p=frequency) for _ in range(num_niches)])
    centres = _unit(
        genre_vectors[of_niche[:, 0]]
        + 0.5 * genre_vectors[of_niche[:, 1]]
        + 0.15 * rng.normal(size=(num_niches, TASTE_DIM))
    )
    niche = rng.integers(num_niches, size=num_movies)
    vectors = _unit(centres[niche] + 0.1 * rng.normal(size=(num_movies, TASTE_DIM)))
    weight = popularity[np.r_[0, 1 + rng.permutation(num_movies - 1)]]
    order = np.argsort(niche, kind="stable")
    closeness = centres @ centres.T
    np.fill_diagonal(closeness, -np.inf)
    # A film has its niche's first genre, often the second one, and sometimes one that is neither.
    genres = np.zeros((num_movies, len(GENRES)), bool)
    genres[np.arange(num_movies), of_niche[niche, 0]] = True
    genres[np.arange(num_movies), of_niche[niche, 1]] = rng.random(num_movies) < 0.6
    stray = np.flatnonzero(rng.random(num_movies) < 0.15)
    genres[stray, rng.choice(len(GENRES), len(stray), p=frequency)] = True
    log_weight = np.log(weight)
    return Catalogue(
        years=np.maximum(1902, LAST_YEAR - rng.exponential(18, num_movies).astype(np.int64)),
        genres=["|".join(np.array(GENRES)[listed]) for listed in genres],
        vectors=vectors,
        quality=0.4 * rng.normal(size=num_movies)
        + 0.15 * (log_weight - log_weight.mean()) / log_weight.std(),
        order=order,
        starts=np.searchsorted(niche[order], np.arange(num_niches + 1)),
        mass=np.cumsum(weight[order]),
        centres=centres,
        near=np.argsort(-closeness, axis=1, kind="stable")[:, :4].copy(),
    )


def draw_tastes(rng: np.random.Generator) -> FloatArray:
    """The tastes that users are mixtures of, float64 ``[NUM_TASTES, TASTE_DIM]``, unit rows."""
    return _unit(rng.normal(size=(NUM_TASTES, TASTE_DIM)))


def _user_tastes(num_users: int, tastes: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The users' tastes as time goes by, float64 ``[num_users, NUM_PHASES, TASTE_DIM]``."""
    first, other = rng.dirichlet(np.full(len(tastes), 0.25), size=(2, num_users))
    drift = np.linspace(0, 0.5, NUM_PHASES)[:, None]  # at the end, half way to another mixture
    return _unit(((1 - drift) * first[:, None] + drift * other[:, None]) @ tastes)


def generate(scale: str | SyntheticSize, seed: int, out_dir: Path, quiet: bool = True) -> None:
    """Write ratings.csv (by user, then time) and movies.csv, in one piece at any scale.

    The same seed gives the same bytes. Users are made in chunks, so that memory does not grow with
    their number.

    Args:
        scale: a key of ``SCALES``, or other counts.
        seed: of every random choice.
        out_dir: an existing folder.
        quiet: no progress bar; there is also none when stderr is not a terminal.
    """
    size = SCALES[scale] if isinstance(scale, str) else scale
    rng = np.random.default_rng(seed)
    activity = user_activity(size, rng)
    films = make_catalogue(size, film_popularity(size, activity), rng)
    tastes = draw_tastes(rng)
    write_movies(films, out_dir)
    labels = pa.array([f"{halves / 2:.1f}" for halves in range(11)])
    kinds = (pa.int64(), pa.int64(), pa.string(), pa.int64())
    schema = pa.schema(list(zip(RATING_COLUMNS, kinds, strict=True)))
    options = pa.csv.WriteOptions(include_header=False, quoting_style="none")
    hidden = quiet or not sys.stderr.isatty()
    with (
        (out_dir / RATINGS_CSV).open("wb") as file,
        tqdm(total=size.num_ratings, unit="ratings", unit_scale=True, disable=hidden) as bar,
    ):
        file.write((",".join(RATING_COLUMNS) + "\n").encode())
        with pa.csv.CSVWriter(file, schema, write_options=options) as writer:
            for first in range(0, size.num_users, USERS_PER_CHUNK):
                counts = activity[first : first + USERS_PER_CHUNK]
                movies, halves, times = draw_histories(counts, films, tastes, rng)
                users = np.repeat(np.arange(first + 1, first + 1 + len(counts)), counts)
                columns = [users, movies + 1, labels.take(pa.array(halves)), times]
                writer.write_table(pa.table(columns, schema=schema))
                bar.update(len(users))


def write_movies(films: Catalogue, out_dir: Path) -> None:
    """Write movies.csv."""
    digits = len(str(len(films.years)))
    write_csv(
        out_dir / MOVIES_CSV,
        MOVIE_COLUMNS,
        (
            (str(film), f"Film {film:0{digits}d} ({year})", genres)
            for film, (year, genres) in enumerate(zip(films.years, films.genres, strict=True), start=1)
        ),
    )


def draw_histories(
    counts: IntArray, films: Catalogue, tastes: FloatArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray, IntArray]:
    """What some users rate, one user after the other.

    Args:
        counts: int64 ``[n]``, ratings of each user, of ``user_activity``.
        films: the catalogue.
        tastes: of ``draw_tastes``.
        rng: source of the random numbers.

    Returns:
        Positions of films, half stars and seconds, int64 ``[counts.sum()]`` each; a user's in order of time.
    """
    joined = FIRST_SECOND + rng.integers(4 * 365 * 86_400, size=len(counts))
    mood = rng.normal(scale=0.4, size=len(counts))
    return watch(
        rng,
        counts,
        joined,
        mood,
        _user_tastes(len(counts), tastes, rng),
        films.vectors,
        films.quality,
        films.order,
        films.starts,
        films.mass,
        films.centres,
        films.near,
    )
