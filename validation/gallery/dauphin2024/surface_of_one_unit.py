r"""Loss and neglected part over norm and overlap, for the ReLU and for GELU of two sharpnesses.

For the ReLU :math:`\mathrm{NME}/d=-\frac1{2\pi}\sqrt{T/Q}\,\sin\vartheta`, cos ϑ = R/√(QT). Model
derived here, after arXiv 2401.10809.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....theory.activations import GELU, Activation, ReLU
from ....theory.core.numeric import numeric
from ....theory.hessian.step import Q, R, T, loss_of
from ...figures.registry import DIVERGING
from ...figures.style import HouseFigure
from ..check import Check, below, beyond, near
from ..look import key, sheet

TITLE = "loss and neglected part over norm and overlap: GELU and ReLU"
CAPTION = (
    "One unit that learns one unit, T = 1: trace per dimension of the neglected part of the "
    "Hessian (colours) and loss (lines) over norm Q and overlap R, for GELU with β = 1 and β = 4 "
    "and for the ReLU. Take-away: the neglected part is negative almost everywhere, largest where "
    "the unit is short and at right angles to the teacher, and it outlives the limit of a kink, "
    "where automatic differentiation sees none of it."
)
UNITS: dict[str, Activation] = {"GELU, β = 1": GELU(), "GELU, β = 4": GELU(4.0), "ReLU": ReLU()}

Array = np.ndarray


@dataclass(frozen=True)
class Parameters:
    """Ends of the norm, points a side, and the sharpnesses of the check."""

    norms: tuple[float, float] = (0.1, 2.0)
    points: int = 81
    sharp: tuple[float, ...] = (16.0, 32.0, 64.0)


QUICK = Parameters()
FULL = Parameters(points=301)


@dataclass(frozen=True, eq=False)
class Data:
    """Grid (Q, R); loss and neglected part by unit; largest gap to the ReLU by sharpness."""

    parameters: Parameters
    norm: Array
    overlap: Array
    losses: dict[str, Array]
    neglected: dict[str, Array]
    gaps: Array


def compute(p: Parameters) -> Data:
    """Evaluate on a grid in norm and angle."""
    norm, cosine = np.meshgrid(
        np.linspace(*p.norms, p.points), np.linspace(-0.999, 0.999, p.points), indexing="ij"
    )
    overlap = cosine * np.sqrt(norm)
    surfaces = {name: surface(unit, norm, overlap) for name, unit in UNITS.items()}
    sharp = surfaces["ReLU"][1]
    inside = (norm > 0.3) & (np.abs(cosine) < 0.9)
    gaps = [
        float(np.abs(surface(GELU(beta), norm, overlap)[1] - sharp)[inside].max())
        for beta in p.sharp
    ]
    losses, neglected = ({name: each[i] for name, each in surfaces.items()} for i in range(2))
    return Data(p, norm, overlap, losses, neglected, np.array(gaps))


def surface(unit: Activation, norm: Array, overlap: Array) -> tuple[Array, Array]:
    """Loss and trace of the neglected part per dimension at T = 1."""
    loss, symbols = loss_of(unit), unit.symbols
    forms = loss.value, loss.gradient[0] - loss.gauss_newton
    values = (numeric((Q, R, T, *symbols), form) for form in forms)
    ones = np.ones_like(norm)
    first, second = (np.asarray(f(norm, overlap, ones, *symbols.values())) for f in values)
    return first, second


def draw(data: Data, width: str | float) -> HouseFigure:
    """One panel a unit, one scale of colours."""

    def panels(axes: Any) -> None:
        size = max(float(np.abs(each).max()) for each in data.neglected.values())
        for panel, name in zip(axes, data.neglected, strict=True):
            mesh = panel.pcolormesh(
                data.norm,
                data.overlap,
                data.neglected[name],
                cmap=DIVERGING,
                vmin=-size,
                vmax=size,
                shading="gouraud",
                rasterized=True,
            )
            lines = panel.contour(
                data.norm,
                data.overlap,
                data.losses[name],
                [0.02, 0.05, 0.1, 0.2, 0.4, 0.8],
                colors="black",
                linewidths=0.5,
            )
            panel.clabel(lines, fontsize=5)
            panel.plot(1, 1, "k*", markersize=5)
            panel.set(title=name, xlabel="norm $Q$", ylabel="overlap $R$")
        axes[0].figure.colorbar(mesh, ax=list(axes), label="neglected trace$/d$")
        teacher = {"color": "black", "marker": "*", "markersize": 5, "linestyle": "none"}
        key(axes[0], {"teacher": teacher, "loss": {"color": "black", "linewidth": 0.5}})

    return sheet(panels, width, columns=3, aspect=1.0)


def checks(data: Data) -> tuple[Check, ...]:
    """The closed form of the ReLU, the value printed for it, the loss at the teacher, the limit."""
    cosine = data.overlap / np.sqrt(data.norm)
    closed = -np.sqrt((1 - cosine**2) / data.norm) / (2 * np.pi)
    gap = float(np.abs(data.neglected["ReLU"] - closed).max())
    known = [
        float(surface(unit, np.array([0.8]), np.array([0.3]))[1][0]) for unit in (ReLU(), GELU())
    ]
    slopes = np.diff(np.log(data.gaps)) / np.diff(np.log(data.parameters.sharp))
    share = float(np.mean(data.neglected["GELU, β = 1"] < 0))
    return (
        near("largest gap of the ReLU to its closed form", gap, 0, 1e-12, "closed form"),
        near("ReLU at (.8, .3, 1)", known[0], -0.167634, 1.5e-6, "sanity value"),
        near("GELU at (.8, .3, 1)", known[1], -0.086724, 5e-7, "sanity value"),
        below("exponents of the gap to the ReLU in β", slopes.max(), -1, "at least as fast as 1/β"),
        beyond("share of the plane in which it is negative, β = 1", share, 0.5, "most of it"),
    )
