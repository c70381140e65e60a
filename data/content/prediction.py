"""What the content of an item says about who will take it: its spectral features, predicted by a ridge regression.

The spectral features of an item with many interactions are reliable, and those of an item with few are not. So a
linear map from content to spectral features is fitted on all items, each with a weight that grows with its number of
interactions. For the items it was fitted on, a prediction comes from a fit without them (cross-fitting): otherwise
the network would trust predictions more than new items deserve.
"""

from dataclasses import dataclass

import numpy as np

from base.arrays import FloatArray, IntArray

FOLDS = 5
HALF_WEIGHT = 5  # interactions at which an item has half of the greatest weight
STRENGTHS = (1.0, 10.0, 100.0, 1000.0)  # of the ridge penalty; cross-fitting chooses


@dataclass(frozen=True)
class SpectralPrediction:
    """A linear map from content features to spectral features.

    Attributes:
        weights: float32 ``[num_content, spectral_dim]``.
        constant: float32 ``[spectral_dim]``.
    """

    weights: FloatArray
    constant: FloatArray

    def predict(self, content: FloatArray) -> FloatArray:
        """Predicted spectral features float32 ``[n, spectral_dim]`` of content features."""
        return content @ self.weights + self.constant


def fit_prediction(
    content: FloatArray, spectral: FloatArray, degree: IntArray, seed: int
) -> tuple[SpectralPrediction, FloatArray]:
    """Fit the map.

    Args:
        content: float32 ``[n, num_content]``.
        spectral: float32 ``[n, spectral_dim]``, rows of unit length, or zeros for an item without interactions.
        degree: int ``[n]``, training interactions of each item.
        seed: seed of the folds.

    Returns:
        The map, and the cross-fitted predictions float32 ``[n, spectral_dim]``.
    """
    weight = degree / (degree + HALF_WEIGHT)
    fold = np.random.default_rng([seed, 2]).integers(FOLDS, size=len(content))
    design = np.concatenate([content, np.ones((len(content), 1), np.float32)], axis=1).astype(np.float64)
    moments, products = [], []
    for k in range(FOLDS):
        rows = fold == k
        weighted = design[rows] * weight[rows, None]
        moments.append(weighted.T @ design[rows])
        products.append(weighted.T @ spectral[rows])
    best_error, best = np.inf, None
    for strength in STRENGTHS:
        crossfitted = np.zeros(spectral.shape, dtype=np.float32)
        for k in range(FOLDS):
            rows = fold == k
            crossfitted[rows] = design[rows] @ _solved(
                sum(moments) - moments[k], sum(products) - products[k], strength
            )
        error = float((weight[:, None] * (spectral - crossfitted) ** 2).sum())
        if error < best_error:
            best_error, best = error, (strength, crossfitted)
    assert best is not None
    solution = _solved(sum(moments), sum(products), best[0]).astype(np.float32)
    return SpectralPrediction(solution[:-1], solution[-1]), best[1]


def _solved(moments: FloatArray, products: FloatArray, strength: float) -> FloatArray:
    """The ridge solution; the constant in the last row is not penalised."""
    penalty = np.full(len(moments), strength)
    penalty[-1] = 1e-6
    return np.linalg.solve(moments + np.diag(penalty), products)
