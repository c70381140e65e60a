"""What items are called: from the schema to tables and messages."""

import json
from dataclasses import replace

import pytest

from base.errors import UserError
from data.dataset import find_data, load_movielens
from data.item_words import FILMS, ItemWords
from model.checkpoint import load_checkpoint, save_checkpoint
from recommend.recommender import Recommender
from report.inspection import data_line

BOOKS = ItemWords("book", "books")


def shop(folder, **more):
    """A folder of own data."""
    folder.mkdir(exist_ok=True)
    (folder / "log.csv").write_text("who,what\nann,a\nann,b\nbob,a\nbob,b\n")
    schema = {"interactions": {"file": "log.csv", "user": "who", "item": "what"}} | more
    (folder / "schema.json").write_text(json.dumps(schema))
    return folder


def test_words_are_read_and_change_no_fingerprint(tmp_path):
    plain = load_movielens(shop(tmp_path / "a"), cache=False)
    before = find_data(tmp_path / "a").fingerprint()
    named = load_movielens(shop(tmp_path / "a", words=BOOKS._asdict()), cache=False)
    assert plain.movies.words == FILMS and named.movies.words == BOOKS
    assert named.fingerprint == plain.fingerprint == before
    assert "2 books by 2 users" in data_line(named) and "2 items by 2 users" in data_line(plain)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"item": "", "items": "books"}, "words.item must be a text"),
        ({"item": 3}, "words.item must be a text"),
        ({"thing": "x"}, "thing"),
    ],
)
def test_wrong_words_are_one_line(tmp_path, words, message):
    with pytest.raises(UserError, match=message):
        load_movielens(shop(tmp_path / "a", words=words), cache=False)


def test_texts_on_films_say_the_words():
    text = "a film of the films; a filmed one, films@10"
    assert FILMS.said(text) == text
    assert BOOKS.said(text) == "a book of the books; a filmed one, books@10"
    assert ItemWords("article", r"\1 $s").said("a film, films") == r"an article, \1 $s"


def test_a_checkpoint_keeps_them_for_headings_and_messages(trained_folder, tmp_path):
    model = load_checkpoint(trained_folder / "checkpoints" / "best.pt")
    assert model.movies.words == FILMS
    save_checkpoint(replace(model, movies=replace(model.movies, words=BOOKS)), tmp_path / "best.pt")
    recommender = Recommender.load(tmp_path)
    assert recommender.similar(7, k=2).question.heading().startswith("books that go with Planted 007")
    assert (
        recommender.for_history([7], k=1).question.heading()
        == "books for someone who knows Planted 007 (1987)"
    )
    assert recommender.similar(7, k=50).shortfall == "39 instead of 50: the catalogue has no other books"
    with pytest.raises(UserError, match="no book has the id 999; planted has 40 books"):
        recommender.similar(id=999)
    guest = recommender.similar({"title": "Guest"}, k=1)
    assert guest.question.heading() == "books that go with Guest"
