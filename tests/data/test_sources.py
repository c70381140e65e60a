"""Downloads against a local HTTPS server that misbehaves, and what a person reads when they fail."""

import dataclasses
import hashlib
import io
import random
import shutil
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from base.errors import WorldError
from commands.download import main
from data import prepare as sources
from data.sources import releases, transfer
from tests.https_server import FileServer, make_certificates, serving

RATINGS = b"".join(b"%d::%d::%d::%d\n" % (n, n % 7, n % 5 + 1, n * 7919) for n in range(1, 20_000))
MEMBERS = {
    "ml-1m/ratings.dat": RATINGS,
    "ml-1m/movies.dat": b"1::A (1990)::Drama\n",
    "ml-1m/README": b"terms",
}


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


ARCHIVE = zipped(MEMBERS)
SMALL = zipped({"ml-latest-small/ratings.csv": b"userId,movieId,rating,timestamp\n1,1,3.5,9\n",
                "ml-latest-small/movies.csv": b"movieId,title,genres\n1,A (1990),Drama\n"})  # fmt: skip
HUNDRED = zipped(
    {
        "ml-100k/u.data": b"1\t1\t3\t9\n",
        "ml-100k/u.item": b"1|A (1990)|||" + b"|0" * 19 + b"\n",
        "ml-100k/README": random.Random(0).randbytes(2_000),
    }
)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command is missing, so no certificates can be made")
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


