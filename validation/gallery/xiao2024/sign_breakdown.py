r"""Where the limit of signSGD breaks down: small d, localised starts, batches beside d.

A share p of the risk sits in one coordinate, :math:`\max_i\rho_i^2=\max(p,1/d)`. The limit
linearises the mean of a sign, so that its error is of order :math:`B\max_i\rho_i^2` and, from a
localised start, does not shrink with d; the split equations do not linearise (derived here).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm
from scipy.stats import norm

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....theory.covariance import isotropic
from ....theory.methods import SignSGD
from ....theory.noise import Gaussian
from ....theory.streaming.problem import LeastSquares
from ...convergence.power_law import Slope, fit_slope
from ...figures.style import HouseFigure, inches
from ...simulate import simulate
from ..check import Check, near
from ..look import outside_its_range, sheet
from ..sheet import NARROW

TITLE = "breakdown of the limit of signSGD over dimension, localisation and batch, and its repair"
CAPTION = (
    "Gap of the mean risk to theory in per cent, over dimension and start: above the limit, "
    "below the split equations, for two batches. Take-away: the limit fails where the risk "
    "sits in few coordinates, whatever d, and the split equations repair it."
)

THEORIES = ("limit", "split equations")


@dataclass(frozen=True)
class Parameters:
    """Dimensions, shares of the risk in one coordinate, and batches; and how many runs there are
    at the largest dimension: at the others as many times more as they are smaller, and ``even``
    times as many in the cells of which the exponent is measured."""

    dimensions: tuple[int, ...] = (24, 48, 96, 192)
    shares: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0)
    batches: tuple[int, ...] = (1, 8)
    noise: float = 0.5
    rate: float = 0.4
    until: float = 2.0
    points: int = 9
    runs: int = 160
    even: int = 4
    seed: int = 9


QUICK = Parameters()
FULL = Parameters(dimensions=(48, 96, 192, 384, 768), runs=1000)


@dataclass(frozen=True, eq=False)
class Data:
    """Relative gap of the mean of the runs, averaged over time, its standard error, and the error
    that the theories announce.

    Shapes (theories, batches, shares, dimensions), and without theories for what is announced.
    """

    dimensions: np.ndarray
    shares: np.ndarray
    batches: tuple[int, ...]
    gaps: np.ndarray
    errors: np.ndarray
    announced: np.ndarray


def start(dimension: int, share: float) -> np.ndarray:
    """Return an error of risk 1 with this share in the first coordinate, or spread evenly."""
    first = max(share, 1 / dimension)
    rest = np.full(dimension - 1, (1 - first) / (dimension - 1))
    return np.sqrt(2 * np.array([first, *rest]))


def compute(parameters: Parameters) -> Data:
    """Both theories against runs in every cell."""
    p = parameters
    cells = [
        [[_cell(p, batch, share, d) for d in p.dimensions] for share in p.shares]
        for batch in p.batches
    ]
    gaps, errors, announced = np.moveaxis(np.array(cells), (3, 4), (0, 1))
    return Data(np.array(p.dimensions), np.array(p.shares), p.batches, gaps, errors, announced[0])


def _cell(p: Parameters, batch: int, share: float, d: int) -> np.ndarray:
    """Gaps of both theories, their standard errors, and what is announced."""
    problem = LeastSquares(isotropic(d), noise=Gaussian(p.noise), start=start(d, share))
    method = SignSGD(p.rate, batch=batch)
    seed = np.random.SeedSequence(p.seed, spawn_key=(d, batch, round(1000 * share)))
    many = p.even if share == 0 and batch == p.batches[-1] else 1
    count = many * p.runs * max(p.dimensions) // d
    runs = simulate(
        problem, method, p.until, points=p.points, runs=count, seed=seed, progress=False
    )
    with outside_its_range():  # its range is what is mapped
        theories = [
            solve(problem, method, times=runs.time, correction=correction)
            for correction in (None, "split")
        ]
    found = [_gap(theory, runs) for theory in theories]
    return np.transpose(found)


def _gap(theory: Curve, runs: Curve) -> tuple[float, float, float]:
    """Mean over t > 0 and runs of risk/theory − 1, its standard error, and what is announced."""
    by_run = (runs.sample("risk")[:, 1:] / theory.risk[1:] - 1).mean(axis=1)
    announced = theory.diagnostics["finite_size"][1:].mean()
    return by_run.mean(), by_run.std(ddof=1) / np.sqrt(by_run.size), float(announced)


def draw(data: Data, width: str | float) -> HouseFigure:
    """A map a theory and batch, gaps in percent with their standard errors."""

    narrow = inches(width) < NARROW

    def panels(axes: Any) -> None:
        maps = [(i, j) for i in range(len(THEORIES)) for j in range(len(data.batches))]
        for axis, (i, j) in zip(axes, maps, strict=True):
            gaps, errors = data.gaps[i, j], data.errors[i, j]
            image = axis.imshow(
                np.maximum(np.abs(gaps), 1e-9),
                norm=LogNorm(1e-3, 3),
                aspect="auto",
                origin="lower",
                cmap="viridis",
            )
            for (row, column), gap in np.ndenumerate(gaps):
                axis.text(
                    column,
                    row,
                    _text(100 * gap, 100 * errors[row, column], narrow),
                    ha="center",
                    va="center",
                    fontsize=5.5 if narrow else 6,
                    color="k" if abs(gap) > 0.2 else "w",
                )
            axis.set_xticks(range(data.dimensions.size), data.dimensions)
            names = ["even" if share == 0 else f"{share:g}" for share in data.shares]
            axis.set_yticks(range(data.shares.size), names)
            axis.set(xlabel="dimension $d$", ylabel="share in one coordinate")
            axis.set_title(f"{THEORIES[i]}, $B={data.batches[j]}$")
        axes[0].figure.colorbar(
            image,
            ax=list(axes),
            extend="both",
            location="bottom",
            shrink=0.6,
            label="relative gap of the mean risk (text: %)",
            aspect=40,
        )

    return sheet(panels, width, rows=2, columns=2, aspect=0.62)


def _text(gap: float, error: float, narrow: bool) -> str:
    """The gap; where there is room, with its standard error."""
    if narrow and abs(gap) < 0.5:
        return "$0$"
    return f"${gap:+.0f}$" if narrow else f"${gap:+.1f}$\n±{error:.1f}"


def slopes(data: Data) -> tuple[Slope, Slope]:
    """Exponents of d in the limit's gap: all in one coordinate and B = 1; even and largest B."""
    cells = (0, -1), (-1, 0)
    first, second = (
        fit_slope(data.dimensions, data.gaps[0][cell], data.errors[0][cell]) for cell in cells
    )
    return first, second


