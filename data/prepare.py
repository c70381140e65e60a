"""From the name of a dataset to a folder with ratings.csv, or its parts, and movies.csv.

The data come from GroupLens over HTTPS, from a zip that the user already has, from the package index as the
second source of ml-100k, or from the generator. The folder looks the same for all of them.
"""

import contextlib
import errno
import logging
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from base.errors import UserError, WorldError
from data.sources import recbole, releases
from data.sources.archives import BadArchive, extract, file_digest
from data.sources.convert import convert_release
from data.sources.releases import CITATION, LICENCE, Release
from data.sources.staging import is_complete, resumed, staged, write_marker
from data.sources.transfer import Unreachable, fetch_file, fetch_text

logger = logging.getLogger("pinsage")

# For the first of two sources, in all: a user whom it does not answer still gets the data soon.
FIRST_SOURCE_SECONDS = 20.0
SECOND_SOURCES: dict[str, Callable[[Path], str]] = {"ml-100k": recbole.fetch_ml_100k}


def prepare_dataset(
    dataset: str,
    data_dir: Path,
    archive: Path | None,
    scale: str,
    seed: int,
    quiet: bool,
    num_threads: int | None = None,
) -> Path:
    """Make sure that ``data_dir`` has the ratings and movies.csv of ``dataset``.

    A complete dataset that is already there is kept. A new one appears by one rename, so that an
    interrupted run never leaves half a dataset. An interrupted download is continued by the next run, and so
    are synthetic data in parts.

    Args:
        dataset: a key of ``RELEASES``, or ``synthetic``.
        data_dir: the folder to fill.
        archive: a zip of the release to use instead of the network.
        scale: size of synthetic data, a key of ``SCALES``.
        seed: of synthetic data.
        quiet: no progress bars.
        num_threads: that make parts of synthetic data; None for one per core.

    Returns:
        ``data_dir``.

    Raises:
        UserError: the archive is not the release's zip, or ``data_dir`` or the unfinished folder beside it
            contains something else.
        WorldError: the network, a certificate, a checksum or the disk; the text says what to do.
    """
    synthetic = dataset == "synthetic"
    if synthetic and archive is not None:
        raise UserError(
            f"`archive` {archive} goes with a release, not with `dataset` synthetic; leave one of them out"
        )
    wanted = {"dataset": dataset} | ({"scale": scale, "seed": seed} if synthetic else {})
    if is_complete(data_dir, wanted):
        logger.info("%s is already there", data_dir)
    else:
        resumable = synthetic and has_parts(scale)
        with _full_disk_explained(), resumed(data_dir, wanted) if resumable else staged(data_dir) as folder:
            if synthetic:
                source = _generate(scale, seed, folder, quiet, num_threads)
            elif archive is not None:
                source = _from_archive(releases.RELEASES[dataset], archive, folder)
            else:
                source = _from_network(releases.RELEASES[dataset], data_dir.resolve().parent, folder, quiet)
            write_marker(folder, wanted, source)
        logger.info("%s: %s, from %s", data_dir, dataset, source)
    if not synthetic:
        logger.info("licence: %s\nplease cite: %s", LICENCE, CITATION)
    return data_dir


def has_parts(scale: str) -> bool:
    """Whether synthetic data of this size are written in parts."""
    from data.sources.synthetic import SCALES  # numba is not needed to fetch a release

    return SCALES[scale].users_per_part is not None


def _generate(scale: str, seed: int, folder: Path, quiet: bool, num_threads: int | None) -> str:
    from data.sources.synthetic import generate
    from data.sources.synthetic_parts import generate_parts

    if has_parts(scale):
        generate_parts(scale, seed, folder, num_threads, quiet)
    else:
        generate(scale, seed, folder, quiet)
    return f"the generator (scale {scale}, seed {seed})"


@contextlib.contextmanager
def _full_disk_explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            where = f" ({error.filename})" if error.filename else ""
            raise WorldError(
                f"disk full{where}; free some space and run the same command again (a download continues "
                "where it stopped), or choose a `data_dir` on another disk, with `archive` for a zip you have"
            ) from error
        raise


