"""The page from end to end in headless Chromium, as a person uses it."""

import threading

import pytest
import uvicorn

from serve.app import create_app
from tests.browser import chromium, watched_page
from tests.planted import block_of


@pytest.fixture(scope="module")
def address(served_films):
    server = uvicorn.Server(uvicorn.Config(create_app(served_films), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    with chromium() as browser:
        thread.start()
        while not server.started:
            assert thread.is_alive()
        port = server.servers[0].sockets[0].getsockname()[1]
        yield browser, f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def page(address):
    browser, url = address
    with watched_page(browser, viewport={"width": 1100, "height": 800}) as page:
        page.goto(url)
        page.wait_for_selector("#map svg")
        page.wait_for_selector("#panel-similar .films")
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
    assert query.get_attribute("aria-expanded") == "false" and len(titles(page, "#panel-similar")) == 10
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
    assert page.evaluate("document.activeElement.id") == "tab-methods"
    sides = page.locator("#panel-methods .facts")
    assert sides.count() == 3 and all("recall 100 %" in text for text in sides.all_inner_texts())
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
    page.wait_for_selector("#panel-person .films > li:nth-child(20)")
    page.select_option(f'select[aria-label="your rating of {names[1]}"]', "5")
    page.get_by_text(f"because you rated {names[1]} 5").first.wait_for()
    assert not set(names) & set(titles(page, "#panel-person"))
    page.reload()
    page.wait_for_selector("#mine select")
    assert page.inner_text("#tab-person") == "For you (2)"
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
        assert page.locator("#routes section").count() == 7
        page.click('[aria-label="try get /api/movies/{movie_id}/recommendations"]')
        page.wait_for_selector("pre:not([hidden])")
        assert "200 in" in page.inner_text("pre:not([hidden])")
        page.locator("textarea").fill('{"history": [{"movieId": 7}]}')
        page.click('[aria-label="try post /api/recommendations"]')
        page.get_by_text("because of Planted 007").first.wait_for()


def test_a_film_that_is_not_there_is_said_on_the_page(address):
    browser, url = address
    page = browser.new_page()  # its console reports the 404
    page.goto(f"{url}/#999")
    page.get_by_text("no film has the id '999'").wait_for()
    page.close()
