"""The linear models of these figures: a well-spread spectrum, and one that few modes carry."""

from __future__ import annotations

import numpy as np

from ....theory.linear.problem import LinearModel


def gaussian_features(data: int, seed: int) -> LinearModel:
    """Independent normal features, two parameters an example; tr N ≈ D."""
    rng = np.random.default_rng(seed)
    residual = rng.standard_normal(data)
    return LinearModel(rng.standard_normal((data, 2 * data)) / np.sqrt(2), residual=residual)


def power_law_features(data: int, seed: int, exponent: float = 1.5) -> LinearModel:
    """Eigenvalues λ_i ∝ i^(-exponent) of N with tr N = D, in random directions."""
    rng = np.random.default_rng(seed)
    residual = rng.standard_normal(data)
    vectors = np.linalg.qr(rng.standard_normal((data, data)))[0]
    eigenvalues = np.arange(1, data + 1.0) ** -exponent
    jacobian = vectors * np.sqrt(data * eigenvalues * data / eigenvalues.sum())
    return LinearModel(jacobian, residual=residual)
