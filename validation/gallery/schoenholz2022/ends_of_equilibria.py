r"""Where equilibria end, the spectrum there, and how fast large networks reach their limits.

:math:`\sigma_c` from :math:`R'(\chi)\mathcal A=1`; edges of :math:`D^{1/2}WD^{1/2}` for symmetric
weights. After arXiv 2207.09432; formulas of our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.blas import one_thread
from ....solvers.equilibrium.static import critical_scale, equilibrium
from ....theory.equilibrium.problem import EquilibriumNetwork
from ...figures.registry import ENSEMBLES
from ...figures.style import HouseFigure
from ...simulate.equilibrium.simulate import draw as drawn
from ..check import Check, near, tail
from ..look import REFERENCE, SHADE, SIMULATION, THEORY, direct, key, sheet

TITLE = "where equilibria end, the spectrum before it, and how networks reach their limits"
CAPTION = (
    "(a) Last scale of the static limit over the size of the input, tanh. (b) Eigenvalues of "
    "D^(1/2)WD^(1/2), D = diag φ′, in one symmetric network of N = {largest}, with the predicted "
    "edges. (c) Over N: spread of |z|²/N over networks, and how far the largest eigenvalue is "
    "inside its edge (markers ± 2 s.e.); lines: N^(-1/2) and N^(-2/3). Take-away: a larger input "
    "saturates units and moves the end outwards; the edge is right, and reached slowly."
)
KINDS = {
    "independent": "ginibre",
    "symmetric": "goe",
    "symmetric orthogonal": "symmetric-orthogonal",
}

Array = np.ndarray


@dataclass(frozen=True)
class Parameters:
    """Sizes of the input; the network of (b) and (c); N, networks at the largest, and the seed."""

    inputs: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.0)
    scale: float = 0.6
    input_scale: float = 0.7
    sizes: tuple[int, ...] = (50, 100, 200, 400)
    networks: int = 120
    largest: int = 800
    steps: int = 90
    seed: int = 8


QUICK = Parameters()
FULL = Parameters(sizes=(50, 100, 200, 400, 800), networks=200, largest=1600)


@dataclass(frozen=True, eq=False)
class Data:
    """Ends by ensemble; eigenvalues; lengths and largest eigenvalues of the networks of each N."""

    parameters: Parameters
    ends: dict[str, Array]
    eigenvalues: Array
    lengths: list[Array]
    tops: list[Array]
    limit: float
    edge: float


def compute(p: Parameters) -> Data:
    """Ends of the limit, and symmetric networks of several sizes."""
    ends = {
        name: np.array([critical_scale(EquilibriumNetwork(kind, 0.1, "tanh", x)) for x in p.inputs])
        for name, kind in KINDS.items()
    }
    exact = equilibrium(EquilibriumNetwork("goe", p.scale, "tanh", p.input_scale))
    rng = np.random.default_rng(p.seed)
    with one_thread():
        # ever more of the smaller ones
        counts = [p.networks * p.sizes[-1] // N for N in p.sizes]
        found = [
            [_network(p, N, rng) for _ in range(count)]
            for N, count in zip(p.sizes, counts, strict=True)
        ]
        eigenvalues = _network(p, p.largest, rng)[2]
    lengths = [np.array([length for length, _, _ in row]) for row in found]
    tops = [np.array([top for _, top, _ in row]) for row in found]
    assert exact.edge is not None
    return Data(p, ends, eigenvalues, lengths, tops, exact.q, exact.edge)


def _network(p: Parameters, N: int, rng: np.random.Generator) -> tuple[float, float, Array]:
    """|z|²/N, and the eigenvalues of D^{1/2} W D^{1/2} at the solution."""
    W, x = drawn(EquilibriumNetwork("goe", p.scale, "tanh", p.input_scale, size=N), rng)
    z = np.zeros(N)
    for _ in range(p.steps):
        z = np.tanh(W @ z + x)
    root = np.sqrt(1 - z**2)
    eigenvalues = np.linalg.eigvalsh(root[:, None] * W * root)
    return float(np.mean(z**2)), float(eigenvalues[-1]), eigenvalues


def draw(data: Data, width: str | float) -> HouseFigure:
    """Ends, a spectrum, and scaling."""
    p = data.parameters

    def panels(axes: Any) -> None:
        for name, ends in data.ends.items():
            axes[0].plot(p.inputs, ends, color=ENSEMBLES[name], **THEORY)
        axes[0].set(
            xlabel=r"input scale $\sigma_x$", ylabel=r"last scale $\sigma_c$", ylim=(0, None)
        )
        axes[1].hist(data.eigenvalues, 50, density=True, color=ENSEMBLES["symmetric"], alpha=SHADE)
        for side in (-1, 1):
            axes[1].axvline(side * data.edge, color="black", **THEORY)
        axes[1].set(xlabel="eigenvalue", ylabel="density")
        sizes = np.array(p.sizes)
        spread, spread_error = _spread(data)
        inside, inside_error = _inside(data)
        for values, errors, power, colour in (
            (spread, spread_error, -1 / 2, "0.5"),
            (inside, inside_error, -2 / 3, "black"),
        ):
            axes[2].errorbar(sizes, values, 2 * errors, color=colour, **SIMULATION)
            line = float(np.exp(np.mean(np.log(values / sizes**power)))) * sizes**power
            axes[2].plot(sizes, line, color=colour, **THEORY)
        axes[2].set(
            xscale="log", yscale="log", xlabel="units $N$", ylabel="distance from the limit"
        )
        axes[2].set_xticks(p.sizes, [str(N) for N in p.sizes])
        axes[2].minorticks_off()
        direct(
            axes[2],
            {
                "spread": (float(spread[-1]), "0.5"),
                "edge": (float(inside[-1]), "black"),
            },
        )
        axes[1].axhline(0, **REFERENCE)
        lines = {"predicted edge (b), law (c)": {"color": "black", **THEORY}}
        lines |= {"networks ± 2 s.e. (c)": SIMULATION}
        shown = {name: ENSEMBLES[name] for name in data.ends}
        key(axes[0], lines, colours=shown, bands={"one network (b)": ENSEMBLES["symmetric"]})

    return sheet(panels, width, columns=3, aspect=0.95)


def _spread(data: Data) -> tuple[Array, Array]:
    pairs = [(each.std(ddof=1), 1 / np.sqrt(2 * (each.size - 1))) for each in data.lengths]
    spread, relative = np.array(pairs).T
    return spread, spread * relative


def _inside(data: Data) -> tuple[Array, Array]:
    pairs = [(data.edge - each.mean(), each.std(ddof=1) / np.sqrt(each.size)) for each in data.tops]
    gap, error = np.array(pairs).T
    return gap, error


def _slope(sizes: Any, values: Array, errors: Array) -> tuple[float, float]:
    """Slope in the logarithms by least squares with weights, and its standard error."""
    x, y, s = np.log(np.array(sizes)), np.log(values), errors / values
    weights = 1 / s**2
    x = x - np.sum(weights * x) / np.sum(weights)
    variance = 1 / float(np.sum(weights * x**2))
    return float(np.sum(weights * x * y)) * variance, float(np.sqrt(variance))


def checks(data: Data) -> tuple[Check, ...]:
    """Scaling, the limit of the length, the edge of the large network, and the ends at no input."""
    p = data.parameters
    spread, edge = (_slope(p.sizes, *pair) for pair in (_spread(data), _inside(data)))
    mean = data.lengths[-1].mean()
    error = data.lengths[-1].std(ddof=1) / np.sqrt(data.lengths[-1].size)
    ratios = data.ends["independent"][:2] / data.ends["symmetric"][:2]
    still = float(np.polyfit(p.inputs[:2], ratios, 1)[-1])
    return (
        near("exponent of the spread", spread[0], -1 / 2, 4 * spread[1], "4 s.e."),
        near(
            "exponent of the edge",
            edge[0],
            -2 / 3,
            4 * edge[1] + p.sizes[0] ** (-1 / 3) / 3,
            "4 s.e.; a next order N^(-1/3) of the size of the first moves it by a third of that",
        ),
        near(
            "|z|²/N at the largest N of (c)",
            mean,
            data.limit,
            4 * error + data.limit / p.sizes[-1],
            "4 s.e. and 1/N",
        ),
        _reached(data),
        _largest(data),
        near(
            "end of independent over symmetric, input to 0",
            still,
            2,
            abs(still - ratios[0]),
            "2 for a linear network; straight line through two inputs: what it took away",
        ),
    )


def _reached(data: Data) -> Check:
    """Edge at infinite N by a straight line in N^(-2/3), with weights, over the predicted one."""
    gap, error = _inside(data)
    x, weight = np.array(data.parameters.sizes) ** (-2 / 3), error**-2
    middle = np.average(x, weights=weight)
    slope = np.sum(weight * (x - middle) * gap) / np.sum(weight * (x - middle) ** 2)
    left = np.average(gap, weights=weight) - slope * middle
    sem = np.sqrt(1 / np.sum(weight) + middle**2 / np.sum(weight * (x - middle) ** 2))
    return near(
        "edge of the networks, N to infinity, over the predicted one",
        1 - left / data.edge,
        1,
        (4 * sem + abs(slope) * middle**1.5 / 2) / data.edge,
        "4 s.e., and what a straight line leaves of a next order 1/N of the size of the first",
    )


def _largest(data: Data) -> Check:
    """Largest eigenvalue of (b) among those of the largest N of (c), all in units of N^(-2/3)."""
    p = data.parameters
    scaled = p.sizes[-1] ** (2 / 3) * (data.edge - data.tops[-1])
    one = p.largest ** (2 / 3) * (data.edge - data.eigenvalues.max())
    n, spread = scaled.size, scaled.std(ddof=1)
    allowed = tail(1e-3, 1, n - 1) * spread * np.sqrt(1 + 1 / n)
    return near(
        "N^(2/3) (edge less largest eigenvalue) at the largest N, around the mean of (c)",
        one,
        scaled.mean(),
        allowed + abs(scaled.mean()) * p.sizes[-1] ** (-1 / 3),
        "about Student's tail at 1e-3 of one more; the next order is smaller by N^(-1/3)",
    )
