"""From solved second moments of a linear model to a Curve."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.version import VERSION
from ..core.curve import Curve
from .kernel_norm import best_form, norm_at
from .noise_kernel import NoiseKernel

Array = NDArray[np.float64]

#: kernel norm above which the variance of |z|² is so large that standard errors mean nothing
NEAR_INSTABILITY = 0.8
LABELS = {
    "exact": "second moments",
    "closure": "closure",
    "volterra": "Volterra",
    "ode": "flow",
    "sde": "SDE",
}


@dataclass(frozen=True, eq=False)
class Answer:
    """What a limit gave.

    Parameters
    ----------
    time, rates, total : (T,) arrays
        Output times, the rate there, and Σ_i p_i.
    modes : (T, modes) array, optional
        p_i.
    samples : (paths, T) array, optional
        Loss of each path.
    remark : str
    """

    time: Any
    rates: Array
    total: Array
    modes: Array | None = None
    samples: Array | None = None
    remark: str = ""


def linear_curve(kernel: NoiseKernel, method: Any, limit: str, answer: Answer) -> Curve:
    """The curve of a limit, with the noise kernel norm beside the loss."""
    problem, time = kernel.problem, np.asarray(answer.time, dtype=float)
    in_flow = limit in ("ode", "sde")
    sharpness = np.full(time.size, problem.sharpness)
    values = {"loss": answer.total / (2 * problem.data), "sharpness": sharpness}
    values["kernel_norm"] = _norms(kernel, answer.rates, limit)
    fields: dict[str, Any] = {}
    if answer.modes is not None:
        shares = answer.modes / (2 * problem.data)
        fields = {"modes": shares, "mode_rates": problem.eigenvalues}
    if answer.samples is not None:
        fields["samples"] = {"loss": answer.samples}
        fields["spread"] = {"loss": answer.samples.std(axis=0, ddof=1)}
    steps = time / answer.rates if in_flow else time
    return Curve(
        time,
        values,
        steps=np.rint(steps).astype(np.int64),
        label=f"{method.label}, {LABELS[limit]}",
        provenance=_provenance(kernel, method, limit, answer),
        **fields,
    )


def _norms(kernel: NoiseKernel, rates: Array, limit: str) -> Array:
    """The norm at the rate of each time; along a schedule the cheap form of its kind."""
    different, place = np.unique(rates, return_inverse=True)
    norm = kernel.closure
    if limit == "exact":
        form = best_form(kernel.problem)
        exact = form == "exact" and different.size == 1
        norm = kernel.exact if exact else kernel.second_moment
    return np.array([norm(rate) for rate in different])[place]


def _provenance(kernel: NoiseKernel, method: Any, limit: str, answer: Answer) -> dict[str, Any]:
    problem = kernel.problem
    return {
        "source": "solve",
        "version": VERSION,
        "problem": describe(problem),
        "method": repr(method),
        "limit": limit,
        "time": "flow" if limit in ("ode", "sde") else "steps",
        "remarks": [answer.remark] if answer.remark else [],
    } | stability(kernel, float(answer.rates.max()))


def describe(problem: Any) -> dict[str, Any]:
    """A linear model in a few numbers."""
    return {
        "model": "LinearModel",
        "data": problem.data,
        "outputs": problem.outputs,
        "sharpness": problem.sharpness,
        "initial_loss": problem.initial_loss,
    }


def stability(kernel: NoiseKernel, rate: float) -> dict[str, Any]:
    """Every form of the noise kernel norm, and whether standard errors mean anything."""
    norm = norm_at(kernel, rate, best_form(kernel.problem))
    found = {name: value for name, value in asdict(norm).items() if value is not None}
    flag = {"near_instability": True} if float(norm) > NEAR_INSTABILITY else {}
    return {"kernel_norm": found | {"verdict": norm.verdict}} | flag
