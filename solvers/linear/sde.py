r"""Paths of the limiting SDE of SGD on a linear model, in flow time :math:`\tau=\eta t`.

.. math:: dz=-Nz\,d\tau+\sqrt\eta\,N\,S\,dW,\qquad SS^\top=c\,[D\,\mathrm{diag}(z^2)-\nu zz^\top]

S dW is drawn as :math:`\sqrt{cD}\,z_k(\xi_k-\nu\bar\xi)\sqrt{d\tau}`. Homogenised,
:math:`SS^\top\to c|z|^2I/C`. The drift is integrated exactly, the noise at the middle of a step:
:math:`z\leftarrow e^{-Nd\tau}z+e^{-Nd\tau/2}N\sqrt\eta\,S\,dW`. Derived here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import SolveFailed
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
    exact : bool
        The heteroscedastic diffusion, which needs eigenvectors; else the homogenised one.
    """
    module = load(random.source(), _KERNEL)
    sequence = random.seed_sequence(seed)
    mask, values = batches.moments, problem.eigenvalues
    V = np.eye(problem.size) if problem.spectrum is not None else problem.eigenvectors
    small = rate / SUBSTEPS
    decay = writable((V * np.exp(-small * values)) @ V.T)
    spread = writable((V * (values * np.exp(-small * values / 2))) @ V.T)
    strength = np.sqrt(rate * small * mask.c)
    shape = (problem.data, problem.outputs, mask.nu, exact)

    def one(k: int) -> Array:
        own = random.child(sequence, k)
        start, loss = first_residual(problem, own), np.empty(record.size)
        module.path(random.key(own), start, decay, spread, strength, *shape, record, loss)
        return loss

    losses = np.array(Crew(workers, progress=progress).each(one, paths))
    if not np.isfinite(losses).all():
        first = int(np.argmax(~np.isfinite(losses).all(axis=0)))
        raise SolveFailed("a path of the SDE diverged", record[first] * small, small, np.inf)
    return losses


def first_residual(problem: Any, sequence: np.random.SeedSequence) -> Array:
    """z(0) of a run or path."""
    return np.asarray(problem.residual_from(random.normals(sequence, problem.size, stream=START)))
