"""The web server under load: many clients at once, each of which asks again as soon as it has an answer.

    python -m benchmarks.serve                           50 clients for a minute, checkpoints/best.pt
    python -m benchmarks.serve --seconds 10 --clients 8
    python -m benchmarks.serve --against ../before       this code and that of another folder in turns

Starts ``main.py --mode serve`` on a free port of this machine and asks a mix of all requests of the page.
Prints the times to the answer by kind of request, and ends with a line ``ratio: NUMBER (of what to what)``.
An answer with a status other than 200 is an error; any error makes the exit code 1.

``--against`` compares with a checkout of another version. Both servers run all the time and are asked in
short turns, so that what else the machine does slows both.
"""

import argparse
import asyncio
import contextlib
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from report.text_table import TableColumn, TableSection, render_table

ROOT = Path(__file__).resolve().parent.parent
TURN = 5  # seconds for which one of two servers is asked
ALONE_SHARE = 0.25  # share of the time for a single client, to compare with
Times = dict[str, list[float]]
Ask = Callable[[np.random.Generator, list[dict[str, Any]]], tuple[str, str, Any]]

# kind of request, its share, and the request: verb, path, body
MIX: tuple[tuple[str, float, Ask], ...] = (
    ("page", 0.05, lambda rng, films: ("GET", "/", None)),
    ("title search", 0.35, lambda rng, films: ("GET", f"/api/search?q={_typed(rng, films)}", None)),
    ("film", 0.3, lambda rng, films: ("GET", f"/api/movies/{_id(rng, films)}/recommendations?k=10", None)),
    ("methods", 0.1, lambda rng, films: ("GET", f"/api/movies/{_id(rng, films)}/methods?k=10", None)),
    ("history", 0.15, lambda rng, films: ("POST", "/api/recommendations", _history(rng, films))),
    ("map", 0.05, lambda rng, films: ("GET", "/api/map", None)),
)


def _id(rng: np.random.Generator, films: list[dict[str, Any]]) -> Any:
    return films[rng.integers(len(films))]["movieId"]


def _typed(rng: np.random.Generator, films: list[dict[str, Any]]) -> str:
    """The beginning of a title, as someone types it."""
    return films[rng.integers(len(films))]["title"][: rng.integers(2, 10)]


def _history(rng: np.random.Generator, films: list[dict[str, Any]]) -> dict[str, Any]:
    chosen = rng.choice(len(films), min(len(films), int(rng.integers(1, 21))), replace=False)
    seen = [{"movieId": films[i]["movieId"], "rating": float(rng.integers(1, 11)) / 2} for i in chosen]
    return {"history": seen, "k": 10}


async def client(session: Any, seed: int, films: list[dict[str, Any]], until: float, times: Times) -> None:
    """Send one request after the other; the seconds to the whole answer go to ``times``."""
    rng = np.random.default_rng(seed)
    shares = np.array([share for _, share, _ in MIX])
    while time.perf_counter() < until:
        kind, _, ask = MIX[rng.choice(len(MIX), p=shares / shares.sum())]
        verb, path, body = ask(rng, films)
        started = time.perf_counter()
        try:
            async with session.request(verb, path, json=body) as response:
                await response.read()
                wrong = None if response.status == 200 else f"{response.status}"
        except OSError as error:
            wrong = type(error).__name__
        times[kind if wrong is None else f"error {wrong}"].append(time.perf_counter() - started)


