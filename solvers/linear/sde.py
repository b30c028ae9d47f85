r"""Paths of the limiting SDE of SGD on a linear model, in flow time :math:`\tau=\eta t`.

.. math:: dz=-Nz\,d\tau+\sqrt\eta\,N\,S\,dW,\qquad SS^\top=c\,[D\,\mathrm{diag}(z^2)-\nu zz^\top]

Homogenised, :math:`SS^\top\to c|z|^2I/C`. The drift is integrated exactly, the noise at the middle
of a step: :math:`z\leftarrow e^{-Nd\tau}z+e^{-Nd\tau/2}N\sqrt\eta\,S\,dW`. Derived here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.derivation import Derivation
from ...theory.core.errors import SolveFailed
from ...theory.linear.derivation import compiled_source
from ...theory.methods.sampling import Batches
from ..core import random
from ..core.compile import load, writable
from ..core.runner import Crew

Array = NDArray[np.float64]
_KERNEL = Path(__file__).parent / "kernels" / "path.py"

#: steps of the SDE in one step of SGD
SUBSTEPS = 8
#: stream of the normals that draw a start; the noise has stream 0
START = 1


def paths_of_loss(
    problem: Any,
    batches: Batches,
    rate: float,
    record: NDArray[np.int64],
    system: Derivation,
    *,
    exact: bool,
    paths: int,
    seed: Any,
    workers: int | None,
    progress: bool | None,
) -> Array:
    """The loss of every path at multiples of η/SUBSTEPS, shape (paths, T).

    Parameters
    ----------
    record : (T,) int array
        Numbers of substeps, from 0.
    system : Derivation
        Of the linear model: pull, spread and noise of an example.
    exact : bool
        The heteroscedastic diffusion, which needs eigenvectors; else the homogenised one.
    """
    module = load("\n\n".join([random.source(), compiled_source(system)]), _KERNEL)
    sequence = random.seed_sequence(seed)
    mask, given = batches.moments, {"lambda_i": problem.eigenvalues, "eta": rate}
    pull, reach = (system.functions[name](**given) for name in ("sde_pull", "sde_spread"))
    V = np.eye(problem.size) if problem.spectrum is not None else problem.eigenvectors
    small = rate / SUBSTEPS
    decay = writable((V * np.exp(small * pull)) @ V.T)
    spread = writable((V * (reach * np.exp(small * pull / 2))) @ V.T)
    shape = (problem.data, problem.outputs, mask.c, mask.nu, exact)

    def one(k: int) -> Array:
        own = random.child(sequence, k)
        start, loss = first_residual(problem, own), np.empty(record.size)
        module.path(random.key(own), start, decay, spread, np.sqrt(small), *shape, record, loss)
        return loss

    losses = np.array(Crew(workers, progress=progress).each(one, paths))
    if not np.isfinite(losses).all():
        first = int(np.argmax(~np.isfinite(losses).all(axis=0)))
        raise SolveFailed("a path of the SDE diverged", record[first] * small, small, np.inf)
    return losses


def first_residual(problem: Any, sequence: np.random.SeedSequence) -> Array:
    """z(0) of a run or path."""
    return np.asarray(problem.residual_from(random.normals(sequence, problem.size, stream=START)))
