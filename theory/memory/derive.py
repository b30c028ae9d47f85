r"""From a step with memory to the equations of its limit, by Itô's formula on all of its states.

The rule and the noise enter as on a stream without memory: one gradient along a mode has the mean
a u and the variance v, u the mode of δ. The states of a mode then obey
:math:`dz=(Fz+b\,a\,\delta)\,dt+b\sqrt v\,dW` with ONE Brownian motion, where F and b are the limits
of d (P − 1) and d q of the step (derived here).
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import combinations_with_replacement
from typing import Any

import sympy as sp

from ..core.checks import choice
from ..core.errors import NotAvailable
from ..core.ito import ito
from ..core.symbols import decay_rate
from ..core.system import Step
from ..methods.base import Method
from ..methods.remember import SlowMemory
from ..schedules.running_quantile import RunningQuantile
from ..streaming.derive import derive as derive_gradient
from ..streaming.problem import LeastSquares
from ..streaming.system import ModeSystem
from .exact import derive_exact
from .step import Memory, distance, full_step, memory_of, slow_step, velocities
from .system import MemorySystem, pull, push
from .words import moment_name

LIMITS = ("ode", "fluctuations", "exact")


def derive(problem: LeastSquares, method: Method, *, limit: str = "ode") -> Any:
    """Derive the limit of a method with momentum, an average or weight decay.

    Parameters
    ----------
    problem : LeastSquares
    method : Method
    limit : {"ode", "fluctuations", "exact"}
        The equations of the mean; beside them the covariance of one gradient; or the recursion of
        the mean at finite d under a linear rule.

    Returns
    -------
    MemorySystem, or for limit="exact" a MomentRecursion

    Raises
    ------
    NoLimit
        As without memory.
    NotAvailable
        A rule that is not derived without memory; a threshold that follows the run.
    """
    choice("limit", limit, LIMITS)
    bare = method.bare
    check(method)
    if limit == "exact":
        return derive_exact(problem, method)
    mean = derive_gradient(problem, bare, limit=limit)
    return assemble(method, unit(mean), memory_of(method))


def check(method: Any) -> None:
    """Refuse what is not derived with memory.

    Raises
    ------
    NotAvailable
    """
    threshold = getattr(method, "threshold", None)
    if isinstance(threshold, RunningQuantile):
        remedy = "a running threshold is not derived with memory; give a number or a schedule"
        raise NotAvailable("threshold", threshold, remedy)


def unit(system: ModeSystem) -> ModeSystem:
    """Return the limit of a stream at the step size 1/d: what one gradient does."""
    eta = next((f for f, value in system.definitions if value == system.rate), system.rate)

    def at_one(form: Any) -> Any:
        return None if form is None else sp.sympify(form).subs(eta, 1)

    definitions = tuple((f, value) for f, value in system.definitions if f != eta)
    covariance = at_one(system.covariance)
    free = [value for _, value in definitions] + [system.rule]
    read = set().union(*(sp.sympify(form).free_symbols for form in free if form is not None))
    return replace(
        system,
        drift=at_one(system.drift),
        source_term=at_one(system.source_term),
        rate=sp.Float(1),
        definitions=definitions,
        parameters=tuple(q for q in system.parameters if q.symbol in read),
        covariance=covariance,
    )


def assemble(method: Any, gradient: ModeSystem, kept: Memory) -> MemorySystem:
    """Put a gradient and a memory together."""
    step = slow_step(kept)
    moments, drift, source, steps = _moments(kept)
    parameters = (*gradient.parameters, *kept.parameters)
    average = kept.average
    return MemorySystem(
        name=f"{gradient.name} with memory",
        states=step.states,
        moments=moments,
        drift=drift,
        source_term=source,
        gradient=gradient,
        step=full_step(kept),
        limit_step=step,
        definitions=kept.definitions,
        parameters=parameters,
        uniform=average.shown if kept.uniform and average is not None else None,
        steps=(
            *(s for s in gradient.steps if s.left not in _REPLACED),
            *_about_fixed(method, kept),
            *steps,
        ),
    )


#: what the derivation without memory goes on with
_REPLACED = ("b", "v", "dy_i/dt", "drift", "source_term")


def _about_fixed(method: Any, kept: Memory) -> tuple[Step, ...]:
    if not kept.fixed:
        return ()
    text = (
        "a momentum that forgets in 1/(1 − β) steps has forgotten all but the gradient: the limit "
        "is that at the rate η/(1 − β)"
    )
    (moved,) = (form for s, form in zip(*_pairs(slow_step(kept)), strict=True) if s == distance)
    return (Step(text, "δ′", moved),)


def _pairs(step: Any) -> tuple[Any, Any]:
    return step.states, step.after


@lru_cache(maxsize=64)
def _moments(kept: Memory) -> tuple[Any, Any, Any, tuple[Step, ...]]:
    """Return the moments, their drift and source, and how they came about."""
    step = slow_step(kept)
    states, (F, b) = step.states, velocities(step)
    z = sp.Matrix(states)
    drift = F * z + b * pull * distance
    covariance = push * b * b.T
    pairs = list(combinations_with_replacement(range(len(states)), 2))
    symbols = {pair: sp.Symbol(moment_name(states, pair), real=True) for pair in pairs}
    values = {states[a] * states[c]: 2 * y / decay_rate for (a, c), y in symbols.items()}
    linear, free = [], []
    steps = [Step("one step of the algorithm, g the gradient along a mode", "δ′", full_after(kept))]
    steps.append(Step("d steps make one unit of time: drift of the states", states, tuple(drift)))
    steps.append(Step("and their covariance: all states see one gradient", "v", covariance))
    for a, c in pairs:
        product = states[a] * states[c]
        change = sp.expand(ito(product, list(states), list(drift), covariance) * decay_rate / 2)
        change = sp.expand(sum(_in_moments(term, values) for term in sp.Add.make_args(change)))
        rest, part = change.as_independent(*symbols.values(), as_Add=True)
        linear.append(part)
        free.append(rest)
        steps.append(Step(f"Itô's formula for ½ λ_i {product}", f"d{symbols[a, c]}/dt", change))
    moments = tuple((symbols[pair], pair) for pair in pairs)
    return moments, sp.ImmutableMatrix(linear), sp.ImmutableMatrix(free), tuple(steps)


def full_after(kept: Memory) -> Any:
    """δ after a step of the algorithm."""
    return full_step(kept).after[0]


def _in_moments(term: Any, values: dict[Any, Any]) -> Any:
    """Write a term with one product of two states, or none, in the moments."""
    for product, value in values.items():
        quotient = sp.cancel(term / product)
        if not quotient.free_symbols & product.free_symbols:
            return quotient * value
    return term


def is_slow(method: Any) -> bool:
    """Whether the momentum is a state of the limit."""
    return isinstance(method.momentum, SlowMemory)
