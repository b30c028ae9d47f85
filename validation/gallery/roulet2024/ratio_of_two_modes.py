r"""Two curvatures: where the ratio of their gradients settles, for CDAT and Polyak.

The slope μ of :math:`\ln r\mapsto\ln r^+` at the fixed point, over κ and the scale; the scales at
which it is −1 bound two windows of stability. Below, what the maps do at one κ.
Setting of arXiv 2407.06183, formulas derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.tuners.bifurcation import Bifurcation, bifurcation
from ....theory.methods import CDAT, Polyak
from ....theory.tuners.problem import TwoCurvatures
from ....theory.tuners.ratio import ratio_theory
from ...figures.registry import DIVERGING
from ...figures.style import HouseFigure
from ..check import Check, near
from ..look import REFERENCE, SEQUENCE, above, kinds, sheet

TITLE = "the ratio of two modes under CDAT and Polyak: two windows of stability, and chaos between"
CAPTION = (
    "Slope of the map of the ratio of two modes over condition number and scale (a, b), and "
    "what the maps do at one of them (c, d). Take-away: two windows of stability, and chaos "
    "between."
)

KINDS: dict[str, Any] = {"CDAT": CDAT, "Polyak": Polyak}


@dataclass(frozen=True)
class Parameters:
    """Condition number of the diagrams, how many scales, steps and kept steps; the map's grid."""

    kappa: float = 8.0
    scales: int = 160
    steps: int = 4000
    keep: int = 60
    largest: float = 20.0
    grid: int = 150


QUICK = Parameters()
FULL = Parameters(scales=1000, steps=10_000, keep=150, grid=400)


@dataclass(frozen=True, eq=False)
class Data:
    """By tuner: the grids of κ and scale with μ (NaN without a fixed point), and the diagram."""

    parameters: Parameters
    maps: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
    diagrams: dict[str, Bifurcation]
    greedy: np.ndarray


def compute(parameters: Parameters) -> Data:
    """μ from the derivation, and the attractors of the exact maps."""
    p = parameters
    maps, diagrams = {}, {}
    for name, kind in KINDS.items():
        high = 2.0 if kind is CDAT else 4.0
        kappa, scale = np.linspace(1.2, p.largest, p.grid), np.linspace(0.02, high, p.grid)
        maps[name] = kappa, scale, slopes(kind, kappa[None, :], scale[:, None])
        scales = np.linspace(0.03, 1.0, p.scales) * high
        diagrams[name] = bifurcation(
            TwoCurvatures(p.kappa, (0.3, 1.0)),
            kind(1.0),
            "scale",
            scales,
            steps=p.steps,
            keep=p.keep,
        )
    one = bifurcation(TwoCurvatures(p.kappa), CDAT(1.0), "scale", [1.0], steps=200, keep=100)
    return Data(p, maps, diagrams, one.samples["step"][0])


def slopes(kind: Any, kappa: Any, scale: Any) -> np.ndarray:
    """μ where there is a fixed point."""
    f = ratio_theory(kind).functions
    numbers = {"kappa": kappa, "c": scale}
    inside = (scale > f["c_low"](**numbers)) & (scale < f["c_high"](**numbers))
    return np.where(inside, f["mu"](**numbers), np.nan)


