"""Checkpoints: tensors and plain values only, written whole or not at all, enough alone for inference."""

import hashlib
import io
import pickle
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from base.arrays import FloatArray
from base.errors import UserError, WorldError
from base.files import DISK_FULL, replacing, write_problem
from config import BEST, LAST
from data.content.basis import ContentBasis
from data.dataset import Movies
from data.earlier_reading import EarlierReading
from data.feature_extractor import FeatureBasis
from data.item_words import FILMS, ItemWords
from data.reading.columns import STARS
from data.splits import Split
from model.blend import Blend
from model.checkpoint_check import check_parts
from model.co_raters import CoRaters
from model.nodes import Nodes
from model.person_settings import PersonSettings

FORMAT = "pinsage-movielens"
VERSION = 2


@dataclass(frozen=True)
class Checkpoint:
    """A trained model and everything needed to use or continue it.

    Attributes:
        settings: ``Config.model_settings()`` of the training.
        dataset: name and fingerprints of the data and of the split; lowest, highest and best rating of the
            data's own scale. Without ``best_rating``, which is so in older checkpoints, ratings are stars.
        movies: the catalogue.
        user_ids: int64 ``[num_users]``, users of the spectral basis.
        item_columns: for filters, by name: numbers float64 ``[num_movies]`` (nan where there is none),
            categories and other columns of text.
        user_text_ids: their ids in data whose ids are text; None for MovieLens.
        basis: feature scaling and spectral basis.
        features: float32 ``[num_movies, num_features]``.
        neighbors: int32 ``[num_movies, T]``.
        weights: float32 ``[num_movies, T]``.
        embeddings: float32 ``[num_movies, dim]``, unit rows: films as candidates.
        query_embeddings: float32 ``[num_movies, dim]``, unit rows: films as queries.
        trainer: ``Trainer.state_dict()``.
        progress: best epoch, its validation MRR, epochs without a better one, and the history.
        blend: how learned vectors and views became the embeddings; None if the learned ones are all.
        person: how a person's history is asked.
        co_raters: how many people rated both of two films; None in older checkpoints.
    """

    settings: dict[str, Any]
    dataset: dict[str, str]
    movies: Movies
    user_ids: Tensor
    basis: FeatureBasis
    features: Tensor
    neighbors: Tensor
    weights: Tensor
    embeddings: Tensor
    query_embeddings: Tensor
    trainer: dict[str, Any]
    progress: dict[str, Any]
    user_text_ids: list[str] | None = None
    item_columns: dict[str, Tensor | list[str]] = field(default_factory=dict)
    blend: Blend | None = None
    person: PersonSettings = PersonSettings()
    co_raters: CoRaters | None = None

    def save(self, path: str | Path) -> None:
        """Write the model as ``best.pt`` into a folder, or to a file if the path ends in ``.pt``.

        Raises:
            WorldError: it could not be written. An earlier file is unchanged.
        """
        file = Path(path)
        save_checkpoint(self, file if file.suffix == ".pt" else file / BEST)

    @property
    def nodes(self) -> Nodes:
        """What the model reads of the catalogue."""
        return Nodes(self.features, self.neighbors.long(), self.weights)

    @property
    def person_queries(self) -> FloatArray:
        """Queries for the films of a person's history, float32 ``[num_movies, dim]``."""
        queries = self.query_embeddings.numpy()
        return queries if self.blend is None else self.blend.for_person(queries, self.person.graph_factor)

    @property
    def best_rating(self) -> float:
        """The best rating of the scale on which people rate."""
        return float(self.dataset.get("best_rating", STARS))

    @property
    def earlier(self) -> EarlierReading:
        """How its data must be read: ``min_rating`` is in stars, too, if ratings are."""
        first_rows = self.dataset.get("repeats") == "first"
        return EarlierReading(in_stars="best_rating" not in self.dataset, first_rows=first_rows)

    @property
    def rating_range(self) -> tuple[float, float]:
        """Lowest and highest rating allowed: half a star to five, or more if the data have more.

        On the data's own scale, if they have another: from a tenth of the best rating to the best one.
        """
        best = self.best_rating
        lowest, highest = (float(self.dataset.get(f"{end}_rating", best)) for end in ("lowest", "highest"))
        return min(best / 10, lowest), max(best, highest)


