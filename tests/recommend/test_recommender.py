"""The public class: films by id or title, people, new movies; answers as tables, DataFrames and JSON."""

import json
from dataclasses import replace

import numpy as np
import pytest

from config import SearchConfig
from data.dataset import load_movielens
from data.histories import History
from model.checkpoint import save_checkpoint
from model.person_settings import PersonSettings
from recommend.added_films import add_film
from recommend.new_movies import checked_movies
from recommend.recommender import Recommender
from recommend.taste import TasteScorer
from tests.factories import random_movielens
from tests.planted import planted_movielens
from tests.trained import MODEL, TRAINED_DIM, trained_checkpoint

TITLES = {3: "Toy Story (1995)", 4: "1984 (1956)", 5: "300 (2006)", 6: "12 (2007)", 7: "Sabrina (1954)",
          8: "Sabrina (1995)", 9: "Matrix, The (1999)"}  # fmt: skip
BOOKS = [f"978-{row}" for row in range(19)] + ["1984"]


def renamed(checkpoint, text_ids=None):
    """The same model whose films have some titles worth asking for; ids are 10 to 29, or text."""
    movies = checkpoint.movies
    titles = [TITLES.get(row, title) for row, title in enumerate(movies.titles)]
    ids = movies.ids if text_ids is None else np.arange(len(titles))
    return replace(checkpoint, movies=replace(movies, titles=titles, text_ids=text_ids, ids=ids))


@pytest.fixture(scope="module")
def checkpoint():
    return renamed(trained_checkpoint())


@pytest.fixture(scope="module")
def recommender(checkpoint):
    return Recommender(checkpoint)


@pytest.fixture(scope="module")
def books(checkpoint):
    """The same model of data whose ids are text."""
    return Recommender(renamed(checkpoint, BOOKS))


def rows_of(answer):
    return [film.row for film in answer]


# --- which film is meant ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("film", "row"),
    [
        (13, 3),
        (np.int32(13), 3),
        ("13", 3),
        ("Toy Story (1995)", 3),
        ("toy stori", 3),
        ("matrix", 9),
        (12, 2),  # an id, though also the title of row 6
        ("12", 2),
        (1984, 4),  # not an id, so a title
        ("1984", 4),
        ("300", 5),
        ("sabrina 1995", 8),
    ],
)
def test_a_bare_value_is_an_id_if_one_matches_and_else_a_title(recommender, film, row):
    assert recommender.similar(film).question.row == row
    assert recommender.similar(film).films == next(recommender.answer_rows([row], 10)).films


def test_id_and_title_say_which(recommender, books):
    assert recommender.similar(id=12).question.row == recommender.similar(id="12").question.row == 2
    assert recommender.similar(title="12").question.row == 6
    assert books.similar("1984").question.row == books.similar(1984).question.row == 19
    assert books.similar(title="1984").question.row == 4 and books.similar("300").question.row == 5
    assert books.similar("978-3").question.id == "978-3"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "give exactly one of `film`, `id` and `title`, got 0"),
        ({"film": 13, "id": 13}, "give exactly one of `film`, `id` and `title`, got 2"),
        ({"film": 99}, "no film has the id 99; random has 20 films with ids from 10 to 29"),
        ({"film": "99"}, "no film has the id 99"),
        ({"film": 7}, "no film has the id 7"),  # and never a title that begins so
        ({"film": -1}, "an id must be a whole number from 0 to 9223372036854775807, got '-1'"),
        ({"film": "xylophone"}, "no film is called anything like 'xylophone'; check the spelling"),
        (
            {"film": "sabrina"},
            r"'sabrina' can mean 2 films: Sabrina .*\(id 1[78]\); Sabrina .*; give the whole",
        ),
        ({"film": 13.0}, "a film must be a whole number or a text, got 13.0"),
        ({"film": np.zeros((3, 3))}, r"a film must be a whole number or a text, got array\(\[\[0"),
        ({"film": True}, "a film must be a whole number or a text, got True"),
        ({"id": "Toy Story"}, "an id must be a whole number from 0"),
        ({"title": 300}, "a title must be a text, got 300"),
        ({"film": 13, "k": 0}, "k must be a whole number of at least 1, got 0"),
        ({"film": 13, "k": 2.0}, "k must be a whole number of at least 1, got 2.0"),
        ({"film": 13, "k": True}, "k must be a whole number of at least 1, got True"),
    ],
)
def test_what_cannot_be_asked_is_a_value_error_in_one_line(recommender, asked, message):
    with pytest.raises(ValueError, match=message) as caught:
        recommender.similar(**asked)
    assert "\n" not in str(caught.value) and "--" not in str(caught.value)


