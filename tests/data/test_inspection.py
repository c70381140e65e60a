"""What inspection finds: figures against naive counts, and each oddity planted once."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import UserError
from data.content.facts import Content, ItemVectors
from data.dataset import Events, Interactions, MovieLens, Movies, load_movielens, movielens_of
from data.in_memory import columns_from_arrays
from data.inspection.figures import figures_of
from data.inspection.findings import Finding, newest_first, parse_findings
from data.inspection.inspect import inspect_data
from data.inspection.oddity import percent, shown_examples
from data.inspection.times import as_date, guess_unit, times_of
from data.reading.columns import Columns
from data.splits import held_out_queries, split_interactions
from data.trainable import check_trainable, num_questions
from tests.books import library
from tests.factories import random_movielens
from tests.fuzzing import fuzz
from tests.planted import planted_movielens

DAY = 86_400
START = 1_500_000_000  # 2017-07-14T02:40:00


def sound(num_users=150, num_movies=120, per_user=6, seed=0, **changes):
    """Data of one's own that nothing is odd about."""
    rng = np.random.default_rng(seed)
    users = np.repeat(np.arange(num_users), per_user)
    movies = np.concatenate([rng.choice(num_movies, per_user, replace=False) for _ in range(num_users)])
    n = len(users)
    genres = [(f"Genre {row % 7}",) for row in range(num_movies)]
    catalogue = Movies(
        np.arange(num_movies),
        [f"Item {row}" for row in range(num_movies)],
        genres,
        np.full(num_movies, 2000, dtype=np.float32),
        [f"i{row}" for row in range(num_movies)],
    )
    interactions = Interactions(
        users.astype(np.int32),
        movies.astype(np.int32),
        rng.integers(1, 6, n).astype(np.float32),
        START + np.arange(n, dtype=np.int64) * 60,
    )
    names = [f"u{row}" for row in range(num_users)]
    data = MovieLens("shop", catalogue, np.arange(num_users), interactions, "0", user_text_ids=names)
    return replace(data, **changes)


def with_interactions(data, **changes):
    return replace(data, interactions=replace(data.interactions, **changes))


def with_movies(data, **changes):
    return replace(data, movies=replace(data.movies, **changes))


def looked_at(data, split="leave_one_out"):
    return inspect_data(data, split_interactions(data.interactions, data.num_users, data.num_movies, split))


def names_of(data, split="leave_one_out"):
    return [oddity.name for oddity in looked_at(data, split).oddities]


def oddity(data, name, split="leave_one_out"):
    found = [one for one in looked_at(data, split).oddities if one.name == name]
    assert len(found) == 1, names_of(data, split)
    assert "\n" not in found[0].text + found[0].advice
    return found[0]


def test_nothing_is_odd_about_sound_data():
    assert names_of(sound()) == []
    assert names_of(sound(per_user=40), "temporal") == []
    assert names_of(sound(), "none") == []


# Figures


def test_the_figures_equal_naive_counts():
    data = sound(num_users=8, num_movies=20, per_user=4)
    users, movies = data.interactions.users.tolist(), data.interactions.movies.tolist()
    data = with_interactions(
        data.__class__(**{**data.__dict__}),
        timestamps=data.interactions.timestamps // 120 * 120,  # every two neighbours are tied
    )
    figures = looked_at(data).figures
    per_item = [movies.count(row) for row in range(20)]
    assert (figures.rows, figures.interactions, figures.users, figures.items) == (32, 32, 8, 20)
    assert figures.few_users == Finding("few_users", 0, 8)
    few = [row for row, count in enumerate(per_item) if count < 3]
    assert figures.few_items == Finding("few_items", len(few), 20, tuple(f"i{row}" for row in few[:3]))
    unused = [row for row, count in enumerate(per_item) if count == 0]
    assert figures.unused_items == Finding(
        "unused_items", len(unused), 20, tuple(f"i{r}" for r in unused[:3])
    )
    assert (figures.per_user, figures.per_item) == (4, np.median(per_item))
    assert figures.busiest_user == Finding("busiest_user", 4, 32, ("u0",))
    times = data.interactions.timestamps.tolist()
    pairs = [(a, b) for a, b in itertools.pairwise(range(32)) if users[a] == users[b]]
    tied = sum(times[a] == times[b] for a, b in pairs)
    assert figures.times.tied == Finding("tied_times", tied, len(pairs))
    assert (figures.held_out.train, figures.held_out.validation, figures.held_out.test) == (16, 8, 8)


