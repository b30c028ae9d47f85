"""The forms of the noise kernel norm against D, and where single runs diverge.

The rate is that of K_closure = 1/2 at every D, so that what is drawn is how optimistic the closure
is. With normal features (derived here) K_2/K_closure − 1 is the relative variance of the row sums
r_k. At small steps r_k is proportional to |J_k|²/Σ|J|², a Dirichlet law with P/2 for every row, so
that it is (D − 1)/(1 + DP/2). At finite ones ln r_k moves G = 1 + (1 − νc)K_closure/(cD) times as
far as ln|J_k|², by the Schur complement of a row. K_exact adds second-order perturbation of the
constant vector: (K_exact − K_closure)/(K_2 − K_closure) tends to r/(r − m) like 1/D, with r the
mean of Γ_ii and m that of Γ_ij over all pairs, the mean diagonal of the noise kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....solvers.linear.critical import critical_rate, growth_rate
from ....solvers.linear.kernel_norm import KernelNorm, noise_kernel_norm
from ....solvers.linear.noise_kernel import NoiseKernel
from ....theory.linear.problem import LinearModel
from ....theory.methods import SGD
from ....theory.methods.sampling import batches
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...simulate import simulate
from ...simulate.linear.growth import Measured
from ..check import Check, beyond, near
from ..look import EXACT, REFERENCE, SEQUENCE, SIMULATION, THEORY, direct, key, sheet
from ._growth import Growth, growth, growth_check
from ._models import gaussian_features, power_law_features

TITLE = "the bracket of noise kernel norms against D; mean-square against almost-sure stability"
CAPTION = (
    "(a), (b) The forms of the noise kernel norm over that of the closure, against the size; "
    "(c) growth of the mean square and of single runs over the rate. Take-away: the closure "
    "is optimistic by a share that falls like 1/P for spread spectra and stays where few "
    "modes carry the trace; single runs hold out longer than the mean square."
)
MODELS: dict[str, Callable[[int, int], LinearModel]] = {
    "Gaussian features": gaussian_features,
    "power-law spectrum": power_law_features,
}
LABELS = {
    "trace": r"$\mathcal{K}_{\mathrm{tr}}$",
    "second_moment": r"$\mathcal{K}_2$",
    "exact": r"$\mathcal{K}_{\mathrm{exact}}$",
    "highest": r"$\max r$",
}
COLOURS = dict(zip(LABELS, SEQUENCE, strict=False))
LAW: dict[str, Any] = {"color": "black", **EXACT}
OPEN: dict[str, Any] = {**SIMULATION, "markerfacecolor": "white", "marker": "s", "markersize": 3}


@dataclass(frozen=True)
class Parameters:
    """Batches of a sixteenth of the data; growth at rates in units of the critical one."""

    dimensions: tuple[int, ...] = (16, 64, 256, 512)
    draws: tuple[int, ...] = (80, 80, 60, 30)
    closure: float = 0.5
    data: tuple[int, ...] = (16, 128)
    shares: tuple[float, ...] = (0.9, 1.0, 1.1, 1.2, 1.35, 1.5)
    steps: int = 300
    runs: tuple[int, ...] = (600, 60)
    walkers: int = 1000
    seed: int = 1


QUICK = Parameters()
FULL = Parameters(
    dimensions=(16, 32, 64, 128, 256, 512, 1024),
    draws=(300, 300, 200, 120, 80, 40, 12),
    data=(16, 128),
    steps=600,
    runs=(2000, 200),
    walkers=3000,
)


@dataclass(frozen=True, eq=False)
class Rates:
    """ln of the growth of |z|² a step at each share: of the mean square, and of single runs.

    That of the mean square is None below the edge, where it is not measured.
    """

    mean_square: tuple[Growth | None, ...]
    theory: np.ndarray
    single: tuple[Measured, ...]


@dataclass(frozen=True, eq=False)
class Data:
    """Each form over K_closure by model and form, an array of draws for every D; growth by D.

    `excess` are the laws of K_2/K_closure − 1 for normal features, at every D, and `share` is
    the limit of (K_exact − K_closure)/(K_2 − K_closure).
    """

    dimensions: np.ndarray
    ratios: dict[str, dict[str, tuple[np.ndarray, ...]]]
    excess: np.ndarray
    share: float
    shares: np.ndarray
    growth: dict[int, Rates]


def compute(parameters: Parameters) -> Data:
    """Every draw of a model at its own rate."""
    p = parameters
    ratios = {}
    for name, model in MODELS.items():
        norms = [
            [_norm(model(D, p.seed + k), p.closure) for k in range(draws)]
            for D, draws in zip(p.dimensions, p.draws, strict=True)
        ]
        ratios[name] = {
            form: tuple(np.array([getattr(n, form) / n.closure for n in row]) for row in norms)
            for form in LABELS
        }
    growth = {
        D: _growth(gaussian_features(D, p.seed), p, runs)
        for D, runs in zip(p.data, p.runs, strict=True)
    }
    excess = np.array([_excess(gaussian_features(D, p.seed), p.closure) for D in p.dimensions])
    share = _share(gaussian_features(p.dimensions[-1], p.seed), p.closure)
    return Data(np.array(p.dimensions), ratios, excess, share, np.array(p.shares), growth)


def _excess(model: LinearModel, level: float) -> float:
    """K_2/K_closure − 1 of normal features."""
    moments = batches(_method(model), model.data).moments
    gain = 1 + level * (1 - moments.nu * moments.c) / (moments.c * model.data)
    return float(gain**2 * (model.data - 1) / (1 + model.data * model.jacobian.shape[1] / 2))


def _share(model: LinearModel, level: float) -> float:
    """r/(r − m), from the eigenvalues alone."""
    kernel = NoiseKernel(model, batches(_method(model), model.data))
    rate = float(critical_rate(model, _method(model), "closure", level=level))
    i, j = kernel.moving[:, None], kernel.moving
    Gamma = kernel.functions["Gamma"](eta=rate, lambda_i=i, lambda_j=j, **kernel.numbers)
    return float(level / (level - Gamma.mean()))


def _method(model: LinearModel) -> SGD:
    return SGD(1.0, batch=model.data // 16)


def _norm(model: LinearModel, level: float) -> KernelNorm:
    method = _method(model)
    rate = float(critical_rate(model, method, "closure", level=level))
    return noise_kernel_norm(model, replace(method, rate=rate))


def _growth(model: LinearModel, p: Parameters, runs: int) -> Rates:
    critical = float(critical_rate(model, _method(model)))
    methods = [replace(_method(model), rate=share * critical) for share in p.shares]
    return Rates(
        tuple(
            growth(model, method, p.steps, p.walkers, p.seed) if share >= 1 else None
            for share, method in zip(p.shares, methods, strict=True)
        ),
        np.log([growth_rate(model, method) for method in methods]),
        tuple(_single_runs(model, method, p, runs) for method in methods),
    )


def _single_runs(model: LinearModel, method: SGD, p: Parameters, number: int) -> Measured:
    """The Lyapunov exponent of |z|², from the second half of the steps."""
    times = np.array([0, p.steps // 2, p.steps])
    runs = simulate(model, method, times=times, runs=number, seed=p.seed, progress=False)
    logs = np.log(runs.sample("loss"))
    slopes = (logs[:, 2] - logs[:, 1]) / (times[2] - times[1])
    return Measured(float(slopes.mean()), float(slopes.std(ddof=1) / np.sqrt(number)))


def draw(data: Data, width: str | float) -> HouseFigure:
    """Two panels of ratios to the closure, one of growth against the rate."""

    def panels(axes: Any) -> None:
        for axis, (name, forms) in zip(axes, data.ratios.items(), strict=False):
            for form, ratio in forms.items():
                axis.errorbar(
                    data.dimensions,
                    _mean(ratio),
                    2 * _error(ratio),
                    color=COLOURS[form],
                    marker="o",
                    markersize=3,
                    markerfacecolor="white",
                    linewidth=1,
                )
            axis.axhline(1, **REFERENCE)
            if name == "Gaussian features":
                axis.plot(data.dimensions, 1 + data.excess, zorder=3, **LAW)
            axis.set(xscale="log", xlabel="examples $D$", title=name)
            axis.set(ylabel=r"norm over $\mathcal{K}_{\mathrm{closure}}$")
            axis.set_xticks(data.dimensions[:3], [f"{D}" for D in data.dimensions[:3]])
            axis.minorticks_off()
        axes[1].set_yscale("log")
        shades = ordered(list(data.growth), last=0.6)
        for size, rates in data.growth.items():
            colour = shades[size]
            _growth_lines(axes[2], data.shares, rates, colour)
        axes[2].axhline(0, **REFERENCE)
        axes[2].set(xlabel=r"rate over that of $\mathcal{K}_{\mathrm{exact}}=1$", title="growth")
        axes[2].set(ylabel=r"growth a step of $\ln\mathbf{E}|z|^2$, $\ln|z|^2$")
        ends = {f"$D={D}$": (rates.theory[-1], shades[D]) for D, rates in data.growth.items()}
        direct(axes[2], ends)
        lines = {r"law of $\mathcal{K}_2$ (a)": LAW, "mean square, theory (c)": THEORY}
        lines |= {"simulation, mean ± 2 s.e.": SIMULATION, "single runs ± 2 s.e. (c)": OPEN}
        key(axes[0], lines, 4, colours={LABELS[form]: colour for form, colour in COLOURS.items()})

    return sheet(panels, width, columns=3, aspect=1.1)


def _growth_lines(axis: Any, shares: np.ndarray, rates: Rates, colour: str) -> None:
    axis.plot(shares, rates.theory, color=colour, **THEORY)
    measured = [np.nan if found is None else found.measured.value for found in rates.mean_square]
    errors = [np.nan if found is None else 2 * found.measured.error for found in rates.mean_square]
    axis.errorbar(shares, measured, errors, color=colour, elinewidth=0.8, **SIMULATION)
    single = [m.value for m in rates.single], [2 * m.error for m in rates.single]
    axis.errorbar(shares, *single, color=colour, elinewidth=0.8, **OPEN)


def _mean(ratio: Sequence[np.ndarray]) -> np.ndarray:
    return np.array([draws.mean() for draws in ratio])


def _error(ratio: Sequence[np.ndarray]) -> np.ndarray:
    return np.array([draws.std(ddof=1) / np.sqrt(draws.size) for draws in ratio])


def checks(data: Data) -> tuple[Check, ...]:
    """The order of the forms, their laws in D, and growth measured on either definition."""
    found = []
    for name, forms in data.ratios.items():
        order = [np.concatenate(forms[form]) for form in list(LABELS)[1:]]
        order.insert(0, np.ones_like(order[0]))
        least = min(float((b - a).min()) for a, b in zip(order, order[1:], strict=False))
        label = f"{name}: smallest step up the bracket, over K_closure"
        found.append(beyond(label, least, 0, "bracket, and no two forms are one"))
    found += _laws(data)
    for size, rates in data.growth.items():
        for share, measured in zip(data.shares, rates.mean_square, strict=True):
            if measured is not None:
                found.append(growth_check(f"D = {size} at {share:g} of the rate", measured))
        single = rates.single[list(data.shares).index(1.0)]
        # as D grows the gap closes, and no affordable ensemble sees it
        label = f"D = {size}: growth of single runs where K_exact = 1"
        score = single.value / single.error
        least = -4 if size == min(data.growth) else 4
        found.append(Check(f"{label}, in s.e.", score, -np.inf, least, "Jensen: below 0"))
        label = f"D = {size}: growth of single runs below the mean square's beyond, in s.e."
        behind = (rates.theory[-1] - rates.single[-1].value) / rates.single[-1].error
        found.append(Check(label, float(behind), 4, np.inf, "Jensen"))
    gaps = [float(rates.theory[-1]) - rates.single[-1].value for rates in data.growth.values()]
    error = 4 * max(rates.single[-1].error for rates in data.growth.values())
    label = "the gap at the largest D over that at the smallest"
    found.append(Check(label, (gaps[-1] + error) / gaps[0], 0, 1, "closes as D grows, 4 s.e."))
    return tuple(found)


def _laws(data: Data) -> list[Check]:
    """Of normal features in the size; of few modes, that there is none."""
    few = data.ratios["power-law spectrum"]["exact"]
    risen = (_mean(few)[-1] - _mean(few)[0]) / np.hypot(_error(few)[-1], _error(few)[0])
    label = "power-law spectrum: rise of K_exact/K_closure over D, in standard errors"
    return [
        _second_moment_law(data),
        _exact_law(data),
        Check(label, float(risen), 4, np.inf, "does not close: few modes carry the trace"),
    ]


def _second_moment_law(data: Data) -> Check:
    """Over all D, weighted by their errors."""
    second = data.ratios["Gaussian features"]["second_moment"]
    value, error = (_mean(second) - 1) / data.excess, _error(second) / data.excess
    weight = error**-2
    return near(
        "Gaussian features: K_2/K_closure - 1 over its law, all D",
        np.average(value, weights=weight),
        1,
        4 * np.sum(weight) ** -0.5,
        "G²(D - 1)/(1 + D P/2), 4 standard errors",
    )


def _exact_law(data: Data) -> Check:
    """Of the last two D, with what falls like 1/D removed."""
    second, exact = (data.ratios["Gaussian features"][form] for form in ("second_moment", "exact"))
    shares = [(e - 1) / (s - 1) for e, s in zip(exact[-2:], second[-2:], strict=True)]
    share, error = _mean(shares), _error(shares)
    weight = np.array([-1, 1]) * data.dimensions[-2:] / np.diff(data.dimensions[-2:])
    limit, sem = weight @ share, np.linalg.norm(weight * error)
    # what the extrapolation leaves of (1/D)² is the product of what it removed
    second_order = np.prod(share / data.share - 1) * data.share
    return near(
        "Gaussian features: limit of (K_exact - K_closure)/(K_2 - K_closure)",
        limit,
        data.share,
        4 * sem + abs(second_order),
        "r/(r - m), 4 standard errors and the square of 1/D",
    )
