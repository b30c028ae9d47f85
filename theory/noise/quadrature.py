"""Moments of a law that is known by its density alone.

Composite Gauss-Legendre on panels whose width doubles away from every kink, so that any scale and
power-law tails are covered; a tail that does not decay is reported as infinite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.errors import InvalidInput

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_SMALLEST, _LARGEST = -60, 200  # panels reach from 2^-60 to 2^200 away from a kink
_FAINT = 1e-280  # densities below this are lost to underflow


def kinks(density: Callable[[Any], Any]) -> tuple[float, ...]:
    """Points where the density may break, from its Abs, sign, Heaviside, Min, Max, Piecewise."""
    import sympy as sp

    e = sp.Symbol("e", real=True)
    expression = sp.sympify(density(e))
    edges = [a.args[0] for a in expression.atoms(sp.Abs, sp.sign, sp.Heaviside)]
    for extremum in expression.atoms(sp.Min, sp.Max):
        first = extremum.args[0]
        edges += [first - other for other in extremum.args[1:]]
    edges += [r.lhs - r.rhs for r in expression.atoms(sp.core.relational.Relational)]
    points = {root for edge in edges for root in _roots(edge, e)}
    return tuple(sorted(points)) or (0.0,)


def _roots(edge: Any, e: Any) -> list[float]:
    """Real roots of a polynomial in e; every modulus inside is tried with either sign."""
    import sympy as sp

    for modulus in edge.atoms(sp.Abs):
        inside = modulus.args[0]
        return [r for s in (1, -1) for r in _roots(edge.subs(modulus, s * inside), e)]
    if not edge.is_polynomial(e) or not edge.has(e):
        return []
    roots = np.roots([float(c) for c in sp.Poly(edge, e).all_coeffs()])
    return [float(r.real) for r in roots if abs(r.imag) < 1e-12 * (1 + abs(r))]


def density_moment(law: Any, k: int) -> float:
    """Raw moment of order `k` by quadrature; infinite where the tail does not converge."""
    import sympy as sp

    e = sp.Symbol("e", real=True)
    density = law.density(e)
    if density is None:
        remedy = "give components(self), or density(self, e) and sample(self, rng, n)"
        raise InvalidInput("noise", type(law).__name__, remedy)
    evaluate = sp.lambdify(e, density, "numpy")

    def power(x: np.ndarray, order: int) -> np.ndarray:
        with np.errstate(all="ignore"):
            height = np.nan_to_num(np.broadcast_to(evaluate(x), x.shape), nan=0.0)
            return np.where(height > 0, height * x**order, 0.0)

    points = law.support_points
    mass = _integral(lambda x: power(x, 0), points)
    if not abs(mass - 1.0) < 1e-6:
        remedy = f"integrates to {mass:.8g}, not 1; narrow peaks belong in support_points"
        raise InvalidInput("density", type(law).__name__, remedy)
    return _integral(lambda x: power(x, k), points)


def _integral(f: Callable[[np.ndarray], np.ndarray], points: tuple[float, ...]) -> float:
    total = _tail(f, points[0], -1.0) + _tail(f, points[-1], 1.0)
    for left, right in zip(points[:-1], points[1:], strict=True):
        half = 0.5 * (right - left)
        widths = half * 2.0 ** np.arange(-50, 1)
        edges = np.concatenate([[0.0], widths])
        total += _panels(f, left + edges).sum() - _panels(f, right - edges).sum()
    # opposite tails that both diverge leave no number
    return math.inf if math.isnan(total) else float(total)


def _panels(f: Callable[[np.ndarray], np.ndarray], edges: np.ndarray) -> np.ndarray:
    """Integral over each panel, split in eight so that a smooth bump inside one is resolved."""
    fine = np.linspace(edges[:-1], edges[1:], 9, axis=1)
    half = 0.5 * np.diff(fine, axis=1)
    middle = 0.5 * (fine[:, 1:] + fine[:, :-1])
    values = f(middle[..., None] + half[..., None] * _NODES)
    return np.einsum("psn,n,ps->p", values, _WEIGHTS, half)


def _tail(f: Callable[[np.ndarray], np.ndarray], point: float, side: float) -> float:
    """Integral from a point outward; the far power law is summed as a geometric series."""
    distances = np.concatenate([[0.0], 2.0 ** np.arange(_SMALLEST, _LARGEST)])
    with np.errstate(over="ignore", invalid="ignore"):
        parts = side * _panels(f, point + side * distances)
    size = np.abs(parts)
    # beyond this octave the density underflows and panels say nothing about the tail
    faint = np.flatnonzero((size[1:] < _FAINT * distances[2:]) & (size[1:] > 0))
    end = faint[0] + 1 if faint.size else size.size
    parts, size = parts[:end], size[:end]
    if size[-1] == 0:
        return float(parts.sum())
    ratio = size[-1] / size[-2]
    if ratio >= 1 - 1e-9:
        return math.copysign(math.inf, parts[-1])
    return float(parts.sum() + parts[-1] * ratio / (1 - ratio))
