"""``--explain``: below a table of films, why these."""

from collections.abc import Sequence
from dataclasses import replace

from recommend.answers import Answer
from recommend.by_row import RowRecommender
from recommend.formats import one_line, terminal_width
from report.text_table import TableColumn, TableSection, render_table

MAX_NEIGHBORS = 10  # neighbours listed of a film
MAX_SHARED = 3  # shared neighbours named of a pair of films


def with_explanation(answer: Answer, recommender: RowRecommender) -> Answer:
    """The answer with its explanation by the importance neighbours of the films.

    Args:
        answer: without one.
        recommender: made it.
    """
    asked = answer.question.row
    text = "" if asked is None else _formed(recommender, asked)
    return replace(answer, explanation=text + _ties(recommender, answer))


def _formed(recommender: RowRecommender, row: int) -> str:
    """The neighbours that formed a film's embedding."""
    neighbors = recommender.neighbor_table.of(row)
    title = _title(recommender, row)
    if not neighbors:
        return f"\n{title} has no neighbours: its features alone formed its embedding\n"
    shown = neighbors[:MAX_NEIGHBORS]
    rows = [
        [f"{n.weight:.3f}", str(recommender.movies.public_id(n.row)), _title(recommender, n.row)]
        for n in shown
    ]
    share = f", these {len(shown)} with {sum(n.weight for n in shown):.0%} of the weight"
    return (
        f"\nwhat formed the embedding of {title}: its own features and {len(neighbors)} neighbours"
        f"{share if len(shown) < len(neighbors) else ''}:\n\n"
        f"{_table([TableColumn('weight'), TableColumn('id'), _text_column('neighbour')], rows)}\n"
    )


def _ties(recommender: RowRecommender, answer: Answer) -> str:
    """One line per recommended film: what it has in common with the film it is recommended for."""
    asked = answer.question.row
    columns = [TableColumn("rank"), _text_column("title"), TableColumn("direct"), TableColumn("overlap")]
    columns.append(_text_column("shared neighbours"))
    rows = []
    for film in answer:
        source, row = film.because if asked is None else asked, film.row
        assert source is not None and row is not None
        tie = recommender.neighbor_table.tie(source, row)
        shared = ", ".join(f"{_title(recommender, n.row)} {n.weight:.3f}" for n in tie.shared[:MAX_SHARED])
        direct = f"{tie.direct:.3f}" if tie.direct else "-"
        cells = [str(film.rank), one_line(film.shown_title), direct, f"{tie.overlap:.3f}", shared or "-"]
        if asked is None:
            cells.insert(2, _title(recommender, source))
        rows.append(cells)
    if asked is None:
        columns.insert(2, _text_column("tied to"))
    return (
        f"\nwhat ties them to {'what was seen' if asked is None else 'it'} (direct: weight among its "
        "neighbours; overlap: weight that both give to the same ones; all of 1):\n\n"
        f"{_table(columns, rows)}\n"
    )


def _text_column(heading: str) -> TableColumn:
    return TableColumn(heading, numeric=False, may_be_cut=True)


def _table(columns: Sequence[TableColumn], rows: Sequence[Sequence[str]]) -> str:
    """A table that is no wider than the terminal."""
    return render_table(columns, [TableSection(rows)], max_width=terminal_width(), closed=False)


def _title(recommender: RowRecommender, row: int) -> str:
    return one_line(recommender.movies.shown_title(row))
