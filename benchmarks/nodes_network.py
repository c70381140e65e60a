"""Two nodes on one machine: network namespaces with a cable between them. Needs Linux and root."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

INTERFACE = "node"  # the name of the cable's end in both namespaces
ADDRESSES = ("10.211.77.1", "10.211.77.2")
PORT = 29_511
ROOT = Path(__file__).resolve().parent.parent


def reason_against() -> str | None:
    """Why this machine cannot have two namespaces; None if it can."""
    if shutil.which("ip") is None:
        return "network namespaces need the program ip (package iproute2)"
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "network namespaces need root"
    name = f"pinsage{os.getpid()}"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if tried.returncode != 0:
        return f"network namespaces are not allowed here: {tried.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", name], check=True)
    return None


@contextlib.contextmanager
def two_nodes() -> Iterator[tuple[str, str]]:
    """The names of two network namespaces that reach each other and nothing else; removed at the end."""
    names = (f"pinsage{os.getpid()}a", f"pinsage{os.getpid()}b")
    ends = (f"ps{os.getpid()}a", f"ps{os.getpid()}b")
    try:
        for name in names:
            _ip("netns", "add", name)
        _ip("link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
        for name, end, address in zip(names, ends, ADDRESSES, strict=True):
            _ip("link", "set", end, "netns", name)
            _ip("-n", name, "link", "set", end, "name", INTERFACE)
            _ip("-n", name, "address", "add", f"{address}/24", "dev", INTERFACE)
            _ip("-n", name, "link", "set", INTERFACE, "up")
            _ip("-n", name, "link", "set", "lo", "up")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


def torchrun_on_nodes(nodes: Sequence[str], script: Sequence[str], seconds: float) -> list[str]:
    """Run a script by ``torchrun``, one process on each node.

    Args:
        nodes: names of ``two_nodes``.
        script: the script and its arguments.
        seconds: after which all are killed.

    Returns:
        What each node wrote to stderr.

    Raises:
        RuntimeError: a node failed; the message is its stderr.
    """
    environment = os.environ | {"GLOO_SOCKET_IFNAME": INTERFACE, "OMP_NUM_THREADS": "1"}
    started = []
    for number, node in enumerate(nodes):
        command = [
            *("ip", "netns", "exec", node, sys.executable, "-m", "torch.distributed.run"),
            *(f"--nnodes={len(nodes)}", "--nproc_per_node=1", f"--node_rank={number}"),
            *(f"--master_addr={ADDRESSES[0]}", f"--master_port={PORT}", *script),
        ]
        started.append(
            subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        )
    try:
        said = [process.communicate(timeout=seconds)[1] for process in started]
    finally:
        for process in started:
            process.terminate()  # torchrun ends its process
    for number, process in enumerate(started):
        if process.returncode != 0:
            raise RuntimeError(f"node {number} ended with {process.returncode}:\n{said[number]}")
    return said


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
