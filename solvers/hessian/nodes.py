r"""Nodes and weights of a standard normal on which an activation is smooth.

The trapezoidal rule converges faster than any power of its spacing for what is analytic; the
spacing resolves :math:`1/\beta`, the width of the bend of :math:`x\Phi(\beta x)`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.activations.base import sharpness

Array = NDArray[np.float64]

#: where the normal density is below 1e-17
_END = 8.5
#: spacings a width of the bend at norm 1
_RESOLVED = 6


def normal_nodes(activation: Any) -> tuple[Array, Array]:
    """Return nodes and weights."""
    width = max(activation.symbols.get(sharpness, 1.0), 2.0)
    count = 2 * int(np.ceil(_END * _RESOLVED * width)) + 1
    x = np.linspace(-_END, _END, count)
    weights = np.exp(-(x**2) / 2)
    return x, weights / weights.sum()
