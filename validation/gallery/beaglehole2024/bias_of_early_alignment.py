r"""How fast finite networks reach the limit of the first instant.

The mean of C-NFC(0⁺) over draws of W₀ less its limit falls like 1/d for readouts ±1; for Gaussian
ones, whose :math:`\mathbb Ea^8=105` enters, far more slowly. Formulas of our own, after arXiv
2402.05271.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import chi2

from ....solvers.core.blas import one_thread
from ....solvers.feature_alignment.early import early_alignment
from ....theory.feature_alignment.problem import QuadraticNetwork
from ...figures.style import HouseFigure
from ..check import Check, near, tail
from ..look import SEQUENCE, SIMULATION, THEORY, key, sheet

TITLE = "how fast the alignment at the first instant reaches its limit"
CAPTION = (
    "(a) Mean of the correlation at t = 0+ over draws of the first weights, less its limit, over d "
    "at k = d distinct units, inputs with two eigenvalues {ratio:g} and 1; readouts ±1 and "
    "Gaussian (± 2 s.e.); line: slope −1. (b) Spread over draws. Take-away: with signs the bias is "
    "of order 1/d; with Gaussian readouts, of which the eighth moment enters, the limit is far at "
    "every d that one would train."
)
#: of a fit that is refused
LEVEL = 1e-3
READOUTS = ("signs", "gaussian")

Array = np.ndarray


@dataclass(frozen=True)
class Parameters:
    """Dimensions, draws at each, the ratio of eigenvalues, and the seed."""

    dimensions: tuple[int, ...] = (40, 80, 160, 320)
    draws: tuple[int, ...] = (4000, 3000, 2000, 1200)
    ratio: float = 16.0
    seed: int = 12


QUICK = Parameters()
FULL = Parameters((40, 80, 160, 320, 640), (10_000, 8000, 6000, 3000, 800))


@dataclass(frozen=True, eq=False)
class Data:
    """Bias, its error and spread by readout, and the limits."""

    parameters: Parameters
    bias: dict[str, Array]
    error: dict[str, Array]
    spread: dict[str, Array]
    limits: dict[str, float]


def problem_of(p: Parameters, d: int, readout: str, seed: int = 0) -> QuadraticNetwork:
    """Every unit twice, with +a and −a: 2d of them."""
    return QuadraticNetwork.reversing(2 * d, d, p.ratio, readout=readout, seed=seed)


def compute(p: Parameters) -> Data:
    """Draw first weights."""
    bias, error, spread = dict[str, Array](), dict[str, Array](), dict[str, Array]()
    limits = {
        readout: early_alignment(problem_of(p, 1000, readout), "limit").value
        for readout in READOUTS
    }
    for readout in READOUTS:
        rows = []
        with one_thread():
            for d, draws in zip(p.dimensions, p.draws, strict=True):
                rng = np.random.default_rng((p.seed, d))
                values, controls = drawn(problem_of(p, d, readout), draws, rng)
                use = controls if readout == "signs" else controls[:, :0]
                rows.append((*_mean(values - limits[readout], use), values.std(ddof=1)))
        bias[readout], error[readout], spread[readout] = np.array(rows).T
    return Data(p, bias, error, spread, limits)


def drawn(problem: QuadraticNetwork, draws: int, rng: Any) -> tuple[Array, Array]:
    """C-NFC(0⁺) of draws, and traces of Q less their means where Q is a Wishart matrix.

    S and M are diagonal: two products of matrices a draw.
    """
    d, S = problem.dimension, problem.inputs
    M = S * problem.teacher * S
    S, M = S / S.mean(), M / np.sqrt(np.mean(M**2))
    pairs = [
        (a, b, (1 + 1 / d) * np.mean(a * b) + a.mean() * b.mean())
        for a, b in ((M**2, M**2), (S, S), (M**2, S))
    ]
    values, controls = [], []
    for _ in range(draws):
        W = rng.standard_normal((d, d)) / np.sqrt(d)
        if problem.readout == "gaussian":
            W *= rng.standard_normal(d)[:, None]
        Q = W.T @ W
        nfm, agop = Q * np.outer(M, M), ((Q * S) @ Q) * np.outer(M, M)
        values.append(np.vdot(nfm, agop) / (np.linalg.norm(nfm) * np.linalg.norm(agop)))
        diagonal, square = np.diag(Q), Q**2
        single = [np.mean(diagonal * each) - each.mean() for each in (M**2, S, M**2 * S)]
        controls.append([*single, *(a @ square @ b / d - mean for a, b, mean in pairs)])
    return np.array(values), np.array(controls)


def _mean(values: Array, controls: Array) -> tuple[float, float]:
    """A mean and its error, less what traces of known mean explain of the scatter."""
    design = np.column_stack([np.ones(values.size), controls])
    found = np.linalg.lstsq(design, values, rcond=None)[0]
    variance = float(np.var(values - design @ found, ddof=design.shape[1]))
    return float(found[0]), float(np.sqrt(variance * np.linalg.pinv(design.T @ design)[0, 0]))


def draw(data: Data, width: str | float) -> HouseFigure:
    """Bias and spread over d."""
    p = data.parameters

    def panels(axes: Any) -> None:
        d = np.array(p.dimensions)
        for readout, colour in zip(READOUTS, SEQUENCE, strict=False):
            bias, error = np.abs(data.bias[readout]), 2 * data.error[readout]
            axes[0].errorbar(d, bias, error, color=colour, **SIMULATION)
            axes[1].plot(d, data.spread[readout], color=colour, **SIMULATION)
        for panel, values, power in (
            (axes[0], np.abs(data.bias["signs"]), -1.0),
            (axes[1], data.spread["signs"], -1.0),
        ):
            line = values[-1] * (d / d[-1]) ** power
            panel.plot(d, line, color="black", **THEORY)
            panel.set(xscale="log", yscale="log", xlabel="dimension $d$")
            panel.set_xticks(d, [str(x) for x in d])
            panel.minorticks_off()
        axes[0].set(ylabel="|mean less limit|")
        axes[1].set(ylabel="spread over draws")
        key(
            axes[0],
            {"slope −1": THEORY, "draws, mean ± 2 s.e.; their spread": SIMULATION},
            colours=dict(zip(("readouts ±1", "Gaussian readouts"), SEQUENCE, strict=False)),
        )

    return sheet(panels, width, columns=2, aspect=0.8)


def _first_order(sizes: Any, values: Array, errors: Array) -> tuple[float, float]:
    """Chi square of A/d + B/d² with two numbers fitted, as a p-value; and |A| in its errors."""
    d = np.array(sizes, dtype=float)
    design = np.column_stack([1 / d, d**-2]) / errors[:, None]
    covariance = np.linalg.inv(design.T @ design)
    found = covariance @ design.T @ (values / errors)
    left = float(np.sum((values / errors - design @ found) ** 2))
    return float(chi2.sf(left, d.size - 2)), float(abs(found[0]) / np.sqrt(covariance[0, 0]))


def checks(data: Data) -> tuple[Check, ...]:
    """Both orders with signs, that Gaussian readouts have another, and one draw by the library."""
    return (*_orders(data), *_farther(data), _formula(data))


def _orders(data: Data) -> tuple[Check, ...]:
    """1/d and 1/d² fit the bias and the spread with signs, and do not the bias of Gaussian ones."""
    p = data.parameters
    spread = data.spread["signs"]
    own = spread / np.sqrt(2 * (np.array(p.draws) - 1))
    fits = {r: _first_order(p.dimensions, data.bias[r], data.error[r]) for r in READOUTS}
    fit = "chi square of A/d + B/d^2"
    return (
        Check(
            "bias, ±1: p-value of first and second order in 1/d",
            fits["signs"][0],
            LEVEL,
            1.0,
            f"{fit}; Gaussian readouts are refused by it",
        ),
        Check("its first order, in standard errors", fits["signs"][1], 4, np.inf, "it is seen"),
        Check(
            "spread, ±1: p-value of first and second order in 1/d",
            _first_order(p.dimensions, spread, own)[0],
            LEVEL,
            1.0,
            f"{fit}; traces scatter",
        ),
        Check(
            "bias, Gaussian: p-value of the same law",
            fits["gaussian"][0],
            0,
            LEVEL,
            f"refused: {fit}",
        ),
    )


def _farther(data: Data) -> tuple[Check, ...]:
    """Gaussian readouts are farther from their limit, and fall more slowly."""
    far, near_by = (np.abs(data.bias[r]) for r in ("gaussian", "signs"))
    errors = np.hypot(*data.error.values())
    x, y = np.log(np.array(data.parameters.dimensions)), np.log(far / near_by)
    own = np.hypot(data.error["gaussian"] / far, data.error["signs"] / near_by)
    away = x - np.average(x, weights=own**-2)
    slope, error = np.sum(away * y / own**2), np.sqrt(np.sum((away / own) ** 2))
    return (
        Check(
            "bias at the largest d, Gaussian over ±1, difference in standard errors",
            (far - near_by)[-1] / errors[-1],
            4,
            np.inf,
            "the eighth moment enters",
        ),
        Check(
            "power of d in that ratio, in standard errors",
            slope / error,
            tail(2 * LEVEL, 1),
            np.inf,
            f"normal tail at {LEVEL:g}; it grows: another power of d",
        ),
    )


def _formula(data: Data) -> Check:
    p = data.parameters
    problem = problem_of(p, p.dimensions[0], "signs", p.seed)
    own, _ = drawn(problem, 1, _Given(problem.weights[::2]))
    gap = own[0] - early_alignment(problem).value
    return near("one draw, less early_alignment of it", gap, 0, 1e-10, "one formula, in rounding")


class _Given:
    """A generator that gives these weights."""

    def __init__(self, W: Array) -> None:
        self.W = W

    def standard_normal(self, shape: tuple[int, int]) -> Array:
        """Weights of variance 1."""
        return self.W * np.sqrt(shape[0])
