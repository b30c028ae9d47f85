"""What every activation is: a function in sympy, and its mean over a pair of normal numbers."""

from __future__ import annotations

from typing import Any

import sympy as sp

from ..core.errors import NotAvailable

#: variances of λ and ν, their covariance, and the sharpness of an activation
norm, teacher, sharpness = sp.symbols("Q T beta", positive=True)
overlap = sp.Symbol("R", real=True)


class Activation:
    """A function φ of one number. Subclass it as a frozen dataclass.

    `kernel` is asked for by the theory of one unit (`SingleIndex`).
    """

    def function(self, x: Any) -> Any:
        """Return φ(x) as a sympy expression, its numbers as `symbols` names them."""
        raise NotImplementedError(f"{type(self).__name__} does not state its function(self, x)")

    def kernel(self) -> Any:
        """Return k(Q, R, T) = E φ(λ)φ(ν) in `norm`, `overlap`, `teacher` and the own symbols.

        Raises
        ------
        NotAvailable
            It has none in closed form.
        """
        remedy = "state kernel(self), the mean of φ(λ)φ(ν); GELU(beta) and ReLU() have one"
        raise NotAvailable("activation", self, remedy)

    def gradient_noise(self) -> Any:
        """Return E (φ(λ) − φ(ν))² φ'(λ)² in the same symbols, or None: by quadrature."""
        return None

    def tidied(self, expression: Any) -> Any:
        """Return a derivative of the kernel in a form without 0/0."""
        return expression

    @property
    def symbols(self) -> dict[Any, float]:
        """The symbols of `function` and their numbers."""
        return {}

    @property
    def label(self) -> str:
        """Name for legends."""
        return type(self).__name__
