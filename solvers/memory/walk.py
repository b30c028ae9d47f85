r"""The mean of a rule with memory step by step at finite d, without what the fluctuations of R add.

For one step :math:`z'=Pz+qg` of the states of a mode,

.. math:: E\,z'z'^\top=P\,zz^\top P^\top+(Pz\,q^\top+q\,z^\top P^\top)\,E g+qq^\top E g^2,

with E g = ½ a δ and E g² the drift and the variance that the limit has at the risk of that step:
for any rule, where the part of E g² along K δ is left out (derived here). What it differs by from
the limit is what steps of finite length do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ...theory.core.errors import SolveFailed
from ...theory.core.symbols import dimension
from ...theory.memory.step import fixed_beta, full_step, linear, memory_of
from ...theory.schedules.schedule import evaluate
from ..core.compile import load
from .modes import MemoryModes
from .ode import Equations

Array = NDArray[np.float64]
Steps = NDArray[np.int64]


def walked_totals(
    equations: Equations, modes: MemoryModes, method: Any, steps: Steps, d: float
) -> Array:
    """Return the total of every moment of the system after so many steps, (T, moments).

    Parameters
    ----------
    equations : Equations
    modes : MemoryModes
        Few of them.
    steps : (T,) int array
        Increasing, from 0.
    d : float
        The dimension, at the same λ and c.

    Raises
    ------
    SolveFailed
        The mean is not a finite number.
    """
    system, coefficients = equations.system, equations.coefficients
    kernel = load(coefficients.source, "memory/ode").coefficients_at
    names, carried, pushed = _step(method, np.arange(steps[-1]) / d, d)
    places = [names.index(str(state)) for state in system.states]
    pairs = [(places[a], places[b]) for _, (a, b) in system.moments]
    now = np.zeros((modes.count, len(names), len(names)))
    for (a, b), start in zip(pairs, modes.state, strict=True):
        now[:, a, b] = now[:, b, a] = start
    out, rows = np.empty((steps.size, len(pairs))), [*zip(*pairs, strict=True)]
    for record, step in enumerate(np.diff(steps, prepend=0)):
        first = steps[record] - step
        for k in range(first, steps[record]):
            risk = float(now[:, 0, 0].sum())
            drift, noise = kernel(risk, k / d, coefficients.law, equations.table)
            moved = carried[k] @ now
            cross = (0.5 * drift * modes.rates)[:, None, None] * moved[:, :, :1] * pushed[k]
            square = d * noise * modes.sources[:, None, None] * np.outer(pushed[k], pushed[k])
            now = moved @ carried[k].T + cross + cross.transpose(0, 2, 1) + square
        out[record] = now.sum(axis=0)[rows[0], rows[1]]
        if not np.isfinite(out[record, 0]):
            reason = "the mean risk of steps of this length is not a finite number"
            raise SolveFailed(reason, float(steps[record] / d), 1 / d, float(out[record - 1, 0]))
    return out


def _step(method: Any, times: Array, d: float) -> tuple[list[str], Array, Array]:
    """The names of the states, and P and q of the steps at these times."""
    kept = memory_of(method)
    step, momentum, average = full_step(kept), method.momentum, method.average
    values = [
        (kept.rate, method.rate),
        (kept.decay, method.weight_decay),
        (kept.forgetting, getattr(momentum, "forgetting", None)),
        (kept.direct, getattr(momentum, "direct", None)),
        (kept.average, getattr(average, "forgetting", getattr(average, "start", None))),
    ]
    held = {q.shown: value for q, value in values if q is not None and q.shown != 0}
    held |= {dimension: d} | ({fixed_beta: momentum} if kept.fixed else {})
    exact = {symbol: sp.sympify(value) for symbol, value in held.items()}

    def numbers(matrix: Any) -> Array:
        found = np.empty((times.size, *matrix.shape))
        for place in np.ndindex(*matrix.shape):
            found[(slice(None), *place)] = evaluate(matrix[place].xreplace(exact), times)
        return found

    P, q = linear(step)
    return [str(state) for state in step.states], numbers(P), numbers(q)[:, :, 0]
