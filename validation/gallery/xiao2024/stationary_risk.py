r"""Where signSGD stalls: no rate diverges, and small rates show the density of the noise at 0.

.. math:: \sqrt{2R_\infty}\,\phi(R_\infty)=\frac{\eta\,\mathrm{tr}D^{1/2}}{2d}

(derived here, after arXiv 2411.12135): R∞ ∝ η/f(0) for small rates, η² for large ones and without
noise, 1/log(1/η) for noise without mass near 0. SGD has aσ²/(4 − 2a), a = η tr K/d < 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....solvers.streaming.advice.effects import effects
from ....solvers.streaming.stationary import stationary
from ....solvers.streaming.validity import stability_limit
from ....theory.core.percent import percent
from ....theory.covariance import Covariance, power_law
from ....theory.methods import SGD, Method, SignSGD
from ....theory.noise import Cauchy, Gaussian, Laplace, Noise, NoNoise, Rademacher
from ....theory.streaming.problem import LeastSquares
from ...agreement.compare import MAX_DETECTABLE, compare
from ...figures.registry import LAWS, colours
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, near
from ..look import COLOURS, KINDS, REFERENCE, SIMULATION, THEORY, key, outside_its_range, sheet

TITLE = "stationary risk against the rate: signSGD under five laws, and SGD up to its divergence"
CAPTION = (
    "(a) Where signSGD stalls over the rate, for five laws of noise, with runs at rest as "
    "markers and the laws of both ends in grey. (b) signSGD and SGD about the rate at which "
    "SGD diverges. Take-away: no rate makes signSGD diverge, and at small rates it stalls at "
    "a risk that the density of the noise at 0 decides."
)


@dataclass(frozen=True)
class Parameters:
    """Rates of the lines, of the runs, and how long runs relax in units of 1/rate."""

    dimension: int = 200
    exponent: float = 0.3
    scale: float = 0.5
    lowest: float = 1e-4
    highest: float = 30.0
    rates: int = 40
    simulated: tuple[float, ...] = (0.2, 0.5, 2.0)
    relaxation: float = 3.0
    runs: int = 550
    seed: int = 5


QUICK = Parameters()
FULL = Parameters(dimension=1000, rates=200, runs=400)


@dataclass(frozen=True, eq=False)
class Data:
    """Stationary risks over the rates by law, the laws of both ends, and runs near rest.

    ``sgd_rates`` end at the ``threshold``; ``beyond`` counts the stable risks just above it.
    """

    laws: dict[str, Noise]
    mean_root: float
    rates: np.ndarray
    risks: dict[str, np.ndarray]
    small: dict[str, np.ndarray]
    large: np.ndarray
    threshold: float
    sgd_rates: np.ndarray
    sgd: np.ndarray
    beyond: int
    theory: dict[tuple[str, float], Curve]
    runs: dict[tuple[str, float], Curve]


def _laws(scale: float) -> dict[str, Noise]:
    return {
        "no noise": NoNoise(),
        "Gaussian": Gaussian(scale),
        "Laplace": Laplace(scale / np.sqrt(2)),
        "Rademacher": Rademacher(scale),
        "Cauchy": Cauchy(scale),
    }


def compute(parameters: Parameters) -> Data:
    """Lines from the stationary equation, runs that start at the risk where they should stay."""
    p = parameters
    covariance, laws = power_law(p.dimension, p.exponent), _laws(p.scale)
    rates = np.geomspace(p.lowest, p.highest, p.rates)
    problems = {name: LeastSquares(covariance, noise=law) for name, law in laws.items()}
    risks = {
        name: np.array([_risk(problem, SignSGD(float(rate))) for rate in rates])
        for name, problem in problems.items()
    }
    small = {
        name: np.array([effects(problems[name], rate).small_rate_risk for rate in rates])
        for name, law in laws.items()
        if 0 < law.density_at_zero < np.inf
    }
    large = np.array([effects(problems["no noise"], rate).large_rate_risk for rate in rates])
    theory, runs = _near_rest(covariance, laws, p)
    threshold = stability_limit(problems["Gaussian"])
    sgd_rates = threshold * np.concatenate([rates[rates < 1] / 2, 1 - np.geomspace(0.5, 0.01, 20)])
    sgd = np.array([_risk(problems["Gaussian"], SGD(float(rate))) for rate in sgd_rates])
    beyond = stationary(problems["Gaussian"], SGD(1.001 * threshold)).stable.sum()
    mean_root = float(np.sqrt(covariance.expanded()).mean())
    return Data(
        laws,
        mean_root,
        rates,
        risks,
        small,
        large,
        threshold,
        sgd_rates,
        sgd,
        int(beyond),
        theory,
        runs,
    )


def _risk(problem: LeastSquares, method: Method) -> float:
    found = stationary(problem, method)
    return float(found.roots[found.stable][0])


def _near_rest(
    covariance: Covariance, laws: dict[str, Noise], p: Parameters
) -> tuple[dict[tuple[str, float], Curve], dict[tuple[str, float], Curve]]:
    theory: dict[tuple[str, float], Curve] = {}
    runs: dict[tuple[str, float], Curve] = {}
    for law, noise in laws.items():
        for rate in p.simulated:
            method = SignSGD(rate)
            risk = _risk(LeastSquares(covariance, noise=noise), method)
            problem = LeastSquares(covariance, noise=noise, initial_risk=risk)
            axis = {"until": p.relaxation / rate, "points": 5}
            seed = np.random.SeedSequence(p.seed, spawn_key=(len(runs),))
            with outside_its_range():  # announced errors of a few percent are allowed for
                theory[law, rate] = solve(problem, method, **axis)
            runs[law, rate] = simulate(
                problem, method, runs=p.runs, seed=seed, progress=False, **axis
            )
    return theory, runs


def draw(data: Data, width: str | float) -> HouseFigure:
    """All laws over the rates; signSGD and SGD around the threshold of SGD."""

    shades = colours(data.laws, registered=LAWS)

    def panels(axes: Any) -> None:
        for law, colour in shades.items():
            axes[0].plot(data.rates, data.risks[law], color=colour, label=law, **THEORY)
            at_rest = [
                (rate, runs.risk[-1], 2 * runs.sem()[-1])
                for (name, rate), runs in data.runs.items()
                if name == law
            ]
            axes[0].errorbar(
                *np.transpose(at_rest), color=colour, elinewidth=0.8, **(SIMULATION | {"zorder": 3})
            )
        ends = np.array([*data.small.values(), data.large]).T
        names = ["laws of small and large rates", *[None] * (ends.shape[1] - 1)]
        axes[0].plot(data.rates, ends, label=names, **REFERENCE, zorder=0)
        axes[0].set(xscale="log", yscale="log", ylim=(1e-6, 1e3))
        _threshold_panel(axes[1], data)
        for axis in axes:
            axis.set(xlabel=r"rate $\eta$", ylabel=r"stationary risk $R_\infty$")
        key(axes[0], KINDS, 4)

    return sheet(panels, width, columns=2, aspect=0.75)


def _threshold_panel(axis: Any, data: Data) -> None:
    axis.plot(data.sgd_rates, data.sgd, color=COLOURS["SGD"], **THEORY)
    axis.plot(data.rates, data.risks["Gaussian"], color=COLOURS["signSGD"], **THEORY)
    axis.axvline(data.threshold, **REFERENCE, zorder=0)
    axis.set(xlim=(0, 1.7 * data.threshold), yscale="log", ylim=(1e-2, 1e2))
    axis.text(0.9 * data.threshold, 10, "SGD", color=COLOURS["SGD"], ha="right")
    axis.text(1.4 * data.threshold, 0.7, "signSGD", color=COLOURS["signSGD"], ha="center")
    axis.text(1.05 * data.threshold, 50, r"$\eta\,\mathrm{tr}\,K/d=2$", color="0.4")


def checks(data: Data) -> tuple[Check, ...]:
    """Closed forms, exponents at both ends, the threshold of SGD, and the runs."""
    variance = data.laws["Gaussian"].variance
    c = np.pi * data.rates * data.mean_root / 8
    gaussian = c**2 + c * np.sqrt(c**2 + variance)
    load = 2 * data.sgd_rates / data.threshold
    return (
        near(
            "R of signSGD over its closed form, Gaussian noise, furthest from 1",
            _furthest(data.risks["Gaussian"] / gaussian),
            1,
            1e-9,
            "closed form",
        ),
        near(
            "R of SGD over its closed form, furthest from 1",
            _furthest(data.sgd * (4 - 2 * load) / (load * variance)),
            1,
            1e-9,
            "closed form",
        ),
        near("stable risks of SGD beyond the threshold", data.beyond, 0, 0, "eta tr K/d >= 2"),
        *_ends(data),
        *(_rest(data, law) for law in data.laws),
    )


def _furthest(ratios: np.ndarray) -> float:
    return float(ratios[np.argmax(np.abs(ratios - 1))])


def _ends(data: Data) -> tuple[Check, ...]:
    """Exponents of the rate at its lowest, and the laws of low and of high rates."""
    step = np.log(data.rates[1] / data.rates[0])
    slope = {law: np.log(risks[1] / risks[0]) / step for law, risks in data.risks.items()}
    variance = data.laws["Gaussian"].variance
    low = {law: np.sqrt(4 * data.risks[law][1] / variance) for law in ("Gaussian", "Laplace")}
    middle = np.sqrt(np.prod(data.risks["Rademacher"][:2]))
    return (
        near("exponent for small rates, no noise", slope["no noise"], 2, 1e-9, "formula"),
        *(
            near(f"exponent for small rates, {law}", slope[law], 1, low[law], "2 sqrt(R)/sigma")
            for law in low
        ),
        near(
            "exponent for small rates, Rademacher",
            slope["Rademacher"],
            1 / (0.5 + variance / (4 * middle)),
            step**2 / 24,
            "eta ~ sqrt(R) exp(-sigma^2/(4R)); order step^2/24 of the difference quotient",
        ),
        *(_small(data, law, variance) for law in low),
        *(_large(data, law, variance) for law in data.risks),
    )


def _small(data: Data, law: str, variance: float) -> Check:
    """R over its law at the two lowest rates; the next order is 2/√π √R over Laplace's σ/√2."""
    risks = data.risks[law][:2]
    sizes = np.sqrt(4 * risks / variance)
    return near(
        f"R over its small-rate law, {law}",
        _without(sizes, risks / data.small[law][:2]),
        1,
        sizes.prod(),
        "extrapolated in 2 sqrt(R)/sigma: its square is left",
    )


