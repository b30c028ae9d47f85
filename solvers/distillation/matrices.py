"""The student's matrices in the teacher's frames: flow, whole steps, and the SDE of batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.distillation.problem import BlockwiseDistillation
from ..core import random
from ..core.blas import one_thread
from ..core.runner import Crew
from ..stepping.flow import integrate
from .modes import CEILING, QUANTITIES
from .phases import spans, through, whole_switch

Array = NDArray[np.float64]
#: steps of the SDE in one step of SGD
SUBSTEPS = 4
#: paths that are stepped together, and steps whose noise is drawn at once
_GROUP, _CHUNK = 50, 128


@dataclass(frozen=True, eq=False)
class Network:
    """Equations at the numbers of one problem; states are stacks (…, L, m, m).

    Parameters
    ----------
    problem : BlockwiseDistillation
    functions : mapping
        Of the derivation.
    """

    problem: BlockwiseDistillation
    functions: Mapping[str, Any]

    @cached_property
    def one(self) -> Array:
        """The identity."""
        return np.eye(self.problem.modes)

    def blocks(self, joined: int) -> list[tuple[slice, Array, Array]]:
        """(layers, B, A) of every block."""
        tau = self.problem.teacher
        return [
            (own, np.diag(np.prod(tau[own], axis=0)), np.diag(np.prod(tau[: own.start], axis=0)))
            for own in spans(self.problem.blocks, joined)
        ]

    def gradient(self, U: Array, joined: int, inputs: Array | None = None) -> Array:
        """∂ℓ/∂U of every layer, for inputs of a second moment C."""
        C = self.one if inputs is None else inputs
        found = np.empty_like(U)
        for own, B, A in self.blocks(joined):
            layers = range(own.start, own.stop)
            below, above = [self.one], [self.one]
            for layer in layers[:-1]:
                below.append(U[..., layer, :, :] @ below[-1])
            for layer in layers[:0:-1]:
                above.append(above[-1] @ U[..., layer, :, :])
            for layer, Q, P in zip(layers, below, above[::-1], strict=True):
                found[..., layer, :, :] = self.functions["Gradient"](
                    P=P, U=U[..., layer, :, :], Q=Q, B=B, A=A, C=C
                )
        return found

    def _loss(self, V: Array, B: Array, A: Array) -> Array:
        one = self.one
        return np.asarray(self.functions["Loss"](P=one, U=V, Q=one, B=B, A=A, C=one))

    def observed(self, U: Array) -> Array:
        """The quantities, (4, …); infinite or NaN of a state that has run away."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self._observed(U)

    def _observed(self, U: Array) -> Array:
        theta = self.problem.products
        V = product(U)
        rows = [self._loss(V, np.diag(theta), self.one)]
        parts = [self._loss(product(U[..., o, :, :]), B, A) for o, B, A in self.blocks(0)]
        rows.append(np.sum(parts, axis=0))
        diagonal = np.einsum("...kk->...k", V)
        rows.append(diagonal @ theta / (theta @ theta))
        off = np.sqrt(np.sum((V * (1 - self.one)) ** 2, axis=(-1, -2)))
        size = np.sqrt(np.sum(V**2, axis=(-1, -2)))
        rows.append(np.divide(off, size, out=np.zeros_like(off), where=size > 0))
        return np.array(rows)


def product(U: Array) -> Array:
    """U_L ⋯ U_1."""
    found = U[..., 0, :, :]
    for layer in range(1, U.shape[-3]):
        found = U[..., layer, :, :] @ found
    return found


def flowing(network: Network, time: Array) -> Array:
    """The matrices along the flow, (T, L, m, m)."""

    def move(state: Array, local: Array, joined: int) -> Array:
        def velocity(_: float, flat: Array) -> Array:
            return -network.gradient(flat.reshape(state.shape), joined).ravel()

        with one_thread():
            return integrate(velocity, state.ravel(), local).reshape(-1, *state.shape)

    return through(network.problem.matrices, time, network.problem.switch, move)


def stepped(network: Network, rate: float, steps: NDArray[np.int64]) -> Array:
    """The matrices after whole steps, (T, L, m, m)."""

    def move(state: Array, local: NDArray[np.int64], joined: int) -> Array:
        found = np.empty((local.size, *state.shape))
        place = 0
        for step in range(int(local[-1]) + 1):
            if step == local[place]:
                found[place], place = state, place + 1
            with np.errstate(over="ignore", invalid="ignore"):
                state = state - rate * network.gradient(state, joined)
        return found

    problem = network.problem
    with one_thread():
        return through(problem.matrices, steps, whole_switch(problem.switch, rate), move)


def paths_of(
    network: Network, method: Any, record: NDArray[np.int64], substeps: int, paths: int, **crew: Any
) -> list[tuple[Array, int | None]]:
    """Quantities of every path at multiples of rate/substeps, and where it had diverged."""
    sequence = random.seed_sequence(crew.pop("seed"))
    groups = [range(low, min(low + _GROUP, paths)) for low in range(0, paths, _GROUP)]

    def group(number: int) -> Array:
        every = [random.child(sequence, k) for k in groups[number]]
        with one_thread(), np.errstate(over="ignore", invalid="ignore"):
            return _group(network, method, record, substeps, every)

    found = np.concatenate(Crew(**crew).each(group, len(groups)), axis=1)
    found[:, ~(found[0] < CEILING)] = np.nan  # loses the shape of what has diverged
    return [(values, _lost(values[0], record)) for values in found.swapaxes(0, 1)]


def _group(
    network: Network, method: Any, record: NDArray[np.int64], substeps: int, seeds: list[Any]
) -> Array:
    """(quantities, paths, T)."""
    problem, rate = network.problem, float(method.rate)
    m, step = problem.modes, rate / substeps
    switch = whole_switch(problem.switch, step)
    streams = [np.random.Generator(np.random.Philox(seed)) for seed in seeds]
    U = np.tile(problem.matrices, (len(seeds), 1, 1, 1))
    found = np.empty((len(QUANTITIES), len(seeds), record.size))
    place = 0
    for number in range(int(record[-1]) + 1):
        if number == record[place]:
            found[:, :, place], place = network.observed(U), place + 1
        if number % _CHUNK == 0:
            drawn = np.stack([rng.standard_normal((_CHUNK, m, m)) for rng in streams])
        half = drawn[:, number % _CHUNK]
        symmetric = (half + half.swapaxes(-1, -2)) / np.sqrt(2)
        seen = network.functions["Seen"](Xi=symmetric, b=method.batch, eta=rate, h=step, m=m)
        joined = int(switch is not None and number >= switch)
        U = U - step * network.gradient(U, joined, seen)
    return found


def _lost(loss: Array, record: NDArray[np.int64]) -> int | None:
    gone = np.flatnonzero(~np.isfinite(loss))
    return int(record[gone[0]]) if gone.size else None
