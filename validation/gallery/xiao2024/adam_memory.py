r"""Adam between signSGD and preconditioned SGD: what its second moment remembers.

Averages that forget within o(d) steps give the drift :math:`g_A=\gamma/\sqrt P` and the long-run
variance :math:`s_A^2`; at :math:`\beta_1=\beta_2=0` these are signSGD's, and for long memories
:math:`\gamma\approx1-\frac52(1-\beta_2)`, :math:`s_A^2\approx1-4(1-\beta_2)`. Beyond d steps the
second moment follows the risk as a state of its own (a conjecture, after arXiv 2411.12135).

Without :math:`\beta_1` and for Gaussian noise both means are integrals (derived here): in units of
P the stream is :math:`g=\xi\zeta` with independent standard normals, the second moment
:math:`v=(1-\beta_2)\sum_l\beta_2^lg_l^2`, and with :math:`L(u)=E\,e^{-ug^2}`

.. math:: \gamma=E\frac{g_0^2}{\sqrt v}=\frac1{\sqrt\pi}\int_0^\infty F(s)\frac{ds}{\sqrt s},
    \qquad s_A^2=E\frac{g_0^2}v=\int_0^\infty F(s)\,ds,

.. math:: F(s)=-L'\big((1-\beta_2)s\big)\prod_{l\ge1}L\big((1-\beta_2)\beta_2^ls\big),\qquad
    L=\sqrt q\,U(\tfrac12,1,q),\quad -L'=q^{3/2}U(\tfrac32,1,q),\quad q=\frac1{4u}.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import hyperu
from scipy.stats import t as student

from ....solvers.adam.table import stream_means
from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....theory.covariance import power_law
from ....theory.methods import Adam
from ....theory.noise import Gaussian, NoNoise
from ....theory.streaming.problem import LeastSquares
from ...agreement.compare import compare
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, agreement, near
from ..look import (
    COLOURS,
    EXACT,
    PUBLISHED,
    REFERENCE,
    RISK,
    RUNS,
    SEQUENCE,
    SIMULATION,
    THEORY,
    TIME,
    key,
    pair,
    sheet,
)

TITLE = "Adam: drift and noise against the memory of v, and which limit holds at which memory"
CAPTION = (
    "(a) Mean drift and noise of a step of Adam without momentum over what the second moment "
    "forgets: quadrature (lines), a simulated stream (markers); grey, their laws for long "
    "memories. (b), (c) Risk at d = {dimension} where the second moment remembers few steps "
    "and where it remembers about d; (d) with momentum, β₁ = 1 − {momentum:g}/d. Take-away: with "
    "a short memory Adam is a signSGD whose drift and noise the memory sets; memories of "
    "order d are states of their own, and each limit fails where another is right."
)

#: the two limits that are compared, by the name of the memory that they are right for
SHORT, SLOW, BOTH = "short", "slow-variance", "slow"
#: of every memory, the limit that is right and the one that is not
OTHER = {SHORT: SLOW, SLOW: SHORT, BOTH: SLOW}
#: how limits are drawn where they are wrong
LIMITS = {SLOW: EXACT, SHORT: PUBLISHED}
#: −d/d(1 − β₂) of the two means at β₂ = 1, for Gaussian noise
LAWS = {"gamma": 2.5, "s_A^2": 4.0}
NAMES = {SHORT: "short", SLOW: "long", BOTH: "long, with momentum"}
TITLES = {
    SHORT: "memory of $v$: {:g} steps",
    SLOW: "memory of $v$: {:g} steps",
    BOTH: "and of $m$: {:g} steps",
}
#: memories so short that the line of quadrature reaches signSGD
SHORTEST = (0.99, 0.995, 0.999, 0.9999)


@dataclass(frozen=True)
class Parameters:
    """Forgetting rates 1 − β₂ of the tables, and memories of d/short and d/slow steps of runs,
    and of d/momentum steps of their first moment."""

    forgetting: tuple[float, ...] = (0.0025, 0.005, 0.01, 0.02, 0.06, 0.2, 0.4, 0.7, 0.9, 0.98)
    blocks: int = 32
    dimension: int = 400
    exponent: float = 0.5
    noise: float = 0.5
    rate: float = 0.4
    short: float = 40.0
    slow: float = 1.0
    momentum: float = 4.0
    until: float = 4.0
    points: int = 21
    runs: int = 320
    seed: int = 8


QUICK = Parameters()
FULL = Parameters(blocks=64, dimension=800, short=60.0, runs=600)


@dataclass(frozen=True, eq=False)
class Data:
    """γ and s_A² over 1 − β₂, with their standard errors from a stream of so many blocks, and
    ``exact`` by quadrature, ``shortest`` for the shortest memories; by the memory that is right:
    how many steps it is, both limits and the runs."""

    forgetting: np.ndarray
    drift: np.ndarray
    variance: np.ndarray
    errors: np.ndarray
    blocks: int
    exact: np.ndarray
    shortest: np.ndarray
    steps: dict[str, float]
    limits: dict[str, dict[str, Curve]]
    runs: dict[str, Curve]


def compute(parameters: Parameters) -> Data:
    """Tables without noise, since γ and s_A² are the same for all Gaussian noise; two runs."""
    p = parameters
    forgetting = np.array(p.forgetting)
    # one risk is enough, for the same reason
    tables = [stream_means(NoNoise(), 0.0, 1 - x, 0.5, 0.505, p.blocks) for x in forgetting]
    drift = np.array([np.exp(table.drift[0]) for table in tables])
    variance = np.array([np.exp(table.variance[0]) for table in tables])
    relative = np.array([[table.drift_error, table.variance_error] for table in tables]).T
    problem = LeastSquares(power_law(p.dimension, p.exponent), noise=Gaussian(p.noise))
    axis = {"until": p.until, "points": p.points}
    limits: dict[str, dict[str, Curve]] = {}
    runs: dict[str, Curve] = {}
    scales = {SHORT: (None, p.short), SLOW: (None, p.slow), BOTH: (p.momentum, p.slow)}
    for right, (first, second) in scales.items():
        beta1 = 0.0 if first is None else 1 - first / p.dimension
        method = Adam(p.rate, beta1=beta1, beta2=1 - second / p.dimension)
        limits[right] = {
            name: solve(problem, method, memory=name, **axis) for name in (right, OTHER[right])
        }
        seed = np.random.SeedSequence(p.seed, spawn_key=(len(runs),))
        runs[right] = simulate(problem, method, runs=p.runs, seed=seed, progress=False, **axis)
    remembered = {SHORT: p.short, SLOW: p.slow, BOTH: p.momentum}
    steps = {name: p.dimension / scale for name, scale in remembered.items()}
    exact, shortest = (
        np.transpose([quadrature(x) for x in forgets]) for forgets in (p.forgetting, SHORTEST)
    )
    return Data(
        forgetting,
        drift,
        variance,
        relative * (drift, variance),
        p.blocks,
        exact,
        shortest,
        steps,
        limits,
        runs,
    )


def quadrature(forgetting: float) -> tuple[float, float]:
    """γ and s_A² at 1 − β₂, both integrals by the trapezoidal rule in ln s."""
    nodes = np.linspace(-30, 30, 241)
    s = np.exp(nodes)
    # what is older than 30 memories has forgotten its start
    lags = forgetting * (1 - forgetting) ** np.arange(1, np.ceil(30 / forgetting))
    logs = sum(np.log(_transform(0.5, lag * s)) for lag in lags)
    F = _transform(1.5, forgetting * s) * np.exp(logs)
    step = nodes[1] - nodes[0]
    return step * np.sum(F * np.sqrt(s)) / np.sqrt(np.pi), step * np.sum(F * s)


def _transform(a: float, u: np.ndarray) -> np.ndarray:
    """L(u) for a = 1/2, −L'(u) for a = 3/2."""
    q = 1 / (4 * u)
    return q**a * hyperu(a, 1, q)