@fuzz(50)
@given(st.integers(0, 50), st.sampled_from(["leave_one_out", "temporal"]))
def test_questions_are_counted_without_making_them(seed, name):
    data = random_movielens(seed=seed)
    split = split_interactions(data.interactions, data.num_users, data.num_movies, name)
    for part in ("validation", "test"):
        count = num_questions(split, part)
        if count:
            assert count == len(held_out_queries(split, part))
        else:
            with pytest.raises(UserError, match="nothing to evaluate"):
                held_out_queries(split, part)
    assert num_questions(replace(split, name="none", test=split.test.select(np.zeros(0, int))), "test") == 0


@pytest.mark.parametrize(
    ("name", "stars", "best", "expected"),
    [
        ("values", [5, 5, 2, 4], 5, [(2, 2, 1), (4, 4, 1), (5, 5, 2)]),
        ("own scale", [5, 5, 2, 4], 10, [(4, 4, 1), (8, 8, 1), (10, 10, 2)]),
        ("thirds", [5 / 3, 5], 3, [(1, 1, 1), (3, 3, 1)]),
    ],
)
def test_ratings_are_counted_on_the_scale_of_the_data(name, stars, best, expected):
    data = sound(num_users=1, per_user=len(stars), best_rating=best)
    data = with_interactions(data, ratings=np.array(stars, dtype=np.float32))
    ratings = looked_at(data, "none").figures.ratings
    assert list(ratings.counts) == expected
    assert (ratings.lowest, ratings.highest) == (expected[0][0], expected[-1][0])
    assert ratings.liked.count == sum(count for low, _, count in expected if low >= 0.8 * best)


def test_ratings_of_many_values_are_counted_in_ranges():
    data = sound()
    ratings = np.linspace(0, 5, len(data.interactions)).astype(np.float32)
    counts = looked_at(with_interactions(data, ratings=ratings)).figures.ratings.counts
    assert len(counts) == 10 and sum(count for _, _, count in counts) == len(ratings)
    assert (counts[0][0], counts[-1][1]) == (0, 5)


def test_a_rare_rating_that_a_sample_misses_is_counted(monkeypatch):
    monkeypatch.setattr("data.inspection.figures.RATING_SAMPLE", 10)
    data = sound()
    ratings = np.full(len(data.interactions), 4, dtype=np.float32)
    ratings[1] = 3
    counts = looked_at(with_interactions(data, ratings=ratings)).figures.ratings.counts
    assert counts == ((3, 3, 1), (4, 4, len(ratings) - 1))


def test_data_without_ratings_have_none():
    assert looked_at(sound(rated=False)).figures.ratings is None


