import os
import re
import shlex
import signal
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest

from base.errors import UserError, WorldError
from commands.cli import adopt, build_parser, guarded, to_config
from commands.download import main as main_download
from commands.entry import COMMANDS, main_everything, main_inference, main_modes, main_train
from commands.modes import EVERYTHING, MODES
from commands.settings_table import settings_table
from config import PRESETS, Config

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = [section.name for section in fields(Config)]
MAINS = [main_modes, main_train, main_inference, main_everything, main_download]


def typed(*argv):
    parser = build_parser("x.py", "Some script.", SECTIONS, ["--seed 1"])
    return vars(parser.parse_args(argv))


def test_untyped_flags_leave_no_trace_and_typed_ones_win_over_presets():
    assert typed() == {}
    assert to_config(typed()) == Config()
    paper = to_config(typed("--preset", "paper", "--hidden_dim", "64"))
    assert paper.training.loss == "max_margin" and paper.training.max_hard_negatives == 6
    assert paper.model.hidden_dim == 64 and paper.model.embedding_dim == PRESETS["paper"]["embedding_dim"]


def test_presets_name_settings_that_exist():
    names = {field.name for section in SECTIONS for field in fields(getattr(Config(), section))}
    for preset in PRESETS.values():
        assert preset.keys() <= names


def test_no_flag_is_defined_twice():
    names = [field.name for section in SECTIONS for field in fields(getattr(Config(), section))]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--epochs", "0"], "argument --epochs: must be a whole number at least 1, got '0'"),
        (["--epochs", "2.5"], "must be a whole number at least 1, got '2.5'"),
        (["--lr", "0"], "argument --lr: must be a number above 0 and at most 1000, got '0'"),
        (["--lr", "nan"], "got 'nan'"),
        (["--lr", "inf"], "got 'inf'"),
        (["--restart_probability", "1.5"], "must be a number at least 0 and at most 1, got '1.5'"),
        (["--split", "random"], "argument --split: invalid choice: 'random'"),
        (["--batch", "5"], "unrecognized arguments: --batch 5"),
        (["--seed"], "argument --seed: expected one argument"),
        (["--seed", "99999999999"], "at most 2.14748e+09, got '99999999999'"),
    ],
)
def test_a_wrong_flag_is_one_line_and_exit_2(argv, message, capsys):
    with pytest.raises(SystemExit) as stop:
        typed(*argv)
    error = capsys.readouterr().err
    assert stop.value.code == 2
    assert error.count("\n") == 1 and error.startswith("error: ") and message in error
    assert error.endswith("see x.py --help\n")


def shown_help(main, argv, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*argv, "--help"])
    text = capsys.readouterr().out
    assert stop.value.code == 0 and max(map(len, text.splitlines())) < 120
    return text


SCRIPTS = {
    "main.py": main_modes,
    "train.py": main_train,
    "inference.py": main_inference,
    "run.py": main_everything,
    "download_dataset.py": main_download,
}


def assert_parses(line, monkeypatch):
    """The flags of a command line are right; nothing is run."""
    monkeypatch.setattr("commands.entry._run", lambda place, typed: 0)
    monkeypatch.setattr("commands.download.guarded", lambda *_: 0)
    script, *flags = shlex.split(re.split(" [>|] ", line)[0], comments=True)
    assert SCRIPTS[script](flags) == 0, line


@pytest.mark.parametrize(
    ("main", "argv"), [(main, []) for main in MAINS] + [(main_modes, ["--mode", mode]) for mode in MODES]
)
def test_help_has_defaults_and_examples_that_parse(main, argv, capsys, monkeypatch):
    text = shown_help(main, argv, capsys)
    assert (main is main_modes and not argv) or "(default: " in text
    examples = re.findall(r"^  python (.*)$", text.split("examples:\n")[1].split("\n\n")[0], re.MULTILINE)
    assert examples
    for line in examples:
        assert_parses(line, monkeypatch)


def test_help_of_a_mode_shows_what_makes_a_difference_there(capsys):
    inference = shown_help(main_modes, ["--mode", "inference"], capsys)
    assert "--title" in inference and "data:\n" in inference and "not needed: only compared" in inference
    for flag in ("--epochs", "--split", "--seed", "--resume", "--output_dir", "model:\n"):
        assert flag not in inference
    assert "--movie_id" not in shown_help(main_train, [], capsys)
    evaluate = shown_help(main_modes, ["--mode", "evaluate"], capsys)
    assert "--eval_queries" in evaluate and "--hidden_dim" not in evaluate
    assert "(default: data/<dataset>)" in shown_help(main_everything, [], capsys)
    assert all(mode in shown_help(main_modes, [], capsys) for mode in MODES)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "the following arguments are required: --mode; see main.py --help"),
        (["--mode", "predict"], "argument --mode: invalid choice: 'predict' (choose from 'train', "),
        (
            ["--mode", "evaluate", "--movie_id", "3"],
            "unrecognized arguments: --movie_id 3; see main.py --mode",
        ),
        (["--movie_id", "3", "--mode=train"], "unrecognized arguments: --movie_id 3"),
    ],
)
def test_a_flag_that_a_mode_has_no_use_for_is_refused(argv, message, capsys):
    with pytest.raises(SystemExit) as stop:
        main_modes(argv)
    error = capsys.readouterr().err
    assert stop.value.code == 2 and error.count("\n") == 1 and message in error


