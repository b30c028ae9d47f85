"""solve for SAM: exact maps, flows, and the SDE of batches."""

from __future__ import annotations

from typing import Any

from ...theory.core.checks import count, ensemble_size, positive
from ...theory.core.errors import NotAvailable
from ...theory.core.time_grid import time_grid, whole_steps
from ...theory.methods.sam import SAM
from ...theory.sam import regression as lowered
from ...theory.sam import two_eigenvalues as closed
from ...theory.sam.derive import derive
from ...theory.second_order.problem import QuadraticRegression
from ...theory.two_eigenvalues.problem import TwoEigenvalueModel
from ..core.curve import Curve
from ..core.limits import THREADS, Limit, Limits, Option, own_options
from ..core.runner import Crew
from ..second_order.form import in_residuals
from . import flow, sde, two_eigenvalues
from .regression import Task, runs


def solve(
    problem: QuadraticRegression | TwoEigenvalueModel,
    method: SAM,
    until: float | None = None,
    *,
    limit: str = "map",
    times: Any = None,
    points: int = 101,
    system: Any = None,
    **options: Any,
) -> Curve:
    """Solve SAM on second-order regression, or on the two-eigenvalue model.

    Parameters
    ----------
    problem : QuadraticRegression or TwoEigenvalueModel
    method : SAM
    until : float, optional
        Number of steps; flow time for "flow" and "sde": rate/D · steps, or rate · steps for the
        two-eigenvalue model. Left out on the two-eigenvalue model: until the motion has ended.
    limit : str
        One of `LIMITS`.
    times, points : array_like, int
        Output times, or how many equal ones from 0.
    system : Map or Derivation, optional
        Solved instead of the derived one.
    **options
        Those of the limit, see `LIMITS`.

    Returns
    -------
    Curve
        "loss", "sharpness" = λ_max(JJᵀ)/D, "edge_product" = rate · sharpness (1 + radius ·
        sharpness), or with radius/|∇L| where it is normalised, which is 2 at the edge; "gradient"
        = |∇L| on regression, "z" and "T" on the two-eigenvalue model. ``provenance["state"]`` of
        "map" is "converged", "oscillating", "diverged" or "unfinished"; only converged runs end
        below the edge.

    Raises
    ------
    NotAvailable
        An option that the limit does not have; a flow with batches, an SDE without.
    InvalidInput
        Bad input; a schedule where the rate must be a number; an SDE at or beyond the edge.

    Warns
    -----
    ValidityWarning
        A run that diverged; an SDE of coarse steps, or with a radius that is not small.
    """
    own = own_options(LIMITS, limit, options)
    return LIMITS[limit].road(problem, method, until, times, points, system, **own)


def _mapped(
    problem: Any,
    method: Any,
    until: Any,
    times: Any,
    points: int,
    system: Any,
    *,
    draws: int,
    seed: Any,
    tensor: Any,
    masks: Any,
    workers: Any,
    progress: Any,
) -> Curve:
    if isinstance(problem, TwoEigenvalueModel):
        _no_draws(problem, draws=draws, tensor=tensor, masks=masks)
        own = system or derive(problem, method)
        return two_eigenvalues.mapped(problem, method, own, until, times, points)
    task = Task.of(problem, method, whole_steps(until, times, points), seed, tensor, masks)
    own = system or lowered.recursion(task.batched, method.normalised)
    number = 1 if draws is None else count("draws", draws)
    crew = Crew(workers, progress=progress)
    return runs(task, in_residuals(own), number, crew, source="solve", limit="map")


def _flowing(
    problem: Any,
    method: Any,
    until: Any,
    times: Any,
    points: int,
    system: Any,
    *,
    seed: Any,
    tensor: Any,
) -> Curve:
    if isinstance(problem, TwoEigenvalueModel):
        _no_draws(problem, tensor=tensor)
        own = system or closed.flow()
        return two_eigenvalues.flowing(problem, method, own, until, times, points)
    own = system or derive(problem, method, limit="flow")
    task = Task.of(problem, method, whole_steps(1, None, 2), seed, tensor, None)
    return flow.regression(task, own, time_grid(until, times, points))


def _noisy(
    problem: Any,
    method: Any,
    until: Any,
    times: Any,
    points: int,
    system: Any,
    *,
    paths: int,
    step: float | None,
    seed: Any,
    tensor: Any,
    workers: Any,
    progress: Any,
) -> Curve:
    own = derive(problem, method, limit="sde")
    return sde.curve(
        problem,
        method,
        system or own,
        time_grid(until, times, points),
        paths=ensemble_size("paths", paths, 2),
        step=None if step is None else positive("step", step),
        seed=seed,
        tensor=tensor,
        crew=Crew(workers, progress=progress),
    )


def _no_draws(problem: Any, **given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            remedy = f"nothing is random in a {type(problem).__name__}; leave it out"
            raise NotAvailable(name, value, remedy)


_DRAWN = {
    "seed": Option(
        None,
        "int or SeedSequence: of Q, as in simulate, where the same seed gives "
        "the same Q and batches",
    ),
    "tensor": Option(None, "this Q, (D, P, P), in place of a random one"),
}

LIMITS: Limits = {
    "map": Limit(
        "exact: the recursion of (z, J) for one curvature Q, or of (z, T)",
        _mapped,
        {
            "draws": Option(
                None, "an ensemble of so many curvatures and batches; one where left out"
            ),
            **_DRAWN,
            "masks": Option(None, "these batches, (steps, D), in place of drawn ones"),
            "workers": THREADS["workers"],
            "progress": THREADS["progress"],
        },
    ),
    "flow": Limit("vanishing steps at a fixed radius, for one curvature", _flowing, _DRAWN),
    "sde": Limit(
        "paths of the limiting SDE of batches, each with its own curvature; first order in radius",
        _noisy,
        {
            "paths": Option(100, "how many"),
            "step": Option(None, "in flow time"),
            **_DRAWN,
            "workers": THREADS["workers"],
            "progress": THREADS["progress"],
        },
    ),
}
