"""The data of the worked examples in docs/own_data.md, in two kinds of items that belong together."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

NUM_ITEMS, NUM_PEOPLE, TAKEN = 40, 60, 10
WORDS = ("warm light brass lamp", "cotton collar sleeve shirt")
START = datetime(2024, 3, 1, tzinfo=UTC)


def is_odd(item: str) -> bool:
    """The kind of an item: those with even numbers belong together, and those with odd ones."""
    return int(item[1:]) % 2 == 1


def _histories(prefix: str, seed: int = 0) -> list[tuple[int, list[str]]]:
    rng = np.random.default_rng(seed)
    items = [f"{prefix}{number}" for number in range(NUM_ITEMS)]
    return [
        (person, rng.choice([item for item in items if is_odd(item) == person % 2], TAKEN, False).tolist())
        for person in range(NUM_PEOPLE)
    ]


def shop(folder: Path) -> None:
    """Write products.csv and events.csv.gz."""
    lines = ["sku,name,blurb,brand,price,stock"]
    for number in range(NUM_ITEMS):
        name = "Reading lamp" if number == 0 else f"Thing {number}"
        stock = r"\N" if number % 3 else str(number)
        lines.append(
            f'A{number},{name},"{WORDS[number % 2]}, {number}",Brand{number % 4},{10 + number},{stock}'
        )
    (folder / "products.csv").write_text("\n".join(lines) + "\n")
    events = ["customer,sku,time,event"]
    for customer, items in _histories("A"):
        for step, item in enumerate(items):
            for kind in ("view", "view", "cart", "buy")[: 1 + (customer + step) % 4]:
                when = START + timedelta(minutes=10 * customer + step, milliseconds=len(events) % 1000)
                events.append(f"c{customer},{item},{when.isoformat(timespec='milliseconds')},{kind}")
    with gzip.open(folder / "events.csv.gz", "wt") as file:
        file.write("\n".join(events) + "\n")


def videos(folder: Path) -> None:
    """Write videos.csv, views.parquet, frames.npy and frame_ids.txt."""
    rng = np.random.default_rng(1)
    rows = ["id,title", *(f"v{number},{WORDS[number % 2]} {number}" for number in range(NUM_ITEMS))]
    (folder / "videos.csv").write_text("\n".join(rows) + "\n")
    have = [number for number in range(NUM_ITEMS) if number % 7]
    frames = rng.normal(size=(len(have), 3)) * 0.3 + [[2 * (number % 2), 1, 0] for number in have]
    np.save(folder / "frames.npy", frames.astype(np.float16))
    (folder / "frame_ids.txt").write_text("".join(f"v{number}\n" for number in have))
    views = [
        (f"w{viewer}", item, START + timedelta(hours=viewer, minutes=step), 30 + 5 * step)
        for viewer, items in _histories("v")
        for step, item in enumerate(items)
    ]
    frame = pd.DataFrame(views, columns=["viewer", "video", "started", "seconds"])
    frame.to_parquet(folder / "views.parquet")
