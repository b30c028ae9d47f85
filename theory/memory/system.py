r"""The limit of a stream with memory: moments of the states of a mode, driven by the risk.

With :math:`Y_{ab}=\tfrac12\lambda\,E z_az_b` for the states z of a mode (δ, and m, S or θ*),

.. math:: \dot Y=\Lambda(t)Y+a\,\Pi(t)Y+v\,\Sigma(t),\qquad R=\sum_iY_{\delta\delta},

where a and v are the drift −a u and the variance v that the gradient itself gives a mode u at the
step size 1/d (a `ModeSystem`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy as sp

from ..core.map import Map
from ..core.printer import SourcePrinter
from ..core.printer import latex as formula
from ..core.symbolic import Parameter
from ..core.symbols import decay_rate
from ..core.system import Derived, Step, narrate, typeset
from ..streaming.letters import letters
from ..streaming.system import ModeSystem
from .step import velocities

#: a and v of the gradient, as the equations of the moments hold them
pull, push = sp.symbols("a_i v_i", nonnegative=True)


@dataclass(frozen=True)
class MemorySystem(Derived):
    """The limit of a method that remembers, a `System`.

    Attributes
    ----------
    name : str
    states : tuple of Symbol
        δ first.
    moments : tuple of (Symbol, (int, int))
        Y_ab and its two states; Y_δδ first.
    drift, source_term : sympy.ImmutableMatrix
        The parts of dY/dt that are linear in the moments and free of them, a column each.
    gradient : ModeSystem
        What one gradient does, at the step size 1/d.
    step, limit_step : Map
        One step of the algorithm, and without a momentum that forgets at once.
    definitions : tuple of (applied function, expression)
        η(t), γ(t), … where they are schedules.
    parameters : tuple of Parameter
    uniform : sympy expression or None
        t₀ of a uniform average.
    steps : tuple of Step
    """

    name: str
    states: tuple[Any, ...]
    moments: tuple[tuple[Any, tuple[int, int]], ...]
    drift: Any
    source_term: Any
    gradient: ModeSystem
    step: Map
    limit_step: Map
    definitions: tuple[tuple[Any, Any], ...]
    parameters: tuple[Parameter, ...]
    uniform: Any = None
    steps: tuple[Step, ...] = ()

    @property
    def numbers(self) -> tuple[Any, ...]:
        """The symbols of the parameters."""
        return tuple(parameter.symbol for parameter in self.parameters)

    @property
    def symbols(self) -> tuple[Any, ...]:
        """The symbols of the moments."""
        return tuple(symbol for symbol, _ in self.moments)

    @property
    def averaged(self) -> int | None:
        """Place of the second moment of the average among the moments; None without one."""
        places = [k for k, (s, (a, b)) in enumerate(self.moments) if a == b and str(s) == "Y_SS"]
        return places[0] if places else None

    @property
    def gathered(self) -> list[int]:
        """Places of the moments of the sum or average S."""
        return [k for k, symbol in enumerate(self.symbols) if "S" in symbol.name]

    @property
    def own(self) -> Any:
        """Λ: what the states do to one another, a matrix over the moments."""
        return self.drift.jacobian(sp.Matrix(self.symbols)).subs(pull, 0)

    @property
    def pulled(self) -> Any:
        """Π: what the mean gradient does, in units of a."""
        return self.drift.jacobian(sp.Matrix(self.symbols)).diff(pull)

    @property
    def pushed(self) -> Any:
        """Σ: what the noise of the gradient does, in units of the source ½ λ v, a column."""
        return (self.source_term.diff(push) * 2 / decay_rate).applyfunc(sp.cancel)

    @cached_property
    def source(self) -> str:
        """The generated code: that of the gradient, the schedules, and ``dynamics``, which fills
        Λ, Π and Σ at a time."""
        gradient = replace(self.gradient, parameters=self.parameters)
        count = f"MOMENTS = {len(self.moments)}"
        return "\n\n".join([gradient.source, *self.schedules(), count, self._dynamics()])

    @cached_property
    def noisy_source(self) -> str:
        """The generated code with that of the noise: ``gains`` too, and the gradient's own
        covariance."""
        printer = self.printer()
        _, gains = velocities(self.limit_step)
        lines = ["@scalar", "def gains(t, p, out):", *self.values()]
        lines += [f"    out[{a}] = {printer.doprint(form)}" for a, form in enumerate(gains)]
        return "\n\n".join([self.source, *printer.functions, "\n".join(lines) + "\n"])

    def printer(self) -> SourcePrinter:
        """A printer with the parameters, in whose code schedules have values already."""
        calls = {f.func.__name__: f"{f.func.__name__}_now" for f, _ in self.definitions}
        return SourcePrinter(self.numbers, calls)

    def schedules(self) -> list[str]:
        """The functions of time: the step size ``step_rate``, and what else is a schedule."""
        printer = SourcePrinter(self.numbers, {})
        texts = [
            printer.function(f"{f.func.__name__}_of", "t, p", value)
            for f, value in self.definitions
        ]
        return [*printer.functions, *texts]

    def values(self) -> list[str]:
        """Lines that give the schedules their values at a time."""
        names = [f.func.__name__ for f, _ in self.definitions]
        return [f"    {name}_now = {name}_of(t, p)" for name in names]

    def _dynamics(self) -> str:
        printer = self.printer()
        lines = ["@scalar", "def dynamics(t, p, own, pulled, pushed):", *self.values()]
        for name, matrix in (("own", self.own), ("pulled", self.pulled)):
            lines += [
                f"    {name}[{a}, {b}] = {printer.doprint(matrix[a, b])}"
                for a in range(matrix.rows)
                for b in range(matrix.cols)
                if matrix[a, b] != 0
            ]
        lines += [
            f"    pushed[{a}] = {printer.doprint(form)}"
            for a, form in enumerate(self.pushed)
            if form != 0
        ]
        return "\n".join([*printer.functions, *lines]) + "\n"

    def latex(self, environment: str | None = None) -> str:
        """Return the equations in LaTeX, one a line, or in an environment of amsmath."""
        return typeset(self._equations(), environment)

    def explain(self) -> str:
        """Return the derivation."""
        return narrate(self.steps)

    def _equations(self) -> list[tuple[str, str]]:
        shown = {pull: self.gradient.relaxation, push: self.gradient.diffusion}
        renamed = letters(self.numbers)
        free = {symbol: sp.Symbol(LETTERS.get(symbol.name, symbol.name)) for symbol in self.numbers}
        renamed = free | renamed

        def latex(expression: Any) -> str:
            return formula(sp.sympify(expression).xreplace(shown).xreplace(renamed))

        rates = sp.expand(self.drift + self.source_term)
        lines = [
            (rf"\dot{{{formula(y)}}}", latex(rate))
            for y, rate in zip(self.symbols, rates, strict=True)
            if rate != 0
        ]
        lines.append(("R", rf"\sum_i {formula(self.symbols[0])}"))
        if self.averaged is not None:
            average = rf"\sum_i {formula(self.symbols[self.averaged])}"
            since = "" if self.uniform is None else rf"/(t - {latex(self.uniform)})^{{2}}"
            lines.append((r"\bar{R}", average + since))
        every = (*self.gradient.definitions, *self.definitions)
        return lines + [(latex(f), latex(value)) for f, value in every]


#: letters of parameters in LaTeX
LETTERS = {"gamma_m": "gamma", "kappa_m": "kappa", "a_m": "a", "t_m": "t_0", "w_d": "w"}
LETTERS |= {"beta_m": "beta"}
