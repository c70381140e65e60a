"""What the scripts at the top call: flags in, exit code out.

Heavy libraries are imported once the flags are known to be right, so ``--help`` and a mistyped flag
answer at once.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from base.errors import UserError
from commands.cli import INTERRUPTED, Parser, build_parser, guarded, set_up_logging, to_config
from commands.modes import EVERYTHING, MODES, Mode, overview
from config import Config


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


def _serve(config: Config, typed: dict[str, Any]) -> None:
    from commands.serve import serve

    serve(config, typed)


def _everything(config: Config, typed: dict[str, Any]) -> None:
    from commands.everything import run

    run(config, typed)


COMMANDS: dict[str, Callable[[Config, dict[str, Any]], None]] = {
    "train": _train,
    "evaluate": _evaluate,
    "inference": _inference,
    "benchmark": _benchmark,
    "ablation": _ablation,
    "cold_start": _cold_start,
    "export": _export,
    "serve": _serve,
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
    """``main.py``: one script for every mode; with ``--help`` it lists them, or the flags of one."""
    chooser = Parser(
        prog="main.py",
        usage="%(prog)s --mode MODE [flags]",
        description="Train, evaluate, compare, take apart and use PinSage film embeddings.\n\nmodes:\n"
        + overview(),
        epilog="examples:\n"
        + "".join(f"  python main.py --mode {name} {mode.examples[0]}\n" for name, mode in MODES.items())
        + "\nthe flags of a mode: python main.py --mode MODE --help\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    chooser.add_argument(
        "-h", "--help", action="store_true", help="this, or with --mode the flags of that mode"
    )
    chooser.add_argument(
        "--mode", choices=tuple(COMMANDS), metavar="MODE", help="what to do, one of the above"
    )
    chosen, flags = chooser.parse_known_args(argv)
    if chosen.mode is None:
        if chosen.help:
            chooser.print_help()
            chooser.exit()
        chooser.error("the following arguments are required: --mode")
    flags += ["--help"] * chosen.help
    typed = vars(_parser(f"main.py --mode {chosen.mode}", MODES[chosen.mode]).parse_args(flags))
    return _run(COMMANDS[chosen.mode], typed)


def main_train(argv: list[str] | None = None) -> int:
    """``train.py``: the same as ``main.py --mode train``."""
    return _run(_train, vars(_parser("train.py", MODES["train"]).parse_args(argv)))


def main_inference(argv: list[str] | None = None) -> int:
    """``inference.py``: the same as ``main.py --mode inference``."""
    return _run(_inference, vars(_parser("inference.py", MODES["inference"]).parse_args(argv)))


def main_everything(argv: list[str] | None = None) -> int:
    """``run.py``: from nothing to recommendations."""
    return _run(_everything, vars(_parser("run.py", EVERYTHING).parse_args(argv)))


def _parser(prog: str, mode: Mode) -> Parser:
    return build_parser(
        prog, mode.summary, mode.sections, mode.examples, mode.left_out, mode.hidden, mode.reasons
    )
