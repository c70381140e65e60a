"""SASRec by RecTools, in an environment of its own: histories in, ranked films out.

    PYTHON benchmarks/rivals/sasrec.py FOLDER

PYTHON has ``requirements-rivals.txt`` installed. This file imports nothing of the project, because RecTools
needs another NumPy. ``sasrec_files.py`` writes what it reads and reads what it writes. No target of any
question comes here: the project judges the rankings.

SASRec is by Kang and McAuley (Self-Attentive Sequential Recommendation, ICDM 2018): a transformer with causal
attention predicts each next film of a sequence. ``layers`` ligr takes the blocks with gated skips of LiGR
(Borisyuk et al., 2025), which RecTools combines with SASRec's training task as eSASRec. BCE is the loss of
the SASRec paper, gBCE that of gSASRec (Petrov and Macdonald, RecSys 2023).

``FOLDER/questions.npz`` has ``train_ptr`` int64 ``[num_users + 1]`` and ``train_movies`` int32, the training
films of each user in order of time; and for each set of histories NAME ``NAME_ptr`` int64 ``[n + 1]`` and
``NAME_movies`` int32, oldest film first.

Messages are a line of JSON each. The script says ``{"versions": {...}}``. Then for each line of stdin
``{"settings": {...}, "seed": int, "epochs": int, "every": int}`` it trains, and after every few epochs it
says ``{"epoch": int, "file": path}`` and waits for ``{"go_on": bool}``. At the end of a training it says
``{"done": true}``. The file has NAME to int32 ``[n, num_known]``: film rows, best first, and -1 in the row of
a history without a film that is known to the model. Nothing is filtered out.
"""

import json
import logging
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

INSTALL = "install requirements-rivals.txt in an environment of its own"


def answer_jobs() -> int:
    """Train what stdin asks for; returns the exit code."""
    if len(sys.argv) != 2:
        print("usage: sasrec.py FOLDER", file=sys.stderr)
        return 2
    try:
        import rectools
        import torch
        from pytorch_lightning import seed_everything
        from rectools.models import SASRecModel
    except ImportError as error:
        print(f"error: {sys.executable} cannot import RecTools ({error}); {INSTALL}", file=sys.stderr)
        return 2
    warnings.filterwarnings("ignore")  # Lightning's hints about workers, loggers and short epochs
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    answers, sys.stdout = sys.stdout, sys.stderr  # libraries print; only messages go to stdout
    folder = Path(sys.argv[1])
    data = _read(folder / "questions.npz")
    say({"versions": {"rectools": rectools.__version__, "torch": torch.__version__}}, answers)
    for line in sys.stdin:
        job = json.loads(line)
        # RecTools draws from the libraries' global generators.
        seed_everything(job["seed"], workers=True)
        model = SASRecModel(**_arguments(job["settings"]), deterministic=True)
        for epoch in _train(model, job, data, folder / "ranked.npz"):
            say({"epoch": epoch, "file": str(folder / "ranked.npz")}, answers)
            if not json.loads(sys.stdin.readline() or '{"go_on": false}')["go_on"]:
                break
        say({"done": True}, answers)
    return 0


def say(message: dict[str, Any], answers: TextIO) -> None:
    """Send a message."""
    print(json.dumps(message), file=answers, flush=True)


def _read(path: Path) -> dict[str, Any]:
    import numpy as np

    with np.load(path) as file:
        return dict(file)


def _arguments(settings: dict[str, Any]) -> dict[str, Any]:
    """Arguments of ``SASRecModel`` from the settings of a grid."""
    from rectools.models.nn.transformers.ligr import LiGRLayers
    from rectools.models.nn.transformers.sasrec import SASRecTransformerLayers

    loss, _, negatives = settings["loss"].partition(" ")
    return {
        **{name: value for name, value in settings.items() if name not in ("loss", "layers")},
        "loss": loss,
        "n_negatives": int(negatives or 1),
        "transformer_layers_type": {"sasrec": SASRecTransformerLayers, "ligr": LiGRLayers}[
            settings["layers"]
        ],
        "recommend_torch_device": "cpu",
    }


def _train(model: Any, job: dict[str, Any], data: dict[str, Any], path: Path) -> Iterator[int]:
    """Train; write the rankings after every few epochs, and give the epoch."""
    import numpy as np

    length = job["settings"]["session_max_len"]
    dataset = _dataset(*_windows(data["train_ptr"], data["train_movies"], length))
    names = [name.removesuffix("_ptr") for name in data if name.endswith("_ptr") and name != "train_ptr"]
    asked = {name: _dataset(data[f"{name}_ptr"], data[f"{name}_movies"]) for name in names}
    for epoch in range(job["every"], job["epochs"] + 1, job["every"]):
        model.fit_partial(dataset, min_epochs=job["every"], max_epochs=job["every"])
        rankings = {name: _ranked(model, asked[name], len(data[f"{name}_ptr"]) - 1) for name in names}
        np.savez(path, **rankings)
        yield epoch


def _windows(ptr: Any, movies: Any, length: int) -> tuple[Any, Any]:
    """Sequences of at most ``length + 1`` films that together have every training film as a target once.

    RecTools trains on the last ``length + 1`` films of a user and drops the others. Here a longer history
    becomes several sequences, counted from its end, and each begins with the last film of the one before.

    Returns:
        ``ptr`` and ``movies`` of the sequences.
    """
    import numpy as np

    pieces = []
    for first, end in zip(ptr[:-1], ptr[1:], strict=True):
        while end - first > 1:
            start = max(first, end - length - 1)
            pieces.append(movies[start:end])
            end = start + 1
    return np.cumsum([0, *map(len, pieces)]), np.concatenate(pieces)


def _dataset(ptr: Any, movies: Any) -> Any:
    """A RecTools dataset of sequences; sequence i is user i, and the order of its films is the time."""
    import numpy as np
    import pandas as pd
    from rectools import Columns
    from rectools.dataset import Dataset

    lengths = np.diff(ptr)
    place = np.arange(len(movies)) - np.repeat(ptr[:-1], lengths)
    frame = pd.DataFrame(
        {
            Columns.User: np.repeat(np.arange(len(lengths)), lengths),
            Columns.Item: movies,
            Columns.Weight: 1.0,
            Columns.Datetime: pd.Timestamp("2000-01-01") + pd.to_timedelta(place, unit="s"),
        }
    )
    return Dataset.construct(frame)


def _ranked(model: Any, dataset: Any, number: int) -> Any:
    """All known films for each history, best first: int32 ``[number, num_known]``."""
    import numpy as np
    from rectools import Columns

    known = model.data_preparator.get_known_item_ids()
    found = model.recommend(
        users=np.arange(number),
        dataset=dataset,
        k=len(known),
        filter_viewed=False,
        on_unsupported_targets="ignore",
    )
    ranked = np.full((number, len(known)), -1, dtype=np.int32)
    ranked[found[Columns.User].to_numpy(), found[Columns.Rank].to_numpy() - 1] = found[
        Columns.Item
    ].to_numpy()
    return ranked


if __name__ == "__main__":
    sys.exit(answer_jobs())
