r"""Two steps of SGD on random curvature: conservative sharpening, mode by mode.

The mean second difference of the overlap :math:`\hat s=u^\top J_tv` is, for large D and P,
:math:`\kappa h^2s[\tilde z^2(1-hs^2)-h\,c\,s^2(|z|^2-\nu\tilde z^2)]`: linear in s for full
batches, and lower by a noise term cubic in s for small ones. The true singular values are moved by
level repulsion at the same order. Model of arXiv 2404.19261 and 2210.04860, formulas derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import hadamard

from ....solvers.second_order.early_time import EarlyTime, early_time
from ....theory.core.percent import percent
from ....theory.methods import SGD
from ....theory.second_order.problem import QuadraticRegression
from ...agreement.significance import detectable, holm, p_values
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...simulate.second_order.early_time import EarlyTimeRuns, early_time_runs
from ..check import Check, near
from ..look import KINDS, REFERENCE, SIMULATION, THEORY, key, sheet

TITLE = "early sharpening of the modes: linear in s for full batches, cubic for small ones"
CAPTION = (
    "(a) Second difference of the overlaps and (b) first shift of the singular values, mode "
    "by mode, for three batches. Take-away: noise takes away from the growth of the sharpest "
    "modes, with the cube of their singular value."
)

Array = np.ndarray
LEVEL = 1e-3
#: relative errors that every mode by itself is asked to show: weak claims, since amplitude and
#: power of all modes together are checked to a few per cent
CLAIMED = {"overlap_second": 0.4, "singular_shift": 0.25}


@dataclass(frozen=True)
class Parameters:
    """Sizes, singular values (geometric), κ, rate, batches, and antithetic pairs."""

    data: int = 8
    parameters: int = 24
    lowest: float = 0.3
    highest: float = 3.0
    curvature: float = 0.002
    rate: float = 0.64
    batches: tuple[int, ...] = (8, 2, 1)
    runs: int = 7500
    seed: int = 1


QUICK = Parameters()
FULL = Parameters(runs=20_000)


@dataclass(frozen=True, eq=False)
class Data:
    """Formulas and measured pairs, by batch."""

    parameters: Parameters
    formula: dict[int, EarlyTime]
    runs: dict[int, EarlyTimeRuns]


def problem_of(p: Parameters) -> QuadraticRegression:
    """Modes that spread over all examples, with one residual each: only s differs."""
    U = hadamard(p.data) / np.sqrt(p.data)
    s = np.geomspace(p.highest, p.lowest, p.data)
    rng = np.random.default_rng(p.seed)
    jacobian = (U * s) @ np.linalg.qr(rng.standard_normal((p.parameters, p.data)))[0].T
    residual = U @ rng.choice([-1.0, 1.0], p.data)
    return QuadraticRegression(p.data, p.parameters, p.curvature, jacobian, residual)


def compute(parameters: Parameters) -> Data:
    """The formulas, and antithetic pairs of runs of two steps."""
    problem = problem_of(parameters)
    formula, runs = {}, {}
    for batch in parameters.batches:
        method = SGD(parameters.rate, batch=batch)
        formula[batch] = early_time(problem, method)
        runs[batch] = early_time_runs(problem, method, parameters.runs, parameters.seed)
    return Data(parameters, formula, runs)


def draw(data: Data, width: str | float) -> HouseFigure:
    """Overlaps on the left, true singular values on the right."""

    def panels(axes: Any) -> None:
        names = ("overlap_second", "singular_shift")
        labels = (
            r"$10^4\,\mathbf{E}\,\Delta_2\hat s$ of the overlap",
            r"$10^4\,\mathbf{E}[s(1)-s(0)]$",
        )
        for axis, name, label in zip(axes, names, labels, strict=True):
            for batch, colour in ordered(list(data.formula)).items():
                _draw_batch(axis, data, batch, name, colour)
            axis.axhline(0, **REFERENCE)
            axis.set_xscale("log")
            ends = data.parameters.lowest, 1, data.parameters.highest
            axis.set_xticks(ends, [f"{s:g}" for s in ends])
            axis.minorticks_off()
            axis.set(xlabel="singular value $s$", ylabel=label)
        key(axes[0], KINDS, columns=5)

    return sheet(panels, width, columns=2, aspect=0.85)


def _draw_batch(axis: Any, data: Data, batch: int, name: str, colour: str) -> None:
    formula, measured = data.formula[batch], data.runs[batch]
    s = formula.singular_values
    label = f"$B={batch}$" + (" (full)" if batch == data.parameters.data else "")
    axis.plot(s, 1e4 * getattr(formula, name), color=colour, label=label, **THEORY)
    mean, error = getattr(measured.mean, name), getattr(measured.error, name)
    axis.errorbar(s, 1e4 * mean, 2e4 * error, color=colour, elinewidth=0.6, **SIMULATION)


def checks(data: Data) -> tuple[Check, ...]:
    """Every batch and mode; power and amplitude of the linear and of the cubic part."""
    tested = [
        _agreement(data, batch, name)
        for name in ("overlap_second", "singular_shift")
        for batch in data.formula
    ]
    return (*tested, *_linear(data), *_cubic(data))


def _agreement(data: Data, batch: int, name: str) -> Check:
    """All modes at once; the shift holds to first order in q only, its relative error is about κ
    times the squared steps."""
    formula = getattr(data.formula[batch], name)
    measured, runs = data.runs[batch], data.runs[batch].runs
    mean, error = getattr(measured.mean, name), getattr(measured.error, name)
    margin = 0.0 if name == "overlap_second" else _second_order(data, batch)
    allowed, dof = margin * np.abs(formula), np.full(mean.size, runs - 1.0)
    p = holm(p_values(mean - formula, error, allowed, dof))
    seen, asked = detectable(formula, error, allowed, dof, LEVEL), CLAIMED[name]
    return Check(
        f"{name.replace('_', ' ')}, B = {batch}, all modes (to {percent(asked)})",
        p.min(),
        LEVEL,
        1.0,
        f"smallest Holm p-value; errors of {percent(seen)} would show",
        seen > asked,
    )


def _second_order(data: Data, batch: int) -> float:
    """Relative size of the next order in q: the shift over the nearest gap, twice."""
    formula = data.formula[batch]
    gaps = np.abs(np.diff(formula.singular_values)).min()
    assert formula.singular_shift is not None
    return float(2 * np.abs(formula.singular_shift).max() / gaps)


def _linear(data: Data) -> list[Check]:
    """Of the full batch, whose formula is s times 1 − hs²(P + 2)/(P + 1)."""
    full = data.parameters.data
    formula, runs = data.formula[full], data.runs[full]
    return _power(
        "full batch over 1 - h s^2",
        1,
        formula.singular_values,
        formula.overlap_second,
        runs.mean.overlap_second,
        runs.error.overlap_second,
    )


def _cubic(data: Data) -> list[Check]:
    """Of what a batch of one takes away, which is exactly cubic where all z̃² are equal."""
    pairs = [
        (data.formula[batch], data.runs[batch])
        for batch in (data.parameters.data, min(data.parameters.batches))
    ]
    (full, many), (one, single) = pairs
    s, taken = full.singular_values, full.overlap_second - one.overlap_second
    measured = many.mean.overlap_second - single.mean.overlap_second
    error = np.hypot(many.error.overlap_second, single.error.overlap_second)
    return [
        near(
            "power of s of the formula of what noise takes away",
            np.polyfit(np.log(s), np.log(taken), 1)[0],
            3,
            1e-9,
            "formula, equal residuals",
        ),
        *_power("what noise takes away", 3, s, taken, measured, error),
    ]


def _power(
    name: str, power: int, s: Array, formula: Array, mean: Array, error: Array
) -> list[Check]:
    """Fit mean/formula = A (1 + δ log(s/s')) over all modes, with A and δ uncorrelated."""
    weight, x = (formula / error) ** 2, np.log(s)
    x = x - np.average(x, weights=weight)
    spread = np.sum(weight * x**2)
    amplitude, sem = np.average(mean / formula, weights=weight), np.sum(weight) ** -0.5
    excess, uncertain = np.sum(weight * x * mean / formula) / spread, spread**-0.5
    origin = "3.5 standard errors, all modes"
    return [
        near(f"{name}: amplitude over the formula", amplitude, 1, 3.5 * sem, origin),
        near(
            f"{name}: power of s",
            power + excess / amplitude,
            power,
            3.5 * uncertain / amplitude,
            origin,
        ),
    ]