def split_fingerprint(split: Split) -> str:
    """Hex digest of who rated what in which part."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (split.train, split.validation, split.test):
        for column in (part.users, part.movies):
            digest.update(np.ascontiguousarray(column).data)
        digest.update(b"|")
    return digest.hexdigest()


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write ``checkpoint`` to ``path`` atomically: a reader finds the old file or the new one.

    Raises:
        WorldError: the file could not be written. The old one is unchanged.
    """
    plain = {field.name: getattr(checkpoint, field.name) for field in fields(checkpoint)}
    plain["movies"] = _plain(checkpoint.movies)
    plain["basis"] = _plain(checkpoint.basis)
    if checkpoint.basis.content is not None:
        plain["basis"]["content"] = _tensors(checkpoint.basis.content.as_plain())
    plain["blend"] = None if checkpoint.blend is None else checkpoint.blend.as_plain()
    plain["person"] = asdict(checkpoint.person)
    plain["co_raters"] = None if checkpoint.co_raters is None else checkpoint.co_raters.as_plain()
    plain["movies"]["words"] = list(checkpoint.movies.words)
    plain["movies"]["genres"] = ["|".join(genres) for genres in checkpoint.movies.genres]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            torch.save({"format": FORMAT, "version": VERSION, **plain}, file)
    except OSError as error:
        advice = "free some space" if error.errno in DISK_FULL else "solve this"
        if path.exists():
            advice = f"the previous checkpoint is intact; {advice}, then run the same command with `resume`"
        raise WorldError(f"could not write {path}: {write_problem(error)}; {advice}") from error


def remove_unfinished(folder: Path) -> None:
    """Remove the files of processes that were killed during a save. The caller holds the folder's lock."""
    for name in (LAST, BEST):
        for unfinished in folder.glob(f".{name}.*.tmp"):
            unfinished.unlink(missing_ok=True)


def load_checkpoint(path: Path, content: bytes | None = None, mapped: bool = False) -> Checkpoint:
    """Read a checkpoint onto the CPU. Code in it never runs.

    Args:
        path: the file, also for messages.
        content: what ``read_checkpoint_file`` gave, where another process has read the file.
        mapped: leave tensors in the file, which must not change meanwhile; what is not used takes no memory.

    Raises:
        UserError: the file is missing, damaged, of another program or version, or its parts do not fit
            together.
    """
    if mapped:
        _check_readable(path)
        stored = _parsed(path, path)
    else:
        stored = _parsed(path, io.BytesIO(read_checkpoint_file(path) if content is None else content))
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise UserError(f"{path} is not a checkpoint of this program; check `checkpoint_dir`, or train again")
    version = stored.get("version")
    if type(version) is not int or version != VERSION:
        said = version if type(version) is int else f"of type {type(version).__name__}"
        raise UserError(
            f"{path} is a checkpoint of version {said}, this program reads {VERSION}; train again"
        )
    try:
        _add_missing(stored)
        check_parts(stored)
        stored["movies"]["genres"] = [tuple(filter(None, g.split("|"))) for g in stored["movies"]["genres"]]
        stored["movies"]["words"] = ItemWords(*stored["movies"]["words"])
        stored["movies"] = Movies(**_arrays(stored["movies"]))
        stored["basis"] = FeatureBasis(**_arrays(stored["basis"]))
        if (content := stored["basis"].content) is not None:
            stored["basis"] = replace(stored["basis"], content=ContentBasis.from_plain(content))
        if stored["blend"] is not None:
            stored["blend"] = Blend(**stored["blend"])
        stored["person"] = PersonSettings(**stored["person"])
        if stored["co_raters"] is not None:
            stored["co_raters"] = CoRaters(**stored["co_raters"])
        return Checkpoint(**{field.name: stored[field.name] for field in fields(Checkpoint)})
    except ValueError as error:
        problem = f"the parts of the checkpoint do not fit together: {error}"
        raise UserError(f"{path}: {problem}; train again") from error
    except KeyError as error:
        raise UserError(f"{path} lacks a part of a checkpoint, {error}; train again") from error
    except (TypeError, AttributeError, IndexError) as error:
        raise UserError(f"{path}: a part of the checkpoint has the wrong type; train again") from error


