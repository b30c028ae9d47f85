r"""Features align with gradients along training; the noise of small batches hides it.

C-NFC and UC-NFC of a quadratic network by the matrix flow, by its closed form where there is one,
and by SGD at several :math:`\eta d^2/b`. After arXiv 2402.05271; model and formulas of our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.feature_alignment.early import early_alignment
from ....solvers.solve import solve
from ....theory.feature_alignment.problem import QuadraticNetwork
from ....theory.methods import SGD, GradientDescent
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, exceeds, near
from ..look import EXACT, REFERENCE, SIMULATION, THEORY, key, outside_its_range, points, sheet

TITLE = "features and gradients along training: flow, closed form, and the noise of batches"
CAPTION = (
    "(a) Centred and (b) uncentred correlation of the feature matrix with the outer product of "
    "gradients along training, d = {dimension}: flow (lines), closed form of the features "
    "(dashed), SGD at three η d²/b (markers, ± 2 s.e.); grey: the prediction at t = 0+. Take-away: "
    "SGD follows the flow only while η d²/b is small; its noise fills the bulk of the centred "
    "features first."
)


@dataclass(frozen=True)
class Parameters:
    """Sizes, the rate, η d²/b, and the runs."""

    dimension: int = 20
    width: int = 40
    rate: float = 0.02
    noises: tuple[float, ...] = (0.02, 0.1, 0.5)
    until: float = 2.0
    points: int = 13
    runs: int = 20
    seed: int = 7


QUICK = Parameters()
FULL = Parameters(runs=200, points=25)


@dataclass(frozen=True, eq=False)
class Data:
    """Flow, closed form, runs by η d²/b, and the prediction at 0⁺."""

    parameters: Parameters
    flow: Curve
    closed: Curve
    runs: dict[float, Curve]
    early: float


def problem_of(p: Parameters) -> QuadraticNetwork:
    """White inputs and a = 1, for which there is a closed form."""
    teacher = np.linspace(-0.5, 2.0, p.dimension)
    return QuadraticNetwork(p.width, p.dimension, teacher, readout="ones", seed=p.seed)


def compute(p: Parameters) -> Data:
    """Solve, and train on batches of three sizes."""
    problem, method = problem_of(p), GradientDescent(p.rate)
    flow, closed = (
        solve(problem, method, p.until, points=101, limit=limit, matrices=False)
        for limit in ("flow", "closed")
    )
    runs = dict[float, Curve]()
    with outside_its_range():
        for noise in p.noises:
            batch = int(np.ceil(p.rate * p.dimension**2 / noise))
            sgd = SGD(p.rate, batch=batch)
            runs[noise] = simulate(
                problem, sgd, p.until, points=p.points, runs=p.runs, seed=p.seed, progress=False
            )
    return Data(p, flow, closed, runs, early_alignment(problem).value)


def draw(data: Data, width: str | float) -> HouseFigure:
    """Both correlations over time."""
    p = data.parameters

    def panels(axes: Any) -> None:
        shades = ordered(p.noises).values()
        for panel, name in zip(axes, ("centred_alignment", "alignment"), strict=True):
            panel.plot(data.flow.time, data.flow[name], color="black", **THEORY)
            for noise, colour in zip(p.noises, shades, strict=True):
                points(panel, data.runs[noise], colour, p.points, name)
        axes[0].axhline(data.early, **REFERENCE)
        axes[1].plot(data.closed.time, data.closed.alignment, color="#E69F00", **EXACT)
        axes[0].set(xlabel=_TIME, ylabel="centred correlation")
        axes[1].set(xlabel=_TIME, ylabel="uncentred correlation")
        key(
            axes[0],
            {
                "flow": THEORY | {"color": "black"},
                "closed form": EXACT | {"color": "#E69F00"},
                "at $t=0^+$": REFERENCE,
                "SGD, mean ± 2 s.e.": SIMULATION,
            },
            colours={rf"$\eta d^2/b={x:g}$": c for x, c in zip(p.noises, shades, strict=True)},
        )

    return sheet(panels, width, columns=2, aspect=0.8)


_TIME = r"time $t$ = $\eta\,\cdot$ steps"


def checks(data: Data) -> tuple[Check, ...]:
    """The closed form, the prediction, and the order in which noise spoils the correlation."""
    p, flow = data.parameters, data.flow
    gap = float(np.abs(flow.alignment - data.closed.alignment).max())
    line = np.interp(data.runs[p.noises[0]].time[1], flow.time, flow.centred_alignment)
    # of the least noise so little is lost that these runs do not see it
    less, more = (
        line - data.runs[noise].sample("centred_alignment")[:, 1] for noise in p.noises[-2:]
    )
    span = np.log(p.noises[-1] / p.noises[-2])
    error = np.hypot(*(x.std(ddof=1) / x.mean() / np.sqrt(x.size) for x in (less, more)))
    return (
        Check("flow less closed form, UC-NFC", gap, 0, 1e-8, "accuracy of the integration"),
        near("C-NFC of the flow at 0", flow.centred_alignment[0], data.early, 1e-12, "formula"),
        near(
            "power of η d²/b of the C-NFC lost at first, largest noises",
            np.log(more.mean() / less.mean()) / span,
            1,
            (4 * error + p.noises[-1] - p.noises[-2]) / span,
            "first order in it; 4 standard errors, and the next order relative",
        ),
        exceeds("C-NFC lost at first, second noise", less, "it is seen"),
        exceeds("lost at the largest noise above the second", more - less, "it grows"),
    )
