"""Closed forms of an aligned student: blocks of one layer, of two, and of balanced ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import NotAvailable
from ...theory.distillation.problem import BlockwiseDistillation
from .phases import spans, through

Array = NDArray[np.float64]
#: relative difference of strengths that are equal
BALANCED = 1e-9
_BISECTIONS = 100


def closed(problem: BlockwiseDistillation, time: Array, functions: Mapping[str, Any]) -> Array:
    """Strengths of the layers along the flow, (T, L, m), from formulas.

    Raises
    ------
    NotAvailable
        Three layers or more in a block that are not balanced; a block that starts at 0, or has
        a target of 0.
    """

    def move(state: Array, local: Array, joined: int) -> Array:
        found = np.empty((local.size, *state.shape))
        for own, target, scale in of_blocks(problem, joined):
            found[:, own] = _block(functions, state[own], target, np.outer(local, scale))
        return found

    return through(problem.own, time, problem.switch, move)


def of_blocks(problem: BlockwiseDistillation, joined: int) -> list[tuple[slice, Array, Array]]:
    """(layers, target β, a² by which time runs) of every block."""
    return [
        (
            own,
            np.prod(problem.teacher[own], axis=0),
            np.prod(problem.teacher[: own.start], axis=0) ** 2,
        )
        for own in spans(problem.blocks, joined)
    ]


def _block(f: Mapping[str, Any], start: Array, target: Array, time: Array) -> Array:
    """(T, layers, m) for time (T, m)."""
    if len(start) == 1:
        return f["v"](beta=target, v_0=start[0], t=time)[:, None]
    check(start, target)
    if len(start) == 2:
        return np.stack(_pair(f, start, target, time), axis=1)
    top = target ** (1 / len(start))
    w = np.empty_like(time)
    for k in range(target.size):
        w[:, k] = _risen(f, len(start), start[0, k] / top[k], target[k], time[:, k])
    return np.repeat((w * top)[:, None], len(start), axis=1)


def check(start: Array, target: Array) -> None:
    """Refuse blocks without a closed form."""
    if np.any(target <= 0):
        raise NotAvailable("strengths", target, 'limit="closed" needs blocks above 0; use "flow"')
    if np.any(start[0] + start[1] == 0) or (len(start) > 2 and np.any(start <= 0)):
        remedy = 'a block that starts at 0 has no closed form; use limit="flow"'
        raise NotAvailable("start", start, remedy)
    if len(start) > 2 and np.ptp(start, axis=0).max() > BALANCED * np.abs(start).max():
        remedy = (
            f"{len(start)} layers of a block have a closed form where they are equal, as they no "
            'longer are after a switching time; use limit="flow"'
        )
        raise NotAvailable("start", start, remedy)


def _pair(f: Mapping[str, Any], start: Array, target: Array, time: Array) -> tuple[Array, Array]:
    """Both layers, by r = (u₁ + u₂)² and the conserved u₁² − u₂²."""
    sums = start[0] + start[1]
    c = start[0] ** 2 - start[1] ** 2
    r = f["r"](c=c, p=f["p"](beta=target, c=c), r_0=sums**2, t=time)
    root = np.sign(sums) * np.sqrt(r)
    return (root + c / root) / 2, (root - c / root) / 2


def elapsed(f: Mapping[str, Any], layers: int, w0: Any, target: Any, w: Any) -> Any:
    """Time from w₀ to w of balanced layers."""
    given = {"L": np.int64(layers), "beta": target}
    with np.errstate(divide="ignore", invalid="ignore"):
        wait = f["plateau"](w=np.asarray(w), w_0=np.asarray(w0), **given)
        ends = (f["arrival"](w=np.asarray(x), **given) for x in (w, w0))
        return wait + next(ends) - next(ends)


def _risen(f: Mapping[str, Any], layers: int, w0: float, target: float, time: Array) -> Array:
    """w at times: the time is monotone in w between w₀ and 1."""
    low, high = np.full(time.size, min(w0, 1.0)), np.full(time.size, max(w0, 1.0))
    if w0 == 1:
        return high
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        early = elapsed(f, layers, w0, target, middle) < time
        # from above w falls
        rises = early == (w0 < 1)
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    return (low + high) / 2
