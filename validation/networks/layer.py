"""φ and φ′ of an activation on arrays, complex ones too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ...theory.activations import Activation, ReLU, Tanh

Array = NDArray[np.float64]
_x = sp.Symbol("x", real=True)


@dataclass(frozen=True)
class Layer:
    """φ of the sums, and φ′ of the sums and of φ there."""

    value: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array]


@cache
def of(activation: Activation) -> Layer:
    """The functions of an activation, from its form."""
    quick = _QUICK.get(type(activation))
    if quick is not None:
        return quick
    form = activation.function(_x).rewrite(sp.Piecewise).subs(activation.symbols)
    value, slope = (_compiled(each) for each in (form, sp.diff(form, _x)))
    return Layer(value, lambda sums, _: slope(sums))


def _compiled(form: Any) -> Callable[[Array], Array]:
    function = sp.lambdify(_x, form, ["scipy", "numpy"])
    return lambda sums: function(sums) + np.zeros_like(sums)


#: with a slope that is cheap in φ; a test holds them against the forms
_QUICK = {
    Tanh: Layer(np.tanh, lambda _, a: 1 - a**2),
    ReLU: Layer(lambda x: np.maximum(x, 0), lambda _, a: (a > 0).astype(float)),
}
