"""Vectors, text, numbers and categories of items as features."""

import socket

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from base.errors import UserError
from data.content import vectors as vectors_module
from data.content.basis import ContentBasis, fit_content
from data.content.encoders import text_encoder
from data.content.facts import Content, ItemVectors
from data.content.table_columns import MAX_SPREADS, CategoryBasis, fit_categories, fit_numbers
from data.content.text import TEXT, TextBasis, fit_text
from data.content.vectors import LENGTH, fit_vectors
from tests.fuzzing import fuzz

CJK = ["红茶杯子", "红茶壶", "绿茶杯子", "儿童雨伞", "黑色雨伞", "雨伞套"]
LATIN = [
    "red tea cup",
    "red tea pot",
    "green tea cup",
    "child's umbrella",
    "black umbrella",
    "umbrella sleeve",
]


def block_of(values, rows=None, movies=None, dim=128):
    """Vectors of items 0, 1, … or of ``movies``."""
    rows = np.arange(len(values)) if rows is None else rows
    return ItemVectors("image", values, rows, np.arange(len(rows)) if movies is None else movies, dim)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_vectors_are_the_principal_components_of_standardised_columns(dtype):
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(60, 5)) * [1, 10, 0.1, 3, 5] + 7).astype(dtype)
    block = block_of(values, dim=3)
    basis = fit_vectors(block, 0)
    reduced, known = basis.features(Content((block,)), 60)
    wide = values.astype(np.float64)
    expected = PCA(3).fit_transform((wide - wide.mean(axis=0)) / wide.std(axis=0))
    expected *= LENGTH / np.sqrt((expected**2).sum(axis=1).mean())
    np.testing.assert_allclose(np.abs(reduced), np.abs(expected), atol=2e-2 if dtype == np.float16 else 1e-3)
    assert known.all() and reduced.dtype == np.float32


def test_items_without_a_vector_and_constant_columns_do_no_harm():
    values = np.array([[1.0, 5.0], [3.0, 5.0]], dtype=np.float32)
    block = block_of(values, movies=np.array([3, 1], dtype=np.int32))
    basis = fit_vectors(block, 0)
    reduced, known = basis.features(Content((block,)), 4)
    assert known.tolist() == [False, True, False, True] and np.isfinite(reduced).all()
    assert not reduced[[0, 2]].any() and reduced[3, 0] == -reduced[1, 0] != 0


def test_blocks_of_rows_give_what_the_whole_gives(monkeypatch):
    values = np.random.default_rng(1).normal(size=(50, 7)).astype(np.float32)
    block = block_of(values, dim=4)
    whole = fit_vectors(block, 0).features(Content((block,)), 50)[0]
    monkeypatch.setattr(vectors_module, "BLOCK_VALUES", 21)
    np.testing.assert_allclose(fit_vectors(block, 0).features(Content((block,)), 50)[0], whole, atol=1e-4)


def test_a_fit_sees_selected_items_only():
    values = np.random.default_rng(2).normal(size=(30, 4)).astype(np.float32)
    content = Content((block_of(values),), text=[f"word{i % 3} of {i}" for i in range(30)])
    known = content.select(np.arange(20), 30)
    changed = values.copy()
    changed[20:] = 1e6
    other = Content((block_of(changed),), text=content.text[:20] + ["other words"] * 10).select(
        np.arange(20), 30
    )
    one, two = (fit_content(part, 0).features(part, 20) for part in (known, other))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("texts", [LATIN, CJK])
def test_texts_of_one_subject_are_closer_in_any_script(texts):
    basis = fit_text(TEXT, texts, 0)
    features, known = basis.features(Content(text=texts), len(texts))
    cosine = features @ features.T / LENGTH**2
    assert known.all()
    assert cosine[0, 1] > cosine[0, 3] + 0.1 and cosine[3, 4] > cosine[3, 1] + 0.1


def test_text_without_a_known_term_is_masked_and_equal_texts_are_equal():
    basis = fit_text(TEXT, LATIN, 0)
    features, known = basis.features(Content(text=["", "RED tea  cup", "red tea cup", "ξυζ"]), 4)
    assert known.tolist() == [False, True, True, False]
    np.testing.assert_allclose(features[1], features[2], atol=1e-6)


def test_texts_that_share_nothing_give_no_features():
    basis = fit_text(TEXT, ["abc", "xyz", ""], 0)
    assert basis.num_features == 0 and not basis.features(Content(text=["abc"]), 1)[1].any()


