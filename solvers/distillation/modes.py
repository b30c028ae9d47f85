"""Modes of an aligned student: the flow, whole steps, and what is observed of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.map import Map
from ...theory.distillation.modes import mode_theory
from ...theory.distillation.problem import BlockwiseDistillation
from ..stepping.flow import flow
from ..stepping.orbit import orbit
from .phases import through, whole_switch

Array = NDArray[np.float64]
QUANTITIES = ("loss", "block_loss", "overlap", "misalignment")
#: a loss from which a run has diverged
CEILING = 1e100


def flowing(problem: BlockwiseDistillation, rate: float, time: Array, system: Map) -> Array:
    """Strengths of the layers along the flow, (T, L, m)."""

    teacher = list(problem.teacher)

    def move(state: Array, local: Array, joined: int) -> Array:
        return np.stack(flow(system, list(state), (rate, joined), local, inputs=teacher), axis=1)

    return through(problem.own, time, problem.switch, move)


def stepped(
    problem: BlockwiseDistillation, rate: float, steps: NDArray[np.int64], system: Map
) -> Array:
    """Strengths of the layers after whole steps, (T, L, m); NaN from where they ran away."""

    teacher = list(problem.teacher)

    def move(state: Array, local: NDArray[np.int64], joined: int) -> Array:
        if not np.all(np.isfinite(state)):
            return np.full((local.size, *state.shape), np.nan)
        found = orbit(system, list(state), (rate, joined), local, ceiling=CEILING, inputs=teacher)
        return np.stack([found.arrays[str(base)] for base in system.states], axis=1)

    return through(problem.own, steps, whole_switch(problem.switch, rate), move)


def watched(problem: BlockwiseDistillation, states: Array, system: Map | None = None) -> Array:
    """Loss, sum of the losses of the blocks, overlap and misalignment at states, (4, T)."""
    own = system or mode_theory(problem.blocks, "map")
    zero, names, teacher = np.zeros(1, np.int64), QUANTITIES[:3], list(problem.teacher)
    rows = np.full((len(QUANTITIES), len(states)), np.nan)
    for place, state in enumerate(states):
        if np.all(np.isfinite(state)):
            seen = orbit(own, list(state), (0.0, 0.0), zero, ceiling=np.inf, inputs=teacher)
            rows[:3, place] = [seen.values[name][0] for name in names]
            rows[3, place] = 0.0  # modes do not mix
    return rows


def recorded(states: Array) -> dict[str, Any]:
    """What is kept whole: strengths of the layers, and of the student."""
    return {"layers": states, "strengths": np.prod(states, axis=1)}
