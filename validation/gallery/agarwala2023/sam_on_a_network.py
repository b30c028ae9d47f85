r"""SAM on a small network on digits: where the sharpness settles, against the edge of SAM.

At one rate a larger radius ends at a smaller sharpness; where a run is held at the edge,
:math:`\eta s(1+\rho s)` stays near 2, which is the law of the quadratic model. Below the edge
nothing holds it, and the law says nothing but < 2. Setting of arXiv 2302.08692.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.sam.edge import sam_edge
from ....theory.methods import SAM
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...networks.descend import descend
from ...networks.digits import digits_network
from ..check import Check, exceeds, tail
from ..look import REFERENCE, SIMULATION, THEORY, above, kinds, sheet

TITLE = "SAM on a network on digits: sharpness over the radius, and the product of its edge"
CAPTION = (
    "(a) Sharpness over the steps for some radii, medians; (b) the product of SAM's edge; "
    "(c) the sharpness at the end over the radius, mean of {runs} runs. Take-away: where "
    "a run is held at the edge the product stays near 2, as on the quadratic model; larger "
    "radii end at smaller sharpness."
)
#: of false alarms
LEVEL = 1e-2


@dataclass(frozen=True)
class Parameters:
    """The network, one rate, and the radii; 0 is gradient descent."""

    examples: int = 60
    hidden: tuple[int, ...] = (16,)
    rate: float = 0.25
    radii: tuple[float, ...] = (0.0, 0.02, 0.05, 0.1, 0.2)
    steps: int = 400
    every: int = 10
    runs: int = 6
    seed: int = 1


QUICK = Parameters()
FULL = Parameters(examples=100, hidden=(32,), steps=1000, every=20, runs=12)


@dataclass(frozen=True, eq=False)
class Data:
    """By radius the runs, paired over starts."""

    parameters: Parameters
    runs: dict[float, Curve]


def compute(parameters: Parameters) -> Data:
    """All of the data in every step."""
    p = parameters
    network = digits_network(p.examples, seed=p.seed, hidden=p.hidden)
    options: dict[str, Any] = {"every": p.every, "runs": p.runs, "seed": p.seed, "progress": False}
    return Data(p, {r: descend(network, SAM(p.rate, r), p.steps, **options) for r in p.radii})


def draw(data: Data, width: str | float) -> HouseFigure:
    """Sharpness and product over the steps, and the last sharpness over the radius."""
    p = data.parameters

    def panels(axes: np.ndarray) -> None:
        for radius, colour in ordered(list(data.runs)).items():
            curve = data.runs[radius]
            label = rf"$\rho={radius:g}$" if radius else "gradient descent"
            for name, axis in (("sharpness", axes[0]), ("edge", axes[1])):
                axis.plot(
                    curve.time,
                    np.median(curve.sample(name), axis=0),
                    color=colour,
                    linewidth=0.9,
                    label=label,
                )
            ends = _settled(data, radius, "sharpness")
            error = 2 * ends.std(ddof=1) / np.sqrt(ends.size)
            axes[2].errorbar([radius], [ends.mean()], [error], color=colour, **SIMULATION)
        grid = np.linspace(0, max(p.radii), 100)
        axes[2].plot(grid, sam_edge(p.rate, grid), color="black", label="edge of SAM", **THEORY)
        axes[0].set(xlabel="step", ylabel="median sharpness", yscale="log")
        axes[1].axhline(2, **REFERENCE)
        axes[1].set(xlabel="step", ylabel=r"median $\eta s(1+\rho s)$", ylim=(1, 3))
        axes[2].set(xlabel=r"radius $\rho$", ylabel="last sharpness")
        keyed = kinds({"last quarter, mean ± 2 s.e. (c)": SIMULATION})
        handles = [*axes[0].get_legend_handles_labels()[0], axes[2].lines[-1], *keyed]
        above(axes[0].figure, handles, 3)

    return sheet(panels, width, columns=3, aspect=1.0)


def _settled(data: Data, radius: float, name: str) -> np.ndarray:
    """The mean over the last quarter of every run."""
    every = data.runs[radius].sample(name)
    return every[:, -(every.shape[1] // 4) :].mean(axis=1)


def checks(data: Data) -> tuple[Check, ...]:
    """The order of the radii, and between which edges the sharpness settles.

    On a network the edge of SAM is no law that runs are equal to: it is the one they are nearer to.
    """
    p = data.parameters
    sharp = {radius: _settled(data, radius, "sharpness") for radius in p.radii}
    fall = -np.polyfit(p.radii, np.array(list(sharp.values())), 1)[0]
    plain = float(sam_edge(p.rate, 0.0))
    below = plain - np.array([sharp[r] for r in p.radii if r])
    away = plain - np.array([float(sam_edge(p.rate, r)) for r in p.radii if r])
    # of every run by least squares over the radii: 0 at the edge of descent, 1 at that of SAM
    place = away @ below / (away @ away)
    return (
        exceeds(
            "fall of the last sharpness with the radius",
            fall,
            "larger radii end flatter",
            level=LEVEL,
        ),
        exceeds(
            "beyond half the way from the edge of gradient descent to that of SAM, all radii",
            place - 0.5,
            "nearer to the edge of SAM",
            level=LEVEL,
        ),
        Check(
            "z: edge of gradient descent above the last sharpness, smallest",
            min(map(_score, below)),
            tail(2 * LEVEL, 1, p.runs - 1),
            np.inf,
            f"2/rate is another law; Student's tail at {LEVEL:g}",
        ),
    )


def _score(differences: np.ndarray) -> float:
    return float(differences.mean() / (differences.std(ddof=1) / np.sqrt(differences.size)))
