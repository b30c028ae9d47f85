"""Where SGD on a linear model diverges in the plane of rate and batch, and the lines K = 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.linear.critical import critical_rate
from ....theory.linear.problem import LinearModel
from ....theory.methods import SGD
from ...figures.registry import DIVERGING
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, beyond, near
from ..look import EXACT, PUBLISHED, REFERENCE, THEORY, above, kinds, sheet
from ._growth import Growth, growth, growth_check
from ._models import gaussian_features, power_law_features

TITLE = "divergence of SGD on a linear model over rate and batch, with the lines K = 1"
CAPTION = (
    "Growth of the loss over rate and batch, with the lines at which each form of the noise "
    "kernel norm is 1. Take-away: small batches diverge long before the edge of descent, on "
    "the line where the exact norm is 1."
)
#: colour and line style of each form of the norm
LINES: dict[str, dict[str, Any]] = {
    "exact": {"color": "black", **THEORY},
    "closure": {"color": "black", **EXACT},
    "trace": {"color": "black", **PUBLISHED},
}


@dataclass(frozen=True)
class Parameters:
    """A grid of rates (in units of 2/sharpness) and batches, and the batches of the checks."""

    data: int = 40
    batches: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 40)
    lowest: float = 0.03
    highest: float = 1.2
    rates: int = 14
    steps: int = 100
    runs: int = 16
    checked: tuple[int, ...] = (1, 4, 16)
    walkers: int = 1000
    growth_steps: int = 1000
    seed: int = 1


QUICK = Parameters()
FULL = Parameters(
    data=80,
    batches=(1, 2, 4, 8, 16, 24, 32, 48, 64, 80),
    rates=30,
    steps=200,
    runs=32,
    walkers=3000,
    growth_steps=2000,
)


@dataclass(frozen=True, eq=False)
class Plane:
    """Of one model: how the loss of single runs moves, and critical rates.

    Attributes
    ----------
    edges, batches : arrays
        Rates in units of the edge 2/sharpness, and batches.
    gain : (batches, rates) array
        Mean over runs of ln loss at the end over that at the start.
    late, error : (batches, rates) arrays
        The same over the second half of the steps, and its standard error.
    critical : dict of form to (batches,) array
        In the unit of the edges.
    edge, beyond : dict of batch to Growth
        Where K_exact = 1 and where K_closure = 1.
    """

    edges: np.ndarray
    batches: np.ndarray
    gain: np.ndarray
    late: np.ndarray
    error: np.ndarray
    critical: dict[str, np.ndarray]
    edge: dict[int, Growth]
    beyond: dict[int, Growth]


def compute(parameters: Parameters) -> dict[str, Plane]:
    """A well-spread spectrum, and one that few modes carry."""
    data, seed = parameters.data, parameters.seed
    return {
        "Gaussian features": _plane(gaussian_features(data, seed), parameters),
        "power-law spectrum": _plane(power_law_features(data, seed), parameters),
    }


def _plane(model: LinearModel, p: Parameters) -> Plane:
    unit, edges = 2 / model.sharpness, np.geomspace(p.lowest, p.highest, p.rates)
    cells = [[_cell(model, SGD(e * unit, batch=B), p) for e in edges] for B in p.batches]
    critical = {form: _critical(model, p.batches, form) / unit for form in LINES}

    def at(form: str) -> dict[int, Growth]:
        rates = {B: unit * critical[form][p.batches.index(B)] for B in p.checked}
        methods = {B: SGD(float(rate), batch=B) for B, rate in rates.items()}
        budget = p.growth_steps, p.walkers, p.seed
        return {B: growth(model, method, *budget) for B, method in methods.items()}

    gain, late, error = np.moveaxis(np.array(cells), 2, 0)
    growths = at("exact"), at("closure")
    return Plane(edges, np.array(p.batches), gain, late, error, critical, *growths)


def _critical(model: LinearModel, batches: tuple[int, ...], form: str) -> np.ndarray:
    return np.array([float(critical_rate(model, SGD(1.0, batch=B), form)) for B in batches])


def _cell(model: LinearModel, method: SGD, p: Parameters) -> tuple[float, float, float]:
    times = np.array([0, p.steps // 2, p.steps])
    runs = simulate(model, method, times=times, runs=p.runs, seed=p.seed, progress=False)
    logs = np.log(runs.sample("loss"))
    late = logs[:, 2] - logs[:, 1]
    gain = float(np.mean(logs[:, 2] - logs[:, 0]))
    return gain, float(late.mean()), float(late.std(ddof=1) / np.sqrt(p.runs))


def draw(data: dict[str, Plane], width: str | float) -> HouseFigure:
    """One plane a model: purple falls, orange rises."""

    def panels(axes: Any) -> None:
        for axis, (name, plane) in zip(axes, data.items(), strict=True):
            image = axis.pcolormesh(
                plane.edges,
                plane.batches,
                plane.gain / np.log(10),
                cmap=f"{DIVERGING}_r",
                vmin=-4,
                vmax=4,
                shading="nearest",
                rasterized=True,
            )
            for form, line in LINES.items():
                axis.plot(plane.critical[form], plane.batches, **line)
            axis.axvline(1, **REFERENCE)
            axis.set(xscale="log", yscale="log", title=name, ylabel="batch $B$")
            axis.set(xlabel=r"rate over the edge, $\eta\lambda_{\max}/2$")
            axis.set(xlim=plane.edges[[0, -1]], ylim=plane.batches[[0, -1]])
        label = "$\\log_{10}$ of final over first loss\n(geometric mean)"
        axes[0].figure.colorbar(image, ax=list(axes), label=label, extend="both")
        above(axes[0].figure, _key(), 2)

    return sheet(panels, width, columns=2, aspect=1.0)


def _key() -> list[Any]:
    names = {"exact": "exact", "closure": "closure", "trace": "tr"}
    lines = {
        rf"$\mathcal{{K}}_{{\mathrm{{{names[form]}}}}}=1$": line for form, line in LINES.items()
    }
    return kinds(lines | {r"$\eta\lambda_{\max}=2$": REFERENCE})


def checks(data: dict[str, Plane]) -> tuple[Check, ...]:
    """K_exact = 1 where the mean square stands still; single runs fall below it."""
    found = []
    for name, plane in data.items():
        for batch, edge in plane.edge.items():
            found.append(growth_check(f"{name}, B = {batch}, where K_exact = 1", edge))
            label = f"{name}, B = {batch}: growth where K_closure = 1, in standard errors"
            optimistic = plane.beyond[batch].measured
            value = optimistic.value / optimistic.error
            found.append(Check(label, value, 4, np.inf, "the closure is optimistic"))
        within = plane.edges < plane.critical["exact"][:, None]
        label = f"{name}: least late ln fall of single runs where K_exact < 1"
        surely = (plane.late - 4 * plane.error)[within]
        found.append(beyond(label, -surely.max(), 0, "Jensen, 4 standard errors"))
        label = f"{name}: lowest ln gain at full batch beyond the edge"
        past = plane.gain[-1, plane.edges > 1]
        found.append(beyond(label, past.min(), 0, "edge of stability"))
        last = plane.critical["exact"][-1]
        found.append(near(f"{name}: critical rate at full batch", last, 1, 1e-9, "formula"))
    return tuple(found)
