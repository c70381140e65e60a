import pytest

from report.tables import (
    HOW_TO_READ_VARIETY,
    FigureBlock,
    FigureColumn,
    format_metrics_table,
    format_table,
)

ROWS = {
    "popularity": {"hit_rate@10": 0.0838, "hit_rate@100": 0.317, "mrr": 0.041, "coverage@10": 0.054},
    "item-kNN": {"hit_rate@10": 0.1655, "hit_rate@100": 0.5154, "mrr": 0.0712},
    "PinSage": {"hit_rate@10": 0.1682, "hit_rate@100": 0.5151, "mrr": 0.0708, "coverage@10": float("nan")},
}


def test_the_whole_table_as_printed():
    # Values that print alike (0.5154 and 0.5151 are 0.515) share the star; what is missing is a dash.
    assert format_metrics_table(ROWS, highlight="PinSage") == "\n".join(
        [
            "            -- hit rate -",
            "method        @10    @100     MRR   coverage@10",
            "-----------------------------------------------",
            "popularity  0.084   0.317   0.041         0.054*",
            "item-kNN    0.166   0.515*  0.071*            -",
            "-----------------------------------------------",
            "PinSage     0.168*  0.515*  0.071*            -",
            "-----------------------------------------------",
            "* best in its column; all are shares or means between 0 and 1, higher is better",
        ]
    )


def test_rows_keep_their_order_without_a_highlight():
    lines = format_metrics_table(ROWS).splitlines()
    assert [line.split()[0] for line in lines[3:6]] == list(ROWS)


def test_the_highlighted_method_alone_is_still_a_row():
    lines = format_metrics_table({"PinSage": {"mrr": 0.05}}, highlight="PinSage").splitlines()
    assert lines[2].split() == ["PinSage", "0.050*"]


def test_an_empty_table_is_refused():
    with pytest.raises(ValueError, match="at least one method"):
        format_metrics_table({})


def test_marks_details_and_notes_as_printed():
    assert format_metrics_table(
        ROWS,
        highlight="PinSage",
        marks={"popularity": {"hit_rate@10": "<", "mrr": "<"}, "item-kNN": {"mrr": ">"}},
        details={"  +- seeds": {"hit_rate@10": 0.9}},
        notes=["< below"],
    ) == "\n".join(
        [
            "            -- hit rate --",
            "method        @10     @100      MRR    coverage@10",
            "--------------------------------------------------",
            "popularity  0.084 <  0.317    0.041 <        0.054*",
            "item-kNN    0.166    0.515*   0.071*>            -",
            "--------------------------------------------------",
            "PinSage     0.168*   0.515*   0.071*             -",
            "  +- seeds  0.900",
            "--------------------------------------------------",
            "* best in its column; all are shares or means between 0 and 1, higher is better",
            "< below",
        ]
    )


def test_variety_stands_in_a_table_of_its_own_without_stars():
    rows = {name: row | {"novelty@10": 3.5, "gini@10": 0.75} for name, row in ROWS.items()}
    table = format_metrics_table(
        rows, highlight="PinSage", details={"  95 % from": {"mrr": 0.1}, "  +- seeds": {"gini@10": 0.125}}
    )
    alone = format_metrics_table(
        ROWS, highlight="PinSage", details={"  95 % from": {"mrr": 0.1}, "  +- seeds": {}}
    )
    assert table.startswith(alone + "\n\n")
    assert table[len(alone) + 2 :].splitlines() == [
        "method      novelty@10   Gini@10",
        "--------------------------------",
        "popularity       3.500     0.750",
        "item-kNN         3.500     0.750",
        "--------------------------------",
        "PinSage          3.500     0.750",
        "  +- seeds                 0.125",
        "--------------------------------",
        *HOW_TO_READ_VARIETY,
    ]


def test_columns_print_as_they_say():
    columns = [
        FigureColumn("a", "head", "MRR"),
        FigureColumn("b", "tail", "MRR"),
        FigureColumn("n", "films", "", ",.0f", False),
    ]
    assert format_table(
        columns, [FigureBlock({"x": {"a": 0.5, "n": 1234.4}, "y": {"b": 0.25, "n": 2}})]
    ) == "\n".join(
        [
            "        ---- MRR ----",
            "method   head    tail   films",
            "-----------------------------",
            "x       0.500*      -   1,234",
            "y           -   0.250*      2",
            "-----------------------------",
        ]
    )
