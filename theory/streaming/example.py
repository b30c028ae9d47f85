"""Examples of streaming methods."""

from __future__ import annotations

from typing import Any

from ..core import stated
from ..core.errors import NotAvailable
from ..core.example import Example
from ..core.symbols import residual
from ..covariance import isotropic, power_law
from ..methods import METHODS, SGD, ClippedSGD, Huber, SignSGD
from ..noise import Gaussian, StudentT
from .derive import check_streaming
from .problem import LeastSquares

_PROBLEM = LeastSquares(isotropic(200), Gaussian(0.5))
_HEAVY = LeastSquares(power_law(200, 0.5), StudentT(3.0, 0.5))

_CHOSEN = (
    Example(_PROBLEM, SGD(0.5), 2.0, "risk"),
    Example(_PROBLEM, ClippedSGD(0.8, 1.0), 2.0, "risk"),
    Example(_PROBLEM, Huber(0.8, 1.0), 2.0, "risk"),
    Example(_HEAVY, SignSGD(0.4), 2.0, "risk"),
)


def _is_of_streams(method: Any) -> bool:
    """Whether a method states a rule of one residual, and no family of its own."""
    try:
        check_streaming(method)
        stated.rule(method, residual)
    except NotAvailable:
        return False
    return bool(method.family_on("streaming") == "streaming")


_OTHERS = tuple(
    kind(**kind.EXAMPLE)  # type: ignore[attr-defined]
    for kind in METHODS
    if not any(type(example.method) is kind for example in _CHOSEN)
)
#: a new method of streams joins by its own EXAMPLE
EXAMPLES = (
    *_CHOSEN,
    *(Example(_PROBLEM, method, 2.0, "risk") for method in _OTHERS if _is_of_streams(method)),
)