def _large(data: Data, law: str, variance: float) -> Check:
    """R over its law at the two highest rates; the next order is σ²/(2R), or Cauchy's s over √R."""
    risks, label = data.risks[law][-2:], f"R over its large-rate law, {law}"
    ratios = risks / data.large[-2:]
    if np.isfinite(data.laws[law].variance):
        own = data.laws[law].variance / risks[-1]
        return near(label, ratios[-1], 1, max(own, 1e-9), "sigma^2/(2R), twice")
    sizes = np.sqrt(4 * variance / risks)
    return near(
        label,
        _without(sizes, ratios),
        1,
        sizes.prod(),
        "extrapolated in 2 s/sqrt(R): its square is left",
    )


def _without(sizes: np.ndarray, values: np.ndarray) -> float:
    """What two values tend to where their term of first order in the sizes is gone."""
    return float((values[0] * sizes[1] - values[1] * sizes[0]) / (sizes[1] - sizes[0]))


def _rest(data: Data, law: str) -> Check:
    """The smallest p-value of the law's runs against their limits, held to one level."""
    pairs = [(data.theory[key], runs) for key, runs in data.runs.items() if key[0] == law]
    reports = [compare(*pair) for pair in pairs]
    smallest = min(float(report.p_values.min()) for report in reports)
    seen = max(report.detectable for report in reports)
    origin = f"smallest Holm p-value, times the rates; errors of {percent(seen)} would show"
    p = min(smallest * len(pairs), 1)
    return Check(f"runs near rest, {law}", p, 1e-3, 1, origin, seen > MAX_DETECTABLE)
