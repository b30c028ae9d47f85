"""Panels on which functions are polynomials to rounding: halved until they are, then merged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InvalidInput

Array = NDArray[np.float64]
Function = Callable[[Array], Array]

NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)
#: between the nodes, where an interpolating polynomial is held against the function
_BETWEEN = np.array([-0.96, -0.45, 0.13, 0.71])
_CLOSE = 1e-12
_ROUNDS = 48
#: panels at once above which a function is no rule that panels resolve
_MOST = 20_000
#: of the gap of a panel: what is left of it in a half where it is rounding, and how large that is
_STAYS, _NOISE = 0.1, 1e-13
#: octaves of the first panels around every centre: a rule or a law may be narrow
_OCTAVES = 2.0 ** np.arange(-45, 61)

#: from values at the nodes to a Legendre series, and to the points between them
_TO_SERIES = np.linalg.inv(np.polynomial.legendre.legvander(NODES, NODES.size - 1))
_TO_BETWEEN = np.polynomial.legendre.legvander(_BETWEEN, NODES.size - 1) @ _TO_SERIES
#: where two panels look before they become one, as shares of a panel
_SEEN = np.linspace(0.01, 0.99, 16)


@np.errstate(all="ignore")  # a rule may overflow far out, where nothing is looked up
def resolve(functions: Sequence[Function], centres: Sequence[float]) -> Array:
    """Return edges of panels on which every function is a polynomial to rounding."""
    reach = np.concatenate([-_OCTAVES[::-1], [0.0], _OCTAVES])
    edges = np.unique(np.add.outer(np.asarray(centres, dtype=float), reach))
    left, right = edges[:-1], edges[1:]
    done = [edges]
    scale: list[float] = [0.0] * len(functions)
    before = np.full((len(functions), left.size), np.inf)
    for _ in range(_ROUNDS):
        rough = np.zeros(left.size, dtype=bool)
        half, middle = 0.5 * (right - left), 0.5 * (right + left)
        for k, function in enumerate(functions):
            nodes = function(middle[:, None] + half[:, None] * NODES)
            between = function(middle[:, None] + half[:, None] * _BETWEEN)
            sizes = np.abs(nodes).max(axis=1)
            finite = np.isfinite(sizes) & np.all(np.isfinite(between), axis=1)
            near = finite & (np.abs(middle) < 1e3)
            scale[k] = max(scale[k], float(np.max(sizes[near], initial=0.0)))
            gap = np.abs(nodes @ _TO_BETWEEN.T - between).max(axis=1)
            # the gap of a smooth function falls by 2¹⁶ in a halving, that of rounding errors stays
            noise = (gap > _STAYS * before[k]) & (gap < _NOISE * scale[k])
            before[k] = gap
            # what is small against the whole function in a short panel adds nothing to a mean
            share = np.minimum(1.0, half / (1.0 + np.abs(middle)))
            small = _CLOSE * (sizes + 1e-3 * scale[k] * share + 1e-300)
            counts = gap * half > 1e-16 * scale[k] * _CLOSE
            rough |= finite & ~noise & counts & (gap > small)
        rough &= half > 4e-15 * np.abs(middle)
        if not rough.any():
            break
        if rough.sum() > _MOST:
            raise InvalidInput(
                "rule", f"more than {_MOST} panels", "cannot be resolved; is it continuous?"
            )
        left, right, middle = left[rough], right[rough], middle[rough]
        before = np.tile(before[:, rough], 2)
        done.append(middle)
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
    return _merged(np.unique(np.concatenate(done)), functions, np.asarray(centres, dtype=float))


def _merged(edges: Array, functions: Sequence[Function], must: Array) -> Array:
    """Return the edges without those between two panels that are as well resolved as one."""
    fixed = np.isin(edges, must)
    first = 1
    idle = 0
    while idle < 2 and edges.size > 2:
        inner = np.arange(first, edges.size - 1, 2)
        inner = inner[~fixed[inner]]
        left, right = edges[inner - 1, None], edges[inner + 1, None]
        cut, half, middle = edges[inner, None], 0.5 * (right - left), 0.5 * (right + left)
        # the wide panel must reproduce what either narrow one sees
        seen = np.hstack([a + (b - a) * _SEEN for a, b in ((left, cut), (cut, right))])
        polynomials = np.polynomial.legendre.legvander((seen - middle) / half, NODES.size - 1)
        smooth = np.ones(inner.size, dtype=bool)
        for function in functions:
            series = function(middle + half * NODES) @ _TO_SERIES.T
            right_values = function(seen)
            gap = np.abs(np.einsum("npk,nk->np", polynomials, series) - right_values).max(axis=1)
            smooth &= gap <= _CLOSE * np.abs(right_values).max(axis=1)  # False if not finite
        idle = 0 if smooth.any() else idle + 1
        edges, fixed = np.delete(edges, inner[smooth]), np.delete(fixed, inner[smooth])
        first = 3 - first
    return edges


def abrupt(edges: Array) -> Array:
    """Return the edges where narrow panels end and wide ones begin: the rule is no longer seen."""
    left, right = np.diff(edges)[:-1], np.diff(edges)[1:]
    return edges[1:-1][np.maximum(left, right) > 4 * np.minimum(left, right)]
