"""Relatedness: figures against a naive loop, on series and on pairs of a file."""

import json

import numpy as np
import pytest

from base.errors import UserError, WorldError
from commands.entry import main_modes, main_train
from data.dataset import find_data, load_movielens
from data.series import Series
from evaluation.ranking import EmbeddingScorer
from evaluation.related.measure import FOUND, SHOWN, differences, evaluate_related, mean_evaluation
from evaluation.related.questions import questions_of_pairs, questions_of_series, related_questions
from tests.books import library
from tests.commands.test_commands import FAST, flags, refused

SERIES = [Series("a", np.array([0, 3])), Series("b", np.array([1, 4, 5, 7])), Series("c", np.array([2, 6]))]


class Table:
    """Scores of a table."""

    def __init__(self, scores):
        self.scores = np.asarray(scores, dtype=np.float32)

    def score(self, queries):
        return self.scores[queries]


def naive(scores, series, depth=10):
    """Siblings and MRR of each series, one film at a time."""
    found, first = [], []
    for one in series:
        of_film, ranks_of = [], []
        for query in one.rows:
            others = [row for row in range(len(scores)) if row != query]
            ranks, chances = [], []
            for sibling in one.rows:
                if sibling == query:
                    continue
                higher = sum(scores[query][row] > scores[query][sibling] for row in others)
                equal = sum(scores[query][row] == scores[query][sibling] for row in others if row != sibling)
                ranks.append(1 + higher + equal / 2)
                chances.append(min(1, max(0, (depth - higher) / (1 + equal))))
            of_film.append(sum(chances) / min(depth, len(ranks)))
            ranks_of.append(1 / min(ranks))
        found.append(np.mean(of_film))
        first.append(np.mean(ranks_of))
    return np.array(found), np.array(first)


