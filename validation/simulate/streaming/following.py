"""Methods whose rate follows the run: the norms of its own steps, or its own population risk.

Norms move b² inside the compiled step, which goes with the b² from before it (one step later is
O(1/d)). A greedy rate is recomputed from the state of the run every d/200 steps.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import sympy as sp

from ....solvers.streaming.following import Follower
from ....theory.core.errors import NotAvailable
from ....theory.core.printer import SourcePrinter
from ....theory.core.symbolic import Parameter, numbers, twin
from ....theory.core.symbols import residual
from ....theory.schedules.following import (
    AdaGradNorm,
    FollowingRate,
    forgetting,
    mean_eigenvalue,
    size,
    square,
)
from ....theory.streaming.derive import derive
from ....theory.streaming.following import rate, scale
from ....theory.streaming.rules import rule_of
from .engine import Engine
from .lowering import Lowered, lower
from .vector import VectorChain

_ADAPT = "@scalar\ndef adapt(n, d, p):\n    {}\n"
_NORM, _NORM_OF_STEP = 1, sp.Symbol("n", nonnegative=True)
#: a greedy rate is held for this share of a unit of time; points of its table of a and b
_HELD, _POINTS = 1 / 200, 400


def lower_any(problem: Any, method: Any) -> Lowered:
    """Lower a method, with a rate that follows the run or not."""
    if not isinstance(method.rate, FollowingRate):
        return lower(method)
    if isinstance(method.rate, AdaGradNorm):
        return _norms(problem, method)
    return _printed(problem, method, rate, {rate: "rate.scale"}, None)


def _norms(problem: Any, method: Any) -> Lowered:
    linear = rule_of(method, method) == residual if method.acts_on == "residual" else False
    if method.batch > 1 or not (linear or method.acts_on == "norm"):
        remedy = "norms are followed for one sample a step, of SGD and of rules on the norm"
        raise NotAvailable("rate", method.rate, remedy)
    law = derive(problem, method).law
    used = {
        square: "rate.start",
        scale: "rate.scale",
        forgetting: "rate.forgetting",
        mean_eigenvalue: "covariance.mean_eigenvalue",
    }
    return _printed(problem, method, law["eta"], used, method.rate.after())


def _printed(
    problem: Any, method: Any, value: Any, used: dict[Any, str], after: Any | None
) -> Lowered:
    """Print rate, rule and, where norms are followed, what a norm does to b²."""
    symbolic, own = twin(method, "method")
    rule = rule_of(method, symbolic)
    needed = value.free_symbols | (after.free_symbols if after is not None else set())
    parameters = (
        *(Parameter(s, _owner(field), field) for s, field in used.items() if s in needed),
        *own,
    )
    printer = SourcePrinter(tuple(q.symbol for q in parameters), {})
    functions = [
        printer.function("rate", "t, p", value),
        printer.function("rule", "ell, t, p", rule),
    ]
    body = "pass"
    if after is not None:
        gained = after.subs(size, rule.subs(residual, _NORM_OF_STEP))
        functions.append(printer.function("moved", "n, d, p", gained))
        body = f"{printer.doprint(square)} = moved(n, d, p)"
    values = numbers(parameters, {"method": method, "problem": problem})
    kind = _NORM if after is not None else lower(replace(method, rate=1.0)).acts_on
    source = "\n\n".join([*printer.functions, *functions, _ADAPT.format(body)])
    return Lowered(source, values, kind, 0, method.batch)


def _owner(field: str) -> str:
    return "method" if field.startswith("rate.") else "problem"


@dataclass(frozen=True, eq=False)
class GreedyVector(VectorChain):
    """The vector with a rate that is recomputed from its state.

    Parameters
    ----------
    pull : (m,) array
        w λ at the coordinates.
    push : float
        Σ w c.
    scale : float
    table : (3, n) array
        log R, a and b.
    """

    pull: np.ndarray = None  # type: ignore[assignment]
    push: float = 1.0
    scale: float = 1.0
    table: np.ndarray = None  # type: ignore[assignment]

    def advance(self, state: dict[str, Any], seen: tuple[Any, ...], first: int) -> None:
        normals, noise = seen
        m, steps = self.start.size * self.batch, noise.size // self.batch
        held = max(1, int(self.dimension * _HELD))
        for begin in range(0, steps, held):
            end = min(begin + held, steps)
            state["p"][0] = self._rate(state["phi"])
            part = normals[begin * m :], noise[begin * self.batch : end * self.batch]
            super().advance(state, part, first + begin)

    def _rate(self, phi: np.ndarray) -> float:
        energies = 0.5 * phi**2
        place = np.log(max(float(energies.sum()), 1e-300))
        a, b = (np.interp(place, self.table[0], row) for row in self.table[1:])
        return float(self.scale * a * (self.pull @ energies) / (2 * b * self.push))


def greedy_engine(problem: Any, method: Any, engine: Engine) -> Engine:
    """Return the engine of a greedy rate from the vector engine of the same method."""
    if not isinstance(engine, VectorChain):
        raise NotAvailable("engine", engine.name, 'a greedy rate has engine="vector"')
    follower = Follower(problem, method, derive(problem, method))
    rates = engine.variances
    distance = method.rate.objective == "distance"
    weights = 1 / rates if distance else np.ones(rates.size)
    sources = rates**2 / problem.dimension
    log_risk = np.log(problem.risk) + np.linspace(-30, 4, _POINTS)
    table = np.vstack([log_risk, *follower.coefficients.at(np.exp(log_risk))])
    return GreedyVector(
        **{field.name: getattr(engine, field.name) for field in fields(engine)},
        pull=weights * rates,
        push=float(weights @ sources),
        scale=method.rate.scale,
        table=table,
    )
