"""``output/report.html``: settings, curves, tables and map of a run on one page that needs no network."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from base.arrays import FloatArray
from config import Config
from data.dataset import Movies
from data.inspection.inspect import Inspection
from data.item_words import ItemWords
from report.hit_rates import draw_hit_rates, hit_rates, method_lines
from report.html.film_map import map_svg
from report.html.svg import color_class, svg_chart
from report.inspection import sections
from report.map_layout import FilmLayout
from report.names import PINSAGE, is_variety, metric_label, metric_meanings
from report.tables import FigureColumn, best_as_printed
from report.training_curves import draw_panel, filled_panels
from report.words import few_candidates

FOLDER = Path(__file__).parent
THEME = FOLDER.parent / "theme.css"
HEADLINES = ("hit_rate@10", "hit_rate@100", "mrr")


@dataclass(frozen=True)
class Run:
    """The content of a report.

    Attributes:
        metrics: the content of ``metrics.json``.
        question: what the protocol asks, in words.
        settings: ``Config.model_settings()`` of the training.
        history: one row per epoch, as for ``plot_training_curves``.
        best_epoch: as for ``plot_training_curves``.
        ranks: method to float ``[num_questions]``, ranks of the targets; ``PinSage`` is among them.
        film_map: the embeddings on a plane.
        movies: the catalogue.
        inspection: what the data contain.
    """

    metrics: Mapping[str, Any]
    question: str
    settings: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]
    best_epoch: int
    ranks: Mapping[str, FloatArray]
    film_map: FilmLayout
    movies: Movies
    inspection: Inspection


def write_report(run: Run, path: Path) -> None:
    """Write the page; everything from the data is escaped, and only the page's own script may run."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    script = (FOLDER / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = environment.get_template("report.html").render(
        run=run,
        words=run.movies.words,
        style=Markup(THEME.read_text(encoding="utf-8") + (FOLDER / "report.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=f"sha256-{digest}",
        headlines=_headlines(run.metrics),
        table=_table(run.metrics),
        related_table=_table(run.metrics["related"]) if "related" in run.metrics else None,
        user_table=_table(run.metrics["user"]) if "user" in run.metrics else None,
        variety={
            part: _table(figures, variety=True)
            for part, figures in (("questions", run.metrics), ("users", run.metrics.get("user", {})))
            if any(map(is_variety, figures.get("metrics", {})))
        },
        hit_rates=_hit_rate_chart(run.ranks, run.movies.words),
        methods=_legend(run.ranks),
        curves=_training_charts(run.history, run.best_epoch),
        map=map_svg(run.film_map, run.movies),
        genres=_genres(run.film_map),
        meanings=metric_meanings(
            [
                name
                for part in (run.metrics, *(run.metrics.get(key, {}) for key in ("related", "user")))
                for name in part.get("metrics", {})
            ],
            run.movies.words,
        ),
        data=sections(run.inspection.figures),
        settings=_settings(run.settings),
        few=few_candidates(run.metrics["few_candidates"], run.metrics["queries"])
        if "few_candidates" in run.metrics
        else None,
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


def _table(metrics: Mapping[str, Any], variety: bool = False) -> dict[str, Any]:
    """Methods and their figures; all values that print like a column's best count as best.

    The figures are those of accuracy, or those of variety, of which none is best.
    """
    rows = {**metrics["baselines"], PINSAGE: metrics["metrics"]}
    names = [name for name in metrics["metrics"] if all(name in row for row in rows.values())]
    names = [name for name in names if not name.startswith("mean_ratings")]  # no share or mean up to 1
    names = [name for name in names if is_variety(name) == variety]
    columns = [FigureColumn(name, metric_label(name), starred=not variety) for name in names]
    best = {column.key: best_as_printed(rows, column) for column in columns}
    body = []
    for method, row in rows.items():
        texts = {column.key: format(row[column.key], column.form) for column in columns}
        cells = [
            {
                "text": text,
                "best": text == best[key],
                "share": f"{100 * float(text) / (float(best[key]) or 1):.0f}" if best[key] else "0",
            }
            for key, text in texts.items()
        ]
        body.append({"method": method, "cells": cells})
    return {"names": [column.heading for column in columns], "rows": body, "highlight": PINSAGE}


def _legend(ranks: Mapping[str, FloatArray]) -> dict[str, str]:
    """Method to the class of its colour, in the order of the lines at the middle of the chart."""
    looks, at_middle = method_lines(ranks), hit_rates(ranks, 50)
    return {name: color_class(looks[name].color) for name in sorted(ranks, key=lambda name: -at_middle[name])}


def _hit_rate_chart(ranks: Mapping[str, FloatArray], words: ItemWords) -> Markup:
    label = "hit rate against the length of the list, by method"
    return svg_chart(
        lambda axes: draw_hit_rates(axes, ranks, with_points=True, words=words), label, width=880, height=420
    )


def _training_charts(history: Sequence[Mapping[str, Any]], best_epoch: int) -> list[dict[str, Any]]:
    """One chart per quantity that the history has, with a legend where it has several lines."""
    charts = []
    for panel in filled_panels(history):
        svg = svg_chart(
            lambda axes, panel=panel: draw_panel(axes, panel, history, best_epoch),  # type: ignore[misc]
            f"{panel.title} by epoch",
            width=330,
            height=230,
        )
        labels = list(panel.columns.values())
        legend = [(f"c{place}", label) for place, label in enumerate(labels)] if len(labels) > 1 else []
        charts.append({"title": panel.title, "svg": svg, "legend": legend})
    return charts


def _genres(film_map: FilmLayout) -> list[tuple[str, str, int]]:
    """Class, name and number of films of each colour on the map."""
    return [(color_class(color), name, int(films.sum())) for name, color, films in film_map.colored()]


def _settings(stored: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All stored settings by section, with their reasons and whether they differ from the default."""
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
