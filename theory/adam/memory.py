r"""Adam with slow averages: v, and then m too, are states of their own (derived here).

With :math:`\beta_2=1-c_2/d` the second moment is :math:`v_i=K_{ii}\mathcal V`,
:math:`\dot{\mathcal V}=c_2(P-\mathcal V)`, :math:`P=2R+\sigma^2`. A coordinate of a diagonal K with
variance k obeys

.. math:: d\delta=-\eta\,p\,m\,dt,\qquad dm=c_1(k\delta-m)\,dt+c_1\sqrt{Pk/d}\,dB,\qquad
          p=(k\mathcal V)^{-1/2}

where :math:`\beta_1=1-c_1/d`, and m follows the mean gradient at once where c_1 is large.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import sympy as sp

from ..core.printer import SourcePrinter, latex
from ..core.symbols import dimension
from ..core.system import Derived, Step, narrate, typeset

delta, momentum = sp.symbols("delta m", real=True)
variance, square, power, eta, c_1, c_2 = sp.symbols("k V P eta c_1 c_2", positive=True)
#: ½ k E δ², ½ k E δm and ½ k E m² of one coordinate, and its source c = k n/d
energy, cross, kinetic, source = sp.symbols("y u w c", real=True)


@dataclass(frozen=True)
class MemorySystem(Derived):
    """Equations of the states of one mode, and of 𝒱, a `System`; linear in the states of the mode.

    Attributes
    ----------
    name : str
    states : tuple of Symbol
        The energy of the mode comes first.
    rates : tuple of expressions
        Their time derivatives in k, 𝒱, P, η, c₁ and the mode's source c.
    start : tuple of expressions
        Where the states begin, the averages having forgotten how they did, for an energy y and
        a source c.
    memory : expression
        d𝒱/dt.
    steps : tuple of Step
    """

    name: str
    states: tuple[Any, ...]
    rates: tuple[Any, ...]
    start: tuple[Any, ...]
    memory: Any
    steps: tuple[Step, ...] = ()

    @property
    def kind(self) -> str:
        """The memory: which averages are states."""
        return "slow" if len(self.states) > 1 else "slow-variance"

    @property
    def numbers(self) -> tuple[Any, ...]:
        """The symbols that stand for numbers."""
        free = set().union(*(form.free_symbols for form in (*self.rates, self.memory)))
        return tuple(sorted(free - {*self.states, square, power}, key=str))

    @property
    def source(self) -> str:
        """The generated code: the rates of one mode, and of 𝒱."""
        printer = SourcePrinter((), {})
        rates = ", ".join(f"({printer.doprint(rate)})" for rate in self.rates)
        head = "@scalar\ndef mode_rates(y, u, w, k, V, P, eta, c_1, c):"
        one = f"{head}\n    return ({rates},)\n"
        return one + "\n\n" + printer.function("memory_rate", "V, P, c_2", self.memory)

    def latex(self, environment: str | None = None) -> str:
        """Return the equations in LaTeX, one a line, or in an environment of amsmath."""
        pairs = zip((*self.states, square), (*self.rates, self.memory), strict=True)
        lines = [(rf"\dot{{{latex(state)}}}", latex(rate)) for state, rate in pairs]
        return typeset([*lines, (latex(power), r"2\sum_i y_i + \sigma^{2}")], environment)

    def explain(self) -> str:
        """Return the steps of the derivation."""
        return narrate(self.steps)


def generator(function: Any, drift: Any, noise: Any) -> Any:
    """Itô's generator of dδ = drift[0] dt, dm = drift[1] dt + √noise dB on a function of both."""
    first = sp.diff(function, delta) * drift[0] + sp.diff(function, momentum) * drift[1]
    return sp.expand(first + sp.diff(function, momentum, 2) * noise / 2)


@cache
def memory_system(slow_momentum: bool) -> MemorySystem:
    """Derive the equations, with m slow as well or m = k δ plus white noise."""
    preconditioner = 1 / sp.sqrt(variance * square)
    if slow_momentum:
        return _slow_momentum(preconditioner)
    # a fast m is the gradient itself: δ has the drift −η p k δ and the noise η² p² P k/d
    drift, noise = -eta * preconditioner * variance * delta, eta**2 * preconditioner**2
    noise *= power * variance / dimension
    change = sp.expand(2 * delta * drift + noise) * variance / 2
    rate = _in_states(change, {delta**2: 2 * energy / variance})
    steps = (
        Step("drift of δ: m has followed the mean gradient k δ", "b", drift),
        Step("and its variance, P k from every sample", "v", noise),
        Step("Itô's formula for y = ½ k δ²", "dy/dt", rate),
    )
    name = "Adam with a slow second moment"
    return MemorySystem(name, (energy,), (rate,), (energy,), c_2 * (power - square), steps)


def _slow_momentum(preconditioner: Any) -> MemorySystem:
    drift = (-eta * preconditioner * momentum, c_1 * (variance * delta - momentum))
    noise = c_1**2 * power * variance / dimension
    moments = {delta**2: energy, delta * momentum: cross, momentum**2: kinetic}
    values = {product: 2 * state / variance for product, state in moments.items()}
    rates = tuple(
        _in_states(generator(product, drift, noise) * variance / 2, values) for product in moments
    )
    stationary = sp.solve(
        [(rate / c_1).subs(eta, 0) for rate in rates[1:]], (cross, kinetic), dict=True
    )[0]
    start = (energy, stationary[cross], stationary[kinetic])
    steps = tuple(
        Step(f"Itô's formula for ½ k {product}", f"d{state}/dt", rate)
        for (product, state), rate in zip(moments.items(), rates, strict=True)
    ) + (Step("a warm start: m is stationary at rest", (cross, kinetic), start[1:]),)
    name, memory = "Adam with slow averages", c_2 * (power - square)
    return MemorySystem(name, tuple(moments.values()), rates, start, memory, steps)


def _in_states(change: Any, values: dict[Any, Any]) -> Any:
    """Write a change of ½ k times a moment in the states; k/d becomes the mode's source c."""
    return sp.expand(sp.expand(change).subs(values)).subs(variance / dimension, source)
