r"""Which dimension controls the spread of one run: power laws of the eigenvalues.

The distance of one run from the limit is at most of the order of :math:`d_\star^{-1/2}`, with
:math:`d_\star=\operatorname{tr}K/\lVert K\rVert` the intrinsic dimension (after arXiv 2406.11733).
The exact fluctuations (derived here) say more: at early times they follow
:math:`(\operatorname{tr}K)^2/\operatorname{tr}K^2`, which is never below it, since
:math:`\operatorname{tr}K^2\le\lVert K\rVert\operatorname{tr}K`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....theory.covariance import Covariance, power_law
from ....theory.methods import ClippedSGD
from ....theory.noise import Laplace
from ....theory.streaming.problem import LeastSquares
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, near
from ..look import REFERENCE, SIMULATION, THEORY, key, outside_its_range, sheet

TITLE = "which dimension controls the spread of one run: power laws in d, d* and tr(K)^2/tr(K^2)"
CAPTION = (
    "Spread of one run of clipped SGD over its mean (relative spread), on eigenvalues that fall "
    "like a power law: exact fluctuations (lines), runs (circles, ± 2 s.e.), for several "
    "exponents. (a) Over the dimension, (b) over the intrinsic dimension d* = tr K/‖K‖, (c) over "
    "(tr K)²/tr K²; grey, the root of each. Take-away: steep spectra do not concentrate however "
    "large d is; the intrinsic dimension bounds the spread, (tr K)²/tr K² sets it."
)
#: what is on the axes: of d, d* and (tr K)²/tr K²
AXES = (
    "dimension $d$",
    r"intrinsic $d_\star=\mathrm{tr}\,K/\|K\|$",
    r"$(\mathrm{tr}\,K)^2/\mathrm{tr}\,K^2$",
)
FALSE_ALARM = 1e-3


@dataclass(frozen=True)
class Parameters:
    """Exponents of the eigenvalues and dimensions; clipped SGD under Laplace noise."""

    exponents: tuple[float, ...] = (0.0, 0.3, 0.6, 0.9, 1.2)
    dimensions: tuple[int, ...] = (32, 128, 512)
    scale: float = 0.3
    rate: float = 0.6
    threshold: float = 1.5
    until: float = 0.5
    runs: int = 800
    seed: int = 5


QUICK = Parameters()
FULL = Parameters(dimensions=(32, 128, 512, 1024), runs=2000)


@dataclass(frozen=True, eq=False)
class Data:
    """By exponent and dimension: the fluctuations and the runs; and the three dimensions."""

    until: float
    curves: dict[float, dict[int, tuple[Curve, Curve]]]
    sizes: dict[float, np.ndarray]

    def spreads(self, exponent: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Relative spread at the end: of the fluctuations, of the runs, and its standard error."""
        found = [_spread(*pair) for pair in self.curves[exponent].values()]
        exact, runs, errors = np.transpose(found)
        return exact, runs, errors


def compute(parameters: Parameters) -> Data:
    """All exponents in all dimensions."""
    p = parameters
    method = ClippedSGD(p.rate, p.threshold)
    axis = {"until": p.until, "points": 3}
    curves: dict[float, dict[int, tuple[Curve, Curve]]] = {}
    sizes = {}
    for j, exponent in enumerate(p.exponents):
        curves[exponent] = {}
        laws = [power_law(d, exponent) for d in p.dimensions]
        sizes[exponent] = np.transpose([_sizes(law) for law in laws])
        for k, law in enumerate(laws):
            problem = LeastSquares(law, noise=Laplace(p.scale))
            seed = np.random.SeedSequence(p.seed, spawn_key=(j, k))
            with outside_its_range():  # spectra of small intrinsic dimension are the subject
                exact = solve(problem, method, limit="fluctuations", **axis)
                runs = simulate(problem, method, runs=p.runs, seed=seed, progress=False, **axis)
            curves[exponent][p.dimensions[k]] = exact, runs
    return Data(p.until, curves, sizes)


def _sizes(law: Covariance) -> tuple[float, float, float]:
    """d, tr K/‖K‖ and (tr K)²/tr K²."""
    return (
        float(law.dimension),
        float(law.intrinsic_dimension),
        float(law.trace * law.mean_eigenvalue / law.second_moment),
    )


def _spread(exact: Curve, runs: Curve) -> tuple[float, float, float]:
    """Relative spread at the end; its error from the fourth moment of the runs."""
    last = runs.sample()[:, -1]
    spread = last.std(ddof=1) / last.mean()
    z = (last - last.mean()) / last.std()
    error = spread * 0.5 * np.sqrt((np.mean(z**4) - 1) / last.size)
    return float(exact.std()[-1] / exact.risk[-1]), float(spread), float(error)


