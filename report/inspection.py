"""An inspection of data for people and programs: a table, JSON, and two lines before a training."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from data.dataset import MovieLens
from data.inspection.figures import FEW, Figures
from data.inspection.findings import SENTENCES, TOTAL, Finding
from data.inspection.inspect import Inspection
from data.inspection.oddity import item_word, percent, shown_examples
from data.inspection.times import Times, times_of
from data.item_words import FILMS, ItemWords
from report.text_table import TableColumn, TableSection, render_table
from report.words import counted

FORMAT = 1  # of the JSON; raise it when a key changes its meaning
MAX_JSON_NUMBER = 2**53 - 1  # greater whole numbers lose digits in JavaScript
PERCENT = len("under 0.1 %")
BAR = 20  # characters of the longest bar
MAX_WIDTH = 110  # of the lines that are wrapped
MORE = "main.py --mode inspect shows more"


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        name: what it is.
        number: the figure as text; empty if the words say it.
        words: what else there is to say.
        share: the length of its bar, from 0 to 1; None for no bar.
    """

    name: str
    number: str
    words: str = ""
    share: float | None = None


@dataclass(frozen=True)
class Section:
    """Figures that belong together, under a title."""

    title: str
    rows: tuple[Row, ...]


def sections(figures: Figures) -> list[Section]:
    """The figures in words, for the screen and for the report."""
    items = item_word(figures)
    found = [
        Section("what there is", tuple(_contents(figures))),
        Section("ratings, on the scale of the data", tuple(_ratings(figures))),
        Section(
            f"{items} without",
            tuple(Row(one.name, f"{one.count:,}", _share_and_examples(one)) for one in figures.missing),
        ),
        Section(
            "seen while reading",
            tuple(
                Row(
                    one.name.replace("_", " "),
                    f"{one.count:,}",
                    "; ".join(filter(None, [SENTENCES.get(one.name, ""), shown_examples(one)])),
                )
                for one in figures.findings
                if one.name != TOTAL
            ),
        ),
        Section(f"what `split` {figures.held_out.split} holds out", tuple(_held_out(figures))),
    ]
    return [section for section in found if section.rows]


def as_screen(inspection: Inspection, width: int | None = None) -> str:
    """The figures as a table, then what looks odd as a list.

    Args:
        inspection: what was found.
        width: columns of the terminal; None if there is none, so that nothing is cut.
    """
    figures = inspection.figures
    columns = [
        TableColumn(figures.name, numeric=False),
        TableColumn("number"),
        TableColumn("more", numeric=False, may_be_cut=True),
    ]
    table = [
        TableSection([(f"  {row.name}", row.number, _with_bar(row)) for row in section.rows], section.title)
        for section in sections(figures)
    ]
    wrap = min(width or MAX_WIDTH, MAX_WIDTH)
    return "\n".join([render_table(columns, table, max_width=width), "", *_oddity_lines(inspection, wrap)])


def as_plain(inspection: Inspection) -> dict[str, Any]:
    """The inspection for JSON; its keys are listed in docs/cli.md."""
    figures = inspection.figures
    times, ratings, held_out = figures.times, figures.ratings, figures.held_out
    return {
        "format": FORMAT,
        "dataset": figures.name,
        "rows": figures.rows,
        "interactions": figures.interactions,
        "events": figures.events,
        "users": {
            "count": figures.users,
            "median_interactions": figures.per_user,
            "fewer_than_3": _plain(figures.few_users),
            "busiest": _plain(figures.busiest_user),
        },
        "items": {
            "count": figures.items,
            "median_interactions": figures.per_item,
            "fewer_than_3": _plain(figures.few_items),
            "without_interactions": _plain(figures.unused_items),
        },
        "times": {
            "unit": times.unit,
            "unit_is_a_guess": times.guessed,
            "first": times.first,
            "last": times.last,
            "days": None if times.days is None else round(times.days, 3),
            "tied": _plain(times.tied),
            "missing": _plain(times.missing),
        },
        "ratings": None
        if ratings is None
        else {
            "best": ratings.best,
            "lowest": ratings.lowest,
            "highest": ratings.highest,
            "liked": _plain(ratings.liked),
            "counts": [{"from": low, "to": high, "count": count} for low, high, count in ratings.counts],
        },
        "missing": {one.name: _plain(one) for one in figures.missing},
        "findings": [{"name": one.name, **_plain(one)} for one in figures.findings],
        "signs": [{"name": one.name, **_plain(one)} for one in figures.signs],
        "held_out": {
            "split": held_out.split,
            "train": held_out.train,
            "validation": held_out.validation,
            "test": held_out.test,
            "validation_questions": held_out.validation_questions,
            "test_questions": held_out.test_questions,
            "weights": None
            if held_out.weights is None
            else {"lowest": held_out.weights[0], "highest": held_out.weights[1]},
        },
        "oddities": [
            {"name": one.name, "text": one.text, "advice": one.advice} for one in inspection.oddities
        ],
    }


def data_line(movielens: MovieLens) -> str:
    """What was read, in one line: ``tiny: 9 ratings of 4 films by 3 users, 1997-09-20 to 1998-04-22``."""
    times = times_of(movielens.interactions, movielens.time_unit)
    noun = "rating" if movielens.rated else "interaction"
    words = movielens.movies.words
    if movielens.movies.text_ids is not None and words == FILMS:
        words = ItemWords("item", "items")
    text = (
        f"{movielens.name}: {counted(len(movielens.interactions), noun)} of "
        f"{words.counted(movielens.num_movies)} by {counted(movielens.num_users, 'user')}"
    )
    return text if times.first is None else f"{text}, {_span(times)}"


