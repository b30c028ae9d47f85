"""T2, solved: second-order regression with D and P → ∞ together.

The equations and the code that runs are those of
:mod:`limitlab.theory.second_order.proportional`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ...theory.core.errors import InvalidInput
from ...theory.core.recursion import Recursions
from ...theory.second_order.proportional import (
    NUMBERS,
    field_argument,
    proportional_derivation,
    upper_edge,
)
from ..core import random
from ..core.compile import load
from ..core.curve import Curve
from ..core.runner import Crew
from .algorithm import Machine
from .arguments import Request
from .motion import RUN_AWAY

Array = NDArray[np.float64]

#: parameters of the pilot runs, and how few of them tell a scatter
PILOT, FEWEST = 64, 20
_NO_SHARPNESS = 'T2 knows only the bulk; outliers need T1: limit="fixed-data", or simulate'


@dataclass(frozen=True, eq=False)
class Proportional:
    """The solution.

    Attributes
    ----------
    loss, norm : (n + 1,) arrays
        E z²/2 and c(t, t) = |θ|²/D; NaN where they have run away.
    edge : (n + 1,) array
        Upper edge of the bulk of Θ.
    stopped : int or None
    """

    loss: Array
    norm: Array
    edge: Array
    stopped: int | None


def solve_proportional(
    problem: Any, rates: Array, moments: Any, system: Recursions | None = None
) -> Proportional:
    """Solve the recursion.

    Parameters
    ----------
    problem : QuadraticRegression
        α = D/P, ã, κ̃ and σ² enter.
    rates : (n,) array
        Batch prefactor g_t of each step.
    moments : Moments
        Of the mask.
    system : Recursions, optional
        Solved instead of the derived one.
    """
    system = system or proportional_derivation()
    (program,) = system.programs
    n = rates.size
    arrays: dict[str, Any] = {str(base): np.zeros((n + 2, n + 2)) for base in program.arrays}
    arrays |= {"g": np.append(rates, 0.0), "L": np.zeros(n + 2)}
    arrays["R"][0, 0] = 1.0
    p = numbers(problem, moments)
    ceiling = RUN_AWAY * problem.residual_variance / 2
    inputs = tuple(arrays[str(base)] for base in program.arrays)
    reached = load(program.source, "stepping/recursion").evolve(n, ceiling, p, inputs)
    norm = np.diagonal(arrays["c"])[: n + 1].copy()
    loss = arrays["L"][: n + 1]
    loss[reached:], norm[reached:] = np.nan, np.nan
    formula = system[upper_edge].subs(dict(zip(NUMBERS, p, strict=True)))
    edge = np.broadcast_to(sp.lambdify(field_argument, formula)(norm), norm.shape)
    return Proportional(loss, norm, edge, None if reached > n else int(reached))


def numbers(problem: Any, moments: Any) -> Array:
    """Return α, ã, κ̃, σ², β and b₁ in the order of the recursion."""
    alpha = problem.data / problem.parameters
    field = (alpha, problem.jacobian_variance, problem.kappa_tilde, problem.residual_variance)
    return np.array([*field, moments.beta, moments.b1])


def proportional_curve(
    ask: Request,
    steps: NDArray[np.int64],
    system: Recursions | None,
    pilot_runs: int,
    **threads: Any,
) -> Curve:
    """Return the curve of T2; with the spread of one run where pilot runs are asked for."""
    problem = ask.problem
    solution = solve_proportional(
        problem, ask.prefactors(int(steps[-1])), ask.batches.moments, system
    )
    loss = solution.loss[steps]
    more: dict[str, Any] = {"refused": {"sharpness": _NO_SHARPNESS}}
    if solution.stopped is not None:
        more["diverged"] = {"0": solution.stopped}
    spread = {}
    if pilot_runs:
        spread["loss"] = loss * log_scatter(ask, steps, pilot_runs, **threads)
        more["spread"] = f"{pilot_runs} runs at P = {PILOT}, scaled by 1/√P"
    return Curve(
        steps.astype(float),
        {
            "loss": loss,
            "isotropic": problem.kappa * solution.norm[steps],
            "bulk_edge": solution.edge[steps] / problem.data,
        },
        spread,
        steps=steps,
        label=f"{ask.method.label}, D/P = {problem.data / problem.parameters:.3g}",
        provenance=ask.provenance("solve", limit="proportional", **more),
    )


def log_scatter(ask: Request, steps: NDArray[np.int64], runs: int, **threads: Any) -> Array:
    """Estimate the standard deviation of the log loss of one run at this P.

    The prefactor of 1/√P is measured on runs of a small model with the same α, β, κ̃ and g.
    """
    if runs < FEWEST:
        raise InvalidInput("pilot_runs", runs, f"give 0, or at least {FEWEST} runs")
    problem, drawn = ask.problem, ask.batches
    P = min(PILOT, problem.parameters)
    D = max(1, round(problem.data * P / problem.parameters))
    batch = min(D, max(1, round(drawn.batch * D / problem.data)))
    small = type(problem)(D, P, problem.kappa_tilde / D)
    machine = Machine(
        small,
        replace(drawn, batch=batch, data=D),
        ask.prefactors(int(steps[-1])),
        steps,
        redraw=True,
    )
    found = Crew(**threads).each(lambda k: machine.run(random.child(ask.sequence, k)), runs)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.stack([values[0] for values, _ in found]))
    return logs.std(axis=0, ddof=1) * math.sqrt(P / problem.parameters)
