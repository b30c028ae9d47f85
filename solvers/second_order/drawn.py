"""What every run of an exact recursion on a dense curvature shares, and what each one draws.

Run k draws from (entropy, spawn_key + (k,)), as plain second-order regression does: the same seed
gives the same Q and the same batches to every method.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import array
from ...theory.core.errors import InvalidInput
from ...theory.core.version import VERSION
from ...theory.methods.sampling import Batches, batches_of, draw_masks
from ...theory.schedules.schedule import check_schedules
from ..core import random
from ..core.provenance import seed_text
from ..stepping.outcome import watched
from .algorithm import check_dense
from .arguments import given_masks
from .curvature import DenseCurvature

Array = NDArray[np.float64]

#: label of the key of a run's batches
_BATCHES = 0
#: bytes that the recorded Jacobians of one run may take
_MEMORY = 2 * 2**30


@dataclass(frozen=True, eq=False)
class Drawn:
    """A checked call.

    Attributes
    ----------
    record : int array
        The steps that are asked for.
    tensor, masks : arrays or None
        The same in every run; drawn where None.
    """

    problem: Any
    method: Any
    batches: Batches
    record: NDArray[np.int64]
    sequence: np.random.SeedSequence
    seed: Any
    tensor: Array | None
    masks: Array | None

    @classmethod
    def of(
        cls,
        problem: Any,
        method: Any,
        record: NDArray[np.int64],
        seed: Any,
        tensor: Any,
        masks: Any,
    ) -> Self:
        """Check the call."""
        steps = int(record[-1])
        check_schedules(method, float(steps))
        check_dense(problem)
        needed = 8 * problem.data * problem.parameters * watched(record).size
        if needed > _MEMORY:
            remedy = f"the Jacobians at {record.size} steps take {needed / 2**30:.3g} GiB, above 2"
            raise InvalidInput("points", record.size, f"{remedy}; record fewer")
        return cls(
            problem,
            method,
            batches_of(method, problem.data),
            record,
            random.seed_sequence(seed),
            seed,
            None if tensor is None else given_tensor(tensor, problem),
            None if masks is None else given_masks(masks, steps, problem.data),
        )

    @property
    def batched(self) -> bool:
        """Whether steps differ in what they see."""
        return self.masks is not None or not self.batches.full

    def draw(self, k: int, steps: int) -> tuple[Array, tuple[Array, ...]]:
        """Q of run k, and its masks where there are batches."""
        problem, sequence = self.problem, random.child(self.sequence, k)
        tensor = self.tensor
        if tensor is None:
            shape = problem.data, problem.parameters
            tensor = DenseCurvature.draw(sequence, shape, problem.q).tensor
        if not self.batched:
            return tensor, ()
        if self.masks is not None:
            return tensor, (self.masks,)
        rng = np.random.default_rng(random.child(sequence, _BATCHES))
        return tensor, (draw_masks(self.batches, steps, rng),)

    def described(self) -> dict[str, Any]:
        """How a curve was made."""
        problem = self.problem
        return {
            "version": VERSION,
            "problem": {
                "kind": type(problem).__name__,
                "data": problem.data,
                "parameters": problem.parameters,
                "curvature": problem.curvature,
                "jacobian": "random" if problem.jacobian is None else "given",
                "residual": "random" if problem.residual is None else "given",
            },
            "method": repr(self.method),
            "time": "steps",
            "seed": seed_text(self.seed),
        }


def given_tensor(tensor: Any, problem: Any) -> Array:
    """Check the Q of a user: (D, P, P), symmetric."""
    given = array("tensor", tensor, 3)
    shape = (problem.data, problem.parameters, problem.parameters)
    if given.shape != shape:
        raise InvalidInput("tensor", tensor, f"has shape {given.shape}; give {shape}")
    if np.abs(given - given.transpose(0, 2, 1)).max() > 1e-10 * np.abs(given).max():
        remedy = "is not symmetric in its last two axes; give (Q + Qᵀ)/2"
        raise InvalidInput("tensor", tensor, remedy)
    return given