def draw(data: Data, width: str | float) -> HouseFigure:
    """The two means against the memory, and runs at a short and at a long one."""
    colour = COLOURS["Adam"]

    def panels(axes: Any) -> None:
        _means(axes[0], data)
        for axis, (right, runs) in zip(axes[1:], data.runs.items(), strict=True):
            axis.set_yscale("log")
            holds, fails = data.limits[right][right], data.limits[right][OTHER[right]]
            pair(axis, holds, runs, colour)
            axis.plot(fails.time, fails.risk, color="black", **LIMITS[OTHER[right]])
            axis.set(xlabel=TIME, ylabel=RISK, ylim=(None, 1.1))
            axis.set_title(TITLES[right].format(data.steps[right]))
        others = {
            "the limit of a long memory of $v$": {"color": "black", **LIMITS[SLOW]},
            "the limit of a short one": {"color": "black", **LIMITS[SHORT]},
        }
        styles = {"theory, the memory that is right": {"color": colour, **THEORY}}
        key(axes[1], styles | others | {RUNS: SIMULATION}, 3)

    return sheet(panels, width, rows=2, columns=2, aspect=0.62, strips=(1, 2, 3))


def _means(axis: Any, data: Data) -> None:
    small = np.geomspace(data.forgetting[0], 0.25, 60)
    streams = zip(
        (r"$\gamma$", r"$s_A^2$"),
        data.exact,
        data.shortest,
        (data.drift, data.variance),
        data.errors,
        strict=True,
    )
    for (name, exact, shortest, values, errors), colour in zip(
        streams, SEQUENCE[::2], strict=False
    ):
        line = [*data.forgetting, *SHORTEST], [*exact, *shortest]
        axis.plot(*line, color=colour, label=name, **THEORY)
        axis.errorbar(
            data.forgetting, values, 2 * errors, color=colour, elinewidth=0.6, **SIMULATION
        )
    laws = np.transpose([1 - LAWS[name] * small for name in LAWS])
    axis.plot(small, laws, **REFERENCE, zorder=0, label=[r"$\beta_2\to1$", None])
    # without memory: (2/π, 1)
    axis.plot(
        [1, 1],
        [2 / np.pi, 1],
        "s",
        color=COLOURS["signSGD"],
        markersize=3,
        clip_on=False,
        label="signSGD",
    )
    axis.set(xscale="log", xlabel=r"forgetting $1-\beta_2$", ylim=(0.4, 1.05))
    axis.set_ylabel(r"drift $\gamma$ and noise $s_A^2$ of a step")
    axis.legend(loc="lower left", handlelength=1.0, fontsize=6)