# --- answers ----------------------------------------------------------------------------------------


def test_the_answer_is_the_naive_one(recommender, checkpoint):
    scores = checkpoint.embeddings.numpy() @ checkpoint.query_embeddings.numpy()[3]
    best = [row for row in np.argsort(-scores, kind="stable") if row != 3]
    answer = recommender.similar(13, k=5)
    assert rows_of(answer) == best[:5] and len(answer) == 5 and answer[0].rank == 1
    np.testing.assert_allclose([film.score for film in answer], scores[best[:5]], rtol=1e-5)
    assert [film.title for film in answer] == [checkpoint.movies.titles[row] for row in best[:5]]
    assert len(recommender.similar(13)) == 10  # as on the command line


def test_popularity_moves_answers_and_leaves_the_index(recommender):
    def mean_ratings(asked):
        return np.mean(
            [recommender.num_ratings[rows_of(asked.similar(id=10 + row, k=5))] for row in range(20)]
        )

    def for_person(asked):
        return recommender.num_ratings[rows_of(asked.for_history([10, 12], k=5))].mean()

    surprising, middle, known = (recommender.with_popularity(amount) for amount in (-1, 0, 1))
    assert mean_ratings(surprising) < mean_ratings(middle) < mean_ratings(known)
    assert for_person(surprising) < for_person(known)
    assert rows_of(middle.similar(13)) == rows_of(recommender.similar(13))
    assert known.index is recommender.index and recommender.popularity == 0
    blend, model = recommender.checkpoint.blend, recommender.checkpoint
    query = blend.with_popularity(model.query_embeddings.numpy()[[3]], 1)[0]
    assert rows_of(known.similar(13, k=4)) == recommender.index.search(query, 4, exclude=[3]).ids.tolist()


@pytest.mark.parametrize("settings", [PersonSettings(5.0, 12.0), PersonSettings(0.2, 1.0)])
def test_a_person_is_asked_by_the_settings_of_the_model(checkpoint, settings):
    model = replace(checkpoint, person=settings)
    history = History(np.array([3, 8, 5]), np.full(3, np.nan, np.float32))
    scores = TasteScorer.of(model).score_histories([history])[0]
    scores[history.rows] = -1
    answer = Recommender(model).for_history([13, 18, 15], k=5)
    np.testing.assert_allclose([film.score for film in answer], np.sort(scores)[::-1][:5], rtol=1e-5)
    np.testing.assert_allclose([film.score for film in answer], scores[rows_of(answer)], rtol=1e-5)


def test_popularity_that_cannot_be_asked_for_is_a_value_error(recommender, checkpoint):
    for amount in (-1.5, float("nan"), "1", True, None):
        with pytest.raises(ValueError, match="`popularity` must be a number from -1 to 1, got "):
            recommender.with_popularity(amount)
    plain = trained_checkpoint(model=replace(MODEL, graph_view=0.0, content_view=0.0))
    assert Recommender(plain).with_popularity(0).similar(13)
    with pytest.raises(ValueError, match="`popularity` 1 needs a model with views"):
        Recommender(plain).with_popularity(1)


