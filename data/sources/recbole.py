"""The second source of ml-100k: the copy inside the recbole wheel on the Python package index.

The wheel is fetched with the user's own pip, so that its index, proxy and certificates are used. It is read
as a zip file and never installed.
"""

import csv
import importlib.util
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from base.errors import WorldError
from data.reading.formats import MOVIE_COLUMNS, MOVIES_CSV, NO_GENRES, RATING_COLUMNS, RATINGS_CSV, Fields
from data.sources.archives import BadArchive, file_digest
from data.sources.convert import stars, write_csv

REQUIREMENT = "recbole==1.2.1"
WHEEL_SHA256 = "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"
INSIDE = "recbole/dataset_example/ml-100k/ml-100k"
PIP_SECONDS = 300


def _pip_complaint(stderr: str) -> str:
    """The line of pip's output that says what went wrong."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["no output"])[-1].removeprefix("ERROR:").strip().rstrip(".")


def download_wheel(folder: Path) -> Path:
    """Fetch the wheel into ``folder`` with ``python -m pip download`` and check its SHA-256.

    Raises:
        WorldError: pip is missing, fails, or fetches something else.
    """
    if importlib.util.find_spec("pip") is None:
        raise WorldError(f"{sys.executable} -m pip is missing (python -m ensurepip installs it)")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--no-input", "--disable-pip-version-check", "--quiet", REQUIREMENT, "-d", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise WorldError(f"pip download {REQUIREMENT} took longer than {PIP_SECONDS} seconds") from error
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        raise WorldError(f"pip download {REQUIREMENT} failed ({_pip_complaint(done.stderr)})")
    digest = file_digest(wheels[0], "sha256")
    if digest != WHEEL_SHA256:
        raise WorldError(f"{wheels[0].name} has SHA-256 {digest}, expected {WHEEL_SHA256}")
    return wheels[0]


def _table(wheel: zipfile.ZipFile, suffix: str, columns: tuple[str, ...]) -> Iterator[Fields]:
    """Rows of one of RecBole's tab-separated files, whose header has ``name:type`` for each column."""
    with wheel.open(f"{INSIDE}.{suffix}") as binary, io.TextIOWrapper(binary, "utf-8") as text:
        rows = csv.reader(text, delimiter="\t", quoting=csv.QUOTE_NONE)
        header = tuple(field.split(":")[0] for field in next(rows, []))
        if header != columns:
            raise BadArchive(f"{INSIDE}.{suffix} has columns {header}, expected {columns}")
        for row in rows:
            if len(row) != len(columns):
                raise BadArchive(f"{INSIDE}.{suffix}, line {rows.line_num}: {len(row)} values in {row}")
            yield tuple(row)


def _movie(movie: str, title: str, year: str, genres: str) -> Fields:
    """One film, its year behind its title where there is one (film 267 has none, film 1412 has ``V``)."""
    dated = f"{title} ({year})" if len(year) == 4 and year.isdigit() else title
    return movie, dated, "|".join(genres.split()) or NO_GENRES


def convert_wheel(wheel: Path, folder: Path) -> None:
    """Write ratings.csv and movies.csv from the wheel, rows in its order.

    Args:
        wheel: the file ``download_wheel`` gave.
        folder: an existing folder to write into.

    Raises:
        BadArchive: the wheel does not contain the data in the form expected.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            ratings = _table(archive, "inter", ("user_id", "item_id", "rating", "timestamp"))
            write_csv(
                folder / RATINGS_CSV,
                RATING_COLUMNS,
                ((user, movie, stars(rating), timestamp) for user, movie, rating, timestamp in ratings),
            )
            movies = _table(archive, "item", ("item_id", "movie_title", "release_year", "class"))
            write_csv(folder / MOVIES_CSV, MOVIE_COLUMNS, (_movie(*row) for row in movies))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise BadArchive(f"{wheel.name} does not contain ml-100k as expected") from error


def fetch_ml_100k(folder: Path) -> str:
    """Fill ``folder`` with ml-100k from the wheel.

    Returns:
        Where the data came from, in words.

    Raises:
        WorldError: the wheel could not be fetched or is not what it should be.
    """
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        wheel = download_wheel(Path(temporary))
        try:
            convert_wheel(wheel, folder)
        except BadArchive as error:
            raise WorldError(str(error)) from error
    return f"the {REQUIREMENT} wheel of your Python package index"