def test_what_items_lack_is_counted_by_kind():
    data = sound(num_movies=30, num_users=60)
    ids = data.movies.text_ids
    content = Content(
        vectors=(ItemVectors("image", np.zeros((28, 4), np.float32), np.arange(28), np.arange(2, 30), 4),),
        text=["", "  ", *["words"] * 28],
        numbers={"price": np.array([np.nan, *[1.0] * 29])},
        categories={"brand": ["", *["b"] * 29]},
        kept={"stock": [*["1"] * 29, ""]},
    )
    titles = [ids[0], "", *data.movies.titles[2:]]
    years = np.array([np.nan] * 4 + [2000] * 26, dtype=np.float32)
    data = replace(with_movies(data, titles=titles, years=years, genres=[()] * 30), content=content)
    missing = {one.name: (one.count, one.examples) for one in looked_at(data).figures.missing}
    assert missing == {
        "title": (2, ("i0", "i1")),
        "genres": (30, ("i0", "i1", "i2")),
        "year": (4, ("i0", "i1", "i2")),
        "text": (2, ("i0", "i1")),
        "vectors image": (2, ("i0", "i1")),
        "number price": (1, ("i0",)),
        "category brand": (1, ("i0",)),
        "kept stock": (1, ("i29",)),
    }


# Rows and what readers found


def test_rows_are_those_of_the_source():
    data = sound()
    n = len(data.interactions)
    assert looked_at(data).figures.rows == n
    left_out = (Finding("unknown_items", 5), Finding("equal_rows", 2))
    assert looked_at(replace(data, findings=left_out)).figures.rows == n + 7
    known = (Finding("unknown_items", 5, n + 9), Finding("line_breaks", 3, 10_000))
    assert looked_at(replace(data, findings=known)).figures.rows == n + 9
    assert looked_at(replace(data, findings=(*left_out, Finding("rows", n + 20)))).figures.rows == n + 20
    events = Events(np.arange(n).repeat(2), np.ones(2 * n, np.float32), np.arange(0, 2 * n, 2))
    figures = looked_at(replace(data, events=events)).figures
    assert (figures.rows, figures.events) == (2 * n, 2 * n)


def test_findings_of_a_reader_reach_the_data():
    columns = columns_from_arrays(["a", "a", "b"], ["x", "y", "x"])
    finding = Finding("unknown_items", 2, 5, ("550.0", 2**60))
    columns.texts["findings"] = [finding.as_text(), Finding("repeats", 0).as_text()]
    assert movielens_of(columns, "memory", "0").findings == (finding,)
    assert json.loads(finding.as_text()).keys() == {"name", "count", "total", "examples"}
    assert parse_findings(['{"name": "bare", "count": 1}']) == (Finding("bare", 1),)


def test_ratings_below_the_minimum_are_a_finding(tmp_path):
    planted_movielens(tmp_path)
    data = load_movielens(tmp_path, min_rating=4)
    low = Finding("low_ratings", 720 - len(data.interactions), 720)
    assert data.findings == (low,) and low.count > 0
    assert looked_at(data).figures.rows == 720


@pytest.mark.parametrize(("count", "seen"), [(99, False), (101, True)])
def test_many_dropped_rows_are_odd(count, seen):
    data = sound(findings=(Finding("unknown_items", count, 900 + count, ("550.0", "551.0")),))
    assert ("rows_dropped" in names_of(data)) == seen
    if seen:
        found = oddity(data, "rows_dropped")
        assert found.text == (
            "101 of 1,001 rows are left out: their items are not in the catalogue (550.0, 551.0)"
        )
        assert "letter by letter" in found.advice


def test_many_equal_rows_are_odd():
    data = sound(findings=(Finding("equal_rows", 900, 1800),))
    assert "900 of 1,800 rows equal another row" in oddity(data, "equal_rows").text
    assert names_of(sound(findings=(Finding("equal_rows", 9, 1000),))) == []


# Times


@pytest.mark.parametrize("factor", [1, 10**3, 10**6, 10**9])
def test_the_unit_is_guessed_by_magnitude(factor):
    unit = {1: "seconds", 10**3: "milliseconds", 10**6: "microseconds", 10**9: "nanoseconds"}[factor]
    for date in ("1973-01-02", "2024-05-31", "2099-12-31"):
        seconds = int(np.datetime64(date, "s").astype(np.int64))
        assert guess_unit(np.array([seconds * factor] * 3)) == unit
        assert as_date(seconds * factor, unit) == f"{date}T00:00:00"
    data = sound()
    times = times_of(replace(data.interactions, timestamps=data.interactions.timestamps * factor), "number")
    assert (times.unit, times.guessed) == (unit, True)
    assert times.first == "2017-07-14T02:40:00"
    assert times.days == pytest.approx(899 / 1440)
    in_seconds = times_of(
        replace(data.interactions, timestamps=data.interactions.timestamps * factor), "seconds"
    )
    assert in_seconds.guessed == (factor != 1)