def test_more_than_there_are_gives_all(recommender):
    answer = recommender.similar(13, k=1000)
    assert sorted(rows_of(answer)) == [row for row in range(20) if row != 3]
    assert answer.shortfall == "19 instead of 1000: the catalogue has no other films"
    assert answer.shortfall in repr(answer) and recommender.similar(13, k=19).shortfall is None


def test_answers_turn_into_tables_frames_and_json(recommender):
    answer = recommender.similar("Toy Story (1995)", k=6, reasons=True)
    lines = repr(answer).splitlines()
    assert lines[0] == "films that go with Toy Story (1995) (id 13):" and len(lines) == 4 + 6
    assert lines[2].split() == ["rank", "score", "id", "year", "title", "genres", "reason"]
    frame = answer.to_frame()
    assert list(frame.columns) == ["rank", "score", "movieId", "title", "year", "genres", "reason"]
    assert frame["movieId"].tolist() == [film.movie_id for film in answer]
    assert str(frame["year"].dtype) == "Int64" and frame["year"].isna().sum() == sum(
        film.year is None for film in answer
    )
    assert json.loads(answer.to_json()) == answer.as_plain()
    assert answer.as_plain()["query"] == {"kind": "film", "id": 13, "title": "Toy Story (1995)"}
    assert all(film.reason for film in answer) and recommender.similar(13)[0].reason is None
    html = replace(answer, question=replace(answer.question, title="<b>"))._repr_html_()
    assert "&lt;b&gt;" in html and "<b>" not in html and html.count("<tr") == 7


def test_an_empty_answer_is_a_table_too(recommender):
    everything = recommender.for_history(range(10, 30))
    assert (
        len(everything) == 0
        and everything.to_frame().empty
        and everything.as_plain()["recommendations"] == []
    )
    assert "0 instead of 10" in repr(everything) and "<p>" in everything._repr_html_()


# --- people -----------------------------------------------------------------------------------------


def test_a_history_may_be_ids_titles_or_both_with_ratings_or_none(recommender):
    rated = recommender.for_history({13: 5, "1984": None, "matrix": 2}, k=4)
    assert (
        rated.as_plain()
        == recommender.for_history({"Toy Story (1995)": 5.0, 14: np.nan, 19: 2}, k=4).as_plain()
    )
    assert rated.question.kind == "history" and not {3, 4, 9} & set(rows_of(rated))
    reasons = {"because you rated Toy Story (1995) 5", "because of 1984 (1956)",
               "near Matrix, The (1999), which you rated 2"}  # fmt: skip
    assert {film.reason for film in rated} <= reasons
    alike = [
        recommender.for_history(films).as_plain() for films in ([13, 14], ("13", "1984"), iter([13, 14]))
    ]
    assert alike[0] == alike[1] == alike[2]
    assert recommender.for_history(np.array([13, 14])).as_plain() == alike[0]
    assert recommender.for_history([14, 13]).question.title == "Toy Story (1995), 1984 (1956)"


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ([], "`history` must name at least one film"),
        ({}, "`history` must name at least one film"),
        ("Toy Story", "`history` must be a mapping or a list of films, got 'Toy Story'"),
        (13, "`history` must be a mapping or a list of films, got 13"),
        ([13, "toy story"], r"`history` names Toy Story \(1995\) \(id 13\) twice; name it once"),
        ([13, 99], "`history`: no film has the id 99"),
        (["sabrina"], "`history`: 'sabrina' can mean 2 films"),
        ({13: 5.5}, "`history`: a rating must be a number from 0.5 to 5, got 5.5 for 13"),
        ({13: "5"}, "got '5' for 13"),
        ({13: True}, "got True for 13"),
        ({13: [5]}, r"got \[5\] for 13"),
        ({13: np.inf}, "got inf for 13"),
    ],
)
def test_a_history_that_cannot_be_is_a_value_error(recommender, history, message):
    with pytest.raises(ValueError, match=message):
        recommender.for_history(history)


