"""The modes: which flags each command takes, and the texts of its ``--help``.

This is plain data, which is read before heavy libraries are imported. Nearly all commands accept the settings
of data, model, training and run: commands that read a checkpoint compare typed settings with those of the
checkpoint. ``--help`` shows only the settings that have an effect.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from importlib import import_module
from typing import Any

from config import Config, InferenceConfig, ModelConfig, TrainingConfig

# Flags that name the query of a recommendation; at most one of them may be typed.
WHO_ASKS = ("movie_id", "title", "movie_ids", "new_movie", "history", "user_id")
_OF_MODEL = {setting.name for kind in (ModelConfig, TrainingConfig) for setting in fields(kind)}
# Settings that come from the checkpoint, not from the defaults.
_OF_CHECKPOINT = frozenset({*_OF_MODEL, "split", "min_rating", "weighted_walks", "seed", "resume", "extend"})
_ENGINES = frozenset({"engine", "workers", "ray_address"})  # training has processes of its own
# Settings of the network, which no block of --mode prepare depends on.
_NOT_PREPARED = frozenset({"aggregator", "head", "hidden_dim", "embedding_dim"})
# Settings of commands that compute in their own process.
_ONE_PROCESS = frozenset({"device", "num_threads", "resume", "extend"})
_ANY_DATA = "folder with the data the model was trained on"


@dataclass(frozen=True)
class Mode:
    """One command.

    Attributes:
        summary: what it does, in one sentence.
        sections: attribute names of ``Config`` whose settings it takes, in the order of ``--help``.
        examples: flags of example command lines.
        hidden: settings that it takes but that ``--help`` does not show.
        left_out: settings of the sections that it does not take.
        reasons: help texts of settings that have a different meaning in this command, by name.
        choices: the values that it takes of settings of which it does not take all, by name.
    """

    summary: str
    sections: tuple[str, ...]
    examples: tuple[str, ...]
    hidden: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    reasons: dict[str, str] = field(default_factory=dict)
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)


MODES = {
    "inspect": Mode(
        "Look at a folder of data before training: what it has, what is held out, what looks wrong.",
        ("data", "inference", "run", "model", "training"),
        ("--data_dir data/ml-25m", "--data_dir data/library --format json > inspect.json"),
        # It takes the flags of a training, so that the same line inspects and trains.
        hidden=frozenset(_OF_MODEL | {"seed", "device", "num_threads", "checkpoint_dir", "resume", "extend"}),
        left_out=frozenset(setting.name for setting in fields(InferenceConfig)) - {"format"},
        reasons={"format": "table for people; json for programs (default: table)"},
        choices={"format": ("table", "json")},
    ),
    "train": Mode(
        "Train on a folder of data; writes best.pt and last.pt in --checkpoint_dir.",
        ("data", "blocks", "model", "training", "watch", "run"),
        (
            "--data_dir data/ml-25m --batch_size 512 --epochs 10 --lr 0.001",
            "--data_dir data/ml-100k --preset paper --hidden_dim 128 --embedding_dim 128",
            "--data_dir data/ml-100k --resume",
            "--data_dir data/newer --extend checkpoints/best.pt --epochs 5",
            "--work_dir work --epochs 3",
        ),
        left_out=_ENGINES,
        reasons={"work_dir": "folder of --mode prepare; trains on it instead of --data_dir"},
    ),
    "evaluate": Mode(
        "Evaluate the trained model and eight baselines on the split it was trained on.",
        ("data", "search", "training", "run", "model"),
        (
            "--data_dir data/ml-25m --checkpoint_dir checkpoints",
            "--data_dir data/ml-100k --search_method ivf --target_recall 0.98",
        ),
        hidden=_OF_CHECKPOINT - {"eval_queries"},
        reasons={"data_dir": _ANY_DATA + " (default: data/ml-25m)"},
    ),
    "inference": Mode(
        "Recommend films; only the checkpoint is needed.",
        ("inference", "search", "data", "run", "model", "training"),
        (
            "--data_dir data/ml-25m --movie_id 1 --num_recommendations 10",
            "--title 'toy story'",
            "--history 'Toy Story=5; Heat; Star Wars=4.5' --explain",
            "--user_id 42 --data_dir data/ml-100k",
            "--movie_id 1 --where 'year >= 1990 and genre in (Comedy, Drama)'",
            "--new_movie film.json --add",
            "--movie_id 1 --format json > films.json",
            "--movie_ids ids.txt --format csv > films.csv",
            "--movie_id 1 --search_method ivf --ivf_partitions 100 --ivf_factor 10",
        ),
        hidden=_OF_CHECKPOINT | {"output_dir", "device"},
        left_out=frozenset({"recommend_for"}),
        reasons={
            "data_dir": "not needed: only compared with the data of the training, and read for --user_id",
            "format": "table for people; json or csv for programs (default: table)",
        },
        choices={"format": ("table", "json", "csv")},
    ),
    "benchmark": Mode(
        "Compare PinSage with eight baselines on both protocols, with several seeds and intervals.",
        ("data", "benchmark", "model", "training", "run"),
        ("--data_dir data/ml-100k --num_seeds 3", "--data_dir data/ml-100k --split temporal --num_seeds 1"),
        hidden=frozenset({"resume", "extend", "checkpoint_dir"}),
    ),
    "ablation": Mode(
        "Measure what each part contributes: the paper's variants, and the default without single parts.",
        ("data", "benchmark", "model", "training", "run"),
        ("--data_dir data/ml-100k --num_seeds 3", "--data_dir data/ml-100k --num_seeds 1 --epochs 2"),
        hidden=frozenset({"resume", "extend", "checkpoint_dir"}),
    ),
    "cold_start": Mode(
        "Hold films out from training, then recommend with 0, 1, 5 and 20 ratings of each.",
        ("data", "benchmark", "model", "training", "run"),
        ("--data_dir data/ml-100k", "--data_dir data/ml-100k --num_seeds 1"),
        hidden=frozenset({"resume", "extend", "checkpoint_dir", "split"}),
    ),
    "tune": Mode(
        "Look for better settings by validation; writes them to a file for --preset, and says if they help.",
        ("tune", "data", "benchmark", "model", "training", "run"),
        ("--data_dir data/ml-100k --trials 40", "--data_dir data/ml-100k --trials 10 --hidden_dim 128"),
        hidden=frozenset({"resume", "extend", "checkpoint_dir"}),
        reasons={
            "num_seeds": "number of seeds, after --seed, that compare the best settings with the first "
            "ones (default: 3)",
        },
    ),
    "prepare": Mode(
        "Make graph, features and neighbours of ratings of any size, block by block, into a folder.",
        ("data", "blocks", "model", "run"),
        (
            "--data_dir data/synthetic-250m --work_dir work",
            "--data_dir data/ml-25m --work_dir work --workers 2",
        ),
        hidden=_NOT_PREPARED
        | {"schema", "checkpoint_dir", "output_dir", "resume", "extend", "device", "num_threads"},
    ),
    "embed": Mode(
        "Embed the films of a prepared work folder, block by block, by any number of processes.",
        ("blocks", "run", "data", "model", "training"),
        ("--work_dir work --checkpoint_dir checkpoints", "--work_dir work --workers 4"),
        hidden=_OF_CHECKPOINT | {"data_dir", "schema"},
        left_out=_ONE_PROCESS | {"output_dir"},
    ),
    "recommend_all": Mode(
        "Recommend films for every film or every user; writes one file.",
        ("inference", "search", "data", "blocks", "run", "model", "training"),
        (
            "--num_recommendations 100",
            "--recommend_for users --data_dir data/ml-25m --format csv",
            "--work_dir work --num_recommendations 20",
        ),
        hidden=_OF_CHECKPOINT | {"device"},
        left_out=frozenset({*WHO_ASKS, "add", "explain"}),
        reasons={
            "data_dir": "needed for users: " + _ANY_DATA,
            "format": "of the file: parquet, jsonl, csv (default: parquet)",
            "work_dir": "folder of --mode embed; recommends from it, block by block, instead of a checkpoint",
        },
        choices={"format": ("parquet", "jsonl", "csv")},
    ),
    "export": Mode(
        "Write the embeddings and their films as .npy, CSV and Parquet, or for a vector store.",
        ("export", "run", "search", "data", "model", "training"),
        ("--output_dir output", "--to qdrant,onnx", "--search_method ivf"),
        hidden=_OF_CHECKPOINT | {"data_dir", "schema", "device"},
    ),
    "serve": Mode(
        "Start a local web page to try the trained model, and a JSON API behind it.",
        ("serve", "blocks", "search", "run", "data", "model", "training"),
        ("--port 8000", "--checkpoint_dir checkpoints --host 0.0.0.0 --port 80 --workers 2"),
        hidden=_OF_CHECKPOINT | {"data_dir", "schema", "output_dir", "device"},
        left_out=frozenset({"work_dir", "engine", "ray_address"}),
        reasons={"workers": "number of processes that answer (default: 1)"},
    ),
}

# The place of each command, "module:function". The module is imported only when the command runs; the
# function takes (config, typed).
COMMANDS = {
    "train": "commands.train:train",
    "inspect": "commands.inspect:inspect",
    "evaluate": "commands.evaluate:evaluate_checkpoint",
    "inference": "commands.inference:recommend",
    "benchmark": "commands.benchmark:benchmark",
    "ablation": "commands.ablation:ablation",
    "cold_start": "commands.cold_start:cold_start",
    "tune": "commands.tune:tune",
    "prepare": "commands.prepare:prepare",
    "embed": "commands.embed:embed",
    "recommend_all": "commands.recommend_all:recommend_all",
    "export": "commands.export:export",
    "serve": "commands.serve:serve",
}
RUN = "commands.everything:run"  # run.py

EVERYTHING = Mode(
    "Download a dataset, train, evaluate the model and the baselines, draw pictures and recommend.",
    ("download", "data", "model", "training", "watch", "search", "inference", "run"),
    ("", "--dataset ml-1m --epochs 5", "--title 'star wars' --split temporal"),
    # It downloads MovieLens data, and prints more than a list of films.
    left_out=frozenset({"schema", "movie_ids", "format", "extend", "recommend_for"}),
    reasons={"data_dir": "folder of the dataset, filled if it is missing (default: data/<dataset>)"},
)


def find_command(place: str) -> Callable[[Config, dict[str, Any]], Any]:
    """Import the function at ``module:function``."""
    module, function = place.split(":")
    return getattr(import_module(module), function)


def overview() -> str:
    """The modes of ``main.py``, one line each."""
    width = max(map(len, MODES))
    return "\n".join(f"  {name:<{width}}  {mode.summary}" for name, mode in MODES.items())
