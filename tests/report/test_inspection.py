"""An inspection on the screen, as JSON, and in two lines."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from data.inspection.findings import Finding
from data.inspection.inspect import inspect_data
from data.splits import split_interactions
from report.inspection import as_plain, as_screen, data_line, held_out_line, sections
from report.text_table import display_width
from tests.data.test_inspection import looked_at, sound, with_interactions, with_movies

SCREEN = """\
shop                 number  more
-------------------------------------------------------------------------------------------
what there is
  rows                   20
  interactions           18  one per user and item
  users                   3  interactions each: median 6, most 6 (u0)
  with fewer than 3       0
  items                   8  interactions each: median 3
  with fewer than 3       3  38 %: i1, i6, i7
  with none               1  12 %: i6
  times                17 s  2017-07-14 02:40:00 to 2017-07-14 02:40:17; seconds
  equal times           0 %  of neighbouring interactions of one user
-------------------------------------------------------------------------------------------
ratings, on the scale of the data
  best rating            10  found: 2 to 10
  liked                33 %  8 or more
  2                       3         17 %  ██████████
  4                       3         17 %  ██████████
  6                       6         33 %  ████████████████████
  8                       4         22 %  █████████████
  10                      2         11 %  ███████
-------------------------------------------------------------------------------------------
items without
  title                   0
  genres                  0
  year                    0
-------------------------------------------------------------------------------------------
seen while reading
  unknown items           2  of items that are not in the catalogue: left out; 550.0, 551.0
  a new finding           1  x
-------------------------------------------------------------------------------------------
what `split` leave_one_out holds out
  training               12  interactions
  validation              3  interactions, 3 questions
  test                    3  interactions, 3 questions
-------------------------------------------------------------------------------------------

