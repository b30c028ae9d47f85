"""What every activation is: a function in sympy, and its mean over a pair of normal numbers."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import sympy as sp

from ..core.errors import NotAvailable
from ..core.numeric import values_of

#: variances of λ and ν, their covariance, and the sharpness of an activation
norm, teacher, sharpness = sp.symbols("Q T beta", positive=True)
overlap = sp.Symbol("R", real=True)
#: the variable of what is derived from φ here
_x = sp.Symbol("x", real=True)
#: steps by which a maximum is closed in on, each to a hundredth of the last
_ZOOMS = 6


class Activation:
    """A function φ of one number. Subclass it as a frozen dataclass.

    `kernel` is asked for by the theory of one unit (`SingleIndex`); what an equilibrium network and
    a trained one need follows from `function`.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import sympy as sp
    >>> import limitlab as ll
    >>> @dataclass(frozen=True)
    ... class Cubic(ll.Activation):
    ...     def function(self, x):
    ...         return x**3
    >>> Cubic().straight, Cubic().homogeneous
    (False, False)
    """

    #: the word that names it, by default the class in small letters
    word: ClassVar[str] = ""
    #: variance of a weight times its fan-in with which a trained network starts
    gain: ClassVar[float] = 1.0

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

    @cached_property
    def form(self) -> Any:
        """φ in a variable x, its cases as pieces, so that no derivative of a maximum is left."""
        return self.function(_x).rewrite(sp.Piecewise)

    @cached_property
    def _pieces(self) -> Any:
        from ..expectation.pieces import pieces

        return pieces(self.form, _x, self.symbols)

    @cached_property
    def kinks(self) -> tuple[float, ...]:
        """Where φ′ jumps."""
        ends = (piece.upper for piece in self._pieces[:-1])
        return tuple(float(sp.sympify(end).subs(self.symbols)) for end in ends)

    @property
    def seams(self) -> tuple[float, ...]:
        """Where the panels of a quadrature end: the kinks, and around bends that are sharp."""
        return self.kinks

    @cached_property
    def homogeneous(self) -> bool:
        """Whether φ(cx) = cφ(x) for every c > 0."""
        c = sp.Symbol("c", positive=True)
        rest = (piece.value.subs(_x, c * _x) - c * piece.value for piece in self._pieces)
        return not any(self.kinks) and all(sp.simplify(each) == 0 for each in rest)

    @cached_property
    def straight(self) -> bool:
        """Whether φ is a straight line between its kinks."""
        return all(sp.simplify(sp.diff(piece.value, _x, 2)) == 0 for piece in self._pieces)

    @cached_property
    def steepest(self) -> float:
        """sup φ′; infinite where φ′ grows to the end."""
        slope = values_of(sp.diff(self.form, _x), _x, self.symbols)
        x = np.sinh(np.linspace(-9.0, 9.0, 4001))
        values = slope(x)
        place = int(np.argmax(values))
        if place in (0, x.size - 1) and not np.isclose(values[place], values[place // 2], rtol=0.1):
            return float("inf")
        for _ in range(_ZOOMS):
            near = np.linspace(x[max(place - 1, 0)], x[min(place + 1, x.size - 1)], 201)
            x, values = near, slope(near)
            place = int(np.argmax(values))
        return float(values[place])

    @property
    def label(self) -> str:
        """Name for legends."""
        return type(self).__name__


_Known: dict[type, Activation] = {}


def alike(activation: Activation) -> Activation:
    """The activation itself where it has numbers in its form, else one for all of its class."""
    if activation.symbols == {}:
        return activation
    return _Known.setdefault(type(activation), activation)
