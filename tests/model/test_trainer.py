import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from base.errors import UserError, WorldError
from config import TrainingConfig
from data.dataset import Tags, load_movielens
from data.pairs import WeightedPairs
from data.splits import held_out_queries, split_interactions, split_movielens
from evaluation.ranking import EmbeddingScorer, evaluate
from evaluation.validation import judge_by
from model.fit import Progress, fit
from model.inputs import build_inputs
from model.schedule import learning_rate
from model.trainer import PAIRS_TOGETHER_PER_FILM, Trainer, build_model
from tests.factories import logged_movielens, random_movielens, repeated_rows
from tests.planted import block_of, planted_movielens
from tests.trained import MODEL, TRAINING

CPU = torch.device("cpu")


def make_trainer(movielens, split_name="leave_one_out", training=TRAINING, model=MODEL, seed=0):
    split = split_movielens(movielens, split_name)
    return Trainer(build_inputs(movielens, split, model, seed), split, model, training, seed, CPU)


def same_bits(first, second):
    return all(torch.equal(a, b) for a, b in zip(first.embeddings(), second.embeddings(), strict=True))


def assert_same_training(first, second):
    """Equal inputs, and equal embeddings after two epochs, bit for bit."""
    for name in ("features", "neighbors", "weights"):
        assert torch.equal(getattr(first.nodes, name), getattr(second.nodes, name)), name
    for trainer in (first, second):
        trainer.train_epoch()
        trainer.train_epoch()
    assert same_bits(first, second)


