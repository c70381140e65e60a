"""The stages of ``--mode prepare``: from a folder of ratings to graph, features and neighbours."""

from dataclasses import astuple
from functools import partial

from blocks.features import feature_stages
from blocks.ingest.catalogue import catalogue
from blocks.ingest.facts import FACTS, facts_beside_catalogue
from blocks.ingest.graph import held_out_ratings, movie_side, user_side
from blocks.ingest.panels import panel_of_users
from blocks.ingest.runs import num_panels, run_of_piece, users_of_runs
from blocks.ingest.source import Source
from blocks.stage import Stage
from config import ModelConfig
from data.rating_scale import to_stars
from data.splits import SplitName

FILMS_PER_BLOCK = 16_384
RATINGS_PER_PANEL = 25_000_000  # what a process merges takes some 2 GB


def preparation(
    source: Source,
    split: SplitName,
    min_rating: float,
    settings: ModelConfig,
    seed: int,
    films_per_block: int = FILMS_PER_BLOCK,
    ratings_per_panel: int = RATINGS_PER_PANEL,
) -> list[Stage]:
    """The stages, each after those that it needs.

    Args:
        source: the ratings.
        split: how they are split.
        min_rating: of the source's own scale; ratings below it are dropped.
        settings: of features and walks.
        seed: of features and walks.
        films_per_block: films whose features and neighbours are made at a time.
        ratings_per_panel: ratings whose users are handled at a time.
    """
    pieces = [list(astuple(piece)) for piece in source.pieces]
    of_source = {"fingerprint": source.fingerprint}
    ingest = [
        Stage(
            "catalogue",
            partial(catalogue, source.folder.resolve()),
            1,
            settings={"ratings_name": source.release.format.ratings, **of_source},
        ),
        Stage(
            "runs",
            partial(run_of_piece, source.folder.resolve()),
            len(pieces),
            ("catalogue",),
            {"pieces": pieces, "best_rating": source.release.best_rating, **of_source},
            temporary=True,
        ),
        Stage("users", users_of_runs, 1, ("runs",), {"ratings_per_panel": ratings_per_panel}),
        Stage(
            "panels",
            panel_of_users,
            num_panels,
            ("catalogue", "runs", "users"),
            {"split": split, "min_rating": to_stars(min_rating, source.release.best_rating)},
            temporary=True,
        ),
        Stage("user_side", user_side, 1, ("panels",)),
        Stage("movie_side", movie_side, 1, ("panels",)),
        Stage("held_out", held_out_ratings, 1, ("panels",), {"split": split}),
        Stage(
            FACTS,
            partial(facts_beside_catalogue, source.folder.resolve()),
            1,
            ("catalogue", "users", "user_side", "movie_side", "held_out"),
            {"ratings_name": source.release.format.ratings, "split": split, **of_source},
        ),
    ]
    return ingest + feature_stages(settings, seed, films_per_block)
