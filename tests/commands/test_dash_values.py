"""Values that begin with a dash."""

import pytest

from commands.dash_values import with_dash_values
from commands.entry import main_inference, main_modes
from tests.commands.test_commands import refused


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (["--movie_id", "-kQ9ab_c"], ["--movie_id=-kQ9ab_c"]),
        (["--movie_id", "--fSAjdOYgw"], ["--movie_id=--fSAjdOYgw"]),
        (
            ["--mode", "inference", "--title", "-hello", "--add"],
            ["--mode", "inference", "--title=-hello", "--add"],
        ),
        (["--user_id", "-1", "--movie_id", "-2"], ["--user_id=-1", "--movie_id=-2"]),
        # These stay as they are: another flag, a misspelt flag, stdin, a flag without a value, nothing.
        (["--movie_id", "--title", "Heat"], ["--movie_id", "--title", "Heat"]),
        (["--movie_id", "--titel", "Heat"], ["--movie_id", "--titel", "Heat"]),
        (["--movie_id", "--titel=Heat"], ["--movie_id", "--titel=Heat"]),
        (["--title", "-h"], ["--title", "-h"]),
        (["--movie_ids", "-"], ["--movie_ids", "-"]),
        (["--add", "-x"], ["--add", "-x"]),
        (["--movie_id"], ["--movie_id"]),
    ],
)
def test_what_follows_a_flag_that_needs_a_value_is_its_value(typed, read):
    assert with_dash_values(typed) == read


@pytest.mark.parametrize("argv", [["--movie_id", "-kQ9ab_c"], ["--movie_id=-kQ9ab_c"], ["--title", "-hello"]])
@pytest.mark.parametrize("main", [main_inference, lambda argv: main_modes(["--mode", "inference", *argv])])
def test_it_reaches_the_command(tmp_path, capsys, main, argv):
    found = refused(capsys, main, [*argv, "--checkpoint_dir", str(tmp_path / "none")])
    assert "no checkpoint at " in found  # the flags were read


@pytest.mark.parametrize(
    "argv", [["--movie_id"], ["--movie_id", "--title", "x"], ["--movie_id", "--titel", "x"]]
)
def test_a_forgotten_value_is_said_with_the_way_to_write_one(capsys, argv):
    with pytest.raises(SystemExit) as stop:
        main_inference(argv)
    assert stop.value.code == 2
    assert capsys.readouterr().err == (
        "error: argument --movie_id: expected one argument; write a value that begins with a dash as "
        "--movie_id=VALUE; see inference.py --help\n"
    )
