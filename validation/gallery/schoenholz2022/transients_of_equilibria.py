r"""How an iteration approaches its equilibrium: the two-time theory beside networks.

.. math:: |z_{t+1}-z_t|^2/N=q_{t+1}+q_t-2c_{t+1}

for weights without symmetry; with it paths of one site that remembers. After arXiv 2207.09432;
formulas of our own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.equilibrium.static import critical_scale, equilibrium
from ....solvers.solve import solve
from ....theory.equilibrium.problem import EquilibriumNetwork
from ....theory.methods import FixedPointIteration
from ...figures.registry import ENSEMBLES, colours, woven
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, exceeds, largest, near, tail
from ..look import SIMULATION, THEORY, key, points, sheet

TITLE = "the residual of an iteration towards its equilibrium"
CAPTION = (
    "Half the mean square of a step of the iteration z ← φ(Wz + x) from 0: (a) weights without "
    "symmetry, a map of two numbers (lines); (b) with it, paths of a site that remembers (lines, "
    "{paths} paths); networks of N = {size} (markers, mean of {runs} ± 2 s.e.). Take-away: without "
    "symmetry the squared residual falls by σ²E φ′² a step, for orthogonal weights as for "
    "independent ones; a symmetric part remembers and slows it, and with an antisymmetric one the "
    "direct iteration misses an equilibrium that exists."
)
#: what is shown: ensemble, scale, activation
FREE: dict[str, Any] = {
    "independent, tanh": ("ginibre", 1.2, "tanh"),
    "orthogonal, tanh": ("haar", 1.2, "tanh"),
    "independent, ReLU": ("ginibre", 1.0, "relu"),
}
REMEMBERING: dict[str, Any] = {
    "symmetric, tanh": ("goe", 0.7, "tanh"),
    "elliptic τ = ½, tanh": (("elliptic", 0.5), 0.8, "tanh"),
    "elliptic τ = −½, tanh": (("elliptic", -0.5), 1.2, "tanh"),
}


@dataclass(frozen=True)
class Parameters:
    """Steps of both panels, paths, N, runs and the seed."""

    steps: int = 20
    memory: int = 8
    paths: int = 20_000
    size: int = 400
    runs: int = 30
    seed: int = 6


QUICK = Parameters()
FULL = Parameters(paths=100_000, size=1600, runs=100)


@dataclass(frozen=True, eq=False)
class Data:
    """Theory, networks and those of half the size by name, the rate at which the squared residual
    should fall, and whether there is an equilibrium with an antisymmetric part."""

    parameters: Parameters
    theory: dict[str, Curve]
    runs: dict[str, Curve]
    halved: dict[str, Curve]
    rates: dict[str, float]
    exists: bool


def compute(p: Parameters) -> Data:
    """Solve and iterate."""
    theory, runs, halved = dict[str, Curve](), dict[str, Curve](), dict[str, Curve]()
    rates = dict[str, float]()
    method = FixedPointIteration()
    for shown, steps in ((FREE, p.steps), (REMEMBERING, p.memory)):
        for name, (kind, scale, unit) in shown.items():
            problem = EquilibriumNetwork(kind, scale, unit, size=p.size)
            times = np.arange(steps + 1)
            own = {} if shown is FREE else {"paths": p.paths, "seed": p.seed}
            theory[name] = solve(problem, method, times=times, **own)
            for found, size in ((runs, p.size), (halved, p.size // 2)):
                own_size = replace(problem, size=size)
                found[name] = simulate(
                    own_size,
                    method,
                    times=times,
                    runs=p.runs,
                    seed=p.seed,
                    workers=1,
                    progress=False,
                )
            rates[name] = float(equilibrium(problem).edge or np.nan) ** 2
    turning, scale, unit = REMEMBERING["elliptic τ = −½, tanh"]
    end = critical_scale(EquilibriumNetwork(turning, scale, unit))
    return Data(p, theory, runs, halved, rates, scale < end)


def draw(data: Data, width: str | float) -> HouseFigure:
    """Without symmetry, and with it."""

    def panels(axes: Any) -> None:
        for panel, shown in zip(axes, (FREE, REMEMBERING), strict=True):
            found = colours(shown, registered=ENSEMBLES)
            for name, colour in found.items():
                theory = data.theory[name]
                look = THEORY | ({"linestyle": woven(1, 2)} if "orthogonal" in name else {})
                panel.plot(theory.time, theory["loss"], color=colour, label=name, **look)
                points(panel, data.runs[name], colour, 24, "loss")
            panel.set(yscale="log", xlabel="step", ylabel=r"$|z_{t+1}-z_t|^2/(2N)$")
        axes[1].legend(loc="lower left")
        key(axes[0], {"two-time theory": THEORY, "networks, mean ± 2 s.e.": SIMULATION})

    return sheet(panels, width, columns=2, aspect=0.8)


def checks(data: Data) -> tuple[Check, ...]:
    """Networks against the theory, the rate, and that a theory without memory is refuted."""
    p = data.parameters
    free = [_scores(data, name, 4) for name in FREE]
    fed = [_scores(data, name, p.memory) for name in REMEMBERING]
    removed = "; networks of N and N/2, the square of what was removed is left"
    name = "independent, tanh"
    loss = data.theory[name]["loss"]
    runs = data.runs["symmetric, tanh"]
    turning = data.runs["elliptic τ = −½, tanh"].sample("loss")
    other = solve(
        EquilibriumNetwork("ginibre", 0.7, size=p.size), FixedPointIteration(), times=[p.memory]
    )
    off = abs(runs["loss"][-1] - other["loss"][-1]) / runs.sem("loss")[-1]
    return (
        largest("largest |z| at 1/N to 0, without symmetry, 4 steps", free, p.runs - 1, removed),
        largest("largest |z| at 1/N to 0, with memory", fed, p.runs - 1, removed),
        Check(
            "|z| of symmetric networks against no memory",
            float(off),
            tail(1e-3, 1, p.runs - 1),
            np.inf,
            "refuted: Student's tail at 1e-3",
        ),
        exceeds(
            "ln of the last residual over the first where there is an equilibrium, τ = −½",
            np.log(turning[:, -1] / turning[:, 0]) if data.exists else np.zeros(2),
            "missed by the direct iteration",
            level=1e-3,
        ),
        near(
            "last ratio of squared residuals over its rate, independent",
            float(loss[-1] / loss[-2]) / data.rates[name],
            1,
            1e-3,
            "σ² E φ′², approached as the residual falls",
        ),
    )


def _scores(data: Data, name: str, last: int) -> Any:
    """z of the first steps at 1/N → 0, by a line through N/2 and N."""
    theory, runs, half = data.theory[name], data.runs[name], data.halved[name]
    steps = np.arange(1, last + 1)
    error = np.hypot(2 * runs.sem("loss")[steps], half.sem("loss")[steps])
    own = theory.diagnostics.get("loss_error")
    if own is not None:
        error = np.hypot(error, own[steps])
    loss, removed = theory["loss"][steps], (runs["loss"] - half["loss"])[steps]
    off = runs["loss"][steps] + removed - loss
    return np.sign(off) * np.maximum(np.abs(off) - removed**2 / loss, 0) / error
