r"""solve for EquilibriumNetwork: how the iteration approaches its fixed point.

The equations are those of :mod:`limitlab.theory.equilibrium.site`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import ensemble_size
from ...theory.core.errors import NotAvailable
from ...theory.core.time_grid import whole_steps
from ...theory.core.version import VERSION
from ...theory.core.warn import warn
from ...theory.equilibrium.derive import check
from ...theory.equilibrium.problem import EquilibriumNetwork
from ...theory.methods.base import Method
from ..core import random
from ..core.curve import Curve
from ..core.limits import Limit, Limits, Option, own_options
from .site import functions_of, site_of_functions
from .transient import Transient, lengths_and_steps, paths_of_a_site

Array = NDArray[np.float64]

#: steps and paths that fit into memory: steps² · paths numbers
LARGEST = 4e8
#: relative standard error of q above which there are too few paths
_COARSE = 0.01
#: relative error of q and of the loss at N = 1 and one step, measured for tanh and ReLU
FINITE_SIZE = 3.0


def solve(
    problem: EquilibriumNetwork,
    method: Method,
    until: float | None = None,
    *,
    limit: str = "two-time",
    times: Any = None,
    points: int = 101,
    system: Any = None,
    **options: Any,
) -> Curve:
    """Solve for the transient of the iteration from z = 0, as N → ∞.

    Parameters
    ----------
    problem : EquilibriumNetwork
    method : FixedPointIteration
    until : float, optional
        Number of steps; may be left out where `times` is given.
    limit : str
        One of `LIMITS`.
    times, points : array_like, int
        Output steps, or how many equal ones from 0.
    system : Derivation, optional
        Solved instead of the derived one.

    Returns
    -------
    Curve
        "q" = |z_t|²/N and "loss" = |φ(Wz_t + x) − z_t|²/(2N). Without symmetry and damping it is
        deterministic; otherwise a mean over `paths` of one site, whose standard errors are in
        ``provenance["paths"]`` and the diagnostics; ``provenance["answer"]`` = Σ_s R(T, s), which
        tends to χ.

    Raises
    ------
    NotAvailable
        Transients of symmetric orthogonal matrices; more steps² · paths than fit into memory.

    Warns
    -----
    ValidityWarning
        Too few paths for 1 % of q.
    """
    own = own_options(LIMITS, limit, options)
    check(problem, method)
    if problem.kind == "symmetric-orthogonal":
        remedy = "transients of symmetric orthogonal matrices are not derived; see equilibrium"
        raise NotAvailable("ensemble", problem.ensemble, remedy)
    steps = whole_steps(until, times, points)
    task = Task(problem, method, functions_of(problem, system), int(steps[-1]), own)
    found = LIMITS[limit].road(task)
    remarks = _remarks(found, task)
    for remark in remarks:
        warn(remark)
    size = FINITE_SIZE * np.maximum(steps, 1) / problem.size
    return Curve(
        steps.astype(float),
        {"q": found.q[steps], "loss": found.loss[steps]},
        diagnostics={"finite_size": size, "finite_size_q": size / np.maximum(steps, 1)}
        | _errors(found, steps),
        steps=steps,
        label=f"{method.label}, {limit}",
        provenance=provenance(problem, method, "solve")
        | {
            "limit": limit,
            "answer": found.answer,
            "paths": None if found.q_error is None else task.own["paths"],
            "finite_size_origin": "of order steps/N, measured coefficient",
            "remarks": remarks,
        },
    )


@dataclass(frozen=True, eq=False)
class Task:
    """A checked call of `solve`."""

    problem: Any
    method: Any
    functions: Any
    last: int
    own: dict[str, Any]


def provenance(problem: Any, method: Any, source: str) -> dict[str, Any]:
    """What a curve says of itself."""
    return {
        "source": source,
        "version": VERSION,
        "problem": {"model": type(problem).__name__, **vars(problem)}
        | {"activation": repr(problem.activation)},
        "method": repr(method),
        "time": "steps",
    }


def _two_time(task: Task) -> Transient:
    problem, rate = task.problem, float(task.method.rate)
    site = site_of_functions(problem, task.functions)
    if problem.tau == 0 and rate == 1:
        return lengths_and_steps(site, task.last)
    paths = ensemble_size("paths", task.own["paths"], 2)
    if task.last**2 * paths > LARGEST:
        remedy = (
            f"{task.last} steps hold {task.last**2 * paths:.2g} numbers; end earlier, or draw less"
        )
        raise NotAvailable("paths", paths, remedy)
    rng = np.random.Generator(np.random.Philox(random.seed_sequence(task.own["seed"])))
    return paths_of_a_site(site, task.last, rate, paths, rng)


def _errors(found: Transient, steps: NDArray[np.int64]) -> dict[str, Array]:
    if found.q_error is None or found.loss_error is None:
        return {}
    return {"q_error": found.q_error[steps], "loss_error": found.loss_error[steps]}


def _remarks(found: Transient, task: Task) -> list[str]:
    if found.q_error is None or found.q.size < 2:
        return []
    relative = float((found.q_error[1:] / found.q[1:]).max())
    if relative <= _COARSE:
        return []
    needed = int(np.ceil(task.own["paths"] * (relative / _COARSE) ** 2))
    return [f"the paths leave {relative:.1%} of q open; {needed} paths leave {_COARSE:.0%}"]


LIMITS: Limits = {
    "two-time": Limit(
        "the transient of one site: a map without symmetry and damping, else paths",
        _two_time,
        {
            "paths": Option(20_000, "paths of a site, with symmetry or damping"),
            "seed": Option(None, "int or SeedSequence, of the paths"),
        },
    ),
}
