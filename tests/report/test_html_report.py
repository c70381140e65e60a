import re
from dataclasses import replace

import numpy as np
import pytest

from config import Config
from data.inspection.inspect import inspect_data
from data.splits import split_interactions
from data.title_article import shown_title
from report.html.film_map import fit_into
from report.html.report import THEME, Run, write_report
from report.html.svg import svg_chart
from report.map_layout import lay_out_films
from report.plot_style import PALETTE
from tests.browser import chromium, watched_page
from tests.factories import random_movielens
from tests.report.test_plots import catalogue, history

ATTACK = '<script>alert("x")</script><img src="https://example.org/x.png"> (1999)'


def a_run(num_movies=60, num_methods=3):
    rng = np.random.default_rng(0)
    movies = catalogue(num_movies)
    movies.titles[0] = ATTACK
    methods = [f"baseline {i}" for i in range(num_methods)]
    metrics = {"hit_rate@10": 0.25, "hit_rate@100": 0.5, "mrr": 0.125, "gini@10": 0.8125}
    embeddings = rng.normal(size=(num_movies, 4)).astype(np.float32)
    report = {
        "dataset": "planted", "split": "leave_one_out", "protocol": "next_item", "seed": 0, "queries": 1234,
        "catalogue": num_movies, "metrics": metrics,
        "baselines": {method: metrics | {"mrr": 0.0625} for method in methods},
        "baseline_settings": {method: {"width": 3} for method in methods},
        "baselines_skipped": {"EASE": "too many films"},
    }  # fmt: skip
    report["user"] = {
        "users": 77,
        "targets": "test rating of 8 or more",
        "metrics": {"recall@20": 0.375},
        "baselines": {"EASE": {"recall@20": 0.4375}},
    }
    ranks = {name: rng.integers(1, 500, 90) / 2 for name in (*methods, "PinSage")}
    popularity = np.arange(num_movies)[::-1]
    return Run(
        report, "a question", Config().model_settings() | {"epochs": 7}, history(4), 3, ranks,
        lay_out_films(embeddings, movies, popularity, 0), movies, an_inspection(),
    )  # fmt: skip


def an_inspection():
    """Of data whose text attacks the page."""
    data = random_movielens(num_movies=20)
    titles = [f"{ATTACK}\n", *data.movies.titles[1:]]
    data = replace(data, movies=replace(data.movies, titles=titles))
    return inspect_data(data, split_interactions(data.interactions, data.num_users, data.num_movies))


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "new" / "report.html"
    write_report(a_run(), path)
    return path


def test_the_report_shows_the_data(page_file):
    text = page_file.read_text(encoding="utf-8")
    data = text[text.index('<section id="data"') : text.index('<section id="settings"')]
    assert "1 title with line breaks (&lt;script&gt;" in data and "close the quote in the file" in data
    assert "what split leave_one_out holds out" in data and "`" not in data
    assert re.search(
        r'<th scope="row">liked</th><td class="number">\d+ %</td><td class="soft">4 or more', data
    )
    assert data.count("--share:") == 10  # one per rating from .5 to 5
    assert "Nothing looks odd" not in data


def test_the_report_holds_figures_settings_and_every_film(page_file):
    text = page_file.read_text(encoding="utf-8")
    assert text.count("<circle") > 60 and "1,234 test questions" in text and "EASE is left out" in text
    assert "77 users" in text and ">0.375<" in text and ">0.438<" in text
    assert re.search(r'class="changed"><th scope="row"><code>epochs</code></th><td>7</td>', text)
    assert text.count('class="changed"') == 1
    assert text.count("Variety of the first films") == 1 and "<b>Gini</b>: 0 if all films" in text
    assert text.count('<td class="number" style="--share:0%">0.812</td>') == 4  # neither best nor a bar
    ringed = re.findall(r'class="marked" r="5"><title>validation: 0.0\d+ at epoch (\d)<', text)
    assert ringed == ["3"]  # the epoch that was kept, not the one whose own MRR is greatest
    for title in a_run().movies.titles[1:]:
        assert shown_title(title) in text


def test_whatever_the_data_hold_is_text(page_file):
    text = page_file.read_text(encoding="utf-8")
    assert text.count("<script>") == 1 and "&lt;script&gt;alert" in text
    assert not re.search(r'(src|href)="(?!#|data:)', text.replace("&lt;", "").replace("&#34;", ""))


@pytest.mark.parametrize(("num_movies", "num_methods"), [(1, 1), (5, 12)])
def test_a_report_of_any_size_is_written(tmp_path, num_movies, num_methods):
    write_report(a_run(num_movies, num_methods), tmp_path / "report.html")
    assert "nan" not in re.findall(r'd="([^"]*)"', (tmp_path / "report.html").read_text())


def test_the_theme_has_the_palette_of_the_pictures():
    assert tuple(re.findall(r"--c\d: light-dark\((#\w+), ", THEME.read_text())) == PALETTE


def test_points_lie_where_their_values_say():
    x, y = np.array([1.0, 2.0, 3.0]), np.array([0.0, np.nan, 1.0])

    def draw(axes):
        axes.plot(x, y, "o-", color=PALETTE[0], label="a <b>")
        axes.plot(x[2:], y[2:], "o", markerfacecolor="none", label="_a <b>")
        axes.set(xlabel="epoch, from 1", ylabel="unit & more")

    svg = svg_chart(draw, 'a "label"', 330, 230)
    places = [(float(a), float(b)) for a, b in re.findall(r'cx="([\d.]+)" cy="([\d.]+)" r=', svg)]
    assert len(places) == 2 and places[0][0] < places[1][0] and places[0][1] > places[1][1]
    assert 'class="marked"' in svg and svg.count("a &lt;b&gt;: 1 at epoch 3") == 2
    assert 'role="img" aria-label="a &#34;label&#34;"' in svg and ">unit &amp; more</text>" in svg
    assert svg == svg_chart(draw, 'a "label"', 330, 230)
    # Colours are those of the page's style sheet, light or dark, and nothing refers to anything.
    assert not re.search(r"#|style=|url\(|href|id=|<defs|<style", svg.replace("&#34;", ""))


def test_places_fill_the_frame_and_equal_ones_its_middle():
    points = np.array([[0.0, 5.0], [10.0, 5.0]])
    assert fit_into(points, 100, 50, 10).tolist() == [[10, 25], [90, 25]]


def test_the_report_opens_in_a_browser_offline_and_shows_titles(page_file):
    with chromium() as browser, watched_page(browser, viewport={"width": 360, "height": 700}) as page:
        page.context.set_offline(True)
        page.goto(page_file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        film = page.locator("svg.map circle").last
        film.hover(force=True)
        assert page.locator("#tip").inner_text().startswith(ATTACK)
        page.fill("#find", "film 7 (")
        assert page.locator("svg.map circle.hit").count() == 1 and page.inner_text("#found") == "1 film"
        page.locator('#methods [data-name="baseline 1"]').hover()
        assert page.locator(".line.picked").get_attribute("data-name") == "baseline 1"
