"""SAM on the two-eigenvalue model: its map in (z, T), followed to its end, and its flow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import between
from ...theory.core.errors import NotAvailable
from ...theory.core.map import Map
from ...theory.core.time_grid import time_grid, whole_steps
from ...theory.core.version import VERSION
from ...theory.sam.step import constant_rate
from ..core.curve import Curve
from ..stepping.flow import integrate
from ..stepping.orbit import orbit, rest
from ..stepping.outcome import outcome, tell, watched
from ..two_eigenvalues.edge_offset import CEILING, MOST_STEPS
from ..two_eigenvalues.solve import LARGEST, SMALLEST
from .edge import sam_edge, sam_product

Array = NDArray[np.float64]
QUANTITIES = ("loss", "sharpness", "edge_product", "z", "T")


def unit_rate(method: Any) -> float:
    """The rate as a number: the unit of this model."""
    if method.batch not in (None, 1):
        raise NotAvailable("batch", method.batch, "the model has one example; leave it out")
    rate = constant_rate(method, "the rate is the unit of this model")
    return between("rate", rate, SMALLEST, LARGEST)


def reach(method: Any, rate: float) -> float:
    """radius in units of the rate; the length of a normalised displacement with w₁ = 1."""
    return method.radius * np.sqrt(rate) if method.normalised else method.radius / rate


def steps_of(
    system: Map, start: Any, numbers: Sequence[float], until: Any, times: Any, points: int
) -> NDArray[np.int64]:
    """The steps to record: the given ones, or those until the motion has ended."""
    if until is None and times is None:
        end = rest(system, start, numbers, MOST_STEPS, ceiling=CEILING, size="z", measure="T")
        until = max(end.steps, 2)
    return whole_steps(until, times, points)


def follow(
    system: Map, start: Any, numbers: Sequence[float], steps: NDArray[np.int64], method: Any
) -> tuple[Array, int | None, str]:
    """The quantities at the steps, the step of divergence, and the outcome."""
    rate, every = float(method.rate), watched(steps)
    found = orbit(system, start, numbers, every, ceiling=CEILING)
    values = quantities(found.values["z"], found.values["T"], rate, method)
    state = outcome(every, np.abs(values[3]) / rate, values[2], found.lost)
    return values[:, np.isin(every, steps)], found.lost, state


def quantities(z: Array, T: Array, rate: float, method: Any) -> Array:
    """The quantities, (5, T), in the units of the problem."""
    sharpness = T / rate
    product = np.full(T.size, np.nan)
    there = np.isfinite(T)
    gradient = None
    if method.normalised:
        gradient = np.maximum(np.abs(z[there]) * np.sqrt(np.abs(T[there])) / rate**1.5, 1e-300)
    if there.any():
        product[there] = sam_product(rate, method.radius, sharpness[there], gradient)
    return np.stack([z**2 / (2 * rate**2), sharpness, product, z, T])


def mapped(problem: Any, method: Any, system: Map, until: Any, times: Any, points: int) -> Curve:
    """The exact map."""
    rate = unit_rate(method)
    numbers = (problem.epsilon, problem.invariant, reach(method, rate))
    steps = steps_of(system, problem.start, numbers, until, times, points)
    values, lost, state = follow(system, problem.start, numbers, steps, method)
    tell(lost)
    told = described(problem, method, "map") | {"state": state}
    return Curve(
        steps.astype(float),
        dict(zip(QUANTITIES, values, strict=True)),
        steps=steps,
        label=f"{method.label}, two-variable map",
        provenance=told if lost is None else told | {"diverged": {"0": lost}},
    )


def flowing(problem: Any, method: Any, system: Any, until: Any, times: Any, points: int) -> Curve:
    """The flow; its time is rate · steps."""
    rate = unit_rate(method)
    if method.normalised:
        raise NotAvailable("normalised", True, 'use limit="map": the flow is derived without')
    time, f = time_grid(until, times, points), system.functions
    numbers = {"epsilon": problem.epsilon, "E": problem.invariant, "rho": reach(method, rate)}

    def velocity(t: float, x: Array) -> Array:
        now = {**numbers, "z": x[0], "T": x[1]}
        return np.array([f["z_flow"](**now), f["T_flow"](**now)]) / rate

    z, T = integrate(velocity, np.array(problem.start), time).T
    return Curve(
        time,
        dict(zip(QUANTITIES, quantities(z, T, rate, method), strict=True)),
        steps=np.rint(time / rate).astype(np.int64),
        label=f"{method.label}, flow",
        provenance=described(problem, method, "flow"),
    )


def described(problem: Any, method: Any, limit: str) -> dict[str, Any]:
    """How a curve was made, and where its edge is."""
    edge = None if method.normalised else sam_edge(float(method.rate), method.radius)
    return {
        "source": "solve",
        "version": VERSION,
        "problem": {"model": type(problem).__name__, **asdict(problem)},
        "method": repr(method),
        "limit": limit,
        "time": "flow" if limit == "flow" else "steps",
        "edge": edge,
    }
