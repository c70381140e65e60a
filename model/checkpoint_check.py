"""Check that the parts of a checkpoint have the right types and fit together.

A file can be undamaged and still come from another version of this program, or from an unknown source.
"""

from dataclasses import fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from base.checks import shown_value
from config import DataConfig, ModelConfig, TrainingConfig, fits


def check_parts(stored: dict[str, Any]) -> None:
    """Check the parts of a checkpoint as stored, ``movies`` and ``basis`` as dictionaries of tensors.

    Raises:
        ValueError: a part has another type or shape than the other parts need, or contains NaN, infinity or a
            row that does not exist. The message says which.
        KeyError: a part is missing.
        TypeError, AttributeError: a part has the wrong type.
    """
    for part in ("settings", "dataset", "movies", "basis", "trainer", "progress"):
        _need(isinstance(stored[part], dict), f"{part} must be a dictionary")
    _check_settings(stored["settings"])
    for key in ("name", "data", "split"):
        _need(isinstance(stored["dataset"][key], str), f"dataset.{key} must be a text")
    for end in ("lowest", "highest", "best"):
        if (rating := stored["dataset"].get(f"{end}_rating")) is not None:
            least = "above 0" if end == "best" else "of 0 or more"
            _need(_is_rating(rating, end == "best"), f"dataset.{end}_rating must be a finite number {least}")
    movies, basis = stored["movies"], stored["basis"]
    num_movies = len(_tensor(movies["ids"], "movies.ids", torch.int64, (None,)))
    _tensor(movies["years"], "movies.years", torch.float32, (num_movies,), finite=False)
    for key in ("titles", "genres"):
        _texts(movies[key], f"movies.{key}", num_movies)
    _texts(movies["words"], "movies.words", 2)
    num_users = len(_tensor(stored["user_ids"], "user_ids", torch.int64, (None,)))
    for holder, key, length in ((stored, "user_text_ids", num_users), (movies, "text_ids", num_movies)):
        if holder.get(key) is not None:
            _texts(holder[key], key, length)
    for name, column in stored["item_columns"].items():
        if isinstance(column, Tensor):
            _tensor(column, f"item_columns.{name}", torch.float64, (num_movies,), finite=False)
            _need(not torch.isinf(column).any(), f"item_columns.{name} contains infinity")
        else:
            _texts(column, f"item_columns.{name}", num_movies)
    width = _check_basis(basis, num_users)
    _tensor(stored["features"], "features", torch.float32, (num_movies, width))
    neighbors = _tensor(stored["neighbors"], "neighbors", torch.int32, (num_movies, None))
    _tensor(stored["weights"], "weights", torch.float32, tuple(neighbors.shape))
    if neighbors.numel():
        low, high = neighbors.aminmax()
        _need(0 <= low and high < num_movies, f"neighbors has a row outside 0 to {num_movies - 1}")
    if stored["co_raters"] is not None:
        films = _tensor(stored["co_raters"]["films"], "co_raters.films", torch.int32, (num_movies, None))
        _tensor(stored["co_raters"]["counts"], "co_raters.counts", torch.int32, tuple(films.shape))
    embeddings = _tensor(stored["embeddings"], "embeddings", torch.float32, (num_movies, None))
    _tensor(stored["query_embeddings"], "query_embeddings", torch.float32, tuple(embeddings.shape))
    if stored["blend"] is not None:
        _check_blend(stored["blend"], embeddings.size(1), basis, num_users)
    else:
        dim = stored["settings"]["embedding_dim"]
        _need(embeddings.size(1) == dim, f"embeddings without blend must have {dim} columns")
    for name, value in stored["person"].items():
        _need(
            isinstance(value, float) and 0 < value < np.inf, f"person.{name} must be a finite number above 0"
        )
    _need(isinstance(stored["trainer"]["model"], dict), "trainer.model must be a dictionary")
    _need(type(stored["trainer"]["epoch"]) is int, "trainer.epoch must be a whole number")


def _check_settings(stored: dict[str, Any]) -> None:
    """Check the settings: all of the model must be there, those of the training may be newer."""
    settings = [field for kind in (DataConfig, ModelConfig, TrainingConfig) for field in fields(kind)]
    needed = {field.name for field in fields(ModelConfig)} | {"split", "min_rating"}
    for setting in settings:
        name = setting.name
        if name not in stored and name not in needed or name in ("data_dir", "schema"):
            continue
        value = stored[name]
        values = value if isinstance(value, tuple) and name == "num_neighbors" else (value,)
        if not values or not all(fits(setting, one) for one in values):
            raise ValueError(f"the setting {name} has the wrong value {shown_value(value)}")
    ModelConfig(**{field.name: stored[field.name] for field in fields(ModelConfig)})  # do they fit together?
    _need(type(stored["seed"]) is int, "the setting seed must be a whole number")


