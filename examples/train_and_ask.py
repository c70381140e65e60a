"""Train on DataFrames, ask, keep the model, and ask again.

    python download_dataset.py
    python examples/train_and_ask.py

For your own data give arrays of users and items, or DataFrames with columns `user` and `item`.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # where the project is not installed

import pandas as pd  # noqa: E402

from pinsage import Recommender, train  # noqa: E402


def main(argv: list[str] | None = None) -> None:
    """Print what goes with a film, and what to recommend to somebody who has seen three."""
    parser = argparse.ArgumentParser(description="Train in memory and ask.")
    parser.add_argument("--data_dir", default="data/ml-100k", help="folder with ratings.csv and movies.csv")
    parser.add_argument("--checkpoint_dir", default="checkpoints", help="folder to keep the model in")
    parser.add_argument("--epochs", type=int, default=15)
    arguments = parser.parse_args(argv)

    ratings = pd.read_csv(Path(arguments.data_dir) / "ratings.csv")
    movies = pd.read_csv(Path(arguments.data_dir) / "movies.csv")
    model = train(ratings, movies, epochs=arguments.epochs, seed=0)

    recommender = Recommender(model)
    first, second, third = movies["title"][:3]
    print(recommender.similar(first, k=5))
    print(recommender.for_history({first: 5.0, second: 4.0, third: None}, k=5))

    # Answers are records: a DataFrame or JSON in one call.
    print(recommender.similar(first, k=3).to_frame())

    model.save(arguments.checkpoint_dir)
    again = Recommender.load(arguments.checkpoint_dir)
    assert again.similar(first, k=5).as_plain() == recommender.similar(first, k=5).as_plain()
    print(f"kept in {arguments.checkpoint_dir}; main.py --mode serve shows it as a web page")


if __name__ == "__main__":
    main()
