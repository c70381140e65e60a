"""``output/report.html``: settings, curves, tables and map of a run on one page that needs no network."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from base.arrays import FloatArray
from config import Config
from data.dataset import Movies
from report.html.charts import Line, line_chart
from report.html.film_map import map_svg
from report.map_layout import FilmMap
from report.plots import CUTOFF_TICKS, FROM_ZERO, LARGEST_CUTOFF, PANELS, history_column, hit_rate_curves
from report.tables import metric_label

FOLDER = Path(__file__).parent
THEME = FOLDER.parent / "theme.css"
HIGHLIGHT = "PinSage"
HEADLINES = ("hit_rate@10", "hit_rate@100", "mrr")


@dataclass(frozen=True)
class Run:
    """What a report is about.

    Attributes:
        metrics: the content of ``metrics.json``.
        question: what the protocol asks, in words.
        settings: ``Config.model_settings()`` of the training.
        history: one row an epoch, as ``plot_training_curves`` takes it.
        best_epoch: likewise.
        ranks: method to float ``[num_questions]``, ranks of the targets; ``PinSage`` among them.
        film_map: the embeddings laid out.
        movies: the catalogue.
    """

    metrics: Mapping[str, Any]
    question: str
    settings: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]
    best_epoch: int
    ranks: Mapping[str, FloatArray]
    film_map: FilmMap
    movies: Movies


def write_report(run: Run, path: Path) -> None:
    """Write the page; whatever comes from the data is escaped, and nothing but its own script may run."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    script = (FOLDER / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = environment.get_template("report.html").render(
        run=run,
        style=Markup(THEME.read_text(encoding="utf-8") + (FOLDER / "report.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=f"sha256-{digest}",
        headlines=_headlines(run.metrics),
        table=_table(run.metrics),
        user_table=_table(run.metrics["user"]) if "user" in run.metrics else None,
        hit_rates=_hit_rate_chart(run.ranks),
        methods=_legend(run.ranks),
        curves=_training_charts(run.history, run.best_epoch),
        map=map_svg(run.film_map, run.movies),
        genres=_genres(run.film_map),
        settings=_settings(run.settings),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def _headlines(metrics: Mapping[str, Any]) -> list[dict[str, str]]:
    """The figures to see first, each with the best baseline's."""
    cards = []
    for name in HEADLINES:
        rivals = {method: row[name] for method, row in metrics["baselines"].items()}
        best = max(rivals, key=lambda method: rivals[method])
        cards.append(
            {
                "label": metric_label(name),
                "value": f"{metrics['metrics'][name]:.3f}",
                "rival": f"{rivals[best]:.3f} {best}",
            }
        )
    return cards


def _table(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Methods and their figures; what prints like a column's best counts as best."""
    rows = {**metrics["baselines"], HIGHLIGHT: metrics["metrics"]}
    names = [name for name in metrics["metrics"] if all(name in row for row in rows.values())]
    printed = {method: [f"{row[name]:.3f}" for name in names] for method, row in rows.items()}
    best = [max(column, key=float) for column in zip(*printed.values(), strict=True)]
    body = [
        {
            "method": method,
            "cells": [
                {"text": text, "best": text == top, "share": f"{100 * float(text) / (float(top) or 1):.0f}"}
                for text, top in zip(texts, best, strict=True)
            ],
        }
        for method, texts in printed.items()
    ]
    return {"names": [metric_label(name) for name in names], "rows": body, "highlight": HIGHLIGHT}


def _looks(ranks: Mapping[str, FloatArray]) -> dict[str, str]:
    """Class names of each method's line, ours last so that it lies on top."""
    others = [name for name in ranks if name != HIGHLIGHT]
    # Past eight methods the colours come round again, dashed.
    looks = {
        name: (f"c{i % 8 + 1}" if i % 8 < 7 else "other") + (" dashed" if i >= 8 else "")
        for i, name in enumerate(others)
    }
    return looks | {HIGHLIGHT: "c0 strong"}


def _legend(ranks: Mapping[str, FloatArray]) -> dict[str, str]:
    """The looks, methods in the order of their lines at the middle of the chart."""
    looks, at_50 = _looks(ranks), hit_rate_curves(ranks, np.array([50]))
    return {name: looks[name] for name in sorted(ranks, key=lambda name: -at_50[name][0])}


def _hit_rate_chart(ranks: Mapping[str, FloatArray]) -> Markup:
    cutoffs = np.unique(np.append(np.geomspace(1, LARGEST_CUTOFF, 120).round(), CUTOFF_TICKS))
    curves = hit_rate_curves(ranks, cutoffs)
    return line_chart(
        [Line(name, look, cutoffs, curves[name]) for name, look in _looks(ranks).items()],
        "hit rate against the length of the list, by method",
        "k, films in the list",
        "hit rate @k, share of questions",
        width=880,
        height=420,
        x_ticks=CUTOFF_TICKS,
        log_x=True,
        from_zero=True,
    )


def _training_charts(history: Sequence[Mapping[str, Any]], best_epoch: int) -> list[dict[str, Any]]:
    """One chart a quantity that the history has; the best epoch is ringed in those of validation."""
    epochs = history_column(history, "epoch")
    best = next((int(place) for place in np.flatnonzero(epochs == best_epoch)), None)
    charts = []
    for title, unit, columns in PANELS:
        values = {label: history_column(history, column) for column, label in columns.items()}
        if not any(np.nan_to_num(column).any() for column in values.values()):
            continue
        ringed = best if title.startswith("Validation") else None
        lines = [
            Line(label, f"c{i}", epochs, column, ringed) for i, (label, column) in enumerate(values.items())
        ]
        charts.append(
            {
                "title": title,
                "svg": line_chart(lines, f"{title} by epoch", "epoch", unit, from_zero=title in FROM_ZERO),
                "legend": [(line.look, line.name) for line in lines] if len(lines) > 1 else [],
            }
        )
    return charts


def _genres(film_map: FilmMap) -> list[tuple[str, str, int]]:
    """Class, name and number of films of each colour that is on the map."""
    counts = np.bincount(film_map.main_genre, minlength=len(film_map.genres) + 1)
    named = [(f"c{i}", name, int(counts[i])) for i, name in enumerate(film_map.genres)]
    return [entry for entry in (*named, ("other", "other", int(counts[-1]))) if entry[2]]


def _settings(stored: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every stored setting by section, with its reason, and whether it differs from the default."""
    sections = []
    for section in fields(Config):
        rows = [
            {
                "name": setting.name,
                "value": stored[setting.name],
                "changed": stored[setting.name] != setting.default,
                "reason": setting.metadata["reason"],
            }
            for setting in fields(getattr(Config(), section.name))
            if setting.name in stored
        ]
        if rows:
            sections.append({"name": section.name, "rows": rows})
    return sections
