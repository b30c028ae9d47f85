r"""What SAM does to the sharpness at the start, and why no curve is made of it.

.. math:: \frac{d}{d\tau}\mathbb E\,s_a^2=-2\rho qP\,s_a^2\tilde z_a^2

beside gradient descent, at τ = 0 only: SAM multiplies the growth of second order too, so that the
difference soon turns its sign. After arXiv 2302.08692; formulas derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.sam.early_time import SamEarlyTime, sam_early_time
from ....solvers.second_order.curvature import DenseCurvature
from ....solvers.solve import solve
from ....theory.methods.sam import SAM
from ....theory.second_order.problem import QuadraticRegression
from ...figures.style import HouseFigure
from ...simulate.sam.first_step import first_step_runs
from ..check import Check, largest, near
from ..look import EXACT, REFERENCE, RUNS, SEQUENCE, SIMULATION, THEORY, above, kinds, shaded, sheet

TITLE = "the initial slope under SAM, and the sign that its later difference turns"
CAPTION = (
    "(a) Initial slope of the sharpness under SAM over the radius, mode by mode; (b) SAM less "
    "gradient descent over time. Take-away: the slope holds at the start only; the difference "
    "soon turns its sign."
)

Array = np.ndarray


@dataclass(frozen=True)
class Parameters:
    """Sizes and curvature, radii, pairs; and the time, radius, steps and pairs of the flow."""

    data: int = 3
    parameters: int = 30
    curvature: float = 0.02
    singular: tuple[float, ...] = (1.6, 1.1, 0.7)
    radii: tuple[float, ...] = (0.1, 0.25, 0.5, 0.75, 1.0)
    rate: float = 0.3
    runs: int = 3000
    radius: float = 0.15
    time: float = 0.5
    steps: int = 100
    pairs: int = 300
    seed: int = 7


QUICK = Parameters()
FULL = Parameters(runs=20_000, pairs=2000, steps=400)


@dataclass(frozen=True, eq=False)
class Data:
    """Formulas and samples by radius; and SAM − gradient descent over τ, one row a pair."""

    parameters: Parameters
    formula: dict[float, SamEarlyTime]
    samples: dict[float, Array]
    time: Array
    difference: Array
    flowing: SamEarlyTime


def problem_of(p: Parameters) -> QuadraticRegression:
    """Singular values along the axes, z₀ along the top mode mostly."""
    jacobian = np.eye(p.data, p.parameters) * np.array(p.singular)[:, None]
    return QuadraticRegression(
        p.data, p.parameters, p.curvature, jacobian=jacobian, residual=[1.0, 0.4, 0.4]
    )


def compute(p: Parameters) -> Data:
    """First steps on antithetic pairs, and short steps with the same curvature for both methods."""
    problem = problem_of(p)
    methods = {radius: SAM(p.rate, radius) for radius in p.radii}
    formula = {radius: sam_early_time(problem, method) for radius, method in methods.items()}
    samples = {
        radius: first_step_runs(problem, method, p.runs, p.seed)
        for radius, method in methods.items()
    }
    rate = p.time * p.data / p.steps
    shape, rows = (p.data, p.parameters), list[Array]()
    for k in range(p.pairs):
        sequence = np.random.SeedSequence(p.seed, spawn_key=(1, k))
        one = DenseCurvature.draw(sequence, shape, problem.q)
        rows.append(
            np.mean(
                [_difference(problem, p, rate, Q.tensor) for Q in (one, one.opposite())], axis=0
            )
        )
    time = np.linspace(0, p.time, 51)[: len(rows[0])]
    return Data(
        p, formula, samples, time, np.array(rows), sam_early_time(problem, SAM(rate, p.radius))
    )


def _difference(problem: Any, p: Parameters, rate: float, tensor: Array) -> Array:
    """Sharpness of SAM less that of gradient descent, over τ."""
    ends = [
        solve(problem, SAM(rate, radius), p.steps, points=51, tensor=tensor).sharpness
        for radius in (p.radius, 0.0)
    ]
    return ends[0] - ends[1]


#: 1/unit of the vertical axis of (b)
UNIT = 1e5


def draw(data: Data, width: str | float) -> HouseFigure:
    """Slope over the radius, mode by mode; and the difference over time."""

    def panels(axes: Any) -> None:
        p = data.parameters
        fine = np.array([0.0, *p.radii])
        for a, colour in zip(range(p.data), SEQUENCE, strict=False):
            per = p.data / p.rate
            exact = [0.0, *(per * _exact(data, r)[a] for r in p.radii)]
            leading = [0.0, *(per * data.formula[r].slope[a] for r in p.radii)]
            seen = [per * data.samples[r][:, a].mean() for r in p.radii]
            spread = [2 * per * _sem(data.samples[r])[a] for r in p.radii]
            axes[0].plot(fine, exact, color=colour, label=f"mode {a + 1}", **THEORY)
            axes[0].plot(fine, leading, color=colour, **EXACT)
            axes[0].errorbar(p.radii, seen, spread, color=colour, **SIMULATION)
        axes[0].set(xlabel=r"radius $\rho$", ylabel=r"$d\,\mathbf{E}\,s_a^2/d\tau\,/D$")
        axes[0].legend(loc="lower left")
        mean, error = UNIT * data.difference.mean(axis=0), UNIT * _sem(data.difference)
        axes[1].fill_between(
            data.time, mean - 2 * error, mean + 2 * error, color=SEQUENCE[0], alpha=0.3, linewidth=0
        )
        axes[1].plot(data.time, mean, color=SEQUENCE[0], **THEORY)
        slope = UNIT * data.flowing.slope[0] * p.steps / p.time
        axes[1].plot(data.time, slope * data.time, color="black", label="initial slope", **EXACT)
        axes[1].axvline(data.flowing.turns[0], label="turn, leading order", **REFERENCE)
        axes[1].axhline(0, **REFERENCE)
        span = float(np.abs(mean).max())
        axes[1].set(
            xlabel=r"flow time $\tau$",
            ylabel=r"$10^5\,\times$ sharpness, SAM less descent",
            ylim=(-1.5 * span, 1.3 * span),
        )
        axes[1].legend(loc="lower right")
        lines = {"exact average": THEORY, "leading order in the radius": EXACT, RUNS: SIMULATION}
        named = [shaded("± 2 s.e. of the mean", SEQUENCE[0], 0.3)]
        above(axes[0].figure, [*kinds(lines), *named], 4)

    return sheet(panels, width, columns=2, aspect=0.8)


def _exact(data: Data, radius: float) -> Array:
    """2 s_a u_aᵀ E[J₁ − J₀] v_a/D, exact in the radius and in P."""
    p, early = data.parameters, data.formula[radius]
    return 2 * np.array(p.singular) * np.diag(early.jacobian_change) / p.data


def _sem(samples: Array) -> Array:
    return samples.std(axis=0, ddof=1) / np.sqrt(len(samples))


def checks(data: Data) -> tuple[Check, ...]:
    """Slopes against the exact average, and both signs of the difference.

    When it turns is an expansion in time at a time of order one: it is shown, and not judged.
    """
    p = data.parameters
    scores = [
        (data.samples[r].mean(axis=0) - _exact(data, r)) / _sem(data.samples[r]) for r in p.radii
    ]
    mean, error = data.difference.mean(axis=0), _sem(data.difference)
    scale = np.divide(mean, error, out=np.zeros_like(mean), where=error > 0)
    early = int(np.argmin(scale[: mean.size // 3]))
    late = early + int(np.argmax(scale[early:]))
    most = max(p.radii)
    off = (data.samples[most].mean(axis=0) - data.formula[most].slope)[0]
    return (
        largest("largest |z| of slopes, all modes and radii", scores),
        Check(
            "leading order, z of the top mode at the largest radius",
            float(abs(off) / _sem(data.samples[most])[0]),
            4,
            np.inf,
            "off by 1/P and by the radius: must be seen",
        ),
        _slope_of_difference(data),
        Check(
            "difference at first, in standard errors",
            float(scale[early]),
            -np.inf,
            -4,
            "SAM flattens",
        ),
        Check(
            "difference after that, in standard errors",
            float(scale[late]),
            4,
            np.inf,
            "then it sharpens: no reduced equation of the slope can",
        ),
    )


def _slope_of_difference(data: Data) -> Check:
    """Difference over time at time 0 by a parabola, of every pair, over the exact average."""
    p, time = data.parameters, data.time[1:4]
    chords = (data.difference[:, 1:4] / time).T
    slope, straight = np.polyfit(time, chords, 2)[-1], np.polyfit(time[:2], chords[:2], 1)[-1]
    step = 2 * p.singular[0] * float(data.flowing.jacobian_change[0, 0]) / p.data
    exact = step * p.steps / p.time
    return near(
        "difference: slope at time 0 over the exact average",
        slope.mean() / exact,
        1,
        abs((4 * _sem(slope) + abs((slope - straight).mean())) / exact),
        "4 standard errors, parabola less straight line",
    )
