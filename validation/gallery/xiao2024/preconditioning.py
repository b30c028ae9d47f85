r"""Diagonal preconditioning: signSGD sees the spectrum of S = D^(-1/4) K D^(-1/4), SGD that of K.

K = Q diag(k) Qᵀ with Q a power of plane rotations by one angle, Q = R(θ)⊗…⊗R(θ): diagonal at
θ = 0, of flat diagonal at π/4. There S is K up to a factor and nothing is gained; at 0 the
condition number is that of √k (names after arXiv 2411.12135, formulas derived here).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....solvers.streaming.advice.effects import effects
from ....solvers.streaming.advice.rates import rate_for_risk
from ....theory.covariance import Covariance, from_matrix
from ....theory.methods import SGD, Method, SignSGD
from ....theory.noise import Gaussian
from ....theory.streaming.modes import modes
from ....theory.streaming.problem import LeastSquares
from ...figures.registry import shade
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, near, tested
from ..look import COLOURS, KINDS, RISK, THEORY, TIME, key, outside_its_range, pair, sheet

TITLE = "diagonal preconditioning: spectra, condition numbers and speed as K turns off its axes"
CAPTION = (
    "(a) Spectra in units of their mean, (b) condition numbers as K turns off the axes, (c) "
    "risk at equal stationary risk, runs against limits below. Take-away: diagonal "
    "preconditioning replaces the eigenvalues of K by their roots where K is diagonal, and "
    "does nothing where its diagonal is flat."
)

FLAT = np.pi / 4
TURNED = "signSGD, $K$ turned by $\\pi/4$"
AXES = "signSGD, $K$ diagonal"
#: what is compared, and its colour
ENDS = {"SGD": COLOURS["SGD"], AXES: COLOURS["signSGD"], TURNED: shade(COLOURS["signSGD"], 1)}


@dataclass(frozen=True)
class Parameters:
    """2^planes variances between `lowest` and 1, and the risk at which both methods stall.

    Late speeds are compared at the risk ``small``, on 2^apart variances: of many that lie close
    no single one is left before rounding ends the decay.
    """

    planes: int = 8
    lowest: float = 0.03
    angles: int = 17
    noise: float = 0.5
    risk: float = 0.02
    apart: int = 2
    small: float = 1e-3
    until: float = 25.0
    points: int = 41
    runs: int = 300
    seed: int = 3


QUICK = Parameters()
FULL = Parameters(planes=9, angles=33, runs=400)


@dataclass(frozen=True, eq=False)
class Data:
    """Condition numbers by angle; spectra and curves of SGD and of signs at both ends.

    Spectra are in units of their mean. ``late`` and ``expected`` are the speeds of signSGD with K
    diagonal over those of the other two as the limits come to rest, and what they are for small
    risks; ``slack`` is R∞/σ².
    """

    angles: np.ndarray
    sgd: np.ndarray
    sign: np.ndarray
    spectra: dict[str, np.ndarray]
    theory: dict[str, Curve]
    runs: dict[str, Curve]
    late: dict[str, float]
    expected: dict[str, float]
    slack: float


def covariance(variances: np.ndarray, angle: float) -> Covariance:
    """Return K with these eigenvalues, turned by the angle in every plane."""
    planes = variances.size.bit_length() - 1
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    basis = reduce(np.kron, [turn] * planes)
    return from_matrix(basis @ np.diag(variances) @ basis.T)


def compute(parameters: Parameters) -> Data:
    """Condition numbers for every angle; curves at both ends, and late speeds."""
    p = parameters
    angles = np.linspace(0, FLAT, p.angles)
    problems = [_problem(p, p.planes, angle) for angle in angles]
    found = [effects(problem, 1.0).condition_numbers for problem in problems]
    sgd, sign = np.array(found).T
    ends = dict(zip(ENDS, (problems[0], problems[0], problems[-1]), strict=True))
    theory, runs = {}, {}
    # a spectrum this steep has a small intrinsic dimension: the announced error is allowed for
    with outside_its_range():
        for k, (name, problem) in enumerate(ends.items()):
            theory[name], runs[name] = _curves(problem, method_of(name, problem, p.risk), p, k)
        late, expected = _late(p)
    spectra = {name: _spectrum(ends[name], method_of(name, ends[name], p.risk)) for name in ENDS}
    return Data(angles, sgd, sign, spectra, theory, runs, late, expected, p.small / p.noise**2)


def _problem(p: Parameters, planes: int, angle: float) -> LeastSquares:
    variances = np.geomspace(p.lowest, 1.0, 2**planes)
    return LeastSquares(covariance(variances, angle), noise=Gaussian(p.noise))


def method_of(name: str, problem: LeastSquares, risk: float) -> Method:
    """Return the method of one end, at the rate at which it stalls at the risk."""
    method = SGD(1.0) if name == "SGD" else SignSGD(1.0)
    return replace(method, rate=rate_for_risk(problem, method, risk))


def _late(p: Parameters) -> tuple[dict[str, float], dict[str, float]]:
    """Late speed of signSGD with K diagonal over those of the others, and its expectation."""
    diagonal, turned = (_problem(p, p.apart, angle) for angle in (0.0, FLAT))
    ends = dict(zip(ENDS, (diagonal, diagonal, turned), strict=True))
    speeds = {
        name: _late_speed(problem, method_of(name, problem, p.small), p.small)
        for name, problem in ends.items()
    }
    before, after = effects(diagonal, 1.0), effects(turned, 1.0)
    gain = after.condition_numbers[1] / before.condition_numbers[1]
    late = {name: speeds[AXES] / speeds[name] for name in ("SGD", TURNED)}
    return late, {"SGD": before.rate_ratio, TURNED: gain}


def _curves(problem: LeastSquares, method: Method, p: Parameters, k: int) -> tuple[Curve, Curve]:
    axis = {"until": p.until, "points": p.points}
    seed = np.random.SeedSequence(p.seed, spawn_key=(k,))
    runs = simulate(problem, method, runs=p.runs, seed=seed, progress=False, **axis)
    return solve(problem, method, **axis), runs


def _late_speed(problem: LeastSquares, method: Method, risk: float) -> float:
    """Rate at which R − R∞ falls from 10⁻⁵ to 10⁻⁶ of R∞, where the slowest modes are left."""
    found = modes(problem, method)
    # both come to rest at rates of order R∞
    until = 1.8 / risk * found.mean_rate / found.rates.min()
    curve = solve(problem, method, until, points=401, rtol=1e-9)
    excess = np.log(np.maximum(curve.risk / risk - 1, 1e-7))
    first, last = np.interp(-np.log([1e-5, 1e-6]), -excess, curve.time)
    return float(np.log(10) / (last - first))


def _spectrum(problem: LeastSquares, method: Method) -> np.ndarray:
    found = modes(problem, method)
    return np.sort(found.rates) / found.mean_rate


def draw(data: Data, width: str | float) -> HouseFigure:
    """Spectra at both ends, condition numbers along the family, curves at both ends."""

    def panels(axes: Any) -> None:
        for name, colour in ENDS.items():
            spectrum = data.spectra[name]
            # the turned S lies under K: a wide line shows both
            wide = {"linewidth": 3.5, "alpha": 0.6} if name == TURNED else {}
            share = (np.arange(spectrum.size) + 0.5) / spectrum.size
            axes[0].plot(share, spectrum, color=colour, label=name, **(THEORY | wide))
            pair(axes[2], data.theory[name], data.runs[name], colour)
        axes[1].plot(data.angles, data.sgd, color=COLOURS["SGD"], **THEORY)
        axes[1].plot(data.angles, data.sign, color=COLOURS["signSGD"], **THEORY)
        axes[1].text(
            0,
            1.03 * data.sgd[0],
            r"SGD, $\mathrm{tr}\,K/(d\mu_{\min})$",
            va="bottom",
            color=COLOURS["SGD"],
        )
        axes[1].text(
            FLAT,
            0.5 * data.sign[0],
            r"signSGD, $\mathrm{tr}\,D^{1/2}/(d\lambda_{\min})$",
            ha="right",
            color=COLOURS["signSGD"],
        )
        axes[0].set(xlabel="share of the modes below", ylabel="eigenvalue over its mean")
        axes[1].set(xlabel=r"angle $\theta$ of $K$ to the axes", ylabel="condition number")
        axes[1].set(xticks=[0, FLAT / 2, FLAT], xticklabels=["0", r"$\pi/8$", r"$\pi/4$"])
        axes[1].set_ylim(0, 1.2 * data.sgd[0])
        axes[2].set(xlabel=TIME, ylabel=RISK)
        for axis in axes[::2]:
            axis.set_yscale("log")
        key(axes[0], KINDS, 3)

    return sheet(panels, width, columns=3, aspect=0.95, strips=(2,))


def checks(data: Data) -> tuple[Check, ...]:
    """Condition numbers at both ends, late speeds and curves."""
    roots = np.sqrt(data.spectra["SGD"])
    return (
        near(
            "condition number of signSGD, K diagonal",
            data.sign[0],
            roots.mean() / roots[0],
            1e-9,
            "that of the square roots of K",
        ),
        near(
            "condition number of signSGD, flat diagonal",
            data.sign[-1],
            data.sgd[-1],
            1e-6,
            "that of K",
        ),
        _speed(data, TURNED, "turned", "ratio of the condition numbers, to order R/sigma^2"),
        _speed(data, "SGD", "SGD", "4/pi^2 Psi(0)^2 cond/cond, to order R/sigma^2"),
        *(tested(name, data.theory[name], data.runs[name], of="drift") for name in ENDS),
    )


def _speed(data: Data, other: str, name: str, origin: str) -> Check:
    value, expected = data.late[other], data.expected[other]
    label = f"late speed of signSGD, K diagonal, over {name}"
    return near(label, value, expected, data.slack * expected, origin)
