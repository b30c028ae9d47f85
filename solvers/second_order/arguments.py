"""What every theory of second-order regression is given, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import array
from ...theory.core.errors import InvalidInput, InvalidType, NotAvailable
from ...theory.core.version import VERSION
from ...theory.methods.sampling import Batches, batches, draw_masks
from ...theory.schedules.schedule import evaluate
from ...theory.second_order.problem import QuadraticRegression
from ..core import random
from ..core.provenance import seed_text

Array = NDArray[np.float64]
Seed = int | np.random.SeedSequence | None


@dataclass(frozen=True)
class Request:
    """A problem, a method and a seed."""

    problem: Any
    method: Any
    batches: Batches
    seed: Seed
    sequence: np.random.SeedSequence

    @classmethod
    def of(cls, problem: Any, method: Any, seed: Seed) -> Request:
        """Check that the method can be followed on the problem."""
        if not isinstance(problem, QuadraticRegression):
            raise InvalidType("problem", problem, "give a QuadraticRegression")
        drawn = batches(method, problem.data)
        if drawn.momentum:
            remedy = "second-order regression is derived without momentum; use 0"
            raise NotAvailable("momentum", drawn.momentum, remedy)
        return cls(problem, method, drawn, seed, random.seed_sequence(seed))

    def prefactors(self, steps: int) -> Array:
        """g_t = rate(t)/B of every step."""
        return evaluate(self.method.rate, np.arange(steps)) / self.batches.batch

    def constant_rate(self, why: str) -> float:
        """The rate, where it is one number."""
        if getattr(self.method.rate, "free_symbols", None):
            raise NotAvailable("rate", self.method.rate, f"{why}; give a number")
        return float(self.method.rate)

    def mask_sets(self, steps: int, masks: Any, samples: int) -> list[Array]:
        """The masks of every sample, (steps, D) each; one where there is nothing to average."""
        if masks is not None:
            return [given_masks(masks, steps, self.problem.data)]
        if self.batches.full:
            return [np.ones((steps, self.problem.data))]
        keys = (random.child(self.sequence, k) for k in range(samples))
        return [draw_masks(self.batches, steps, np.random.default_rng(key)) for key in keys]

    def provenance(self, source: str, **more: Any) -> dict[str, Any]:
        """How a curve was made."""
        problem = self.problem
        described = {
            "kind": type(problem).__name__,
            "data": problem.data,
            "parameters": problem.parameters,
            "curvature": problem.curvature,
            "jacobian": "random" if problem.jacobian is None else "given",
            "residual": "random" if problem.residual is None else "given",
        }
        return {
            "source": source,
            "version": VERSION,
            "problem": described,
            "method": repr(self.method),
            "time": "flow" if more.get("limit") in ("flow", "sde") else "steps",
            "seed": seed_text(self.seed),
        } | more


def given_masks(masks: Any, steps: int, data: int) -> Array:
    """Check masks of the user: (at least `steps`, `data`), how often each example is drawn."""
    given = array("masks", masks, 2)
    if given.shape[1] != data or len(given) < steps:
        remedy = f"has shape {given.shape}; give one row for each step, ({steps}, {data})"
        raise InvalidInput("masks", masks, remedy)
    if given.min() < 0:
        raise InvalidInput("masks", masks, "give how often each example is in the batch, >= 0")
    return given[:steps]
