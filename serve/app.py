"""The application: API, page and OpenAPI page, with errors as one line of JSON."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from base.checks import shown_value
from serve.api import make_api
from serve.films import Films
from serve.guard import Guard
from serve.metrics import Metrics
from serve.operations import make_operations, not_loaded

PAGE = Path(__file__).parent / "page"
THEME = Path(__file__).parent.parent / "report" / "theme.css"


def create_app(
    films: Films | None, hosts: frozenset[str] = frozenset(), metrics: Metrics | None = None
) -> FastAPI:
    """The application of one model.

    Args:
        films: what it answers from. None while no model is loaded: it says so with 503.
        hosts: names under which the server answers; empty for any.
        metrics: what ``/metrics`` shows; None without prometheus-client.
    """
    # FastAPI's own documentation pages load scripts from other servers. Ours needs no network.
    app = FastAPI(
        title="PinSage film recommendations",
        version="1",
        description="Films that go with a film or with the films of a person. The server stores nothing.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None if films is None else "/openapi.json",
    )
    app.add_middleware(Guard, hosts=hosts)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.include_router(make_operations(films is not None, metrics))
    if films is None:
        app.add_api_route("/{path:path}", _not_loaded, methods=["GET", "POST"], include_in_schema=False)
        return app
    app.include_router(make_api(films))

    addresses = {"index.html": "/", "docs.html": "/docs"}
    for path in (*PAGE.iterdir(), THEME):
        app.add_api_route(addresses.get(path.name, f"/{path.name}"), _asset(path), include_in_schema=False)
    return app


async def _not_loaded() -> Response:
    raise not_loaded()


def _asset(path: Path) -> Callable[[], Awaitable[Response]]:
    """A route that answers with a file of the page. The file is read once, at the start."""
    content = path.read_bytes()
    kind = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}[path.suffix]

    async def answer() -> Response:
        return Response(content, media_type=kind)

    return answer


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _validation_error(request: Request, error: Exception) -> JSONResponse:
    """The first thing that is wrong: where, the rule, and the value."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return JSONResponse({"error": "the body is not JSON"}, 422)
    where = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    got = "" if first["type"] == "missing" else f", got {shown_value(first.get('input'))}"
    line = " ".join(f"{where}: {first['msg']}{got}".split())
    return JSONResponse({"error": line}, 422)
