"""How far whole steps are from the flow: what the length of the steps does to the loss."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...theory.core.warn import warn
from ...theory.distillation.matrices import matrix_theory
from ...theory.distillation.modes import mode_theory
from ...theory.distillation.problem import BlockwiseDistillation
from . import matrices, modes

Array = NDArray[np.float64]

#: steps of matrices, in numpy, that take as long as modes take to compile
MANY = 50_000


def of_steps(
    problem: BlockwiseDistillation, rate: float, time: Array, loss: Array | None = None
) -> Array:
    """The loss after whole steps of the matrices against that of a flow, relative to it.

    Parameters
    ----------
    rate : float
        η.
    time, loss : (T,) arrays
        Of the flow; by default that of the matrices.

    Warns
    -----
    ValidityWarning
        Steps that diverge: infinite from there.
    """
    network = matrices.Network(problem, matrix_theory().functions)
    if loss is None:
        loss = network.observed(matrices.flowing(network, time))[0]
    steps = np.unique(np.rint(time / rate).astype(np.int64))
    if problem.aligned and steps[-1] > MANY:
        states = modes.stepped(problem, rate, steps, mode_theory(problem.blocks, "map"))
        found = modes.watched(problem, states)[0]
    else:
        found = network.observed(matrices.stepped(network, rate, steps))[0]
    there = np.interp(time, steps * rate, found)
    if not np.all(np.isfinite(there)):
        warn(f"descent at the rate {rate:g} diverges: there is no error to announce; lower it")
    off = np.nan_to_num(np.abs(there - loss), nan=np.inf, posinf=np.inf)
    return np.divide(off, loss, out=np.zeros_like(off), where=loss > 0)
