r"""The narrow waist: one symbolic system, lowered to curves, paths, code and LaTeX.

Every streaming method has the same form. With mode energies :math:`y_i` that sum to the risk,

.. math:: \dot y_i = -A(R,t)\,\lambda_iy_i + B(R,t)\,\frac{q_i}{d},\qquad R=\sum_iy_i ,

and A, B are read off ``System.drift`` and ``System.source_term``; nothing is typed a second time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from .errors import InvalidInput
from .printer import ARRAYS, PRELUDE, SourcePrinter, latex
from .symbols import decay_rate, dimension, energy, residual, source_weight
from .twin import Parameter

COEFFICIENT = f"R, t, p, {ARRAYS}"


@dataclass(frozen=True)
class Step:
    """One step of a derivation: what is done, and the equation it gives."""

    text: str
    left: Any
    right: Any


@dataclass(frozen=True)
class System:
    """A symbolic dynamical system; it knows no number.

    Attributes
    ----------
    name : str
        Name of the method.
    drift, source_term : sympy expressions
        The two parts of dy_i/dt: proportional to y_i, and free of it.
    rate : sympy expression
        η, the step size times d.
    definitions : tuple of (applied function, expression)
        μ, N and, for a schedule, η(t).
    rule : sympy expression
        ψ(ℓ), from which the finite-dimensional step is compiled.
    acts_on : str
        ``"residual"``, ``"norm"`` or ``"coordinate"``.
    parameters : tuple of Parameter
    noise_form : str
        ``"closed"``: the noise is in the formulas; ``"mixture"`` or ``"nodes"``: it is an array of
        Gaussian components, or of quadrature nodes of its density.
    steps : tuple of Step
        The derivation.
    """

    name: str
    drift: Any
    source_term: Any
    rate: Any
    definitions: tuple[tuple[Any, Any], ...]
    rule: Any
    acts_on: str
    parameters: tuple[Parameter, ...]
    noise_form: str
    steps: tuple[Step, ...] = ()

    @property
    def decay(self) -> Any:
        """A(R, t) in dy_i/dt = −A λ_i y_i + B q_i/d."""
        return _free(-self.drift / (decay_rate * energy), "drift", self.drift)

    @property
    def source_strength(self) -> Any:
        """B(R, t) in dy_i/dt = −A λ_i y_i + B q_i/d."""
        ratio = self.source_term * dimension / source_weight
        return _free(ratio, "source_term", self.source_term)

    @property
    def relaxation(self) -> Any:
        """Drift coefficient a in du_i = −a u_i dt + √v dW_i, y_i = λ_i u_i²/2."""
        return sp.cancel(-self.drift / (2 * energy))

    @property
    def diffusion(self) -> Any:
        """Variance v per unit time in du_i = −a u_i dt + √v dW_i, y_i = λ_i u_i²/2."""
        return sp.cancel(2 * self.source_term / decay_rate)

    @cached_property
    def source(self) -> str:
        """The generated code: rate, mu, power, decay, source and rule."""
        return generate(self)

    def latex(self, environment: str | None = None) -> str:
        """Return the equations in LaTeX, one a line.

        Parameters
        ----------
        environment : str, optional
            ``"align"`` (or another environment of amsmath) wraps them.
        """
        lines = [rf"{left} = {right}" for left, right in self._equations()]
        if environment is None:
            return "\n".join(lines)
        body = " \\\\\n".join(line.replace(" = ", " &= ", 1) for line in lines)
        return f"\\begin{{{environment}}}\n{body}\n\\end{{{environment}}}"

    def explain(self) -> str:
        """Return the derivation, from the one-step mean and covariance to the equations."""
        parts = []
        for number, step in enumerate(self.steps, start=1):
            parts.append(f"{number}. {step.text}\n       {step.left} = {step.right}")
        return "\n".join(parts)

    def _equations(self) -> list[tuple[str, str]]:
        a, v = latex(self.relaxation), latex(self.diffusion)
        y, lam = latex(energy), latex(decay_rate)
        equations = [
            (r"\dot{y}_{i}", latex(self.drift + self.source_term)),
            ("R", rf"\sum_i {y}"),
            (r"du_i", rf"-{a} u_i\,dt + \sqrt{{{v}}}\,dW_i"),
            (y, rf"\frac{{1}}{{2}}{lam} u_i^2"),
            (r"\psi\left(\ell\right)", latex(self.rule)),
        ]
        return equations + [(latex(f), latex(e)) for f, e in self.definitions]


def generate(system: System) -> str:
    """Return the Python source of a system, to be compiled after a header and the helpers.

    It defines ``rate(t, p)``, ``rule(ell, t, p)`` and, as functions of (R, t, p, weights, means,
    scales), ``mu``, ``power``, ``decay`` (A) and ``source`` (B).
    """
    calls = {"mu": f"mu({COEFFICIENT})", "N": f"power({COEFFICIENT})", "eta": "rate(t, p)"}
    printer = SourcePrinter(tuple(q.symbol for q in system.parameters), calls)
    given = {f.func.__name__: expression for f, expression in system.definitions}
    functions = [
        printer.function("rate", "t, p", system.rate),
        printer.function("rule", "ell, t, p", system.rule),
        printer.function("mu", COEFFICIENT, given["mu"], floor=True),
        printer.function("power", COEFFICIENT, given["N"], floor=True),
        printer.function("decay", COEFFICIENT, system.decay, floor=True),
        printer.function("source", COEFFICIENT, system.source_strength, floor=True),
    ]
    return "\n\n".join([PRELUDE, *printer.functions, *functions])


def _free(ratio: Any, field: str, given: Any) -> Any:
    ratio = sp.cancel(ratio)
    if ratio.has(energy, decay_rate, source_weight, residual):
        raise InvalidInput(
            field, given, "must be linear in the mode: drift ∝ λ_i y_i, source_term ∝ q_i/d"
        )
    return ratio

