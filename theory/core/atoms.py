"""Three functions that close Gaussian integrals under integration by parts.

φ(x), Φ(b) − Φ(a) and e^A Φ(z). They stay whole in formulas so that compiled code can evaluate them
without cancellation or overflow.
"""

from __future__ import annotations

from typing import Any

import sympy as sp


def _cdf(x: Any) -> Any:
    return sp.erfc(-x / sp.sqrt(2)) / 2


class normal_pdf(sp.Function):  # noqa: N801
    """φ(x) = exp(−x²/2)/√(2π); the sign of x is normalised away."""

    nargs = 1

    @classmethod
    def eval(cls, x: Any) -> Any:
        if x in (sp.oo, -sp.oo):
            return sp.S.Zero
        return cls(-x) if x.could_extract_minus_sign() else None

    def fdiff(self, argindex: int = 1) -> Any:
        (x,) = self.args
        return -x * normal_pdf(x)

    def doit(self, **hints: Any) -> Any:
        (x,) = self.args
        return sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)

    def _eval_evalf(self, prec: int) -> Any:
        return self.doit()._eval_evalf(prec)

    def _latex(self, printer: Any, exp: Any = None) -> str:
        return _power(rf"\varphi\left({printer._print(self.args[0])}\right)", exp)


class cdf_between(sp.Function):  # noqa: N801
    """Φ(b) − Φ(a); written so that equal values have one form, e.g. every tail as Φ(z) − Φ(−∞)."""

    nargs = 2

    @classmethod
    def eval(cls, a: Any, b: Any) -> Any:
        if a == b:
            return sp.S.Zero
        if (a, b) == (-sp.oo, sp.oo):
            return sp.S.One
        if a == sp.oo or b == -sp.oo:
            return -cls(b, a)
        if b == sp.oo:
            return cls(-sp.oo, -a)
        if a == -b and b.could_extract_minus_sign():
            return -cls(b, a)
        return None

    def fdiff(self, argindex: int = 1) -> Any:
        a, b = self.args
        return -normal_pdf(a) if argindex == 1 else normal_pdf(b)

    def doit(self, **hints: Any) -> Any:
        a, b = self.args
        if a.is_number and b.is_number and (a + b) > 0:
            return _cdf(-a) - _cdf(-b)
        return _cdf(b) - _cdf(a)

    def _eval_evalf(self, prec: int) -> Any:
        return self.doit()._eval_evalf(prec)

    def _latex(self, printer: Any, exp: Any = None) -> str:
        a, b = self.args
        if a == -sp.oo:
            return _power(rf"\Phi\left({printer._print(b)}\right)", exp)
        upper, lower = printer._print(b), printer._print(a)
        text = rf"\left[\Phi\left({upper}\right)-\Phi\left({lower}\right)\right]"
        return _power(text, exp)


class exp_cdf(sp.Function):  # noqa: N801
    """e^A Φ(z)."""

    nargs = 2

    @classmethod
    def eval(cls, exponent: Any, z: Any) -> Any:
        if z == -sp.oo:
            return sp.S.Zero
        return sp.exp(exponent) if z == sp.oo else None

    def fdiff(self, argindex: int = 1) -> Any:
        exponent, z = self.args
        return exp_cdf(exponent, z) if argindex == 1 else sp.exp(exponent) * normal_pdf(z)

    def doit(self, **hints: Any) -> Any:
        exponent, z = self.args
        return sp.exp(exponent) * _cdf(z)

    def _eval_evalf(self, prec: int) -> Any:
        return self.doit()._eval_evalf(prec)

    def _latex(self, printer: Any, exp: Any = None) -> str:
        exponent, z = self.args
        head = "" if exponent == 0 else rf"e^{{{printer._print(exponent)}}}"
        return _power(rf"{head}\Phi\left({printer._print(z)}\right)", exp)


class split_exp_cdf(sp.Function):  # noqa: N801
    """e^A Φ(z) beside the difference A − z²/2, for code: the two are large and cancel."""

    nargs = 3

    @classmethod
    def of(cls, atom: Any) -> Any:
        """Return the form in code of an `exp_cdf`; a plain Φ(z) stays as it is."""
        exponent, z = atom.args
        if exponent == 0:
            return atom
        return cls(exponent, z, sp.expand(exponent - z**2 / 2))


class cdf_across(sp.Function):  # noqa: N801
    """Φ(b) − Φ(a) beside b − a, for code: a and b may agree to all their digits."""

    nargs = 3

    @classmethod
    def of(cls, atom: Any) -> Any:
        """Return the form in code of a `cdf_between`; a tail stays as it is."""
        a, b = atom.args
        return atom if sp.oo in (b, -a) else cls(a, b, sp.expand(b - a))


def _power(text: str, exp: Any) -> str:
    return text if exp is None else rf"\left({text}\right)^{{{exp}}}"
