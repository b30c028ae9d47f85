r"""SAM with vanishing steps, for one curvature: the flow of (z, J), and of (z, T).

.. math:: \dot z=-J\tilde J^\top\tilde z,\qquad\dot J=-Q(\tilde J^\top\tilde z,\cdot),

time rate/D · steps for second-order regression as elsewhere, rate · steps for the two-eigenvalue
model. It ends slightly flatter or slightly *sharper* than gradient flow: what lowers the sharpness
at late times is the finite step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import NotAvailable
from ...theory.core.map import Map
from ...theory.sam.step import constant_rate
from ..core.curve import Curve
from ..stepping.flow import flow
from .regression import QUANTITIES, Task, observed

Array = NDArray[np.float64]


def regression(task: Task, system: Map, time: Array) -> Curve:
    """The flow on all of the data, from the curvature of run 0."""
    method, problem = task.method, task.problem
    rate = constant_rate(method, "the flow has one rate")
    if task.batched:
        raise NotAvailable("batch", method.batch, 'the limit "flow" is of all data; leave it out')
    tensor, _ = task.drawn(0)
    D, start = problem.data, (problem.z0, problem.G)
    z, J = flow(system, start, task.numbers, time, inputs=(tensor,))
    values = observed(z, J, np.full(time.size, rate), method)
    return Curve(
        time,
        dict(zip(QUANTITIES, values, strict=True)),
        steps=np.rint(time * D / rate).astype(np.int64),
        label=f"{method.label}, flow",
        provenance=task.described() | {"source": "solve", "limit": "flow", "time": "flow"},
    )
