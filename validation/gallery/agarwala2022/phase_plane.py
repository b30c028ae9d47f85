r"""The plane of z and T = rate · sharpness of one example: every step, and every second step.

A step turns the sign of z near T = 2, so that the picture is simple only for pairs of steps: with
:math:`y=T-2-2z`, orbits fall on the slow manifold :math:`z^2=\tfrac y2+\tfrac\epsilon4(1+E)` beside
the nullcline :math:`z^2=\tfrac y2` and slide along it to T just below 2. Model of arXiv 2210.04860.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.solve import solve
from ....theory.methods import GradientDescent
from ....theory.sharpening.two_eigenvalues import TwoEigenvalueModel
from ....theory.sharpening.two_eigenvalues_derivation import Z_of_Y, two_eigenvalue_theory
from ...figure import HouseFigure
from ...simulate import simulate
from ..check import Check, near
from ..look import EXACT, REFERENCE, SEQUENCE, THEORY, sheet

TITLE = "the phase plane of one example: every step, and every second step"

Array = np.ndarray


@dataclass(frozen=True)
class Parameters:
    """ε, E, starts (z, y) with T = 2 + y + 2z, how many steps are shown, and the grid."""

    epsilon: float = 0.05
    invariant: float = 0.0
    starts: tuple[tuple[float, float], ...] = ((0.02, 0.2), (0.33, 0.06), (-0.3, 0.15))
    steps: int = 1200
    shown: int = 13
    widest: float = 0.4
    highest: float = 0.3
    grid: int = 121


QUICK = Parameters()
FULL = Parameters(grid=401)


@dataclass(frozen=True, eq=False)
class Data:
    """Orbits (run, steps + 1) of the full model and T of the closed map; a grid (z, y), and on it
    the displacement (2, y, z) by two steps of the exact map."""

    parameters: Parameters
    z: Array
    T: Array
    closed: Array
    plane: tuple[Array, Array]
    moved: Array


def compute(parameters: Parameters) -> Data:
    """Orbits by the full (z, J₁, J₂) recursion; displacements by the derived map."""
    p, unit = parameters, GradientDescent(1.0)
    model = TwoEigenvalueModel(p.epsilon, p.invariant)
    starts = [(z, 2 + y + 2 * z) for z, y in p.starts]
    times = np.arange(p.steps + 1)
    runs = simulate(model, unit, starts=starts, times=times)
    closed = [
        solve(TwoEigenvalueModel(p.epsilon, p.invariant, start), unit, times=times)["T"]
        for start in starts
    ]
    z, y = np.meshgrid(
        np.linspace(-p.widest, p.widest, p.grid), np.linspace(-0.15, 1, p.grid) * p.highest
    )
    moved = _two_steps(p, z, y)
    return Data(p, runs.sample("z"), runs.sample("T"), np.array(closed), (z, y), moved)


def _two_steps(p: Parameters, z: Array, y: Array) -> Array:
    """Displacement of z and y by two steps of the closed map."""
    functions = two_eigenvalue_theory().functions
    after = {"z": z, "T": 2 + y + 2 * z, "epsilon": p.epsilon, "E": p.invariant}
    for _ in range(2):
        once = {"z": functions["z_next"](**after), "T": functions["T_next"](**after)}
        after |= once
    return np.stack([after["z"] - z, after["T"] - 2 - 2 * after["z"] - y])


def manifold(p: Parameters, y: Array) -> Array:
    """z² on the slow manifold: the derived Z(Y) without its exponential."""
    Z = two_eigenvalue_theory().functions[str(Z_of_Y)]
    return p.epsilon * Z(Y=y / p.epsilon, E=p.invariant, C=0.0)


def draw(data: Data, width: str | float) -> HouseFigure:
    """Every step in (z, T); every second step in (z, y) with nullcline and slow manifold."""

    def panels(axes: Any) -> None:
        p, y = data.parameters, data.T - 2 - 2 * data.z
        for colour, z, T, height in zip(SEQUENCE, data.z, data.T, y, strict=False):
            marked: dict[str, Any] = {"color": colour, "markersize": 2.4, "linewidth": 0.5}
            axes[0].plot(z[: p.shown], T[: p.shown], ".-", **marked)
            axes[1].plot(z[::2], height[::2], ".-", **marked)
        axes[0].axhline(2, **REFERENCE)
        axes[0].set(xlabel="$z$, every step", ylabel=r"$T=\eta\lambda$")
        _draw_field(axes[1], data)
        axes[1].set(xlabel="$z$, every second step", ylabel="$y=T-2-2z$")
        axes[1].set(xlim=(-p.widest, p.widest), ylim=(-0.15 * p.highest, p.highest))
        handles, names = axes[1].get_legend_handles_labels()
        axes[0].figure.legend(handles, names, loc="outside upper left", ncols=2)

    return sheet(panels, width, columns=2, aspect=0.85)


def _draw_field(axis: Any, data: Data) -> None:
    p, (z, y) = data.parameters, data.plane
    some = (slice(None, None, max(1, len(z) // 15)),) * 2
    arrows = data.moved[:, some[0], some[1]] / np.array([p.widest, p.highest])[:, None, None]
    axis.quiver(z[some], y[some], *(arrows / np.hypot(*arrows)), color="0.75", scale=26,
                width=0.003, pivot="mid")  # fmt: skip
    height = np.linspace(-p.epsilon * (1 + p.invariant) / 2, p.highest, 1201)
    for k, sign in enumerate((-1, 1)):
        names = ("nullcline $z^2=y/2$", "slow manifold") if k else (None, None)
        flat = sign * np.sqrt(np.maximum(height, 0) / 2)
        slow = sign * np.sqrt(np.maximum(manifold(p, height), 0))
        up = height >= 0
        axis.plot(flat[up], height[up], color=SEQUENCE[3], label=names[0], **THEORY)
        axis.plot(slow, height, color="black", label=names[1], **EXACT)


def checks(data: Data) -> tuple[Check, ...]:
    """The closed map, the nullcline, the slow manifold, the end."""
    p = data.parameters
    z, T = (array[:, ::2] for array in (data.z, data.T))
    y = T - 2 - 2 * z
    sliding = (np.arange(y.shape[1]) > 2 / np.sqrt(p.epsilon)) & (y > 0) & (y < 2 * p.epsilon)
    off, bare = (np.mean((z**2 - flat)[sliding]) for flat in (manifold(p, y), y / 2))
    offset = 2 - (data.T[:, -1] + data.T[:, -2]) / 2
    return (
        Check("full model from the closed map, all orbits", np.abs(data.T - data.closed).max(), 0,
              1e-12, "the elimination is exact"),
        near("y/(2 z^2) on the exact nullcline of two steps", _nullcline(data), 1,
             2 * p.epsilon, "relative error epsilon: the odd order cancels over both signs"),
        near("distance from the slow manifold over that from z^2 = y/2", off / bare, 0,
             np.sqrt(2 * p.epsilon), "relative error y^(1/2) of the manifold"),
        near("largest 2 - T at the end, in epsilon (1 + E)/2",
             offset.max() / (p.epsilon * (1 + p.invariant) / 2), 1, 4 * p.epsilon,
             "relative error of order epsilon"),
    )  # fmt: skip


def _nullcline(data: Data) -> float:
    """y/(2z²) where two steps do not move z: the mean over ±z of the zero found on the grid."""
    (grid, y), shift = data.plane, data.moved[0]
    found = []
    inside = grid.shape[1] // 8
    for column in (inside, -inside - 1):
        z = grid[0, column]
        found.append(np.interp(0.0, np.sign(z) * shift[:, column], y[:, column]) / (2 * z**2))
    return float(np.mean(found))
