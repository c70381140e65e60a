"""Real data on which nobody tuned: a release with users and films swapped, so that users are recommended.

    python -m benchmarks.swap_roles data/ml-100k data/ml-100k-swapped
    python main.py --mode benchmark --data_dir data/ml-100k-swapped

Every user becomes an item, and every film becomes a user who "rates" them. A question asks which user rated
the same film next. Nothing describes the items, so content features are empty.
"""

import argparse
import csv
from pathlib import Path

from data.dataset import load_movielens
from data.reading.formats import MOVIE_COLUMNS, NO_GENRES, RATING_COLUMNS


def main(argv: list[str] | None = None) -> None:
    """Read the first folder and fill the second."""
    parser = argparse.ArgumentParser(description="Swap the roles of users and films.")
    parser.add_argument("data_dir", help="folder to read")
    parser.add_argument("swapped_dir", help="folder to fill")
    flags = parser.parse_args(argv)
    movielens = load_movielens(flags.data_dir)
    folder = Path(flags.swapped_dir)
    folder.mkdir(parents=True, exist_ok=True)
    inter = movielens.interactions
    with (folder / "movies.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(MOVIE_COLUMNS)
        writer.writerows((user, f"user {user}", NO_GENRES) for user in movielens.user_ids)
    with (folder / "ratings.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(RATING_COLUMNS)
        writer.writerows(
            zip(
                movielens.movies.ids[inter.movies].tolist(),
                movielens.user_ids[inter.users].tolist(),
                inter.ratings.tolist(),
                inter.timestamps.tolist(),
                strict=True,
            )
        )
    print(f"{folder}: {len(inter):,} ratings, {movielens.num_users:,} users as items")


if __name__ == "__main__":
    main()
