"""A line of JSON for each answer. It has no texts of the visitor: neither path, query nor body."""

import contextlib
import json
import os
import sys
from datetime import UTC, datetime
from typing import NamedTuple


class Answered(NamedTuple):
    """A request that was answered.

    Attributes:
        method: of HTTP.
        route: the template of the path, such as ``/api/movies/{movie_id}``; None where none matches.
        status: of the answer.
        seconds: from the request's headers to the end of the answer.
        size: of the answer's body in bytes.
        fingerprint: of the model that answered; empty while none is loaded.
        refused: whether too many requests were in flight.
    """

    method: str
    route: str | None
    status: int
    seconds: float
    size: int
    fingerprint: str
    refused: bool


def write_access_line(answered: Answered) -> None:
    """Write the line to stdout. A reader that has gone does not stop the server."""
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "method": answered.method,
        "route": answered.route,
        "status": answered.status,
        "ms": round(1000 * answered.seconds, 2),
        "bytes": answered.size,
        "worker": os.getpid(),
        "model": answered.fingerprint,
    }
    with contextlib.suppress(OSError):
        sys.stdout.write(json.dumps(line) + "\n")  # one write, so that lines of several processes stay whole
        sys.stdout.flush()
