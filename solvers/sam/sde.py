r"""Paths of the limiting SDE of SAM with batches, on second-order regression.

.. math:: d\theta=b(z,J)\,d\tau+\sqrt{\eta/D}\,J^\top S\,dW,\qquad\tau=\eta/D\cdot\text{steps},

weakly of first order in the rate, and in the radius; z and J follow θ exactly. Drift, root and step
are those of :mod:`limitlab.theory.sam.sde`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.map import Map
from ...theory.sam.step import constant_rate
from ..core import random
from ..core.curve import Curve
from ..core.runner import Crew
from ..core.runs import ensemble
from ..second_order.motion import RUN_AWAY, top_eigenvalue
from ..second_order.sde import check_product, step_grid
from ..stepping.orbit import orbit
from .early_time import warn_of_radius
from .edge import sam_product
from .regression import QUANTITIES, Task, observed

Array = NDArray[np.float64]

#: stream of the normals of a path; its curvature and batches have those of `Drawn`
_NOISE = 2


@dataclass(frozen=True, eq=False)
class Paths:
    """What every path shares: the step dτ of the scheme, and the numbers of the map."""

    task: Task
    system: Map
    rate: float
    dtau: float

    @property
    def numbers(self) -> tuple[float, ...]:
        """In the order of ``system.numbers``."""
        drawn, method = self.task.batches, self.task.method
        own, data = drawn.moments, self.task.problem.data
        mask = own.beta, own.b1, own.b2, own.c, own.nu
        return (self.rate / data, self.dtau, method.radius / drawn.batch, *mask)

    def follow(self, k: int) -> tuple[Array, int | None]:
        """The quantities at the recorded steps, and the step of divergence."""
        task, problem = self.task, self.task.problem
        tensor, _ = task.draw(k, 1)
        stream = random.child(random.child(task.sequence, k), _NOISE)
        rng = np.random.Generator(np.random.Philox(stream))
        normals = rng.standard_normal((int(task.record[-1]), problem.data))
        with np.errstate(over="ignore", invalid="ignore"):
            found = orbit(
                self.system,
                (problem.z0, problem.G),
                self.numbers,
                task.record,
                ceiling=RUN_AWAY * max(float(problem.z0 @ problem.z0), 1e-300),
                inputs=(tensor, normals),
            )
        z, J = found.arrays["residual"], found.arrays["jacobian"]
        return observed(z, J, np.full(len(z), self.rate), task.method), found.lost


def curve(
    problem: Any,
    method: Any,
    system: Map,
    time: Array,
    *,
    paths: int,
    step: float | None,
    seed: Any,
    tensor: Any,
    crew: Crew,
) -> Curve:
    """The ensemble of paths, each with its own curvature."""
    rate = constant_rate(method, "the SDE has one rate")
    sharpness = top_eigenvalue(problem.gram) / problem.data
    remarks = check_product(sam_product(rate, method.radius, sharpness), rate)
    remarks += warn_of_radius(method.radius * float(np.diag(problem.gram).max()))
    dtau, record = step_grid(problem, time, step)
    task = Task.of(problem, method, record, seed, tensor, None)
    every = Paths(task, system, rate, dtau)
    told = {"source": "solve", "limit": "sde", "time": "flow", "paths": paths, "step": dtau}
    grid = record.astype(float) * dtau
    return ensemble(
        grid,
        QUANTITIES,
        crew.each(every.follow, paths),
        f"{method.label}, SDE",
        task.described() | told | {"remarks": remarks},
        steps=np.rint(grid * problem.data / rate).astype(np.int64),
    )