def _check_basis(basis: dict[str, Any], num_users: int) -> int:
    """Check the basis, and return how many features ``film_features`` makes with it."""
    for key in ("year_mean", "year_std", "degree_mean", "degree_std"):
        _need(
            isinstance(basis[key], float) and np.isfinite(basis[key]), f"basis.{key} must be a finite number"
        )
    _texts(basis["genre_names"], "basis.genre_names")
    _texts(basis["tag_names"], "basis.tag_names")
    users = _tensor(basis["user_basis"], "basis.user_basis", torch.float32, (num_users, None))
    tags = _tensor(basis["tag_basis"], "basis.tag_basis", torch.float32, (len(basis["tag_names"]), None))
    mean = _tensor(basis["genome_mean"], "basis.genome_mean", torch.float32, (None,))
    genome = _tensor(basis["genome_basis"], "basis.genome_basis", torch.float32, (len(mean), None))
    content = 0 if basis.get("content") is None else _check_content(basis["content"])
    optional = ((users.size(1), users), (len(tags), tags), (len(mean), genome))
    # Year and degree are one number each, and each part has a mask.
    return (
        len(basis["genre_names"]) + 5 + content + sum(part.size(1) + 1 for there, part in optional if there)
    )


def _check_blend(blend: dict[str, Any], dim: int, basis: dict[str, Any], num_users: int) -> None:
    """Check how learned vectors and views were joined, and the basis of the graph view."""
    numbers = (*blend["weights"], *blend["lengths"], *blend["balances"], blend["radius"])
    _need(len(numbers) == 7 and np.isfinite(numbers).all(), "blend must have seven finite numbers")
    _need(blend["radius"] > 0, "blend.radius must be above 0")
    for name in ("graph_share", "content_share"):
        _need(0 < blend.get(name, 1.0) <= 1, f"blend.{name} must be above 0 and at most 1")
    _need(len(blend["covariances"]) == 3, "blend.covariances must be three")
    widths = []
    for part in blend["covariances"]:
        widths.append(len(_tensor(part, "blend.covariances", torch.float32, (None, len(part)))))
    _tensor(blend["content_mean"], "blend.content_mean", torch.float32, (widths[2],))
    _need(sum(widths) + 2 == dim, f"blend must have {dim - 2} columns")
    if widths[1]:
        _tensor(basis["view_basis"], "basis.view_basis", torch.float32, (num_users, widths[1]))


def _check_content(content: dict[str, Any]) -> int:
    """Check the content basis, and return how many features it makes."""
    width = 0
    for part in content["parts"]:
        kind, name = part["kind"], f"basis.content.{part.get('name', part.get('encoder'))}"
        if kind in ("vectors", "encoder"):
            mean = _tensor(part["mean"], f"{name}.mean", torch.float32, (None,))
            width += _tensor(part["axes"], f"{name}.axes", torch.float32, (len(mean), None)).size(1)
        elif kind == "text":
            for terms, weights in zip(part["terms"], part["weights"], strict=True):
                _texts(terms, f"{name}.terms")
                _tensor(weights, f"{name}.weights", torch.float32, (len(terms),))
            num_terms = sum(map(len, part["terms"]))
            width += _tensor(part["axes"], f"{name}.axes", torch.float32, (num_terms, None)).size(1)
        elif kind == "number":
            _need(np.isfinite([part["mean"], part["spread"]]).all(), f"{name} must have finite numbers")
            width += 1
        elif kind == "category":
            _texts(part["values"], f"{name}.values")
            width += len(part["values"])
        else:
            raise ValueError(f"basis.content has a part of the unknown kind {shown_value(kind)}")
        width += 1  # the mask
    return width


def _tensor(
    value: Any, name: str, dtype: torch.dtype, shape: tuple[int | None, ...], finite: bool = True
) -> Tensor:
    fits = isinstance(value, Tensor) and value.dtype == dtype and value.dim() == len(shape)
    _need(
        fits and all(want in (None, have) for want, have in zip(shape, value.shape, strict=True)),
        f"{name} must be {str(dtype).removeprefix('torch.')} of shape {_shape(shape)}",
    )
    if finite and dtype.is_floating_point:
        _need(bool(torch.isfinite(value).all()), f"{name} contains NaN or infinity")
    return value


def _is_rating(text: Any, above_zero: bool) -> bool:
    try:
        value = float(text)
    except (TypeError, ValueError):
        return False
    return bool(np.isfinite(value)) and (value > 0 if above_zero else value >= 0)


def _texts(value: Any, name: str, length: int | None = None) -> None:
    _need(
        isinstance(value, list)
        and all(isinstance(text, str) for text in value)
        and length in (None, len(value)),
        f"{name} must be a list of {'' if length is None else f'{length} '}texts",
    )


def _shape(shape: tuple[int | None, ...]) -> str:
    return f"[{', '.join('any' if length is None else str(length) for length in shape)}]"


def _need(holds: Any, problem: str) -> None:
    if not holds:
        raise ValueError(problem)
