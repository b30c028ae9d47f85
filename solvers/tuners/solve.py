r"""solve for tuners: the exact map, its average, and the slow law.

The equations are those of :mod:`limitlab.theory.tuners.maps`,
:mod:`limitlab.theory.tuners.regression` and :mod:`limitlab.theory.tuners.averages`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import count
from ...theory.core.errors import NotAvailable
from ...theory.core.time_grid import time_grid, whole_steps
from ...theory.core.version import VERSION
from ...theory.core.warn import warn
from ...theory.methods.base import Method
from ...theory.second_order.problem import QuadraticRegression
from ...theory.tuners.derive import derive
from ...theory.tuners.problem import SharpnessToy, TwoCurvatures
from ..core.curve import Curve
from ..core.limits import THREADS, Limit, Limits, Option, own_options
from ..core.runner import Crew
from ..second_order.drawn import Drawn
from ..second_order.form import in_residuals
from ..stepping.initial_value import initial_value
from . import regression
from .follow import Motion, follow, unfinished

Array = NDArray[np.float64]

#: relative accuracy of the differential equations
_RTOL = 1e-10
#: relative error of the slow law of CDAT from which it warns, and steps up to which it is measured
_ADIABATIC, _LONGEST_ORBIT = 0.02, 10**6


def solve(
    problem: SharpnessToy | TwoCurvatures | QuadraticRegression,
    method: Method,
    until: float | None = None,
    *,
    limit: str = "map",
    times: Any = None,
    points: int = 101,
    system: Any = None,
    **options: Any,
) -> Curve:
    """Solve for a tuner on the toy, on two curvatures, or on second-order regression.

    Parameters
    ----------
    problem : SharpnessToy, TwoCurvatures or QuadraticRegression
    method : GradientDescent, CDAT, Armijo, Polyak, OnEdge or another Tuner
    until : float, optional
        Number of steps; may be left out where `times` is given.
    limit : str
        One of `LIMITS`.
    times, points : array_like, int
        Output steps, or how many equal ones from 0.
    system : Map or Derivation, optional
        Solved instead of the derived one.

    **options
        Those of the limit, see `LIMITS`.

    Returns
    -------
    Curve
        "map" on QuadraticRegression, for one curvature Q: "loss" = |z|²/(2D) of all data,
        "sharpness" = λ_max(JJᵀ)/D, "step" η (that is about to be taken), "edge" = η · sharpness
        and "gradient" = |∇L|²; ``provenance["state"]`` is "converged", "oscillating", "diverged"
        or "unfinished". "map" on the toy: "loss", "sharpness" λ, "step" η, "edge" = ηλ, "x" and
        "gradient" = |g|². On two curvatures the logarithms of r = g₁²/g₂² and of |g|² and of the
        factors of both modes beside. "averaged": |x|, "sharpness", "edge" and "loss".
        "slow": "sharpness", and "q" = x²/x*² for CDAT.
        ``provenance["state"]`` is "converged", "converging" (x, or |g|, is less than half of what
        it was a quarter earlier), "oscillating", "drifting" (x at rest, u moving), "diverged" or
        "left_branch" (λ <= 0); from where the last two happen the values are NaN.

    Raises
    ------
    NotAvailable
        A limit that this pair does not have; noise (the map of one run is random: simulate it);
        Polyak without a minimum; a schedule.
    InvalidInput
        A minimum above a loss that is reached.

    Warns
    -----
    ValidityWarning
        The orbit diverged or left the branch, with the step; the slow law of CDAT is off by more
        than 2 % at the last step, with how much.
    """
    own = own_options(LIMITS, limit, options)
    if isinstance(problem, QuadraticRegression):
        derived = system or derive(problem, method, limit=limit)
        return _regression(problem, method, derived, whole_steps(until, times, points), **own)
    for name, value in own.items():
        if value is not None and name not in THREADS and name != "seed":
            remedy = f"nothing is drawn on {type(problem).__name__}; leave it out"
            raise NotAvailable(name, value, remedy)
    if isinstance(problem, SharpnessToy) and problem.noise and limit == "map":
        raise NotAvailable("noise", problem.noise, "one run is random; simulate it, or use 0")
    derived = derive(problem, method, limit=limit)
    task = Task(problem, method, system or derived, (until, times, points))
    time, motion = LIMITS[limit].road(task)
    remark = unfinished(motion)
    if remark:
        warn(remark)
    return Curve(
        time,
        motion.values,
        steps=motion.steps,
        label=f"{method.label}, {limit}",
        provenance=provenance(problem, method, "solve")
        | {
            "limit": limit,
            "state": motion.state,
            "lost": motion.lost,
            "remarks": [remark] if remark else [],
        },
    )


def _regression(
    problem: QuadraticRegression,
    method: Method,
    system: Any,
    steps: NDArray[np.int64],
    *,
    draws: Any,
    seed: Any,
    tensor: Any,
    masks: Any,
    workers: Any,
    progress: Any,
) -> Curve:
    """The recursion of (z, J), for one curvature or several."""
    task = Drawn.of(problem, method, steps, seed, tensor, masks)
    form = in_residuals(system)
    if masks is not None and task.batches.full:
        raise NotAvailable("masks", masks, "the method sees all of the data; give it a batch")
    number = 1 if draws is None else count("draws", draws)
    crew = Crew(workers, progress=progress)
    return regression.runs(task, form, number, crew, source="solve", limit="map")


@dataclass(frozen=True, eq=False)
class Task:
    """A checked call of `solve`."""

    problem: Any
    method: Any
    system: Any
    when: tuple[Any, Any, Any]


def provenance(problem: Any, method: Any, source: str) -> dict[str, Any]:
    """What a curve says of itself."""
    return {
        "source": source,
        "version": VERSION,
        "problem": {"model": type(problem).__name__, **asdict(problem)},
        "method": repr(method),
        "time": "steps",
    }


def _map(task: Task) -> tuple[Array, Motion]:
    steps = whole_steps(*task.when)
    motion = follow(task.system, task.problem, task.method, steps, closed=True)
    return steps.astype(float), motion


def _averaged(task: Task) -> tuple[Array, Motion]:
    time, problem, rate = time_grid(*task.when), task.problem, float(task.method.rate)
    f = task.system.functions
    known = {"a": problem.sharpening, "b": problem.stabilising, "eta": rate}

    def change(_: float, state: Array) -> list[float]:
        now = {"x": np.exp(state[0]), "y": state[1], **known}
        return [f["x_flow"](**now) / now["x"], f["y_flow"](**now)]

    first = [np.log(abs(problem.start[0])), rate * problem.sharpness - 2]
    found = _integrate(change, first, time)
    x, edge = np.exp(found[0]), 2 + found[1]
    return time, _motion(time, problem, x, edge / rate, {"edge": edge})


def _slow(task: Task) -> tuple[Array, Motion]:
    time, problem, f = time_grid(*task.when), task.problem, task.system.functions
    known = {
        "a": problem.sharpening,
        "b": problem.stabilising,
        "x_0": problem.start[0],
        "phi": getattr(task.method, "fraction", 1.0),
        "sigma": getattr(task.method, "scale", 1.0),
        "x_star": problem.balance,
        "alpha": abs(problem.alpha),
    }

    def kept(squared: Any) -> Any:
        return f["q_lambda"](**known, lambda_=np.sqrt(squared)) if "q_lambda" in f else 0.0

    def change(_: float, state: Array) -> list[float]:
        return [f["growth"](**known, q_lambda=kept(state[0]))]

    squared = _integrate(change, [problem.sharpness**2], time)[0]
    values = {"sharpness": np.sqrt(squared)}
    if "q_lambda" in f:
        values["q"] = kept(squared)
        _announce(task, time, values["sharpness"])
    return time, Motion(np.rint(time).astype(np.int64), values, "drifting", None)


def _announce(task: Task, time: Array, sharpness: Array) -> None:
    """Warn of how far the slow law of CDAT is from its exact map at the last step.

    The law takes q to be at rest; near scale 2 it is not until long after the start.
    """
    steps = np.array([0, round(float(time[-1]))])
    if not 0 < steps[1] <= _LONGEST_ORBIT:
        return
    exact = derive(task.problem, task.method, limit="map")
    motion = follow(exact, task.problem, task.method, steps, closed=True)
    if motion.lost is not None:
        warn(f"the slow law goes on where the exact map ends: {unfinished(motion)}")
        return
    gap = float(sharpness[-1] / motion.values["sharpness"][-1] - 1)
    if abs(gap) > _ADIABATIC:
        warn(
            f"the slow law is off by {100 * gap:+.3g} % in the sharpness at step {steps[1]}: q is "
            'not at rest along the way (near scale 2 it is slow); use limit="map"'
        )


def _motion(time: Array, problem: Any, x: Array, lam: Array, beside: dict[str, Array]) -> Motion:
    u = (lam - problem.l0) / problem.k
    values = {"loss": lam * x**2 / 2 - problem.alpha * u, "sharpness": lam, "x": x, **beside}
    return Motion(np.rint(time).astype(np.int64), values, "oscillating", None)


def _integrate(change: Any, first: list[float], time: Array) -> Array:
    found = initial_value(change, (0.0, time[-1]), first, times=time, rtol=_RTOL, atol=1e-12)
    return np.asarray(found.y)


LIMITS: Limits = {
    "map": Limit(
        "exact: in (x, λ) and the bulk, in the logarithms of the ratio and length of "
        "the gradient, or in (z, J) for one curvature Q",
        _map,
        {
            "draws": Option(
                None, "an ensemble of so many curvatures and batches; one where left out"
            ),
            "seed": Option(None, "int or SeedSequence: of Q and the batches, as in simulate"),
            "tensor": Option(None, "this Q, (D, P, P), in place of a random one"),
            "masks": Option(None, "these batches, (steps, D), in place of drawn ones"),
            "workers": THREADS["workers"],
            "progress": THREADS["progress"],
        },
    ),
    "averaged": Limit("the average over two steps, at a constant rate on the toy", _averaged),
    "slow": Limit("the law of λ² alone, for OnEdge and CDAT on the toy", _slow),
}
