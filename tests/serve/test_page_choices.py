"""The page's choices, its address, shared lists, two models and own data, in headless Chromium."""

import json

import pytest

from commands.entry import main_train
from config import SearchConfig
from model.checkpoint import load_checkpoint
from recommend.recommender import Recommender
from serve.films import Films
from serve.two_models import ComparedModel
from tests.browser import chromium, watched_page
from tests.commands.test_commands import FAST, flags
from tests.planted import planted_movielens
from tests.serve.test_serve_page import opened_page, served, titles

BOOKS = {"item": "book", "items": "books"}


def write_books(folder):
    """The planted data as books of a shop, with a column of authors, one of prices and articles in titles."""
    planted_movielens(folder)
    lines = (folder / "movies.csv").read_text().splitlines()[1:]
    rows = ["id,title,genres,author,price"]
    for place, line in enumerate(lines):
        movie, title, genres = line.split(",", 1)[0], f'"Book {place:03d}, The"', line.rsplit(",", 1)[1]
        rows.append(f"{movie},{title},{genres},{'' if place == 3 else f'Author {place % 4}'},{place + 0.5}")
    (folder / "books.csv").write_text("\n".join(rows) + "\n")
    items = {"file": "books.csv", "id": "id", "title": "title", "genres": "genres"}
    items |= {"categories": ["author"], "numbers": ["price"]}
    interactions = {"file": "ratings.csv", "user": "userId", "item": "movieId", "rating": "rating"}
    schema = {"items": items, "interactions": interactions | {"timestamp": "timestamp"}, "words": BOOKS}
    (folder / "schema.json").write_text(json.dumps(schema))


@pytest.fixture(scope="module")
def films(tmp_path_factory, trained_folder):
    """Books, and a second model of one epoch."""
    folder = tmp_path_factory.mktemp("books")
    write_books(folder / "planted")
    assert main_train([*flags(folder), "--epochs", "3", *FAST]) == 0
    model = load_checkpoint(folder / "checkpoints" / "best.pt")
    other = Recommender.load(folder / "checkpoints" / "last.pt", search=SearchConfig())
    shuffled = other.checkpoint.query_embeddings.flip(0)
    other.query_embeddings = shuffled.numpy()  # a model that finds something else
    return Films(model, SearchConfig(ivf_partitions=4), None, lambda: ComparedModel("the other one", other))


@pytest.fixture(scope="module")
def address(films):
    with chromium() as browser, served(films) as url:
        yield browser, url


@pytest.fixture
def page(address):
    with opened_page(address) as page:
        page.wait_for_selector("#conditions:not([hidden])", state="attached")
        yield page


def test_the_page_speaks_of_books_and_shows_titles_as_people_say_them(page):
    assert page.inner_text("h1") == "Books that go together"
    assert page.inner_text("#mine-title") == "Your books" and "40 books" in page.inner_text("#info")
    assert all(title.startswith("The Book") for title in titles(page, "#panel-similar"))
    assert page.inner_text(".lead strong").startswith("The Book") and "film" not in page.inner_text("body")


def test_choices_are_in_the_address_and_back_undoes_them(page):
    before = titles(page, "#panel-similar")
    page.focus("#popularity")
    page.keyboard.press("Home")
    page.wait_for_function("() => location.hash.includes('popularity=-1')")
    page.click("#more summary")
    page.select_option("#k", "20")
    page.wait_for_selector("#panel-similar .films > li:nth-child(20)")
    page.select_option("#method", "lsh")
    page.focus("#diversity")
    page.keyboard.press("End")
    page.wait_for_function("() => location.hash.includes('diversity=1')")
    assert {"k=20", "method=lsh", "popularity=-1"} < set(page.url.split("#")[1].split("&"))
    shared = page.url
    for _ in range(4):
        page.go_back()
    page.wait_for_function("() => document.querySelectorAll('#panel-similar .films > li').length === 10")
    page.wait_for_function(
        "() => document.querySelector('#popularity').value === '0' && !location.hash.includes('k=')"
    )
    page.wait_for_function(
        "first => document.querySelector('#panel-similar .title').textContent === first", arg=before[0]
    )
    page.goto("about:blank")
    page.goto(shared)
    page.wait_for_selector("#panel-similar .films > li:nth-child(20)")
    chosen = [page.input_value(f"#{name}") for name in ("popularity", "diversity", "k", "method")]
    assert chosen == ["-1", "1", "20", "lsh"]


