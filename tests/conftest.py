"""Shared fixtures: the real ml-100k, fetched once a session, for the tests marked ``network``."""

import os
from pathlib import Path

import pytest

from base.errors import WorldError
from data.sources import recbole
from data.sources.archives import BadArchive


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


@pytest.fixture(scope="session")
def trained_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with planted data and a model trained on it, for the tests of the web page."""
    from commands.entry import main_train
    from tests.commands.test_commands import FAST, flags
    from tests.planted import planted_movielens

    folder = tmp_path_factory.mktemp("served")
    planted_movielens(folder / "planted")
    assert main_train([*flags(folder), "--epochs", "3", *FAST]) == 0
    return folder


@pytest.fixture(scope="session")
def served_films(trained_folder: Path) -> "Films":  # type: ignore[name-defined]  # noqa: F821
    """What the web page answers from."""
    from config import SearchConfig
    from model.checkpoint import load_checkpoint
    from serve.films import Films

    checkpoint = load_checkpoint(trained_folder / "checkpoints" / "best.pt")
    return Films(checkpoint, SearchConfig(ivf_partitions=4), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every ``network`` test depends on the wheel, so that all of them skip or fail by one rule."""
    for item in items:
        if item.get_closest_marker("network") and "recbole_wheel" not in item.fixturenames:
            item.fixturenames.insert(0, "recbole_wheel")