async def load(address: str, num_clients: int, seconds: float) -> tuple[Times, float]:
    """Times to the answer by kind of request, and answers per second, with ``num_clients`` at once."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=num_clients)
    async with aiohttp.ClientSession(address, connector=connector) as session:
        async with session.get("/api/map") as response:
            films = (await response.json())["films"]
        times: Times = defaultdict(list)
        started = time.perf_counter()
        until = started + seconds
        await asyncio.gather(*(client(session, seed, films, until, times) for seed in range(num_clients)))
        return times, sum(map(len, times.values())) / (time.perf_counter() - started)


def report(times: Times) -> str:
    """One row per kind of request, and one for all of them."""
    columns = [TableColumn("request", numeric=False), TableColumn("answers")]
    columns += [TableColumn(name, "milliseconds") for name in ("p50", "p99", "longest")]
    together = [second for seconds in times.values() for second in seconds]

    def row(kind: str, seconds: list[float]) -> list[str]:
        return [kind, f"{len(seconds):,}", *(f"{1000 * np.quantile(seconds, q):.1f}" for q in (0.5, 0.99, 1))]

    kinds = TableSection([row(kind, seconds) for kind, seconds in sorted(times.items())])
    return render_table(columns, [kinds, TableSection([row("all", together)])])


def start_server(
    checkpoint_dir: str, code: Path = ROOT, more: Sequence[str] = ()
) -> tuple[subprocess.Popen[str], str]:
    """The server's process, and its address once it listens.

    Args:
        checkpoint_dir: folder of the model.
        code: folder of the program.
        more: flags.
    """
    command = [sys.executable, "main.py", "--mode", "serve", "--port", "0", "--num_threads", "1", *more]
    command += ["--checkpoint_dir", str(Path(checkpoint_dir).resolve())]
    server = subprocess.Popen(command, cwd=code, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    line = server.stdout.readline()
    if not line.startswith("http://"):
        raise SystemExit(server.wait() or 1)
    return server, line.split()[0]


def compare(addresses: Sequence[str], clients: int, seconds: float) -> list[tuple[Times, float]]:
    """Times and answers per second of each server, asked in turns of ``TURN`` seconds."""
    turns = max(1, round(seconds / TURN))
    times: list[Times] = [defaultdict(list) for _ in addresses]
    rates: list[list[float]] = [[] for _ in addresses]
    for turn in range(turns):
        order = range(len(addresses)) if turn % 2 == 0 else reversed(range(len(addresses)))
        for place in order:
            found, rate = asyncio.run(load(addresses[place], clients, seconds / turns))
            rates[place].append(rate)
            for kind, took in found.items():
                times[place][kind] += took
    return [(found, float(np.mean(rate))) for found, rate in zip(times, rates, strict=True)]


def run_against(flags: argparse.Namespace, more: Sequence[str]) -> int:
    """Put both servers under load in turns, and print what this one is of the other."""
    with contextlib.ExitStack() as stack:
        addresses = []
        for code, flags_of in ((ROOT, more), (Path(flags.against), ())):
            server, address = start_server(flags.checkpoint_dir, code, flags_of)
            stack.callback(server.wait)
            stack.callback(server.terminate)
            addresses.append(address)
        for address in addresses:
            asyncio.run(load(address, 1, 1.0))  # until its map is made and its kernels are compiled
        results = compare(addresses, flags.clients, flags.seconds)
    p99, errors = [], 0
    for name, (times, rate) in zip(("this code", flags.against), results, strict=True):
        errors += count_errors(times)
        p99.append(1000 * float(np.quantile([took for kind in times.values() for took in kind], 0.99)))
        print(f"{name}: {rate:.0f} answers per second, p99 {p99[-1]:.1f} ms\n{report(times)}")
    (_, here), (_, there) = results
    print(f"{flags.clients} clients, {flags.seconds:g} s each in turns of {TURN} s: {errors} errors")
    print(f"ratio of p99: {p99[0] / p99[1]:.2f} (this code, {p99[0]:.1f} ms, to the other, {p99[1]:.1f} ms)")
    print(
        f"ratio: {here / there:.2f} (answers per second of this code, {here:.0f}, to the other, {there:.0f})"
    )
    return int(errors > 0)


def count_errors(times: Times) -> int:
    """How many answers were not those of 200."""
    return sum(len(seconds) for kind, seconds in times.items() if kind.startswith("error"))


def main(argv: list[str] | None = None) -> int:
    """Put the server under load and print the times."""
    parser = argparse.ArgumentParser(description="The web server under load.")
    parser.add_argument("--clients", type=int, default=50, help="clients at once")
    parser.add_argument("--seconds", type=float, default=60, help="how long they ask")
    parser.add_argument("--checkpoint_dir", default="checkpoints", help="folder with best.pt")
    parser.add_argument("--workers", type=int, help="processes of the server")
    parser.add_argument("--against", help="folder of another version of the program, to compare with")
    flags = parser.parse_args(argv)
    more = ["--workers", str(flags.workers)] if flags.workers else []
    if flags.against:
        return run_against(flags, more)
    server, address = start_server(flags.checkpoint_dir, ROOT, more)
    try:
        _, alone = asyncio.run(load(address, 1, ALONE_SHARE * flags.seconds))
        times, together = asyncio.run(load(address, flags.clients, flags.seconds))
    finally:
        server.terminate()
        server.wait()
    errors = count_errors(times)
    print(report(times))
    print(
        f"{flags.clients} clients for {flags.seconds:g} s: {together:.0f} answers per second, {errors} errors"
    )
    what = (
        f"answers per second with {flags.clients} clients at once, {together:.0f}, to one client, {alone:.0f}"
    )
    print(f"ratio: {together / alone:.2f} ({what})")
    return int(errors > 0)


if __name__ == "__main__":
    raise SystemExit(main())
