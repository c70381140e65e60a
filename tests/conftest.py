"""Shared fixtures: the real ml-100k, fetched once a session, for the tests marked ``network``."""

import os
from pathlib import Path

import pytest

from data import recbole
from data.archives import BadArchive
from utils.errors import WorldError


@pytest.fixture(scope="session")
def recbole_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that carries ml-100k, fetched with pip; skips when the index does not answer."""
    try:
        return recbole.download_wheel(tmp_path_factory.mktemp("wheel"))
    except WorldError as error:
        reason = f"the package index did not give ml-100k: {error}"
        if os.environ.get("PINSAGE_REQUIRE_NETWORK") == "1":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def ml_100k_dir(recbole_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder named ml-100k with the real ratings.csv and movies.csv; not to be written into."""
    folder = tmp_path_factory.mktemp("real") / "ml-100k"
    folder.mkdir()
    try:
        recbole.convert_wheel(recbole_wheel, folder)
    except BadArchive as error:
        pytest.fail(str(error))
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every ``network`` test depends on the wheel, so that all of them skip or fail by one rule."""
    for item in items:
        if item.get_closest_marker("network") and "recbole_wheel" not in item.fixturenames:
            item.fixturenames.insert(0, "recbole_wheel")
