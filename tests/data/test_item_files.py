"""A shop whose items have vectors, text, numbers and categories: from its files to answers."""

import json

import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet

from base.errors import UserError
from commands.entry import main_inference, main_modes, main_train
from config import Config
from data.content.facts import Content
from data.dataset import find_data, load_movielens
from data.reading.cache import load_columns
from data.splits import split_movielens
from model.checkpoint import load_checkpoint
from model.training import new_training, resumed_training
from tests.commands.test_commands import flags, refused
from tests.workspaces import trained

NUM_ITEMS, NUM_BUYERS, WIDTH = 40, 60, 6
KINDS = ("lamp", "shirt")
WORDS = {"lamp": "warm light brass", "shirt": "cotton collar sleeve"}


def kind_of(item: str) -> str:
    """Items of one kind belong together; even numbers are lamps."""
    return KINDS[int(item[3:]) % 2]


def item_vector(item: str, rng: np.random.Generator) -> np.ndarray:
    """A vector that tells the kind, and noise."""
    return rng.normal(size=WIDTH) * 0.3 + (np.arange(WIDTH) % 2 == KINDS.index(kind_of(item)))


def shop(folder, seed=0, **changed):
    """Write events and items with everything that a schema may name."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    items = [f"sku{number:03d}" for number in range(NUM_ITEMS)]
    rows = ["sku;name;blurb;price;brand;stock;p1;p2"]
    for number, item in enumerate(items):
        price = "" if number % 9 == 8 else f"{1 + number * 0.5:.2f}".replace(".", ",")
        rows.append(
            f"{item};Thing {number};{WORDS[kind_of(item)]} {number};{price};B{number % 3};{number};"
            f"{number},5;2"
        )
    (folder / "items.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    with_image = [item for number, item in enumerate(items) if number % 5]
    order = rng.permutation(with_image)
    np.save(folder / "image.npy", np.stack([item_vector(item, rng) for item in order]).astype(np.float16))
    (folder / "ids.txt").write_text("\n".join(order) + "\n", encoding="utf-8")
    events = ["who,what,when,how"]
    for buyer in range(NUM_BUYERS):
        own = [item for item in items if kind_of(item) == KINDS[buyer % 2]]
        for step, item in enumerate(rng.choice(own, 10, replace=False)):
            for view in range(1 + step % 3):
                events.append(f"b{buyer},{item},{1_600_000_000 + buyer * 7 + step * 60 + view}.5,view")
            if step % 4 == 0:
                events.append(f"b{buyer},{item},{1_600_000_000 + buyer * 7 + step * 60 + 30},buy")
    (folder / "events.csv").write_text("\n".join(events) + "\n", encoding="utf-8")
    schema = {
        "items": {
            "file": "items.csv", "separator": ";", "decimal": ",", "id": "sku", "title": "name",
            "vectors": [
                {"name": "image", "file": "image.npy", "ids": "ids.txt", "dim": 4},
                {"name": "sales", "columns": ["p1", "p2"]},
            ],
            "text": ["name", "blurb"], "numbers": ["price"], "categories": ["brand"], "keep": ["stock"],
        },
        "interactions": {
            "file": "events.csv", "user": "who", "item": "what", "timestamp": "when",
            "kind": {"column": "how", "weights": {"view": 1, "buy": 5}},
        },
    }  # fmt: skip
    schema["items"] |= changed
    (folder / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    return folder


def test_a_folder_gives_its_content(tmp_path):
    data = load_movielens(shop(tmp_path))
    content = data.content
    assert [block.name for block in content.vectors] == ["image", "sales"]
    image, sales = content.vectors
    assert image.values.dtype == np.float16 and len(image.movies) == 32 and 0 not in image.movies
    item = data.movies.text_ids[image.movies[0]]
    assert item == (tmp_path / "ids.txt").read_text().split()[0]
    np.testing.assert_allclose(sales.values[3], [3.5, 2])
    assert content.text[1] == "Thing 1 cotton collar sleeve 1" and content.title_is_text
    assert content.numbers["price"][2] == 2 and np.isnan(content.numbers["price"][8])
    assert content.categories["brand"][:4] == ["B0", "B1", "B2", "B0"] and content.kept["stock"][39] == "39"
    again = load_movielens(tmp_path)  # from the cache
    assert again.content.text == content.text and again.fingerprint == data.fingerprint
    np.testing.assert_array_equal(again.content.vectors[0].movies, image.movies)


def test_the_fingerprint_knows_the_vectors(tmp_path):
    seen = load_movielens(shop(tmp_path)).fingerprint
    values = np.load(tmp_path / "image.npy")
    values[0, 0] += 1
    np.save(tmp_path / "image.npy", values)
    assert load_movielens(tmp_path).fingerprint != seen


def test_a_parquet_table_with_a_list_column(tmp_path):
    shop(tmp_path, file="items.parquet", vectors=[{"name": "audio", "column": "audio"}], keep=[], numbers=[])
    lists = [None if number % 4 == 3 else [number * 1.0, 1.0] for number in range(NUM_ITEMS)]
    table = {
        "sku": [f"sku{number:03d}" for number in range(NUM_ITEMS)],
        "name": [f"Thing {number}" for number in range(NUM_ITEMS)],
        "blurb": ["text"] * NUM_ITEMS,
        "brand": [number % 3 for number in range(NUM_ITEMS)],
        "audio": pa.array(lists, pa.list_(pa.float32())),
    }
    parquet.write_table(pa.table(table), tmp_path / "items.parquet")
    content = load_movielens(tmp_path).content
    assert content.vectors[0].movies.tolist() == [row for row in range(NUM_ITEMS) if row % 4 != 3]
    np.testing.assert_array_equal(content.vectors[0].values[3], [4, 1])
    assert content.categories["brand"][4] == "1"


def bad(tmp_path, values=None, ids=None, **changed):
    """The message about a shop with other vectors."""
    folder = shop(tmp_path, **changed)
    if values is not None:
        np.save(folder / "image.npy", values)
    if ids is not None:
        (folder / "ids.txt").write_text("".join(f"{one}\n" for one in ids))
    with pytest.raises(UserError) as error:
        load_movielens(folder, cache=False)
    assert "\n" not in str(error.value)
    return str(error.value)


ONE = np.ones((2, 3), np.float32)


@pytest.mark.parametrize(
    ("values", "ids", "message"),
    [
        (ONE, ["sku000"], "block image has 2 vectors in image.npy and 1 ids in ids.txt"),
        (
            ONE,
            ["sku000", "sku999"],
            "line 2: block image has a vector for the id 'sku999', which no item has",
        ),
        (ONE, ["sku000", "sku000"], "line 2: block image has the id 'sku000' twice, first on line 1"),
        (
            ONE * [1, np.nan, 1],
            ["sku000", "sku001"],
            "the value nan at position 1 of the vector of id 'sku000'",
        ),
        (ONE * [1, np.inf, 1], ["sku000", "sku001"], "the value inf at position 1"),
        (ONE.astype(int), ["sku000", "sku001"], "must be float16, float32 or float64 of shape [n, width]"),
        (np.ones(3), ["sku000"], "got float64 of shape [3]"),
        (np.ones((1, 8193), np.float16), ["sku000"], "with a width of at most 8192"),
    ],
)
def test_bad_vectors_are_one_line_with_block_id_and_value(tmp_path, values, ids, message):
    assert message in bad(tmp_path, values, ids)


def test_other_mistakes_about_content_are_one_line_too(tmp_path):
    assert "image.npy is not a .npy file" in bad(
        tmp_path / "a", vectors=[{"name": "image", "file": "ids.txt", "ids": "ids.txt"}]
    ).replace("ids.txt is", "image.npy is")
    lists = [{"name": "audio", "column": "blurb"}]
    assert "which only a Parquet file can have" in bad(tmp_path / "b", vectors=lists)
    assert "name must be a finite number, got 'Thing 0'" in bad(tmp_path / "c", numbers=["name"])
    assert "items.vectors[0] must be an object with a name and either" in bad(
        tmp_path / "d", vectors=[{"name": "x"}]
    )
    assert "items.vectors must be a list of blocks with different names" in bad(
        tmp_path / "e", vectors=[{"name": "x", "column": "a"}, {"name": "x", "column": "b"}]
    )
    assert "no column 'colour' in the header" in bad(tmp_path / "f", keep=["colour"])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A shop and its trained model."""
    folder = tmp_path_factory.mktemp("shop")
    shop(folder / "shop")
    return trained(folder, "--epochs", "4", data="shop")


