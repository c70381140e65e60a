"""Recommendations under a condition: exactly k films that fulfil it, or all there are, by every index."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from config import SearchConfig
from data.dataset import load_movielens
from data.histories import History
from data.reading.film_file import FilmFile
from model.checkpoint import load_checkpoint, save_checkpoint
from model.new_films.from_checkpoint import append_films
from recommend.recommender import Recommender
from tests.factories import random_movielens
from tests.fuzzing import fuzz
from tests.planted import planted_movielens
from tests.recommend.naive_conditions import conditions, naive_rows, own_columns
from tests.trained import trained_checkpoint

NUM = 60
OWN, COLUMNS = own_columns(NUM)
CHECKPOINT = replace(trained_checkpoint(random_movielens(num_movies=NUM)), item_columns=COLUMNS)
METHODS = ("exact", "lsh", "ivf")
RECOMMENDERS = {
    method: Recommender(CHECKPOINT, search=SearchConfig(search_method=method, ivf_partitions=4))
    for method in METHODS
}
EXACT = RECOMMENDERS["exact"]
ALWAYS = "id is known"


def rows_of(answer):
    return [film.row for film in answer]


@fuzz(60)
@given(conditions, st.integers(0, NUM - 1), st.integers(1, NUM + 5), st.sampled_from(METHODS))
def test_a_film_gets_the_best_that_fulfil_a_condition(tree, row, k, method):
    allowed = np.setdiff1d(np.array(naive_rows(tree, CHECKPOINT.movies, OWN), dtype=np.int64), row)
    answer = RECOMMENDERS[method].similar(id=row + 10, k=k, where=tree)
    assert len(answer) == min(k, len(allowed)) and set(rows_of(answer)) <= set(allowed)
    if method == "exact":
        scores = EXACT.query_embeddings[row] @ EXACT.embeddings[allowed].T
        np.testing.assert_allclose([film.score for film in answer], np.sort(scores)[::-1][:k], atol=1e-5)


@fuzz(60)
@given(
    conditions,
    st.lists(st.integers(0, NUM - 1), min_size=1, max_size=8, unique=True),
    st.integers(1, NUM + 5),
    st.sampled_from(METHODS),
)
def test_a_person_gets_k_that_fulfil_a_condition_or_all(tree, seen, k, method):
    allowed = np.setdiff1d(naive_rows(tree, CHECKPOINT.movies, OWN), seen)
    answer = RECOMMENDERS[method].for_history([row + 10 for row in seen], k, where=tree)
    assert len(answer) == min(k, len(allowed)) == len(set(rows_of(answer)))
    assert set(rows_of(answer)) <= set(allowed) and {film.because for film in answer} <= set(seen)
    if len(answer) < k:
        assert answer.shortfall == f"{len(answer)} instead of {k}: no other films fulfil the condition"


@pytest.mark.parametrize("method", METHODS)
def test_a_condition_that_all_fulfil_changes_nothing(method):
    recommender = RECOMMENDERS[method]
    history = {12: 5, 20: 3, 33: None}
    assert recommender.similar(12, where=ALWAYS).films == recommender.similar(12).films
    assert recommender.for_history(history, where=ALWAYS).films == recommender.for_history(history).films
    # The person's own films keep their ranks, also where there are hardly more films than these.
    assert rows_of(recommender.for_history([12, 13], k=99, where=ALWAYS)) == rows_of(
        recommender.for_history([12, 13], k=99)
    )


def test_a_long_history_is_searched_until_k_are_found():
    """All films near to those of the person are theirs; the others must still be found."""
    seen = [row for row in range(NUM) if row % 3]
    history = History(np.array(seen), np.full(len(seen), np.nan, dtype=np.float32))
    found = EXACT.with_condition("id >= 0").suggest(history, NUM)
    assert sorted(film.row for film in found) == [row for row in range(NUM) if row % 3 == 0]
    assert EXACT.with_condition("id < 0").suggest(history, 5) == []
    assert (
        EXACT.with_condition({"column": "id", "op": "in", "value": [seen[0] + 10]}).suggest(history, 5) == []
    )


def test_many_films_are_answered_as_each_alone_however_few_fulfil_it():
    """A batch has as many columns as every query has; those that may be found themselves have fewer."""
    for where in ("id < 14", "id = 12", "genre = Drama", "id < 0"):
        recommender = EXACT.with_condition(where)
        for k in (1, 3, 4, 50):
            batch = list(recommender.similar_rows(range(NUM), k))
            alone = [next(recommender.similar_rows([row], k)) for row in range(NUM)]
            assert [[film.row for film in one] for one in batch] == [[f.row for f in one] for one in alone]
            assert len(batch[2]) == min(k, len(recommender.allowed) - (2 in recommender.allowed))


def test_guests_ask_under_a_condition_and_are_never_found():
    guest = {"title": "Guest (1960)", "genres": ["Drama"], "numbers": {}}
    answer = EXACT.similar(guest, k=NUM, where="year >= 1900")
    assert len(answer) == sum(CHECKPOINT.movies.year(row) is not None for row in range(NUM))
    with_guest = EXACT.with_guests([FilmFile("Guest (1960)", 1960, ("Drama",))])
    assert list(with_guest.with_condition("title = 'Guest (1960)'").similar_rows([NUM], 5)) == [[]]
    assert rows_of(next(with_guest.with_condition("year = 1960").answer_rows([NUM], 5))) == [10]


def test_a_condition_goes_with_popularity_and_can_be_taken_back():
    both = EXACT.with_popularity(1).with_condition("genre = Drama")
    other_order = EXACT.with_condition("genre = Drama").with_popularity(1)
    assert (
        both.similar(12).films
        == other_order.similar(12).films
        != EXACT.similar(12, where="genre=Drama").films
    )
    assert both.with_condition(None).similar(12).films == EXACT.with_popularity(1).similar(12).films
    assert EXACT.allowed is None and EXACT.similar(12, k=99).shortfall.endswith("has no other films")
    # A condition of a call takes the place of the recommender's own.
    assert both.similar(12, where=ALWAYS).films == EXACT.with_popularity(1).similar(12).films


@pytest.mark.parametrize("method", METHODS)
def test_varied_lists_fulfil_a_condition(method):
    for where, k in (("genre = Drama", 5), ("year >= 1990 and price > 3", 7), ("id in (12, 13, 40)", 9)):
        allowed = set(EXACT.with_condition(where).allowed)
        for answer, seen in (
            (RECOMMENDERS[method].similar(12, k, where=where, diversity=0.7), {2}),
            (RECOMMENDERS[method].for_history([12, 13], k, where=where, diversity=0.7), {2, 3}),
        ):
            assert len(answer) == min(k, len(allowed - seen)) and set(rows_of(answer)) <= allowed - seen


def test_users_of_the_data(tmp_path):
    folder = planted_movielens(tmp_path / "planted")
    model = trained_checkpoint(load_movielens(folder))
    data = load_movielens(folder)
    model = replace(model, dataset=model.dataset | {"data": data.fingerprint})
    answer = Recommender(model).for_user(int(data.user_ids[0]), 5, data=data, where="year >= 1990")
    assert 0 < len(answer) <= 5 and all(film.year >= 1990 for film in answer)


def test_added_films_have_the_values_of_their_file():
    new = FilmFile(
        "New (2001)", 2001, ("Drama",), movie_id=500, numbers={"price": 7.25}, keep={"Stock": "4000"}
    )
    more = append_films(CHECKPOINT, [new, FilmFile("Bare", movie_id=501)])
    recommender = Recommender(more)
    for where in ("stock >= 4000 and price = 7.25", "id in (500, 501) and not stock = 1"):
        assert [film.movie_id for film in recommender.similar(12, where=where)] == [500]


def test_a_saved_model_keeps_its_columns_and_one_without_has_four(tmp_path):
    save_checkpoint(CHECKPOINT, tmp_path / "best.pt")
    again = Recommender.load(tmp_path)
    where = "stock > 10 and brand = Acme and price is known"
    assert again.similar(12, where=where).films == EXACT.similar(12, where=where).films != ()
    stored = torch.load(tmp_path / "best.pt", weights_only=True)
    del stored["item_columns"]
    torch.save(stored, tmp_path / "best.pt")
    old = Recommender.load(tmp_path)
    assert old.similar(12, where="year >= 1960 and genre = Drama and title > A and id < 60").films
    with pytest.raises(ValueError, match="no column 'stock'; there are 'id', 'title', 'year', 'genres'$"):
        old.similar(12, where="stock > 10")


@pytest.mark.parametrize(
    ("column", "line"),
    [
        (torch.zeros(3, dtype=torch.float64), "item_columns.price must be float64"),
        (torch.full((NUM,), np.inf, dtype=torch.float64), "item_columns.price contains infinity"),
        (["x"] * 3, "item_columns.price must be a list of 60 texts"),
        (3, "item_columns.price must be a list of 60 texts"),
    ],
)
def test_damaged_columns_are_refused(tmp_path, column, line):
    save_checkpoint(replace(CHECKPOINT, item_columns={"price": column}), tmp_path / "best.pt")
    with pytest.raises(ValueError, match=line):
        load_checkpoint(tmp_path / "best.pt")
