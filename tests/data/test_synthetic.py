"""The generator: MovieLens's shape, the same bytes for the same seed, and something to learn."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from data.sources.synthetic import SCALES, SyntheticSize, film_popularity, generate, user_activity


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("synthetic")
    generate("100k", 0, path)
    return path


@pytest.fixture(scope="module")
def ratings(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "ratings.csv")


@pytest.fixture(scope="module")
def movies(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "movies.csv")


def test_counts(ratings: pd.DataFrame, movies: pd.DataFrame) -> None:
    assert list(ratings) == ["userId", "movieId", "rating", "timestamp"]
    assert list(movies) == ["movieId", "title", "genres"]
    assert (len(ratings), ratings.userId.nunique(), len(movies)) == (100_000, 943, 1_682)
    assert not ratings.duplicated(["userId", "movieId"]).any()
    assert set(ratings.movieId) <= set(movies.movieId)
    assert ratings.groupby("userId").size().min() >= 20


def test_form(folder: Path, ratings: pd.DataFrame, movies: pd.DataFrame) -> None:
    text = (folder / "ratings.csv").read_text().split("\n")
    assert text[0] == "userId,movieId,rating,timestamp" and text[-1] == ""
    assert {line.split(",")[2] for line in text[1:-1]} == {f"{n / 2:.1f}" for n in range(1, 11)}
    assert movies.title.str.fullmatch(r"Film \d{4} \(\d{4}\)").all()
    newest = movies.title.str[-5:-1].astype(int).max()
    assert newest < pd.to_datetime(ratings.timestamp.min(), unit="s").year
    assert ratings.userId.is_monotonic_increasing
    assert (ratings.groupby("userId").timestamp.diff().dropna() > 0).all()


def test_same_seed_same_bytes(folder: Path, tmp_path: Path) -> None:
    for seed in (0, 1):
        (tmp_path / str(seed)).mkdir()
        generate("100k", seed, tmp_path / str(seed))
    for name in ("ratings.csv", "movies.csv"):
        same, other = (tmp_path / "0" / name).read_bytes(), (tmp_path / "1" / name).read_bytes()
        assert same == (folder / name).read_bytes() != other


SLOW = pytest.mark.slow
RATINGS_SHA256 = [
    ("small", "263f194b2e206f52ece48cde938caeb85e4530bdd6a73f7b576bbcb7655f7ba8"),
    ("100k", "0e98946b22be00926d6fd531394df8352f85079e7d1b65afc6ab1fc306cfcb0d"),
    ("1m", "556baf4fb6b3a139b92205ef3bfcf9ee9860df6f4f9a19cfdceb882904ca9d02"),
    pytest.param("10m", "400866db05e33677d049e0f2dbcf7dd3f5ffdb4b9a2726801db9069f5408202c", marks=SLOW),
    pytest.param("25m", "5d236bcb402105f1f2e85b4d19e17a57e74b551debb23d4f9cbf506f8a77d24c", marks=SLOW),
]
MOVIES_SHA256 = {
    "small": "79f6ae2b4a533fb73fdfe18b52255de9a75b13d119dcba7723e097911eba45d9",
    "100k": "766855c286f8784b6ea28f15046ab4cd6c0d5e55660536cd9a7250acae2478cf",
    "1m": "f5789d9efd10456317d8c0cd6a4f166499757bbf5279d5188c8db99ff639d31f",
    "10m": "b5efc32dd1c2190e3005d091e1d386248ec42299f62a3f02ddd1fe91cc31a812",
    "25m": "f567d7aceaebbcd1b69d40c69dc4cef0ac26f1bc0edde51208d74610df3de6eb",
}


@pytest.mark.parametrize("name, digest", RATINGS_SHA256)
def test_the_bytes_of_the_scales_stay(name: str, digest: str, tmp_path: Path) -> None:
    """Figures in the documents were measured on these."""
    generate(name, 0, tmp_path)
    assert hashlib.sha256((tmp_path / "ratings.csv").read_bytes()).hexdigest() == digest
    assert hashlib.sha256((tmp_path / "movies.csv").read_bytes()).hexdigest() == MOVIES_SHA256[name]


@pytest.mark.parametrize("name", sorted(name for name, size in SCALES.items() if size.users_per_part is None))
def test_activity_adds_up_at_every_scale(name: str) -> None:
    scale = SCALES[name]
    activity = user_activity(scale, np.random.default_rng(3))
    assert activity.sum() == scale.num_ratings and activity.min() >= 20
    assert activity.max() < scale.num_movies / 2
    assert activity.mean() > 1.2 * np.median(activity)  # log-normal: a long right tail
    popularity = film_popularity(scale, activity)
    assert np.isclose(popularity.sum(), 1) and (np.diff(popularity) <= 0).all()


def test_popularity_is_a_power_law(ratings: pd.DataFrame) -> None:
    counts = ratings.movieId.value_counts().to_numpy()
    assert 0.4 * 943 < counts[0] < 0.75 * 943
    assert counts[: len(counts) // 10].sum() > 0.35 * counts.sum()
    assert np.median(counts) < 0.6 * counts.mean()
    middle = np.arange(20, 400)
    slope, _ = np.polyfit(np.log(middle), np.log(counts[middle]), 1)
    assert -1.5 < slope < -0.5


def test_stars_follow_the_match(ratings: pd.DataFrame) -> None:
    assert 3.2 < ratings.rating.mean() < 3.8 and 0.8 < ratings.rating.std() < 1.2
    # A film's mean over half of the users foretells its mean over the others.
    half = ratings.userId % 2
    means = ratings.groupby([half, "movieId"]).rating.agg(["mean", "size"])
    joined = means.loc[0].join(means.loc[1].add_suffix("_1"))
    joined = joined[(joined["size"] >= 30) & (joined["size_1"] >= 30)]
    assert joined["mean"].corr(joined["mean_1"]) > 0.7


def test_item_knn_beats_popularity(ratings: pd.DataFrame, movies: pd.DataFrame) -> None:
    """Each user's last film, ranked by cosine to the one before, among films not rated before."""
    last = ~ratings.userId.duplicated(keep="last").to_numpy()
    users, films = ratings.userId.to_numpy() - 1, ratings.movieId.to_numpy() - 1
    seen = sp.csr_matrix((np.ones((~last).sum()), (users[~last], films[~last])), shape=(943, len(movies)))
    popularity = np.asarray(seen.sum(0)).ravel()
    query, target = films[np.flatnonzero(last) - 1], films[last]
    cosine = (seen[:, query].T @ seen).toarray() / np.sqrt(np.maximum(popularity, 1))

    def hit_rate(scores: np.ndarray) -> float:
        scores = np.where(seen.toarray() > 0, -np.inf, scores)
        own = scores[np.arange(943), target][:, None]
        return float(((scores > own).sum(1) < 10).mean())

    by_popularity, by_knn = hit_rate(np.tile(popularity, (943, 1))), hit_rate(cosine)
    assert by_knn > 1.5 * by_popularity
    assert by_knn < 0.5  # it is not trivial either


def test_genres_follow_the_tastes(ratings: pd.DataFrame, movies: pd.DataFrame) -> None:
    """Films rated one after the other share a genre more often than films picked by popularity do."""
    genres = [set(listed.split("|")) for listed in movies.genres]
    films = ratings.movieId.to_numpy()[:20_000] - 1
    shuffled = np.random.default_rng(0).permutation(films)

    def shared(order: np.ndarray) -> float:
        return float(np.mean([bool(genres[a] & genres[b]) for a, b in zip(order, order[1:], strict=False)]))

    assert shared(films) > 1.3 * shared(shuffled)


def test_counts_of_ones_own(tmp_path: Path) -> None:
    generate(SyntheticSize(50, 120, 1_500), 7, tmp_path)
    ratings = pd.read_csv(tmp_path / "ratings.csv")
    assert len(ratings) == 1_500 and ratings.userId.nunique() == 50


@pytest.mark.parametrize("num_ratings", [999, 50 * 48 + 1])
def test_impossible_counts(tmp_path: Path, num_ratings: int) -> None:
    with pytest.raises(ValueError, match="num_ratings must be from 20"):
        generate(SyntheticSize(50, 120, num_ratings), 0, tmp_path)
