r"""Layers at speeds of their own: when do features align with gradients?

A quadratic network on a quadratic teacher, both layers trained, by
:math:`W_\ell\leftarrow W_\ell-\eta C_\ell\nabla_\ell L/|\nabla_\ell L|` until the loss has fallen
to a target. Our formulation of an intervention of arXiv 2402.05271.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.blas import one_thread
from ....solvers.solve import solve
from ....theory.feature_alignment.problem import QuadraticNetwork
from ....theory.methods import GradientDescent, SpeedLimited
from ...figures.registry import DIVERGING, SEQUENTIAL
from ...figures.style import HouseFigure
from ..check import Check, exceeds, near
from ..look import outside_its_range, sheet

TITLE = "layers at speeds of their own, and the alignment of features that follows"
CAPTION = (
    "A quadratic network, d = {dimension}, k = {width}, both layers trained to {target:.0%} of the "
    "first loss. (a) Uncentred correlation over the ratio of the speeds of weights and readout and "
    "the size of the readout at the start; leftmost column: plain descent. (b) Relative "
    "displacement of the weights. (c) Features and (d) outer product of gradients at the corner "
    "of the smallest readout and the largest ratio, in the basis of the teacher. Take-away: a fast "
    "W aligns features only where the readout is so small that W must move."
)

#: of every difference over the starts, by Student's tail
LEVEL = 1e-3

Array = np.ndarray


@dataclass(frozen=True)
class Parameters:
    """Sizes, the ratios of speeds, sizes of the readout, the step, the target, the seed, and the
    starts of which the ends are checked."""

    dimension: int = 12
    width: int = 24
    ratios: tuple[float, ...] = (0.25, 1.0, 4.0, 16.0, 64.0)
    readouts: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 1.0)
    rate: float = 0.02
    until: float = 24.0
    target: float = 0.05
    seed: int = 2
    starts: int = 8


QUICK = Parameters()
FULL = Parameters(dimension=32, width=64, rate=0.01, until=60.0)


@dataclass(frozen=True, eq=False)
class Data:
    """(readout, descent or ratio): correlation and displacement; matrices of one corner.

    ``ends`` are both at the smallest and the largest readout, for descent, the slowest and the
    fastest W, by start: (2, readout, way, start).
    """

    parameters: Parameters
    alignment: Array
    displacement: Array
    reached: Array
    features: Array
    gradients: Array
    ends: Array


def problem_of(p: Parameters, readout: float, seed: int | None = None) -> QuadraticNetwork:
    """A teacher of falling eigenvalues, zero output at the start."""
    teacher = 2.0 * 0.75 ** np.arange(p.dimension) * np.where(np.arange(p.dimension) % 2, -1, 1)
    return QuadraticNetwork(
        p.width,
        p.dimension,
        teacher,
        train_readout=True,
        readout_scale=readout,
        seed=p.seed if seed is None else seed,
    )


def compute(p: Parameters) -> Data:
    """Descend at every size of the readout and every ratio; at the corners from more starts."""
    ways = (None, *p.ratios)
    with one_thread(), outside_its_range():
        runs = [[_run(p, readout, way) for way in ways] for readout in p.readouts]
        ends = [
            [
                [_run(p, readout, way, p.seed + k)[0][:2] for k in range(p.starts)]
                for way in (None, p.ratios[0], p.ratios[-1])
            ]
            for readout in (p.readouts[0], p.readouts[-1])
        ]
    told = np.array([[numbers for numbers, _ in row] for row in runs])
    alike, gone, reached = np.moveaxis(told, 2, 0)
    corner = runs[0][-1][1].arrays
    matrices = corner["NFM"][-1], corner["AGOP"][-1]
    return Data(p, alike, gone, reached, *matrices, np.moveaxis(np.array(ends), 3, 0))


def _run(
    p: Parameters, readout: float, ratio: float | None, seed: int | None = None
) -> tuple[tuple[float, float, float], Any]:
    """Alignment, displacement and loss over its target where it was reached; and the curve."""
    problem = problem_of(p, readout, seed)
    goal = p.target * float(np.sum(problem.teacher**2)) / 4
    if ratio is None:
        curve = solve(
            problem,
            GradientDescent(p.rate / 4),
            p.until / 2,
            limit="map",
            points=601,
            matrices=False,
        )
        at = int(np.argmax(curve["loss"] <= goal))
    else:
        # the faster layer moves by the rate in every step
        speeds = np.array([ratio, 1.0]) / max(ratio, 1.0)
        curve, at = (
            solve(problem, SpeedLimited(p.rate, speeds, target=goal), times=[0.0, p.until]),
            -1,
        )
    names = ("alignment", "displacement", "loss")
    alike, gone, loss = (float(curve[name][at]) for name in names)
    return (alike, gone, loss / goal), curve


def draw(data: Data, width: str | float) -> HouseFigure:
    """Two planes and two matrices."""
    p = data.parameters

    def panels(axes: Any) -> None:
        names = ["GD", *(_fraction(ratio) for ratio in p.ratios)]
        for panel, values, title in (
            (axes[0], data.alignment, "correlation"),
            (axes[1], data.displacement, r"$|W-W_0|/|W_0|$"),
        ):
            mesh = panel.pcolormesh(values, cmap=SEQUENTIAL, rasterized=True)
            panel.figure.colorbar(mesh, ax=panel)
            panel.set(xlabel="ratio of speeds", ylabel="readout $|a_0|$", title=title)
            panel.set_xticks(np.arange(len(names)) + 0.5, names, fontsize=6)
            panel.set_yticks(np.arange(len(p.readouts)) + 0.5, [f"{x:g}" for x in p.readouts])
        for panel, values, title in (
            (axes[2], data.features, "features $W^T W$"),
            (axes[3], data.gradients, "gradients"),
        ):
            size = float(np.abs(values).max())
            mesh = panel.pcolormesh(values / size, cmap=DIVERGING, vmin=-1, vmax=1, rasterized=True)
            panel.figure.colorbar(mesh, ax=panel)
            panel.invert_yaxis()
            panel.set(title=title, xlabel="direction", ylabel="direction")
            places = range(0, len(values) + 1, 4)
            panel.set(xticks=places, yticks=places)

    return sheet(panels, width, rows=2, columns=2, aspect=0.8)


def _fraction(ratio: float) -> str:
    """A ratio in few letters: 4 or 1/4."""
    return f"{ratio:g}" if ratio >= 1 else f"1/{1 / ratio:g}"


def checks(data: Data) -> tuple[Check, ...]:
    """The gain with a small readout, less of it with a large one, and what the corner shows."""
    (small, large), moved = data.ends[0], data.ends[1]
    gain, little = small[2] - small[0], large[2] - large[0]
    similar = float(
        np.vdot(data.features, data.gradients)
        / (np.linalg.norm(data.features) * np.linalg.norm(data.gradients))
    )
    far = np.log(moved[0, 2] / moved[1, 1])
    return (
        Check("largest loss over its target", float(data.reached.max()), 0, 1.0, "all reach it"),
        exceeds("smallest readout: fastest W above descent", gain, "gain", level=LEVEL),
        exceeds(
            "smallest readout: fastest W above the slowest",
            small[2] - small[1],
            "gain",
            level=LEVEL,
        ),
        exceeds(
            "that gain above the one at the largest readout",
            gain - little,
            "only where W must move",
            level=LEVEL,
        ),
        exceeds(
            "ln of the displacement at that corner over the opposite one",
            far,
            "W must move",
            level=LEVEL,
        ),
        near(
            "similarity of the matrices that are shown",
            similar,
            data.alignment[0, -1],
            1e-9,
            "definition",
        ),
    )