def draw(data: Data, width: str | float) -> HouseFigure:
    """|μ| with the ends of the windows, and the diagrams under it."""
    p = data.parameters

    def panels(axes: Any) -> None:
        for axis, (name, kind) in zip(axes, KINDS.items(), strict=False):
            kappa, scale, mu = data.maps[name]
            mesh = axis.pcolormesh(
                kappa,
                scale,
                np.abs(mu),
                vmin=0,
                vmax=2,
                cmap=DIVERGING,
                shading="nearest",
                rasterized=True,
            )
            f = ratio_theory(kind).functions
            for end, style in (
                ("c_flip_1", "--"),
                ("c_flip_2", "--"),
                ("c_low", "-"),
                ("c_high", "-"),
            ):
                line = np.broadcast_to(f[end](kappa=kappa), kappa.shape)
                axis.plot(kappa, line, color="0.15", linestyle=style, linewidth=0.8)
            axis.axvline(p.kappa, **REFERENCE)
            axis.set(
                xlabel=r"condition number $\kappa$",
                ylabel="scale",
                title=name,
                ylim=(scale[0], scale[-1]),
            )
            axis.figure.colorbar(mesh, ax=axis, label=r"$|\mu|$", extend="max")
        for axis, (name, found) in zip(axes[2:], data.diagrams.items(), strict=False):
            edge = found.samples["edge"]
            axis.plot(
                np.repeat(found.values, edge.shape[1]),
                edge.ravel(),
                ".",
                markersize=1.2,
                markeredgewidth=0,
                color=SEQUENCE[0],
                rasterized=True,
            )
            shared = 2 * p.kappa / (p.kappa + 1)
            axis.axhline(shared, **REFERENCE)
            for end in ("c_flip_1", "c_flip_2"):
                at = ratio_theory(KINDS[name]).functions[end](kappa=p.kappa)
                axis.axvline(at, color="0.15", linestyle="--", linewidth=0.8)
            axis.set(
                xlabel="scale", ylabel=rf"$\eta\lambda_1$ at $\kappa={p.kappa:g}$", yscale="log"
            )
            axis.set_yticks([0.5, 1, 2, 4, 8], ["0.5", "1", "2", "4", "8"])
            axis.minorticks_off()
        dots = {"color": SEQUENCE[0], "marker": ".", "markersize": 4, "linestyle": "none"}
        lines = {"orbits (c, d)": dots, "step shared by both modes; κ of (c, d)": REFERENCE}
        lines |= {"flip, $\\mu=-1$": {"color": "0.15", "linestyle": "--", "linewidth": 0.8}}
        above(axes[0].figure, kinds(lines), 3)

    return sheet(panels, width, rows=2, columns=2, aspect=0.66)


def checks(data: Data) -> tuple[Check, ...]:
    """Where μ says so the maps come to rest at the shared step, and only there."""
    p, found = data.parameters, []
    shared = 2 * p.kappa / (p.kappa + 1)
    for name, diagram in data.diagrams.items():
        mu = slopes(KINDS[name], p.kappa, diagram.values)
        edge = diagram.samples["edge"]
        off = np.abs(edge - shared).max(axis=1)
        stable, moving = np.abs(mu) < 0.99, (np.abs(mu) > 1.01) & np.isfinite(mu)
        found += [
            Check(
                f"{name}: largest distance from the shared step where |mu| < .99",
                off[stable].max(),
                0.0,
                1e-6,
                "|mu|^steps",
            ),
            Check(
                f"{name}: smallest distance from it where |mu| > 1.01",
                off[moving].min(),
                1e-3,
                np.inf,
                "an unstable fixed point keeps nothing",
            ),
            Check(
                f"{name}: scales with |mu| < .99 on both sides of the unstable ones",
                _windows(stable, moving),
                2,
                2,
                "two windows",
            ),
        ]
        average = (diagram.samples["growth_1"] - diagram.samples["growth_2"])[moving].mean(axis=1)
        reach = np.ptp(diagram.samples["log_ratio"][moving], axis=1) / (p.keep - 1)
        found.append(
            Check(
                f"{name}: difference of the modes' mean log rates over the range it can have",
                (np.abs(average) / np.maximum(reach, 1e-9)).max(),
                0.0,
                2.0,
                "the ratio is bounded, so that the rates agree on average",
            )
        )
    pairs = 1 / data.greedy[:-1] + 1 / data.greedy[1:]
    found.append(
        near(
            "greedy: 1/eta + 1/eta of the next step",
            np.median(pairs),
            p.kappa + 1,
            1e-9,
            "exact zig-zag",
        )
    )
    return tuple(found)


def _windows(stable: np.ndarray, moving: np.ndarray) -> int:
    """Runs of stable scales that unstable ones separate."""
    order = [s for s, m in zip(stable, moving, strict=True) if s or m]
    return sum(1 for i, s in enumerate(order) if s and (i == 0 or not order[i - 1]))
