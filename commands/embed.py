"""``--mode embed``: embeddings of all films of a work folder, block by block."""

from pathlib import Path
from typing import Any

from base.errors import UserError
from blocks.description import Description, read_description
from blocks.embedding import EMBEDDINGS, FEATURES, NEIGHBORS, check_fit, embedding_stages
from blocks.model_weights import StoredModel, stored_model, weights_stage
from commands.cli import adopt
from commands.common import opened_work
from config import BEST, Config


def embed(config: Config, typed: dict[str, Any]) -> None:
    """Bring the embeddings in ``--work_dir`` up to date with its features and with ``best.pt``.

    Raises:
        UserError: there is no work or no checkpoint, they do not fit together, or flags contradict the
            checkpoint.
        WorldError: blocks cannot be made or written.
    """
    checkpoint = Path(config.run.checkpoint_dir) / BEST
    with opened_work(config) as runner:
        runner.adopt((FEATURES, NEIGHBORS), "prepare")
        runner.run([weights_stage(checkpoint)])
        stored = stored_model(runner.work_dir)
        adopt(config, stored.settings, typed)
        _check_same_preparation(read_description(runner.work_dir.folder), stored)
        check_fit(runner.work_dir)
        runner.run(embedding_stages(runner.work_dir))
        shapes = [block["candidates"].shape for block in runner.work_dir.each(EMBEDDINGS)]
        num_films, dim = sum(films for films, _ in shapes), shapes[0][1]
    print(f"embedded: {num_films:,} films, {dim} dimensions, in {config.blocks.work_dir}")


def _check_same_preparation(prepared: Description, trained: StoredModel) -> None:
    """Check that the films were prepared as those of the training were.

    Raises:
        UserError: from other data, or with other settings.
    """
    again = "run --mode prepare with the data and the settings of the training"
    if prepared.fingerprint != trained.dataset["data"]:
        raise UserError(
            f"--work_dir was prepared from other data ({prepared.name}) than the checkpoint was trained on "
            f"({trained.dataset['name']}); {again}"
        )
    for name, value in prepared.settings.items():
        if value != trained.settings[name]:
            raise UserError(
                f"--work_dir was prepared with --{name} {value}, but the checkpoint was trained with "
                f"{trained.settings[name]}; {again}"
            )
