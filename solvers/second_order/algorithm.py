r"""The algorithm itself on second-order regression at finite D and P, one run at a time.

Q is dense, or revealed along the visited directions only; the law is the same, and so are the
equations, those of :mod:`limitlab.theory.second_order.motion`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import choice
from ...theory.core.derivation import Derivation
from ...theory.core.errors import InvalidInput
from ...theory.methods.sampling import Batches, draw_masks
from ...theory.second_order.motion import motion
from ...theory.second_order.written_out import written_out
from ..core import random
from .curvature import Curvature, DenseCurvature, LazyCurvature
from .motion import Observer, State, follow, walk

Array = NDArray[np.float64]

ENGINES = ("dense", "lazy")
#: bytes that the curvature of one run may take
MEMORY = 4 * 2**30
#: labels of a run's own keys: batches, and a redrawn start
_BATCHES, _START = 0, 1


@dataclass(frozen=True, eq=False)
class Machine:
    """What every run shares.

    Parameters
    ----------
    problem : QuadraticRegression
    batches : Batches
    rates : (n,) array
        Batch prefactor g_t of each step.
    record : int array
        Step numbers from 0.
    engine : {"dense", "lazy"}
    tensor : (D, P, P) array, optional
        This Q in every run.
    masks : (n, D) array, optional
        These batches in every run.
    redraw : bool
        G and z₀ anew in every run.
    spectrum : bool
        Record every eigenvalue of JJᵀ/D.
    system : Derivation
        The equations of a step.
    """

    problem: Any
    batches: Batches
    rates: Array
    record: NDArray[np.int64]
    engine: str = "dense"
    tensor: Array | None = None
    masks: Array | None = None
    redraw: bool = False
    spectrum: bool = False
    system: Derivation = field(default_factory=motion)

    def run(self, sequence: np.random.SeedSequence) -> tuple[Array, int | None]:
        """Do one run: what :func:`.motion.walk` returns."""
        z0, G = self._start(sequence)
        masks = self._masks(sequence)

        state = State.start(z0, G, self.system.functions)
        observe = Observer(G, self.problem.kappa, self.spectrum)
        curvature = self._curvature(sequence)
        if isinstance(curvature, DenseCurvature):
            inputs = (curvature.tensor, masks, self.rates)
            return follow(written_out(self.system), state, inputs, self.record, observe)

        def force(state: State, t: int) -> Array:
            return state.batch_force(self.rates[t], masks[t])

        return walk(state, curvature, force, self.record, observe)

    def _masks(self, sequence: np.random.SeedSequence) -> Array:
        if self.masks is not None:
            return self.masks
        rng = np.random.default_rng(random.child(sequence, _BATCHES))
        return draw_masks(self.batches, self.rates.size, rng)

    def _curvature(self, sequence: np.random.SeedSequence) -> Curvature:
        shape = self.problem.data, self.problem.parameters
        if self.tensor is not None:
            return DenseCurvature(self.tensor)
        if self.engine == "dense":
            return DenseCurvature.draw(sequence, shape, self.problem.q)
        room = min(self.rates.size, shape[1])
        return LazyCurvature(sequence, shape, self.problem.q, room)

    def _start(self, sequence: np.random.SeedSequence) -> tuple[Array, Array]:
        if not self.redraw:
            return np.array(self.problem.z0), np.array(self.problem.G)
        (seed,) = random.child(sequence, _START).generate_state(1)
        fresh = type(self.problem)(
            self.problem.data, self.problem.parameters, self.problem.curvature, seed=int(seed)
        )
        return np.array(fresh.z0), np.array(fresh.G)


def choose_engine(engine: str | None, problem: Any, steps: int) -> str:
    """Return the engine that was asked for, or the one that takes less memory.

    Raises
    ------
    InvalidInput
        The curvature takes more than 4 GiB.
    """
    D, P = problem.data, problem.parameters
    needed = {"dense": dense_bytes(problem), "lazy": 4 * D * P * min(steps, P)}
    chosen = min(needed, key=needed.__getitem__) if engine is None else engine
    choice("engine", chosen, ENGINES)
    if needed[chosen] > MEMORY:
        other = "lazy" if chosen == "dense" and needed["lazy"] <= MEMORY else "fewer steps or P"
        remedy = f"takes {needed[chosen] / 2**30:.3g} GiB a run, above 4; use {other}"
        raise InvalidInput("engine", chosen, remedy)
    return chosen


def dense_bytes(problem: Any) -> int:
    """What a dense curvature takes."""
    return 8 * problem.data * problem.parameters**2


def check_dense(problem: Any) -> None:
    """Refuse a dense curvature above 4 GiB, where no other engine is there."""
    needed = dense_bytes(problem)
    if needed > MEMORY:
        remedy = f"its dense curvature takes {needed / 2**30:.3g} GiB, above 4; use fewer"
        raise InvalidInput("parameters", problem.parameters, remedy)
