"""The page from end to end in headless Chromium, as a person uses it."""

import threading
from contextlib import contextmanager

import pytest
import uvicorn

from commands.entry import main_train
from config import SearchConfig
from model.checkpoint import load_checkpoint
from serve.app import create_app
from serve.films import Films
from tests.browser import chromium, watched_page
from tests.commands.test_commands import FAST, flags
from tests.other_data import SHIFT, large_ids, out_of_ten
from tests.planted import block_of


@contextmanager
def served(films):
    """The address of a server that answers from ``films``."""
    server = uvicorn.Server(uvicorn.Config(create_app(films), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def address(served_films):
    with chromium() as browser, served(served_films) as url:
        yield browser, url


@contextmanager
def opened_page(address):
    """The page of a server, once it shows films and the map; ``address`` is a browser and the server's."""
    browser, url = address
    with watched_page(browser, viewport={"width": 1100, "height": 800}) as page:
        page.goto(url)
        page.wait_for_selector("#map svg")
        page.wait_for_selector("#panel-similar .films")
        yield page


@pytest.fixture
def page(address):
    with opened_page(address) as page:
        yield page


def titles(page, panel):
    return page.locator(f"{panel} .films .title").all_inner_texts()


def test_a_film_is_found_with_the_keyboard_alone(page):
    page.focus("#query")
    page.keyboard.type("planted 01")
    page.wait_for_selector("#suggestions li")
    query = page.locator("#query")
    assert query.get_attribute("aria-expanded") == "true"
    assert query.get_attribute("aria-activedescendant") == "suggestion-0"
    page.keyboard.press("ArrowDown")
    assert query.get_attribute("aria-activedescendant") == "suggestion-1"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")  # round to the last
    chosen = page.locator('#suggestions [aria-selected="true"]').inner_text()
    page.keyboard.press("Enter")
    page.wait_for_function(
        "title => title.startsWith(document.querySelector('.lead strong').textContent)", arg=chosen
    )
    assert query.get_attribute("aria-expanded") == "false"
    page.wait_for_function("document.querySelectorAll('#panel-similar .films > li').length === 10")
    page.focus("#query")
    page.keyboard.type("planted")
    page.wait_for_selector("#suggestions li")
    page.keyboard.press("Escape")
    assert not page.locator("#suggestions").is_visible()


def test_back_returns_to_the_film_before(page):
    before = page.inner_text(".lead strong")
    page.locator("#panel-similar .films .title").first.click()
    page.wait_for_function(
        "before => document.querySelector('.lead strong').textContent !== before", arg=before
    )
    page.go_back()
    page.wait_for_function(
        "before => document.querySelector('.lead strong').textContent === before", arg=before
    )


def test_a_title_like_nothing_is_said(page):
    page.fill("#query", "xylophone")
    page.wait_for_selector("#suggestions .none")
    page.keyboard.press("Enter")  # chooses nothing
    assert page.locator("#suggestions .none").count() == 1


def test_methods_stand_side_by_side_and_tabs_take_arrows(page):
    page.focus("#tab-similar")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-methods"
    page.wait_for_selector("#panel-methods .facts")
    sides = page.locator("#panel-methods .facts")
    assert sides.count() == 3 and all("recall 100 %" in text for text in sides.all_inner_texts())
    page.keyboard.press("ArrowRight")  # past the hidden tab of two models
    assert page.locator("#panel-similar").is_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#panel-person").is_visible()


def test_a_history_is_built_by_clicks_rated_and_kept(page):
    add = page.locator("#panel-similar .films .add")
    names = [text.split(":")[0] for text in (add.nth(i).get_attribute("aria-label") for i in (0, 2))]
    add.nth(0).click()
    add.nth(2).press("Enter")
    assert add.nth(0).get_attribute("aria-pressed") == "true"
    page.click("#tab-person")
    page.wait_for_selector("#panel-person .films > li:nth-child(10)")
    page.select_option(f'select[aria-label="your rating of {names[1]}"]', "5")
    page.get_by_text(f"because you rated {names[1]} 5").first.wait_for()
    assert not set(names) & set(titles(page, "#panel-person"))
    page.reload()
    page.wait_for_selector("#mine select")
    assert page.inner_text("#tab-person") == "For you (2)"
    assert page.locator("#panel-person").is_visible()  # the address says so
    page.click("#clear")
    assert page.locator("#mine li").count() == 0 and page.inner_text("#tab-person") == "For you"


def test_a_point_of_the_map_asks_for_its_film(page):
    circle = page.locator("#map circle").nth(5)
    name = circle.get_attribute("aria-label")
    circle.hover(force=True)
    assert page.inner_text("#tip").startswith(name)
    circle.click(force=True)
    page.wait_for_function("name => document.querySelector('.lead strong').textContent === name", arg=name)
    assert page.locator("circle.asked").get_attribute("aria-label") == name
    found = [int(n.split()[1]) for n in titles(page, "#panel-similar")]
    assert sum(block_of(movie) == block_of(int(name.split()[1])) for movie in found) >= 7


def test_the_map_is_walked_with_arrows(page):
    page.focus("#query")
    page.locator("#map svg").focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
    name = page.locator("circle.here").get_attribute("aria-label")
    assert name in page.inner_text("#here")
    page.keyboard.press("Enter")
    page.wait_for_function("name => document.querySelector('.lead strong').textContent === name", arg=name)


def test_narrow_screens_need_no_sideways_scrolling(page):
    page.set_viewport_size({"width": 340, "height": 700})
    for tab in ("#tab-similar", "#tab-methods", "#tab-person"):
        page.click(tab)
        assert page.evaluate("document.documentElement.scrollWidth") <= 340


def test_focus_is_visible_on_every_stop(page):
    page.keyboard.press("Tab")
    for _ in range(12):
        style = page.evaluate(
            "() => (({ outlineStyle, outlineWidth }) => [outlineStyle, outlineWidth])"
            "(getComputedStyle(document.activeElement))"
        )
        assert style == ["solid", "3px"], page.evaluate("document.activeElement.outerHTML")
        page.keyboard.press("Tab")


def test_the_api_page_explains_and_tries_every_route(address):
    browser, url = address
    with watched_page(browser) as page:
        page.goto(f"{url}/docs")
        page.wait_for_selector("#schemas section")
        assert page.locator("#routes section").count() == 13
        page.click('[aria-label="try get /api/movies/{movie_id}/recommendations"]')
        page.wait_for_selector("pre:not([hidden])")
        assert "200 in" in page.inner_text("pre:not([hidden])")
        page.locator("textarea").first.fill('{"history": [{"movieId": 7}]}')
        page.click('[aria-label="try post /api/recommendations"]')
        page.get_by_text("because of Planted 007").first.wait_for()


def test_a_film_that_is_not_there_is_said_on_the_page(address):
    browser, url = address
    page = browser.new_page()  # its console reports the 404
    page.goto(f"{url}/#999")
    page.get_by_text("no film has the id '999'").wait_for()
    page.close()


def films_of(folder, data):
    """What a page answers from, trained on data that ``data`` writes."""
    data(folder / "planted")
    assert main_train([*flags(folder), "--epochs", "3", *FAST]) == 0
    return Films(load_checkpoint(folder / "checkpoints" / "best.pt"), SearchConfig(ivf_partitions=4), None)


def test_large_ids_are_opaque_to_the_page(tmp_path, address):
    films = films_of(tmp_path, large_ids)
    with served(films) as url, watched_page(address[0]) as page:
        page.goto(url)
        page.wait_for_selector("#map svg")
        circles = page.locator("#map circle")
        names = [circles.nth(place).get_attribute("aria-label") for place in range(circles.count())]
        assert len(names) == len(set(names)) == 40
        shown = "name => document.querySelector('.lead strong')?.textContent === name"
        for name in names[:6]:
            page.locator(f'#map circle[aria-label="{name}"]').dispatch_event("click")  # others may lie on it
            page.wait_for_function(shown, arg=name)
            assert page.url.endswith(f"#film={SHIFT + int(name.split()[1])}")
            assert page.locator("circle.asked").get_attribute("aria-label") == name
            assert page.locator("circle.found").count() == 10
        page.locator("#panel-similar .films .add").first.click()
        assert page.locator('#panel-similar .add[aria-pressed="true"]').count() == 1
        page.click("#tab-person")
        page.get_by_text("because you rated").first.wait_for()
        page.reload()
        page.wait_for_selector("#mine select")
        assert page.inner_text("#tab-person") == "For you (1)"


def test_ratings_of_ten_are_given_and_shown_as_such(tmp_path, address):
    films = films_of(tmp_path, out_of_ten)
    with served(films) as url, watched_page(address[0]) as page:
        page.goto(url)
        page.wait_for_selector("#panel-similar .films")
        add = page.locator("#panel-similar .films .add").first
        name = add.get_attribute("aria-label").split(":")[0]
        add.click()
        page.click("#tab-person")
        page.get_by_text(f"because you rated {name} 8").first.wait_for()
        select = page.locator(f'select[aria-label="your rating of {name}"]')
        offered = [f"{rating} of 10" for rating in range(10, 0, -1)]
        assert select.locator("option").all_inner_texts() == offered and select.input_value() == "8"
        select.select_option("10")
        page.get_by_text(f"because you rated {name} 10").first.wait_for()
        select.select_option("3")
        page.get_by_text(f"near {name}, which you rated 3").first.wait_for()


def test_stars_are_offered_as_before(page):
    page.locator("#panel-similar .films .add").first.click()
    stars = ["5", "4.5", "4", "3.5", "3", "2.5", "2", "1.5", "1", "0.5"]
    select = page.locator("#mine select")
    assert select.locator("option").all_inner_texts() == [f"★ {number}" for number in stars]
    assert select.input_value() == "4"
    page.click("#clear")
