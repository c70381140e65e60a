"""What a prepared folder was prepared from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base.errors import UserError
from base.files import write_json
from blocks.ingest.source import Source
from blocks.plain_values import from_json
from blocks.stage import VERSION
from config import Config

DESCRIPTION = "work.json"  # written when everything is whole
# What the blocks depend on, of the settings that a checkpoint stores.
SETTINGS = (
    *("split", "min_rating", "weighted_walks", "seed", "spectral_dim", "num_layers", "num_neighbors"),
    *("num_walks", "walk_length", "restart_probability", "graph_view", "content_view"),
)


@dataclass(frozen=True)
class Description:
    """What a folder was prepared from.

    Attributes:
        name: of the data.
        fingerprint: hex digest of their files.
        settings: by name, those of data and model that features and neighbours depend on, and the seed.
        version: of the stages.
    """

    name: str
    fingerprint: str
    settings: Mapping[str, Any]
    version: int | None = None

    @classmethod
    def of(cls, source: Source, config: Config) -> "Description":
        """What a folder is when it was prepared from ``source`` with these settings."""
        stored = config.model_settings()
        return cls(
            source.folder.resolve().name,
            source.fingerprint,
            {name: stored[name] for name in SETTINGS},
            VERSION,
        )


def write_description(folder: Path, description: Description) -> None:
    """Say that the folder is prepared.

    Raises:
        OSError: the file could not be written.
    """
    write_json(vars(description), folder / DESCRIPTION)


def read_description(folder: Path) -> Description:
    """What the folder was prepared from.

    Raises:
        UserError: it is not prepared, or by another version.
    """
    try:
        found = Description(**from_json((folder / DESCRIPTION).read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{folder} is not prepared; run --mode prepare with this `work_dir` first") from error
    if found.version != VERSION:
        raise UserError(
            f"{folder} was prepared by another version of the program; run --mode prepare with this "
            "`work_dir` again"
        )
    return found
