"""One file over HTTPS: time-outs, retries, resume, progress.

Certificates are always verified, with Python's default context. There is no setting to turn that off.
"""

import http.client
import logging
import ssl
import sys
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from socket import gaierror
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from tqdm import tqdm

from base.errors import WorldError

logger = logging.getLogger("pinsage")

STALL_SECONDS = 20.0  # longest silence while connecting or reading
ATTEMPTS = 4
BACKOFF_SECONDS = 1.0  # before the second attempt; doubles
PROGRESS_BYTES = 2**20  # an attempt that fetched as much as this does not count against ATTEMPTS
CHUNK_BYTES = 2**18
RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})

# OpenSSL's X509_V_ERR codes, as SSLCertVerificationError.verify_code carries them.
_EXPIRED, _NOT_YET_VALID, _SELF_SIGNED, _WRONG_HOST = 10, 9, 18, 62

Result = TypeVar("Result")


class Unreachable(WorldError):
    """The host was not reached, or did not give the file. Another source may have it."""


class _Transient(Exception):
    """A failure that may go away by itself; the text says what it is."""


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follows redirects as long as they stay encrypted."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: str) -> Any:
        """Refuse a redirect from https to http."""
        if not newurl.lower().startswith("https://"):
            raise Unreachable(f"{req.host} redirects to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _certificate_reason(error: ssl.SSLCertVerificationError) -> str:
    return {
        _EXPIRED: "has expired",
        _NOT_YET_VALID: "is not valid yet (is this machine's clock right?)",
        _SELF_SIGNED: "is self-signed",
        _WRONG_HOST: "was issued for another host",
    }.get(
        error.verify_code,
        "cannot be verified (its issuer is unknown; behind a proxy that opens https, SSL_CERT_FILE must name "
        "the proxy's CA)",
    )


def _classify(error: Exception, host: str) -> Exception:
    """The failure in words: ``_Transient`` if another attempt may succeed, else ``Unreachable``."""
    if isinstance(error, HTTPError):
        kind = _Transient if error.code in RETRIED_STATUSES else Unreachable
        return kind(f"{host} answered HTTP {error.code} ({error.reason or 'no reason given'})")
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Unreachable(f"the certificate of {host} {_certificate_reason(cause)}")
    if isinstance(cause, gaierror):
        return _Transient(f"{host} was not found (no network, or no name service)")
    if isinstance(cause, TimeoutError):
        return _Transient(f"{host} did not answer within {STALL_SECONDS:g} seconds")
    if isinstance(cause, ConnectionRefusedError):
        return _Transient(f"{host} refused the connection")
    detail = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return _Transient(f"the connection to {host} failed ({detail})")


def _open(url: str, headers: dict[str, str], cancelled: threading.Event) -> http.client.HTTPResponse:
    """The response to a GET. The status 416 is returned, every other refusal is raised.

    Raises:
        _Transient: another attempt may succeed.
        Unreachable: another attempt would not succeed.
    """
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=ssl.create_default_context()), _HttpsOnly()
    )
    request = urllib.request.Request(url, headers={"User-Agent": "pinsage-movielens", **headers})
    host = urlsplit(url).hostname or url
    try:
        response = opener.open(request, timeout=STALL_SECONDS)
    except HTTPError as error:
        if error.code != 416:
            error.close()
            raise _classify(error, host) from error
        response = error
    except (OSError, http.client.HTTPException) as error:
        raise _classify(error, host) from error
    if cancelled.is_set():  # the caller stopped waiting for us
        response.close()
        raise Unreachable(f"{host} took too long")
    return response