def test_conditions_are_built_shown_and_removed(page, films):
    page.click("#more summary")
    page.select_option("#column", "author")
    page.select_option("#value", "Author 1")
    page.click("#add-condition")
    page.wait_for_function("() => document.querySelectorAll('#panel-similar .films > li').length < 10")
    numbers = [int(title.split()[2]) for title in titles(page, "#panel-similar")]
    assert numbers and all(number % 4 == 1 for number in numbers)
    page.select_option("#column", "price")
    page.fill("#lowest", "10")
    page.fill("#highest", "30")
    page.click("#add-condition")
    page.wait_for_selector("#chips li:nth-child(2)")
    assert page.locator("#chips li").first.inner_text().startswith("author = 'Author 1'")
    page.wait_for_function("() => document.querySelectorAll('#panel-similar .films > li').length <= 5")
    assert all(10 <= int(title.split()[2]) + 0.5 <= 30 for title in titles(page, "#panel-similar"))
    page.fill("#condition", "not price < 20")
    page.keyboard.press("Enter")
    page.wait_for_selector("#chips li:nth-child(3)")
    page.wait_for_function("() => document.querySelectorAll('#panel-similar .films > li').length <= 3")
    while page.locator("#chips button").count():
        page.locator("#chips button").last.click()
    page.wait_for_function("() => document.querySelectorAll('#panel-similar .films > li').length === 10")
    assert "where" not in page.url


def test_a_wrong_condition_is_said_with_its_place_and_can_be_removed(address):
    browser, url = address
    page = browser.new_page()  # its console reports the 422
    page.goto(f"{url}/#where=weight+>+3")
    page.get_by_text("there is no column 'weight'").wait_for()
    page.click("#chips button")
    page.wait_for_selector("#panel-similar .films")
    assert not page.locator("#problem").is_visible() and "where" not in page.url
    page.close()


def test_own_columns_and_details_stand_with_an_item(page):
    first = page.locator("#panel-similar .films > li").first
    assert not first.locator("dl").is_visible()
    first.locator("summary").press("Enter")
    number = int(first.locator(".title").inner_text().split()[2])
    assert (
        f"price\n{number + 0.5}" in first.inner_text() and "walk neighbours in common" in first.inner_text()
    )
    assert page.locator("#panel-similar > dl").inner_text().startswith("author")


def test_a_list_is_shared_only_by_its_own_link(page):
    for place in (0, 1):
        page.locator("#panel-similar .add").nth(place).click()
    page.click("#tab-person")
    page.wait_for_selector("#panel-person .films")
    assert "seen" not in page.url
    page.click("#share")
    link = page.input_value("#link")
    assert link.count("seen=") == 2
    own = page.locator("#mine .title").all_inner_texts()
    page.evaluate(
        "localStorage.setItem(Object.keys(localStorage).find((name) => name.includes('planted')), '[]')"
    )
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_selector("#lent:not([hidden])")
    page.wait_for_selector("#panel-person .films")
    assert page.locator("#mine .title").all_inner_texts() == own
    page.click("#give-back")
    page.wait_for_function(
        "() => !document.querySelectorAll('#mine li').length && !location.hash.includes('seen')"
    )
    page.go_back()
    page.wait_for_selector("#mine li:nth-child(2)")
    page.click("#keep")
    page.reload()
    page.wait_for_selector("#mine li:nth-child(2)")
    page.click("#clear")