def _add_missing(stored: dict[str, Any]) -> None:
    """What checkpoints of earlier versions lack: they were trained without weights and without views."""
    stored.setdefault("user_text_ids", None)
    stored.setdefault("item_columns", {})
    stored.setdefault("blend", None)
    stored.setdefault("person", {})
    stored.setdefault("co_raters", None)
    settings, dataset = stored["settings"], stored["dataset"]
    if isinstance(stored["movies"], dict):
        stored["movies"].setdefault("words", list(FILMS))
    if isinstance(settings, dict) and isinstance(dataset, dict):
        if "weighted_walks" not in settings:
            settings["weighted_walks"] = "none"
            dataset.setdefault("repeats", "first")
        if "graph_view" not in settings:
            settings |= {"graph_view": 0.0, "content_view": 0.0, "lr_schedule": "exponential"}


def read_checkpoint_file(path: Path) -> bytes:
    """The content of a checkpoint.

    Raises:
        UserError: the file is missing or cannot be read.
    """
    _check_readable(path)
    return path.read_bytes()


def _check_readable(path: Path) -> None:
    if not path.exists():
        raise UserError(f"no checkpoint at {path}; train one first: python main.py --mode train")
    try:
        path.open("rb").close()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check `checkpoint_dir`") from error


def _parsed(path: Path, content: io.BytesIO | Path) -> Any:
    """What ``torch.save`` wrote to ``path``, of any program.

    Args:
        path: the file, for messages.
        content: of the file; or its path, and then it is mapped.

    Raises:
        UserError: the content is damaged, or contains anything but tensors and plain values.
    """
    mapped = isinstance(content, Path)
    try:
        with zipfile.ZipFile(content) as archive:  # torch itself does not look at the checksums
            if damaged := archive.testzip():
                raise UserError(f"{path} is damaged (wrong checksum in {damaged}); train again")
        if isinstance(content, io.BytesIO):
            content.seek(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about details of foreign pickles
            return torch.load(content, map_location="cpu", weights_only=True, mmap=mapped)
    except (UserError, MemoryError):
        raise
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path} contains something other than tensors and plain values, which could run code, so it is "
            "refused; use a checkpoint that this program wrote, or train again"
        ) from error
    except Exception as error:  # a damaged file can fail anywhere in zip, unpickler or tensor reader
        if "allocate memory" in str(error):
            raise MemoryError from error
        raise UserError(f"{path} is damaged or not a checkpoint of this program; train again") from error


def _plain(value: Movies | FeatureBasis) -> dict[str, Any]:
    """A dataclass as a dictionary, arrays as tensors."""
    return _tensors({field.name: getattr(value, field.name) for field in fields(value)})


def _tensors(value: Any) -> Any:
    """The same value with tensors for arrays, at any depth."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value if value.flags.writeable else np.array(value))
    return _inside(value, _tensors)


def _arrays(value: Any) -> Any:
    """The reverse of ``_tensors``."""
    return value.numpy() if isinstance(value, Tensor) else _inside(value, _arrays)


def _inside(value: Any, convert: Callable[[Any], Any]) -> Any:
    """``value``, its entries converted if it is a dictionary, or a list or tuple that has such entries."""
    if isinstance(value, dict):
        return {name: convert(item) for name, item in value.items()}
    if isinstance(value, list | tuple) and value and not isinstance(value[0], str):
        return type(value)(convert(item) for item in value)
    return value
