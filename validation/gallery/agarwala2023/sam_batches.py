r"""Mini-batches strengthen SAM: the decrease of the sharpness over the batch, at one speed.

.. math:: \frac{d}{d\tau}\mathbb E\,s_a^2=-2\rho qP\,s_a^2\left[\tfrac{b_2}\beta\tilde z_a^2
          +\tfrac{b_1-b_2}\beta\sum_iu_{ai}^2z_i^2\right]

per unit of τ = (rate/D) · steps: small batches see the mean residual where the top mode has
decayed. Form of arXiv 2302.08692 for Bernoulli batches; derived here for three samplings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from ....solvers.sam.early_time import sam_early_time
from ....theory.methods.sam import SAM
from ....theory.methods.sgd import SAMPLINGS
from ....theory.second_order.problem import QuadraticRegression
from ...figures.style import HouseFigure
from ...simulate.sam.first_step import first_step_runs
from ..check import Check, exceeds
from ..look import KINDS, SEQUENCE, SIMULATION, THEORY, key, sheet

TITLE = "mini-batches strengthen SAM where the top mode has decayed"
CAPTION = (
    "Decrease of the top eigenvalue of JJ⊤/D under SAM, per unit of flow time, over the batch, for "
    "three samplings of {data} examples. Take-away: "
    "where the top mode has decayed small batches strengthen SAM."
)

Array = np.ndarray


@dataclass(frozen=True)
class Parameters:
    """Sizes, batches, pairs; step size and reach per example; the residual of the top mode."""

    data: int = 8
    parameters: int = 24
    curvature: float = 0.05
    batches: tuple[int, ...] = (1, 2, 4, 8)
    size: float = 0.05
    reach: float = 0.002
    top: float = 0.2
    runs: int = 2500
    seed: int = 3


QUICK = Parameters()
FULL = Parameters(runs=20_000)


@dataclass(frozen=True, eq=False)
class Data:
    """By sampling: rates of decrease of the top eigenvalue, formula and samples, by batch."""

    parameters: Parameters
    formula: dict[str, Array]
    samples: dict[str, list[Array]]


def problem_of(p: Parameters) -> QuadraticRegression:
    """A dense top mode, and a residual of unit entries less most of it."""
    rng = np.random.default_rng(p.seed)
    jacobian = rng.standard_normal((p.data, p.parameters)) / np.sqrt(p.parameters)
    jacobian += np.outer(np.ones(p.data), rng.standard_normal(p.parameters)) / np.sqrt(p.parameters)
    top = np.linalg.svd(jacobian)[0][:, 0]
    residual = np.where(rng.random(p.data) < 0.5, -1.0, 1.0)
    residual = residual - (residual @ top - p.top) * top
    return QuadraticRegression(
        p.data, p.parameters, p.curvature, jacobian=jacobian, residual=residual
    )


def _method(p: Parameters, batch: int, sampling: str) -> SAM:
    """h = rate/B and ρ = radius/B are those of every batch."""
    return SAM(p.size * batch, p.reach * batch, batch=batch, sampling=sampling)


def compute(p: Parameters) -> Data:
    """The averaged first step, and its antithetic Monte Carlo."""
    problem, formula, samples = problem_of(p), {}, {}
    U, s, V = np.linalg.svd(problem.G, full_matrices=False)
    for sampling in SAMPLINGS:
        exact, seen = [], []
        for batch in p.batches:
            method, time = _method(p, batch, sampling), p.size * batch / p.data
            change = sam_early_time(problem, method).jacobian_change
            exact.append(-2 * s[0] * float(U[:, 0] @ change @ V[0]) / p.data / time)
            seen.append(-first_step_runs(problem, method, p.runs, p.seed)[:, 0] / time)
        formula[sampling], samples[sampling] = np.array(exact), seen
    return Data(p, formula, samples)


#: 1/unit of the vertical axis
UNIT = 1e4


def draw(data: Data, width: str | float) -> HouseFigure:
    """Decrease per unit of time over the batch."""

    def panels(axes: Any) -> None:
        p = data.parameters
        for colour, sampling in zip(SEQUENCE, SAMPLINGS, strict=False):
            mean = [UNIT * x.mean() for x in data.samples[sampling]]
            error = [2 * UNIT * _sem(x) for x in data.samples[sampling]]
            name, formula = sampling.replace("_", " "), UNIT * np.array(data.formula[sampling])
            axes[0].plot(p.batches, formula, color=colour, label=name, **THEORY)
            axes[0].errorbar(p.batches, mean, error, color=colour, **SIMULATION)
        slope = r"$-10^4\,d\,\mathbf{E}\,s_1^2/d\tau\,/D$"
        axes[0].set(xlabel="batch $B$", ylabel=slope, ylim=(0, None))
        key(axes[0], KINDS, 3)

    return sheet(panels, width, aspect=0.6)


def _sem(samples: Array) -> float:
    return float(samples.std(ddof=1) / np.sqrt(len(samples)))


def checks(data: Data) -> tuple[Check, ...]:
    """Every mean against the formula; the formula of another batch is rejected."""
    scores, wrong = [], []
    for sampling in SAMPLINGS:
        for exact, samples in zip(data.formula[sampling], data.samples[sampling], strict=True):
            scores.append((samples.mean() - exact) / _sem(samples))
        first = data.samples[sampling][0]
        full = data.formula["without_replacement"][-1]
        wrong.append(abs(first.mean() - full) / _sem(first))
    return (
        Check(
            "largest |z|, all batches and samplings",
            float(np.abs(scores).max()),
            0,
            float(norm.isf(0.5e-3 / len(scores))),
            f"normal tail at 1e-3 over {len(scores)}; first order in the radius",
        ),
        Check(
            "smallest z of B = 1 against the formula of all data",
            float(min(wrong)),
            4,
            np.inf,
            "another batch: must be seen",
        ),
        exceeds(
            "decrease at B = 1 over that at B = D, Bernoulli",
            data.samples["bernoulli"][0] - data.samples["bernoulli"][-1],
            "noise strengthens SAM where the top residual is below the mean one",
        ),
    )
