r"""Several examples and random curvature under gradient descent: three regimes of one drive.

In units of the rate the drive is :math:`qP|z|^2`. Small: the run converges before
:math:`h\lambda_{\max}` reaches 2; moderate: it stays at 2, and ends just below; large: it
diverges. A run that has converged cannot have ended above the edge. Model of arXiv 2210.04860.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import fisher_exact, mannwhitneyu

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....theory.methods import GradientDescent
from ....theory.second_order.problem import QuadraticRegression
from ...agreement.compare import compare
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, agreement, beyond
from ..look import REFERENCE, sheet

TITLE = "random curvature under gradient descent: below the edge, at the edge, diverged"
CAPTION = (
    "(a), (b) All eigenvalues of two runs of gradient descent on random curvature; (c) final "
    "sharpness and (d) share of diverged runs over the start (grey: none converged). Take-away: "
    "what converges ends below the edge, a moderate drive just below it, a strong one diverges."
)

Array = np.ndarray
LEVEL = 1e-3


@dataclass(frozen=True)
class Parameters:
    """D, P; the grid of h λ_max at the start and |z|; which starts are shown; κ = 1, h = 1."""

    data: int = 5
    parameters: int = 40
    sharpness: tuple[float, ...] = (0.2, 0.6, 1.0, 1.4, 1.8)
    residuals: tuple[float, ...] = (0.4, 0.6, 0.8, 1.0, 1.2, 1.4)
    shown: tuple[tuple[float, float], ...] = ((0.2, 0.9), (1.0, 0.9))
    steps: int = 400
    runs: int = 12
    tested: tuple[float, float, int, int] = (0.6, 0.3, 1600, 200)
    seed: int = 0


QUICK = Parameters()
FULL = Parameters(
    parameters=100,
    sharpness=tuple(np.linspace(0.1, 1.9, 10).tolist()),
    residuals=tuple(np.linspace(0.2, 1.6, 8).tolist()),
    steps=800,
    runs=24,
    tested=(0.6, 0.3, 4000, 1000),
)


@dataclass(frozen=True, eq=False)
class Data:
    """Runs with all eigenvalues; by cell (start, |z|, run) the final h λ_max and loss over that
    of the start, NaN where diverged; and T1 with runs where the drive is small."""

    parameters: Parameters
    shown: list[Curve]
    final: Array
    left: Array
    small: tuple[Curve, Curve]

    @property
    def diverged(self) -> Array:
        """Fraction of runs that diverged, (start, |z|)."""
        return np.isnan(self.final).mean(axis=2)


def problem_of(p: Parameters, sharpness: float, residual: float, size: int) -> QuadraticRegression:
    """One random J and direction of z, scaled; rate D makes h = 1."""
    rng = np.random.default_rng(p.seed)
    G, z = rng.standard_normal((p.data, size)), rng.standard_normal(p.data)
    G *= np.sqrt(sharpness) / np.linalg.norm(G, 2)
    return QuadraticRegression(p.data, size, 1.0, G, residual * z / np.linalg.norm(z))


def compute(parameters: Parameters) -> Data:
    """Runs of every cell of the map, and a few with all eigenvalues."""
    p, method = parameters, GradientDescent(parameters.data)
    times = np.arange(p.steps + 1)
    shown = [
        simulate(
            problem_of(p, *start, p.parameters),
            method,
            times=times,
            runs=1,
            seed=p.seed,
            spectrum=True,
        )
        for start in p.shown
    ]
    cells = [[_cell(p, s, r) for r in p.residuals] for s in p.sharpness]
    final, left = np.moveaxis(np.array(cells), 2, 0)
    sharpness, residual, size, runs = p.tested
    problem = problem_of(p, sharpness, residual, size)
    common: dict[str, Any] = {"until": 12, "points": 5, "progress": False}
    small = (
        solve(problem, method, **common),
        simulate(problem, method, runs=runs, seed=p.seed, **common),
    )
    return Data(p, shown, final, left, small)


def _cell(p: Parameters, sharpness: float, residual: float) -> Array:
    """Final h λ_max, and loss over its start, of every run; (2, runs)."""
    problem = problem_of(p, sharpness, residual, p.parameters)
    runs = simulate(
        problem,
        GradientDescent(p.data),
        p.steps,
        points=2,
        runs=p.runs,
        seed=p.seed,
        progress=False,
    )
    loss = runs.sample("loss")
    return np.stack([p.data * runs.sample("sharpness")[:, -1], loss[:, -1] / loss[:, 0]])


def draw(data: Data, width: str | float) -> HouseFigure:
    """All eigenvalues of two runs; maps of the final sharpness and of the fraction diverged."""

    def panels(axes: Any) -> None:
        p = data.parameters
        for axis, run, (start, residual) in zip(axes, data.shown, p.shown, strict=False):
            for k, colour in ordered(list(range(p.data))).items():
                values = p.data * run[f"eigenvalue_{k + 1}"][1:]
                axis.plot(run.time[1:], values, color=colour, linewidth=0.9)
            axis.axhline(2, **REFERENCE)
            axis.set(xscale="log", xlabel="step", ylabel=r"all eigenvalues of $h\,\Theta$")
            axis.set_ylim(0, None)
            axis.set_title(rf"start ${start:g}$, $|z|={residual:g}$")
        middle = np.ma.masked_invalid(_median(data.final))
        _draw_map(axes[2], p, middle, r"median end of $h\lambda_{\max}$", "viridis")
        _draw_map(axes[3], p, data.diverged, "fraction diverged", "cividis")

    return sheet(panels, width, rows=2, columns=2, aspect=0.72)


def _median(final: Array) -> Array:
    """Over the runs that are left; NaN where none is."""
    lost = np.isnan(final).all(axis=2)
    return np.where(lost, np.nan, np.nanmedian(np.where(lost[..., None], 0.0, final), axis=2))


def _draw_map(axis: Any, p: Parameters, values: Array, label: str, colours: str) -> None:
    mesh = axis.pcolormesh(p.residuals, p.sharpness, values, cmap=colours, shading="nearest")
    axis.set_facecolor("0.85")
    axis.set(xlabel="$|z|$ at the start", ylabel=r"$h\lambda_{\max}$ at the start")
    axis.figure.colorbar(mesh, ax=axis, label=label)


def checks(data: Data) -> tuple[Check, ...]:
    """The edge, the three regimes, T1 where the drive is small."""
    p = data.parameters
    converged = data.final[data.left < 1e-9]
    weak, strong = (np.isnan(data.final[:, k]) for k in (0, -1))
    middle = np.argmin(np.abs(np.array(p.residuals) - 1.0))
    low = len(p.sharpness) // 2
    below, piled = (2 - data.final[:low, k].ravel() for k in (0, middle))
    nearer = mannwhitneyu(piled[np.isfinite(piled)], below, alternative="less").pvalue
    table = [[gone.sum(), (~gone).sum()] for gone in (strong, weak)]
    top = max(float((p.data * run["eigenvalue_1"]).max()) for run in data.shown)
    return (
        Check(
            "largest final h lambda_max of runs that converged",
            converged.max(),
            0.0,
            2.0,
            "no fixed point beyond the edge is stable",
        ),
        Check(
            "ends under moderate drive are no nearer to the edge than under weak drive, p-value",
            nearer,
            0,
            LEVEL,
            "refuted by Mann and Whitney's test of the low starts",
        ),
        Check(
            "strong drive diverges no more often than weak drive, p-value",
            fisher_exact(table, alternative="greater").pvalue,
            0,
            LEVEL,
            "refuted by Fisher's exact test",
        ),
        beyond("largest h lambda_max along the runs shown", top, 2, "they cross the edge"),
        agreement("sharpness of T1, weak drive", compare(*data.small, "sharpness")),
    )
