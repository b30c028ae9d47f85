r"""The four effects of taking signs, one a panel: runs, their limit, and a run without the effect.

The drift of signSGD is :math:`\frac{\eta}{\sqrt P}\frac2\pi\Psi(R)D^{-1/2}K\delta`, its noise
:math:`K_\sigma` (names of arXiv 2411.12135, formulas derived here). Each panel has problems on
which one factor alone differs:

1. the effective rate :math:`\eta g(R)` against a rate that stays as at the start: SGD;
2. :math:`\Psi` of three laws of one variance; for the Gaussian one it is 1;
3. the spectrum of :math:`D^{-1/4}KD^{-1/4}` against that of K: the same K, turned off its axes;
4. :math:`K_\sigma` against C as the covariance of the noise, from rest: the mode equations with
   the one or the other as their source.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....solvers.streaming.advice.effects import effects
from ....solvers.streaming.advice.rates import rate_for_risk
from ....solvers.streaming.coefficients import Coefficients
from ....solvers.streaming.compress import Spectrum
from ....solvers.streaming.ode import integrate
from ....theory.covariance import from_matrix, isotropic, toeplitz
from ....theory.methods import SGD, Method, SignSGD
from ....theory.noise import Gaussian, Laplace, Rademacher
from ....theory.streaming.derive import bind, derive
from ....theory.streaming.modes import modes, sign_geometry
from ....theory.streaming.problem import LeastSquares
from ...agreement.compare import compare
from ...figures.registry import LAWS, shade
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, refuted, tested
from ..look import COLOURS, EXACT, KINDS, RISK, TIME, direct, key, outside_its_range, pair, sheet
from .preconditioning import FLAT, covariance

TITLE = "the four effects of signs, each against runs without it: rate, compression, axes, noise"
CAPTION = (
    "Runs of signSGD at d = 2^{planes} against their limit, and what is left without one effect. "
    "(a) Effective rate: SGD at the same first drift. (b) Noise compression: three laws of one "
    "variance. (c) Diagonal preconditioning: the same K, turned off its axes. (d) Noise reshaping, "
    "from rest: dashes, the mode equations with the correlations of the inputs in place of those "
    "of their signs. Take-away: signs speed up as the risk falls, gain on peaked noise and on "
    "diagonal K, and stir correlated inputs less."
)
RATE, COMPRESSION, AXES, NOISE = "rate", "compression", "axes", "noise"
TITLES = {
    RATE: "effective rate",
    COMPRESSION: "noise compression",
    AXES: "preconditioning",
    NOISE: "noise reshaping",
}
SIGNS, WITHOUT = "signSGD", "without it"


@dataclass(frozen=True)
class Parameters:
    """2^planes coordinates; horizons and rates by effect, and the risk at rest of the axes."""

    planes: int = 8
    until: tuple[float, ...] = (15.0, 12.0, 25.0, 4.0)
    rate: float = 0.1
    clear: float = 0.3
    noise: float = 0.5
    start: float = 0.3
    lowest: float = 0.03
    risk: float = 0.02
    correlation: float = 0.98
    period: float = 24.0
    stirred: float = 0.3
    points: int = 31
    runs: int = 300
    seed: int = 11

    @property
    def dimension(self) -> int:
        """d."""
        return int(2**self.planes)


QUICK = Parameters()
FULL = Parameters(runs=1000)


@dataclass(frozen=True, eq=False)
class Data:
    """By effect and name: limit and runs; the risk from rest if the noise were that of C."""

    pairs: dict[str, dict[str, tuple[Curve, Curve]]]
    unshaped: Curve


def compute(parameters: Parameters) -> Data:
    """Every problem with its runs."""
    p = parameters
    pairs: dict[str, dict[str, tuple[Curve, Curve]]] = {}
    # spectra this steep have a small intrinsic dimension: the announced error is allowed for
    with outside_its_range():
        for k, (effect, cases) in enumerate(_cases(p).items()):
            axis = {"until": p.until[k], "points": p.points}
            pairs[effect] = {}
            for j, (name, (problem, method)) in enumerate(cases.items()):
                seed = np.random.SeedSequence(p.seed, spawn_key=(k, j))
                runs = simulate(problem, method, runs=p.runs, seed=seed, progress=False, **axis)
                pairs[effect][name] = solve(problem, method, **axis), runs
        problem, method = _cases(p)[NOISE][SIGNS]
        theory = pairs[NOISE][SIGNS][0]
        return Data(pairs, _unshaped(problem, method, theory))


def _cases(p: Parameters) -> dict[str, dict[str, tuple[LeastSquares, Method]]]:
    clear = LeastSquares(isotropic(p.dimension), noise=Gaussian(p.clear))
    first = float(effects(clear, p.rate).effective_rate(clear.risk))
    # equal variances: Laplace 2 b^2, Rademacher a^2
    laws = {
        "Laplace": Laplace(p.noise / np.sqrt(2)),
        "Gaussian": Gaussian(p.noise),
        "Rademacher": Rademacher(p.noise),
    }
    return {
        RATE: {SIGNS: (clear, SignSGD(p.rate)), "SGD": (clear, SGD(first))},
        COMPRESSION: {
            name: (
                LeastSquares(isotropic(p.dimension), noise=law, initial_risk=p.start),
                SignSGD(p.rate),
            )
            for name, law in laws.items()
        },
        AXES: {
            name: _at_rest(
                LeastSquares(covariance(_variances(p), angle), noise=Gaussian(p.noise)), p
            )
            for name, angle in ((SIGNS, 0.0), (WITHOUT, FLAT))
        },
        NOISE: {SIGNS: (_correlated(p), SignSGD(p.stirred))},
    }


def _variances(p: Parameters) -> np.ndarray:
    return np.geomspace(p.lowest, 1.0, p.dimension)


def _at_rest(problem: LeastSquares, p: Parameters) -> tuple[LeastSquares, Method]:
    """With the rate at which it stalls at the given risk."""
    method = SignSGD(1.0)
    return problem, replace(method, rate=rate_for_risk(problem, method, p.risk))


def _correlated(p: Parameters) -> LeastSquares:
    """A damped wave of correlations, near the minimum."""
    distance = np.subtract.outer(np.arange(p.dimension), np.arange(p.dimension))
    wave = toeplitz(p.dimension, p.correlation).matrix * np.cos(2 * np.pi * distance / p.period)
    return LeastSquares(from_matrix(wave), noise=Gaussian(p.noise), initial_risk=1e-3)


def _unshaped(problem: LeastSquares, method: Method, theory: Curve) -> Curve:
    """The same mode equations with λ_i w_iᵀ C w_i for the source, in place of λ_i w_iᵀ K_σ w_i."""
    system, found = derive(problem, method), modes(problem, method)
    seen = sign_geometry(problem.covariance)
    shares = np.einsum("ji,ji->i", seen.left, seen.correlation @ seen.left)
    sources = (seen.rates * shares)[seen.rates > 0] / problem.dimension
    coefficients = Coefficients.of(system.source, bind(system, problem, method))
    spectrum = Spectrum(found.rates, found.energies, sources)
    return Curve(theory.time, {"risk": integrate(coefficients, spectrum, theory.time)})


def draw(data: Data, width: str | float) -> HouseFigure:
    """One panel an effect."""

    def panels(axes: Any) -> None:
        for axis, (effect, pairs) in zip(axes, data.pairs.items(), strict=True):
            ends = {}
            for name, both in pairs.items():
                colour = _colour(effect, name)
                pair(axis, *both, colour)
                if len(pairs) > 1:
                    ends[_name(effect, name)] = float(both[0].risk[-1]), colour
            axis.set(yscale="log", xlabel=TIME, ylabel=RISK, title=TITLES[effect])
            if effect == NOISE:
                axis.plot(data.unshaped.time, data.unshaped.risk, color="black", **EXACT)
                ends = {"$C$": (float(data.unshaped.risk[-1]), "black")}
                ends[r"$K_\sigma$"] = float(pairs[SIGNS][0].risk[-1]), COLOURS["signSGD"]
                axis.set_yscale("linear")
            direct(axis, ends)
        key(axes[0], KINDS | {"theory without reshaping": EXACT}, 3)

    return sheet(panels, width, rows=2, columns=2, aspect=0.6, strips=(0, 1, 2, 3))


def _colour(effect: str, name: str) -> Any:
    if effect == COMPRESSION:
        return LAWS[name]
    return shade(COLOURS["signSGD"], 1) if name == WITHOUT else COLOURS[name]


def _name(effect: str, name: str) -> str:
    if effect == AXES:
        return "$K$ diagonal" if name == SIGNS else "$K$ turned"
    return name


def checks(data: Data) -> tuple[Check, ...]:
    """Every limit against its runs; the limit without an effect refuted by the runs with it."""
    agreements = [
        tested(f"{TITLES[effect]}: {name}", *both, of="drift")
        for effect, pairs in data.pairs.items()
        for name, both in pairs.items()
        if effect != NOISE
    ]
    # from rest noise is all: what must show there is the difference of the two sources
    shaped, stirred = data.pairs[NOISE][SIGNS]
    least = float((data.unshaped.risk / shaped.risk)[1:].min() - 1)
    agreements.append(tested(TITLES[NOISE], shaped, stirred, within=least))
    others = {
        RATE: (SIGNS, "SGD"),
        COMPRESSION: ("Laplace", "Gaussian"),
        AXES: (SIGNS, WITHOUT),
    }
    wrong = {
        effect: (data.pairs[effect][without][0], data.pairs[effect][name][1])
        for effect, (name, without) in others.items()
    }
    wrong["compression that hurts"] = (
        data.pairs[COMPRESSION]["Gaussian"][0],
        data.pairs[COMPRESSION]["Rademacher"][1],
    )
    wrong[NOISE] = data.unshaped, data.pairs[NOISE][SIGNS][1]
    return (
        *agreements,
        *(
            refuted(f"without {name}", compare(*both, margin=0), "the effect is seen")
            for name, both in wrong.items()
        ),
        *_directions(data),
    )


def _directions(data: Data) -> tuple[Check, ...]:
    """Which way each effect goes at the end of the runs, in standard errors."""
    compression, axes = data.pairs[COMPRESSION], data.pairs[AXES]
    stirred = data.pairs[NOISE][SIGNS][1]
    lower = {
        "effective rate: signSGD below SGD": (
            data.pairs[RATE][SIGNS][1],
            data.pairs[RATE]["SGD"][1],
        ),
        "compression: Laplace below Gaussian": (
            compression["Laplace"][1],
            compression["Gaussian"][1],
        ),
        "compression: Gaussian below two values": (
            compression["Gaussian"][1],
            compression["Rademacher"][1],
        ),
        "preconditioning: diagonal K below K turned": (axes[SIGNS][1], axes[WITHOUT][1]),
    }
    found = [
        Check(
            f"{name} at the end, in s.e.",
            float(
                (high.risk[-1] - low.risk[-1]) / np.hypot(high.sem("risk")[-1], low.sem("risk")[-1])
            ),
            4,
            np.inf,
            "the sign of the effect, 4 standard errors",
        )
        for name, (low, high) in lower.items()
    ]
    gap = (data.unshaped.risk[-1] - stirred.risk[-1]) / stirred.sem("risk")[-1]
    name = "reshaping: runs from rest below what the noise of C would stir up, in s.e."
    return (*found, Check(name, float(gap), 4, np.inf, "tr K K_sigma < tr K C"))
