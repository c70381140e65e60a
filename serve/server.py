"""One process of the server: uvicorn around a service, until a signal stops it."""

import logging
import signal
import socket
from collections.abc import Callable

import uvicorn

from serve.live import Live
from serve.service import Service

logger = logging.getLogger("pinsage")

SECONDS_TO_FINISH = 3  # for unfinished answers when the server is stopped
BACKLOG = 1024  # connections that wait to be accepted


class _Server(uvicorn.Server):
    """A server whose listening socket others may accept from, too."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections."""
        await super().startup(sockets)
        for listener in sockets or []:
            listener.listen(BACKLOG)  # asyncio has set it to the number that is accepted at a time


def serve_live(
    live: Live,
    service: Service,
    listener: socket.socket,
    then: Callable[[], None],
    *,
    several: bool = False,
    at_once: bool = True,
) -> None:
    """Answer until SIGINT or SIGTERM; unfinished answers get a few seconds. SIGHUP looks for a new model.

    Args:
        live: the model; its first one is loaded here.
        service: what answers.
        listener: a listening socket.
        then: called when the first model is served.
        several: whether other processes accept from the same socket. Then connections are accepted one by
            one, so that those that come together are shared.
        at_once: accept connections while the first model is loaded, and say that it is. Else accept later.

    Raises:
        Exception: of the first model, if it cannot be loaded.
    """
    server = _Server(
        uvicorn.Config(
            service,
            log_level=logging.INFO if logger.isEnabledFor(logging.DEBUG) else logging.WARNING,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=SECONDS_TO_FINISH,
            backlog=1 if several else BACKLOG,
        )
    )

    def loaded() -> None:
        if live.failure is None:
            then()
        else:
            server.should_exit = True

    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: live.look_now())
    live.start(loaded)
    if not at_once:
        live.tried.wait()
    if live.failure is None:
        server.run(sockets=[listener])
    if live.failure is not None:
        raise live.failure
