r"""Paths of the limiting SDE of second-order regression at finite P.

.. math:: d\theta=-J^\top z\,d\tau+\sqrt h\,J^\top S\,dW,\qquad\tau=ht,\ h=\eta/D ,

by the Euler scheme in θ, weakly of first order; z and J follow θ exactly. The steps and the root of
the covariance of a batch are printed from :mod:`limitlab.theory.second_order.sde`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.derivation import Derivation
from ...theory.core.errors import InvalidInput
from ...theory.core.percent import percent
from ...theory.core.warn import warn
from ...theory.second_order.sde import quadratic_sde
from ..core import random
from ..core.curve import Curve
from ..core.runner import Crew
from ..core.runs import ensemble
from .algorithm import check_dense
from .arguments import Request
from .curvature import DenseCurvature
from .motion import QUANTITIES, Equations, Observer, State, top_eigenvalue, walk

Array = NDArray[np.float64]

#: without `step`: the step times λ_max(Θ₀)
RESOLUTION = 0.05
#: rate·sharpness above which the SDE is off visibly, and at which it means nothing
COARSE, EDGE = 0.3, 2.0
#: stream of the normals of the SDE; the curvature of a run has streams 0 and 1
_NOISE = 2


def check_product(product: float, rate: float) -> list[str]:
    """Return remarks on how coarse steps are for their SDE; refuse from the edge of stability on.

    Parameters
    ----------
    product : float
        rate·sharpness, or what else is 2 at the edge.
    """
    if product >= EDGE:
        remedy = f"rate·sharpness = {product:.3g} >= 2: no SDE there; lower the rate"
        raise InvalidInput("rate", rate, remedy)
    if product <= COARSE:
        return []
    remark = (
        f"rate·sharpness = {product:.3g} > {COARSE}: curves of the SDE are off by O(h), about "
        f"{percent(product / 2)} of their decay rate; compare shifts (SDE − flow with SGD − GD)"
    )
    warn(remark)
    return [remark]


def noise_shape(
    z: Array, xi: Array, moments: Any, homogenised: bool, equations: Equations | None = None
) -> Array:
    """Return S ξ for standard normals ξ, in the space of the examples."""
    given = {"c": moments.c, "nu": moments.nu, "D": z.size, "z": z, "xi": xi}
    given |= {"xi_mean": xi.mean(), "z_norm": np.linalg.norm(z)}
    functions = quadratic_sde().functions if equations is None else equations
    return functions["s_homogenised" if homogenised else "s"](**given)


def step_grid(problem: Any, times: Array, step: float | None) -> tuple[float, NDArray[np.int64]]:
    """Return the step dτ, and the step numbers next to the output times."""
    dtau = RESOLUTION / max(top_eigenvalue(problem.gram), 1e-12) if step is None else step
    smallest = float(np.diff(times).min())
    dtau = smallest / math.ceil(smallest / dtau * (1 - 1e-12))
    return float(dtau), np.unique(np.rint(times / dtau).astype(np.int64))


@dataclass(frozen=True, eq=False)
class Paths:
    """What every path shares: the step h of SGD, and the step dτ of the scheme."""

    ask: Request
    h: float
    dtau: float
    record: NDArray[np.int64]
    homogenised: bool
    equations: Equations

    def follow(self, sequence: np.random.SeedSequence) -> tuple[Array, int | None]:
        """Follow the path of a seed, with its own curvature."""
        problem, moments = self.ask.problem, self.ask.batches.moments
        step = {"h": self.h, "Delta_tau": self.dtau}

        def force(state: State, t: int) -> Array:
            xi = random.normals(sequence, problem.data, t, _NOISE).astype(np.float64)
            kick = noise_shape(state.z, xi, moments, self.homogenised, self.equations)
            return self.equations["f_sde"](z=state.z, s=kick, **step)

        shape = problem.data, problem.parameters
        curvature = DenseCurvature.draw(sequence, shape, problem.q)
        state = State.start(problem.z0, problem.G, self.equations)
        observe = Observer(problem.G, problem.kappa)
        return walk(state, curvature, force, self.record, observe)


def sde_curve(
    ask: Request,
    times: Array,
    step: float | None,
    homogenised: bool,
    system: Derivation,
    *,
    paths: int,
    workers: int | None,
    progress: bool | None,
) -> Curve:
    """Return the ensemble of paths."""
    check_dense(ask.problem)
    h = ask.constant_rate("the SDE has one step h") / ask.problem.data
    remarks = check_product(h * top_eigenvalue(ask.problem.gram), h * ask.problem.data)
    dtau, record = step_grid(ask.problem, times, step)
    every = Paths(ask, h, dtau, record, homogenised, system.functions)
    crew = Crew(workers, progress=progress)
    found = crew.each(lambda k: every.follow(random.child(ask.sequence, k)), paths)
    noise = "homogenised" if homogenised else "full"
    provenance = ask.provenance(
        "solve", limit="sde", paths=paths, step=dtau, noise=noise, remarks=remarks
    )
    time = record.astype(float) * dtau
    return ensemble(time, QUANTITIES, found, f"{ask.method.label}, SDE", provenance)