def test_every_mode_has_a_command_and_names_settings_that_exist():
    names = {setting.name for section in SECTIONS for setting in fields(getattr(Config(), section))}
    assert MODES.keys() == COMMANDS.keys()
    for mode in (*MODES.values(), EVERYTHING):
        assert set(mode.sections) <= set(SECTIONS)
        assert mode.hidden | mode.left_out | mode.reasons.keys() <= names


def test_the_checkpoint_rules():
    stored = to_config(typed("--split", "temporal", "--seed", "7", "--epochs", "3")).model_settings()
    plain = typed("--search_method", "exact", "--output_dir", "elsewhere")
    adopted = adopt(to_config(plain), stored, plain)
    assert (adopted.data.split, adopted.run.seed, adopted.training.epochs) == ("temporal", 7, 3)
    assert adopted.run.output_dir == "elsewhere"
    agreeing = typed("--split", "temporal")
    assert adopt(to_config(agreeing), stored, agreeing).data.split == "temporal"
    contradicting = typed("--split", "leave_one_out")
    with pytest.raises(
        UserError, match="--split leave_one_out contradicts the checkpoint, trained with temporal"
    ):
        adopt(to_config(contradicting), stored, contradicting)
    longer = typed("--epochs", "9")
    assert adopt(to_config(longer), stored, longer, frozenset({"epochs"})).training.epochs == 9


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UserError("no such film"), 2, "error: no such film\n"),
        (WorldError("no network"), 1, "error: no network\n"),
        (OSError(28, "No space left on device", "out/x"), 1, "error: disk full (out/x); free some space"),
        (PermissionError(13, "Permission denied", "out/x"), 1, "error: not allowed to write (out/x)"),
        (MemoryError(), 1, "error: out of memory; use"),
        (
            ModuleNotFoundError("No module", name="numba"),
            2,
            "error: the package numba is not installed here; pip",
        ),
        (KeyboardInterrupt(), 130, "interrupted; the last complete checkpoint is intact"),
    ],
)
def test_exceptions_become_one_line_and_an_exit_code(error, code, line, capsys):
    def command():
        raise error

    handler = signal.getsignal(signal.SIGTERM)
    try:
        assert guarded(command) == code
    finally:
        signal.signal(signal.SIGTERM, handler)
    shown = capsys.readouterr().err
    assert shown.startswith(line) and shown.count("\n") == 1


def test_scripts_only_parse_and_call_main():
    for name in ("main", "train", "inference", "run", "download_dataset"):
        code = (ROOT / f"{name}.py").read_text()
        assert len(code.splitlines()) < 25 and f"python {name}.py" in code


def test_answers_about_known_films_do_not_load_pyg():
    code = "import sys, commands.inference; assert 'torch_geometric' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_help_does_not_load_heavy_libraries():
    code = (
        "import sys; from commands.entry import main_modes\n"
        "try: main_modes(['--help'])\nexcept SystemExit: pass\n"
        "assert not {'torch', 'pandas', 'numba', 'faiss'} & set(sys.modules), sys.modules.keys()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=os.environ
    )
    assert done.returncode == 0, done.stderr


def test_output_into_a_closed_pipe_is_no_error():
    command = f"{sys.executable} main.py --help | head -1"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "Traceback" not in done.stderr
    assert re.match(r"usage: main.py", done.stdout)


def test_the_document_has_the_current_table_of_flags():
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    shown = page.split("<!-- settings -->\n")[1].split("\n<!-- /settings -->")[0].strip()
    assert shown == settings_table(), "run python -m commands.settings_table and paste its output"


def test_neighbours_are_one_number_or_one_a_layer():
    parser = build_parser("train.py", "", ("model",), "")
    assert to_config(vars(parser.parse_args(["--num_neighbors", "7"]))).model.layer_neighbors == (7,)
    flags = ["--num_layers", "2", "--num_neighbors", "20,5"]
    model = to_config(vars(parser.parse_args(flags))).model
    assert model.layer_neighbors == (20, 5) and model.max_neighbors == 20
    with pytest.raises(ValueError, match="20,5 does not fit `num_layers` 3"):
        replace(model, num_layers=3)


@pytest.mark.parametrize("text", ["", "20,", "0,5", "20;5", "2.5"])
def test_neighbours_that_are_no_numbers_are_refused(text, capsys):
    with pytest.raises(SystemExit):
        build_parser("train.py", "", ("model",), "").parse_args(["--num_neighbors", text])
    assert "must be a whole number at least 1" in capsys.readouterr().err