def test_the_checkpoint_keeps_columns_and_what_makes_features(workspace):
    stored = load_checkpoint(workspace / "checkpoints" / "best.pt")
    assert [part.name for part in stored.basis.content.parts] == ["image", "sales", "text", "price", "brand"]
    assert stored.item_columns["stock"][39] == "39" and stored.item_columns["brand"][1] == "B1"
    assert stored.item_columns["price"].dtype == torch.float64 and stored.item_columns["price"][2] == 2
    content = load_movielens(workspace / "shop").content
    again = stored.basis.content.features(content, NUM_ITEMS)
    np.testing.assert_array_equal(again, stored.features[:, -again.shape[1] :].numpy())


def new_item(workspace, capsys, **content):
    """The kinds of the ten items for a new one."""
    path = workspace / "new.json"
    path.write_text(json.dumps({"title": "New"} | content))
    capsys.readouterr()
    argv = [*flags(workspace, "shop"), "--new_movie", str(path), "--format", "json"]
    assert main_inference(argv) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    return [kind_of(film["movieId"]) for film in answer["recommendations"]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_item_is_placed_by_its_vector_or_its_text(workspace, capsys, kind):
    vector = (np.arange(WIDTH) % 2 == KINDS.index(kind)).astype(float).tolist()
    assert new_item(workspace, capsys, vectors={"image": vector}, text=WORDS[kind]).count(kind) >= 8
    assert new_item(workspace, capsys, text=WORDS[kind], numbers={"price": 3}, categories={"brand": "B1"})


def test_content_that_the_model_does_not_know_is_refused(workspace, capsys):
    path = workspace / "new.json"
    argv = [*flags(workspace, "shop"), "--new_movie", str(path)]
    for content, message in (
        ({"vectors": {"image": [1.0]}}, "vectors.image must have 6 numbers, as in training, got 1"),
        ({"vectors": {"sound": [1.0]}}, "vectors.sound is unknown to the model; it knows image, sales"),
        ({"numbers": {"weight": 1}}, "numbers.weight is unknown to the model; it knows price"),
        ({"categories": {"colour": "red"}}, "categories.colour is unknown to the model; it knows brand"),
        ({"vectors": {"image": ["a"]}}, "vectors.image[0] must be a finite number, got 'a'"),
    ):
        path.write_text(json.dumps({"title": "New"} | content))
        assert message in refused(capsys, main_inference, argv)


def test_a_resumed_training_equals_an_uninterrupted_one(tmp_path):
    data = load_movielens(shop(tmp_path))
    config = Config().override({"epochs": 3, "hidden_dim": 16, "embedding_dim": 8, "spectral_dim": 4})
    split = split_movielens(data, "leave_one_out", "data")
    whole = new_training(config, data, split, torch.device("cpu"))
    for _ in range(2):
        whole.trainer.train_epoch()
    half = new_training(config, data, split, torch.device("cpu"))
    half.trainer.train_epoch()
    stored = half.checkpoint(half.trainer.embeddings())
    stored.save(tmp_path / "half.pt")
    again = resumed_training(load_checkpoint(tmp_path / "half.pt"), config, data, split, torch.device("cpu"))
    again.trainer.train_epoch()
    for one, two in zip(whole.trainer.embeddings(), again.trainer.embeddings(), strict=True):
        assert torch.equal(one, two)


def test_shadows_keep_the_content_of_their_items(tmp_path):
    data = load_movielens(shop(tmp_path))
    config = Config().override({"spectral_dim": 4})
    split = split_movielens(data, "leave_one_out", "data")
    inputs = new_training(config, data, split, torch.device("cpu")).inputs
    num = inputs.basis.content.num_features
    kept = inputs.shadows.draw(0).features[:, -num:]
    assert torch.equal(kept, inputs.nodes.features[:, -num:])
    masked = inputs.shadows.draw(0, masked_share=1.0).features[:, -num:].numpy()
    np.testing.assert_array_equal(masked, inputs.basis.content.features(None, NUM_ITEMS))


def test_newer_data_keep_what_makes_features(workspace, tmp_path, capsys):
    newer = shop(workspace / "newer")
    with (newer / "items.csv").open("a") as file:
        file.write("sku040;Thing 40;warm light brass;3,00;B1;7;1;2\n")
    with (newer / "events.csv").open("a") as file:
        file.writelines(f"b{buyer},sku040,1700000000,buy\n" for buyer in range(0, 20, 2))
    argv = [*flags(workspace, "newer"), "--extend", str(workspace / "checkpoints"), "--epochs", "1"]
    argv[argv.index("--checkpoint_dir") + 1] = str(tmp_path / "extended")
    assert main_train(argv) == 0
    before, after = (
        load_checkpoint(f / "best.pt") for f in (workspace / "checkpoints", tmp_path / "extended")
    )
    np.testing.assert_array_equal(before.basis.content.parts[0].axes, after.basis.content.parts[0].axes)
    assert after.features.shape == (41, before.features.size(1)) and after.item_columns["stock"][40] == "7"


def test_damaged_content_in_a_checkpoint_is_refused(workspace, tmp_path):
    stored = torch.load(workspace / "checkpoints" / "best.pt", weights_only=True)
    stored["basis"]["content"]["parts"][0]["axes"] = torch.zeros(5, 4)
    torch.save(stored, tmp_path / "bad.pt")
    with pytest.raises(UserError, match=r"basis.content.image.axes must be float32 of shape \[6, any\]"):
        load_checkpoint(tmp_path / "bad.pt")


def test_no_content_is_none(tmp_path):
    folder = shop(tmp_path, vectors=[], text=[], numbers=[], categories=[], keep=[])
    assert load_movielens(folder).content is None
    assert Content() == Content()


def test_inspect_names_what_items_lack(workspace, capsys):
    assert (
        main_modes(
            [
                "--mode",
                "inspect",
                "--data_dir",
                str(workspace / "shop"),
                "--output_dir",
                str(workspace / "output"),
            ]
        )
        == 0
    )
    out = capsys.readouterr().out
    assert "image" in out and "price" in out


def test_columns_of_any_name_are_kept_in_the_cache(tmp_path):
    (tmp_path / "items.csv").write_text("id,price/eur,a%2Fb\nx,1.5,red\ny,2,blue\n", encoding="utf-8")
    (tmp_path / "log.csv").write_text("u,i\na,x\nb,y\n", encoding="utf-8")
    items = {"file": "items.csv", "id": "id", "numbers": ["price/eur"], "categories": ["a%2Fb"]}
    schema = {"items": items, "interactions": {"file": "log.csv", "user": "u", "item": "i"}}
    (tmp_path / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    first = load_movielens(tmp_path).content
    assert load_columns(tmp_path, find_data(tmp_path).fingerprint()) is not None
    again = load_movielens(tmp_path).content
    assert again.numbers["price/eur"].tolist() == first.numbers["price/eur"].tolist() == [1.5, 2]
    assert again.categories == first.categories == {"a%2Fb": ["red", "blue"]}
