"""What the scripts at the top call: flags in, exit code out.

Heavy libraries are imported once the flags are known to be right, so ``--help`` and a mistyped flag
answer at once.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config import Config
from utils.cli import INTERRUPTED, build_parser, guarded, set_up_logging, to_config
from utils.errors import UserError

SECTIONS = ("data", "model", "training", "search", "inference", "run")


def _train(config: Config, typed: dict[str, Any]) -> None:
    from commands.train import train

    train(config, typed)


def _evaluate(config: Config, typed: dict[str, Any]) -> None:
    from commands.evaluate import evaluate_checkpoint

    evaluate_checkpoint(config, typed)


def _inference(config: Config, typed: dict[str, Any]) -> None:
    from commands.inference import recommend

    recommend(config, typed)


def _benchmark(config: Config, typed: dict[str, Any]) -> None:
    from commands.benchmark import benchmark

    benchmark(config, typed)


def _ablation(config: Config, typed: dict[str, Any]) -> None:
    from commands.ablation import ablation

    ablation(config, typed)


def _cold_start(config: Config, typed: dict[str, Any]) -> None:
    from commands.cold_start import cold_start

    cold_start(config, typed)


def _export(config: Config, typed: dict[str, Any]) -> None:
    from commands.export import export

    export(config, typed)


def _everything(config: Config, typed: dict[str, Any]) -> None:
    from commands.everything import run

    run(config, typed)


MODES: dict[str, Callable[[Config, dict[str, Any]], None]] = {
    "train": _train,
    "evaluate": _evaluate,
    "inference": _inference,
    "benchmark": _benchmark,
    "ablation": _ablation,
    "cold_start": _cold_start,
    "export": _export,
}


def _run(command: Callable[[Config, dict[str, Any]], None], typed: dict[str, Any]) -> int:
    # Read when PyTorch loads. Threads that spin while they wait take the cores from those they wait for:
    # on two cores with other work, training was three times slower and more.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    config = to_config(typed)
    set_up_logging(config.run.verbose, config.run.quiet)

    def checked() -> None:
        _check_folders(config)
        if command is not _train and int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise UserError(
                "torchrun starts several processes, which only training uses; run this with python"
            )
        command(config, typed)

    trains = command in (_train, _everything)
    return guarded(checked, config.run.verbose, INTERRUPTED if trains else "interrupted")


def _check_folders(config: Config) -> None:
    """Find out before the work, not after it, that its results have nowhere to go.

    Raises:
        UserError: a folder to write into is a file.
    """
    for name in ("checkpoint_dir", "output_dir"):
        folder = Path(getattr(config.run, name))
        if folder.exists() and not folder.is_dir():
            raise UserError(f"--{name} {folder} is a file; name a folder")


def main_modes(argv: list[str] | None = None) -> int:
    """``main.py``: one script for every mode."""
    parser = build_parser(
        "main.py",
        "Train, evaluate, compare, take apart and use PinSage film embeddings.",
        (*SECTIONS, "benchmark"),
        "  python main.py --mode train     --data_dir data/ml-25m\n"
        "  python main.py --mode evaluate  --data_dir data/ml-25m --checkpoint_dir checkpoints\n"
        "  python main.py --mode inference --title 'toy story' --num_recommendations 10\n"
        "  python main.py --mode benchmark  --data_dir data/ml-100k --num_seeds 3\n"
        "  python main.py --mode ablation   --data_dir data/ml-100k --num_seeds 3\n"
        "  python main.py --mode cold_start --data_dir data/ml-100k\n"
        "  python main.py --mode export    --output_dir output\n",
    )
    parser.usage = "%(prog)s --mode MODE [flags]"
    parser.add_argument("--mode", choices=tuple(MODES), required=True, help="what to do")
    typed = vars(parser.parse_args(argv))
    return _run(MODES[typed.pop("mode")], typed)


def main_train(argv: list[str] | None = None) -> int:
    """``train.py``: the same as ``main.py --mode train``."""
    parser = build_parser(
        "train.py",
        "Train PinSage on a MovieLens folder; leaves best.pt and last.pt in --checkpoint_dir.",
        ("data", "model", "training", "run"),
        "  python train.py --data_dir data/ml-25m --batch_size 512 --epochs 10 --lr 0.001\n"
        "  python train.py --data_dir data/ml-25m --resume\n",
    )
    return _run(_train, vars(parser.parse_args(argv)))


def main_inference(argv: list[str] | None = None) -> int:
    """``inference.py``: the same as ``main.py --mode inference``."""
    parser = build_parser(
        "inference.py",
        "Films that go with a film, from the trained checkpoint alone.",
        ("inference", "search", "data", "run"),
        "  python inference.py --data_dir data/ml-25m --movie_id 1 --num_recommendations 10\n"
        "  python inference.py --title 'toy story'\n"
        "  python inference.py --movie_id 1 --format json > films.json\n"
        "  python inference.py --movie_ids ids.txt --format csv > films.csv\n",
    )
    return _run(_inference, vars(parser.parse_args(argv)))


def main_everything(argv: list[str] | None = None) -> int:
    """``run.py``: from nothing to recommendations."""
    parser = build_parser(
        "run.py",
        "Download a dataset, train, evaluate beside the baselines, draw the pictures and recommend.",
        ("download", *SECTIONS),
        "  python run.py\n  python run.py --dataset ml-1m --epochs 5\n",
        leave_out=frozenset(
            {"schema", "movie_ids", "format"}
        ),  # it fetches MovieLens, and prints more than recommendations
    )
    return _run(_everything, vars(parser.parse_args(argv)))
