r"""The exact mean of the moments of a linear rule with memory, at any dimension (Isserlis).

A step :math:`z'=Pz+qg` of the states of a mode, with g the gradient of a batch along it, gives

.. math:: E\,z'z'^\top=P\,zz^\top P^\top+(Pz\,q^\top+q\,z^\top P^\top)\,E g+qq^\top E g^2,

and E g, E g² are polynomials in the mode of δ and in R: the moments close (derived here).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations_with_replacement
from typing import Any

import sympy as sp

from ..core.printer import SourcePrinter
from ..core.printer import latex as formula
from ..core.symbolic import Parameter, moment_parameter
from ..core.symbols import decay_rate, dimension, risk, source_weight
from ..core.system import Step, narrate, typeset
from ..streaming.exact_mean import check_closes, component, gradient_moments
from .step import Memory, distance, full_step, linear, memory_of
from .words import moment_name


@dataclass(frozen=True)
class MomentRecursion:
    """Y ← Y + change, the mean over runs of one step of the algorithm, a `System`.

    Attributes
    ----------
    name : str
    states : tuple of Symbol
    moments : tuple of (Symbol, (int, int))
    change : sympy.ImmutableMatrix
        Linear in the moments, R and 1, a column.
    definitions : tuple of (applied function, expression)
    parameters : tuple of Parameter
    uniform : sympy expression or None
        t₀ of a uniform average.
    steps : tuple of Step
    """

    name: str
    states: tuple[Any, ...]
    moments: tuple[tuple[Any, tuple[int, int]], ...]
    change: Any
    definitions: tuple[tuple[Any, Any], ...]
    parameters: tuple[Parameter, ...]
    uniform: Any
    steps: tuple[Step, ...]

    @property
    def numbers(self) -> tuple[Any, ...]:
        """The symbols of the parameters."""
        return tuple(q.symbol for q in self.parameters)

    @property
    def symbols(self) -> tuple[Any, ...]:
        """The symbols of the moments."""
        return tuple(symbol for symbol, _ in self.moments)

    @property
    def averaged(self) -> int | None:
        """Place of the second moment of the average; None without one."""
        names = [str(symbol) for symbol in self.symbols]
        return names.index("Y_SS") if "Y_SS" in names else None

    @cached_property
    def source(self) -> str:
        """The generated code: the schedules, and ``one_step``, which fills the matrix of a step
        for an eigenvalue, and what R and 1 add."""
        plain = SourcePrinter(self.numbers, {})
        texts = [
            plain.function(f"{f.func.__name__}_of", "t, p", value) for f, value in self.definitions
        ]
        names = [f.func.__name__ for f, _ in self.definitions]
        printer = SourcePrinter(self.numbers, {name: f"{name}_now" for name in names})
        lines = ["@scalar", "def one_step(lambda_i, t, d, p, own, from_risk, from_noise):"]
        lines += [f"    {name}_now = {name}_of(t, p)" for name in names]
        lines += self._entries(printer)
        count = f"MOMENTS = {len(self.moments)}"
        return "\n\n".join([*plain.functions, *texts, count, "\n".join(lines) + "\n"])

    def _entries(self, printer: SourcePrinter) -> list[str]:
        matrix = self.change.jacobian(sp.Matrix(self.symbols))
        still = dict.fromkeys(self.symbols, 0)
        free = (self.change.xreplace(still) * dimension / source_weight).applyfunc(sp.expand)
        lines = [
            f"    own[{a}, {b}] = {printer.doprint(sp.factor(matrix[a, b]))}"
            for a in range(matrix.rows)
            for b in range(matrix.cols)
            if matrix[a, b] != 0
        ]
        for a, form in enumerate(free):
            parts = (("from_risk", form.coeff(risk, 1)), ("from_noise", form.coeff(risk, 0)))
            lines += [f"    {n}[{a}] = {printer.doprint(v)}" for n, v in parts if v != 0]
        return lines

    def latex(self, environment: str | None = None) -> str:
        """Return the recursion in LaTeX, one equation a line."""
        lines = [
            (rf"{formula(y)}^{{k+1}} - {formula(y)}^{{k}}", formula(form))
            for y, form in zip(self.symbols, self.change, strict=True)
            if form != 0
        ]
        lines.append(("R", rf"\sum_i {formula(self.symbols[0])}^{{k}}"))
        return typeset(
            [*lines, *((formula(f), formula(v)) for f, v in self.definitions)], environment
        )

    def explain(self) -> str:
        """Return the derivation."""
        return narrate(self.steps)


def derive_exact(problem: Any, method: Any) -> MomentRecursion:
    """Derive the recursion of the mean under a linear rule, for any batch.

    Raises
    ------
    NotAvailable
        A rule other than ψ(ℓ) = ℓ: its mean does not close.
    NoLimit
        Noise of infinite variance.
    """
    check_closes(problem, method)
    noisy = float(problem.noise.variance) > 0
    return _derived(method.label, memory_of(method), method.batch, noisy)


@lru_cache(maxsize=64)
def _derived(name: str, kept: Memory, batch: int, noisy: bool) -> MomentRecursion:
    power = moment_parameter(2)
    first, _, pull = gradient_moments(batch, power.symbol if noisy else sp.S.Zero)
    step = full_step(kept)
    states, (P, q) = step.states, linear(step)
    z = sp.Matrix(states)
    moved = P * z
    pairs = list(combinations_with_replacement(range(len(states)), 2))
    symbols = {pair: sp.Symbol(moment_name(states, pair), real=True) for pair in pairs}
    first, pull = (sp.expand(form.subs(component, distance)) for form in (first, pull))
    changes = []
    for a, b in pairs:
        after = moved[a] * moved[b] + (moved[a] * q[b] + q[a] * moved[b]) * first
        after += q[a] * q[b] * pull - states[a] * states[b]
        changes.append(_in_moments(sp.expand(after), states, symbols))
    steps = (
        Step("one step of the algorithm, g the gradient along a mode", states, step.after),
        Step("Isserlis: its mean", "E[g]", first),
        Step("… and its mean square", "E[g²]", pull),
        *(
            Step(f"one step of ½ λ_i {states[a] * states[b]}, n_i = q_i/λ_i² directions", y, form)
            for ((a, b), y), form in zip(symbols.items(), changes, strict=True)
        ),
    )
    parameters = (*kept.parameters, *((power,) if noisy else ()))
    average = kept.average
    return MomentRecursion(
        f"{name} with memory",
        states,
        tuple((symbols[pair], pair) for pair in pairs),
        sp.ImmutableMatrix(changes),
        kept.definitions,
        parameters,
        average.shown if kept.uniform and average is not None else None,
        steps,
    )


def _in_moments(form: Any, states: tuple[Any, ...], symbols: dict[Any, Any]) -> Any:
    """Write the mean change of a product of states in the moments: ½ λ of it, over n modes."""
    found = sp.S.Zero
    for exponents, coefficient in sp.Poly(form, *states).terms():
        places = [k for k, n in enumerate(exponents) for _ in range(n)]
        if not places:
            found += coefficient * source_weight / (2 * decay_rate)
        else:
            found += coefficient * symbols[tuple(places)]
    return found
