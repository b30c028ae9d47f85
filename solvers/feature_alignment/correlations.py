r"""How much two matrices are alike, and the correlations of the features of a layer.

.. math:: \text{UC-NFC}=\mathrm{sim}(W^\top W,W^\top KW),\qquad
          \text{C-NFC}=\mathrm{sim}(\bar W^\top\bar W,\bar W^\top K\bar W),\qquad\bar W=W-W_0

Definitions after arXiv 2402.05271. "cosine" is tr(AᵀB)/(|A||B|); "pearson" subtracts from both
matrices the mean of their entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import array, choice
from ...theory.core.errors import InvalidInput

Array = NDArray[np.float64]
CORRELATIONS = ("cosine", "pearson")
#: symbols of the 16 terms: which factors of tr(WᵀW WᵀKW) are centred
_LETTERS = ("0", "c")


def similarity(one: Array, two: Array, correlation: str = "cosine") -> float:
    """Return the correlation of two matrices of one shape; NaN where one of them is 0."""
    if correlation == "pearson":
        one, two = one - one.mean(), two - two.mean()
    # lengths of 1 before the product, so that tiny features do not underflow
    sizes = [float(np.abs(x).max()) for x in (one, two)]
    if min(sizes) == 0:
        return float("nan")
    one, two = one / sizes[0], two / sizes[1]
    return float(np.vdot(one, two) / (np.linalg.norm(one) * np.linalg.norm(two)))


@dataclass(frozen=True, eq=False)
class FeatureAlignment:
    """The correlations of a layer.

    Attributes
    ----------
    alignment : float
        UC-NFC.
    centred_alignment : float
        C-NFC: the full K, and W less W₀.
    terms : dict
        The 16 traces into which tr(WᵀW WᵀKW) falls with W = W₀ + (W − W₀): "cccc" is that of
        W − W₀ alone, "0000" that of W₀.
    """

    alignment: float
    centred_alignment: float
    terms: dict[str, float]


def feature_alignment(
    weights: Any, start: Any, tangent: Any, correlation: str = "cosine"
) -> FeatureAlignment:
    """Return the uncentred and the centred correlation of a layer's features, and their parts.

    Parameters
    ----------
    weights, start : (k, d) array_like
        W and W₀.
    tangent : (k, k) array_like
        K = E ∂f/∂h ∂f/∂hᵀ at the weights; for a quadratic network A W S Wᵀ A.
    correlation : {"cosine", "pearson"}

    Raises
    ------
    InvalidInput
        W = W₀: the centred correlation is undefined before the first step; other shapes.

    Examples
    --------
    >>> import limitlab as ll
    >>> found = ll.feature_alignment([[1.0, 1.0]], [[1.0, 0.0]], [[2.0]])
    >>> found.centred_alignment, sum(found.terms.values())
    (1.0, 8.0)
    """
    choice("correlation", correlation, CORRELATIONS)
    W, W0, K = (array(n, v, 2) for n, v in zip(_FIELDS, (weights, start, tangent), strict=True))
    if W0.shape != W.shape:
        raise InvalidInput("start", start, f"has the shape {W0.shape}; give {W.shape}")
    if K.shape != (len(W), len(W)):
        raise InvalidInput("tangent", tangent, f"has the shape {K.shape}; give {(len(W),) * 2}")
    moved = W - W0
    if not moved.any():
        raise InvalidInput("weights", weights, "undefined before the first step: W = W₀")
    parts = {"0": W0, "c": moved}
    grams = {a + b: parts[a].T @ parts[b] for a, b in product(_LETTERS, repeat=2)}
    pulled = {a + b: parts[a].T @ (K @ parts[b]) for a, b in product(_LETTERS, repeat=2)}
    terms = {
        left + right: float(np.vdot(grams[left].T, pulled[right]))
        for left, right in product(grams, pulled)
    }
    return FeatureAlignment(
        similarity(W.T @ W, W.T @ (K @ W), correlation),
        similarity(grams["cc"], pulled["cc"], correlation),
        terms,
    )


_FIELDS = ("weights", "start", "tangent")