def test_a_user_of_the_data_is_asked_with_all_ratings(tmp_path):
    folder = planted_movielens(tmp_path / "planted", num_movies=40)
    movielens = load_movielens(folder)
    trained = trained_checkpoint(movielens)
    recommender = Recommender(
        replace(trained, dataset=trained.dataset | {"name": "planted", "data": movielens.fingerprint})
    )
    answer = recommender.for_user(3, k=7, data=movielens)
    assert answer.as_plain() == recommender.for_user("3", k=7, data=folder).as_plain()
    mine = movielens.interactions.select(movielens.interactions.users == 2)
    assert answer.question.title == f"user 3, who has rated {len(mine)} films"
    titles = [movielens.movies.titles[row] for row in mine.movies]
    named = recommender.for_history(dict(zip(titles, mine.ratings.tolist(), strict=True)), k=7)
    assert [film.as_plain() for film in answer] == [film.as_plain() for film in named]
    for user, data, message in (
        (61, movielens, "no user has the id 61; planted has 60 users with ids from 1 to 60"),
        ("ann", movielens, "`user_id` must be a whole number"),
        (3, random_movielens(), r"`data_dir` random is not what the checkpoint was trained on \(planted\)"),
        (3, tmp_path / "nowhere", "nowhere"),
    ):
        with pytest.raises(ValueError, match=message):
            recommender.for_user(user, data=data)


def test_ratings_that_training_ignored_do_not_count_for_a_user(tmp_path):
    movielens = load_movielens(planted_movielens(tmp_path / "planted"))
    trained = trained_checkpoint(movielens)
    settings = trained.settings | {"min_rating": 4.5}
    dataset = trained.dataset | {"data": movielens.fingerprint}
    recommender = Recommender(replace(trained, settings=settings, dataset=dataset))
    all_ratings = movielens.interactions.select(movielens.interactions.users == 2).ratings
    said = recommender.for_user(3, data=movielens).question.title
    assert said == f"user 3, who has rated {np.count_nonzero(all_ratings >= 4.5)} films"


# --- new movies and explanations --------------------------------------------------------------------

GUEST = {
    "title": "Guest",
    "genres": ("Drama",),
    "ratings": [{"userId": user, "rating": 4} for user in (1, 2, 3)],
}


def test_new_movies_are_embedded_and_asked_with_without_being_kept(recommender, caplog):
    alone = recommender.embed(GUEST)
    both = recommender.embed([{"title": "Unrated"}, GUEST])
    assert alone.shape == (1, TRAINED_DIM) and both.shape == (2, TRAINED_DIM) and both.dtype == np.float32
    np.testing.assert_allclose(both[1], alone[0], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), 1, atol=1e-5)
    assert recommender.embed([]).shape == (0, TRAINED_DIM)
    query = recommender.embed(GUEST, as_queries=True)[0]
    answer = recommender.similar(GUEST, k=5)
    assert rows_of(answer) == recommender.index.search(query, 5).ids.tolist()
    assert answer.question.heading() == "films that go with Guest" and answer.question.id is None
    assert len(recommender.movies) == 20 and len(recommender.similar(GUEST, k=99)) == 20
    recommender.embed({"title": "x", "genres": ["Akshun"]})
    assert "does not know the genre Akshun" in caplog.text


@pytest.mark.parametrize(
    ("movies", "message"),
    [
        ({"name": "x"}, "the new movie: .*'name'"),
        ([{"title": "x"}, {"title": ""}], "new movie 2: title must be "),
        ("x", "the new movie must be an object such as"),
    ],
)
def test_a_new_movie_that_cannot_be_is_a_value_error(recommender, movies, message):
    with pytest.raises(ValueError, match=message):
        recommender.embed(movies)


def test_ratings_by_numbers_say_nothing_where_users_are_texts(checkpoint):
    readers = replace(checkpoint, user_text_ids=[f"reader {user}" for user in range(30)])
    with pytest.raises(
        ValueError, match="ratings name users by whole numbers, but the ids of random are text"
    ):
        Recommender(readers).embed(GUEST)
    assert Recommender(readers).embed({"title": "Guest"}).shape == (1, TRAINED_DIM)