@pytest.mark.parametrize(
    ("schedule", "at_19", "at_29"), [("exponential", 0.5, 0.25), ("linear", 0.525, 0.025)]
)
def test_learning_rate_warms_up_through_the_first_epoch_then_decays(schedule, at_19, at_29):
    settings = TrainingConfig(epochs=3, lr=1.0, lr_decay=0.5, lr_schedule=schedule)
    rates = [learning_rate(step, 10, settings) for step in range(30)]
    assert rates[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert rates[19] == pytest.approx(at_19) and rates[29] == pytest.approx(at_29)
    assert all(later < earlier for earlier, later in zip(rates[9:-1], rates[10:], strict=True))


def test_initial_weights_leave_all_random_states_alone(monkeypatch):
    def seeded(seed):
        pytest.fail("the GPUs were seeded")

    monkeypatch.setattr("torch.cuda.manual_seed_all", seeded)
    before = torch.get_rng_state()
    build_model(5, MODEL, seed=0)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("loss", ["softmax", "max_margin"])
def test_same_seed_same_bits_other_seed_other_bits(loss):
    movielens = random_movielens()
    runs = []
    for seed in (0, 0, 1):
        trainer = make_trainer(movielens, training=replace(TRAINING, loss=loss), seed=seed)
        for _ in range(3):
            trainer.train_epoch()
        runs.append(trainer)
    assert same_bits(runs[0], runs[1])
    assert not same_bits(runs[0], runs[2])


@pytest.mark.parametrize("movielens", [random_movielens(), logged_movielens(repeated_rows())])
def test_a_resumed_training_equals_an_uninterrupted_one(movielens):
    whole, first, second = (make_trainer(movielens) for _ in range(3))
    whole_rows = [whole.train_epoch() for _ in range(4)]
    rows = [first.train_epoch() for _ in range(2)]
    second.load_state_dict(first.state_dict())
    rows += [second.train_epoch() for _ in range(2)]
    assert same_bits(whole, second)
    for ours, theirs in zip(rows, whole_rows, strict=True):
        assert {k: v for k, v in ours.items() if "second" not in k} == {
            k: v for k, v in theirs.items() if "second" not in k
        }
    assert [row["hard_negatives"] for row in rows] == [0, 1, 2, 3]


@pytest.mark.parametrize("split_name", ["leave_one_out", "temporal"])
def test_held_out_films_do_not_reach_training(split_name):
    """Change the held-out interactions and their tags: inputs and trained embeddings have the same bits."""
    movielens = random_movielens()
    inter = movielens.interactions
    tags = Tags(inter.users, inter.movies, [f"tag {row % 7}" for row in range(len(inter))])
    movielens = replace(movielens, tags=tags)
    split = split_interactions(inter, movielens.num_users, movielens.num_movies, split_name)
    held_out = np.concatenate([split.validation.movies, split.test.movies])
    rng = np.random.default_rng(0)
    train_keys = set(zip(split.train.users.tolist(), split.train.movies.tolist(), strict=True))
    changed = inter.movies.copy()
    is_held_out = np.array(
        [(u, m) not in train_keys for u, m in zip(inter.users.tolist(), inter.movies.tolist(), strict=True)]
    )
    assert is_held_out.sum() == len(held_out)
    seen = {user: set(inter.movies[inter.users == user].tolist()) for user in range(movielens.num_users)}
    for row in np.flatnonzero(is_held_out):  # change to a film that this user has not rated
        options = sorted(set(range(movielens.num_movies)) - seen[inter.users[row]])
        if options:
            changed[row] = rng.choice(options)
            seen[inter.users[row]].add(int(changed[row]))
    assert (changed != inter.movies).sum() > 0.8 * len(held_out)
    other_ratings = np.where(is_held_out, 0.5, inter.ratings).astype(np.float32)
    altered = replace(
        movielens,
        interactions=replace(inter, movies=changed, ratings=other_ratings),
        tags=Tags(inter.users, changed, tags.texts),
    )
    trainers = [make_trainer(data, split_name) for data in (movielens, altered)]
    assert_same_training(*trainers)


@pytest.mark.parametrize("split_name", ["leave_one_out", "temporal"])
def test_later_rows_do_not_reach_training(split_name):
    """From each user's first held-out interaction on, all rows change: other amounts, ratings and repeats."""
    rows = sorted(repeated_rows(), key=lambda row: (row[0], row[2]))
    movielens = logged_movielens(rows)
    split = split_movielens(movielens, split_name)
    training = set(zip(split.train.users.tolist(), split.train.movies.tolist(), strict=True))
    rng = np.random.default_rng(0)
    altered, over = [], set()
    for user, movie, time, amount in rows:
        over |= {user} - {user if (user, movie) in training else -1}
        altered.append((user, movie, time, float(rng.uniform(0.1, 90)) if user in over else amount))
        if user in over:
            altered += [(u, m, time, 7.0) for u, m in training if u == user and rng.random() < 0.5]
    other = logged_movielens(altered)
    held_out = ~np.isin(
        other.interactions.users * 20 + other.interactions.movies, [u * 20 + m for u, m in training]
    )
    assert held_out.sum() == len(split.validation) + len(split.test)
    other.interactions.ratings[held_out] = 0.5
    trainers = [make_trainer(data, split_name) for data in (movielens, other)]
    assert isinstance(trainers[0].pairs, WeightedPairs)
    assert not np.array_equal(movielens.events.amounts, other.events.amounts)
    assert_same_training(*trainers)
    # The same rows before it do reach training.
    earlier = make_trainer(logged_movielens([(u, m, t, a * 2**m) for u, m, t, a in rows]), split_name)
    assert not torch.equal(earlier.nodes.weights, trainers[0].nodes.weights)


def test_batches_of_a_large_catalogue_have_the_same_pairs_with_fewer_films():
    movielens = random_movielens(num_users=100, num_movies=60)
    small, large = (make_trainer(movielens, training=replace(TRAINING, batch_size=size)) for size in (16, 81))
    together = 8 * 16  # 60 films: the nearest multiple of 16 to twice as many pairs
    assert round(PAIRS_TOGETHER_PER_FILM * 60 / 16) == 8 and round(PAIRS_TOGETHER_PER_FILM * 60 / 81) == 1
    numbers = torch.arange(2 * together + 5)
    plain = torch.stack(large.pairs[numbers])  # [2, n]
    assert torch.equal(torch.cat([torch.stack(pairs) for pairs in large.batches(numbers)], dim=1), plain)
    batches = [torch.stack(pairs) for pairs in small.batches(numbers)]
    assert [batch.size(1) for batch in batches] == [16] * 16 + [5]
    for start in (0, together):  # the same pairs in another order
        made = torch.cat(batches[start // 16 : start // 16 + 8], dim=1)
        wanted = plain[:, start : start + together]
        assert sorted(made.T.tolist()) == sorted(wanted.T.tolist()) and not torch.equal(made, wanted)
    queries = sum(len(batch[0].unique()) for batch in batches)
    assert queries < 0.7 * sum(len(batch.unique()) for batch in plain[0].split(16))


def test_a_batch_has_a_quarter_as_many_negatives_as_pairs():
    given = {64: 128, 512: 128, 1000: 250, 8192: 2048, 100_000: 2048}
    assert {size: TrainingConfig(batch_size=size).negatives_per_batch for size in given} == given
    assert TrainingConfig(batch_size=512, num_negatives=7).negatives_per_batch == 7


def test_it_learns_which_films_belong_together(tmp_path):
    movielens = load_movielens(planted_movielens(tmp_path))
    trainer = make_trainer(movielens, training=replace(TRAINING, lr=0.01, max_hard_negatives=0))
    for _ in range(8):
        trainer.train_epoch()
    candidates, queries = trainer.embeddings()
    scores = queries @ candidates.T
    block = torch.tensor([block_of(movie_id) for movie_id in movielens.movies.ids.tolist()])
    nearest = scores.fill_diagonal_(-2).topk(5).indices
    assert (block[nearest] == block.unsqueeze(1)).float().mean() > 0.95


def test_a_loss_of_nan_stops_the_training():
    trainer = make_trainer(random_movielens())
    with torch.no_grad():
        trainer.model.convs[0].lin_self.bias.fill_(float("nan"))
    with pytest.raises(WorldError, match=r"the loss became nan in epoch 1, step 1; .* `lr` below"):
        trainer.train_epoch()


def test_data_without_pairs_or_with_too_few_films_are_refused():
    movielens = random_movielens(num_users=30, num_movies=20, density=0.3)
    one_each = movielens.interactions.select(np.unique(movielens.interactions.users, return_index=True)[1])
    with pytest.raises(UserError, match="none of the 30 users has two training ratings"):
        make_trainer(replace(movielens, interactions=one_each), "none")
    with pytest.raises(UserError, match="at least 3 films, got 2"):
        make_trainer(random_movielens(num_users=5, num_movies=2, density=1.0), "none")


def test_a_mixed_head_needs_an_even_length():
    with pytest.raises(ValueError, match="`embedding_dim` 9 must be even, since `head` mixed halves it"):
        make_trainer(random_movielens(), model=replace(MODEL, embedding_dim=9))
    make_trainer(random_movielens(), model=replace(MODEL, embedding_dim=9, head="directed"))


def test_a_shadow_replaces_the_film_itself_but_not_the_film_as_a_neighbour():
    """If all films of a batch are shadows, the features of the films matter only for their neighbours."""
    trainer = make_trainer(random_movielens(), training=replace(TRAINING, shadow_share=1.0))
    nodes = trainer.draw_nodes()
    films = torch.arange(5)
    num_movies = len(trainer.nodes.features)
    z = trainer._embed(nodes, films)
    zeros = torch.zeros_like(trainer.nodes.features)
    no_shadow_features = nodes._replace(features=torch.cat([trainer.nodes.features, zeros]))
    assert not torch.equal(z.candidates, trainer._embed(no_shadow_features, films).candidates)
    no_neighbors = nodes._replace(weights=torch.zeros_like(nodes.weights))
    no_film_features = no_neighbors._replace(features=torch.cat([zeros, nodes.features[num_movies:]]))
    for with_films, without in zip(
        trainer._embed(no_neighbors, films), trainer._embed(no_film_features, films), strict=True
    ):
        torch.testing.assert_close(with_films, without)


def test_early_stopping_keeps_an_epoch_within_the_error_of_the_best():
    trainer = make_trainer(random_movielens(), training=replace(TRAINING, epochs=50, patience=2, lr=0.05))
    split = split_interactions(random_movielens().interactions, 30, 20)
    questions = held_out_queries(split, "validation")
    saved = []
    progress = Progress()
    fit(trainer, judge_by(questions), progress, lambda embeddings, best: saved.append((embeddings, best)))
    mrrs = [row["validation_mrr"] for row in progress.history]
    means = [np.mean(mrrs[max(0, epoch - 2) : epoch + 1]) for epoch in range(len(mrrs))]
    highest = int(np.argmax(means))
    least = means[highest] - progress.history[highest]["validation_mrr_error"]
    assert trainer.epoch < 50 and progress.stale_epochs == 2
    assert progress.best_epoch == trainer.epoch - 2 and means[progress.best_epoch - 1] >= least
    assert max(means[-2:]) < least
    best = [embeddings for embeddings, is_best in saved if is_best][-1]
    scorer = EmbeddingScorer(*(part.numpy() for part in best))
    assert evaluate(scorer, questions).metrics["mrr"] == progress.best_mrr == mrrs[progress.best_epoch - 1]


def test_one_lucky_epoch_is_not_the_best():
    progress = Progress()
    bests = [
        progress.record({"epoch": epoch, "validation_mrr": mrr})
        for epoch, mrr in enumerate([0.2, 0.3, 0.45, 0.31, 0.40, 0.41, 0.37], start=1)
    ]  # means of three: .2, .25, .317, .353, .387, .373, .393
    assert bests == [True, True, True, True, True, False, True]
    assert progress.best_epoch == 7 and progress.best_mrr == 0.37 and progress.stale_epochs == 0


def test_the_latest_epoch_within_one_standard_error_is_kept():
    progress = Progress()
    kept = [
        progress.record({"epoch": epoch, "validation_mrr": mrr, "validation_mrr_error": 0.02})
        for epoch, mrr in enumerate([0.30, 0.36, 0.36, 0.33, 0.32, 0.33, 0.30, 0.30], start=1)
    ]  # means of three: .3, .33, .34, .35, .337, .327, .317, .31
    assert kept == [True, True, True, True, True, False, False, False]
    assert progress.best_epoch == 5 and progress.best_mrr == 0.32 and progress.stale_epochs == 3


def test_without_validation_the_last_epoch_is_the_best():
    trainer = make_trainer(random_movielens(), "none")
    progress = Progress()
    best_flags = []
    fit(trainer, None, progress, lambda embeddings, best: best_flags.append(best))
    assert best_flags == [True] * 4 and progress.best_epoch == 4 and progress.best_mrr is None
    assert all(math.isfinite(row["loss"]) for row in progress.history)


@pytest.mark.parametrize(("loss", "aggregator"), [("softmax", "mean"), ("max_margin", "max")])
def test_two_threads_give_the_same_bits_each_time(loss, aggregator):
    """The data are large enough that PyTorch divides the work; a sum in varying order would show."""
    movielens = random_movielens(num_users=300, num_movies=600, density=0.1)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    settings = replace(TRAINING, loss=loss, batch_size=4096, num_negatives=600, pairs_per_epoch=8192)
    try:
        runs = []
        for _ in range(2):
            trainer = make_trainer(movielens, training=settings, model=replace(MODEL, aggregator=aggregator))
            trainer.train_epoch()
            runs.append(trainer)
    finally:
        torch.set_num_threads(threads)
    assert same_bits(*runs)


def test_embeddings_with_nan_or_infinity_are_never_saved(monkeypatch):
    monkeypatch.setattr("model.trainer.learning_rate", lambda *_: 1e30)
    trainer = make_trainer(random_movielens(), "none", training=replace(TRAINING, batch_size=10**6))
    saved = []
    with pytest.raises(WorldError, match="the last good checkpoint is intact"):
        fit(trainer, None, Progress(), lambda embeddings, best: saved.append(embeddings))
    assert not saved
