"""Lower the transform of a residual to source, at real and at complex arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp

from ..core.atoms import exp_cdf
from ..core.printer import ARRAYS, SourcePrinter

_HELPERS = {"math.exp": "complex_exp", "math.sqrt": "complex_sqrt"}


class tilted_cdf(sp.Function):  # noqa: N801
    """e^A Φ(z) with A − z²/2, the exponent of its tail, cancelled before any rounding.

    Arguments: A, A − z²/2, z.
    """

    nargs = 3


class TransformPrinter(SourcePrinter):
    """Print expressions with the helpers for a transform."""

    prefix = ""
    splits = False

    def _print_tilted_cdf(self, expr: Any) -> str:
        arguments = ", ".join(f"1.0*({self._print(a)})" for a in expr.args)
        return f"{self.prefix}tilted_cdf({arguments})"


class ComplexPrinter(TransformPrinter):
    """Print expressions with the complex helpers of generated code."""

    prefix = "complex_"

    def _module_format(self, fqn: str, register: bool = True) -> str:
        return _HELPERS.get(fqn, fqn)

    def _print_Pow(self, expr: Any, rational: bool = False) -> str:
        return repr(float(expr)) if expr.is_number else super()._print_Pow(expr, rational)

    def _print_normal_pdf(self, expr: Any) -> str:
        return f"complex_normal_pdf({self._print(expr.args[0])})"

    def _print_cdf_between(self, expr: Any) -> str:
        return f"complex_cdf_between({', '.join(self._print(a) for a in expr.args)})"


def transform_functions(printer: SourcePrinter, given: Mapping[str, Any]) -> list[str]:
    """Return the transform E e^(−sℓ²) of a residual, real and continued; nothing without a batch.

    Parameters
    ----------
    printer : SourcePrinter
        Of the system, for the parameters and the numbering of functions.
    given : mapping
        The right-hand sides of the system's definitions by name.
    """
    if "L" not in given:
        return []
    slope = given["mu_sign"].replace(
        exp_cdf, lambda exponent, z: tilted_cdf(exponent, sp.expand(exponent - z**2 / 2), z)
    )
    functions = []
    for kind, printing in (("", TransformPrinter), ("complex_", ComplexPrinter)):
        own = printing.beside(printer, {"mu_sign": f"{kind}sign_slope({{}}, t, p, {ARRAYS})"})
        functions += [
            own.function(f"{kind}sign_slope", f"R, t, p, {ARRAYS}", slope),
            own.function(f"{kind}transform", f"s, R, t, p, {ARRAYS}", given["L"]),
        ]
    return functions
