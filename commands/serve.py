"""``--mode serve``: a local web page to try a trained model, and the JSON API behind it."""

import ipaddress
import logging
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from base.compute import set_up_compute
from base.errors import UserError, WorldError
from commands.cli import adopt
from config import Config, ServeConfig
from model.checkpoint import BEST, load_checkpoint
from recommend.added_films import with_added_films
from recommend.recommender import Recommender

if TYPE_CHECKING:
    from serve.two_models import OtherModel

logger = logging.getLogger("pinsage")

SECONDS_TO_FINISH = 3  # for unfinished answers when the server is stopped


def serve(config: Config, typed: dict[str, Any]) -> None:
    """Serve the page and the API from ``best.pt`` until interrupted.

    Raises:
        UserError: there is no checkpoint, or flags do not fit.
        WorldError: the port is taken.
    """
    import uvicorn

    from serve.app import create_app
    from serve.films import Films

    listener = _listen(config.serve)
    with listener:
        set_up_compute(config.run)
        folder = Path(config.run.checkpoint_dir)
        checkpoint = load_checkpoint(folder / BEST)
        adopt(config, checkpoint.settings, typed)
        checkpoint = with_added_films(checkpoint, folder)
        logger.info("building the indexes; the first time on a machine their kernels are compiled")
        films = Films(checkpoint, config.search, folder, _other_model(config))
        app = create_app(films, _known_as(config.serve.host))
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_level="info" if config.run.verbose else "warning",
                access_log=config.run.verbose,
                server_header=False,
                timeout_graceful_shutdown=SECONDS_TO_FINISH,
            )
        )
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        what = f"{films.movies.words.counted(len(films.movies))} of {checkpoint.dataset['name']}"
        print(f"http://{shown}:{port} serves {what}; /docs explains the API; Ctrl-C stops", flush=True)
        server.run(sockets=[listener])


def _other_model(config: Config) -> "OtherModel | None":
    """The model of ``--compare_dir``.

    Raises:
        UserError: it cannot be read.
    """
    from serve.two_models import OtherModel

    if (folder := config.serve.compare_dir) is None:
        return None
    return OtherModel(Path(folder).name or folder, Recommender.load(folder, search=config.search))


def _listen(settings: ServeConfig) -> socket.socket:
    """A socket that listens at ``--host`` and ``--port``.

    Raises:
        UserError: the host is not an address of this machine.
        WorldError: the port is taken or not allowed.
    """
    where = f"--host {settings.host} --port {settings.port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise UserError(f"--host {settings.host}: {error.strerror}; 127.0.0.1 is this machine") from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise WorldError(f"{where}: {error.strerror}; choose another --port") from None
    return listener


def _known_as(host: str) -> frozenset[str]:
    """Names under which the server answers: only local ones if it listens on this machine alone, else any."""
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    return frozenset({"127.0.0.1", "localhost", "::1", host}) if local else frozenset()
