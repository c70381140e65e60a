"""Checkpoints: tensors and plain values only, written whole or not at all, enough alone for inference."""

import hashlib
import io
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from base.errors import UserError, WorldError
from base.whole_files import replacing
from data.dataset import Movies
from data.feature_extractor import FeatureBasis
from data.splits import Split
from model.checkpoint_check import check_parts
from model.nodes import Nodes

FORMAT = "pinsage-movielens"
VERSION = 2
LAST, BEST = "last.pt", "best.pt"


@dataclass(frozen=True)
class Checkpoint:
    """A trained model and everything needed to use or continue it.

    Attributes:
        settings: ``Config.model_settings()`` of the training.
        dataset: name and fingerprints of the data and of the split, lowest and highest rating.
        movies: the catalogue.
        user_ids: int64 ``[num_users]``, users of the spectral basis.
        user_text_ids: their ids in data whose ids are text; None for MovieLens.
        basis: feature scaling and spectral basis.
        features: float32 ``[num_movies, num_features]``.
        neighbors: int32 ``[num_movies, T]``.
        weights: float32 ``[num_movies, T]``.
        embeddings: float32 ``[num_movies, dim]``, unit rows: films as candidates.
        query_embeddings: float32 ``[num_movies, dim]``, unit rows: films as queries.
        trainer: ``Trainer.state_dict()``.
        progress: best epoch, its validation MRR, epochs without a better one, and the history.
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

    @property
    def nodes(self) -> Nodes:
        """What the model reads of the catalogue."""
        return Nodes(self.features, self.neighbors.long(), self.weights)

    @property
    def rating_range(self) -> tuple[float, float]:
        """What a rating may be: from half a star to five, or further where the data go further."""
        lowest, highest = (float(self.dataset.get(f"{end}_rating", 5)) for end in ("lowest", "highest"))
        return min(0.5, lowest), max(5.0, highest)


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
        WorldError: the file could not be written; the old one is as it was.
    """
    plain = {field.name: getattr(checkpoint, field.name) for field in fields(checkpoint)}
    plain["movies"] = _plain(checkpoint.movies)
    plain["basis"] = _plain(checkpoint.basis)
    plain["movies"]["genres"] = ["|".join(genres) for genres in checkpoint.movies.genres]
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with replacing(path) as file:
            torch.save({"format": FORMAT, "version": VERSION, **plain}, file)
    except (OSError, RuntimeError) as error:  # torch's writer hides the system's error in a RuntimeError
        raise WorldError(
            f"could not write {path} ({_first_line(error)}); the previous checkpoint is intact, "
            "free some space and run the same command with --resume"
        ) from error


def remove_unfinished(folder: Path) -> None:
    """Remove what runs killed in the middle of a save have left; only for who has the folder to himself."""
    for name in (LAST, BEST):
        for unfinished in folder.glob(f".{name}.*.tmp"):
            unfinished.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint onto the CPU; code in it is never run.

    Raises:
        UserError: the file is missing, torn, foreign, of another version, or its parts do not fit together.
    """
    if not path.exists():
        raise UserError(f"no checkpoint at {path}; train one first: python main.py --mode train")
    try:
        content = io.BytesIO(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check --checkpoint_dir") from error
    try:
        with zipfile.ZipFile(content) as archive:  # torch itself does not look at the checksums
            if damaged := archive.testzip():
                raise ValueError(f"wrong checksum in {damaged}")
        content.seek(0)
        stored = torch.load(content, map_location="cpu", weights_only=True)
    except Exception as error:  # a torn file can fail anywhere in zip, unpickler or tensor reader
        raise UserError(
            f"{path} is torn or no checkpoint of this program ({_first_line(error)}); train again"
        ) from error
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise UserError(f"{path} is no checkpoint of this program; train again or check --checkpoint_dir")
    version = stored.get("version")
    if type(version) is not int or version != VERSION:
        said = version if type(version) is int else f"of type {type(version).__name__}"
        raise UserError(
            f"{path} is a checkpoint of version {said}, this program reads {VERSION}; train again"
        )
    try:
        check_parts(stored)
        stored["movies"]["genres"] = [tuple(filter(None, g.split("|"))) for g in stored["movies"]["genres"]]
        stored["movies"] = Movies(**_arrays(stored["movies"]))
        stored["basis"] = FeatureBasis(**_arrays(stored["basis"]))
        stored.setdefault("user_text_ids", None)  # of before there were any
        return Checkpoint(**{field.name: stored[field.name] for field in fields(Checkpoint)})
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(
            f"{path} lacks parts of a checkpoint, or they do not fit ({_first_line(error)}); train again"
        ) from error


def _plain(value: Movies | FeatureBasis) -> dict[str, Any]:
    """A dataclass as a dictionary, arrays as tensors."""
    items = {field.name: getattr(value, field.name) for field in fields(value)}
    return {
        name: torch.from_numpy(np.array(item)) if isinstance(item, np.ndarray) else item
        for name, item in items.items()
    }


def _arrays(items: dict[str, Any]) -> dict[str, Any]:
    """The reverse of ``_plain``."""
    return {name: item.numpy() if isinstance(item, Tensor) else item for name, item in items.items()}


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0][:120]
