"""Counts and times for Prometheus, if its client is installed.

Several processes write into files of one folder, which ``PROMETHEUS_MULTIPROC_DIR`` names, and each of them
can show the sums: the multiprocess mode of prometheus-client, which reads the variable when it is imported.
"""

import contextlib
import os

from serve.access_log import Answered

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)  # bounds of the histogram
NO_ROUTE = "none"


class Metrics:
    """What the server has done since it was started.

    Raises:
        ModuleNotFoundError: prometheus-client is not installed.
    """

    def __init__(self) -> None:
        import prometheus_client as client

        self.media_type = client.CONTENT_TYPE_LATEST
        self.registry = here = client.CollectorRegistry()
        self._answers = client.Counter(
            "pinsage_requests", "answers by route template and status", ["route", "status"], registry=here
        )
        self._seconds = client.Histogram(
            "pinsage_request_seconds", "time of an answer by route template", ["route"],
            buckets=SECONDS, registry=here,
        )  # fmt: skip
        self._refused = client.Counter("pinsage_refused", "requests above the limit in flight", registry=here)
        self._in_flight = client.Gauge(
            "pinsage_requests_in_flight", "requests being answered",
            multiprocess_mode="livesum", registry=here,
        )  # fmt: skip
        self._models = client.Gauge(
            "pinsage_model_processes", "processes that answer from a model", ["fingerprint"],
            multiprocess_mode="livesum", registry=here,
        )  # fmt: skip
        self._loads = client.Counter(
            "pinsage_model_loads", "models that were taken over or refused", ["outcome"], registry=here
        )

    def answered(self, answered: Answered) -> None:
        """Count an answer."""
        route = answered.route or NO_ROUTE
        self._answers.labels(route, answered.status).inc()
        self._seconds.labels(route).observe(answered.seconds)
        if answered.refused:
            self._refused.inc()

    def in_flight(self, number: int) -> None:
        """Note how many requests this process is answering."""
        self._in_flight.set(number)

    def loaded(self, outcome: str, before: str, now: str) -> None:
        """Count a model that was ``taken`` or ``refused``, with the fingerprints served before and now."""
        self._loads.labels(outcome).inc()
        if before != now:
            if before:
                self._models.labels(before).dec()
            self._models.labels(now).inc()

    def text(self) -> bytes:
        """All metrics, summed over the processes."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        if FOLDER not in os.environ:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)
        return generate_latest(together)


def forget_process(pid: int) -> None:
    """Take a process that has ended out of what counts processes and requests in flight."""
    with contextlib.suppress(ModuleNotFoundError):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid)


def find_metrics() -> Metrics | None:
    """Metrics, or None without prometheus-client."""
    try:
        return Metrics()
    except ModuleNotFoundError:
        return None
