r"""SAM comes to rest just below its own edge: one critical sharpness for many rates and radii.

.. math:: \eta s(1+\rho s)=2

A run that converges ends below it, by an overshoot; a run that wants to sharpen far beyond it need
not converge at all. Algorithm of arXiv 2302.08692, model and formulas derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.sam.edge import sam_product
from ....solvers.solve import solve
from ....theory.methods.sam import SAM
from ....theory.second_order.problem import QuadraticRegression
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ..check import ROUNDING, Check
from ..look import REFERENCE, THEORY, above, sheet

#: of late steps, for a standard error
BLOCKS = 8
#: where a small step ends
FREE: dict[str, Any] = {"linestyle": ":", "color": "0.5", "linewidth": 0.8}
TITLE = "SAM at the edge: many rates and radii, one critical sharpness"
CAPTION = (
    "(a) Sharpness under gradient descent and SAM of several radii whose edges agree; (b) the "
    "product that is 2 at the edge. Take-away: SAM comes to rest just below an edge of its "
    "own."
)

Array = np.ndarray


@dataclass(frozen=True)
class Parameters:
    """Sizes, radii that share a critical sharpness, and its share of where a small step ends."""

    data: int = 30
    parameters: int = 60
    radii: tuple[float, ...] = (0.0, 5.0, 20.0, 80.0)
    share: float = 0.95
    beyond: float = 0.7
    steps: int = 8000
    seed: int = 101


QUICK = Parameters()
FULL = Parameters(steps=30_000)


@dataclass(frozen=True, eq=False)
class Data:
    """Where a small step ends, runs by radius, and one whose edge is far below that."""

    parameters: Parameters
    free: float
    critical: float
    runs: dict[float, Curve]
    beyond: Curve


def problem_of(p: Parameters) -> QuadraticRegression:
    """Q = .8 N/P symmetrised, z₀ of size .9."""
    residual = 0.9 * np.random.default_rng(p.seed).standard_normal(p.data)
    return QuadraticRegression(
        p.data, p.parameters, 0.32 / p.parameters, residual=residual, seed=p.seed
    )


def _at(critical: float, radius: float) -> SAM:
    """The rate at which this sharpness is critical."""
    return SAM(2 / float(sam_product(1.0, radius, critical)), radius)


def compute(p: Parameters) -> Data:
    """Runs from one start and one curvature."""
    problem = problem_of(p)

    def run(method: SAM, steps: int) -> Curve:
        times = np.unique(np.geomspace(1, steps, 1200).round())
        return solve(problem, method, times=times, seed=p.seed)

    free = float(run(SAM(0.1 * p.data, 0.0), 5000).sharpness[-1])
    critical = p.share * free
    runs = {radius: run(_at(critical, radius), p.steps) for radius in p.radii}
    return Data(p, free, critical, runs, run(_at(p.beyond * free, p.radii[1]), p.steps))


def draw(data: Data, width: str | float) -> HouseFigure:
    """Sharpness over steps, and the product of the edge."""

    def panels(axes: Any) -> None:
        shades = ordered(list(data.runs))
        for radius, curve in data.runs.items():
            colour = shades[radius]
            name = "gradient descent" if radius == 0 else rf"$\rho={radius:g}$"
            axes[0].plot(curve.time, curve.sharpness, color=colour, label=name, **THEORY)
            axes[1].plot(curve.time, curve.edge_product, color=colour, **THEORY)
        lost = {"color": "0.6", "linewidth": 0.4, "zorder": 0}
        axes[1].plot(data.beyond.time, data.beyond.edge_product, label="beyond the edge", **lost)
        axes[0].axhline(data.critical, label="edge", **REFERENCE)
        axes[0].axhline(data.free, label="end of small steps", **FREE)
        axes[1].axhline(2, **REFERENCE)
        axes[0].set(xlabel="step", ylabel=r"sharpness $s$", xscale="log", xlim=(1, None))
        axes[1].set(
            xlabel="step", ylabel=r"$\eta s(1+\rho s)$", xscale="log", xlim=(1, None), ylim=(1.4, 3)
        )
        handles = [h for axis in axes for h in axis.get_legend_handles_labels()[0]]
        above(axes[0].figure, handles, 4)

    return sheet(panels, width, columns=2, aspect=0.8)


def checks(data: Data) -> tuple[Check, ...]:
    """Converged runs end below 2, all near one sharpness; the one beyond does not converge."""
    converged = [c for c in data.runs.values() if c.provenance["state"] == "converged"]
    ends = [float(c.edge_product[-1]) for c in converged]
    sharp = [float(c.sharpness[-1]) for c in converged]
    over = [float(c.edge_product.max()) - 2 for c in converged]
    short = [(2 - end) / most for end, most in zip(ends, over, strict=True)]
    beyond = data.beyond.edge_product[data.beyond.time > 0.75 * data.parameters.steps]
    return (
        Check(
            "runs that came to rest, of all radii",
            len(converged),
            2,
            len(data.runs),
            "|z| < 1e-8; two, so that their ends can be compared",
        ),
        Check(
            "largest product at the end", max(ends), 2 - max(over), 2, "a minimum above 2 repels"
        ),
        Check(
            "largest distance of an end below 2 over how far the run went beyond",
            max(short),
            ROUNDING,
            1,
            "the two-step average undershoots by what it overshot, less what the curvature takes",
        ),
        Check(
            "spread of the ends over radii, of the critical sharpness, over the largest overshoot",
            (max(sharp) - min(sharp)) / data.critical / max(over),
            ROUNDING,
            1,
            "every end lies within its overshoot of one edge",
        ),
        Check(
            "largest end over where a small step ends",
            max(sharp) / data.free,
            0,
            data.parameters.share,
            "the edge, not the start, decides",
        ),
        Check(
            "beyond: product above 2 in the last quarter, in standard errors",
            _away(beyond),
            4,
            np.inf,
            "it goes on oscillating, or diverges: no plateau at the edge",
        ),
    )


def _away(product: Array) -> float:
    """Of the mean from 2, in standard errors over blocks; infinite where the run diverged, 0 at
    rest."""
    means = np.array([block.mean() for block in np.array_split(product, BLOCKS)])
    if not np.isfinite(means).all():
        return np.inf
    error = means.std(ddof=1) / np.sqrt(BLOCKS)
    return float((means.mean() - 2) / error) if error > 0 else 0.0
