"""Expectations that stay unevaluated in a formula and are lowered to a loop in compiled code."""

from __future__ import annotations

from typing import Any

import sympy as sp

from .symbols import risk

#: component of a Gaussian mixture: weight, mean, standard deviation
component = (
    sp.Symbol("w_j", positive=True),
    sp.Symbol("m_j", real=True),
    sp.Symbol("s_j", nonnegative=True),
)


class _Bound(sp.Expr):
    """An expression whose first argument depends on a bound variable (the second argument)."""

    @property
    def integrand(self) -> Any:
        return self.args[0]

    @property
    def variable(self) -> Any:
        return self.args[1]

    @property
    def bound_symbols(self) -> set[Any]:
        return {self.variable}

    @property
    def free_symbols(self) -> set[Any]:
        inner: set[Any] = set().union(*(a.free_symbols for a in self.args))
        return inner - self.bound_symbols


class PieceIntegral(_Bound):
    """∫_lower^upper polynomial · density dx with its closed form.

    The closed form cancels when the interval is short against ``scale``, the width on which the
    density varies; compiled code then uses a Gauss–Legendre rule on the integrand itself. Where
    the terms of the closed form outweigh their sum, it integrates on panels.

    Arguments: polynomial, variable, lower, upper, closed, scale, density, panels (centres, octaves
    and support of the density, or an empty Tuple where the terms never outweigh the sum).
    """

    @property
    def polynomial(self) -> Any:
        return self.args[0]

    @property
    def integrand(self) -> Any:
        return self.polynomial * self.density

    @property
    def density(self) -> Any:
        return self.args[6]

    @property
    def panels(self) -> Any:
        return self.args[7]

    @property
    def closed(self) -> Any:
        return self.args[4]

    @property
    def interval(self) -> tuple[Any, Any]:
        return self.args[2], self.args[3]

    @property
    def scale(self) -> Any:
        return self.args[5]

    def _sympystr(self, printer: Any) -> str:
        return f"({printer._print(self.closed)})"

    def _latex(self, printer: Any, exp: Any = None) -> str:
        text = rf"\left({printer._print(self.closed)}\right)"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


class PanelIntegral(_Bound):
    """∫_lower^upper integrand dx by Gauss–Legendre on panels that shrink towards the centres.

    The marked quadrature node for rules without a closed form. Panels double in width away from
    each centre, from 2^-30 ``scale`` to 2^octaves ``scale``, so that kinks, poles off the axis and
    heavy tails are all resolved.

    Arguments: integrand, variable, lower, upper, centres (Tuple), scale, octaves.
    """

    @property
    def interval(self) -> tuple[Any, Any]:
        return self.args[2], self.args[3]

    @property
    def centres(self) -> tuple[Any, ...]:
        return tuple(self.args[4])

    @property
    def scale(self) -> Any:
        return self.args[5]

    @property
    def octaves(self) -> int:
        return int(self.args[6])

    def _latex(self, printer: Any, exp: Any = None) -> str:
        lo, hi = (printer._print(e) for e in self.interval)
        body, x = printer._print(self.integrand), printer._print(self.variable)
        text = rf"\int_{{{lo}}}^{{{hi}}}{body}\,d{x}"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


class MixtureSum(sp.Expr):
    """Σ_j w_j f(m_j, s_j) over the components of the label noise.

    Argument: the summand f, an expression in the symbols of :data:`component`.
    """

    @property
    def summand(self) -> Any:
        return self.args[0]

    @property
    def free_symbols(self) -> set[Any]:
        return self.summand.free_symbols - set(component)

    def _sympystr(self, printer: Any) -> str:
        return f"sum_j w_j*({printer._print(self.summand)})"

    def _latex(self, printer: Any, exp: Any = None) -> str:
        body = printer._print(self.summand)
        text = rf"\sum_j w_j\left[{body}\right]"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


class TabulatedMean(sp.Expr):
    """A mean over the residual that code reads from a table in log R.

    Arguments: its formula, for the reader; the symbol of the table.
    """

    @property
    def symbol(self) -> Any:
        return self.args[1]

    @property
    def free_symbols(self) -> set[Any]:
        return {risk, self.symbol}

    def _sympystr(self, printer: Any) -> str:
        return f"({printer._print(self.args[0])})"

    def _latex(self, printer: Any, exp: Any = None) -> str:
        text = printer._print(self.args[0])
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"
