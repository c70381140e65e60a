"""Whether data are those that a checkpoint was trained on."""

from pathlib import Path

from base.errors import UserError
from data.dataset import MovieLens
from data.splits import Split
from model.checkpoint import Checkpoint
from model.training import data_identity


def check_same_data(stored: Checkpoint, movielens: MovieLens, split: Split, path: Path) -> None:
    """Check that a checkpoint was trained on these data and this split.

    Args:
        stored: the checkpoint.
        movielens: the data.
        split: split of the data.
        path: file of the checkpoint, for the message.

    Raises:
        UserError: the content of the files or the split differs.
    """
    here = data_identity(movielens, split)
    if any(stored.dataset[key] != here[key] for key in ("data", "split")):
        raise UserError(
            f"{path} was trained on {stored.dataset['name']}, but the content of --data_dir "
            f"{movielens.name} differs; give the folder it was trained on, or train again"
        )
