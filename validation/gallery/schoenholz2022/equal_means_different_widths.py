r"""Independent and orthogonal weights share the mean length map; the variance tells them apart.

Linear equilibrium networks: :math:`m_2` is the same, :math:`N\,\mathrm{Var}=2(m_4-m_2^2)` and the
least singular value of 1 − W are not. After arXiv 2207.09432; formulas of our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from ....solvers.core.blas import one_thread
from ....solvers.equilibrium.static import linear_moments
from ....theory.equilibrium.problem import EquilibriumNetwork
from ...figures.registry import ENSEMBLES, woven
from ...figures.style import HouseFigure
from ...simulate.equilibrium.simulate import matrix
from ..check import Check, near
from ..look import EXACT, SHADE, THEORY, key, sheet

TITLE = "independent and orthogonal weights: equal means, different widths"
CAPTION = (
    "(a) Second (lines) and fourth moments (dashed) of the solution map over the scale of the "
    "weights; (b) least singular value of 1 − W; (c) length of the solution over draws, with the "
    "normal law of the predicted variance. Take-away: not the mean but the variance separates "
    "independent from orthogonal weights."
)

Array = np.ndarray
#: ensembles and their names
KINDS = {"ginibre": "independent", "haar": "orthogonal", "goe": "symmetric"}


@dataclass(frozen=True)
class Parameters:
    """N, σ of the histogram, draws and the seed."""

    size: int = 200
    scale: float = 0.7
    draws: int = 1500
    seed: int = 11


QUICK = Parameters()
FULL = Parameters(size=400, draws=4000)


@dataclass(frozen=True, eq=False)
class Data:
    """|z|²/N over draws, by ensemble, and of half the size."""

    parameters: Parameters
    lengths: dict[str, Array]
    halved: dict[str, Array]


def compute(p: Parameters) -> Data:
    """Solve random linear networks at fixed |x|² = N."""
    with one_thread():
        whole, halved = (
            {kind: _drawn(p, kind, size) for kind in ("ginibre", "haar")}
            for size in (p.size, p.size // 2)
        )
    return Data(p, whole, halved)


def _drawn(p: Parameters, kind: str, size: int) -> Array:
    rng = np.random.default_rng(p.seed)
    problem = EquilibriumNetwork(kind, p.scale, "linear", 1.0, size=size)
    return np.array([_length(problem, p.scale, rng) for _ in range(p.draws)])


def _length(problem: EquilibriumNetwork, scale: float, rng: np.random.Generator) -> float:
    x = rng.standard_normal(problem.size)
    x *= np.sqrt(problem.size) / np.linalg.norm(x)
    z = np.linalg.solve(np.eye(problem.size) - scale * matrix(problem, rng), x)
    return float(np.mean(z**2))


def _moments(kind: str, scale: float) -> Any:
    return linear_moments(EquilibriumNetwork(kind, scale, "linear"))


def draw(data: Data, width: str | float) -> HouseFigure:
    """Moments, least singular value, and the lengths that were drawn."""
    p = data.parameters

    def panels(axes: Any) -> None:
        colours = {kind: ENSEMBLES[name] for kind, name in KINDS.items()}
        for kind, colour in colours.items():
            scales = np.linspace(0.02, 0.46 if kind == "goe" else 0.92, 80)
            found = [_moments(kind, s) for s in scales]
            # independent and orthogonal weights share the second moment
            look = THEORY | {"linestyle": woven(1, 2) if kind == "haar" else "-"}
            axes[0].plot(scales, [m.second for m in found], color=colour, **look)
            axes[0].plot(scales, [m.fourth for m in found], color=colour, **EXACT)
            axes[1].plot(scales, [m.least for m in found], color=colour, **THEORY)
        axes[0].set(yscale="log", xlabel=r"scale $\sigma$", ylabel="moments of $(1-W)^{-1}$")
        axes[1].set(xlabel=r"scale $\sigma$", ylabel=r"$s_{\min}(1-W)$")
        for kind, lengths in data.lengths.items():
            axes[2].hist(lengths, 30, density=True, alpha=SHADE, color=colours[kind])
            exact = _moments(kind, p.scale)
            spread = np.sqrt(exact.variance / p.size)
            x = exact.second + spread * np.linspace(-4, 4, 200)
            law = norm.pdf(x, exact.second, spread)
            axes[2].plot(x, law, color=colours[kind], **THEORY)
        axes[2].set(xlabel="$|z|^2/N$", ylabel="density")
        key(
            axes[0],
            {"$m_2$, law of the lengths": THEORY, "$m_4$": EXACT},
            colours={KINDS[kind]: colour for kind, colour in colours.items()},
            bands=("draws (c)",),
        )

    return sheet(panels, width, columns=3, aspect=0.95)


def checks(data: Data) -> tuple[Check, ...]:
    """Equal means; the two variances and their ratio."""
    p, found = data.parameters, list[Check]()
    exact = {kind: _moments(kind, p.scale) for kind in data.lengths}
    for kind, name in ((kind, KINDS[kind]) for kind in data.lengths):
        own = exact[kind]
        pairs = [(data.lengths[kind], p.size), (data.halved[kind], p.size // 2)]
        found += [
            _limit(f"mean length, {name}", [_mean(x) for x, _ in pairs], own.second),
            _limit(f"N Var, {name}", [_variance(x, size) for x, size in pairs], own.variance),
        ]
    one, two = exact["ginibre"], exact["haar"]
    (above, a), (other, b) = (_variance(data.lengths[kind], p.size) for kind in data.lengths)
    return (
        *found,
        near("m₂ of both less one another", one.second - two.second, 0, 1e-12, "same map"),
        Check(
            "ratio of the variances",
            one.variance / two.variance,
            above / other * (1 - 4 * np.hypot(a / above, b / other)),
            above / other * (1 + 4 * np.hypot(a / above, b / other)),
            "of the draws, 4 standard errors",
        ),
        Check(
            "N Var of independent above orthogonal, in standard errors",
            (above - other) / np.hypot(a, b),
            4,
            np.inf,
            "the variance tells them apart",
        ),
    )


def _limit(name: str, whole_and_half: list[tuple[float, float]], exact: float) -> Check:
    """What draws at N/2 and N tend to, by a line in 1/N."""
    (value, error), (half, own) = whole_and_half
    removed = value - half
    allowed = 4 * float(np.hypot(2 * error, own)) + removed**2 / exact
    return near(
        name,
        value + removed,
        exact,
        allowed,
        "N and N/2, extrapolated: 4 s.e., and the square of what was removed",
    )


def _mean(lengths: Array) -> tuple[float, float]:
    return float(lengths.mean()), float(lengths.std(ddof=1) / np.sqrt(lengths.size))


def _variance(lengths: Array, size: int) -> tuple[float, float]:
    """N Var and its standard error, from the fourth moment."""
    value, z = size * lengths.var(ddof=1), (lengths - lengths.mean()) / lengths.std()
    return float(value), float(value * np.sqrt((np.mean(z**4) - 1) / lengths.size))