def check_marks(page):
    """Both lists of the page, marked where they differ."""
    names = page.locator("#panel-models h2").all_inner_texts()
    assert names == ["this model", "the other one"]
    lists = [
        side.locator(".title").all_inner_texts() for side in page.locator("#panel-models .sides > div").all()
    ]
    for side, (mine, other) in enumerate((lists, lists[::-1])):
        items = page.locator("#panel-models .sides > div").nth(side).locator(".films > li")
        for place, title in enumerate(mine):
            if title not in other:
                mark = "only here"
            else:
                there = other.index(title)
                mark = "" if there == place else f"no. {there + 1} there"
            shown = items.nth(place).locator(".mark")
            assert (shown.inner_text().strip() if shown.count() else "") == mark
    return lists


def test_two_models_stand_side_by_side_with_marks(page):
    page.click("#tab-models")
    page.wait_for_selector("#panel-models .films")
    check_marks(page)


def test_two_models_are_compared_for_a_person_by_keyboard(page):
    page.click("#tab-models")
    page.wait_for_selector("#panel-models .films")
    of_film = check_marks(page)
    offered = page.locator("#compared option").all_inner_texts()
    assert offered == ["this book", "your list"] and page.input_value("#compared") == "film"
    page.focus("#compared")
    page.keyboard.press("ArrowDown")
    page.get_by_text("What is recommended to you then appears here.").wait_for()
    page.click("#tab-similar")
    for place in (0, 1):
        page.locator("#panel-similar .add").nth(place).click()
    page.focus("#tab-similar")
    page.keyboard.press("ArrowLeft")  # round to the last
    assert page.evaluate("document.activeElement.id") == "tab-models"
    page.get_by_text("By 2 books of yours. High ratings and later ones count more.").wait_for()
    assert page.input_value("#compared") == "person" and "compared=person" in page.url
    of_person = check_marks(page)
    seen = page.locator("#mine .title").all_inner_texts()
    assert of_person != of_film and not set(seen) & set(of_person[0] + of_person[1])
    page.click("#share")
    link = page.input_value("#link")
    assert "tab=models&compared=person" in link and link.count("seen=") == 2
    page.locator("#mine .remove").first.click()
    page.get_by_text("By 1 book of yours.").wait_for()
    title = page.locator("#panel-models .title").first.inner_text()
    page.locator("#panel-models .title").first.press("Enter")
    page.wait_for_function(
        "title => document.querySelector('#panel-models strong')?.textContent === title", arg=title
    )
    assert page.input_value("#compared") == "film"
    page.go_back()
    page.get_by_text("By 1 book of yours.").wait_for()
    page.goto("about:blank")
    page.goto(link)
    page.get_by_text("By 2 books of yours.").wait_for()
    page.click("#give-back")
    page.click("#clear")


def test_the_visitors_colours_are_kept(address):
    browser, url = address
    with watched_page(browser, color_scheme="dark") as page:
        page.goto(url)
        paper = "getComputedStyle(document.body).backgroundColor"
        dark = page.evaluate(paper)
        page.select_option("#theme", "light")
        light = page.evaluate(paper)
        page.reload()
        page.wait_for_selector("#map svg")
        assert page.evaluate(paper) == light != dark and page.input_value("#theme") == "light"
        page.select_option("#theme", "")
        assert page.evaluate(paper) == dark


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(address, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    browser, url = address
    with watched_page(
        browser, viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    ) as page:
        page.goto(f"{url}/#where=price+>+2")
        page.wait_for_selector("#map svg")
        page.wait_for_selector("#panel-similar .films")
        page.click("#more summary")
        page.locator("#panel-similar .add").first.click()
        page.locator("#panel-similar summary").first.click()
        for tab in ("similar", "person", "methods", "models", "models for a person"):
            if tab == "models for a person":
                page.select_option("#compared", "person")
                page.locator("#panel-models").get_by_text("By 1 book of yours.").wait_for()
            else:
                page.click(f"#tab-{tab}")
                page.wait_for_selector(f"#panel-{tab} .films")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            found = axe.run(page).response["violations"]
            serious = [one for one in found if one["impact"] in ("serious", "critical")]
            assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in serious] == []
        page.click("#clear")
        page.goto(f"{url}/docs")
        page.wait_for_selector("#schemas section")
        found = axe.run(page).response["violations"]
        assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
