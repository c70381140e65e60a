"""``--mode serve``: a local web page to try a trained model, and the JSON API behind it."""

import contextlib
import ipaddress
import logging
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from base.compute import set_up_compute
from base.errors import UserError, WorldError
from commands.cli import adopt, guarded, set_up_logging
from config import Config, ServeConfig

if TYPE_CHECKING:
    from model.checkpoint import Checkpoint

logger = logging.getLogger("pinsage")


def serve(config: Config, typed: dict[str, Any]) -> None:
    """Serve the page and the API from ``best.pt`` until interrupted, and take over a new ``best.pt``.

    Raises:
        UserError: there is no checkpoint, or flags do not fit.
        WorldError: the port is taken.
    """
    import uvicorn  # noqa: F401  # where it is missing, that is said before a process is started

    with _listen(config.serve) as listener:
        host, port = listener.getsockname()[:2]
        address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

        def announce(what: str) -> None:
            print(f"{address} serves {what}; /docs explains the API; Ctrl-C stops", flush=True)

        number = config.blocks.workers or 1
        if number == 1:
            _answer(config, typed, listener, True, announce)
            return
        from serve.metrics import forget_process
        from serve.metrics_folder import metrics_folder
        from serve.workers import Workers

        with metrics_folder():
            Workers(number, _work, (config, typed, listener), forget_process).run(announce)


def _work(
    config: Config, typed: dict[str, Any], listener: socket.socket, first: bool, then: Callable[[str], None]
) -> None:
    """One of several processes."""
    set_up_logging(config.run.verbose, config.run.quiet)

    def until_stopped() -> None:
        with contextlib.suppress(KeyboardInterrupt):  # the parent says that it was interrupted
            _answer(config, typed, listener, first, then)

    sys.exit(guarded(until_stopped, config.run.verbose))


def _answer(
    config: Config, typed: dict[str, Any], listener: socket.socket, first: bool, then: Callable[[str], None]
) -> None:
    """Answer in this process until it is stopped.

    Args:
        config: the settings.
        typed: the flags that were typed.
        listener: a listening socket.
        first: whether no other process answers yet.
        then: called with a description of the first model when it is served.

    Raises:
        UserError: there is no checkpoint, or it does not fit the flags.
    """
    import model.trainer  # noqa: F401 - a first new film would wait for PyG
    from recommend.recommender import Recommender
    from serve.access_log import write_access_line
    from serve.app import create_app
    from serve.films import Films
    from serve.live import Live, Served
    from serve.metrics import find_metrics
    from serve.server import serve_live
    from serve.service import Service
    from serve.two_models import ComparedModel
    from serve.watch import Watch

    set_up_compute(config.run)
    folder, hosts, metrics = Path(config.run.checkpoint_dir), _known_as(config.serve.host), find_metrics()
    noted = metrics.loaded if metrics else None
    second = None if config.serve.compare_dir is None else Path(config.serve.compare_dir)

    def load_other(checkpoint: "Checkpoint", fingerprint: str) -> ComparedModel | None:
        assert second is not None
        recommender = Recommender(checkpoint, search=config.search, folder=second)
        return ComparedModel(second.name or str(second), recommender, fingerprint)

    others = [] if second is None else [Live(second, load_other, None, noted)]

    def other() -> ComparedModel | None:
        return others[0].served if others else None

    def load(checkpoint: "Checkpoint", fingerprint: str) -> Served:
        adopt(config, checkpoint.settings, typed)
        films = Films(checkpoint, config.search, folder, other, fingerprint)
        what = f"{films.movies.words.counted(len(films.movies))} of {checkpoint.dataset['name']}"
        return Served(create_app(films, hosts, metrics), fingerprint, what)

    live = Live(folder, load, Served(create_app(None, hosts, metrics)), noted)
    watchers = [write_access_line] if config.serve.access_log or config.run.verbose else []
    service = Service(live, config.serve.max_in_flight, watchers, metrics)
    logger.info("building the indexes; the first time on a machine their kernels are compiled")
    several = (config.blocks.workers or 1) > 1
    watch = Watch([*others, live])  # once `live` answers, the second model is there
    serve_live(watch, service, listener, lambda: then(live.served.what), several=several, at_once=first)


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
