"""The command line: from flags to a ``Config``, and from exceptions to messages and exit codes."""

import argparse
import errno
import logging
import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, fields
from typing import Any, NoReturn

from base.errors import UserError, WorldError
from commands.dash_values import with_dash_values
from config import Config, fits, kind_of, rule_of, takes_tuple
from model.presets import on_preset, with_preset_file

logger = logging.getLogger("pinsage")

OUT_OF_MEMORY = (
    "out of memory; use a smaller dataset, --batch_size or --num_neighbors, or --mode prepare and --work_dir"
)
MISSING_PACKAGE = (
    "the package {} is not installed here; pip install -r requirements.txt (is the environment active?)"
)
INTERRUPTED = "interrupted; the last complete checkpoint is intact, --resume continues a training"

CONTRADICTED = "contradicts the checkpoint, trained with {}; drop the flag, or train a new model with it"

_LACKS_VALUE = re.compile(r"argument (--\w+): expected one argument")
_NAMED = re.compile(r"`(\w+)`")
_SETTINGS = {f.name for section in fields(Config) for f in fields(section.default_factory)}  # type: ignore[arg-type]


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line on stderr and exit code 2."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, but a value may begin with a dash: ``--movie_id -kQ9ab_c``."""
        return super().parse_known_args(with_dash_values(sys.argv[1:] if args is None else args), namespace)

    def error(self, message: str) -> NoReturn:
        """Print the error and exit with code 2."""
        if lacks_value := _LACKS_VALUE.fullmatch(message):
            flag = lacks_value[1]
            message += f"; write a value that begins with a dash as {flag}=VALUE"
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def _converter(setting: Field) -> Callable[[str], Any]:
    """A function from text to a value of the setting; its errors state the rule."""
    kind = kind_of(setting)

    def convert(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not fits(setting, value):
            raise argparse.ArgumentTypeError(f"must be {rule_of(setting)}, got {text!r}")
        return value

    return convert


def _one_per_layer(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    """A function from text to one value, or to a tuple of values that commas separate."""

    def convert_each(text: str) -> Any:
        values = tuple(convert(part) for part in text.split(","))
        return values if len(values) > 1 else values[0]

    return convert_each


def _add_setting(
    group: argparse._ArgumentGroup,
    setting: Field,
    shown: bool,
    reason: str | None,
    choices: Sequence[str] | None,
) -> None:
    """Add the flag of a setting. If it is not typed, the namespace does not contain it."""
    kind, choices = kind_of(setting), choices or setting.metadata["choices"]
    if reason is None:
        reason = setting.metadata["reason"] + (f": {', '.join(choices)}" if choices else "")
        if setting.default is not None and kind is not bool:
            reason += f" (default: {setting.default})"
    options: dict[str, Any] = {
        "default": argparse.SUPPRESS,
        "help": reason.replace("%", "%%") if shown else argparse.SUPPRESS,
    }
    if kind is bool:
        options["action"] = "store_true"
    else:
        named = {int: "N", float: "X", str: "NAME" if choices else "TEXT"}[kind]
        options["metavar"] = setting.metadata["metavar"] or named
        convert = _converter(setting)
        if choices:
            options["choices"] = choices
        else:
            options["type"] = _one_per_layer(convert) if takes_tuple(setting) else convert
    group.add_argument(f"--{setting.name}", **options)


def build_parser(
    prog: str,
    description: str,
    sections: Sequence[str],
    examples: Sequence[str],
    left_out: frozenset[str] = frozenset(),
    hidden: frozenset[str] = frozenset(),
    reasons: Mapping[str, str] | None = None,
    choices: Mapping[str, Sequence[str]] | None = None,
) -> Parser:
    """A parser for the named sections of ``Config``.

    Args:
        prog: the name of the script, followed by the mode if it has modes.
        description: what the command does, one paragraph.
        sections: attribute names of ``Config``, in the order of ``--help``.
        examples: flags of the example command lines at the end of ``--help``.
        left_out: settings of the sections that the command does not take.
        hidden: settings that it takes but that ``--help`` does not show.
        reasons: help texts of settings that replace their reasons and defaults, by name.
        choices: the values that the command takes of settings of which it does not take all, by name.
    """
    lines = [f"  python {prog} {flags}".rstrip() for flags in examples]
    parser = Parser(
        prog=prog,
        usage="%(prog)s [flags]",  # the default usage would list fifty flags
        description=description,
        epilog="examples:\n" + "\n".join(lines) + "\n",
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    for name in sections:
        names = [setting.name for setting in fields(getattr(Config(), name)) if setting.name not in left_out]
        add_settings(parser, name, names, hidden, reasons, choices)
    return parser


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help with enough space for long flags."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30)


def add_settings(
    parser: Parser,
    section: str,
    names: Sequence[str],
    hidden: frozenset[str] = frozenset(),
    reasons: Mapping[str, str] | None = None,
    choices: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Add some settings of a section to a parser.

    Args:
        parser: the parser.
        section: attribute name of ``Config``.
        names: settings to add.
        hidden: as in ``build_parser``.
        reasons: as in ``build_parser``.
        choices: as in ``build_parser``.
    """
    kind = type(getattr(Config(), section))
    settings = [setting for setting in fields(kind) if setting.name in names]
    title = section if any(setting.name not in hidden for setting in settings) else None
    group = parser.add_argument_group(title, (kind.__doc__ or "").strip() if title else None)
    for setting in settings:
        shown = setting.name not in hidden
        limited = (choices or {}).get(setting.name)
        _add_setting(group, setting, shown, (reasons or {}).get(setting.name), limited)


def to_config(typed: dict[str, Any]) -> Config:
    """The defaults, changed first by the preset and then by the typed flags.

    Raises:
        UserError: there is no such preset, or the values do not fit together.
    """
    return _overridden(Config(), on_preset(typed))


def _overridden(config: Config, values: dict[str, Any]) -> Config:
    try:
        return config.override(values)
    except ValueError as error:
        raise UserError(str(error)) from None


def as_flags(text: str) -> str:
    """Translate a message for the command line: a setting in backticks becomes its flag, as ``--epochs``."""
    return _NAMED.sub(lambda match: f"--{match[1]}" if match[1] in _SETTINGS else match[0], text)


def adopt(
    config: Config,
    stored: Mapping[str, Any],
    typed: dict[str, Any],
    allowed: frozenset[str] | None = None,
    contradicted: str = CONTRADICTED,
) -> Config:
    """Replace settings by those of a checkpoint, for all commands that read one.

    Args:
        config: settings of the command.
        stored: ``Config.model_settings()`` of the checkpoint.
        typed: the flags that were typed; the values of a preset file count as typed.
        allowed: flags that may differ from the checkpoint when its training continues, as ``epochs``. None
            for all other uses of a checkpoint; then only ``eval_queries`` may differ, which is not part of
            the model.
        contradicted: what the message says of a typed flag; ``{}`` stands for the stored value.

    Raises:
        UserError: a typed flag contradicts the checkpoint.
    """
    typed = with_preset_file(typed)
    if allowed is None:
        stored = {name: value for name, value in stored.items() if name != "eval_queries"}
        allowed = frozenset()
    for name in stored.keys() & typed.keys() - allowed:
        if typed[name] != stored[name]:
            raise UserError(f"--{name} {typed[name]} {contradicted.format(stored[name])}")
    rules = {name: value for name, value in stored.items() if name not in allowed & typed.keys()}
    return _overridden(config, rules)


_interrupted: list[int] = []  # signals that the running command received


def _interrupt(signum: int, frame: object) -> NoReturn:
    _interrupted.append(signum)
    raise KeyboardInterrupt


class _Messages(logging.Formatter):
    """Translates settings in log lines into flags."""

    def format(self, record: logging.LogRecord) -> str:
        return as_flags(super().format(record))


def set_up_logging(verbose: bool, quiet: bool) -> None:
    """Log to stderr: only warnings if ``quiet``, details if ``verbose``, else the progress."""
    level = logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Messages("%(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logger.setLevel(level)


def guarded(command: Callable[[], None], verbose: bool = False, when_interrupted: str = INTERRUPTED) -> int:
    """Run ``command`` and turn exceptions into one line on stderr and an exit code.

    Args:
        command: the function to run.
        verbose: also log the traceback of an error.
        when_interrupted: the message after an interrupt.

    Returns:
        0 for success, 2 for a mistake of the caller, 1 for a problem of the environment (network, disk,
        memory, diverged loss), 130 after an interrupt.
    """
    try:
        _interrupted.clear()
        signal.signal(signal.SIGTERM, _interrupt)
        if hasattr(sys.stdout, "reconfigure"):  # characters that the terminal cannot show become "?"
            sys.stdout.reconfigure(errors="replace")
        command()
        sys.stdout.flush()
        return 0
    except KeyboardInterrupt:
        print(when_interrupted, file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has ended, for example `head`
        sys.stderr.close()
        return 0
    except (UserError, WorldError) as error:
        code, line = error.exit_code, as_flags(str(error))
    except MemoryError:
        code, line = 1, OUT_OF_MEMORY
    except OSError as error:
        code, line = 1, _os_error_line(error)
    except ModuleNotFoundError as error:
        code, line = 2, MISSING_PACKAGE.format(error.name)
    except Exception as error:  # a bug, or out of memory in PyTorch, which raises other exceptions
        first = (str(error) or type(error).__name__).splitlines()[0]
        no_memory = "allocate memory" in first or type(error).__name__ == "OutOfMemoryError"
        unexpected = f"unexpected {type(error).__name__}: {first}; run again with --verbose for the details"
        code, line = 1, OUT_OF_MEMORY if no_memory else unexpected
    if _interrupted:  # an interrupt during an import can raise any exception
        print(when_interrupted, file=sys.stderr)
        return 130
    if verbose:
        logger.exception("details:")
    print(f"error: {line}", file=sys.stderr)
    return code


def _os_error_line(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"disk full{where}; free some space and run the same command again"
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return f"not allowed to write{where}; choose another folder"
    return f"{error.strerror or error}{where}"
