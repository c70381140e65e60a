"""``--mode recommend_all``: the nearest films of every film of a work folder, as one Parquet file."""

from pathlib import Path
from typing import Any

import numpy as np

from base.files import replacing
from blocks.answers import ANSWERS, answer_stages
from blocks.embedding import CATALOGUE, EMBEDDINGS, FEATURES, NEIGHBORS, check_current
from blocks.model_weights import WEIGHTS, stored_model
from blocks.work_dir import WorkDir
from commands.common import opened_work
from config import Config

FILE = "recommendations.parquet"


def recommend_all(config: Config, typed: dict[str, Any]) -> None:
    """Bring the answers in ``--work_dir`` up to date, and write ``recommendations.parquet``.

    Raises:
        UserError: the work has no embeddings, or they are of other features.
        WorldError: blocks cannot be made or written.
        OSError: the file could not be written.
    """
    with opened_work(config) as runner:
        runner.adopt((FEATURES, NEIGHBORS), "prepare", verify=False)  # only their keys are of interest
        runner.adopt((CATALOGUE,), "prepare")
        runner.adopt((WEIGHTS, EMBEDDINGS), "embed")
        check_current(runner.work_dir, runner.keys)
        seed = stored_model(runner.work_dir).settings["seed"]
        wanted = config.inference.num_recommendations
        runner.run(answer_stages(runner.work_dir, config.search, wanted, seed))
        path = Path(config.run.output_dir) / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        num_films, found = write_answers(path, runner.work_dir)
    print(f"written: {path}, {found} films for each of {num_films:,}")


def write_answers(path: Path, work_dir: WorkDir) -> tuple[int, int]:
    """Write the answers as one Parquet file, block by block.

    The columns are ``queryId`` int64, ``rank`` int32 from 1, ``movieId`` int64 and ``score`` float32. Films
    stand in the order of the catalogue, the answers of each in the order of their ranks.

    Returns:
        Number of films, and of answers for each.

    Raises:
        OSError: the file could not be written. An older one is unchanged.
    """
    import pyarrow
    from pyarrow import parquet

    kinds = {"queryId": "int64", "rank": "int32", "movieId": "int64", "score": "float32"}
    schema = pyarrow.schema([(name, getattr(pyarrow, kind)()) for name, kind in kinds.items()])
    movie_ids = work_dir.block(CATALOGUE)["movie_ids"]
    done = k = 0
    with replacing(path) as file, parquet.ParquetWriter(file, schema) as writer:
        for block in work_dir.each(ANSWERS):
            num_films, k = block["ids"].shape
            columns = {
                "queryId": movie_ids[done : done + num_films].repeat(k),
                "rank": np.tile(np.arange(1, k + 1, dtype=np.int32), num_films),
                "movieId": movie_ids[block["ids"].reshape(-1)],
                "score": block["scores"].reshape(-1),
            }
            writer.write_table(pyarrow.table(columns, schema=schema))
            done += num_films
    return done, k
