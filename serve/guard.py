"""Checks around every request and response: the host asked for, the size of a body, security headers."""

import json
import logging
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("pinsage")

MAX_BYTES = 64 * 1024  # of a request's body; the longest history takes half
# A condition may list a million ids.
MAX_BYTES_OF = dict.fromkeys(("/api/recommendations", "/api/recommendations/models"), 32 * 2**20)
TOO_LARGE = "a request may have at most {:,} bytes"
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}


class Guard:
    """ASGI middleware around the whole application.

    Args:
        app: the application.
        hosts: names under which the server answers; empty for any. They keep another site from reaching the
            server under its own name (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str] = frozenset()):
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application, or refuse it with one line."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = too_large = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if too_large:  # the application got an incomplete body, and its answer does not count
                return
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], *_encoded(HEADERS)]
            await send(message)

        taken = 0

        async def receive_limited() -> Message:
            nonlocal taken, too_large
            message = await receive()
            taken += len(message.get("body", b""))
            too_large = taken > max_bytes
            return {"type": "http.disconnect"} if too_large else message

        headers = dict(scope["headers"])
        max_bytes = MAX_BYTES_OF.get(scope["path"], MAX_BYTES)
        try:
            if self.hosts and _host(headers) not in self.hosts:
                await refuse(
                    send_guarded, 400, "this server is not known by that name; ask for 127.0.0.1 or localhost"
                )
            elif int(headers.get(b"content-length", b"0")) > max_bytes:
                await refuse(send_guarded, 413, TOO_LARGE.format(max_bytes))
            else:
                await self.app(scope, receive_limited, send_guarded)
        except Exception as error:  # a bug: the log shows it, the browser does not
            if not too_large:
                logger.error("unexpected %s while answering %s", type(error).__name__, scope["path"])
                logger.debug("details:", exc_info=True)
            if started:
                raise
            if not too_large:
                await refuse(send_guarded, 500, "the server met an unexpected error; its log says more")
        if too_large and not started:
            too_large = False
            await refuse(send_guarded, 413, TOO_LARGE.format(max_bytes))


def _host(headers: dict[bytes, bytes]) -> str | None:
    try:
        return urlsplit("//" + headers.get(b"host", b"").decode("latin-1")).hostname
    except ValueError:
        return None


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


async def refuse(send: Any, status: int, line: str, more: dict[str, str] | None = None) -> None:
    """Answer with one line of JSON and, if there are, more headers."""
    body = json.dumps({"error": line}).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body)), **(more or {})}
    await send({"type": "http.response.start", "status": status, "headers": _encoded(headers)})
    await send({"type": "http.response.body", "body": body})
