"""Gradients of the population by quadrature, which knows nothing of the kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ....solvers.hessian.pairs import pair_nodes
from ....theory.core.errors import NotAvailable
from ....theory.core.numeric import values_of

Array = NDArray[np.float64]

#: step of a difference quotient of order four
_STEP = 2e-3
_x = sp.Symbol("x", real=True)


@dataclass(frozen=True)
class Unit:
    """φ, φ' and φ'' as functions of arrays; of φ'' what automatic differentiation sees."""

    activation: Any

    def __post_init__(self) -> None:
        form = self.activation.function(_x).rewrite(sp.Piecewise)
        values = self.activation.symbols
        for name, order in (("value", 0), ("slope", 1), ("bend", 2)):
            object.__setattr__(self, name, values_of(sp.diff(form, _x, order), _x, values))

    @property
    def smooth(self) -> bool:
        """Whether φ'' is a function."""
        return not self.activation.function(_x).has(sp.Max, sp.Abs, sp.Piecewise, sp.Heaviside)


def _onto(unit: Unit, order: tuple[float, float], T: float, integrand: Any) -> Array:
    """c with E[Ψ x] = c₁w + c₂w*, from E[Ψλ] and E[Ψν]."""
    Q, R = order
    here, there, weights = pair_nodes(Q, R, T)
    psi = weights * integrand(here, there)
    sides = np.array([np.sum(psi * here), np.sum(psi * there)])
    return np.linalg.lstsq(np.array([[Q, R], [R, T]]), sides, rcond=1e-13)[0]


def gradient(unit: Any, order: tuple[float, float], T: float) -> Array:
    """c of ∇L."""
    return _onto(unit, order, T, lambda a, b: (unit.value(a) - unit.value(b)) * unit.slope(a))


def hessian_times(
    unit: Any, order: tuple[float, float], T: float, vector: Array, part: str
) -> Array:
    """Coefficients of H g, or of its Gauss–Newton part times g."""
    if part == "gauss-newton":
        return _gauss_newton_times(unit, order, T, vector)
    # the gradient at w + εg, on w and w*
    total = np.zeros(2)
    for steps, weight in ((1, 2 / 3), (-1, -2 / 3), (2, -1 / 12), (-2, 1 / 12)):
        point = np.array([1.0, 0.0]) + steps * _STEP * vector
        moved = order_of(point, order, T)
        there = gradient(unit, moved, T)
        total += weight / _STEP * np.array([there[0] * point[0], there[0] * point[1] + there[1]])
    return total


def _gauss_newton_times(unit: Any, order: tuple[float, float], T: float, vector: Array) -> Array:
    first, second = vector
    return _onto(unit, order, T, lambda a, b: unit.slope(a) ** 2 * (first * a + second * b))


def order_of(point: Array, order: tuple[float, float], T: float) -> tuple[float, float]:
    """Q and R of point₁ w + point₂ w*."""
    Q, R = order
    first, second = point
    size = first**2 * Q + 2 * first * second * R + second**2 * T
    return float(size), float(first * R + second * T)


def penalised(unit: Any, order: tuple[float, float], T: float, variance: float, part: str) -> Array:
    """c of ∇(L + (σ²/2) tr), by differences of the objective."""
    if part == "hessian" and not unit.smooth:
        remedy = "the curvature of a kink is seen by no quadrature; use GELU(beta)"
        raise NotAvailable("activation", unit.activation, remedy)

    def objective(Q: float, R: float) -> float:
        a, b, weights = pair_nodes(Q, R, T)
        error = unit.value(a) - unit.value(b)
        trace = unit.slope(a) ** 2
        if part == "hessian":
            trace = trace + error * unit.bend(a)
        return float(np.sum(weights * (error**2 + variance * trace)) / 2)

    Q, R = order
    stencil = ((1, 2 / 3), (-1, -2 / 3), (2, -1 / 12), (-2, 1 / 12))
    up = sum(weight * objective(Q + k * _STEP, R) for k, weight in stencil) / _STEP
    across = sum(weight * objective(Q, R + k * _STEP) for k, weight in stencil) / _STEP
    return np.array([2 * up, across])
