"""What a process answers with: the model of the moment, the limit on requests in flight, and who watches."""

import asyncio
import time
from collections.abc import Callable, Sequence

from starlette.types import Message, Receive, Scope, Send

from serve.access_log import Answered
from serve.guard import HEADERS, refuse
from serve.live import Live, Served
from serve.metrics import Metrics
from serve.operations import PATHS as ALWAYS_ANSWERED

FINGERPRINT = b"x-model-fingerprint"
RETRY_AFTER = {"retry-after": "1"}


class Service:
    """The ASGI application of a process. A request has one model from beginning to end.

    Args:
        live: the model of the moment.
        max_in_flight: requests that are answered at a time; more are refused with 503. Those about the state
            of the server are answered always.
        watchers: called after each answer.
        metrics: count answers and requests in flight; None without prometheus-client.
    """

    def __init__(
        self,
        live: Live[Served],
        max_in_flight: int,
        watchers: Sequence[Callable[[Answered], None]] = (),
        metrics: Metrics | None = None,
    ):
        self.live = live
        self.max_in_flight = max_in_flight
        self.in_flight = 0
        self._metrics = metrics
        self._watchers = [*watchers, metrics.answered] if metrics else watchers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.live.served.app(scope, receive, send)
            return
        started, served, status, size = time.perf_counter(), self.live.served, 500, 0

        async def send_marked(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                if served.fingerprint:
                    mark = (FINGERPRINT, served.fingerprint.encode())
                    message["headers"] = [*message["headers"], mark]
            else:
                size += len(message.get("body", b""))
            await send(message)

        counted = scope["path"] not in ALWAYS_ANSWERED
        refused = counted and self.in_flight >= self.max_in_flight
        try:
            if refused:
                line = f"{self.max_in_flight} requests are being answered, which is the limit; ask again"
                await refuse(send_marked, 503, line, HEADERS | RETRY_AFTER)
            elif counted:
                self._count(1)
                try:
                    # An answer is made without a pause. Here the requests that came in meanwhile are counted.
                    await asyncio.sleep(0)
                    await served.app(scope, receive, send_marked)
                finally:
                    self._count(-1)
            else:
                await served.app(scope, receive, send_marked)
        finally:
            route = getattr(scope.get("route"), "path", None)
            seconds = time.perf_counter() - started
            answered = Answered(scope["method"], route, status, seconds, size, served.fingerprint, refused)
            for watcher in self._watchers:
                watcher(answered)

    def _count(self, change: int) -> None:
        self.in_flight += change
        if self._metrics is not None:
            self._metrics.in_flight(self.in_flight)
