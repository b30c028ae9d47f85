r"""How one run of SGD on one unit scatters: the covariance of one step, by the delta method.

A batch steps along :math:`\hat g=\frac1b\sum_kX_kx_k`, :math:`X=e\,\varphi'(\lambda)`. With the
means s over the batch of :math:`(X\lambda,X\nu,X^2)`, and the part of :math:`\hat g` outside the
span of w and w*, which given the X is normal with variance :math:`s_3/b` in d − 2 directions,

.. math:: Q'=Q-2\eta s_1+\eta^2\Big(s_{12}^\top\mathcal G^{-1}s_{12}+\tfrac{s_3}b\chi^2_{d-2}\Big),
          \qquad R'=R-\eta s_2 .

To first order in 1/b at fixed δ = d/b. Derived here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.system import Step
from .step import Q, R, T

eta, delta, b, V = sp.symbols("eta delta b V", positive=True)
c = sp.symbols("c_1 c_2", real=True)
#: means over a batch, and their covariance times b
s = sp.symbols("s_1:4", real=True)
NAMES = ("S_11", "S_12", "S_13", "S_22", "S_23", "S_33")
own, shared, other, drift = sp.symbols("QQ QR RR drift", real=True)


@cache
def scatter() -> Derivation:
    """Derive the covariance of Q′ and R′, and what curvature adds to the mean of Q′."""
    entries = sp.symbols(NAMES, real=True)
    places = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    covariance = sp.zeros(3)
    for (i, j), entry in zip(places, entries, strict=True):
        covariance[i, j] = covariance[j, i] = entry
    G = sp.Matrix([[Q, R], [R, T]])
    inside = sp.Matrix(s[:2])
    # the mean of χ²/b is δ − 2/b
    norm = Q - 2 * eta * s[0] + eta**2 * ((inside.T * G.inv() * inside)[0] + delta * s[2])
    overlap = R - eta * s[1]
    mean = dict(zip(s, (*(G * sp.Matrix(c)), V), strict=True))
    slopes = sp.Matrix(
        [[sp.simplify(sp.diff(form, x).subs(mean)) for x in s] for form in (norm, overlap)]
    )
    step = slopes * covariance * slopes.T / b
    transverse = 2 * eta**4 * delta * V**2 / b
    curved: Any = sum(
        sp.diff(norm, s[i], s[j]) * covariance[i, j] / (2 * b) for i in (0, 1) for j in (0, 1)
    )
    equations = (
        (own, step[0, 0] + transverse),
        (shared, step[0, 1]),
        (other, step[1, 1]),
        (drift, sp.simplify(curved) - 2 * eta**2 * V / b),
    )
    return Derivation(
        "scatter of a step of SGD on one unit",
        equations,
        (
            Step("Q′ in means over the batch", "Q'", norm),
            Step("their means are 𝒢c and V; slopes there", "dQ'/ds", slopes.row(0)),
            Step("so that Var Q′, with χ² outside the span", own, equations[0][1]),
            Step("and Var R′", other, equations[2][1]),
            Step(
                "curvature, and d − 2 directions for d, move the mean of Q′ by",
                drift,
                equations[3][1],
            ),
        ),
    )