def held_out_line(inspection: Inspection, more: str = MORE) -> str:
    """What is held out, and the most harmful oddity.

    Args:
        inspection: what was found.
        more: where there is more; empty for nowhere.
    """
    held_out, oddities = inspection.figures.held_out, inspection.oddities
    text = "nothing is held out"
    if held_out.split != "none":
        text = f"held out: {held_out.validation:,} validation and {held_out.test:,} test interactions"
    if not oddities:
        return f"{text}; nothing looks odd"
    others = f" (and {len(oddities) - 1} more)" if len(oddities) > 1 else ""
    return "; ".join(filter(None, [text, f"odd: {oddities[0].text}{others}", more]))


def _contents(figures: Figures) -> Iterator[Row]:
    items = item_word(figures)
    rows = "" if figures.events in (None, figures.rows) else f"{figures.events:,} of them count"
    yield Row("rows", f"{figures.rows:,}", rows)
    yield Row("interactions", f"{figures.interactions:,}", f"one per user and {items[:-1]}")
    few, busiest = figures.few_users, figures.busiest_user
    yield Row(
        "users",
        f"{figures.users:,}",
        f"interactions each: median {figures.per_user:g}, most {busiest.count:,} ({busiest.examples[0]})",
    )
    yield Row(f"with fewer than {FEW}", f"{few.count:,}", _share_and_examples(few))
    yield Row(items, f"{figures.items:,}", f"interactions each: median {figures.per_item:g}")
    yield Row(
        f"with fewer than {FEW}", f"{figures.few_items.count:,}", _share_and_examples(figures.few_items)
    )
    yield Row("with none", f"{figures.unused_items.count:,}", _share_and_examples(figures.unused_items))
    yield from _times(figures.times)


def _times(times: Times) -> Iterator[Row]:
    if times.first is None:
        yield Row("times", "none", "a user's rows count as sorted from old to new")
        return
    unit = f"{times.unit}, by their size" if times.guessed else times.unit
    unit = "numbers of an unknown unit" if times.unit == "number" else unit
    yield Row("times", "" if times.days is None else _duration(times.days), f"{_span(times)}; {unit}")
    yield Row("equal times", percent(times.tied), "of neighbouring interactions of one user")


def _span(times: Times) -> str:
    """From the first time to the last, as finely as they are apart."""
    assert times.first is not None and times.last is not None
    if times.days is None:
        return f"times from {times.first} to {times.last}"
    length = len(
        "2011-12-09" if times.days >= 2 else "2011-12-09T12:50" if times.days >= 1 / 24 else times.last
    )
    return " to ".join(time[:length].replace("T", " ") for time in (times.first, times.last))


def _duration(days: float) -> str:
    """Days, hours or seconds, whichever gives a number of two or more."""
    if days >= 2:
        return f"{days:,.0f} days"
    return f"{24 * days:.0f} hours" if days >= 2 / 24 else f"{86_400 * days:g} s"


def _ratings(figures: Figures) -> Iterator[Row]:
    ratings = figures.ratings
    if ratings is None:
        yield Row("ratings", "none", "every interaction counts as liked")
        return
    yield Row("best rating", f"{ratings.best:g}", f"found: {ratings.lowest:g} to {ratings.highest:g}")
    yield Row("liked", percent(ratings.liked), f"{0.8 * ratings.best:g} or more")
    most = max(count for _, _, count in ratings.counts)
    for low, high, count in ratings.counts:
        name = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        share = percent(Finding("", count, figures.interactions))
        yield Row(name, f"{count:,}", share, count / most)


def _held_out(figures: Figures) -> Iterator[Row]:
    held_out = figures.held_out
    weights = "" if held_out.weights is None else ", weights from {:g} to {:g}".format(*held_out.weights)
    yield Row("training", f"{held_out.train:,}", "interactions" + weights)
    if held_out.split == "none":
        yield Row("held out", "0", "nothing is evaluated")
        return
    for name, interactions, questions in (
        ("validation", held_out.validation, held_out.validation_questions),
        ("test", held_out.test, held_out.test_questions),
    ):
        yield Row(name, f"{interactions:,}", f"interactions, {counted(questions, 'question')}")


def _share_and_examples(finding: Finding) -> str:
    if not finding.count:
        return ""
    if finding.count == finding.total:
        return "all of them"
    lead = ", such as " if finding.count > len(finding.examples) else ": "
    return percent(finding) + lead + shown_examples(finding)


def _with_bar(row: Row) -> str:
    if row.share is None:
        return row.words
    return f"{row.words:>{PERCENT}}  {'█' * max(1, round(BAR * row.share))}" if row.share else row.words


def _oddity_lines(inspection: Inspection, width: int) -> list[str]:
    oddities = inspection.oddities
    if not oddities:
        return ["nothing looks odd"]
    lines = [f"{counted(len(oddities), 'thing')} to look at"]
    for number, one in enumerate(oddities, start=1):
        lead = f"{number:>3}. "
        space = " " * len(lead)
        lines += textwrap.wrap(one.text, width, initial_indent=lead, subsequent_indent=space)
        lines += textwrap.wrap(
            one.advice, width, initial_indent=f"{space}-> ", subsequent_indent=f"{space}   "
        )
    return lines


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "count": finding.count,
        "total": finding.total,
        "share": round(finding.share, 6),
        "examples": [_json_value(one) for one in finding.examples],
    }


def _json_value(value: int | str) -> int | str:
    return str(value) if isinstance(value, int) and abs(value) > MAX_JSON_NUMBER else value
