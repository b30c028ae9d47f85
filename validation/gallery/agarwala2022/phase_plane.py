r"""The plane of z and T = rate · sharpness of one example: every step, and every second step.

A step turns the sign of z near T = 2, so that the picture is simple only for pairs of steps: with
:math:`y=T-2-2z`, orbits fall on the slow manifold :math:`z^2=\tfrac y2+\tfrac\epsilon4(1+E)` beside
the nullcline :math:`z^2=\tfrac y2` and slide along it to T just below 2. In
:math:`Y=y/\epsilon` and :math:`Z=z^2/\epsilon` all this is the leading order in
:math:`\sqrt\epsilon`: what the same starts (Y, Z) tend to as ε falls. Model of arXiv 2210.04860.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....solvers.solve import solve
from ....solvers.two_eigenvalues.edge_offset import edge_offset
from ....theory.methods import GradientDescent
from ....theory.two_eigenvalues.derivation import C_start, Z_of_Y, two_eigenvalue_theory
from ....theory.two_eigenvalues.problem import TwoEigenvalueModel
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, near
from ..look import EXACT, REFERENCE, SEQUENCE, THEORY, key, sheet

#: of the key: markers without lines
DOTS: dict[str, Any] = {"linestyle": "none", "markersize": 5}
NULLCLINE: dict[str, Any] = {**THEORY, "color": SEQUENCE[3]}
TITLE = "the phase plane of one example: every step, and every second step"
CAPTION = (
    "(a) Orbits step by step and (b) every second step, with the displacement (arrows), "
    "nullcline and slow manifold. Take-away: two steps at a time, orbits fall on a slow "
    "manifold and slide along it to just below 2."
)

Array = np.ndarray


@dataclass(frozen=True)
class Parameters:
    """ε, E, starts (z, y) with T = 2 + y + 2z, how many steps are shown, and the grid.

    Checks are made at shares of ε, ``finer``, of the same (Y, Z).
    """

    epsilon: float = 0.05
    invariant: float = 0.0
    starts: tuple[tuple[float, float], ...] = ((0.02, 0.2), (0.33, 0.12), (-0.3, 0.15))
    steps: int = 1200
    shown: int = 13
    widest: float = 0.4
    highest: float = 0.3
    grid: int = 121
    finer: tuple[float, ...] = (1 / 2, 1 / 4, 1 / 8, 1 / 16)

    def at(self, share: float) -> Parameters:
        """The same (Y, Z) at a share of ε."""
        root = float(np.sqrt(share))
        return replace(
            self,
            epsilon=share * self.epsilon,
            starts=tuple((root * z, share * y) for z, y in self.starts),
            steps=round(self.steps / share),
            widest=root * self.widest,
            highest=share * self.highest,
        )


QUICK = Parameters()
FULL = Parameters(grid=401)


@dataclass(frozen=True, eq=False)
class Portrait:
    """Orbits (run, steps + 1) of the full model and T of the closed map; a grid (z, y), and on it
    the displacement (2, y, z) by two steps of the exact map."""

    parameters: Parameters
    z: Array
    T: Array
    closed: Array
    plane: tuple[Array, Array]
    moved: Array

    @property
    def y(self) -> Array:
        """T − 2 − 2z."""
        return self.T - 2 - 2 * self.z


@dataclass(frozen=True, eq=False)
class Data:
    """The portrait that is drawn, and those at smaller ε."""

    drawn: Portrait
    finer: tuple[Portrait, ...]


def compute(parameters: Parameters) -> Data:
    """Portraits at ε and at its shares."""
    finer = tuple(_portrait(parameters.at(share)) for share in parameters.finer)
    return Data(_portrait(parameters), finer)


def _portrait(p: Parameters) -> Portrait:
    """Orbits by the full (z, J₁, J₂) recursion; displacements by the derived map."""
    unit, times = GradientDescent(1.0), np.arange(p.steps + 1)
    models = [_model(p, *start) for start in p.starts]
    runs = simulate(models[0], unit, starts=[model.start for model in models], times=times)
    closed = [solve(model, unit, times=times)["T"] for model in models]
    z, y = np.meshgrid(
        np.linspace(-p.widest, p.widest, p.grid), np.linspace(-0.15, 1, p.grid) * p.highest
    )
    moved = _two_steps(p, z, y)
    return Portrait(p, runs.sample("z"), runs.sample("T"), np.array(closed), (z, y), moved)


def _model(p: Parameters, z: float, y: float) -> TwoEigenvalueModel:
    return TwoEigenvalueModel(p.epsilon, p.invariant, (z, 2 + y + 2 * z))


def _two_steps(p: Parameters, z: Array, y: Array) -> Array:
    """Displacement of z and y by two steps of the closed map."""
    functions = two_eigenvalue_theory().functions
    after = {"z": z, "T": 2 + y + 2 * z, "epsilon": p.epsilon, "E": p.invariant}
    for _ in range(2):
        once = {"z": functions["z_next"](**after), "T": functions["T_next"](**after)}
        after |= once
    return np.stack([after["z"] - z, after["T"] - 2 - 2 * after["z"] - y])


def squares(p: Parameters, y: Any, constant: float = 0.0) -> Array:
    """z² over y, the derived Z(Y); the slow manifold is without its exponential."""
    Z = two_eigenvalue_theory().functions[str(Z_of_Y)]
    return p.epsilon * Z(Y=y / p.epsilon, E=p.invariant, C=constant)


def draw(data: Data, width: str | float) -> HouseFigure:
    """Every step in (z, T); every second step in (z, y) with nullcline and slow manifold."""

    def panels(axes: Any) -> None:
        drawn, p = data.drawn, data.drawn.parameters
        for colour, z, T, y in zip(SEQUENCE, drawn.z, drawn.T, drawn.y, strict=False):
            marked: dict[str, Any] = {"color": colour, "markersize": 2.4, "linewidth": 0.5}
            axes[0].plot(z[: p.shown], T[: p.shown], ".-", **marked)
            axes[1].plot(z[::2], y[::2], ".-", **marked)
            axes[0].plot(z[0], T[0], "o", color=colour, markersize=4)
            axes[1].plot(z[0], y[0], "o", color=colour, markersize=4)
        axes[0].axhline(2, **REFERENCE)
        axes[0].set(xlabel="$z$, every step", ylabel=r"$T=\eta\lambda$")
        _draw_field(axes[1], drawn)
        axes[1].set(xlabel="$z$, every second step", ylabel="$y=T-2-2z$")
        axes[1].set(xlim=(-p.widest, p.widest), ylim=(-0.15 * p.highest, p.highest))
        orbits = {f"orbit {k + 1}": c for k, c in zip(range(len(p.starts)), SEQUENCE, strict=False)}
        step = {"two steps from there": {"color": "0.75", "marker": r"$\rightarrow$", **DOTS}}
        starts = {"start": {"color": "0.3", "marker": "o", **DOTS}}
        lines = {"edge $T=2$": REFERENCE, "nullcline $z^2=y/2$": NULLCLINE}
        lines |= {"slow manifold": {"color": "black", **EXACT}}
        key(axes[0], lines | starts | step, 4, colours=orbits)

    return sheet(panels, width, columns=2, aspect=0.85)


def _draw_field(axis: Any, portrait: Portrait) -> None:
    p, (z, y) = portrait.parameters, portrait.plane
    some = (slice(None, None, max(1, len(z) // 15)),) * 2
    arrows = portrait.moved[:, some[0], some[1]] / np.array([p.widest, p.highest])[:, None, None]
    axis.quiver(
        z[some],
        y[some],
        *(arrows / np.hypot(*arrows)),
        color="0.75",
        scale=26,
        width=0.003,
        pivot="mid",
    )
    height = np.linspace(-p.epsilon * (1 + p.invariant) / 2, p.highest, 1201)
    for sign in (-1, 1):
        flat = sign * np.sqrt(np.maximum(height, 0) / 2)
        slow = sign * np.sqrt(np.maximum(squares(p, height), 0))
        up = height >= 0
        axis.plot(flat[up], height[up], **NULLCLINE)
        axis.plot(slow, height, color="black", **EXACT)


def checks(data: Data) -> tuple[Check, ...]:
    """The closed map; and as ε falls the nullcline, the slow manifold and the ends."""
    portraits = (data.drawn, *data.finer)
    gap = max(float(np.abs(one.T - one.closed).max()) for one in portraits)
    nullcline = [_nullcline(one) for one in data.finer]
    distances = np.array([_distances(one) for one in data.finer])
    ends = np.array([_ends(one) for one in data.finer])
    return (
        Check(
            "full model from the closed map, all orbits", gap, 0, 1e-12, "the elimination is exact"
        ),
        *_limits(data, ("y/(2 z^2) on the exact nullcline of two steps",), np.array(nullcline), 1),
        *_limits(data, [f"orbit {k}: Z - Z(Y) at Y = 1/2" for k in (1, 2, 3)], distances, 0),
        *_limits(
            data,
            [f"orbit {k}: 2 - T at the end over that from its start" for k in (1, 2, 3)],
            ends,
            1,
        ),
    )


def _limits(data: Data, names: Any, values: Array, expected: float) -> list[Check]:
    """What values tend to as ε → 0, by the polynomial in √ε through all; without the largest ε it
    is another one, and the orbits share how far it may be off."""
    roots = np.sqrt([one.parameters.epsilon for one in data.finer])
    values = values.reshape(roots.size, -1)
    limits = np.polyfit(roots, values, roots.size - 1)[-1]
    before = np.polyfit(roots[1:], values[1:], roots.size - 2)[-1]
    allowed, origin = np.abs(limits - before).max(), "extrapolated; what the largest one changes"
    return [
        near(f"{name}, epsilon to 0", limit, expected, allowed, origin)
        for name, limit in zip(names, limits, strict=True)
    ]


def _nullcline(portrait: Portrait) -> float:
    """y/(2z²) where two steps do not move z: the mean over ±z of the zero found on the grid."""
    (grid, y), shift = portrait.plane, portrait.moved[0]
    found = []
    inside = grid.shape[1] // 8
    for column in (inside, -inside - 1):
        z = grid[0, column]
        found.append(np.interp(0.0, np.sign(z) * shift[:, column], y[:, column]) / (2 * z**2))
    return float(np.mean(found))


def _distances(portrait: Portrait) -> list[float]:
    """Z of every orbit less that of the derived orbit from its start, where Y falls to 1/2."""
    p = portrait.parameters
    constant = two_eigenvalue_theory().functions[str(C_start)]
    found = []
    for z, y in zip(portrait.z[:, ::2], portrait.y[:, ::2], strict=True):
        C = constant(Y_0=y[0] / p.epsilon, Z_0=z[0] ** 2 / p.epsilon, E=p.invariant)
        off = (z**2 - squares(p, y, C)) / p.epsilon
        found.append(float(np.interp(-0.5, -y / p.epsilon, off)))
    return found


def _ends(portrait: Portrait) -> list[float]:
    """2 − T of every orbit at its end, over what is predicted from its start."""
    p = portrait.parameters
    offsets = 2 - (portrait.T[:, -1] + portrait.T[:, -2]) / 2
    predicted = [edge_offset(_model(p, *start)).predicted_from_start for start in p.starts]
    return [float(o / q) for o, q in zip(offsets, predicted, strict=True) if q is not None]
