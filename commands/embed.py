"""``--mode embed``: embeddings of all films of a work folder, block by block."""

from pathlib import Path
from typing import Any

from blocks.embedding import EMBEDDINGS, FEATURES, NEIGHBORS, check_fit, embedding_stages
from blocks.model_weights import stored_model, weights_stage
from commands.cli import adopt
from commands.common import opened_work
from config import Config
from model.checkpoint import BEST


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
        adopt(config, stored_model(runner.work_dir).settings, typed)
        check_fit(runner.work_dir)
        runner.run(embedding_stages(runner.work_dir))
        shapes = [block["candidates"].shape for block in runner.work_dir.each(EMBEDDINGS)]
        num_films, dim = sum(films for films, _ in shapes), shapes[0][1]
    print(f"embedded: {num_films:,} films, {dim} dimensions, in {config.blocks.work_dir}")
