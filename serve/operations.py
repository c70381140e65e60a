"""Routes for those who run the server: is it alive, is it ready, what has it done."""

from typing import Any

from fastapi import APIRouter, HTTPException, Response

from serve.metrics import Metrics
from serve.schemas import Problem, State

PATHS = frozenset({"/api/health", "/api/ready", "/metrics"})
NOT_LOADED = "the model is being loaded; ask again"
NO_METRICS = "the package prometheus-client is not installed here; pip install -r requirements-serve.txt"


def make_operations(ready: bool, metrics: Metrics | None) -> APIRouter:
    """The routes.

    Args:
        ready: whether a model is loaded.
        metrics: what is counted; None without prometheus-client.
    """
    routes = APIRouter()

    @routes.get("/api/health", response_model=State)
    async def health() -> Any:
        """Whether the process answers at all."""
        return {"state": "alive"}

    @routes.get("/api/ready", response_model=State, responses={503: {"model": Problem}})
    async def is_ready() -> Any:
        """Whether the model is loaded and its indexes are built."""
        if not ready:
            raise not_loaded()
        return {"state": "ready"}

    @routes.get("/metrics", response_class=Response, responses={501: {"model": Problem}})
    async def show_metrics() -> Any:
        """Counts and times in the format of Prometheus, of all processes together."""
        if metrics is None:
            raise HTTPException(501, NO_METRICS)
        return Response(metrics.text(), media_type=metrics.media_type)

    return routes


def not_loaded() -> HTTPException:
    """The answer of a server that has no model yet."""
    return HTTPException(503, NOT_LOADED, {"retry-after": "1"})
