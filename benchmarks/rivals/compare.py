"""PinSage and the project's baselines beside SASRec and LightGCN, on people and on the next item.

    python -m benchmarks.rivals.compare --data_dir data/ml-100k --rectools_python ../rectools/bin/python

SASRec runs in an environment of its own, with ``requirements-rivals.txt``. Each method writes its results to
``output/rivals/METHOD.json`` as soon as it has them. The tables have all methods with results on the same
data and seeds, so ``--methods`` can measure them one by one.

Every method trains on the training part alone. Settings, epoch and the way to ask are chosen on validation;
the test is only reported. Grids are searched one setting after the other with seed 0, for each task. SASRec
searches its whole grid for people; for the next item it starts from what people chose and searches part of
the grid again.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from base.errors import UserError
from benchmarks.rivals.measure import METHODS, measured
from benchmarks.rivals.questions import FACTS, TASKS, questions_of
from benchmarks.rivals.results import store, stored
from benchmarks.rivals.sasrec_files import check_python
from benchmarks.rivals.table import chosen_lines, task_table
from commands.cli import guarded
from data.dataset import load_movielens
from data.splits import split_movielens
from report.names import PINSAGE

SPLITS = tuple(dict.fromkeys(facts.split for facts in FACTS.values()))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print the tables; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data_dir", default="data/ml-100k", help="folder of the data (default: %(default)s)"
    )
    parser.add_argument("--rectools_python", help="Python of the environment with requirements-rivals.txt")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), help="default: all")
    parser.add_argument("--num_seeds", type=int, default=3, help="default: %(default)s")
    parser.add_argument(
        "--output_dir", default="output", help="folder for rivals/METHOD.json (default: %(default)s)"
    )
    stopped = "interrupted; methods that are done have their files"
    return guarded(partial(compare, parser.parse_args(argv)), when_interrupted=stopped)


def compare(flags: argparse.Namespace) -> None:
    """Measure the methods that the flags name, and print the tables of all that are there.

    Raises:
        UserError: a flag is wrong, or the environment of RecTools is not there.
    """
    logging.basicConfig(level=logging.WARNING)
    if flags.num_seeds < 1:
        raise UserError(f"--num_seeds must be at least 1, got {flags.num_seeds}")
    if "sasrec" in flags.methods:
        if flags.rectools_python is None:
            raise UserError(
                "SASRec needs --rectools_python, the Python of an environment with requirements-rivals.txt; "
                "or leave it out: --methods baselines pinsage lightgcn"
            )
        check_python(flags.rectools_python)
    movielens = load_movielens(flags.data_dir)
    data = {"name": movielens.name, "fingerprint": movielens.fingerprint, "num_seeds": flags.num_seeds}
    folder = Path(flags.output_dir) / "rivals"
    splits = [split_movielens(movielens, name) for name in SPLITS]
    for method in METHODS:
        if method in flags.methods:
            for result in measured(method, movielens, splits, data, flags.rectools_python):
                store(result, folder)
    results = stored(folder, data)
    order = sorted(results, key=lambda name: (name == PINSAGE, not name.startswith("item"), name))
    results = {name: results[name] for name in order}
    for split in splits:
        for task, questions in questions_of(split, "test", movielens).items():
            print("\n" + task_table(task, results, len(questions)))
    print()
    for result in results.values():
        if result.seconds:
            print("\n".join(chosen_lines(result, TASKS)))


if __name__ == "__main__":
    sys.exit(main())
