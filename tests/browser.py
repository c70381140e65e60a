"""A headless Chromium for the tests of pages; they skip by name where there is none."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@contextmanager
def chromium() -> Iterator:
    """A Playwright browser around the machine's own Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium here (Debian: apt-get install chromium)")
    # Chromium refuses its sandbox to root; what it opens here is our own.
    sandbox = [] if hasattr(os, "getuid") and os.getuid() else ["--no-sandbox"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=sandbox)
        yield browser
        browser.close()


@contextmanager
def watched_page(browser, **options) -> Iterator:
    """A page that may say nothing on its console and ask nothing of other places; checked at the end."""
    page = browser.new_page(**options)
    page.set_default_timeout(15_000)
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    yield page
    local = ("file:", "data:", "http://127.0.0.1:")
    assert said == [] and [url for url in asked if not url.startswith(local)] == []
    page.close()
