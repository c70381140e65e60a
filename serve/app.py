"""The application: API, page and OpenAPI page, with errors as one line of JSON."""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from serve.api import make_api
from serve.films import Films
from serve.guard import Guard

PAGE = Path(__file__).parent / "page"
THEME = Path(__file__).parent.parent / "utils" / "theme.css"


def create_app(films: Films, hosts: frozenset[str] = frozenset()) -> FastAPI:
    """The application.

    Args:
        films: what it answers from.
        hosts: names by which it may be asked; empty for any.
    """
    # FastAPI's own documentation pages load scripts from elsewhere; ours needs no network.
    app = FastAPI(
        title="PinSage film recommendations",
        version="1",
        description="Films that go with a film or with a person's taste. Nothing is stored.",
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(Guard, hosts=hosts)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.include_router(make_api(films))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(PAGE / "docs.html")

    @app.get("/theme.css", include_in_schema=False)
    async def theme() -> FileResponse:
        return FileResponse(THEME)

    app.mount("/", StaticFiles(directory=PAGE, html=True))
    return app


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _validation_error(request: Request, error: Exception) -> JSONResponse:
    """The first thing that is wrong: where, the rule, and the value."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return JSONResponse({"error": "the body is no JSON"}, 422)
    where = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    got = "" if first["type"] == "missing" else f", got {repr(first.get('input'))[:60]}"
    line = " ".join(f"{where}: {first['msg']}{got}".split())
    return JSONResponse({"error": line}, 422)