def _from_archive(release: Release, archive: Path, folder: Path) -> str:
    """Fill ``folder`` from a zip on this machine.

    Raises:
        UserError: it is missing, not a zip, or another release's.
    """
    if not archive.is_file():
        raise UserError(f"`archive` {archive} is not a file; give the {release.name}.zip that you have")
    try:
        _unpack(release, archive, folder)
    except BadArchive as error:
        raise UserError(
            f"`archive` {archive} cannot be used as {release.name}: {error}; get {release.url} again"
        ) from error
    if release.md5 is not None and file_digest(archive, "md5") != release.md5:
        logger.warning("%s is not GroupLens's own zip (its MD5 differs); it is used as it is", archive)
    return str(archive)


def _unpack(release: Release, archive: Path, folder: Path) -> None:
    form = release.format
    extract(archive, release.folder, form.required, (*form.optional, release.readme), folder)
    convert_release(folder)


def _from_network(release: Release, parent: Path, folder: Path, quiet: bool) -> str:
    """Fill ``folder`` from GroupLens, or from the second source where there is one.

    Raises:
        WorldError: none of the sources worked.
    """
    way_out = f"get {release.name}.zip another way and pass it as `archive` {release.name}.zip"
    part = parent / f"{release.name}.zip.part"
    second = SECOND_SOURCES.get(release.name)
    try:
        if second is None:
            _fetch_verified(release, part, quiet, threading.Event())
        else:
            _within(FIRST_SOURCE_SECONDS, lambda cancelled: _fetch_verified(release, part, quiet, cancelled))
    except Unreachable as first:
        if second is None:
            raise WorldError(f"{first}; try again later, or {way_out}") from first
        logger.info("%s; trying the second source, python -m pip download", first)
        try:
            source = second(folder)
        except WorldError as error:
            raise WorldError(f"{first}; second source: {error}; {way_out}") from error
        return f"{source}, since {first}"
    try:
        _unpack(release, part, folder)
    except BadArchive as error:
        _forget(part)
        raise WorldError(f"{release.url} cannot be used: {error}; {way_out}") from error
    _forget(part)
    return release.url


def _fetch_verified(release: Release, part: Path, quiet: bool, cancelled: threading.Event) -> None:
    """Fetch the archive into ``part`` and compare its MD5 with the published one.

    Raises:
        Unreachable: GroupLens could not be reached.
        WorldError: the checksum is wrong; the file is removed, since continuing it would not help.
    """
    if release.md5 is None or not (part.exists() and file_digest(part, "md5") == release.md5):
        logger.info("fetching %s", release.url)
        fetch_file(release.url, part, quiet, cancelled)
    expected = release.md5 or _published_md5(release, cancelled)
    digest = file_digest(part, "md5")
    if digest != expected:
        _forget(part)
        raise WorldError(
            f"{release.url} has MD5 {digest}, expected {expected}; the file was removed: run the same "
            f"command again, or pass a good copy as `archive` {release.name}.zip"
        )


def _published_md5(release: Release, cancelled: threading.Event) -> str:
    """The digest in the ``.md5`` file beside the archive, in BSD's form or md5sum's."""
    text = fetch_text(release.md5_url, cancelled)
    digests = re.findall(r"\b[0-9a-f]{32}\b", text.lower())
    if len(digests) != 1:
        raise Unreachable(f"{release.md5_url} does not contain one MD5 ({text[:40]!r})")
    return digests[0]


def _forget(part: Path) -> None:
    """Remove a partial file and its note; on Windows a thread that is stuck may still have it open."""
    for path in (part, part.with_name(f"{part.name}.etag")):
        with contextlib.suppress(OSError):
            path.unlink()


def _within(seconds: float, work: Callable[[threading.Event], None]) -> None:
    """Run ``work`` for at most ``seconds``, then go on without it.

    It runs in a thread: the time-outs of sockets limit a single wait, and looking up a name has none, so the
    whole can only be limited from outside. The thread ends by itself at its next step.

    Raises:
        Unreachable: the time is over.
        Exception: whatever ``work`` raised.
    """
    cancelled = threading.Event()
    outcome: list[Exception | None] = []

    def body() -> None:
        try:
            work(cancelled)
            outcome.append(None)
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        cancelled.set()
        raise Unreachable(f"GroupLens took longer than {seconds:g} seconds")
    if outcome[0] is not None:
        raise outcome[0]
