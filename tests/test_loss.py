import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.loss import BatchScores, max_margin_loss, softmax_loss


def make_batch(num_films, num_pairs, num_shared, num_hard, seed):
    """Random embeddings and pairs, and the scores as the trainer lays them out."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.nn.functional.normalize(torch.randn(num_films, 4, generator=generator), dim=1).requires_grad_()
    query = torch.randint(num_films, (num_pairs,), generator=generator)
    positive = (query + torch.randint(1, num_films, (num_pairs,), generator=generator)) % num_films
    shared = torch.randperm(num_films, generator=generator)[:num_shared]
    hard = torch.randint(num_films, (num_pairs, num_hard), generator=generator)
    distinct, query_of_pair = query.unique(return_inverse=True)
    column_of = torch.full((num_films,), -1)
    column_of[shared] = torch.arange(len(shared))
    scores = BatchScores(
        positive=(z[query] * z[positive]).sum(1),
        shared=(z[distinct] @ z[shared].T).masked_fill(distinct.unsqueeze(1) == shared, -torch.inf),
        query_of_pair=query_of_pair,
        positive_column=column_of[positive],
        hard=torch.einsum("bd,bhd->bh", z[query], z[hard]),
    )
    return z, query, positive, shared, hard, scores


def naive(z, query, positive, shared, hard, one_pair):
    """Pair by pair; shared negatives that are the query or the positive do not count, hard ones all do."""
    losses = []
    for b in range(len(query)):
        negatives = [n for n in shared.tolist() if n not in (query[b], positive[b])] + hard[b].tolist()
        losses.append(one_pair(z[query[b]] @ z[positive[b]], [z[query[b]] @ z[n] for n in negatives]))
    return torch.stack(losses).mean()


SIZES = st.tuples(
    st.integers(3, 8), st.integers(1, 12), st.integers(1, 8), st.integers(0, 3), st.integers(0, 99)
)


@settings(max_examples=60, deadline=None)
@given(SIZES)
def test_softmax_equals_the_loop_over_pairs_and_so_do_its_gradients(sizes):
    z, query, positive, shared, hard, scores = make_batch(*sizes)

    def one_pair(score, negatives):
        return -torch.log_softmax(torch.stack([score, *negatives]) / 0.2, dim=0)[0]

    _same(z, softmax_loss(scores, 0.2), naive(z, query, positive, shared, hard, one_pair))


@settings(max_examples=60, deadline=None)
@given(SIZES)
def test_max_margin_equals_the_loop_over_pairs_and_so_do_its_gradients(sizes):
    z, query, positive, shared, hard, scores = make_batch(*sizes)

    def one_pair(score, negatives):
        hinges = [(n - score + 0.3).clamp(min=0) for n in negatives]
        return torch.stack(hinges).mean() if hinges else score * 0

    _same(z, max_margin_loss(scores, 0.3), naive(z, query, positive, shared, hard, one_pair))


def _same(z, fast, slow):
    torch.testing.assert_close(fast, slow, atol=1e-5, rtol=1e-4)
    gradients = [torch.autograd.grad(loss, z, retain_graph=True)[0] for loss in (fast, slow)]
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-4)


def test_hand_computed_values():
    scores = BatchScores(
        positive=torch.tensor([0.5]),
        shared=torch.tensor([[0.3, 0.9, -torch.inf]]),
        query_of_pair=torch.tensor([0]),
        positive_column=torch.tensor([-1]),
        hard=torch.tensor([[0.5]]),
    )
    # Hinges at margin .1: 0, .5 and .1 over three negatives, the masked one left out.
    assert max_margin_loss(scores, 0.1).item() == pytest.approx(0.2)
    expected = math.log(1 + math.exp(-0.2) + math.exp(0.4) + 1)
    assert softmax_loss(scores, 1.0).item() == pytest.approx(expected)
