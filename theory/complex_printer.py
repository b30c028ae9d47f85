"""Lower formulas to source at complex arguments: the continuation of a transform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .expectation.atoms import cdf_between, exp_cdf, normal_pdf
from .printer import ARRAYS, SourcePrinter

_HELPERS = {"math.exp": "complex_exp", "math.sqrt": "complex_sqrt"}


class ComplexPrinter(SourcePrinter):
    """Print expressions with the complex helpers of generated code."""

    def _module_format(self, fqn: str, register: bool = True) -> str:
        return _HELPERS.get(fqn, fqn)

    def _print_Pow(self, expr: Any, rational: bool = False) -> str:
        return repr(float(expr)) if expr.is_number else super()._print_Pow(expr, rational)

    def _print_Function(self, expr: Any) -> str:
        if isinstance(expr, (normal_pdf, cdf_between, exp_cdf)):
            arguments = ", ".join(self._print(a) for a in expr.args)
            return f"complex_{expr.func.__name__}({arguments})"
        return super()._print_Function(expr)


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
    functions = []
    for kind, make in (("", SourcePrinter.beside), ("complex_", ComplexPrinter.beside)):
        own = make(printer, {"mu_sign": f"{kind}sign_slope({{}}, t, p, {ARRAYS})"})
        functions += [
            own.function(f"{kind}sign_slope", f"R, t, p, {ARRAYS}", given["mu_sign"]),
            own.function(f"{kind}transform", f"s, R, t, p, {ARRAYS}", given["L"]),
        ]
    return functions