def test_skewed_numbers_are_taken_by_their_logarithm():
    prices = np.array([1, 2, 3, 4, 5, 1000, np.nan])
    basis = fit_numbers("price", prices)
    scaled, known = basis.features(Content(numbers={"price": prices}), 7)
    logs = np.log1p(prices[:6])
    np.testing.assert_allclose(scaled[:6, 0], (logs - logs.mean()) / logs.std(), rtol=1e-6)
    assert basis.logarithm and known.tolist() == [True] * 6 + [False] and scaled[6] == 0
    even = fit_numbers("size", np.array([-1.0, 0, 1]))
    assert not even.logarithm
    assert even.features(Content(numbers={"size": np.array([1e9])}), 1)[0] == MAX_SPREADS


def test_few_categories_are_indicators_and_many_are_reduced():
    few = fit_categories("brand", ["b", "a", "", "b"], 0)
    indicators, known = few.features(Content(categories={"brand": ["a", "new", "", "b"]}), 4)
    assert isinstance(few, CategoryBasis) and indicators.tolist() == [[1, 0], [0, 0], [0, 0], [0, 1]]
    assert known.tolist() == [True, False, False, True]
    many = [f"brand {i % 400}" for i in range(1200)]
    basis = fit_categories("brand", many, 0)
    features, known = basis.features(Content(categories={"brand": many}), 1200)
    assert isinstance(basis, TextBasis) and known.all() and basis.num_features < 100
    np.testing.assert_allclose(features[:400], features[400:800], atol=1e-5)


@fuzz()
@given(st.data())
def test_a_basis_survives_plain_values_and_masks_hide_whole_parts(data):
    num = data.draw(st.integers(3, 12))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    has = rng.random(num) < 0.7
    content = Content(
        vectors=(block_of(rng.normal(size=(num, 3)), rows=np.flatnonzero(has), movies=np.flatnonzero(has)),),
        text=[
            " ".join(rng.choice(["a", "bb", "ccc", "dd"], 2)) if one else "" for one in rng.random(num) < 0.8
        ],
        numbers={"price": np.where(rng.random(num) < 0.5, np.nan, rng.random(num))},
        categories={"brand": rng.choice(["", "x", "y"], num).tolist()},
    )
    basis = fit_content(content, 0)
    features = basis.features(content, num)
    assert features.shape == (num, basis.num_features) and np.isfinite(features).all()
    older = {"text_columns": ["blurb"]}  # in checkpoints of before
    for plain in (basis.as_plain(), basis.as_plain() | older):
        np.testing.assert_array_equal(ContentBasis.from_plain(plain).features(content, num), features)
    np.testing.assert_array_equal(basis.masked(features, 0.0, np.random.default_rng(0)), features)
    nothing = basis.masked(features, 1.0, np.random.default_rng(0))
    np.testing.assert_array_equal(nothing, basis.features(None, num))
    assert not basis.described(nothing).any()


def test_wordllama_needs_no_network(monkeypatch):
    pytest.importorskip("wordllama")
    monkeypatch.setattr(socket, "socket", lambda *_, **__: pytest.fail("a socket was opened"))
    encoded = text_encoder("wordllama")(["a cup of tea", "a tea cup", "the stock market"])
    encoded = encoded / np.linalg.norm(encoded, axis=1, keepdims=True)
    assert encoded[0] @ encoded[1] > encoded[0] @ encoded[2] + 0.2


def test_a_model_of_sentence_transformers_from_a_folder(tmp_path):
    transformers = pytest.importorskip("sentence_transformers")
    from sentence_transformers.sentence_transformer import modules

    words = modules.BoW(vocab=["tea", "cup", "umbrella"])
    transformers.SentenceTransformer(modules=[words]).save(str(tmp_path / "tiny"))
    content = Content(text=["tea cup", "cup", "umbrella", ""], text_encoder=str(tmp_path / "tiny"))
    basis = fit_content(content, 0)
    features = basis.features(content, 4)
    assert features.shape == (4, basis.num_features) and features[3, -1] == 1
    with pytest.raises(UserError, match="cannot be read"):
        text_encoder(str(tmp_path / "none"))(["tea"])


def test_a_missing_package_is_named_in_one_line(monkeypatch):
    for module, name in (("wordllama", "wordllama"), ("sentence_transformers", "all-MiniLM-L6-v2")):
        monkeypatch.setitem(__import__("sys").modules, module, None)
        with pytest.raises(UserError, match="pip install -r requirements-text.txt"):
            text_encoder(name)
