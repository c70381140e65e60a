"""The main functions of the scripts at the top: they parse the flags, run a command and return an exit code.

Heavy libraries are imported after the flags are checked, so ``--help`` and errors in flags are fast.
"""

import argparse
import os
from pathlib import Path
from typing import Any

from base.errors import UserError
from commands.cli import INTERRUPTED, Parser, build_parser, guarded, set_up_logging, to_config
from commands.modes import COMMANDS, EVERYTHING, MODES, RUN, Mode, find_command, overview
from config import Config


def _run(place: str, typed: dict[str, Any]) -> int:
    """Run the command at ``place`` (see ``COMMANDS``) with the typed flags; returns the exit code."""
    # PyTorch reads this when it is imported. Without it, waiting threads keep the cores busy: with other
    # work on two cores, training was at least three times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    verbose, quiet = typed.get("verbose", False), typed.get("quiet", False)
    set_up_logging(verbose, quiet)

    def checked() -> None:
        config = to_config(typed)
        _check_folders(config)
        if place != COMMANDS["train"] and int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise UserError(
                "torchrun starts several processes, but only training uses them; run this command with python"
            )
        find_command(place)(config, typed)

    when_interrupted = {
        COMMANDS["train"]: INTERRUPTED,
        RUN: INTERRUPTED,
        COMMANDS["tune"]: "interrupted; the same command goes on with the trials that are done",
    }
    return guarded(checked, verbose, when_interrupted.get(place, "interrupted"))


def _check_folders(config: Config) -> None:
    """Check before the work that its results can be written.

    Raises:
        UserError: a folder to write into is a file.
    """
    folders = {name: getattr(config.run, name) for name in ("checkpoint_dir", "output_dir")}
    folders["work_dir"] = config.blocks.work_dir
    for name, path in folders.items():
        folder = Path(path)
        if folder.exists() and not folder.is_dir():
            raise UserError(f"--{name} {folder} is a file; name a folder")


def main_modes(argv: list[str] | None = None) -> int:
    """``main.py``: one script for all modes. ``--help`` lists the modes or the flags of one mode."""
    chooser = Parser(
        prog="main.py",
        usage="%(prog)s --mode MODE [flags]",
        description="Train, evaluate, compare and use PinSage film embeddings.\n\nmodes:\n" + overview(),
        epilog="examples:\n"
        + "".join(f"  python main.py --mode {name} {mode.examples[0]}\n" for name, mode in MODES.items())
        + "\nthe flags of a mode: python main.py --mode MODE --help\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    chooser.add_argument(
        "-h", "--help", action="store_true", help="show this help, or with --mode the flags of that mode"
    )
    chooser.add_argument(
        "--mode", choices=tuple(COMMANDS), metavar="MODE", help="what to do, one of the modes above"
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
    return _run(COMMANDS["train"], vars(_parser("train.py", MODES["train"]).parse_args(argv)))


def main_inference(argv: list[str] | None = None) -> int:
    """``inference.py``: the same as ``main.py --mode inference``."""
    return _run(COMMANDS["inference"], vars(_parser("inference.py", MODES["inference"]).parse_args(argv)))


def main_everything(argv: list[str] | None = None) -> int:
    """``run.py``: download, train, evaluate and recommend."""
    return _run(RUN, vars(_parser("run.py", EVERYTHING).parse_args(argv)))


def _parser(prog: str, mode: Mode) -> Parser:
    return build_parser(
        prog,
        mode.summary,
        mode.sections,
        mode.examples,
        mode.left_out,
        mode.hidden,
        mode.reasons,
        mode.choices,
    )
