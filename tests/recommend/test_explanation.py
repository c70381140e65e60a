import numpy as np
import pytest

from recommend.explanation import NeighborTable
from tests.factories import random_table


def test_neighbours_come_without_padding_and_sum_to_one():
    neighbors, weights = random_table(12, 6)
    table = NeighborTable(neighbors.numpy(), 3 * weights.numpy())
    assert table.of(0) == []  # an isolated film
    for row in range(1, 12):
        found = table.of(row)
        assert len(found) == np.count_nonzero(weights[row]) and row not in {n.row for n in found}
        assert sum(n.weight for n in found) == pytest.approx(1)


def test_a_tie_by_hand():
    table = NeighborTable(
        np.array([[1, 2, 3], [2, 3, 0], [2, 2, 2], [0, 0, 0]]),
        np.array([[0.5, 0.3, 0.2], [0.6, 0.1, 0.3], [0, 0, 0], [1, 0, 0]]),
    )
    tie = table.tie(0, 1)
    assert [(n.row, pytest.approx(n.weight)) for n in tie.shared] == [(2, 0.3), (3, 0.1)]
    assert tie.overlap == pytest.approx(0.4) and tie.direct == 0.5
    assert table.tie(1, 0).direct == pytest.approx(0.3) and table.tie(1, 0).shared == tie.shared
    alone = table.tie(0, 2)
    assert (alone.overlap, alone.shared, alone.direct) == (0, [], pytest.approx(0.3))
