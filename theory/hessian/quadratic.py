r"""A network with squares: traces of both parts, and the loss at noisy weights, by Wick's theorem.

:math:`f=\frac12(x^\top\Theta x-{\rm tr}\,\Theta)`, :math:`\Theta=\sum_ia_iw_iw_i^\top`, labels of
B, standard normal inputs: :math:`L=\frac14\|E\|_F^2`, :math:`E=\Theta-B`. With noise
:math:`\sigma\xi` on the weights

.. math:: \delta\Theta=\sigma\sum_ia_i(w_i\xi_i^\top+\xi_iw_i^\top)
                       +\sigma^2\sum_ia_i\xi_i\xi_i^\top,

and the mean of :math:`\frac14\|E+\delta\Theta\|^2` needs the moments of ξ up to four. Derived here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.system import Step

#: |E|², tr E, Σa, Σa², Σa²|w|², Σ|w|⁴, d and σ
error, trace, total, squares, weighted, fourth = sp.symbols("E_2 E_1 a_1 a_2 aw_2 w_4", real=True)
d, sigma = sp.symbols("d sigma", positive=True)


def pairings(indices: tuple[int, ...]) -> list[list[tuple[int, int]]]:
    """All ways to pair an even number of indices."""
    if not indices:
        return [[]]
    first, *rest = indices
    return [
        [(first, other), *more]
        for k, other in enumerate(rest)
        for more in pairings(tuple(rest[:k] + rest[k + 1 :]))
    ]


def _traced(matrices: int) -> Any:
    """E tr(ξξᵀ)^{2}: Σ over the pairings of ξ_pξ_qξ_pξ_q, a power of d for each closed loop."""
    # indices of ξ_p ξ_q ξ_r ξ_s with q = r and s = p in the trace
    ends = {0: 0, 1: 1, 2: 1, 3: 0}
    total_of: Any = 0
    for pairing in pairings(tuple(range(2 * matrices))):
        joined = {label: label for label in ends.values()}
        for left, right in pairing:
            a, b = ends[left], ends[right]
            joined = {k: (joined[a] if v == joined[b] else v) for k, v in joined.items()}
        total_of += d ** len(set(joined.values()))
    return total_of


@cache
def quadratic_network() -> Derivation:
    """Traces of the Hessian in the weights and the readout, and the noisy loss, exactly."""
    # ∂²f/∂w_i∂w_i = a_i(xxᵀ − I): E[(f − y)(xxᵀ − I)] = E, traced over d directions of each unit
    neglected = total * trace
    # ∂f/∂w_i = a_i(x·w_i)x: E[(x·w)²|x|²] = (d + 2)|w|² by Wick, less the centring of tr Θ
    along = sp.expand((d + 2) - 1) * weighted
    # E δΘ = σ² Σa I; E‖δΘ‖² at order σ²: the two halves of a symmetric rank-two matrix
    first = 2 * sigma**2 * total * trace
    second = 2 * sigma**2 * (d + 1) * weighted
    # order σ⁴: units i ≠ j give E tr(ξ_iξ_iᵀ)(ξ_jξ_jᵀ) = d, one unit E|ξ|⁴
    alone = _traced(2)
    quartic = sigma**4 * (d * (total**2 - squares) + alone * squares)
    noisy = sp.expand((error + first + second + quartic) / 4)
    readout = fourth / 2
    equations = (
        (sp.Symbol("loss"), error / 4),
        (sp.Symbol("gauss_newton"), along),
        (sp.Symbol("neglected"), neglected),
        (sp.Symbol("readout"), readout),
        (sp.Symbol("noisy_loss"), noisy),
    )
    steps = (
        Step("the Gauss–Newton part in the weights has the trace", "tr GN_W", along),
        Step("the neglected part", "tr NME", neglected),
        Step("training the readout adds to the first", "tr GN_a", readout),
        Step("one unit's noise to the fourth", "E|ξ|⁴", alone),
        Step("so that, exactly, the loss at noisy weights is", "E L(W + σξ)", noisy),
        Step(
            "at W = 0 and Σa → ∞ the loss stays and tr H falls without end where tr B > 0",
            "L + λ tr H",
            error / 4 + sp.Symbol("lambda") * neglected,
        ),
    )
    return Derivation("quadratic network: traces and noise", equations, steps)
