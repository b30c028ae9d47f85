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

from ....solvers.sharpening.early_time import EarlyTime, early_time
from ....theory.methods import SGD
from ....theory.sharpening.quadratic import QuadraticRegression
from ...figure import HouseFigure
from ...significance import holm, p_values
from ...simulate.sharpening.early_time import EarlyTimeRuns, early_time_runs
from ..check import Check, near
from ..look import REFERENCE, SEQUENCE, SIMULATION, THEORY, key, sheet

TITLE = "early sharpening of the modes: linear in s for full batches, cubic for small ones"

LEVEL = 1e-3


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
    runs: int = 3000
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
            r"$\mathbf{E}\,\Delta_2\hat s$ of the overlap, $10^{-4}$",
            r"$\mathbf{E}[s(1)-s(0)]$, true, $10^{-4}$",
        )
        for axis, name, label in zip(axes, names, labels, strict=True):
            for colour, batch in zip(SEQUENCE, data.formula, strict=False):
                _draw_batch(axis, data, batch, name, colour)
            axis.axhline(0, **REFERENCE)
            axis.set_xscale("log")
            ends = data.parameters.lowest, 1, data.parameters.highest
            axis.set_xticks(ends, [f"{s:g}" for s in ends])
            axis.minorticks_off()
            axis.set(xlabel="singular value $s$", ylabel=label)
        key(axes[0], {"formula": THEORY, "mean of runs ± 2 s.e.": SIMULATION}, columns=5)

    return sheet(panels, width, columns=2, aspect=0.85)


def _draw_batch(axis: Any, data: Data, batch: int, name: str, colour: str) -> None:
    formula, measured = data.formula[batch], data.runs[batch]
    s = formula.singular_values
    label = f"$B={batch}$" + (" (full)" if batch == data.parameters.data else "")
    axis.plot(s, 1e4 * getattr(formula, name), color=colour, label=label, **THEORY)
    mean, error = getattr(measured.mean, name), getattr(measured.error, name)
    axis.errorbar(s, 1e4 * mean, 2e4 * error, color=colour, elinewidth=0.6, **SIMULATION)


def checks(data: Data) -> tuple[Check, ...]:
    """Every batch and mode, and the two powers of s."""
    tested = [
        _agreement(data, batch, name)
        for name in ("overlap_second", "singular_shift")
        for batch in data.formula
    ]
    return (*tested, _full_slope(data), _noise_slope(data))


def _agreement(data: Data, batch: int, name: str) -> Check:
    """All modes at once; the shift holds to first order in q only, its relative error is about κ
    times the squared steps."""
    formula = getattr(data.formula[batch], name)
    measured, runs = data.runs[batch], data.runs[batch].runs
    mean, error = getattr(measured.mean, name), getattr(measured.error, name)
    margin = 0.0 if name == "overlap_second" else _second_order(data, batch)
    p = holm(p_values(mean - formula, error, margin * np.abs(formula),
                      np.full(mean.size, runs - 1.0)))  # fmt: skip
    words = name.replace("_", " ")
    return Check(f"{words}, B = {batch}, all modes", p.min(), LEVEL, 1.0, "smallest Holm p-value")


def _second_order(data: Data, batch: int) -> float:
    """Relative size of the next order in q: the shift over the nearest gap, twice."""
    formula = data.formula[batch]
    gaps = np.abs(np.diff(formula.singular_values)).min()
    assert formula.singular_shift is not None
    return float(2 * np.abs(formula.singular_shift).max() / gaps)


def _full_slope(data: Data) -> Check:
    """d log Δ₂/d log s of the full batch at small h s²."""
    p = data.parameters
    formula, measured = data.formula[p.data], data.runs[p.data]
    s = formula.singular_values
    small = p.rate / p.data * s**2 < 0.1
    slope, error = _fit(s[small], measured.mean.overlap_second[small],
                        measured.error.overlap_second[small])  # fmt: skip
    return near("power of s, full batch, small s", slope, 1, 3.5 * error + 0.1,
                "3.5 standard errors + h s^2")  # fmt: skip


def _noise_slope(data: Data) -> Check:
    """Of what a batch of one takes away."""
    full, one = data.runs[data.parameters.data], data.runs[min(data.parameters.batches)]
    s = data.formula[data.parameters.data].singular_values
    taken = full.mean.overlap_second - one.mean.overlap_second
    error = np.hypot(full.error.overlap_second, one.error.overlap_second)
    sure = s > 0.8
    slope, uncertain = _fit(s[sure], taken[sure], error[sure])
    return near("power of s of what noise takes away", slope, 3, 3.5 * uncertain,
                "3.5 standard errors")  # fmt: skip


def _fit(s: np.ndarray, value: np.ndarray, error: np.ndarray) -> tuple[float, float]:
    """Slope of log |value| in log s, weighted, and its standard error."""
    x, weight = np.log(s), np.abs(value) / error
    design = np.column_stack([x, np.ones_like(x)]) * weight[:, None]
    covariance = np.linalg.inv(design.T @ design)
    slope = covariance @ design.T @ (weight * np.log(np.abs(value)))
    return float(slope[0]), float(np.sqrt(covariance[0, 0]))
