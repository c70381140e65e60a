"""One process of the server: uvicorn around a service, until a signal stops it."""

import logging
import signal
import socket
from collections.abc import Callable

import uvicorn

from serve.service import Service
from serve.watch import Watch

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
    watch: Watch,
    service: Service,
    listener: socket.socket,
    then: Callable[[], None],
    *,
    several: bool = False,
    at_once: bool = True,
) -> None:
    """Answer until SIGINT or SIGTERM; unfinished answers get a few seconds. SIGHUP looks for new models.

    Args:
        watch: of the models; the first ones are loaded here.
        service: what answers.
        listener: a listening socket.
        then: called when the first models are served.
        several: whether other processes accept from the same socket. Then connections are accepted one by
            one, so that those that come together are shared.
        at_once: accept connections while the first models are loaded, and say so. Else accept later.

    Raises:
        Exception: of a first model that cannot be loaded.
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
        if watch.failure is None:
            then()
        else:
            server.should_exit = True

    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: watch.look_now())
    watch.start(loaded)
    if not at_once:
        watch.tried.wait()
    if watch.failure is None:
        server.run(sockets=[listener])
    if watch.failure is not None:
        raise watch.failure