def test_small_numbers_have_no_unit():
    data = sound()
    times = times_of(replace(data.interactions, timestamps=np.arange(900)), "number")
    assert (times.unit, times.guessed, times.first, times.last, times.days) == (
        "number", False, "0", "899", None,
    )  # fmt: skip


def test_microseconds_are_shown_with_the_digits_they_have():
    assert as_date(1_614_849_300_599_000, "microseconds") == "2021-03-04T09:15:00.599"
    assert as_date(-1, "microseconds") == "1969-12-31T23:59:59.999999"
    assert as_date(2**62, "seconds") == str(2**62)  # no date


def test_data_without_times_have_none():
    times = looked_at(sound(time_unit="row")).figures.times
    assert (times.unit, times.first, times.days, times.tied.total) == ("row", None, None, 0)


def test_equal_times_are_odd():
    data = sound()
    data = with_interactions(data, timestamps=np.full(len(data.interactions), START))
    assert names_of(data) == ["equal_times"]
    assert "all times are 2017-07-14T02:40:00" in oddity(data, "equal_times").text


def test_mostly_tied_times_are_odd():
    data = sound()
    times = data.interactions.timestamps
    assert names_of(with_interactions(data, timestamps=times // 120 * 120)) == ["tied_times"]  # 3 of 5 pairs
    assert names_of(with_interactions(data, timestamps=np.where(np.arange(900) % 6 < 2, START, times))) == []
    found = oddity(with_interactions(data, timestamps=times // 360 * 360), "tied_times")
    assert found.text.startswith("80 % of neighbouring interactions of one user have the same time")


def test_times_of_zero_are_odd_and_no_part_of_the_span():
    data = sound()
    times = data.interactions.timestamps.copy()
    times[::6] = 0
    data = with_interactions(data, timestamps=times)
    assert "150 interactions (17 %) have a time of 0 or below" in oddity(data, "missing_times").text
    assert looked_at(data).figures.times.first == "2017-07-14T02:41:00"


def test_a_newest_first_file_is_found():
    assert newest_first(np.arange(100)[::-1]) == Finding("newest_first", 99, 99)
    per_user = np.concatenate([np.arange(5)[::-1] + 1000 * (user % 3) for user in range(20)])
    assert newest_first(per_user) is not None
    rng = np.random.default_rng(0)
    for rising in (np.arange(100), rng.permutation(100), np.zeros(100), np.arange(5)[::-1], np.arange(0)):
        assert newest_first(rising) is None


def test_newest_first_is_odd_where_times_are_equal(tmp_path):
    def data(step):
        times = START + np.arange(900)[::-1] // step * step * 60
        users, items = sound().interactions.users, sound().interactions.movies
        return movielens_of(columns_from_arrays(users, items, times=times), "memory", "0")

    assert "newest_first" not in names_of(data(1))
    found = oddity(data(2), "newest_first")
    assert "its newest rows first, and 60 % of neighbouring" in found.text
    assert "reverse" in found.advice


def test_rows_in_the_order_of_the_catalogue_are_odd():
    data = sound()
    order = np.lexsort((data.interactions.movies, data.interactions.users))
    in_order = data.interactions.movies[order]
    assert names_of(with_interactions(sound(time_unit="row"), movies=in_order)) == ["sorted_by_item"]
    backwards = np.lexsort((-data.interactions.movies, data.interactions.users))
    data = with_interactions(sound(time_unit="row"), movies=data.interactions.movies[backwards])
    assert "a user's rows are sorted by item (100 %)" in oddity(data, "sorted_by_item").text
    assert names_of(with_interactions(sound(), movies=in_order)) == []  # the times order them


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("newest", [False, True])
def test_the_newest_years_at_the_beginning_of_a_file_without_times_are_odd(grouped, newest):
    """A log of 20 years, in which nobody takes an item before its year."""
    rng = np.random.default_rng(1)
    n, years = 4000, np.repeat(np.arange(2000, 2020), 20).astype(np.float32)
    users = np.sort(rng.integers(0, 100, n))
    place = np.arange(n) if grouped else rng.permutation(n)  # of each row in the file
    place = place[np.lexsort((place, users))]
    when = np.empty(n)  # from 0, old, to 1, new, within the user's rows or within the file
    for user in range(100):
        own = users == user
        when[own] = np.linspace(0, 1, own.sum()) if grouped else place[own] / n
    if newest:
        when = 1 - when
    movies = np.array([rng.integers(0, 1 + int(moment * 399)) for moment in when])
    catalogue = replace(sound(num_movies=400).movies, years=years)
    interactions = Interactions(users.astype(np.int32), movies, np.full(n, 5, np.float32), place)
    data = MovieLens("log", catalogue, np.arange(100), interactions, "0", rated=False, time_unit="row")
    assert ("newest_years_first" in names_of(data)) == newest
    if newest:
        assert "of up to 2018" in oddity(data, "newest_years_first").text


# Ratings, users, items, questions


def test_a_scale_that_is_likely_another_is_odd():
    data = sound()
    fives = data.interactions.ratings
    above = oddity(with_interactions(data, ratings=fives * 2), "above_best_rating")
    assert above.text == "the highest rating is 10, above the best one, 5"
    assert above.advice == "set interactions.best_rating in schema.json to 10"
    below = oddity(with_interactions(data, ratings=np.minimum(fives, 2)), "best_rating_unused")
    assert below.text == "the highest rating is 2, but the best one is 5, and no rating counts as liked"
    assert oddity(with_interactions(data, ratings=np.minimum(fives, 4)), "best_rating_unused").text == (
        "the highest rating is 4, but the best one is 5"
    )
    equal = oddity(with_interactions(data, ratings=np.full_like(fives, 3)), "equal_ratings")
    assert equal.text == "all ratings are 3, so they say nothing"
    films = with_movies(data, text_ids=None)
    assert "features.json" in oddity(with_interactions(films, ratings=fives * 2), "above_best_rating").advice


def test_a_user_with_a_tenth_of_the_rows_is_odd():
    data = sound()
    users = data.interactions.users.copy()
    users[:84] = 0
    movies = np.concatenate([np.arange(84), data.interactions.movies[84:]]).astype(np.int32)
    assert names_of(with_interactions(data, users=users, movies=movies)) == []
    users[:96] = 0
    movies = np.concatenate([np.arange(96), data.interactions.movies[96:]]).astype(np.int32)
    found = oddity(with_interactions(data, users=users, movies=movies), "one_user")
    assert found.text == "user 'u0' has 96 interactions, 11 % of all"


def test_three_users_have_a_third_each_and_are_not_odd():
    assert "one_user" not in names_of(sound(num_users=3, per_user=50))


def test_most_items_with_few_interactions_are_odd():
    found = oddity(sound(num_movies=500), "few_interactions_of_items")
    assert "of 500 items have fewer than 3 interactions" in found.text
    assert "unused_items" in names_of(sound(num_movies=5000))
    assert "few_interactions_of_items" not in names_of(sound(num_movies=5000))  # once is enough


def test_most_users_with_few_interactions_are_odd():
    data = sound(num_users=600, per_user=2)
    interactions = data.interactions
    users = np.where(interactions.users < 200, interactions.users // 2, interactions.users)
    movies = np.arange(1200) % 120
    data = with_interactions(data, users=users.astype(np.int32), movies=movies.astype(np.int32))
    assert "few_interactions_of_users" in names_of(data)


def test_few_questions_and_few_candidates_are_odd():
    data = sound(num_users=1)
    assert oddity(data, "few_questions").text == (
        "the test has only 1 question, so figures are rough: one is 1.000 of a hit rate"
    )
    assert "few_questions" not in names_of(data, "none")
    assert oddity(sound(num_movies=100), "few_candidates").text.startswith("the catalogue has only 100 items")
    assert "few_candidates" not in names_of(sound(num_movies=101))


def test_a_test_part_without_questions_is_odd():
    data = with_interactions(sound(), ratings=np.where(np.arange(900) % 6 > 3, 1, 5).astype(np.float32))
    assert "gives no question" in oddity(data, "no_test_question", "temporal").text


# Texts


def test_equal_titles_are_odd():
    data = sound(num_movies=120)
    titles = [f"Item {row // 2}" if row < 10 else title for row, title in enumerate(data.movies.titles)]
    found = oddity(with_movies(data, titles=titles), "equal_titles")
    assert found.text == (
        "10 items (8.3 %) share their title with another one: "
        "Item 0 (i0, i1); Item 1 (i2, i3); Item 2 (i4, i5)"
    )
    assert names_of(with_movies(data, titles=["Item 1 ", "ITEM 1", *data.movies.titles[2:]])) == []


@pytest.mark.parametrize("placeholder", ["\\N", "NULL", "nan", "N/A", "-", "None"])
def test_placeholders_in_titles_and_genres_are_odd(placeholder):
    data = sound()
    titles = [placeholder, placeholder, *data.movies.titles[2:]]
    assert (
        f"2 in all: {placeholder} (title)"
        in oddity(with_movies(data, titles=titles), "placeholder_values").text
    )
    assert names_of(with_movies(data, titles=[placeholder, *data.movies.titles[1:]])) == []
    genres = [(placeholder,), (placeholder,), *data.movies.genres[2:]]
    assert f"{placeholder} (genres)" in oddity(with_movies(data, genres=genres), "placeholder_values").text


def test_placeholders_that_a_reader_found_are_odd():
    data = sound(findings=(Finding("placeholders", 7, 0, ("\\N in blurb",)),))
    assert "7 in all: \\N in blurb" in oddity(data, "placeholder_values").text
    assert names_of(sound(findings=(Finding("placeholders", 1, 0, ("None in title",)),))) == []


def test_placeholders_in_content_are_odd():
    values = ["NULL", "null", "NULL", *["x"] * 117]
    data = sound(content=Content(categories={"brand": values}))
    assert "2 in all: NULL (brand)" in oddity(data, "placeholder_values").text
    assert "NULL (stock)" in oddity(sound(content=Content(kept={"stock": values})), "placeholder_values").text
    text = Content(text=values, text_columns=("blurb",))
    assert "NULL (text)" in oddity(sound(content=text), "placeholder_values").text


@pytest.mark.parametrize("good", ["Élan, 鯨", "Ça va", "Ångström", "A – B", "Ñandú", "NÃO", "CÃES", "Ã"])
def test_a_wrong_encoding_is_odd(good):
    data = sound()
    assert names_of(with_movies(data, titles=[good, *data.movies.titles[1:]])) == []


@pytest.mark.parametrize("good", ["Élan vital", "Café", "naïve", "“quoted”"])
@pytest.mark.parametrize("wrong", ["latin-1", "cp1252"])
def test_utf_8_read_as_something_else_is_odd(good, wrong):
    bad = good.encode().decode(wrong, errors="replace")
    data = sound()
    found = oddity(with_movies(data, titles=[bad, *data.movies.titles[1:]]), "broken_characters")
    assert found.text.startswith("1 text seem")


def test_titles_with_line_breaks_are_odd():
    data = sound()
    titles = ["Open\nSecond\nThird", *data.movies.titles[1:]]
    found = oddity(with_movies(data, titles=titles), "line_breaks")
    assert found.text.startswith("1 title with line breaks (Open Second Third)")


def test_genres_that_are_several_are_odd():
    data = sound()
    kinds = itertools.cycle(["Action, Drama", "Comedy, Drama", "Action", "Drama", "War, Drama"])
    genres = [(next(kinds),) for _ in range(120)]
    found = oddity(with_movies(data, genres=genres), "joined_genres")
    assert found.text == ("3 of 5 genres seem to be several in one: Action, Drama; Comedy, Drama; War, Drama")
    assert found.advice == "set items.genre_separator in schema.json"


# Real folders


def test_a_library_of_books(tmp_path):
    folder = library(tmp_path / "library")
    inspection = inspect_of_folder(folder)
    figures = inspection.figures
    assert (figures.own, figures.users, figures.items, figures.ratings) == (True, 60, 40, None)
    assert {one.name: one.count for one in figures.missing} == {"title": 0, "genres": 8, "year": 6}
    assert [one.name for one in inspection.oddities] == ["few_questions", "few_candidates"]


def test_a_movielens_folder(tmp_path):
    inspection = inspect_of_folder(planted_movielens(tmp_path / "planted"))
    figures = inspection.figures
    assert (figures.own, figures.rows, figures.users, figures.items) == (False, 720, 60, 40)
    assert (figures.times.unit, figures.times.first[:10]) == ("seconds", "2001-09-09")
    assert (figures.ratings.best, figures.ratings.highest) == (5, 5)


def test_synthetic_data_are_sound(tmp_path):
    from data.prepare import prepare_dataset

    folder = prepare_dataset("synthetic", tmp_path / "synthetic", None, "100k", 0, True)
    assert [one.name for one in inspect_of_folder(folder).oddities] == []


def inspect_of_folder(folder):
    return looked_at(load_movielens(folder))


# What training would refuse


@pytest.mark.parametrize(
    ("data", "split", "message"),
    [
        (sound(num_movies=2, per_user=2), "none", "training needs at least 3 films, got 2"),
        (sound(per_user=1), "none", "nothing to train on: none of the 150 users has two training ratings"),
        (sound(per_user=3), "leave_one_out", "nothing to train on: none of the 150 users has two"),
        (sound(per_user=6), "temporal", "nothing to evaluate: the validation part of split temporal"),
    ],
)
def test_what_training_refuses_is_checked_without_training(data, split, message):
    parts = split_interactions(data.interactions, data.num_users, data.num_movies, split)
    with pytest.raises(UserError, match=message):
        check_trainable(parts)
    figures_of(data, parts)  # nothing is too odd to be described


def test_what_can_be_trained_on_passes():
    data = sound(per_user=40)
    for split in ("leave_one_out", "temporal", "none"):
        check_trainable(split_interactions(data.interactions, data.num_users, data.num_movies, split))


# Words


@pytest.mark.parametrize(
    ("count", "total", "expected"),
    [
        (0, 10, "0 %"),
        (1, 10_000, "under 0.1 %"),
        (3, 1000, "0.3 %"),
        (1, 8, "12 %"),
        (8, 8, "100 %"),
        (3, 0, "0 %"),
    ],
)
def test_shares_are_short(count, total, expected):
    assert percent(Finding("", count, total)) == expected


def test_long_examples_are_cut():
    assert shown_examples(Finding("", 2, 2, ("a\nb", "c" * 100))) == f"a b, {'c' * 59}…"


def test_columns_without_findings_have_none():
    assert movielens_of(columns_from_arrays([1, 1, 2], [1, 2, 1]), "memory", "0").findings == ()
    assert Columns().texts == {}
