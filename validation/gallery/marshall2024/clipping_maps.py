r"""Where clipping stabilises (μ/ν > 1) and where it wins at equal drift (μ²/ν > 1), over (R, c)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....solvers.streaming.advice.clipping.criteria import ClippingCriteria, clipping_criteria
from ....theory.covariance import isotropic
from ....theory.noise import Gaussian, Laplace, Noise, Rademacher, StudentT
from ....theory.streaming.problem import LeastSquares
from ...figures.style import HouseFigure
from ..check import ROUNDING, Check, near
from ..look import shaded, sheet

TITLE = "maps of mu/nu (stability) and mu^2/nu (comparison) of clipping, with the best threshold"
CAPTION = (
    "Ratio of drift to noise (μ/ν) and its square's (μ²/ν) with clipping over those without, "
    "over risk and threshold, for four laws of standard deviation 1; black, ratio 1, dash-"
    "dotted the best threshold. Take-away: clipping helps stability unless noise has two "
    "values, and speed at equal noise only for heavy tails."
)

Array = NDArray[np.float64]

#: contours of the ratios, powers of two
LEVELS = 2.0 ** np.linspace(-2, 2, 17)
#: a ratio this close to 1 is that of no clipping
NOTHING = 1e-6
BLANK = "0.93"
#: the maps are sampled where at least this share of the steps stays unclipped
SEEN = 0.02
#: probability that samples raise a false alarm
LEVEL = 1e-3
#: every so many points of the maps in both directions
STRIDE = 9


@dataclass(frozen=True)
class Parameters:
    """Laws of standard deviation 1; risks and thresholds in its units."""

    points: int
    samples: int
    lowest_risk: float = 1e-3
    highest_risk: float = 10.0
    lowest_threshold: float = 0.05
    highest_threshold: float = 10.0
    seed: int = 1


QUICK = Parameters(points=50, samples=100_000)
FULL = Parameters(points=200, samples=1_000_000)


@dataclass(frozen=True, eq=False)
class Map:
    """Ratios over (R, c), the best c(R), and z-scores of log μ²/ν against sampled residuals."""

    stability: Array
    comparison: Array
    best: Array
    bound: Array
    vanishing: Array
    z: Array


@dataclass(frozen=True, eq=False)
class Data:
    """By law of noise."""

    risk: Array
    threshold: Array
    maps: dict[str, Map]


def _laws() -> dict[str, Noise]:
    return {
        "Gaussian": Gaussian(1.0),
        "Rademacher": Rademacher(1.0),
        "Laplace": Laplace(1 / np.sqrt(2)),
        "Student, 3 d.o.f.": StudentT(3, 1 / np.sqrt(3)),
    }


def compute(parameters: Parameters) -> Data:
    """The criteria on a grid; they depend on the noise only."""
    p = parameters
    risk = np.geomspace(p.lowest_risk, p.highest_risk, p.points)
    threshold = np.geomspace(p.lowest_threshold, p.highest_threshold, p.points)
    rng = np.random.default_rng(p.seed)
    maps = {
        name: _map(clipping_criteria(LeastSquares(isotropic(100), law)), risk, threshold, p, rng)
        for name, law in _laws().items()
    }
    return Data(risk, threshold, maps)


def _map(criteria: ClippingCriteria, risk: Array, threshold: Array, p: Parameters, rng: Any) -> Map:
    comparison = criteria.comparison_ratio(risk[:, None], threshold)
    return Map(
        criteria.stability_ratio(risk[:, None], threshold),
        comparison,
        criteria.best_threshold(risk),
        criteria.fisher_bound(risk),
        criteria.vanishing_threshold(risk),
        _scores(criteria.problem.noise, comparison, risk, threshold, p.samples, rng),
    )


def _scores(law: Noise, ratio: Array, risk: Array, threshold: Array, n: int, rng: Any) -> Array:
    """Sample ℓ = √(2R) Z − ε on a coarser grid, and clip it."""
    scores = []
    for i in range(0, risk.size, STRIDE):
        size = np.abs(np.sqrt(2 * risk[i]) * rng.standard_normal(n) - law.sample(rng, n))
        power = 2 * risk[i] + float(law.variance)
        for j in range(0, threshold.size, STRIDE):
            inside, square = size <= threshold[j], np.minimum(size, threshold[j]) ** 2
            if SEEN < inside.mean() < 1 - SEEN:
                scores.append(_score(ratio[i, j], inside, square, power))
    return np.array(scores)


def _score(ratio: float, inside: Array, square: Array, power: float) -> float:
    mu, N = inside.mean(), square.mean()
    error = np.std(2 * inside / mu - square / N) / np.sqrt(inside.size)
    return float((np.log(ratio) - np.log(mu**2 * power / N)) / error)


def draw(data: Data, width: str | float) -> HouseFigure:
    """Two panels a law: stability and comparison."""

    def panels(axes: Any) -> None:
        for k, (name, its) in enumerate(data.maps.items()):
            left, right = axes[2 * k : 2 * k + 2]
            filled = _contours(left, data, its.stability)
            _contours(right, data, its.comparison)
            left.set_title(rf"{name}: $\mu/\nu$")
            right.set_title(rf"{name}: $\mu^2/\nu$")
            best = np.where(its.best > 0, its.best, np.nan)
            right.plot(data.risk, best, color="k", linestyle="-.", label="best threshold")
        for axis in axes:
            axis.set(
                xscale="log",
                yscale="log",
                xlabel="excess risk $R$",
                ylabel="threshold $c$",
                ylim=data.threshold[[0, -1]],
                xlim=data.risk[[0, -1]],
            )
            axis.label_outer()
        axes[0].plot([], [], color="k", linewidth=0.8, label="ratio 1")
        figure = axes[0].figure
        figure.colorbar(
            filled,
            ax=list(axes),
            label="ratio; clipping helps above 1",
            ticks=LEVELS[::4],
            format="{x:g}",
            location="bottom",
            shrink=0.7,
            aspect=35,
        )
        handles = [axes[0].lines[-1], axes[1].lines[0], shaded("nothing is clipped", BLANK, 1.0)]
        names = ["ratio 1", "best threshold", "nothing is clipped"]
        figure.legend(handles, names, loc="outside upper left", ncols=3)

    return sheet(panels, width, rows=2, columns=4, narrow=2, aspect=1.05, sharex=True, sharey=True)


def _contours(axis: Any, data: Data, ratio: Array) -> Any:
    from matplotlib.colors import LogNorm

    grid = (data.risk, data.threshold)
    # where all but nothing is clipped both ratios are 1 to rounding: neither colour, no crossing
    shown = np.clip(ratio.T, 0.5 * LEVELS[0], 2 * LEVELS[-1])
    shown = np.where(np.abs(shown - 1) < NOTHING, np.nan, shown)
    axis.set_facecolor(BLANK)
    filled = axis.contourf(
        *grid, shown, levels=LEVELS, norm=LogNorm(LEVELS[0], LEVELS[-1]), cmap="PuOr", extend="both"
    )
    axis.contour(*grid, shown, levels=[1.0], colors="k", linewidths=0.8)
    return filled


def _least_of_two_values(data: Data) -> float:
    """Bound of μ²/ν for ℓ = ±1 − √(2R) Z.

    μ = P(|ℓ| < c) <= exp(−(1 − c)²/(4R)) and ν >= c²(1 − μ)/P.
    """
    R, c = float(data.risk[0]), float(data.threshold[0])
    mu = np.exp(-((1 - c) ** 2) / (4 * R))
    return float(mu**2 * (2 * R + 1) / (c**2 * (1 - mu)))


def checks(data: Data) -> tuple[Check, ...]:
    """Samples, what no law can pass, and the law of Laplace noise at vanishing risk."""
    from scipy.special import erfcx, ndtri

    gaussian, rademacher, laplace, _ = data.maps.values()
    scores = np.concatenate([its.z for its in data.maps.values()])
    excess = [np.max(its.comparison / its.bound[:, None]) for its in data.maps.values()]
    # p_ℓ(0) = erfcx(α/√2)/(2b) with b = 1/√2 and α = √(2R)/b = 2√R
    alpha = 2 * np.sqrt(data.risk[0])
    return (
        Check(
            "largest |z| of sampled log mu^2/nu",
            np.max(np.abs(scores)),
            0,
            -ndtri(0.5 * LEVEL / scores.size),
            f"{scores.size} normal scores",
        ),
        Check(
            "Gaussian: largest mu^2/nu", gaussian.comparison.max(), 0, 1 + 1e-9, "Cauchy-Schwarz"
        ),
        Check(
            "Gaussian: smallest mu/nu",
            gaussian.stability.min(),
            1 - 1e-9,
            np.inf,
            "clipping never hurts stability",
        ),
        near(
            "Gaussian: mu^2/nu at the smallest c, largest risk",
            gaussian.comparison[-1, 0],
            2 / np.pi,
            data.threshold[0] / np.sqrt(2 * data.risk[-1] + 1),
            "4 p(0)^2 E l^2 = 2/pi, next order in c: clipping costs there",
        ),
        Check("largest mu^2/nu over its Fisher bound", max(excess), 0, 1 + 1e-9, "Cauchy-Schwarz"),
        near(
            "Laplace: mu^2/nu at c -> 0, smallest R",
            laplace.vanishing[0],
            2 * erfcx(alpha / np.sqrt(2)) ** 2 * (1 + 2 * data.risk[0]),
            ROUNDING,
            "4 p(0)^2 E l^2, closed form",
        ),
        Check(
            "Rademacher: mu^2/nu at the smallest R and c",
            rademacher.comparison[0, 0],
            0,
            _least_of_two_values(data),
            "P(|l| < c) of noise that is never small: clipping destroys descent",
        ),
    )
