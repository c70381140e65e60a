"""``download_dataset.py``: download, unpack or generate a dataset."""

from pathlib import Path

from commands.cli import add_settings, build_parser, guarded, set_up_logging, to_config

EXAMPLES = (
    "--dataset ml-25m",
    "--dataset ml-1m --archive ~/Downloads/ml-1m.zip",
    "--dataset synthetic --scale 25m --data_dir data/synthetic-25m",
    "--dataset synthetic --scale 250m --data_dir data/synthetic-250m",
)


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: the flags; None means those of the process.

    Returns:
        The exit code.
    """
    parser = build_parser(
        "download_dataset.py",
        "Download a MovieLens release, unpack one that you already have, or generate synthetic data.",
        ["download"],
        EXAMPLES,
    )
    # The default folder depends on the dataset.
    reason = "folder to fill (default: data/<dataset>)"
    add_settings(parser, "data", ("data_dir",), reasons={"data_dir": reason})
    reason = "threads that make synthetic data in parts, --scale 250m and 1b (default: all cores)"
    names = ("seed", "num_threads", "quiet", "verbose")
    add_settings(parser, "run", names, reasons={"num_threads": reason})
    typed = vars(parser.parse_args(argv))
    config = to_config(typed)
    set_up_logging(config.run.verbose, config.run.quiet)

    def command() -> None:
        from data.prepare import prepare_dataset  # heavy

        wanted = config.download
        prepare_dataset(
            wanted.dataset,
            Path(typed.get("data_dir", f"data/{wanted.dataset}")),
            None if wanted.archive is None else Path(wanted.archive),
            wanted.scale,
            config.run.seed,
            config.run.quiet,
            config.run.num_threads,
        )

    return guarded(
        command,
        config.run.verbose,
        "interrupted; run the same command again, a download or data in parts continue",
    )