def test_an_explanation_is_the_tie_of_the_neighbour_table(recommender):
    explanation = recommender.explain("toy story", 20)
    tie = recommender.neighbor_table.tie(3, 10)
    assert (explanation.direct, explanation.overlap) == (tie.direct, tie.overlap)
    assert [film.weight for film in explanation.shared] == [n.weight for n in tie.shared]
    assert explanation.to_frame()["movieId"].tolist() == [n.row + 10 for n in tie.shared]
    assert json.loads(explanation.to_json())["film"] == {"movieId": 13, "title": "Toy Story (1995)"}
    assert repr(explanation).startswith("Toy Story (1995) and Film 10 (1960): direct ")
    assert len(repr(explanation).splitlines()) == 4 + len(tie.shared) and tie.shared
    with pytest.raises(ValueError, match="no film has the id 99"):
        recommender.explain(99, 20)


# --- rows -------------------------------------------------------------------------------------------


def test_rows_are_answered_in_their_order(recommender):
    found = list(recommender.similar_rows([5, 3, 5], 4))
    assert found[0] == found[2] and [f.row for f in found[1]] == rows_of(recommender.similar(13, k=4))
    assert list(recommender.similar_rows([], 4)) == list(recommender.similar_rows(np.zeros(0, int), 4)) == []


@pytest.mark.parametrize("rows", [[20], [-1], [2**62], [1.7], [True], ["3"], [[3]], [np.nan]])
def test_rows_that_do_not_exist_are_a_value_error(recommender, rows):
    with pytest.raises(ValueError, match="^rows must "):
        recommender.similar_rows(rows, 3)


# --- where models come from -------------------------------------------------------------------------


def test_a_saved_model_is_read_with_the_films_added_to_it(checkpoint, tmp_path):
    checkpoint.save(tmp_path / "checkpoints")
    (film,) = checked_movies(checkpoint, {"title": "Newcomer", "year": 1990})
    add_film(tmp_path / "checkpoints", checkpoint, film)
    ivf = SearchConfig(search_method="ivf", ivf_partitions=3)
    for recommender in (
        Recommender.load(tmp_path / "checkpoints"),
        Recommender.load(str(tmp_path / "checkpoints" / "best.pt"), search=ivf),
    ):
        assert len(recommender.movies) == 21 and recommender.similar("newcomer").question.id == 30
        assert 20 in rows_of(recommender.similar(13, k=99))
    assert (tmp_path / "checkpoints" / "index-ivf.npz").exists()
    assert repr(recommender) == f"Recommender(random: 21 films, {TRAINED_DIM} dimensions, ivf search)"
    checkpoint.save(tmp_path / "mine.pt")
    again = Recommender.load(tmp_path / "mine.pt", search=ivf)
    assert len(again.movies) == 20 and not (tmp_path / "index-ivf.npz").exists()
    with pytest.raises(ValueError, match="no checkpoint at"):
        Recommender.load(tmp_path / "nowhere")


def test_a_model_in_memory_answers_like_the_saved_one(checkpoint, tmp_path):
    save_checkpoint(checkpoint, tmp_path / "best.pt")
    for method in ("exact", "lsh", "ivf"):
        search = SearchConfig(search_method=method, ivf_partitions=3)
        ours, theirs = Recommender(checkpoint, search=search), Recommender.load(tmp_path, search=search)
        assert ours.similar(13).as_plain() == theirs.similar(13).as_plain()


def test_two_layers_and_one_vector_per_film_answer_too():
    for changes in ({"num_layers": 2}, {"head": "shared"}, {"head": "directed"}):
        recommender = Recommender(trained_checkpoint(model=replace(MODEL, **changes)))
        assert len(recommender.similar(10, k=3)) == 3 and recommender.embed(GUEST).shape[0] == 1
