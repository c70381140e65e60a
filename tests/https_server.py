"""A local HTTPS server that misbehaves on request, with certificates made by the openssl command."""

import contextlib
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

EXTENSIONS = """\
[v3_ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[v3_leaf]
basicConstraints = CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:{host}
"""


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def make_certificates(folder: Path) -> None:
    """Write a CA (ca.pem) and the leaves good, expired, otherhost and selfsigned (``.pem``, ``.key``)."""
    config = folder / "ext.cnf"
    new_key = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj")
    config.write_text(EXTENSIONS.format(host="localhost"))
    _openssl(*new_key, "/CN=Test CA", "-keyout", folder / "ca.key", "-out", folder / "ca.csr")
    _openssl(
        *("x509", "-req", "-in", folder / "ca.csr", "-signkey", folder / "ca.key", "-days", "2"),
        *("-extfile", config, "-extensions", "v3_ca", "-out", folder / "ca.pem"),
    )
    for name, host, days in (
        ("good", "localhost", "2"),
        ("expired", "localhost", "-1"),
        ("otherhost", "x.test", "2"),
    ):
        config.write_text(EXTENSIONS.format(host=host))
        csr, key, out = (folder / f"{name}.{ending}" for ending in ("csr", "key", "pem"))
        _openssl(*new_key, f"/CN={host}", "-keyout", key, "-out", csr)
        _openssl(
            *("x509", "-req", "-in", csr, "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key"),
            *("-CAcreateserial", "-days", days, "-extfile", config, "-extensions", "v3_leaf", "-out", out),
        )
    config.write_text(EXTENSIONS.format(host="localhost"))
    _openssl(
        *new_key, "/CN=localhost", "-keyout", folder / "selfsigned.key", "-out", folder / "selfsigned.csr"
    )
    _openssl(
        *(
            "x509",
            "-req",
            "-in",
            folder / "selfsigned.csr",
            "-signkey",
            folder / "selfsigned.key",
            "-days",
            "2",
        ),
        *("-extfile", config, "-extensions", "v3_leaf", "-out", folder / "selfsigned.pem"),
    )


class FileServer(ThreadingHTTPServer):
    """What it serves and how badly; tests set the attributes.

    Attributes:
        files: body by path.
        etag: sent with every file, "" for none.
        statuses: error codes to answer the next requests with, first to last.
        cuts: bytes after which the next responses break off, first to last.
        ranges: whether Range is honoured.
        stall: seconds of silence before the body.
        trickle: seconds of silence between the body's pieces of 100 bytes.
        location: where to redirect everything, "" for nowhere.
        requests: (path, Range, If-Range) of each request.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.etag = '"one"'
        self.statuses: list[int] = []
        self.cuts: list[int] = []
        self.ranges = True
        self.stall = self.trickle = 0.0
        self.location = ""
        self.requests: list[tuple[str, str | None, str | None]] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are what the tests are about: no traceback."""


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""

    def do_GET(self) -> None:
        server, asked = self.server, self.headers.get("Range")
        server.requests.append((self.path, asked, self.headers.get("If-Range")))
        if server.location:
            return self._head(302, {"Location": server.location})
        if server.statuses:
            return self._head(server.statuses.pop(0), {"Content-Length": "0"})
        body = server.files.get(self.path)
        if body is None:
            return self._head(404, {"Content-Length": "0"})
        first, headers = 0, {"ETag": server.etag} if server.etag else {}
        fresh = self.headers.get("If-Range") in (None, server.etag)
        if asked and server.ranges and fresh:
            first = int(asked.removeprefix("bytes=").removesuffix("-"))
            if first >= len(body):
                return self._head(416, {"Content-Range": f"bytes */{len(body)}", "Content-Length": "0"})
            headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
        self._head(206 if first else 200, {**headers, "Content-Length": str(len(body) - first)})
        self._send(body[first:][: server.cuts.pop(0) if server.cuts else None])

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, body: bytes) -> None:
        time.sleep(self.server.stall)
        step = 100 if self.server.trickle else max(1, len(body))
        for start in range(0, len(body), step):
            self.wfile.write(body[start : start + step])
            time.sleep(self.server.trickle)


@contextlib.contextmanager
def serving(certificates: Path, leaf: str = "good") -> Iterator[FileServer]:
    """A running server that shows the certificate ``leaf``; ``server.url`` is where it listens."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / f"{leaf}.pem", certificates / f"{leaf}.key")
    server = FileServer()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
