r"""max(x, 0). Its kernel is the limit β → ∞ of the one of x Φ(βx).

With :math:`s^2=QT-R^2` and :math:`P=\mathbb P(\lambda>0,\nu>0)`

.. math:: k=RP+\frac s{2\pi},\qquad
    \mathbb E\big[(\lambda-\nu_+)^2;\lambda>0\big]=\frac Q2-2k+TP+\frac{Rs}{2\pi Q},

the last by Stein's lemma once more. Derived here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import sympy as sp

from .base import Activation, norm, overlap, teacher
from .pairs import both_positive, gelu_mean


@dataclass(frozen=True)
class ReLU(Activation):
    """φ(x) = max(x, 0).

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.ReLU().homogeneous
    True
    """

    gain: ClassVar[float] = 2.0
    EXAMPLE: ClassVar[Mapping[str, Any]] = {}

    def function(self, x: Any) -> Any:
        return sp.Max(x, 0)

    def kernel(self) -> Any:
        return _kernel()

    def gradient_noise(self) -> Any:
        return _gradient_noise()

    def tidied(self, expression: Any) -> Any:
        return tidied(expression)


def tidied(expression: Any) -> Any:
    """The same in s, in which what is 0/0 at alignment has cancelled; s is put in again."""
    inside = expression.subs(teacher, (_s**2 + overlap**2) / norm)
    return sp.simplify(inside).subs(_s, sp.sqrt(norm * teacher - overlap**2))


def _sharp(expression: Any, beta: Any) -> Any:
    """The limit β → ∞ of a mean."""
    e = sp.Symbol("e", positive=True)
    inside = expression.subs({teacher: (_s**2 + overlap**2) / norm, beta: 1 / e})
    terms = sp.Add.make_args(sp.expand(inside))
    limit = sum(sp.limit(sp.simplify(term), e, 0) for term in terms)
    return tidied(limit.subs(_s, sp.sqrt(norm * teacher - overlap**2)))


_s = sp.Symbol("s", positive=True)


@cache
def _kernel() -> Any:
    beta = sp.Symbol("beta", positive=True)
    return _sharp(gelu_mean((norm, overlap, teacher), beta), beta)


@cache
def _gradient_noise() -> Any:
    """E[ν · ν; λ > 0, ν > 0]: ∂ν gives P, and ∂λ the density of λ at 0 with a mean of ν₊."""
    beta = sp.Symbol("beta", positive=True)
    positive = _sharp(both_positive((norm, overlap, teacher), beta), beta)
    boundary = sp.sqrt(teacher - overlap**2 / norm) / (2 * sp.pi * sp.sqrt(norm))
    return norm / 2 - 2 * _kernel() + teacher * positive + overlap * boundary