def point_at(monkeypatch: pytest.MonkeyPatch, base: str, ca: Path) -> None:
    """Make ``base`` GroupLens, with our archives' digests, and waits short."""
    monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    monkeypatch.setenv("no_proxy", "localhost")
    monkeypatch.setattr(releases, "BASE_URL", base)
    for name, content in (("ml-1m", ARCHIVE), ("ml-100k", HUNDRED)):
        release = dataclasses.replace(releases.RELEASES[name], md5=hashlib.md5(content).hexdigest())
        monkeypatch.setitem(releases.RELEASES, name, release)
    monkeypatch.setattr(transfer, "BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(transfer, "STALL_SECONDS", 0.3)
    monkeypatch.setattr(transfer, "PROGRESS_BYTES", 1_000)


@pytest.fixture
def server(certificates: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    with serving(certificates) as running:
        point_at(monkeypatch, f"https://localhost:{running.server_port}/", certificates / "ca.pem")
        running.files = {"/ml-1m.zip": ARCHIVE, "/ml-latest-small.zip": SMALL, "/ml-100k.zip": HUNDRED}
        yield running


@pytest.fixture
def download(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Runs the command into ``tmp_path/<dataset>``; gives exit code and the error's line."""

    def run(dataset: str = "ml-1m", *flags: str) -> tuple[int, str]:
        code = main(["--dataset", dataset, "--data_dir", str(tmp_path / dataset), "--quiet", *flags])
        shown = capsys.readouterr().err
        assert "Traceback" not in shown and shown.count("\n") <= 1
        return code, shown

    return run


def check_ml_1m(folder: Path) -> None:
    """The dataset is whole, and nothing else is left lying beside it."""
    rows = (folder / "ratings.csv").read_text().split("\n")
    assert len(rows) == 20_001 and rows[1] == "1,1,2.0,7919"
    assert (folder / "movies.csv").read_text() == "movieId,title,genres\n1,A (1990),Drama\n"
    assert (folder / "README").read_bytes() == b"terms"
    assert [path.name for path in folder.parent.iterdir()] == ["ml-1m"]


def test_download(server: FileServer, download, tmp_path: Path) -> None:
    assert download() == (0, "")
    check_ml_1m(tmp_path / "ml-1m")
    assert download() == (0, "")
    assert len(server.requests) == 1  # the second run found it there


def test_says_licence_and_citation(server: FileServer, tmp_path: Path, capsys) -> None:
    assert main(["--dataset", "ml-1m", "--data_dir", str(tmp_path / "x")]) == 0
    shown = capsys.readouterr().err
    assert "10.1145/2827872" in shown and "no commercial use" in shown


@pytest.mark.parametrize("etag", ['"one"', ""])
def test_cut_connections_are_resumed(server: FileServer, download, tmp_path: Path, etag: str) -> None:
    server.etag, server.cuts = etag, [40_000, 20_000, 10_000]
    assert download() == (0, "")
    check_ml_1m(tmp_path / "ml-1m")
    starts = [f"bytes={start}-" for start in (40_000, 60_000, 70_000)]
    assert [asked for _, asked, _ in server.requests] == [None, *starts]
    assert server.requests[1][2] == (etag or None)


def test_part_survives_the_run_and_resumes(server: FileServer, download, tmp_path: Path) -> None:
    server.cuts = [50_000, 10, 10, 10]
    code, line = download()
    assert code == 1 and "closed the connection after" in line and "--archive ml-1m.zip" in line
    assert (tmp_path / "ml-1m.zip.part").stat().st_size == 50_030
    assert not (tmp_path / "ml-1m").exists()
    assert download() == (0, "")
    assert server.requests[-1][1] == "bytes=50030-"
    check_ml_1m(tmp_path / "ml-1m")


def test_server_without_ranges(server: FileServer, download, tmp_path: Path) -> None:
    server.ranges, server.cuts = False, [40_000]
    assert download() == (0, "")
    check_ml_1m(tmp_path / "ml-1m")


def test_changed_file_starts_anew(server: FileServer, download, tmp_path: Path) -> None:
    (tmp_path / "ml-1m.zip.part").write_bytes(b"older" * 1_000)
    (tmp_path / "ml-1m.zip.part.etag").write_text('"zero"')
    assert download() == (0, "")
    assert server.requests == [("/ml-1m.zip", "bytes=5000-", '"zero"')]
    check_ml_1m(tmp_path / "ml-1m")


def test_whole_part_needs_no_network(download, tmp_path: Path, monkeypatch, certificates: Path) -> None:
    point_at(monkeypatch, "https://localhost:9/", certificates / "ca.pem")
    (tmp_path / "ml-1m.zip.part").write_bytes(ARCHIVE)
    assert download() == (0, "")
    check_ml_1m(tmp_path / "ml-1m")


@pytest.mark.parametrize("extra", [b"", b"too long"])
def test_part_that_leaves_nothing_to_fetch(
    server: FileServer, download, tmp_path: Path, extra: bytes
) -> None:
    """416: complete when the size is right, else begun again. The digest of the day decides."""
    server.files["/ml-latest-small.zip.md5"] = f"MD5 (x.zip) = {hashlib.md5(SMALL).hexdigest()}\n".encode()
    (tmp_path / "ml-latest-small.zip.part").write_bytes(SMALL + extra)
    assert download("ml-latest-small") == (0, "")
    assert len(server.requests) == (3 if extra else 2)
    assert (tmp_path / "ml-latest-small" / "ratings.csv").read_bytes().endswith(b"1,1,3.5,9\n")


def test_wrong_checksum(server: FileServer, download, tmp_path: Path) -> None:
    server.files["/ml-1m.zip"] = ARCHIVE[:-1] + b"x"
    code, line = download()
    assert code == 1 and "has MD5" in line and "expected" in line and "--archive ml-1m.zip" in line
    assert not list(tmp_path.iterdir())


def test_published_checksum_is_used_and_must_be_one(server: FileServer, download) -> None:
    server.files["/ml-latest-small.zip.md5"] = b"0" * 32 + b"  ml-latest-small.zip\n"
    code, line = download("ml-latest-small")
    assert code == 1 and f"expected {'0' * 32}" in line
    server.files["/ml-latest-small.zip.md5"] = b"<html>moved</html>"
    code, line = download("ml-latest-small")
    assert code == 1 and "does not contain one MD5" in line


@pytest.mark.parametrize(
    "leaf, reason",
    [
        ("expired", "the certificate of localhost has expired"),
        ("selfsigned", "the certificate of localhost is self-signed"),
        ("otherhost", "the certificate of localhost was issued for another host"),
    ],
)
def test_certificates(certificates: Path, monkeypatch, download, leaf: str, reason: str) -> None:
    with serving(certificates, leaf) as running:
        point_at(monkeypatch, f"https://localhost:{running.server_port}/", certificates / "ca.pem")
        running.files = {"/ml-1m.zip": ARCHIVE}
        code, line = download()
        assert code == 1 and reason in line and "--archive ml-1m.zip" in line
        assert not running.requests  # and it was not tried again without verification


def test_unknown_issuer(
    server: FileServer, download, tmp_path: Path, monkeypatch, certificates: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "otherhost.pem"))
    code, line = download()
    assert code == 1 and "the certificate of localhost cannot be verified (" in line
    assert "SSL_CERT_FILE" in line and not server.requests


@pytest.mark.parametrize(
    "base, reason",
    [
        ("https://localhost:9/", "localhost refused the connection"),
        ("https://no-such-host.invalid/", "no-such-host.invalid was not found"),
    ],
)
def test_no_network(
    certificates: Path, monkeypatch, download, tmp_path: Path, base: str, reason: str
) -> None:
    point_at(monkeypatch, base, certificates / "ca.pem")
    code, line = download()
    assert code == 1 and reason in line and "--archive ml-1m.zip" in line
    assert not list(tmp_path.iterdir())


def test_stall(server: FileServer, download) -> None:
    server.stall = 2.0
    code, line = download()
    assert code == 1 and "did not answer within 0.3 seconds" in line
    assert len(server.requests) == transfer.ATTEMPTS


def test_404_is_final_and_503_is_not(server: FileServer, download, tmp_path: Path) -> None:
    server.statuses = [404]
    code, line = download()
    assert code == 1 and "answered HTTP 404 (Not Found)" in line and len(server.requests) == 1
    server.statuses = [503, 500]
    assert download() == (0, "")
    check_ml_1m(tmp_path / "ml-1m")
    shutil.rmtree(tmp_path / "ml-1m")
    server.statuses = [503] * 9
    code, line = download()
    assert code == 1 and "answered HTTP 503" in line and len(server.statuses) == 9 - transfer.ATTEMPTS


def test_redirect_to_http_is_refused(server: FileServer, download) -> None:
    server.location = "http://localhost:9/ml-1m.zip"
    code, line = download()
    assert code == 1 and "which is not https" in line


def test_full_disk(server: FileServer, download, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, before[1]))
    try:
        code, line = download()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert code == 1 and line.startswith("error: disk full") and "--archive" in line
    assert (tmp_path / "ml-1m.zip.part").stat().st_size == 30_000
    assert download() == (0, "")
    assert server.requests[-1][1] == "bytes=30000-"
    check_ml_1m(tmp_path / "ml-1m")


def test_first_of_two_sources_gets_its_seconds_and_no_more(
    server: FileServer, tmp_path: Path, monkeypatch
) -> None:
    """A trickle obeys every time-out of a single read; only the total catches it."""

    def second(folder: Path) -> str:
        (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,3.0,9\n")
        (folder / "movies.csv").write_text("movieId,title,genres\n1,A (1990),Drama\n")
        return "elsewhere"

    monkeypatch.setitem(sources.SECOND_SOURCES, "ml-100k", second)
    monkeypatch.setattr(sources, "FIRST_SOURCE_SECONDS", 0.8)
    server.trickle = 0.2
    started = time.monotonic()
    sources.prepare_dataset("ml-100k", tmp_path / "ml-100k", None, "100k", 0, True)
    assert time.monotonic() - started < 2
    marker = (tmp_path / "ml-100k" / "dataset.json").read_text()
    assert "elsewhere, since GroupLens took longer than 0.8 seconds" in marker


def test_both_sources_fail(server: FileServer, download, monkeypatch) -> None:
    def second(folder: Path) -> str:
        raise WorldError("pip is missing")

    monkeypatch.setitem(sources.SECOND_SOURCES, "ml-100k", second)
    server.statuses = [404]
    code, line = download("ml-100k")
    assert code == 1
    assert "HTTP 404" in line and "second source: pip is missing" in line and "--archive ml-100k.zip" in line
    assert download("ml-100k") == (0, "")  # and the first source, when it is back, is enough


def test_bad_zip_with_a_good_checksum(server: FileServer, download, tmp_path: Path) -> None:
    server.files["/ml-latest-small.zip"] = b"not a zip"
    server.files["/ml-latest-small.zip.md5"] = hashlib.md5(b"not a zip").hexdigest().encode()
    code, line = download("ml-latest-small")
    assert code == 1 and "cannot be used" in line and "--archive ml-latest-small.zip" in line
    assert not list(tmp_path.iterdir())
