"""``--mode inference``: which films go with this one?"""

import logging
from pathlib import Path
from typing import Any

from config import Config
from data.cache import content_fingerprint
from data.readers import find_release
from utils.checkpoint import BEST, load_checkpoint
from utils.cli import adopt
from utils.compute import set_up_compute
from utils.errors import UserError
from utils.recommender import Recommendation, Recommender
from utils.search.choose import check_search

logger = logging.getLogger("pinsage")


def recommend(config: Config, typed: dict[str, Any]) -> None:
    """Print the films nearest to ``--movie_id`` or ``--title``, from ``best.pt`` alone.

    Raises:
        UserError: no checkpoint, no such film, an ambiguous title, or flags that contradict the checkpoint.
    """
    check_request(config, typed)
    set_up_compute(config.run)
    checkpoint = load_checkpoint(Path(config.run.checkpoint_dir) / BEST)
    adopt(config, checkpoint.settings, typed)
    if "data_dir" in typed and Path(config.data.data_dir).is_dir():
        _check_data(Path(config.data.data_dir), checkpoint.dataset)
    recommender = Recommender(
        checkpoint, config.search, config.run.seed, folder=Path(config.run.checkpoint_dir)
    )
    title = config.inference.title
    row = (
        recommender.row_of_id(config.inference.movie_id) if title is None else recommender.row_of_title(title)
    )
    print_recommendations(recommender, row, config.inference.num_recommendations)


def check_request(config: Config, typed: dict[str, Any]) -> None:
    """Refuse what can be seen to be wrong before a checkpoint is read, or trained.

    Raises:
        UserError: search parameters that do not fit, or two films at once.
    """
    check_search(config.search)
    if "title" in typed and "movie_id" in typed:
        raise UserError(
            f"--movie_id {config.inference.movie_id} and --title {config.inference.title!r} "
            "both name a film; give one of them"
        )


def _check_data(folder: Path, dataset: dict[str, str]) -> None:
    if content_fingerprint(find_release(folder).files) != dataset["data"]:
        raise UserError(
            f"--data_dir {folder} is not what the checkpoint was trained on ({dataset['name']}); "
            "drop the flag, or train on this folder"
        )


def print_recommendations(recommender: Recommender, row: int, k: int) -> None:
    """A table of the ``k`` nearest films, or of all there are and why they are fewer."""
    movies = recommender.movies
    found = recommender.similar(row, k)
    print(f"\nfilms that go with {movies.titles[row]} (id {movies.ids[row]}):\n")
    print(_table(recommender, found))
    if len(found) < k:
        print(f"\n{len(found)} instead of {k}: the catalogue has no other films")


def _table(recommender: Recommender, found: list[Recommendation]) -> str:
    movies = recommender.movies
    rows = [("rank", "score", "id", "year", "title", "genres")]
    for rank, (row, score) in enumerate(found, start=1):
        year = movies.years[row]
        rows.append(
            (
                str(rank),
                f"{score:.3f}",
                str(movies.ids[row]),
                f"{year:.0f}" if year == year else "-",
                " ".join(movies.titles[row].split()),  # a line break in a title is not one in the table
                ", ".join(movies.genres[row]) or "-",
            )
        )
    widths = [max(len(line[column]) for line in rows) for column in range(6)]
    numeric = 4  # the first four columns are numbers, to the right
    lines = [
        "  ".join(
            cell.rjust(width) if column < numeric else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in rows
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])
