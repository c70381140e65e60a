import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from model.batch import make_batch
from model.heads import Embeddings
from model.loss import max_margin_loss, softmax_loss
from tests.fuzzing import fuzz


def make_pairs(num_films, num_pairs, num_shared, num_hard, seed):
    """Random embeddings of a catalogue, and a batch of pairs as the trainer makes it."""
    generator = torch.Generator().manual_seed(seed)
    z = F.normalize(torch.randn(num_films, 4, generator=generator), dim=1).requires_grad_()
    query = torch.randint(num_films, (num_pairs,), generator=generator)
    positive = (query + torch.randint(1, num_films, (num_pairs,), generator=generator)) % num_films
    shared = torch.randperm(num_films, generator=generator)[:num_shared]
    hard = torch.randint(num_films, (num_pairs, num_hard), generator=generator)
    batch = make_batch(query, positive, shared, hard)
    rows = z[batch.films]
    return z, query, positive, shared, hard, Embeddings(rows, rows), batch


def naive(z, query, positive, shared, hard, one_pair):
    """A loop over pairs; shared negatives that are the query or the positive are masked, hard ones never."""
    losses = []
    for b in range(len(query)):
        negatives = [n for n in shared.tolist() if n not in (query[b], positive[b])] + hard[b].tolist()
        losses.append(one_pair(z[query[b]] @ z[positive[b]], [z[query[b]] @ z[n] for n in negatives]))
    return torch.stack(losses).mean()


SIZES = st.tuples(
    st.integers(3, 8), st.integers(1, 12), st.integers(1, 8), st.integers(0, 3), st.integers(0, 99)
)


@fuzz(60)
@given(SIZES)
def test_softmax_equals_the_loop_over_pairs_and_so_do_its_gradients(sizes):
    z, query, positive, shared, hard, rows, batch = make_pairs(*sizes)

    def one_pair(score, negatives):
        return -torch.log_softmax(torch.stack([score, *negatives]) / 0.2, dim=0)[0]

    _same(z, softmax_loss(rows, batch, 0.2), naive(z, query, positive, shared, hard, one_pair))


@fuzz(60)
@given(SIZES)
def test_max_margin_equals_the_loop_over_pairs_and_so_do_its_gradients(sizes):
    z, query, positive, shared, hard, rows, batch = make_pairs(*sizes)

    def one_pair(score, negatives):
        hinges = [(n - score + 0.3).clamp(min=0) for n in negatives]
        return torch.stack(hinges).mean() if hinges else score * 0

    _same(z, max_margin_loss(rows, batch, 0.3), naive(z, query, positive, shared, hard, one_pair))


def _same(z, fast, slow):
    torch.testing.assert_close(fast, slow, atol=1e-5, rtol=1e-4)
    gradients = [torch.autograd.grad(loss, z, retain_graph=True)[0] for loss in (fast, slow)]
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-4)


@fuzz(60)
@given(SIZES)
def test_negatives_are_weighted_by_the_inverse_of_their_inclusion_probability(sizes):
    z, query, positive, shared, hard, rows, batch = make_pairs(*sizes)
    probability = torch.rand(len(z), generator=torch.Generator().manual_seed(sizes[-1])) * 0.9 + 0.1
    probability[::3] = 1
    losses = []
    for b in range(len(query)):
        others = [n for n in shared.tolist() if n not in (query[b], positive[b])]
        scores = z[query[b]] @ z[[*others, *hard[b].tolist()]].T / 0.2
        weights = torch.cat([1 / probability[others], torch.ones(hard.size(1))])
        score = z[query[b]] @ z[positive[b]] / 0.2
        losses.append(torch.log(score.exp() + (weights * scores.exp()).sum()) - score)
    batch = make_batch(query, positive, shared, hard, probability.log())
    _same(z, softmax_loss(rows, batch, 0.2), torch.stack(losses).mean())


def test_hand_computed_values():
    """Film 0 is the query, 1 the positive (.5); 2 (.3), 3 (.9) and 0 are shared negatives, 4 is hard (.5)."""
    scores = torch.tensor([1.0, 0.5, 0.3, 0.9, 0.5])
    z = torch.stack([scores, (1 - scores**2).sqrt()], dim=1)
    batch = make_batch(*(torch.tensor(films) for films in ([0], [1], [2, 3, 0], [[4]])))
    z = z[batch.films]
    # Hinges with margin .1: 0, .5 and .1 for three negatives; the query is masked.
    assert max_margin_loss(Embeddings(z, z), batch, 0.1).item() == pytest.approx(0.2)
    expected = math.log(1 + math.exp(-0.2) + math.exp(0.4) + 1)
    assert softmax_loss(Embeddings(z, z), batch, 1.0).item() == pytest.approx(expected)


def test_bfloat16_changes_the_loss_and_its_gradient_by_less_than_a_hundredth():
    z, *_, rows, batch = make_pairs(200, 500, 150, 0, seed=1)
    losses = [softmax_loss(rows, batch, 0.1, precision) for precision in (torch.float32, torch.bfloat16)]
    exact, low = (torch.autograd.grad(loss, z, retain_graph=True)[0] for loss in losses)
    assert losses[1].item() == pytest.approx(losses[0].item(), rel=0.01)
    assert (low - exact).norm() < 0.01 * exact.norm()
