r"""Penalties on the trace of the Hessian and of its Gauss–Newton part, on a network with squares.

Gradient flow on :math:`L+\lambda\,\mathrm{tr}\,H` and :math:`L+\lambda\,\mathrm{tr\,GN}` in
weights and readout: the first is not bounded below where tr B > 0. Traces derived here, after
arXiv 2401.10809.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.hessian.quadratic import quadratic_traces, traces_at
from ...figures.style import HouseFigure
from ..check import ROUNDING, Check, below, near
from ..look import EXACT, REFERENCE, SEQUENCE, THEORY, key, sheet

TITLE = "a penalty on the trace of the whole Hessian has no bottom"
CAPTION = (
    "A network with squares and a teacher of positive trace, weights and readout trained, d = "
    "{dimension}, k = {width}: descent on the loss, and with penalties of strength {strength:g} on "
    "both traces. (a) Loss; (b) trace of the Hessian (lines) and of its Gauss-Newton part "
    "(dashed). Take-away: the penalty on the Gauss-Newton part settles; that on the whole trace "
    "drives it to minus infinity through the neglected part, while the loss is lost."
)
KINDS = ("descent", "tr H", "tr GN")
#: of a complex step
_STEP = 1e-30

Array = np.ndarray


@dataclass(frozen=True)
class Parameters:
    """Sizes, strength, rate and steps, and the seed of the start."""

    dimension: int = 4
    width: int = 6
    strength: float = 0.06
    rate: float = 0.01
    steps: int = 1600
    every: int = 20
    readout: float = 0.5
    seed: int = 3


QUICK = Parameters()
FULL = Parameters(rate=0.005, steps=3200, every=40)


@dataclass(frozen=True, eq=False)
class Data:
    """By objective: times, losses, tr H and tr GN; and the gap of a gradient to differences."""

    parameters: Parameters
    time: dict[str, Array]
    loss: dict[str, Array]
    hessian: dict[str, Array]
    gauss_newton: dict[str, Array]
    gap: float


def compute(p: Parameters) -> Data:
    """Descend on the three objectives from one start."""
    rng = np.random.default_rng(p.seed)
    W = rng.standard_normal((p.width, p.dimension)) / np.sqrt(p.width)
    start = np.concatenate([W.ravel(), p.readout * np.ones(p.width)])
    found = {kind: _descended(p, kind, start) for kind in KINDS}
    time, loss, hessian, first = (
        {kind: columns[i] for kind, columns in found.items()} for i in range(4)
    )
    slope, step = _gradient(p, "tr H", start), 1e-6
    shift = step * np.eye(start.size)[3]
    ends = [_objective(p, "tr H", start + sign * shift).real for sign in (1, -1)]
    return Data(p, time, loss, hessian, first, abs(slope[3] - (ends[0] - ends[1]) / (2 * step)))


def teacher(p: Parameters) -> Array:
    """A diagonal with a positive trace."""
    return np.diag(np.linspace(1.5, 0.3, p.dimension))


def _objective(p: Parameters, kind: str, theta: Array) -> Any:
    W, a = theta[: -p.width].reshape(p.width, -1), theta[-p.width :]
    known = traces_at(W, a, teacher(p))
    first = known["gauss_newton"] + known["readout"]
    penalty = {"descent": 0.0, "tr H": first + known["neglected"], "tr GN": first}[kind]
    return known["loss"] + p.strength * penalty


def _gradient(p: Parameters, kind: str, theta: Array) -> Array:
    """By complex steps: the objective is a polynomial."""
    units = np.eye(theta.size)
    slopes = [_objective(p, kind, theta + 1j * _STEP * unit).imag / _STEP for unit in units]
    return np.array(slopes)


def _descended(p: Parameters, kind: str, theta: Array) -> tuple[Array, Array, Array, Array]:
    rows = []
    for t in range(p.steps + 1):
        if t % p.every == 0:
            W, a = theta[: -p.width].reshape(p.width, -1), theta[-p.width :]
            known = quadratic_traces(W, a, teacher(p), train_readout=True)
            rows.append((t * p.rate, known.loss, known.hessian, known.gauss_newton))
        theta = theta - p.rate * _gradient(p, kind, theta)
    time, loss, hessian, first = np.array(rows).T
    return time, loss, hessian, first


def draw(data: Data, width: str | float) -> HouseFigure:
    """Loss and traces over time."""

    def panels(axes: Any) -> None:
        colours = dict(zip(KINDS, SEQUENCE, strict=False))
        for kind, colour in colours.items():
            axes[0].plot(data.time[kind], data.loss[kind], color=colour, **THEORY)
            axes[1].plot(data.time[kind], data.hessian[kind], color=colour, **THEORY)
            axes[1].plot(data.time[kind], data.gauss_newton[kind], color=colour, **EXACT)
        axes[0].set(yscale="log", xlabel="time", ylabel="loss")
        axes[1].axhline(0, **REFERENCE)
        axes[1].set(yscale="symlog", xlabel="time", ylabel="traces")
        names = {"descent": "loss alone", "tr H": "penalty on tr H", "tr GN": "penalty on tr GN"}
        key(
            axes[0],
            {"tr H": THEORY, "tr GN": EXACT},
            colours={names[kind]: colour for kind, colour in colours.items()},
        )

    return sheet(panels, width, columns=2, aspect=0.8)


def checks(data: Data) -> tuple[Check, ...]:
    """The gradient, the fall without end, and the rest of the other two."""
    p = data.parameters
    settled, own = data.hessian["tr GN"], data.hessian["tr H"]
    rate = p.strength * p.width * float(np.trace(teacher(p))) ** 2
    falls = -np.diff(own[-11::5]) / np.diff(data.time["tr H"][-11::5]) / rate
    moved = np.abs(np.diff(settled[-21::5]))
    lost = data.loss["tr H"] / (np.sum(teacher(p) ** 2) / 4)
    return (
        near("gradient of the objective, by differences", data.gap, 0, 1e-7, "step of 1e-6"),
        near(
            "fall of tr H under its penalty, over λk(tr B)²",
            falls[-1],
            1,
            abs(falls[-1] - falls[-2]) + ROUNDING,
            "W = 0, every readout grows by λ tr B; what it moves by",
        ),
        below("last tr H under its penalty", own[-1], 0, "below that of any minimum"),
        below(
            "movement of tr H under the penalty on tr GN, ten records over the ten before",
            moved[2:].sum() / moved[:2].sum(),
            1,
            "it settles",
        ),
        near(
            "loss that is left with the penalty on tr H, over that of W = 0",
            lost[-1],
            1,
            abs(lost[-1] - lost[-6]),
            "the teacher is lost; what it moves by",
        ),
        below(
            "loss alone over that with the penalty on tr GN",
            data.loss["descent"][-1] / data.loss["tr GN"][-1],
            1,
            "learnt",
        ),
    )
