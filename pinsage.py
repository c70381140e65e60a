"""The Python interface: train a model, ask for recommendations, use the parts one by one.

    from pinsage import Recommender, train

    model = train(users, items, titles=titles)         # or two DataFrames, or Recommender.load("checkpoints")
    print(Recommender(model).similar("Toy Story (1995)", k=5))

``ItemGraph``, ``RandomWalkSampler``, ``PinSage`` and the three indexes also work alone, on any arrays.
The defaults are those of the command line.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

# Read when PyTorch loads, as in commands/entry.py: threads that spin while they wait slow all others down.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy.typing as npt

from base.compute import set_up_compute
from base.errors import UserError, WorldError
from config import Config
from data.dataset import movielens_of
from data.graph_builder import ItemGraph, build_graph
from data.in_memory import columns_from_arrays, fingerprint_of
from data.in_memory_content import content_in_memory
from data.in_memory_frames import columns_from_frames
from data.inspection.inspect import inspect_data
from data.rating_scale import with_best_rating
from data.reading.columns import Columns
from data.reading.events import Counted
from data.splits import split_movielens
from data.walks.sampler import RandomWalkSampler
from evaluation.train_once import best_checkpoint
from model.checkpoint import Checkpoint
from model.pinsage import PinSage
from model.presets import on_preset
from model.training import new_training
from recommend.rated_both import with_co_raters
from recommend.recommender import Recommender
from report.inspection import data_line, held_out_line
from search import ExactIndex, LSHIndex, ShardedIndex, WeakANDIndex

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ExactIndex",
    "ItemGraph",
    "LSHIndex",
    "PinSage",
    "RandomWalkSampler",
    "Recommender",
    "ShardedIndex",
    "UserError",
    "WeakANDIndex",
    "WorldError",
    "train",
]

logger = logging.getLogger("pinsage")

# Sections of `Config` whose settings `train` takes, except those about files and the screen.
SECTIONS = ("data", "model", "training", "run")
WITHOUT = frozenset({"data_dir", "schema", "checkpoint_dir", "output_dir", "resume", "extend", "verbose"})


def train(
    users: "npt.ArrayLike | pd.DataFrame",
    items: "npt.ArrayLike | pd.DataFrame | None" = None,
    ratings: npt.ArrayLike | None = None,
    times: npt.ArrayLike | None = None,
    titles: Mapping[Any, str] | None = None,
    genres: Mapping[Any, str | Sequence[str]] | None = None,
    best_rating: float = 5.0,
    repeats: Counted | None = None,
    weights: npt.ArrayLike | None = None,
    vectors: Mapping[str, tuple[Any, ...]] | None = None,
    text: Mapping[Any, str] | Sequence[str] = (),
    numbers: Mapping[str, Mapping[Any, float]] | Sequence[str] = (),
    categories: Mapping[str, Mapping[Any, str]] | Sequence[str] = (),
    keep: Mapping[str, Mapping[Any, Any]] | Sequence[str] = (),
    text_encoder: str = "tfidf",
    **settings: Any,
) -> Checkpoint:
    """Train a model in memory. With the same data and seed it equals a model trained from files, bit for bit.

    Args:
        users: ids ``[n]``, whole numbers or text; or a DataFrame with the columns of ``ratings.csv``:
            ``userId`` (or ``user``), ``movieId`` (or ``item``); optional ``rating`` and ``timestamp`` (or
            ``time``).
        items: ids ``[n]``; or a DataFrame with the columns of ``movies.csv``: ``movieId`` (or ``item``);
            optional ``title`` and ``genres``. None is allowed if ``users`` is a DataFrame.
        ratings: numbers ``[n]`` from 0 to ``best_rating``; .8 of it or more counts as liked. None if there
            are no ratings.
        times: seconds since 1970, whole or fractional, or dates ``[n]``. None if the interactions are in the
            order of time.
        titles: item id -> title, in the order of the catalogue.
        genres: item id -> genres, a sequence of names or one text with ``|`` between the names.
        best_rating: the best rating of the scale of ``ratings``.
        repeats: what counts if a user has an item several times: ``count`` (each time), ``first`` or
            ``last``. None for ``count`` without ratings, else ``first``.
        weights: numbers ``[n]``, such as seconds; an interaction counts log(1 + weight). With DataFrames the
            name of the column.
        vectors: name of a block -> ids of items ``[m]`` and their vectors ``[m, width]``; a third value is
            the number of features that they are reduced to, 128 by default.
        text: item id -> text. This and what follows may with DataFrames be a list of columns of ``items``.
        numbers: name -> item id -> number, for instance ``{"price": {7: 12.5}}``.
        categories: name -> item id -> a value that items share.
        keep: name -> item id -> a value that is no feature and is kept for filters.
        text_encoder: ``tfidf``, ``wordllama``, or a model of sentence-transformers.
        settings: settings of data, model, training and run, with the names of the command-line flags:
            ``split="none"``, ``epochs=5``, ``preset="paper"`` (or a JSON file), ``seed=1``.

    Returns:
        The model after the epoch with the best validation result (the last epoch if ``split="none"``), for
        ``Recommender(model)``.

    Raises:
        UserError (a ValueError): the data or the settings cannot be used.
        WorldError: the loss diverged.
    """
    config = _config(settings)
    columns = _columns(users, items, ratings, times, titles, genres, repeats, weights)
    columns = with_best_rating(columns, best_rating)
    known = {"text": text, "numbers": numbers, "categories": categories, "keep": keep}
    content = content_in_memory(columns, items, vectors or {}, known, text_encoder)
    movielens = movielens_of(columns, "data in memory", fingerprint_of(columns), config.data.min_rating)
    movielens = replace(movielens, content=content)
    device = set_up_compute(config.run)
    split = split_movielens(movielens, config.data.split, config.data.weighted_walks)  # type: ignore[arg-type]
    logger.info("%s\n%s", data_line(movielens), held_out_line(inspect_data(movielens, split), more=""))
    best = best_checkpoint(new_training(config, movielens, split, device))
    return with_co_raters(best, build_graph(split.train, split.num_users, split.num_movies))


def _columns(
    users: "npt.ArrayLike | pd.DataFrame",
    items: "npt.ArrayLike | pd.DataFrame | None",
    ratings: npt.ArrayLike | None,
    times: npt.ArrayLike | None,
    titles: Mapping[Any, str] | None,
    genres: Mapping[Any, str | Sequence[str]] | None,
    repeats: Counted | None,
    weights: npt.ArrayLike | None,
) -> Columns:
    """The columns of DataFrames or of arrays; arguments as of ``train``.

    Raises:
        UserError: the arguments of both are mixed, or the data cannot be used.
    """
    if hasattr(users, "columns"):
        if any(value is not None for value in (ratings, times, titles, genres)):
            raise UserError("ratings, times, titles and genres must be columns of the DataFrames")
        if not isinstance(weights, str | None):
            raise UserError("weights must be the name of a column of the DataFrame")
        return columns_from_frames(users, items, repeats, weights)
    if items is None:
        raise UserError("items must be given: one id per interaction")
    return columns_from_arrays(users, items, ratings, times, titles, genres, repeats, weights)


def _config(settings: dict[str, Any]) -> Config:
    """The defaults, changed first by the preset and then by ``settings``.

    Raises:
        UserError: a setting does not exist, or its value is not allowed.
    """
    config = Config()
    known = {f.name for section in SECTIONS for f in fields(getattr(config, section))} - WITHOUT
    for name in settings:
        if name not in known:
            raise UserError(f"{name} is not a setting of a training; it takes {', '.join(sorted(known))}")
    try:
        return config.override(on_preset(settings))
    except ValueError as error:
        raise UserError(str(error)) from None
