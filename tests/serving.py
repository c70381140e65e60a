"""A server in processes of its own, and checkpoints that answer differently, for tests."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from model.checkpoint import BEST, load_checkpoint, save_checkpoint

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 180  # seconds; a machine with much other work starts a server slowly


@dataclass
class Server:
    """A running server: its parent process, its port and the file of what it printed."""

    process: subprocess.Popen
    port: int
    log: Path

    def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer, by a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()

    def metrics(self) -> dict[str, float]:
        """The samples of ``/metrics`` by name and labels."""
        lines = self.get("/metrics")[2].decode().splitlines()
        rows = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
        return {name: float(value) for name, value in rows}

    def wait_for(self, condition, what: str):
        """What ``condition()`` gives once it is true."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if found := condition():
                return found
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(f"no {what}: {self.log.read_text()}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def running_server(folder: Path, *flags: str, python: str = sys.executable) -> Iterator[Server]:
    """A server of ``best.pt`` in ``folder`` that is ready."""
    log = folder / "server.log"
    command = [python, "main.py", "--mode", "serve", "--checkpoint_dir", str(folder), "--port", "0"]
    with log.open("w") as out:
        process = subprocess.Popen(
            [*command, "--num_threads", "1", *flags],
            cwd=ROOT,
            stdout=out,
            stderr=out,
            start_new_session=True,
            # A shell's background job, as a CI can be, ignores Ctrl-C and hands that on.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    server = Server(process, 0, log)
    try:
        line = server.wait_for(
            lambda: next((row for row in log.read_text().splitlines() if row.startswith("http://")), None),
            "address",
        )
        server.port = int(line.split()[0].rsplit(":", 1)[1])
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def write_other_model(trained: Path, path: Path, seed: int) -> None:
    """A checkpoint with the embeddings of other films: it answers every question differently."""
    checkpoint = load_checkpoint(trained)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(checkpoint.movies)))
    vectors = {name: getattr(checkpoint, name)[order] for name in ("embeddings", "query_embeddings")}
    save_checkpoint(replace(checkpoint, **vectors), path)


def put(path: Path, folder: Path) -> None:
    """Let a file take the place of ``best.pt`` at once, as training does."""
    new = folder / "new.pt"
    new.write_bytes(path.read_bytes())
    new.replace(folder / BEST)
