"""Runs the stages of ``held`` as a command does, for tests that kill it: FOLDER ENGINE WORKERS [ADDRESS]."""

import sys
from pathlib import Path

from blocks.engines import make_engine
from blocks.runner import opened
from commands.cli import guarded, set_up_logging
from tests.blocks.held import held_stages


def main(folder: str, engine: str, workers: str, address: str | None = None) -> int:
    """Run the stages."""
    set_up_logging(verbose=False, quiet=False)

    def command() -> None:
        with opened(Path(folder), make_engine(engine, int(workers), address)) as runner:
            runner.run(held_stages())

    return guarded(command, when_interrupted="interrupted; the same command goes on")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
