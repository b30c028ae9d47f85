r"""Means over a pair: :math:`k(Q,R,T)=\mathbb E\,\varphi(\lambda)\varphi(\nu)`.

:math:`(\lambda,\nu)` are centred normal with variances Q, T and covariance R. For
:math:`\varphi(x)=x\,\Phi(\beta x)` Stein's lemma,

.. math:: \mathbb E[\lambda h]=Q\,\mathbb E[\partial_\lambda h]+R\,\mathbb E[\partial_\nu h],

closes on the two means :math:`P=\mathbb E\,\Phi(\beta\lambda)\Phi(\beta\nu)` and
:math:`p=\mathbb E\,\phi(\beta\lambda)\phi(\beta\nu)`. Derived here.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

Pair = tuple[Any, Any, Any]


def both_positive(pair: Pair, beta: Any) -> Any:
    """P: the arcsine law."""
    Q, R, T = pair
    sine = beta**2 * R / sp.sqrt((1 + beta**2 * Q) * (1 + beta**2 * T))
    return sp.Rational(1, 4) + sp.asin(sine) / (2 * sp.pi)


def both_at_zero(pair: Pair, beta: Any) -> Any:
    """p, which is ∂P/∂R over β²: the normal density of the pair, widened by 1/β², at 0."""
    Q, R, T = pair
    determinant = (1 + beta**2 * Q) * (1 + beta**2 * T) - beta**4 * R**2
    return 1 / (2 * sp.pi * sp.sqrt(determinant))


def gelu_mean(pair: Pair, beta: Any) -> Any:
    """k of x Φ(βx): E[λ · νΦ(βλ)Φ(βν)] by Stein's lemma, Φ' = φ and φ' = −xφ."""
    Q, R, T = pair
    density = both_at_zero(pair, beta)
    # ∂λ gives βν φ(βλ)Φ(βν); ∂ν gives Φ(βλ)Φ(βν) and βν Φ(βλ)φ(βν)
    first, second = _against_other(Q, R, T, beta), _against_own(T, R, beta)
    return R * both_positive(pair, beta) + (Q * beta * first + R * beta * second) * density


def _against_own(own: Any, R: Any, beta: Any) -> Any:
    """E[λ h] over p of h = φ(βλ)Φ(βν), from ∂h/∂λ = −β²λ h and ∂h/∂ν = β φ(βλ)φ(βν)."""
    mean = sp.Symbol("mean")
    (found,) = sp.solve(-(beta**2) * own * mean + beta * R - mean, mean)
    return found


def _against_other(own: Any, R: Any, other: Any, beta: Any) -> Any:
    """E[ν h] over p of the same h."""
    return -(beta**2) * R * _against_own(own, R, beta) + beta * other
