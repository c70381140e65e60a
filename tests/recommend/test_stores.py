"""Files for other stores, opened by these stores and searched."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from base.errors import UserError
from config import STORES
from recommend.stores import registry
from recommend.stores.catalogue import Catalogue, decimals
from recommend.stores.registry import ENCODER, WRITERS
from search.exact import ExactIndex
from tests.fuzzing import fuzz
from tests.recommend.catalogues import HOSTILE, catalogue_of, crowded
from tests.trained import trained_checkpoint

INSTALL = "not installed: pip install -r requirements-stores.txt"
K = 10


@pytest.fixture(scope="module")
def items():
    return crowded()


def exact(items):
    """The rows of the nearest candidates of all queries, by our own index."""
    return ExactIndex().build(items.candidates, np.arange(len(items))).search(items.queries, K).ids


def recall(found, best):
    return np.mean([len({*mine} & {*theirs}) / K for mine, theirs in zip(found, best, strict=True)])


def assert_same_items(rows, catalogue):
    """Rows that a store gives back are the records of the catalogue; ids of columns are never rounded."""
    assert len(rows) == len(catalogue)
    for found in rows:
        wanted = catalogue.record(found["row"]) | {"id": catalogue.movies.public_id(found["row"])}
        assert {name: found[name] for name in wanted} == wanted


def test_the_settings_know_every_store():
    assert sorted(STORES) == sorted([*WRITERS, ENCODER]) == list(STORES)


def test_a_missing_package_is_named_before_anything_is_written(monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda package: None)
    registry.check_installed(["faiss", "qdrant", "pgvector"])
    for store in ("usearch", "lancedb", "onnx"):
        with pytest.raises(UserError, match=f"`to` {store} needs .*; run `pip install .*-stores.txt`"):
            registry.check_installed(["faiss", store])


def test_faiss_finds_exactly_what_we_find(items, tmp_path):
    import faiss

    WRITERS["faiss"](items, tmp_path)
    index = faiss.read_index(str(tmp_path / "items.faiss"))
    queries = np.load(tmp_path / "queries.npy")
    np.testing.assert_array_equal(queries, items.queries)
    scores, rows = index.search(queries, K)
    np.testing.assert_array_equal(rows, exact(items))
    np.testing.assert_allclose(scores[7], items.candidates[rows[7]] @ items.queries[7], atol=1e-6)


def test_usearch_finds_nearly_all_that_we_find(items, tmp_path):
    usearch = pytest.importorskip("usearch.index", reason=f"usearch is {INSTALL}")
    WRITERS["usearch"](items, tmp_path)
    index = usearch.Index.restore(tmp_path / "items.usearch")
    index.expansion_search = 256  # as its README says
    found = index.search(np.load(tmp_path / "queries.npy"), K)
    assert recall(found.keys, exact(items)) >= 0.99
    scores = (items.candidates[found.keys[7]] @ items.queries[7]).tolist()
    np.testing.assert_allclose(1 - found.distances[7], scores, atol=1e-6)


def test_lancedb_finds_what_we_find(items, tmp_path):
    lancedb = pytest.importorskip("lancedb", reason=f"lancedb is {INSTALL}")
    WRITERS["lancedb"](items, tmp_path)
    table = lancedb.connect(tmp_path).open_table("items")
    searches = [table.search(query, vector_column_name="candidate") for query in items.queries[:50]]
    found = [search.distance_type("dot").limit(K).to_list() for search in searches]
    assert recall([[film["row"] for film in films] for films in found], exact(items)[:50]) >= 0.999
    for films, query in zip(found, items.queries, strict=False):
        scores = [np.dot(film["candidate"], query) for film in films]
        np.testing.assert_allclose([1 - film["_distance"] for film in films], scores, atol=1e-5)


@pytest.mark.parametrize("text_ids", [False, True])
def test_lancedb_and_parquet_keep_hostile_texts(text_ids, tmp_path):
    lancedb = pytest.importorskip("lancedb", reason=f"lancedb is {INSTALL}")
    catalogue = catalogue_of(HOSTILE, text_ids)
    WRITERS["faiss"](catalogue, tmp_path)
    assert_same_items(parquet.read_table(tmp_path / "items.parquet").to_pylist(), catalogue)
    for _ in range(2):  # the second export takes the place of the first
        WRITERS["lancedb"](catalogue, tmp_path)
    table = lancedb.connect(tmp_path).open_table("items")
    assert_same_items(table.to_arrow().to_pylist(), catalogue)
    np.testing.assert_array_equal(table.to_arrow()["query"].to_pylist(), catalogue.queries)
    asked = table.search(catalogue.queries[4], vector_column_name="candidate").distance_type("dot")
    found = asked.where("columns.`price.in €` > 3").limit(100).to_list()
    assert sorted(film["row"] for film in found) == list(range(3, len(HOSTILE), 3))


@fuzz(50)
@given(st.lists(st.text(st.characters(exclude_categories=())), min_size=1, max_size=5), st.booleans())
def test_the_points_of_qdrant_are_json_whatever_the_texts(tmp_path, texts, two):
    catalogue = catalogue_of(texts, two=two)
    WRITERS["qdrant"](catalogue, tmp_path)
    lines = (tmp_path / "points.jsonl").read_bytes().split(b"\n")
    assert lines.pop() == b"" and len(lines) == len(texts)
    for row, line in enumerate(lines):
        point = json.loads(line, parse_constant=pytest.fail)
        assert point["id"] == row and point["payload"] == catalogue.record(row)
        number = 2**53 - 1 + row
        assert point["payload"]["id"] == (number if row == 0 else str(number))
        vectors = {name: np.float32(vector).tolist() for name, vector in point["vector"].items()}
        assert vectors == {name: part[row].tolist() for name, part in catalogue.vectors.items()}


@fuzz(200)
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_decimals_mean_the_same_numbers(values):
    vector = np.array(values, np.float32)
    np.testing.assert_array_equal(np.float32(json.loads(decimals(vector))), vector)


def test_qdrant_finds_what_we_find(items, tmp_path):
    qdrant_client = pytest.importorskip("qdrant_client", reason=f"qdrant-client is {INSTALL}")
    from examples.load_qdrant import load

    WRITERS["qdrant"](items, tmp_path)
    client = qdrant_client.QdrantClient(":memory:")
    load(client, tmp_path / "points.jsonl")
    best = exact(items)
    place = qdrant_client.models.LookupLocation(collection="items", vector="query")
    for row in range(0, len(items), 100):
        vector = items.queries[row].tolist()
        by_vector = client.query_points("items", vector, using="candidate", limit=K).points
        assert [point.id for point in by_vector] == best[row].tolist()
        # Asked by the id of a point, Qdrant leaves the point itself out.
        by_id = client.query_points("items", row, using="candidate", lookup_from=place, limit=K).points
        assert [point.id for point in by_id][: K - 1] == [r for r in best[row] if r != row][: K - 1]


@pytest.mark.parametrize("two", [True, False])
def test_qdrant_keeps_hostile_texts(tmp_path, two):
    qdrant_client = pytest.importorskip("qdrant_client", reason=f"qdrant-client is {INSTALL}")
    from examples.load_qdrant import load

    catalogue = catalogue_of(HOSTILE, text_ids=True, two=two)
    WRITERS["qdrant"](catalogue, tmp_path)
    client = qdrant_client.QdrantClient(":memory:")
    load(client, tmp_path / "points.jsonl", "hostile")
    assert_same_items([point.payload for point in client.scroll("hostile", limit=100)[0]], catalogue)


@pytest.mark.parametrize("store", ["faiss", "pgvector", "qdrant"])
def test_a_readme_says_what_a_query_must_do(store, tmp_path):
    (tmp_path / "queries.npy").write_bytes(b"of an earlier export")
    WRITERS[store](catalogue_of(["a"]), tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "inner product" in text and "is not its candidate" in text and "a whole number" in text
    WRITERS[store](catalogue_of(["a"], text_ids=True, two=False), tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "is its candidate." in text and "a text" in text
    assert store != "faiss" or not (tmp_path / "queries.npy").exists()


def test_a_catalogue_has_what_the_checkpoint_keeps_of_own_data():
    checkpoint = trained_checkpoint()
    count = len(checkpoint.movies)
    prices = torch.arange(count, dtype=torch.float64)
    prices[1] = torch.nan
    columns = {"price": prices, "brand": ["", *map(str, range(1, count))]}
    catalogue = Catalogue.of(replace(checkpoint, item_columns=columns))
    assert catalogue.record(0) == {
        "row": 0, "id": 10, "title": "Film 0 (1950)", "year": 1950, "genres": [],
        "columns": {"price": 0.0, "brand": None},
    }  # fmt: skip
    assert catalogue.record(1)["columns"] == {"price": None, "brand": "1"}
    assert catalogue.record(4)["year"] is None and catalogue.queries is not None
    same = Catalogue.of(replace(checkpoint, query_embeddings=checkpoint.embeddings))
    assert same.queries is None and "columns" not in same.record(0) and list(same.vectors) == ["candidate"]
