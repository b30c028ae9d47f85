r"""Gradient, both parts of the Hessian, and steps, in the span of :math:`w` and :math:`w_*`.

With :math:`L(w)=\ell(Q,R)`, :math:`\ell=\frac12(k(Q,Q,Q)+k(T,T,T))-k(Q,R,T)`:

.. math:: \nabla L=c_1w+c_2w_*,\quad c_1=2\partial_Q\ell,\;c_2=\partial_R\ell;\qquad
          \mathrm{GN}=\gamma I+2\gamma'ww^\top,\quad \gamma(Q)=\mathbb E\,\varphi'(\lambda)^2 .

Of the :math:`d-2` other directions every one has the curvature :math:`c_1`, which is
:math:`\mathbb E[\varphi'^2+(\varphi-y)\varphi'']` (heat identity), and :math:`\gamma` of it is the
Gauss–Newton part; what is left is the neglected part. Derived here, after arXiv 2401.10809.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import sympy as sp

from ..activations.base import Activation, alike, norm, overlap, teacher

Q, R, T = norm, overlap, teacher
#: coefficients of a vector on w and w*
Vector = tuple[Any, Any]


@dataclass(frozen=True)
class Loss:
    """ℓ of an activation, with what follows from it."""

    activation: Activation

    @cached_property
    def value(self) -> Any:
        """ℓ(Q, R)."""
        k = self.activation.kernel()
        own, target = (self._alone(k, size) for size in (Q, T))
        return (own + target) / 2 - k

    @cached_property
    def gauss_newton(self) -> Any:
        """γ(Q), which is ∂k/∂R at R = T = Q."""
        slope = self._tidied(sp.diff(self.activation.kernel(), R))
        return sp.simplify(self._alone(slope, Q))

    @cached_property
    def gradient(self) -> Vector:
        """c of ∇L, by the chain rule: ∇Q = 2w, ∇R = w*."""
        return self._slope(self.value)

    def _slope(self, objective: Any) -> Vector:
        return 2 * self._tidied(sp.diff(objective, Q)), self._tidied(sp.diff(objective, R))

    def noisy_gradient(self, variance: Any) -> Vector:
        """c of E L(w + σξ) as d → ∞: Q becomes Q + σ²d, R stays; all orders in σ."""
        first, second = self.gradient
        return first.subs(Q, Q + variance), second.subs(Q, Q + variance)

    def penalised_gradient(self, variance: Any, part: str) -> Vector:
        """c of ∇(L + (σ²/2) tr H), or of tr GN: σ²d/2 of the curvature of the bulk."""
        trace = self.gradient[0] if part == "hessian" else self.gauss_newton
        return self._slope(self.value + variance / 2 * trace)

    @cache  # noqa: B019 - losses are kept for good
    def hessian_times(self, vector: Vector, part: str = "full") -> Vector:
        """H, or its Gauss–Newton part, times a vector of the span."""
        along = project(vector)
        if part == "gauss-newton":
            curved = 2 * sp.diff(self.gauss_newton, Q) * along[0]
            return self.gauss_newton * vector[0] + curved, self.gauss_newton * vector[1]
        # the gradient at w + ε·vector, where Q grows by 2ε w·vector and R by ε w*·vector
        first, second = (
            2 * along[0] * self._tidied(sp.diff(c, Q)) + along[1] * self._tidied(sp.diff(c, R))
            for c in self.gradient
        )
        return first + self.gradient[0] * vector[0], second + self.gradient[0] * vector[1]

    def _alone(self, expression: Any, size: Any) -> Any:
        """At λ = ν, both of one variance."""
        return expression.subs({Q: size, R: size, T: size}, simultaneous=True)

    def _tidied(self, expression: Any) -> Any:
        return self.activation.tidied(expression)


def loss_of(activation: Activation) -> Loss:
    """The loss of an activation, derived once for all values of its symbols."""
    return _derived(alike(activation))


@cache
def _derived(activation: Activation) -> Loss:
    return Loss(activation)


def project(vector: Vector) -> Vector:
    """Its products with w and with w*."""
    return vector[0] * Q + vector[1] * R, vector[0] * R + vector[1] * T


def square(vector: Vector) -> Any:
    """Its squared length."""
    along = project(vector)
    return vector[0] * along[0] + vector[1] * along[1]


def moved(vector: Vector) -> tuple[Any, Any]:
    """Q and R of a vector that takes the place of w."""
    return square(vector), project(vector)[1]


def displaced(gradient: Vector, shift: Any) -> Vector:
    """w + shift · gradient."""
    return 1 + shift * gradient[0], shift * gradient[1]


def returned(there: Vector, point: Vector) -> Vector:
    """A vector on w' and w*, with w' on w and w*, on w and w*."""
    return there[0] * point[0], there[0] * point[1] + there[1]
