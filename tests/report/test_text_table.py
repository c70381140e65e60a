import pytest

from report.text_table import TableColumn, TableSection, display_width, render_table, shortened


def test_numbers_stand_to_the_right_and_text_to_the_left():
    columns = [TableColumn("film", numeric=False), TableColumn("rank")]
    assert render_table(columns, [TableSection([["Heat", "1"], ["Alien", "10"]])]).splitlines() == [
        "film   rank",
        "-----------",
        "Heat      1",
        "Alien    10",
        "-----------",
    ]


def test_sections_have_rules_titles_and_notes():
    sections = [TableSection([["a", "1"]], "first"), TableSection([["b", "2"]])]
    table = render_table([TableColumn("x", numeric=False), TableColumn("y")], sections, ["a note"])
    assert table.splitlines() == ["x  y", "----", "first", "a  1", "----", "b  2", "----", "a note"]
    assert render_table([TableColumn("x")], [TableSection([["1"]])], closed=False).splitlines() == [
        "x",
        "-",
        "1",
    ]


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("MRR", "--- MRR ---"),
        ("nine char", " nine char"),  # no room for dashes
        ("longer than both columns", "longer than both columns"),
    ],
)
def test_a_shared_heading_fits_over_its_columns(group, expected):
    columns = [TableColumn("one", group, tail=1), TableColumn("two", group, tail=1)]
    lines = render_table(columns, [TableSection([["0.12*", "0.34 "]])]).splitlines()
    assert lines[0] == expected
    assert max(map(display_width, lines)) <= max(len(group), 12)
    # Headings end where the numbers end, stars stand behind them.
    assert lines[1].index("one") + len("one") == lines[3].index("0.12") + len("0.12")


def test_a_narrow_terminal_cuts_the_widest_column_that_may_be_cut():
    columns = [TableColumn("id", numeric=False), TableColumn("title", numeric=False, may_be_cut=True)]
    rows = [["an id to be copied whole", "a title of some forty letters, or of some more"]]
    lines = render_table(columns, [TableSection(rows)], max_width=50).splitlines()
    assert lines[2].startswith(rows[0][0]) and lines[2].endswith("…")
    assert all(display_width(line) <= 50 for line in lines)
    # It is never cut to less than what can be read.
    assert "a title of some…" in render_table(columns, [TableSection(rows)], max_width=10)


def test_wide_and_combining_characters_keep_the_columns_apart():
    columns = [TableColumn("title", numeric=False), TableColumn("rank")]
    lines = render_table(columns, [TableSection([["七人の侍", "1"], ["Ame\u0301lie", "2"]])]).splitlines()
    assert {display_width(line) for line in lines} == {display_width(lines[0])}
    assert shortened("七人の侍", 5) == "七人…" and shortened("Heat", 4) == "Heat"