2 things to look at
  1. the test has only 3 questions, so figures are rough: one is 0.333 of a hit rate
     -> use more data, or read the intervals of the benchmark mode
  2. the catalogue has only 8 items, so hit_rate@100 is 1 for any method
     -> look at hit_rate@10 and the MRR"""


def small(**changes):
    data = sound(num_users=3, num_movies=8, per_user=6, best_rating=10, **changes)
    findings = (Finding("unknown_items", 2, 20, ("550.0", "551.0")), Finding("a_new_finding", 1, 0, ("x",)))
    data = with_interactions(
        data,
        movies=np.array([0, 1, 2, 3, 4, 5, 2, 0, 4, 5, 7, 3, 2, 4, 5, 0, 3, 7], dtype=np.int32),
        ratings=np.repeat(np.arange(1, 6), [3, 3, 6, 4, 2]).astype(np.float32),
        timestamps=1_500_000_000 + np.arange(18),
    )
    return replace(data, findings=findings)


def test_the_screen():
    assert as_screen(looked_at(small())).splitlines() == SCREEN.splitlines()


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_narrow_terminal_is_kept_to(width):
    long = Finding("unknown_items", 2, 20, tuple("x" * 80 for _ in range(3)))
    text = as_screen(looked_at(replace(small(), findings=(long,))), width)
    assert max(map(display_width, text.splitlines())) <= width


def test_nothing_odd_is_said():
    assert as_screen(looked_at(sound())).endswith("\nnothing looks odd")


def test_times_are_shown_as_finely_as_they_are_apart():
    def times_row(times, **changes):
        data = with_interactions(small(**changes), timestamps=np.array(times))
        rows = sections(looked_at(data, "none").figures)[0].rows
        return next((row.number, row.words) for row in rows if row.name == "times")

    start, eighteen = 1_500_000_000, np.arange(18)
    assert times_row(start + 86_400 * eighteen) == ("17 days", "2017-07-14 to 2017-07-31; seconds")
    assert times_row(start + 3600 * eighteen) == (
        "17 hours", "2017-07-14 02:40 to 2017-07-14 19:40; seconds",
    )  # fmt: skip
    assert times_row(start * 1000 + 86_400_000 * eighteen, time_unit="number") == (
        "17 days", "2017-07-14 to 2017-07-31; milliseconds, by their size",
    )  # fmt: skip
    assert times_row(eighteen, time_unit="number") == (
        "", "times from 0 to 17; numbers of an unknown unit",
    )  # fmt: skip
    assert times_row(eighteen, time_unit="row")[0] == "none"


def test_films_are_films_and_items_are_items():
    assert "films without" in [
        one.title for one in sections(looked_at(with_movies(small(), text_ids=None)).figures)
    ]
    assert "items without" in [one.title for one in sections(looked_at(small()).figures)]


KEYS = {
    "": "format dataset rows interactions events users items times ratings missing findings signs held_out "
    "oddities",
    "users": "count median_interactions fewer_than_3 busiest",
    "items": "count median_interactions fewer_than_3 without_interactions",
    "times": "unit unit_is_a_guess first last days tied missing",
    "ratings": "best lowest highest liked counts",
    "held_out": "split train validation test validation_questions test_questions weights",
}


@pytest.mark.parametrize("key", KEYS)
def test_the_keys_of_the_json_stay(key):
    plain = as_plain(looked_at(small()))
    part = plain[key] if key else plain
    assert list(part) == KEYS[key].split()
    assert plain["format"] == 1


def test_the_json_has_counts_shares_and_examples():
    plain = json.loads(json.dumps(as_plain(looked_at(small()))))
    assert plain["items"]["without_interactions"] == {
        "count": 1, "total": 8, "share": 0.125, "examples": ["i6"],
    }  # fmt: skip
    assert plain["findings"][0] == {
        "name": "unknown_items", "count": 2, "total": 20, "share": 0.1, "examples": ["550.0", "551.0"],
    }  # fmt: skip
    assert plain["ratings"]["counts"][0] == {"from": 2, "to": 2, "count": 3}
    assert plain["oddities"][0].keys() == {"name", "text", "advice"}
    assert as_plain(looked_at(small(rated=False)))["ratings"] is None


def test_weights_are_shown_where_interactions_count_differently():
    data = small()
    split = split_interactions(data.interactions, data.num_users, data.num_movies)
    weights = np.linspace(0.25, 3, len(split.train), dtype=np.float32)
    inspection = inspect_data(data, replace(split, train=replace(split.train, weights=weights)))
    assert as_plain(inspection)["held_out"]["weights"] == {"lowest": 0.25, "highest": 3}
    assert "interactions, weights from 0.25 to 3" in as_screen(inspection)
    assert as_plain(looked_at(data))["held_out"]["weights"] is None


def test_ids_beyond_the_numbers_of_javascript_are_text():
    data = with_movies(small(), text_ids=None, ids=2**53 - 4 + np.arange(8))
    data = replace(data, user_text_ids=None, user_ids=2**53 + np.arange(3))
    plain = as_plain(looked_at(data))
    assert plain["items"]["without_interactions"]["examples"] == [str(2**53 + 2)]
    assert plain["items"]["fewer_than_3"]["examples"] == [
        2**53 - 3, str(2**53 + 2), str(2**53 + 3),
    ]  # fmt: skip
    assert plain["users"]["busiest"]["examples"] == [str(2**53)]


def test_two_lines_before_a_training():
    assert data_line(sound()) == (
        "shop: 900 ratings of 120 items by 150 users, 2017-07-14 02:40 to 2017-07-14 17:39"
    )
    assert held_out_line(looked_at(sound())) == (
        "held out: 150 validation and 150 test interactions; nothing looks odd"
    )
    assert (
        data_line(sound(rated=False, time_unit="row")) == "shop: 900 interactions of 120 items by 150 users"
    )
    line = held_out_line(looked_at(small()))
    assert re.fullmatch(
        r"held out: 3 validation .*; odd: the test has only 3 questions.* \(and 1 more\); "
        r"main.py --mode inspect shows more",
        line,
    )
    one = held_out_line(looked_at(sound(num_movies=100)), more="")
    assert one.endswith("odd: the catalogue has only 100 items, so hit_rate@100 is 1 for any method")
    assert held_out_line(looked_at(sound(), "none")) == "nothing is held out; nothing looks odd"
