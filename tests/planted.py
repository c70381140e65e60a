"""A tiny MovieLens folder whose right answer is known: two taste blocks.

Use it as ``from tests.planted import planted_movielens``.
"""

import csv
from pathlib import Path

import numpy as np

BLOCK_GENRES = ("Action", "Romance")
RATINGS_PER_USER = 12
STRAY_CHANCE = 0.1


def block_of(movie_id: int) -> int:
    """The taste block of a film: odd ids belong to block 0, even ids to block 1."""
    return (movie_id - 1) % 2


def planted_movielens(
    tmp_path: Path, num_users: int = 60, num_movies: int = 40, seed: int = 0, per_user: int = RATINGS_PER_USER
) -> Path:
    """Write ratings.csv and movies.csv in which films of one block belong together.

    Users alternate between the blocks as films do, so that neither file order nor id gives a block
    away. Each rates ``per_user`` films in time order; about one in ten is a stray from the other
    block, rated low. A model that has learnt anything recommends films of the query's own block and
    genre.

    Args:
        tmp_path: folder to write into, made when missing.
        num_users: users, ids from 1.
        num_movies: films, ids from 1; at least twice ``per_user``, to fill every user's list.
        seed: of the random choices.
        per_user: ratings a user gives; from 20 on the pairs protocol has validation questions.

    Returns:
        ``tmp_path``, ready to be read as a dataset.
    """
    rng = np.random.default_rng(seed)
    tmp_path.mkdir(parents=True, exist_ok=True)
    movie_ids = np.arange(1, num_movies + 1)
    blocks = (movie_ids - 1) % 2
    with (tmp_path / "movies.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["movieId", "title", "genres"])
        for movie in movie_ids:
            writer.writerow(
                [movie, f"Planted {movie:03d} ({1980 + movie % 30})", BLOCK_GENRES[block_of(movie)]]
            )
    with (tmp_path / "ratings.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["userId", "movieId", "rating", "timestamp"])
        for user in range(1, num_users + 1):
            home = (user - 1) % 2
            strays = rng.binomial(per_user, STRAY_CHANCE)
            watched = np.concatenate(
                [
                    rng.choice(movie_ids[blocks == home], per_user - strays, replace=False),
                    rng.choice(movie_ids[blocks != home], strays, replace=False),
                ]
            )
            rng.shuffle(watched)
            start = 1_000_000_000 + 10_000 * user
            for step, movie in enumerate(watched):
                high = block_of(movie) == home
                rating = rng.choice([4.0, 4.5, 5.0] if high else [1.0, 2.0, 2.5])
                writer.writerow([user, movie, rating, start + 60 * step])
    return tmp_path
