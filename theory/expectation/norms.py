"""Means over S = ‖ℓ‖, the norm of the residuals of a batch, as functions that stay whole.

Compiled code evaluates them from the transform of one residual (solvers/kernels/batches.py).
"""

from __future__ import annotations

from typing import Any, ClassVar

import sympy as sp


class NormMean(sp.Function):
    """A mean over S; its last argument is the size B of the batch, and the first one the risk."""

    is_real = True
    is_nonnegative = True
    formula: ClassVar[str]
    text: ClassVar[str]

    def _pythoncode(self, printer: Any) -> str:
        numbers = ", ".join(printer._print(a) for a in self.args[1:])
        return f"{type(self).__name__}({numbers}, R, t, p, weights, means, scales)"

    def _latex(self, printer: Any, exp: Any = None) -> str:
        text = self.formula.format(*(printer._print(a) for a in self.args[1:]))
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"

    def _sympystr(self, printer: Any) -> str:
        return self.text.format(*(printer._print(a) for a in self.args[1:]))


class norm_mean_inverse(NormMean):  # noqa: N801
    """E 1/S, of (R, B)."""

    nargs = 2
    formula = r"\mathrm{{E}}\left[S^{{-1}}\right]"
    text = "E[1/S]"


class norm_flux(NormMean):  # noqa: N801
    """E div(ℓ/S²), of (R, B): (B − 2) E 1/S², and for B = 2 the flux 2π p(0) out of the origin."""

    nargs = 2
    formula = r"\mathrm{{E}}\left[\mathrm{{div}}\, \ell S^{{-2}}\right]"
    text = "E[div(l/S^2)]"


class norm_within(NormMean):  # noqa: N801
    """P(S ≤ e), of (R, e, B)."""

    nargs = 3
    formula = r"\mathrm{{P}}\left(S \leq {0}\right)"
    text = "P(S <= {0})"


class norm_inverse(NormMean):  # noqa: N801
    """E[1/S; S > e], of (R, e, B)."""

    nargs = 3
    formula = r"\mathrm{{E}}\left[S^{{-1}};\, S > {0}\right]"
    text = "E[1/S; S > {0}]"


class norm_inverse_square(NormMean):  # noqa: N801
    """E[1/S²; S > e], of (R, e, B)."""

    nargs = 3
    formula = r"\mathrm{{E}}\left[S^{{-2}};\, S > {0}\right]"
    text = "E[1/S^2; S > {0}]"


class norm_capped_square(NormMean):  # noqa: N801
    """E min(S, e)², of (R, e, B)."""

    nargs = 3
    formula = r"\mathrm{{E}}\,\min\left(S, {0}\right)^2"
    text = "E[min(S, {0})^2]"


class norm_capped_fourth(NormMean):  # noqa: N801
    """E min(S, e)⁴, of (R, e, B)."""

    nargs = 3
    formula = r"\mathrm{{E}}\,\min\left(S, {0}\right)^4"
    text = "E[min(S, {0})^4]"


class norm_density(NormMean):  # noqa: N801
    """Density of S at e, of (R, e, B)."""

    nargs = 3
    formula = r"p_S\left({0}\right)"
    text = "p_S({0})"
