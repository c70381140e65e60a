"""The script for PostgreSQL, read by PostgreSQL itself and by a reader of its text format."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommend.stores.pgvector import MOST_INDEXED, array_text, copy_line, write_pgvector
from search.exact import ExactIndex
from tests.fuzzing import fuzz
from tests.postgres import postgres
from tests.recommend.catalogues import HOSTILE, catalogue_of, crowded

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
ANY_ROW = 'SELECT row_to_json(one) FROM (SELECT * FROM pinsage_items ORDER BY "row") AS one;'


@pytest.fixture(scope="module")
def psql():
    with postgres() as run:
        yield run


def stored(text):
    """What PostgreSQL keeps of a text: neither NUL nor halves of surrogate pairs."""
    return re.sub("[\ud800-\udfff]", "?", text.replace("\0", "\ufffd"))


def loaded(psql, catalogue, folder):
    """The rows of the table after the script ran."""
    write_pgvector(catalogue, folder)
    psql((folder / "items.sql").read_text(encoding="utf-8"))
    return [json.loads(line) for line in psql(ANY_ROW).split("\n") if line]


@pytest.mark.parametrize(("text_ids", "two"), [(False, True), (True, False)])
def test_postgres_keeps_hostile_texts(psql, tmp_path, text_ids, two):
    catalogue = catalogue_of(HOSTILE, text_ids, two=two)
    rows = loaded(psql, catalogue, tmp_path)
    assert len(rows) == len(HOSTILE)
    for row, found in enumerate(rows):
        record = catalogue.record(row)
        number = catalogue.movies.public_id(row)
        own = {name: stored(v) if isinstance(v, str) else v for name, v in record["columns"].items()}
        assert found["id"] == (stored(number) if text_ids else number)
        assert found["title"] == stored(record["title"]) and found["year"] == record["year"]
        assert found["genres"] == list(map(stored, record["genres"])) and found["columns"] == own
        for name, part in catalogue.vectors.items():
            np.testing.assert_array_equal(np.float32(json.loads(found[name])), part[row])
    assert ("query" in rows[0]) == two


@fuzz(15)
@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=30))
def test_postgres_keeps_any_texts(psql, tmp_path, texts):
    rows = loaded(psql, catalogue_of(texts), tmp_path)
    assert [row["title"] for row in rows] == list(map(stored, texts))
    assert rows[-1]["genres"] == list(map(stored, texts[:-1]))


def test_postgres_finds_nearly_all_that_we_find(psql, tmp_path):
    items = crowded(600, 24)
    loaded(psql, items, tmp_path)
    ask = (tmp_path / "query.sql").read_text()
    assert ask.count('"row" = 0') == 2 and ask.count('"row" <> 0') == 1
    asked = range(0, 600, 30)
    best = ExactIndex().build(items.candidates, np.arange(600))
    for settings, least in (("SET enable_indexscan = off;", 1), ("SET enable_seqscan = off;", 0.97)):
        hits = 0
        for row in asked:
            script = settings + re.sub(r'"row" (=|<>) 0', rf'"row" \1 {row}', ask)
            found = [line.split("|") for line in psql(script).splitlines() if line]
            scores, ids = best.search(items.queries[row], 10, exclude=np.array([row]))
            hits += len({int(line[0]) for line in found} & set(ids.tolist()))
            if least == 1:
                np.testing.assert_allclose([float(line[2]) for line in found], scores, atol=1e-6)
        assert hits >= least * 10 * len(asked)


def test_more_numbers_than_pgvector_indexes(psql, tmp_path):
    for dim in (MOST_INDEXED, MOST_INDEXED + 1):
        catalogue = catalogue_of(["a", "b"], dim=dim, two=False)
        rows = loaded(psql, catalogue, tmp_path)
        np.testing.assert_array_equal(np.float32(json.loads(rows[1]["candidate"])), catalogue.candidates[1])
        indexes = psql("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%hnsw%';").split()
        assert indexes == ["1" if dim == MOST_INDEXED else "0"]
        readme = (tmp_path / "README.md").read_text(encoding="utf-8")
        assert ("There is no index" in readme) == (dim > MOST_INDEXED)


def test_a_script_that_is_run_again_takes_the_place_of_the_first(psql, tmp_path):
    assert len(loaded(psql, catalogue_of(["a", "b"], text_ids=True), tmp_path)) == 2
    assert [row["id"] for row in loaded(psql, catalogue_of(["c"]), tmp_path)] == [2**53 - 1]


def test_a_row_by_hand():
    assert copy_line(["a\tb", None, "", "c\\d\r\n"]) == "a\\tb\t\\N\t\tc\\\\d\\r\\n\n"
    assert array_text([]) == "{}"
    assert array_text(['a"b', "\\", "", "NULL"]) == r'{"a\"b","\\","","NULL"}'


@fuzz(300)
@given(st.lists(st.none() | ANY_TEXT, min_size=1))
def test_a_row_is_one_line_that_gives_its_values_back(values):
    line = copy_line(values)
    assert line.count("\n") == 1 and line.endswith("\n") and "\r" not in line and line != "\\.\n"
    assert [copied(field) for field in line[:-1].split("\t")] == values


@fuzz(300)
@given(st.lists(ANY_TEXT))
def test_an_array_gives_its_elements_back(values):
    text = array_text(values)
    assert re.fullmatch(r'\{("(\\.|[^"\\])*"(,(?=")|(?=\})))*\}', text, re.DOTALL)
    elements = re.findall(r'"((?:\\.|[^"\\])*)"', text, re.DOTALL)
    assert [re.sub(r"\\(.)", r"\1", element, flags=re.DOTALL) for element in elements] == values


def copied(field):
    """A value as ``COPY`` reads it."""
    if field == r"\N":
        return None
    named = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}
    return re.sub(r"\\(.)", lambda escape: named[escape[1]], field)
