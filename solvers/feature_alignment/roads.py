"""Three roads to the states of a quadratic network: the flow, whole steps, and the closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.methods.speed_limited import SpeedLimited
from ..core.blas import one_thread
from ..stepping.initial_value import initial_value
from .field import Field

Array = NDArray[np.float64]

#: accuracy of the flow
_RTOL, _ATOL = 1e-10, 1e-13
#: a loss beyond which a descent has diverged
_LARGEST = 1e100


@dataclass(frozen=True, eq=False)
class Path:
    """States over time: W (T, k, d) and a (T, k), or WᵀW alone (T, d, d).

    Attributes
    ----------
    state : str
    remarks : tuple of str
    """

    time: Array
    weights: Array | None
    readouts: Array | None
    state: str
    remarks: tuple[str, ...] = ()
    features: Array | None = None


def integrate(field: Field, time: Array) -> Path:
    """Integrate the flow."""
    problem = field.problem
    shape, trained = (problem.width, problem.dimension), problem.train_readout
    size = shape[0] * shape[1]

    def split(flat: Array) -> tuple[Array, Array]:
        return flat[:size].reshape(shape), flat[size:] if trained else problem.readouts

    def change(_: float, flat: Array) -> Array:
        W, a = field.velocity(*split(flat))
        return np.concatenate([W.ravel(), a]) if trained else W.ravel()

    first = problem.weights.ravel()
    if trained:
        first = np.concatenate([first, problem.readouts])
    with one_thread():
        span, loss = (0.0, time[-1]), lambda y: float(field.loss(*split(y)))
        found = initial_value(change, span, first, times=time, size=loss, rtol=_RTOL, atol=_ATOL)
    states = [split(column) for column in found.y.T]
    return _path(time, states, "flow")


def descend(field: Field, method: Any, time: Array) -> Path:
    """Take whole steps; a speed-limited one stops at its target and stays there."""
    rate = float(method.rate)
    steps = np.unique(np.rint(time / rate).astype(np.int64))
    limited = isinstance(method, SpeedLimited)
    target = method.target if limited else None
    W, a = field.problem.weights, field.problem.readouts
    states, done, state, remarks = list[tuple[Array, Array]](), 0, "descending", tuple[str, ...]()
    for step in steps:
        for _ in range(int(step) - done):
            if state != "descending":
                break
            with np.errstate(over="ignore", invalid="ignore"):
                W, a = _stepped(field, method, W, a)
                loss = field.loss(W, a) if target is not None else float(np.abs(W).max())
            if not loss <= _LARGEST:
                state, remarks = "diverged", (f"diverged by t = {step * rate:g}; lower the rate",)
                W, a = np.full_like(W, np.nan), np.full_like(a, np.nan)
            elif target is not None and loss < target:
                state = "target reached"
        done = int(step)
        states.append((W, a))
    if target is not None and state == "descending":
        state = "target not reached"
    return _path(np.asarray(steps * rate, dtype=np.float64), states, state, remarks)


def _stepped(field: Field, method: Any, W: Array, a: Array) -> tuple[Array, Array]:
    moves = field.velocity(W, a)
    rate = float(method.rate)
    if not isinstance(method, SpeedLimited):
        return W + rate * moves[0], a + rate * moves[1]
    pairs = zip(method.speeds, moves, strict=True)
    first, second = (speed / (np.linalg.norm(move) + method.epsilon) for speed, move in pairs)
    return W + rate * first * moves[0], a + rate * second * moves[1]


def _path(
    time: Array, states: list[tuple[Array, Array]], state: str, remarks: tuple[str, ...] = ()
) -> Path:
    weights, readouts = (np.array(part) for part in zip(*states, strict=True))
    return Path(time, weights, readouts, state, remarks)


def closed(field: Field, time: Array) -> Path:
    """N(t) = e^{Bt} W₀ᵀ [1 + 2 W₀ J W₀ᵀ]⁻¹ W₀ e^{Bt} in the eigenbasis of B."""
    values, vectors = np.linalg.eigh(field.teacher)
    W, f = field.problem.weights @ vectors, field.functions
    features = np.empty((time.size, values.size, values.size))
    for i, t in enumerate(time):
        with np.errstate(invalid="ignore", divide="ignore"):
            growth = f["growth"](b=values, t=t) * np.ones_like(values)
            area = f["area"](b=values, t=t) * np.ones_like(values)
        moved = W * growth
        inner = np.eye(len(W)) + 2 * (W * area) @ W.T
        features[i] = vectors @ (moved.T @ np.linalg.solve(inner, moved)) @ vectors.T
    return Path(time, None, None, "flow", (), features)