def draw(data: Data, width: str | float) -> HouseFigure:
    """The same spreads over three dimensions."""
    shades = ordered(list(data.curves))

    def panels(axes: Any) -> None:
        for column, (axis, name) in enumerate(zip(axes, AXES, strict=True)):
            for exponent in data.curves:
                exact, runs, errors = data.spreads(exponent)
                x, colour = data.sizes[exponent][column], shades[exponent]
                axis.plot(x, exact, color=colour, **THEORY)
                axis.errorbar(x, runs, 2 * errors, color=colour, elinewidth=0.8, **SIMULATION)
            first = min(data.curves)
            x = np.array([data.sizes[e][column] for e in data.curves])
            top = data.spreads(first)[0][0] * np.sqrt(data.sizes[first][column][0])
            line = np.array([x.min(), x.max()])
            axis.plot(line, top * line**-0.5, zorder=0, **REFERENCE)
            axis.set(xscale="log", yscale="log", xlabel=name, ylabel="relative spread")
        lines = {"exact fluctuations": THEORY, "runs, spread ± 2 s.e.": SIMULATION}
        lines |= {"root of 1/x": REFERENCE}
        key(axes[0], lines, 4, colours={f"exponent {e:g}": c for e, c in shades.items()})

    return sheet(panels, width, columns=3, aspect=0.95)


def checks(data: Data) -> tuple[Check, ...]:
    """Exact spreads, their powers of d, and what the three dimensions do to them."""
    scores, found = [], []
    for exponent in data.curves:
        exact, runs, errors = data.spreads(exponent)
        scores += list((runs - exact) / errors)
        logs = np.log(data.sizes[exponent][0])
        slope, error = _slope(logs, np.log(runs), errors / runs)
        expected, _ = _slope(logs, np.log(exact), errors / runs)
        found.append(
            near(
                f"exponent {exponent:g}: power of d of the spread",
                slope,
                expected,
                4 * error,
                "that of the exact fluctuations, 4 standard errors",
            )
        )
        steep = slope, error
    even, far = data.spreads(min(data.curves)), data.spreads(max(data.curves))
    wide = (far[1][-1] - even[0][-1]) / far[2][-1]
    bound = float(norm.isf(FALSE_ALARM / 2 / len(scores)))
    return (
        Check(
            "largest |z| of the spreads of runs from the exact ones",
            float(np.abs(scores).max()),
            0,
            # the linear theory of fluctuations is off by their square
            bound + _second_order(data),
            "normal tail at 1e-3 over all, and the square of the spread",
        ),
        *found,
        Check(
            "steepest spectrum: power of d above -1/2, in standard errors",
            (steep[0] + 0.5) / steep[1],
            4,
            np.inf,
            "d does not control the spread",
        ),
        Check(
            "steepest spectrum: spread above that of equal eigenvalues at the same d, in s.e.",
            float(wide),
            4,
            np.inf,
            "d does not control the spread",
        ),
        *_collapse(data),
    )


def _collapse(data: Data) -> tuple[Check, ...]:
    """How much nearer to one line ln(spread √size) is for (tr K)²/tr K² than for the others."""
    sizes = np.concatenate(list(data.sizes.values()), axis=1)
    _, spread, error = np.concatenate([data.spreads(e) for e in data.curves], axis=1)
    logs = np.log(spread * np.sqrt(sizes))
    off, noise = logs - logs.mean(axis=1, keepdims=True), error / spread
    return tuple(
        Check(
            f"scatter about the root of {name} above that of (tr K)^2/tr K^2, in standard errors",
            # of the difference of two sums of squares over the same runs
            (off[k] @ off[k] - off[2] @ off[2]) / (2 * np.linalg.norm((off[k] - off[2]) * noise)),
            4,
            np.inf,
            "it is the size that sets the spread; errors of the runs",
        )
        for k, name in ((0, "d"), (1, "d*"))
    )


def _second_order(data: Data) -> float:
    """Square of the widest spread, in its standard errors."""
    exact, runs, errors = data.spreads(max(data.curves))
    return float((runs**3 / errors).max())


def _slope(x: np.ndarray, y: np.ndarray, errors: np.ndarray) -> tuple[float, float]:
    """Of a line through points with errors."""
    weight = errors**-2.0
    centred = x - np.average(x, weights=weight)
    spread = float(np.sum(weight * centred**2))
    return float(np.sum(weight * centred * y) / spread), spread**-0.5
