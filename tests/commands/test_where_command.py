"""``--where``: conditions on the command line, with files of ids and columns of own data."""

import json

import pytest

from commands.entry import main_everything, main_inference
from tests.commands.test_commands import flags, refused
from tests.data.test_item_files import NUM_ITEMS, shop
from tests.workspaces import ask, trained


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A shop and its trained model."""
    folder = tmp_path_factory.mktemp("shop")
    shop(folder / "shop")
    return trained(folder, "--epochs", "1", data="shop")


def found(workspace, capsys, where, *argv):
    """The numbers of the items that are found under a condition, ascending."""
    argv = [
        "--num_recommendations",
        "99",
        "--format",
        "json",
        "--where",
        where,
        *(argv or ("--movie_id", "sku000")),
    ]
    (answer,) = json.loads(ask(workspace, capsys, *argv, data="shop"))
    return sorted(int(film["movieId"][3:]) for film in answer["recommendations"])


def price(number):
    """As ``shop`` writes it; items without one have None."""
    return None if number % 9 == 8 else 1 + number * 0.5


OTHERS = range(1, NUM_ITEMS)


@pytest.mark.parametrize(
    ("where", "fulfils"),
    [
        ("price >= 10", lambda n: price(n) is not None and price(n) >= 10),
        ("not price >= 10", lambda n: price(n) is not None and price(n) < 10),
        ("price is unknown", lambda n: price(n) is None),
        ("brand = B1 and stock > 20", lambda n: n % 3 == 1 and n > 20),
        ("Brand in (B0, B2) or STOCK = 4", lambda n: n % 3 != 1 or n == 4),
        ("title = 'Thing 7' or id = sku009", lambda n: n in (7, 9)),
    ],
)
def test_columns_of_own_data(workspace, capsys, where, fulfils):
    assert found(workspace, capsys, where) == [n for n in OTHERS if fulfils(n)]


def test_every_question_takes_a_condition(workspace, capsys):
    for argv in (["--title", "thing 4"], ["--history", "sku004, sku006"], ["--user_id", "b3"]):
        numbers = found(workspace, capsys, "brand = B1", *argv)
        assert numbers and all(number % 3 == 1 for number in numbers)
    (workspace / "ids.txt").write_text("sku004\nsku005\n")
    text = ask(
        workspace, capsys, "--movie_ids", str(workspace / "ids.txt"), "--where", "id = sku004", data="shop"
    )
    assert "0 instead of 10: no other films fulfil the condition" in text and "Thing 4" in text


def test_files_of_ids(workspace, capsys):
    seen = workspace / "seen ids.txt"
    seen.write_text("# seen\nsku001\r\n\nsku003\nunknown\n")
    assert found(workspace, capsys, f"not id in @'{seen}' and stock < 6") == [2, 4, 5]
    assert found(workspace, capsys, f"id in @'{seen}'") == [1, 3]
    seen.write_text("")
    assert found(workspace, capsys, f"not id in @'{seen}' and stock < 3") == [1, 2]
    argv = [*flags(workspace, "shop"), "--movie_id", "sku000", "--where"]
    assert "--where @nowhere.txt cannot be read (No such file or directory); name a file" in refused(
        capsys, main_inference, [*argv, "id in @nowhere.txt"]
    )
    seen.write_bytes(b"\xff\xfe")
    assert "is not UTF-8 text" in refused(capsys, main_inference, [*argv, f"id in @'{seen}'"])
    seen.write_text("\n1,5\n")
    assert f"--where @{seen}, line 2: 'price' must be compared with numbers" in refused(
        capsys, main_inference, [*argv, f"price in @'{seen}'"]
    )


def test_a_wrong_condition_names_the_flag_and_the_place(workspace, capsys):
    argv = [*flags(workspace, "shop"), "--movie_id", "sku000", "--where"]
    assert "error: --where, character 7: there is no column 'prize'; did you mean price?" == refused(
        capsys, main_inference, [*argv, "not ( prize > 3)"]
    )
    assert "error: --where, character 11: expected a value" in refused(
        capsys, main_inference, [*argv, "price in ("]
    )


def test_the_whole_way_looks_at_the_condition_before_it_downloads(capsys, tmp_path):
    line = refused(capsys, main_everything, ["--data_dir", str(tmp_path / "none"), "--where", "year >"])
    assert "--where, character 7: expected a value" in line and not (tmp_path / "none").exists()


def test_an_added_item_brings_its_columns(workspace, capsys):
    new = {
        "title": "New thing",
        "numbers": {"price": 500},
        "categories": {"brand": "B1"},
        "keep": {"stock": "77"},
    }
    path = workspace / "new.json"
    path.write_text(json.dumps(new | {"keep": {"stok": "77"}}))
    argv = [*flags(workspace, "shop"), "--new_movie", str(path)]
    assert "keep.stok is unknown to the model; it knows stock" in refused(capsys, main_inference, argv)
    path.write_text(json.dumps(new))
    ask(workspace, capsys, "--new_movie", str(path), "--add", data="shop")
    argv = [
        "--movie_id",
        "sku000",
        "--format",
        "json",
        "--where",
        "price >= 500 and stock = 77",
    ]
    (answer,) = json.loads(ask(workspace, capsys, *argv, data="shop"))
    assert [film["title"] for film in answer["recommendations"]] == ["New thing"]
    (workspace / "checkpoints" / "added.json").unlink()
