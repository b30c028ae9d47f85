r"""One step of a method that remembers, for a coordinate and the gradient g along it.

.. math:: m'=m+\frac\gamma d(g-m),\qquad
   \delta'=\delta-\frac\eta d(m'+\kappa g)-\frac{\eta w}d(\delta+\theta_*),

and beside them the sum :math:`S'=S+\delta'/d` of the iterates after t₀, or their exponential
average :math:`\bar\delta'=\bar\delta+\frac ad(\delta'-\bar\delta)`. A fixed β is the same with
1 − β in the place of γ/d, for (1 − β) m. Every state is linear in the states and in g:
:math:`z'=P(t,d)\,z+q(t,d)\,g`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from ..core.map import Map
from ..core.symbolic import Parameter, twin
from ..core.symbols import dimension, t
from ..methods.remember import SlowMemory, UniformAverage

#: δ, m, S or the average, θ*; and the gradient
distance, momentum, gathered, target, gradient = sp.symbols("delta m S theta g", real=True)
fixed_beta = sp.Symbol("beta_m", nonnegative=True)
#: size and memory of a step, as formulas show them
_NAMES = {"rate": "eta", "forgetting": "gamma", "direct": "kappa", "weight_decay": "w", "a": "a"}


@dataclass(frozen=True)
class Quantity:
    """A number of a step: how formulas show it (a function of t for a schedule), and what it is."""

    shown: Any
    value: Any


@dataclass(frozen=True)
class Memory:
    """What a method keeps, in symbols.

    Attributes
    ----------
    rate, decay : Quantity
        η and w.
    forgetting, direct : Quantity or None
        γ and κ of a slow memory.
    average : Quantity or None
        a of an exponential average; the time t₀ from which a uniform one counts.
    uniform : bool
        Whether the average is the uniform one.
    fixed, nesterov : bool
        Whether the momentum is a number β, and looks ahead.
    parameters : tuple of Parameter
    """

    rate: Quantity
    decay: Quantity
    forgetting: Quantity | None
    direct: Quantity | None
    average: Quantity | None
    uniform: bool
    fixed: bool
    nesterov: bool
    parameters: tuple[Parameter, ...]

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """All that are there."""
        every = (self.rate, self.decay, self.forgetting, self.direct, self.average)
        return tuple(q for q in every if q is not None)

    @property
    def definitions(self) -> tuple[tuple[Any, Any], ...]:
        """(η(t), its formula), … of what is a schedule."""
        return tuple((q.shown, q.value) for q in self.quantities if q.shown != q.value)


def memory_of(method: Any) -> Memory:
    """Return what a method keeps, with symbols for its numbers."""
    symbolic, found = twin(method, "method")
    own = [q for q in found if q.field in ("rate", "weight_decay")]
    parts: dict[str, Any] = {"rate": symbolic.rate, "weight_decay": symbolic.weight_decay}
    slow = isinstance(method.momentum, SlowMemory)
    if slow:
        kept, parameters = twin(method.momentum, "momentum")
        own += parameters
        parts |= {"forgetting": kept.forgetting, "direct": kept.direct}
    elif method.momentum:
        own.append(Parameter(fixed_beta, "method", "momentum"))
    if method.average is not None:
        kept, parameters = twin(method.average, "average")
        own += parameters
        parts["a"] = getattr(kept, "forgetting", getattr(kept, "start", None))
    shown = {name: _quantity(name, value) for name, value in parts.items()}
    return Memory(
        shown["rate"],
        shown["weight_decay"],
        shown.get("forgetting"),
        shown.get("direct"),
        shown.get("a"),
        isinstance(method.average, UniformAverage),
        not slow and bool(method.momentum),
        method.nesterov,
        tuple(own),
    )


def _quantity(name: str, value: Any) -> Quantity:
    value = sp.sympify(value)
    value = sp.S.Zero if value.is_zero else value
    return Quantity(sp.Function(_NAMES[name])(t) if value.has(t) else value, value)


def owners(method: Any, noise: Any = None) -> dict[str, Any]:
    """The objects that hold the values of parameters."""
    return {
        "method": method,
        "noise": noise,
        "momentum": method.momentum,
        "average": method.average,
    }


def full_step(kept: Memory) -> Map:
    """Return the step of the algorithm as a map of one coordinate, for a gradient g along it."""
    states, after = _step(kept, fast=False)
    observe = tuple((str(s), s) for s in states)
    return Map("step", states, after, observe, (gradient, dimension))


def slow_step(kept: Memory) -> Map:
    """Return the step with a fast momentum eliminated: it has forgotten all but the gradient."""
    states, after = _step(kept, fast=True)
    return Map("slow step", states, after, (), (gradient, dimension))


def _step(kept: Memory, fast: bool) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """States, and what they are after one step; `fast` eliminates the momentum of a fixed β."""
    d, eta, w = dimension, kept.rate.shown, kept.decay.shown
    states: list[Any] = [distance]
    moments: list[Any] = []
    along = gradient
    if kept.forgetting is not None or kept.fixed:
        forgets, scale, carried, direct = _shares(kept)
        m = momentum + forgets * (gradient - momentum)
        if fast and kept.fixed:
            # the momentum that a gradient which stays leaves behind
            m = sp.solve(m - momentum, momentum)[0]
        else:
            states.append(momentum)
            moments.append(m)
        along = scale * (carried * m + direct * gradient)
    moved = distance - eta / d * along - eta * w / d * (distance + target)
    after = [moved, *moments]
    if kept.average is not None:
        states.append(gathered)
        after.append(_averaged(kept, moved))
    if w != 0:
        states.append(target)
        after.append(target)
    return tuple(states), tuple(sp.expand(form) for form in after)


def _shares(kept: Memory) -> tuple[Any, Any, Any, Any]:
    """What m forgets in a step; the size of a step along m and g, and the shares of the two."""
    if kept.forgetting is not None and kept.direct is not None:
        return kept.forgetting.shown / dimension, sp.S.One, sp.S.One, kept.direct.shown
    size = 1 / (1 - fixed_beta)
    if kept.nesterov:
        return 1 - fixed_beta, size, fixed_beta, 1 - fixed_beta
    return 1 - fixed_beta, size, sp.S.One, sp.S.Zero


def _averaged(kept: Memory, moved: Any) -> Any:
    average = kept.average.shown if kept.average is not None else sp.S.Zero
    if not kept.uniform:
        return gathered + average / dimension * (moved - gathered)
    if average == 0:
        return gathered + moved / dimension
    counts = sp.Piecewise((1, t >= average), (0, True))
    return gathered + counts * moved / dimension


def linear(step: Map) -> tuple[Any, Any]:
    """Return P and q of z′ = P z + q g, as matrices."""
    after = sp.Matrix(step.after)
    return after.jacobian(sp.Matrix(step.states)), after.diff(gradient)


def velocities(step: Map) -> tuple[Any, Any]:
    """Return lim d (P − 1) and lim d q as d grows: what a unit of time does."""
    small = sp.Symbol("h", positive=True)
    P, q = linear(step)

    def limit(entry: Any) -> Any:
        scaled = sp.expand(sp.expand(entry).subs(dimension, 1 / small) / small)
        return sp.simplify(scaled.subs(small, 0)) if scaled != 0 else sp.S.Zero

    return (P - sp.eye(len(step.states))).applyfunc(limit), q.applyfunc(limit)
