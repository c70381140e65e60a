"""A film that training never saw: its embedding, its neighbours, and what changes with a few ratings.

python run.py                      # or any training that leaves checkpoints/best.pt
python examples/new_movie.py
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # where the project is not installed

import numpy as np  # noqa: E402

from pinsage import Recommender  # noqa: E402

FILM = {"title": "Finding Nemo (2003)", "genres": ["Animation", "Children's", "Comedy"]}


def nearest(recommender: Recommender, vector: np.ndarray, k: int = 5) -> list[str]:
    """Titles of the films whose embeddings are nearest to ``vector`` ``[dim]``."""
    rows = recommender.index.search(vector, k).ids
    return [recommender.movies.titles[row] for row in rows]


def main(argv: list[str] | None = None) -> None:
    """Embed one film with and without ratings, and print its neighbours."""
    parser = argparse.ArgumentParser(description="Embed a film that training never saw.")
    parser.add_argument("--checkpoint_dir", default="checkpoints", help="folder of best.pt")
    arguments = parser.parse_args(argv)

    recommender = Recommender.load(arguments.checkpoint_dir)
    (unrated,) = recommender.embed(FILM)
    print("by genres and year alone:", *nearest(recommender, unrated), sep="\n  ")

    # Ratings by users that the model knows say more than genres do.
    users = recommender.checkpoint.user_ids[:5].tolist()
    (rated,) = recommender.embed(FILM | {"ratings": [{"userId": user, "rating": 5.0} for user in users]})
    print("with five ratings:", *nearest(recommender, rated), sep="\n  ")
    print(f"cosine of the two embeddings: {unrated @ rated:.3f}")


if __name__ == "__main__":
    main()
