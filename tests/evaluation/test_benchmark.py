"""Intervals over users, popularity groups, and what report, screen and chart make of them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from config import Config
from data.item_words import ItemWords
from data.splits import Queries
from evaluation.comparison import PINSAGE, Contestant, Estimate, compare, popularity_groups
from evaluation.comparison.bootstrap import CONFIDENCE, estimate_means
from evaluation.comparison.chart import plot_benchmark
from evaluation.comparison.popularity import DECILES, HEAD_MIDDLE_TAIL, deciles, shown_popularity
from evaluation.comparison.report import write_report
from evaluation.comparison.screen import heading, main_table, popularity_table, verdict
from evaluation.ranking import Evaluation, ranking_metrics
from tests.report.test_plots import is_picture


@pytest.fixture
def answers():
    """Values of questions that users asked unequally often, and resemble each other within a user."""
    rng = np.random.default_rng(4)
    users = np.sort(rng.choice([3, 5, 6, 11, 12, 20, 21], 60))
    taste = rng.random(30)[users]
    return {"hit": (rng.random(60) < taste).astype(float), "mrr": taste * rng.random(60)}, users


def naive_interval(values, users, counts_of_resamples):
    """Write each resample out as a list of questions, and cut the sorted means by hand."""
    people = sorted(set(users.tolist()))
    means = []
    for counts in counts_of_resamples:
        drawn = []
        for person, count in zip(people, counts, strict=True):
            for _ in range(count):
                drawn += [v for v, u in zip(values, users, strict=True) if u == person]
        means.append(sum(drawn) / len(drawn))
    return tuple(np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]))


@pytest.mark.parametrize("resamples", [1, 100, 250])  # one, exactly one block, a block that is not full
def test_intervals_equal_the_naive_loop(answers, resamples):
    values, users = answers
    estimates = estimate_means(values, users, seed=9, resamples=resamples)
    counts = np.random.default_rng(9).multinomial(7, np.full(7, 1 / 7), size=resamples)
    for name, column in values.items():
        assert estimates[name].mean == pytest.approx(column.mean())
        assert estimates[name][1:] == pytest.approx(naive_interval(column, users, counts))


def test_intervals_agree_with_drawing_users_one_by_one(answers):
    values, users = answers
    rng = np.random.default_rng(0)
    means = []
    for _ in range(4000):
        drawn = np.concatenate([np.flatnonzero(users == u) for u in rng.choice(np.unique(users), 7)])
        means.append(values["mrr"][drawn].mean())
    estimate = estimate_means(values, users, seed=1)["mrr"]
    assert estimate[1:] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.02)


def test_the_user_is_the_unit(answers):
    values, users = answers
    once = estimate_means(values, users, seed=2)
    thrice = estimate_means(
        {name: np.repeat(v, 3) for name, v in values.items()}, np.repeat(users, 3), seed=2
    )
    for name in values:
        assert thrice[name] == pytest.approx(once[name])
    # Were each question its own user, copying them would narrow the interval.
    apart = estimate_means({"mrr": np.repeat(values["mrr"], 3)}, np.arange(180), seed=2)["mrr"]
    assert apart.high - apart.low < 0.8 * (once["mrr"].high - once["mrr"].low)


def test_intervals_are_a_function_of_the_seed_and_cover_what_they_should():
    rng = np.random.default_rng(6)
    inside = 0
    for sample in range(200):
        tastes = rng.normal(0.5, 0.2, 60)
        values = np.repeat(tastes, 4) + rng.normal(0, 0.1, 240)
        estimate = estimate_means({"v": values}, np.repeat(np.arange(60), 4), sample, resamples=300)["v"]
        assert estimate == estimate_means({"v": values}, np.repeat(np.arange(60), 4), sample, 300)["v"]
        inside += estimate.low <= 0.5 <= estimate.high
    assert 180 <= inside <= 198  # 190 expected, with a standard deviation of 3


@pytest.mark.parametrize(
    ("estimate", "sign"),
    [
        (Estimate(0.2, 0.1, 0.3), 1),
        (Estimate(-0.2, -0.3, -0.1), -1),
        (Estimate(0.2, -0.1, 0.3), 0),
        (Estimate(0.0, 0.0, 0.0), 0),
        (Estimate(0.1, 0.0, 0.2), 0),
    ],
)
def test_a_sign_needs_the_whole_interval_on_one_side(estimate, sign):
    assert estimate.sign == sign


NUM_MOVIES = 40


def questions_of(users, targets, protocol="pairs"):
    count = len(users)
    queries = np.zeros(count, np.int32)
    return Queries(protocol, users, queries, targets, np.arange(count + 1), queries)


def contestant(ranks_of_runs, protocol="pairs", validation_mrr=0.1):
    """A method with the given ranks, whose top 10 always holds films 0 to 9."""
    recommended = np.zeros(NUM_MOVIES, dtype=np.int64)
    recommended[:10] = len(ranks_of_runs[0])
    runs = tuple(
        Evaluation(ranking_metrics(ranks, protocol, recommended), ranks, recommended)
        for ranks in ranks_of_runs
    )
    return Contestant(runs, (validation_mrr,), 1.0, {"window": 5})


@pytest.fixture
def comparison():
    """80 users with five questions each; PinSage is as good as "equal", above "worse", below "better"."""
    rng = np.random.default_rng(8)
    users = np.repeat(np.arange(80, dtype=np.int32), 5)
    questions = questions_of(users, rng.integers(0, NUM_MOVIES, 400).astype(np.int32))
    ranks = [rng.integers(1, 200, 400).astype(float) for _ in range(2)]
    shift = np.maximum(np.mean(ranks, axis=0) + rng.normal(0, 20, 400), 1)
    return compare(
        "temporal", questions, 500, np.arange(NUM_MOVIES)[::-1] * 3,
        ours=contestant(ranks),
        baselines={
            "worse": contestant([ranks[0] * 4], validation_mrr=0.1),
            "equal": contestant(ranks, validation_mrr=0.3),
            "better": contestant([np.maximum(ranks[0] / 4, 1)], validation_mrr=0.2),
            "noisy": contestant([shift], validation_mrr=0.0),
        },
        skipped={"EASE": "too many films"},
        seed=0,
    )  # fmt: skip


def test_planted_differences_are_found(comparison):
    for metric in ("hit_rate@10", "hit_rate@100", "mrr"):
        signs = {name: estimates[metric].sign for name, estimates in comparison.differences.items()}
        assert (signs["worse"], signs["equal"], signs["better"]) == (1, 0, -1)
        assert comparison.differences["equal"][metric] == (0, 0, 0)  # equal methods differ by nothing at all
        worse = comparison.differences["worse"][metric]
        means = (comparison.methods[name].metrics()[metric] for name in (PINSAGE, "worse"))
        assert worse.mean == pytest.approx(next(means) - next(means))
        assert worse.low < worse.mean < worse.high


def test_a_constant_difference_is_known_exactly():
    users = np.repeat(np.arange(30, dtype=np.int32), np.arange(1, 31))
    questions = questions_of(users, np.zeros(len(users), np.int32))
    ours, theirs = np.full(len(users), 2.0), np.full(len(users), 4.0)
    result = compare(
        "temporal", questions, len(users), np.ones(NUM_MOVIES, int), contestant([ours]),
        {"other": contestant([theirs])}, {}, 0,
    )  # fmt: skip
    assert result.differences["other"]["mrr"] == pytest.approx((0.25, 0.25, 0.25))


def test_seeds_are_averaged_question_by_question(comparison):
    first, second = (run.ranks for run in comparison.ours.runs)
    values = comparison.ours.question_values(comparison.questions)
    for i in range(0, 400, 37):
        assert values["mrr"][i] == pytest.approx((1 / first[i] + 1 / second[i]) / 2)
        assert values["hit_rate@10"][i] == ((first[i] <= 10) + (second[i] <= 10)) / 2
    assert comparison.means[PINSAGE]["mrr"].mean == pytest.approx(comparison.ours.metrics()["mrr"])
    pair = [run.metrics["mrr"] for run in comparison.ours.runs]
    assert comparison.ours.spread()["mrr"] == pytest.approx(abs(pair[0] - pair[1]) / np.sqrt(2))
    assert comparison.baselines["worse"].spread() == {}


def test_the_best_baseline_is_validations_choice(comparison):
    assert comparison.best_baseline == "equal"  # "better" leads on test


def naive_tenths(ratings):
    """Take the most rated film left, the first of equals, and count how far we are."""
    left, tenths = list(range(len(ratings))), [0] * len(ratings)
    for place in range(len(ratings)):
        film = max(left, key=lambda f: (ratings[f], -f))
        left.remove(film)
        tenths[film] = place * 10 // len(ratings)
    return tenths


@pytest.mark.parametrize("num_movies", [4, 10, 47, 100])
def test_popularity_groups_equal_the_naive_ones(num_movies):
    rng = np.random.default_rng(num_movies)
    ratings = rng.integers(0, 12, num_movies)  # many equals
    targets = rng.integers(0, num_movies, 90)
    values = rng.random(90)
    tenths = naive_tenths(ratings.tolist())
    assert deciles(ratings).tolist() == tenths
    wanted = {"head": [0], "middle": [1, 2, 3, 4], "tail": [5, 6, 7, 8, 9]}
    wanted |= {str(i + 1): [i] for i in range(10)}
    groups = popularity_groups(ratings, targets, HEAD_MIDDLE_TAIL | DECILES)
    assert groups.keys() == wanted.keys()
    for name, parts in wanted.items():
        films = [f for f in range(num_movies) if tenths[f] in parts]
        of_group = [v for v, target in zip(values, targets, strict=True) if tenths[target] in parts]
        group, counts = groups[name], [ratings[f] for f in films] or [0]
        assert (group.films, group.min_ratings, group.max_ratings) == (len(films), min(counts), max(counts))
        assert group.queries == len(of_group)
        expected = sum(of_group) / len(of_group) if of_group else None
        assert group.mean(values) == (None if expected is None else pytest.approx(expected))
    assert sum(groups[name].queries for name in HEAD_MIDDLE_TAIL) == 90


def test_shown_popularity_weighs_films_by_their_lists():
    assert shown_popularity(np.array([3, 0, 1]), np.array([10, 99, 2])) == (3 * 10 + 1 * 2) / 4


def test_the_report_has_its_keys_and_no_nan(comparison, tmp_path):
    write_report(tmp_path / "r.json", Config(), "planted", [5, 6], {"pairs": comparison}, {})
    report = json.loads((tmp_path / "r.json").read_text(), parse_constant=pytest.fail)
    assert report.keys() == {
        "dataset", "seeds", "catalogue", "confidence", "resamples", "settings", "protocols",
    }  # fmt: skip
    assert (report["seeds"], report["catalogue"], report["resamples"]) == ([5, 6], NUM_MOVIES, 2000)
    pairs = report["protocols"]["pairs"]
    assert pairs.keys() == {
        "split", "queries", "queries_available", "users", "pinsage", "baselines", "best_baseline",
        "baselines_skipped", "popularity", "popularity_deciles", "few_candidates",
    }  # fmt: skip
    assert (pairs["queries"], pairs["queries_available"], pairs["users"]) == (400, 500, 80)
    assert (pairs["best_baseline"], pairs["baselines_skipped"]) == ("equal", {"EASE": "too many films"})
    of_every_method = {
        "metrics", "interval", "spread", "per_seed", "validation_mrr", "mean_ratings@10",
        "popularity", "popularity_deciles", "seconds",
    }  # fmt: skip
    assert pairs["pinsage"].keys() == of_every_method
    assert all(b.keys() == of_every_method | {"settings", "difference"} for b in pairs["baselines"].values())
    assert len(pairs["pinsage"]["per_seed"]) == 2 and len(pairs["baselines"]["worse"]["per_seed"]) == 1
    difference = pairs["baselines"]["worse"]["difference"]["mrr"]
    assert (difference["mean"], *difference["interval"]) == comparison.differences["worse"]["mrr"]
    assert list(pairs["popularity_deciles"]) == [str(i) for i in range(1, 11)]
    assert pairs["pinsage"]["mean_ratings@10"] == np.mean(np.arange(30, 40) * 3)


def test_the_table_marks_who_is_told_apart(comparison):
    lines = {line.split("  ")[0]: line for line in main_table(comparison, [0, 1]).splitlines()}
    assert lines["worse"].count("<") >= 4 and ">" not in lines["worse"]
    assert lines["better"].count(">") >= 4 and "<" not in lines["better"]
    assert not {"<", ">"} & set(lines["equal"]) and not {"<", ">"} & set(lines["PinSage"])
    text = main_table(comparison, [0, 1])
    ours = comparison.means[PINSAGE]["mrr"]
    assert f"{ours.low:.3f}" in text and f"{ours.high:.3f}" in text and "mean of seeds 0, 1" in text
    assert "±" not in main_table(comparison, [7]) and "PinSage: seed 7" in main_table(comparison, [7])


def test_the_verdict_is_on_validations_choice_in_plain_words(comparison):
    assert verdict(comparison).splitlines()[:2] == [
        "best baseline by validation MRR: equal",
        "PinSage cannot be told apart from equal in hit rate @10, hit rate @100 and MRR",
    ]
    noisy = dict(comparison.differences)
    noisy["equal"] = noisy["equal"] | {
        "hit_rate@10": Estimate(0.0123, 0.006, 0.018), "mrr": Estimate(-0.2, -0.3, -0.1),
    }  # fmt: skip
    comparison.differences.update(noisy)
    assert verdict(comparison).splitlines()[1:6] == [
        "PinSage is above equal in hit rate @10, is below it in MRR and cannot be told apart from it in "
        "hit rate @100",
        "",
        "PinSage minus equal  difference     95 % interval",
        "-------------------------------------------------",
        "hit rate @10             +0.012  +0.006 to +0.018",
    ]


def test_the_popularity_table_says_what_the_groups_are(comparison):
    text = popularity_table(comparison)
    assert "head         4   10 %        108 to 117" in text
    assert "tail        20   50 %           0 to 57" in text
    assert "  104" in text.splitlines()[-3]  # films 0 to 9 have 90 to 117 ratings, 103.5 on average


def test_headings_say_what_the_items_are_called(comparison):
    said = replace(comparison, words=ItemWords("article", "articles"))
    lines = heading("shop", said, "the last film")
    assert lines.startswith("shop, split ") and lines.endswith(" articles are candidates\nthe last article")
    text = f"{main_table(said, [0])}\n{popularity_table(said)}"
    assert "film" not in text and "training ratings of an article in a top 10" in text
    assert "by popularity of the target article:\narticles  number" in text
    assert "by popularity of the target film:\nfilms" in popularity_table(comparison)


@pytest.mark.parametrize("protocols", [["pairs"], ["next_item", "pairs"]])
def test_the_chart_is_drawn(comparison, tmp_path, protocols):
    plot_benchmark(dict.fromkeys(protocols, comparison), "a $data set", tmp_path / "new" / "b.png")
    assert is_picture(tmp_path / "new" / "b.png")