@pytest.mark.parametrize("seed", range(5))
def test_as_a_naive_loop(seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(12, size=(40, 40))  # with ties
    one = evaluate_related(Table(scores), questions_of_series(SERIES), np.ones(40, dtype=int))
    found, first = naive(scores, SERIES)
    assert np.allclose(one.values[FOUND], found) and np.allclose(one.values["mrr"], first)
    assert one.metrics()[FOUND] == pytest.approx(found.mean())


def test_means_are_over_films_then_groups():
    scores = np.zeros((30, 30))
    scores[0, 3] = scores[3, 0] = 1  # one series is found, the films of the others are in no order
    one = evaluate_related(Table(scores), questions_of_series(SERIES), np.arange(30))
    assert one.values[FOUND] == pytest.approx([1, 10 / 29, 10 / 29])
    assert one.metrics()[FOUND] == pytest.approx((1 + 20 / 29) / 3)


def test_a_series_of_more_than_eleven_can_be_found_in_full():
    rows = np.arange(15)
    vectors = np.eye(40, dtype=np.float32)
    vectors[rows] = vectors[0]
    series = questions_of_series([Series("long", rows)])
    one = evaluate_related(EmbeddingScorer(vectors), series, np.ones(40, dtype=int))
    assert one.metrics()[FOUND] == pytest.approx(1)


def test_what_is_shown():
    scores = np.tile(np.arange(20), (20, 1))
    ratings = np.where(np.arange(20) >= 9, 100, 0)
    one = evaluate_related(Table(scores), questions_of_series([Series("a", np.array([0, 1]))]), ratings)
    assert one.metrics()[SHOWN] == 100


def test_nan_is_refused():
    with pytest.raises(WorldError, match="NaN"):
        evaluate_related(Table(np.full((8, 8), np.nan)), questions_of_series(SERIES), np.ones(8, dtype=int))


def test_differences_are_paired_by_group():
    rng = np.random.default_rng(0)
    questions, ratings = questions_of_series(SERIES), np.ones(40, dtype=int)
    one, other = (evaluate_related(Table(rng.random((40, 40))), questions, ratings) for _ in range(2))
    gaps = differences(one, other, 0)
    assert gaps["mrr"].mean == pytest.approx(one.metrics()["mrr"] - other.metrics()["mrr"])
    assert gaps["mrr"].low <= gaps["mrr"].mean <= gaps["mrr"].high
    assert mean_evaluation([one, other]).values["mrr"] == pytest.approx(
        (one.values["mrr"] + other.values["mrr"]) / 2
    )


def test_pairs_are_groups_of_their_own():
    questions = questions_of_pairs(np.array([4, 1, 4, 4, 2]), np.array([1, 3, 0, 1, 2]))
    assert questions.queries.tolist() == [1, 4] and questions.groups.tolist() == [0, 1]
    assert questions.ptr.tolist() == [0, 1, 3] and questions.siblings.tolist() == [3, 0, 1]
    assert questions_of_pairs(np.array([2]), np.array([2])) is None


@pytest.fixture
def books(tmp_path):
    """A folder with own data and a file of pairs."""
    folder = tmp_path / "planted"
    library(folder)
    schema = json.loads((folder / "schema.json").read_text(encoding="utf-8"))
    ids = load_movielens(folder).movies.text_ids
    lines = [f'"{ids[0]}","{ids[1]}"', f'"{ids[2]}","{ids[3]}"', f'"{ids[2]}",nobody']
    (folder / "goes_with.csv").write_text("\n".join(["item,related", *lines]), encoding="utf-8")
    before = find_data(folder).fingerprint()
    more = {"related": "goes_with.csv", "words": {"item": "<tome>", "items": "<tomes>"}}
    (folder / "schema.json").write_text(json.dumps(schema | more), encoding="utf-8")
    assert find_data(folder).fingerprint() == before  # nothing is trained on it
    return tmp_path


def test_pairs_of_own_data_are_evaluated(books, capsys):
    assert load_movielens(books / "planted").related.tolist() == [[0, 1], [2, 3]]
    assert main_train([*flags(books), *FAST, "--epochs", "1"]) == 0
    capsys.readouterr()
    assert main_modes(["--mode", "evaluate", *flags(books)]) == 0
    shown = capsys.readouterr().out
    assert "film" not in shown and "all 40 <tomes> are candidates" in shown and "random <tomes>" in shown
    assert "2 questions about 2 items; only the query is no candidate" in shown
    table = shown.split("related: an item is the query")[1].split("MRR: of the first target")[0]
    assert [line.split()[0] for line in table.splitlines() if line.startswith(("PinSage", "EASE"))] == [
        "EASE",
        "PinSage",
    ]
    related = json.loads((books / "output" / "metrics.json").read_text(encoding="utf-8"))["related"]
    assert related["protocol"] == "pairs" and related["queries"] == related["groups"] == 2
    assert set(related["baselines"]) == set(related["differences"])
    assert set(related["metrics"]) == {FOUND, "mrr", SHOWN}
    page = (books / "output" / "report.html").read_text(encoding="utf-8")
    assert "a file of pairs names" in page and "<tome" not in page
    told = page[: page.index('<section id="settings"')]  # settings are those of the program
    assert "film" not in told and "Map of the &lt;tomes&gt;: similar" in told


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("item,related\nnobody,nowhere\n", "none of its 1 pairs is of two items in the catalogue"),
        ("item,other\na,b\n", "related"),
        (None, "goes_with.csv is missing; related in the schema must name a file"),
    ],
)
def test_a_wrong_file_of_pairs_is_refused(books, capsys, content, said):
    path = books / "planted" / "goes_with.csv"
    if content is None:
        path.unlink()
    else:
        path.write_text(content, encoding="utf-8")
    assert said in refused(capsys, main_modes, ["--mode", "inspect", *flags(books)])
    with pytest.raises(UserError):
        load_movielens(books / "planted")


def test_own_data_without_pairs_have_no_questions(tmp_path):
    library(tmp_path / "books")
    assert related_questions(load_movielens(tmp_path / "books")) is None