def checks(data: Data) -> tuple[Check, ...]:
    """The streams against quadrature, which has both laws of long memories; each limit holds where
    it should and fails at the other."""
    streams = zip((data.drift, data.variance), data.errors, data.exact, LAWS, strict=True)
    return (
        *(_stream(name, data, *found) for *found, name in streams),
        *(_slope(name, data, exact) for name, exact in zip(LAWS, data.exact, strict=True)),
        *(check for right in data.runs for check in _limits(data, right)),
    )


def _stream(
    name: str, data: Data, values: np.ndarray, errors: np.ndarray, exact: np.ndarray
) -> Check:
    """Largest distance of the stream from quadrature over all memories."""
    bound = float(student.isf(0.5e-3 / values.size, data.blocks - 1))
    seen = 100 * (bound * errors / exact).min()
    return Check(
        f"{name} of the stream from quadrature, largest in standard errors",
        float(np.abs((values - exact) / errors).max()),
        0,
        bound,
        f"Student's tail at 1e-3 over all memories; {seen:.2g} % would show",
    )


def _slope(name: str, data: Data, exact: np.ndarray) -> Check:
    """Slope at β₂ = 1, where the mean is 1: the polynomial through the longest memories."""
    x = data.forgetting[:4]
    chords = (1 - exact[:4]) / x
    slope, before = (np.polyfit(x[:n], chords[:n], n - 1)[-1] for n in (4, 3))
    return near(
        f"slope of {name} in beta_2 at 1",
        slope,
        LAWS[name],
        2 * abs(slope - before),
        "four memories, no noise; twice what the fourth changes",
    )


def _limits(data: Data, right: str) -> tuple[Check, Check]:
    holds, fails = (data.limits[right][name] for name in (right, OTHER[right]))
    margin = float(holds.diagnostics["finite_size"].max())
    report = compare(fails, data.runs[right], margin=margin)
    return (
        agreement(f"memory {NAMES[right]}: its limit", compare(holds, data.runs[right])),
        Check(
            f"memory {NAMES[right]}: the limit of another",
            float(report.p_values.min()),
            0,
            report.level,
            "refuted at the same margin",
        ),
    )
