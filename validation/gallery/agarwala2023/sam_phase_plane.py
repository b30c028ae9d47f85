r"""The plane of z and T = rate · sharpness of one example under SAM: basins, orbits and the edge.

The fixed line z = 0 is stable below :math:`T(1+\rho T)=2`; orbits that start above it cross it and
settle below, or run away. Model of arXiv 2210.04860, algorithm of 2302.08692.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.patches import Patch

from ....solvers.core.curve import Curve
from ....solvers.sam.edge import sam_edge
from ....solvers.solve import solve
from ....theory.core.errors import InvalidInput, ValidityWarning
from ....theory.methods.sam import SAM
from ....theory.two_eigenvalues.problem import TwoEigenvalueModel
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import ROUNDING, Check, near
from ..look import REFERENCE, SEQUENCE, above, kinds, sheet

TITLE = "the phase plane of one example under SAM: the edge moves, and so do the basins"
CAPTION = (
    "Basins and orbits of one example under gradient descent and SAM. Take-away: the edge "
    "moves down, and so do the basins."
)

Array = np.ndarray


@dataclass(frozen=True)
class Parameters:
    """ε, E, radii, starts (z, T) over the edge, a grid of starts, and steps.

    An even grid, without z = 0, where nothing moves.
    """

    epsilon: float = 0.05
    invariant: float = 0.2
    radii: tuple[float, ...] = (0.0, 0.2)
    starts: tuple[tuple[float, float], ...] = ((0.05, 1.1), (-0.2, 1.02), (0.25, 0.7))
    grid: int = 40
    widest: float = 1.5
    highest: float = 5.0
    steps: int = 1500


QUICK = Parameters()
FULL = Parameters(grid=120, steps=10_000)


@dataclass(frozen=True, eq=False)
class Portrait:
    """Orbits, those of the closed map, and by start of the grid: where it ends (NaN: away)."""

    edge: float
    runs: Curve
    closed: list[Curve]
    ends: Array
    growth: float


@dataclass(frozen=True, eq=False)
class Data:
    """A portrait a radius."""

    parameters: Parameters
    portraits: dict[float, Portrait]


def compute(p: Parameters) -> Data:
    """Follow orbits from starts beyond the edge, and every start of a grid."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ValidityWarning)  # starts that run away are shown
        return Data(p, {radius: _portrait(p, radius) for radius in p.radii})


def _portrait(p: Parameters, radius: float) -> Portrait:
    method, edge = SAM(1.0, radius), float(sam_edge(1.0, radius))
    starts = [(z, share * edge) for z, share in p.starts]
    times = np.arange(401)
    runs = simulate(_model(p, starts[0]), method, times=times, starts=starts)
    closed = [solve(_model(p, start), method, times=times) for start in starts]
    ends = np.full((p.grid, p.grid), np.nan)
    for i, T in enumerate(np.linspace(0.05, p.highest, p.grid)):
        for j, z in enumerate(np.linspace(-p.widest, p.widest, p.grid)):
            try:
                model = _model(p, (float(z), float(T)))
            except InvalidInput:  # no real Jacobian has this z and T
                ends[i, j] = np.inf
                continue
            ends[i, j] = solve(model, method, p.steps, points=2)["T"][-1]
    tiny = solve(_model(p, (1e-8, 1.3 * edge)), method, 1, points=2).z
    return Portrait(edge, runs, closed, ends, float(tiny[1] / tiny[0]))


def _model(p: Parameters, start: tuple[float, float]) -> TwoEigenvalueModel:
    return TwoEigenvalueModel(p.epsilon, p.invariant, start)


def draw(data: Data, width: str | float) -> HouseFigure:
    """Basins as shades, every second step of the orbits, the edge."""

    def panels(axes: Any) -> None:
        p = data.parameters
        for axis, (radius, portrait) in zip(axes, data.portraits.items(), strict=True):
            shade = np.where(np.isinf(portrait.ends), 0.5, np.isfinite(portrait.ends) * 1.0)
            axis.imshow(
                shade,
                origin="lower",
                aspect="auto",
                cmap="gray",
                vmin=-1.5,
                vmax=1.0,
                extent=(-p.widest, p.widest, 0.05, p.highest),
            )
            z, T = portrait.runs.sample("z"), portrait.runs.sample("T")
            for colour, one, other in zip(SEQUENCE, z, T, strict=False):
                axis.plot(one[::2], other[::2], ".-", color=colour, markersize=2, linewidth=0.5)
                axis.plot(one[0], other[0], "o", color=colour, markersize=3)
            axis.axhline(portrait.edge, **REFERENCE)
            axis.set(xlabel="$z$", ylabel=r"$T=\eta s$", xlim=(-p.widest, p.widest))
            axis.set(title="gradient descent" if radius == 0 else rf"SAM, $\rho={radius:g}$")
        shades = {"runs away": "0.6", "no such state": "0.8"}
        handles = [Patch(color=shade, label=name) for name, shade in shades.items()]
        orbits = {"color": "0.2", "marker": ".", "markersize": 4, "linewidth": 0.5}
        start = {"color": "0.2", "marker": "o", "markersize": 4, "linestyle": "none"}
        lines = {"orbit, every second step": orbits, "its start": start, "edge": REFERENCE}
        above(axes[0].figure, [*kinds(lines), *handles], 5)

    return sheet(panels, width, columns=2, aspect=0.9)


def checks(data: Data) -> tuple[Check, ...]:
    """Elimination, growth at the fixed line, and ends below the edge."""
    found = []
    for radius, portrait in data.portraits.items():
        name, T = f"radius {radius:g}", 1.3 * portrait.edge
        gap = max(
            float(np.nanmax(np.abs(portrait.runs.sample("T")[k] - closed["T"])))
            for k, closed in enumerate(portrait.closed)
        )
        ends = portrait.ends[np.isfinite(portrait.ends)]
        away = float(np.isnan(portrait.ends).mean())
        found += [
            Check(f"{name}: full model from the closed map", gap, 0, 1e-11, "exact elimination"),
            near(
                f"{name}: factor of a tiny z above the edge",
                portrait.growth,
                1 - T * (1 + radius * T),
                1e-6,
                "1 − T(1 + ρT), z = 1e-8",
            ),
            Check(
                f"{name}: highest end over the edge",
                float(ends.max()) / portrait.edge,
                ROUNDING,
                1 - ROUNDING,
                "no minimum above it attracts, and some below it does",
            ),
            Check(
                f"{name}: share of the grid that runs away",
                away,
                1 / portrait.ends.size,
                1 - 1 / portrait.ends.size,
                "of either kind there is one",
            ),
        ]
    return tuple(found)
