r"""The mean square of the solution over the scale of the weights, for five ensembles.

Static limit up to the scale at which it ends, :math:`R'(\chi)\mathcal A=1`, beside networks. After
arXiv 2207.09432; formulas of our own, σ² is N Var in every ensemble.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.equilibrium.static import critical_scale, equilibrium
from ....theory.equilibrium.problem import EquilibriumNetwork
from ....theory.methods import FixedPointIteration
from ...figures.registry import ENSEMBLES, woven
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, largest, near, tail
from ..look import SIMULATION, THEORY, key, sheet

TITLE = "lengths of equilibria for five ensembles and three activations"
CAPTION = (
    "Mean square of the solution over the scale σ of the weights for five ensembles, up to where "
    "the static limit ends: (a) tanh, (b) ReLU, (c) hard tanh; networks of N = {size} (markers, "
    "{runs} each, ± 2 s.e.). Take-away: independent and orthogonal weights share the line; "
    "symmetric ones end at half its scale or so, antisymmetric ones later, and of the ReLU the "
    "length diverges at the end, of bounded units it does not."
)
KINDS: dict[str, Any] = {
    "independent": "ginibre",
    "orthogonal": "haar",
    "symmetric": "goe",
    "symmetric orthogonal": "symmetric-orthogonal",
    "elliptic, τ = −½": ("elliptic", -0.5),
}
UNITS = ("tanh", "relu", "hard-tanh")

Array = np.ndarray


@dataclass(frozen=True)
class Parameters:
    """N and runs; shares of the last scale for lines and for networks; steps and the seed."""

    size: int = 200
    runs: int = 20
    last: float = 0.93
    points: int = 12
    shares: tuple[float, ...] = (0.3, 0.6)
    steps: int = 60
    damping: float = 0.5
    seed: int = 4


QUICK = Parameters()
FULL = Parameters(size=400, runs=40, points=20, steps=100)

Pair = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Data:
    """By ensemble and unit: the last scale, lengths along the line; of networks mean, error and
    limit at every share, and those of networks of half the size (mean, error)."""

    parameters: Parameters
    ends: dict[Pair, float]
    lines: dict[Pair, tuple[Array, Array]]
    networks: dict[Pair, tuple[Array, Array, Array]]
    halved: dict[Pair, tuple[Array, Array]]


def compute(p: Parameters) -> Data:
    """Static limits, and networks at two scales each."""
    ends, lines = dict[Pair, float](), dict[Pair, tuple[Array, Array]]()
    networks = dict[Pair, tuple[Array, Array, Array]]()
    halved = dict[Pair, tuple[Array, Array]]()
    for name, kind in KINDS.items():
        for unit in UNITS:
            end = ends[name, unit] = critical_scale(EquilibriumNetwork(kind, 0.1, unit))
            scales = end * np.linspace(0.02, p.last, p.points)
            found = [equilibrium(EquilibriumNetwork(kind, s, unit)).q for s in scales]
            lines[name, unit] = scales, np.array(found)
            networks[name, unit] = _networks(p, kind, unit, end, p.size)
            mean, error, _ = _networks(p, kind, unit, end, p.size // 2)
            halved[name, unit] = mean, error
    return Data(p, ends, lines, networks, halved)


def _networks(
    p: Parameters, kind: Any, unit: str, end: float, size: int
) -> tuple[Array, Array, Array]:
    """|z|²/N of networks in a mean and its error, and the limit."""
    rows = []
    # antisymmetric parts turn: a direct iteration would die before the solution does
    method = FixedPointIteration(p.damping)
    for share in p.shares:
        problem = EquilibriumNetwork(kind, share * end, unit, size=size)
        runs = simulate(
            problem, method, times=[p.steps], runs=p.runs, seed=p.seed, workers=1, progress=False
        )
        rows.append((runs["q"][-1], runs.sem("q")[-1], equilibrium(problem).q))
    mean, error, limit = np.array(rows).T
    return mean, error, limit


def draw(data: Data, width: str | float) -> HouseFigure:
    """One panel an activation."""
    p = data.parameters

    def panels(axes: Any) -> None:
        colours = {name: ENSEMBLES[name.split(",")[0]] for name in KINDS}
        for panel, unit, title in zip(axes, UNITS, ("tanh", "ReLU", "hard tanh"), strict=True):
            for name, colour in colours.items():
                look = THEORY | ({"linestyle": woven(1, 2)} if name == "orthogonal" else {})
                panel.plot(*data.lines[name, unit], color=colour, **look)
                mean, error, _ = data.networks[name, unit]
                at = data.ends[name, unit] * np.array(p.shares)
                panel.errorbar(at, mean, 2 * error, color=colour, **SIMULATION)
            panel.set(xlabel=r"scale $\sigma$", ylabel="$|z|^2/N$", title=title)
        axes[1].set(yscale="log")
        key(axes[0], {"limit": THEORY, "networks, mean ± 2 s.e.": SIMULATION}, colours=colours)

    return sheet(panels, width, columns=3, aspect=1.0)


def _against(data: Data, unit: str) -> float:
    """|z| of symmetric networks against the line of independent ones at their own scale."""
    mean, error, _ = data.networks["symmetric", unit]
    scale = data.parameters.shares[-1] * data.ends["symmetric", unit]
    other = float(np.interp(scale, *data.lines["independent", unit]))
    return float(abs(mean[-1] - other) / error[-1])


def _gaps(data: Data, pair: Pair) -> Array:
    """z of the mean at 1/N → 0, by a line through N/2 and N."""
    (mean, error, limit), (half, own) = data.networks[pair], data.halved[pair]
    removed = mean - half
    off = mean + removed - limit
    beyond = np.sign(off) * np.maximum(np.abs(off) - removed**2 / limit, 0)
    return np.asarray(beyond / np.hypot(2 * error, own))


def checks(data: Data) -> tuple[Check, ...]:
    """Networks against the limit; the ends that are known; shared lines."""
    gaps = [_gaps(data, pair) for pair in data.networks]
    freedom = data.parameters.runs - 1
    twin = [
        float(np.abs(data.lines["independent", u][1] - data.lines["orthogonal", u][1]).max())
        for u in UNITS
    ]
    ends, far = data.ends, data.ends["elliptic, τ = −½", "relu"]
    apart = [_against(data, unit) for unit in UNITS]
    return (
        largest(
            "largest |z| of networks of N and N/2, extrapolated, from the limit",
            gaps,
            freedom,
            "; the square of what was removed is left",
        ),
        Check(
            "least |z| against the line of another",
            min(apart),
            tail(1e-3, 1, freedom),
            np.inf,
            "must be seen: Student's tail at 1e-3",
        ),
        near("independent less orthogonal", max(twin), 0, 1e-12, "one map"),
        near("end of ReLU, independent", ends["independent", "relu"], np.sqrt(2), 1e-9, "closed"),
        near("end of ReLU, symmetric", ends["symmetric", "relu"], 1 / np.sqrt(2), 1e-9, "closed"),
        near("end of ReLU, elliptic", far, 2 * np.sqrt(2), 1e-6, "closed"),
    )
