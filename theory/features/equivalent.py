r"""The spectrum of power-law random features as both dimensions grow, without drawing them.

With :math:`D_j=j^{-2\alpha}`, d features and :math:`u=\zeta/m(\zeta)` the fixed point
:math:`m=[1+\frac1d\operatorname{tr}D(mD-\zeta)^{-1}]^{-1}` is solved the other way round:

.. math:: \zeta(u)=u-\frac ud\sum_j\frac{D_j}{D_j-u},\qquad
   \tfrac1d\operatorname{tr}(\hat K-\zeta)^{-1}\simeq-\frac1u,\qquad
   \langle D^{1/2}b,(D^{1/2}WW^\top D^{1/2}-\zeta)^{-1}D^{1/2}b\rangle\simeq
   \frac u\zeta\sum_j\frac{D_jb_j^2}{D_j-u}

so that a real eigenvalue belongs to u = p + iq with :math:`\frac1d\sum D_j^2/|D_j-u|^2=1`, one
equation for q at each p, and the number of eigenvalues below it is a closed form (derived here; the
fixed point is a classical one, of sample covariances). The mass of the second measure at 0 is
:math:`\kappa\sum D_jb_j^2/(D_j+\kappa)` with :math:`\frac1d\sum D_j/(D_j+\kappa)=1`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: relative width of the bins of D behind the ones that are kept apart
_WIDTH = 0.02
#: bands kept apart, as a multiple of √d, and where each is looked at, in its half-widths
_APART = 1.0
_WITHIN = np.concatenate([-np.cos(np.linspace(0, np.pi, 9)), [-1.3, 1.3, -1.1, 1.1]])
_BROAD, _EDGE, _COARSE = 1200, 200, 8
_STEPS, _BISECTIONS = 60, 80
_BLOCK = 2**21


def bisected(excess: Callable[[float], float], below: float, above: float) -> float:
    """Return where a function that grows from `below` to `above` changes its sign."""
    for _ in range(_BISECTIONS):
        middle = 0.5 * (below + above)
        below, above = (below, middle) if excess(middle) > 0 else (middle, above)
    return 0.5 * (below + above)


@dataclass(frozen=True, eq=False)
class Equivalent:
    """Deterministic equivalent of the features' covariance.

    Parameters
    ----------
    v, d : int
        Dimensions of the inputs and of the features, d < v.
    alpha, beta : float
    """

    v: int
    d: int
    alpha: float
    beta: float

    @property
    def apart(self) -> int:
        """How many of the largest D_j have a band of their own."""
        return min(self.v, max(24, math.ceil(_APART * math.sqrt(self.d))))

    @cached_property
    def groups(self) -> tuple[Array, Array, Array]:
        """D_j in decreasing order, grouped where they crowd: values, counts, and Σ D_j b_j²."""
        j = np.arange(1.0, self.v + 1)
        values, weights = j ** (-2 * self.alpha), j ** (-2 * self.alpha - 2 * self.beta)
        single = min(self.v, 2 * self.apart)
        bins = np.floor(-np.log(values[single:] / values[single - 1]) / _WIDTH)
        starts = np.concatenate([[0], np.flatnonzero(np.diff(bins)) + 1]).astype(int)
        if single == self.v:
            return values, np.ones(self.v), weights
        counts = np.diff(np.append(starts, self.v - single)).astype(float)
        means = np.add.reduceat(values[single:], starts) / counts
        tail = np.add.reduceat(weights[single:], starts)
        return (
            np.concatenate([values[:single], means]),
            np.concatenate([np.ones(single), counts]),
            np.concatenate([weights[:single], tail]),
        )

    @cached_property
    def ridge(self) -> float:
        """κ > 0."""
        values, counts, _ = self.groups

        def excess(log_k: float) -> float:
            return float(np.sum(counts * values / (values + math.exp(log_k)))) / self.d - 1.0

        low, high = math.log(values[-1]) - 60.0, math.log(float(counts @ values) / self.d) + 1.0
        return math.exp(bisected(excess, high, low))

    @cached_property
    def floor(self) -> float:
        """2R∞, the loss that no weights go below."""
        values, _, weights = self.groups
        return float(self.ridge * np.sum(weights / (values + self.ridge)))

    @cached_property
    def path(self) -> tuple[Array, Array]:
        """p in increasing order and q > 0 there: the points that belong to eigenvalues."""
        values, counts, _ = self.groups
        j = np.arange(1, self.apart + 1)
        half = values[: self.apart] * np.maximum(
            1 / math.sqrt(self.d), np.minimum(0.5 * np.pi * j / (2 * self.alpha * self.d), 0.5)
        )
        near = values[: self.apart, None] + half[:, None] * _WITHIN
        edge = self._edge()
        first = edge * (1 - np.linspace(0.0, 1.0, _EDGE + 1)[1:] ** 2)
        lowest = math.log(1e-4 * abs(edge))
        broad = np.exp(np.linspace(lowest, math.log(2 * values[0]), _BROAD))
        p = np.unique(np.concatenate([first, broad, near[near > 0]]))
        start = np.full(p[::_COARSE].size, math.sqrt(float(counts @ values**2) / self.d))
        coarse = self._solved(p[::_COARSE], start)
        guess = np.exp(np.interp(p, coarse[0], np.log(coarse[1])))
        return self._solved(p, guess)

    def _edge(self) -> float:
        """p < 0 at the smallest eigenvalue, where q vanishes."""
        values, counts, _ = self.groups

        def excess(p: float) -> float:
            return float(np.sum(counts * (values / (values - p)) ** 2)) / self.d - 1.0

        return bisected(excess, -self.ridge, 0.0)

    def _solved(self, p: Array, guess: Array) -> tuple[Array, Array]:
        """Newton's method in q² for Σ n D²/((D − p)² + q²) = d; points without a root go."""
        values, counts, _ = self.groups
        weights, kept_p, kept_q = counts * values**2 / self.d, [], []
        for start in range(0, p.size, max(1, _BLOCK // values.size)):
            rows = slice(start, start + max(1, _BLOCK // values.size))
            part, q = p[rows], guess[rows] ** 2
            gaps = (values - part[:, None]) ** 2
            inside = (weights / np.maximum(gaps, 1e-300)).sum(axis=1) > 1
            part, gaps, q = part[inside], gaps[inside], q[inside]
            active = np.arange(part.size)
            for _ in range(_STEPS):
                terms = weights / (gaps[active] + q[active, None])
                total = terms.sum(axis=1)
                slope = -(terms / (gaps[active] + q[active, None])).sum(axis=1)
                # 1/√ of the sum is nearly linear in q² where one pole is near
                step = 2 * (1 - np.sqrt(total)) * total / slope
                q[active] = np.maximum(q[active] + step, 0.05 * q[active])
                active = active[np.abs(step) > 1e-10 * q[active]]
                if active.size == 0:
                    break
            kept_p.append(part)
            kept_q.append(np.sqrt(q))
        return np.concatenate(kept_p), np.concatenate(kept_q)

    @cached_property
    def table(self) -> tuple[Array, Array, Array]:
        """Eigenvalues in increasing order, the share of eigenvalues below, and the mass of the
        second measure below."""
        values, counts, weights = self.groups
        p, q = self.path
        x, below, pull = np.empty(p.size), np.empty(p.size), np.empty(p.size, dtype=complex)
        block = max(1, _BLOCK // (2 * values.size))
        for start in range(0, p.size, block):
            rows = slice(start, start + block)
            u = (p[rows] + 1j * q[rows])[:, None]
            ratio = counts * values / (values - u)
            x[rows] = (u[:, 0] * (1 - ratio.sum(axis=1) / self.d)).real
            logs = counts * np.log(values - u) - ratio
            phase = (1 - self.v / self.d) * np.log(u[:, 0]) + logs.sum(axis=1) / self.d
            below[rows] = 1 - self.v / self.d - phase.imag / np.pi
            pull[rows] = (u[:, 0] * (weights / (values - u)).sum(axis=1)) / x[rows]
        order = np.argsort(x)
        order = order[x[order] > 0]
        # the mass of the second measure per eigenvalue, smooth within a band and at its edges
        ratio = (pull.imag * np.pi * (p**2 + q**2) / (np.pi * q))[order]
        x, below = x[order], np.clip(below[order], 0.0, 1.0)
        below = np.concatenate([[0.0], np.maximum.accumulate(below), [1.0]])
        ratio = np.maximum(np.concatenate([ratio[:1], ratio, ratio[-1:]]), 0.0)
        x = np.concatenate([x[:1], x, x[-1:]])
        mass = 0.5 * (ratio[1:] + ratio[:-1]) * np.diff(below)
        return x, below, np.concatenate([[0.0], np.cumsum(mass)])

    def modes(self) -> tuple[Array, Array]:
        """Return d eigenvalues, decreasing, at the middles of equal shares, and the mass of the
        second measure on each share."""
        x, below, mass = self.table
        keep = np.concatenate([[True], np.diff(below) > 0])
        x, below, mass = x[keep], below[keep], mass[keep]
        middles = (np.arange(self.d) + 0.5) / self.d
        ends = np.arange(self.d + 1) / self.d
        found = np.exp(np.interp(middles, below, np.log(x)))
        shares = np.diff(np.interp(ends, below, mass))
        total = float(self.groups[2].sum()) - self.floor
        return found[::-1], shares[::-1] * (total / mass[-1])
