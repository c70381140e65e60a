"""Counts of candidates above and level with targets equal those of a plain loop."""

import numpy as np

from base.candidate_counts import candidate_counts


def naive(row, masked, targets, depth):
    """The candidates of one question, looked at one by one."""
    own = {column: score for column, score in enumerate(row) if column not in masked or column in targets}
    higher = [sum(score > row[target] for score in own.values()) for target in targets]
    equal = [sum(score == row[target] for score in own.values()) for target in targets]
    best = sorted(own, key=lambda column: (-own[column], column))[:depth]
    return higher, equal, best + [-1] * (min(depth, len(row)) - len(best))


def test_counts_equal_a_loop_over_all_candidates():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 9, (5, 1300)).astype(np.float32)  # many ties; more columns than one run
    rows = np.array([0, 3, 3, 4, 0, 1])
    masks = [rng.choice(1300, size, replace=False) for size in (0, 1, 700, 1300, 3, 40)]
    targets = [rng.choice(1300, size, replace=False) for size in (1, 2, 1, 1, 5, 1)]
    targets[2][0] = masks[2][0]  # a target that the mask names stays a candidate
    found = candidate_counts(
        scores,
        rows,
        np.cumsum([0, *map(len, masks)]),
        np.concatenate(masks),
        np.cumsum([0, *map(len, targets)]),
        np.concatenate(targets),
        depth=10,
    )
    expected = [
        naive(scores[row], set(mask.tolist()), target.tolist(), 10)
        for row, mask, target in zip(rows, masks, targets, strict=True)
    ]
    for place in (0, 1):
        np.testing.assert_array_equal(found[place], np.concatenate([one[place] for one in expected]))
    np.testing.assert_array_equal(found[2], [one[2] for one in expected])


def test_scores_are_not_changed_and_nothing_is_listed_without_a_depth():
    scores = np.array([[3, 2, 2, 1]], dtype=np.float32)
    before = scores.copy()
    higher, equal, best = candidate_counts(
        scores, np.zeros(1, int), np.array([0, 1]), np.array([0]), np.array([0, 1]), np.array([2])
    )
    assert (higher, equal) == ([0], [2])
    assert best.shape == (1, 0)
    np.testing.assert_array_equal(scores, before)
