"""Many users at once beside one ``suggest`` per user, and the file beside plain Python."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import recommend.batch.people
import recommend.taste
from data.histories import History
from recommend.batch.answers import Answers
from recommend.batch.answers_file import write_answers
from recommend.batch.people import People
from recommend.taste import nearest_films, suggest
from search import ExactIndex
from tests.fuzzing import fuzz

NUM_MOVIES, DEPTH = 40, 12


class Recommender(SimpleNamespace):
    """What ``People`` needs of a recommender, over random vectors with many equal scores."""

    def suggest(self, history, k):
        return suggest(self.index, self.vectors, history, k, 3.0)

    def nearest_for_person(self, rows, depth):
        return nearest_films(self.index, self.vectors, rows, depth)


def recommender(seed):
    vectors = np.random.default_rng(seed).integers(-1, 2, (NUM_MOVIES, 3)).astype(np.float32)
    model = SimpleNamespace(
        person=SimpleNamespace(rank_offset=3.0), settings={"min_rating": 2.0}, best_rating=5.0
    )
    index = ExactIndex().build(vectors, np.arange(NUM_MOVIES))
    return Recommender(
        vectors=vectors,
        index=index,
        movies=range(NUM_MOVIES),
        checkpoint=model,
        num_recommendable=NUM_MOVIES,
        diversity=0.0,
    )


histories = st.lists(
    st.lists(st.tuples(st.integers(0, NUM_MOVIES - 1), st.sampled_from([1, 3, 5])), unique_by=lambda t: t[0]),
    min_size=1,
    max_size=6,
)


@given(histories=histories, seed=st.integers(0, 5), k=st.integers(1, 30))
@fuzz(60)
def test_the_table_gives_what_suggest_gives(histories, seed, k):
    lengths = [len(history) for history in histories]
    films = np.array([film for history in histories for film, _ in history], dtype=np.int32)
    ratings = np.array([rating for history in histories for _, rating in history], dtype=np.float32)
    data = SimpleNamespace(
        user_ids=np.arange(len(histories)),
        rated=True,
        interactions=SimpleNamespace(
            users=np.repeat(np.arange(len(histories)), lengths), movies=films, ratings=ratings
        ),
    )
    one = recommender(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recommend.batch.people, "NEAREST", DEPTH)
        patch.setattr(recommend.taste, "NEAREST", DEPTH)
        answers = People(one, data).answers(range(len(histories)), k)
        for number, history in enumerate(histories):
            kept = [(film, rating) for film, rating in history if rating >= 2]
            expected = []
            if kept:
                rows, stars = np.array(kept).T
                expected = one.suggest(History(rows, stars.astype(np.float32)), k)
            size = answers.counts[number]
            found = [column[number, :size].tolist() for column in answers[1:]]
            assert list(zip(*found, strict=True)) == [tuple(film[:3]) for film in expected]


def test_a_table_serves_most_users(monkeypatch):
    one = recommender(0)
    monkeypatch.setattr(recommend.batch.people, "NEAREST", DEPTH)
    monkeypatch.setattr(one, "suggest", None)  # not callable
    films = np.arange(5, dtype=np.int32)
    data = SimpleNamespace(
        user_ids=np.zeros(1),
        rated=True,
        interactions=SimpleNamespace(users=films * 0, movies=films, ratings=np.full(5, 4, np.float32)),
    )
    assert People(one, data).answers(range(1), 5).counts.tolist() == [5]


def test_ids_beyond_what_json_keeps_are_text(tmp_path):
    answers = Answers(
        np.array([2, 0]), np.array([[1, 0], [0, 0]]), np.array([[0.25, 1e-9], [0, 0]]), np.zeros((2, 0), int)
    )
    ids = np.array([5, 2**60])
    path = tmp_path / "all.jsonl"
    assert write_answers(path, "jsonl", ids, ids, [answers]) == (2, 2)
    assert path.read_text() == (
        '{"queryId":5,"rank":1,"movieId":"1152921504606846976","score":0.25}\n'
        '{"queryId":5,"rank":2,"movieId":5,"score":0.0}\n'
    )
    texts = ['a "quoted", b', "\n"]
    write_answers(path, "csv", texts, texts, [answers])
    quoted = '"a ""quoted"", b"'
    assert path.read_bytes().decode() == (
        f'queryId,rank,movieId,score\n{quoted},1,"\n",0.25\n{quoted},2,{quoted},0.0\n'
    )