def checks(data: Data) -> tuple[Check, ...]:
    """What shrinks with d, what does not, and what the split equations leave."""
    localised, even = slopes(data)
    worst = np.abs(data.gaps[0]) / data.errors[0]
    left = (np.abs(data.gaps[1]) - data.announced) / data.errors[1]
    largest = float(norm.isf(0.5e-3 / left.size))
    # of both theories' gaps to the same runs, the difference has no noise to speak of
    repaired = (data.gaps[0] - data.gaps[1])[-1, 0, -2:]
    batch, last = data.batches[-1], data.dimensions[-2:]
    # the slope of a next order B/d beside the leading one
    bend = -float(np.polyfit(np.log(data.dimensions), 1 / data.dimensions, 1)[0])
    local = np.log(repaired[1] / repaired[0]) / np.log(last[1] / last[0])
    return (
        Check(
            "smallest gap of the limit, all in one coordinate, in standard errors",
            worst[:, -1].min(),
            largest,
            np.inf,
            "normal tail at 1e-3 over all cells",
        ),
        _exponent("all in one coordinate, B = 1", localised, 0, bend, "order B rho^2"),
        _exponent(f"even start, B = {batch}", even, -1, batch * bend, "order B/d"),
        near(
            f"exponent of d, even start, B = {batch}: limit from split equations",
            local,
            -1,
            batch / last[0],
            "order B/d, and relative error of the same order",
        ),
        Check(
            "largest gap of the split equations beyond what is announced, in standard errors",
            left.max(),
            -np.inf,
            largest,
            "normal tail at 1e-3 over all cells",
        ),
    )


def _exponent(name: str, found: Slope, expected: float, bend: float, order: str) -> Check:
    """A measured exponent: its 95 % interval, widened to 99.9 % and by what the next order bends,
    holds the expected one."""
    half = (found.high - found.low) / 2 * norm.isf(0.5e-3) / norm.isf(0.025)
    return near(
        f"exponent of d, {name}: limit from runs",
        found.value,
        expected,
        half + bend,
        f"{order}, and the next one; 99.9 % interval",
    )