def _read(response: http.client.HTTPResponse, host: str) -> bytes:
    try:
        return response.read1(CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise _classify(error, host) from error


def _retrying(
    action: Callable[[], Result], progress: Callable[[], int], cancelled: threading.Event
) -> Result:
    """Repeat ``action`` as long as it fails for reasons that may go away."""
    failures = 0
    while True:
        before = progress()
        try:
            return action()
        except _Transient as error:
            failures = 1 if progress() - before >= PROGRESS_BYTES else failures + 1
            if failures >= ATTEMPTS:
                raise Unreachable(str(error)) from error
            pause = BACKOFF_SECONDS * 2 ** (failures - 1)
            logger.info("%s; trying again in %g s", error, pause)
            if cancelled.wait(pause):
                raise Unreachable(str(error)) from error


def fetch_text(url: str, cancelled: threading.Event | None = None, limit: int = 4096) -> str:
    """A small text file.

    Args:
        url: an https address.
        cancelled: set by another thread to make this one stop.
        limit: the maximum number of bytes to read.

    Raises:
        Unreachable: it could not be fetched.
    """
    cancelled = cancelled or threading.Event()
    host = urlsplit(url).hostname or url

    def once() -> str:
        with _open(url, {}, cancelled) as response:
            text = b""
            while len(text) < limit and (chunk := _read(response, host)):
                text += chunk
            return text[:limit].decode("utf-8", "replace")

    return _retrying(once, lambda: 0, cancelled)


def fetch_file(url: str, part: Path, quiet: bool = True, cancelled: threading.Event | None = None) -> None:
    """Fetch ``url`` into ``part``, continuing what an earlier, interrupted call left there.

    A small ``.etag`` file beside ``part`` says which version of the file it is. So a file that has changed
    on the server is fetched from its start, and never joined to the old half.

    Args:
        url: an https address.
        part: the partial file; complete when this returns.
        quiet: no progress bar; there is also none when stderr is not a terminal.
        cancelled: set by another thread to make this one stop.

    Raises:
        Unreachable: it could not be fetched; ``part`` keeps what has arrived.
        OSError: ``part`` cannot be written.
    """
    cancelled = cancelled or threading.Event()
    _retrying(lambda: _continue(url, part, quiet, cancelled), lambda: _size(part), cancelled)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _validator(response: http.client.HTTPResponse) -> str:
    """What names this version of the file in If-Range, which does not take weak tags."""
    etag = response.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")


def _continue(url: str, part: Path, quiet: bool, cancelled: threading.Event) -> None:
    """One request: from where ``part`` ends if the server allows it, else from the start."""
    have, memo = _size(part), part.with_name(f"{part.name}.etag")
    headers = {}
    if have:
        headers["Range"] = f"bytes={have}-"
        if memo.exists() and (version := memo.read_text(encoding="latin-1")):
            headers["If-Range"] = version
    with _open(url, headers, cancelled) as response:
        described = response.headers.get("Content-Range", "")
        if response.status == 416 and described == f"bytes */{have}":
            return  # nothing is left to fetch
        if response.status == 416 or (response.status == 206 and not described.startswith(f"bytes {have}-")):
            part.unlink()
            raise _Transient(
                f"the file on {urlsplit(url).hostname} has changed since its first half was fetched"
            )
        if response.status != 206:  # the whole file, because it has changed or the server has no ranges
            have = 0
            memo.write_text(_validator(response), encoding="latin-1")
        length = response.headers.get("Content-Length")
        total = have + int(length) if length and length.isdigit() else None
        _copy(response, part, have, total, quiet, cancelled)


def _copy(
    response: http.client.HTTPResponse,
    part: Path,
    have: int,
    total: int | None,
    quiet: bool,
    cancelled: threading.Event,
) -> None:
    """Append the body to ``part`` until it has ``total`` bytes; replace it if ``have`` is 0."""
    host = urlsplit(response.url).hostname or response.url
    bar = tqdm(
        total=total,
        initial=have,
        unit="B",
        unit_scale=True,
        desc=part.name.removesuffix(".part"),
        disable=quiet or not sys.stderr.isatty(),
    )
    with part.open("ab" if have else "wb") as file, bar:
        while chunk := _read(response, host):
            if cancelled.is_set():
                raise Unreachable(f"{host} is too slow")
            file.write(chunk)
            have += len(chunk)
            bar.update(len(chunk))
    if total is not None and have != total:
        raise _Transient(f"{host} closed the connection after {have:,} of {total:,} bytes")
