r"""The student's matrices: gradient, and the noise of a batch as a diffusion.

.. math:: dU=-\nabla\ell(U;C=1)\,dt-\sqrt{\eta/b}\;\nabla\ell(U;C=dW),\qquad
          \mathbb E\,dW_{ij}^2=(1+\delta_{ij})\,dt,\quad dW=dW^\top

for every layer of every block, all with the same W: one batch serves them all. The gradient is
linear in C, the second moment of the inputs, so that a step h of the scheme is a step of descent
on inputs with :math:`C=1+\sqrt{\eta/(bh)}\,\Xi`. Derived here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.derivation import StackDerivation
from ..core.system import Step
from .closed import LABEL
from .loss import C, m, matrix_gradient, matrix_loss, rate

batch, step = sp.symbols("b h", positive=True)
#: a symmetric matrix of normal numbers, variances 2 on the diagonal and 1 off it
Xi = sp.MatrixSymbol("Xi", m, m)
Gradient, Loss, Seen = sp.symbols("Gradient Loss Seen")


@cache
def matrix_theory() -> StackDerivation:
    """Derive gradient and loss of a block, and the inputs that a step of the SDE sees."""
    one = sp.Identity(m)
    seen = one + sp.sqrt(rate / (batch * step)) * Xi
    variances = second_moments()
    equations = ((Gradient, matrix_gradient()), (Loss, matrix_loss()), (Seen, seen))
    linear = sp.expand(matrix_gradient().subs(C, 2 * C).doit() - 2 * matrix_gradient())
    assert linear == sp.ZeroMatrix(m, m)
    steps = (
        LABEL,
        Step("x ~ N(0, 1): a block sees A x, and learns B A x", "ℓ", matrix_loss()),
        Step(
            "its gradient in a layer U with P above and Q below, linear in C",
            "∂ℓ/∂U",
            equations[0][1],
        ),
        Step("the population has", C, one),
        Step("one of b samples x_i x_j varies on the diagonal by", "Var C_ii b", variances[0]),
        Step("and off it by", "Var C_ij b", variances[1]),
        Step("as the rate vanishes, W symmetric", "dU", "−∂ℓ/∂U(C = 1) dt − √(η/b) ∂ℓ/∂U(C = dW)"),
        Step("so that a step h of the SDE descends on inputs with", C, seen),
    )
    return StackDerivation("descent on the matrices of a deep linear student", equations, steps)


def second_moments() -> tuple[Any, Any]:
    """Variances of x_i² and of x_i x_j for standard normal inputs, by the moments of that law."""
    x = sp.symbols("x_1 x_2")
    moments = {0: 1, 1: 0, 2: 1, 3: 0, 4: 3}

    def mean(form: Any) -> Any:
        terms = sp.Poly(form, *x).terms()
        return sum(c * moments[i] * moments[j] for (i, j), c in terms)

    one, two = (mean(f**2) - mean(f) ** 2 for f in (x[0] ** 2, x[0] * x[1]))
    return one, two
