"""Warnings of a theory about itself: how large the error is expected to be, and how that is
known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...theory.core.errors import SolveFailed
from ...theory.core.once import once
from ...theory.core.percent import percent
from ...theory.schedules.schedule import evaluate
from ...theory.streaming.modes import common_correlation, max_rho_squared
from ...theory.streaming.problem import LeastSquares
from ...theory.streaming.rare import NEVER, met_share
from ...theory.streaming.tabulated_means import moving_slope, rounding
from ...theory.streaming.tails import growth, redescends
from .expectations import expectations
from .finite_size import FiniteSize, is_linear

#: announced relative error of the mean above which a curve comes with a warning
LARGEST_SILENT_ERROR = 0.02
_SMALL_DIMENSION = 50
_COARSE_STEP = 0.1
_COMMON_CORRELATION = 0.1
#: batch over √(intrinsic dimension) above which the limit of a rule on the mean gradient is off
_LARGE_BATCH = 0.5
#: share of E ψ² from residuals that are met, below which a curve is that of other events
_MOST = 0.5
#: risks beyond which rules that run away are not asked
_FAR = 1e3
#: relative rounding errors of μ(R) above which a curve says that its digits are lost
_LOST = 1e-9


class Remark(str):
    """A sentence for the user, and the relative error it speaks of; infinite: of any size."""

    error: float

    def __new__(cls, text: str, error: float = math.inf) -> Remark:
        sentence = super().__new__(cls, text)
        sentence.error = error
        return sentence


def stability_limit(problem: LeastSquares, batch: int = 1) -> float:
    """Return the rate at which unclipped SGD stops being stable, 2 B d/tr K."""
    return 2.0 * batch / problem.covariance.mean_eigenvalue


def diagnostics(problem: Any, method: Any, times: np.ndarray) -> dict[str, float]:
    """Return the numbers that decide how far the limit can be trusted.

    ``intrinsic_dimension`` tr K/‖K‖; for unclipped SGD ``stability``, η tr K/(2 B d), unstable from
    1 on; for methods that act on coordinates ``max_rho_squared`` of the start and
    ``common_correlation`` ‖C‖/d. At d = ∞ only the second.
    """
    found = {}
    if is_linear(method):
        found["stability"] = largest_rate(method, times) / stability_limit(problem, method.batch)
    if math.isinf(problem.dimension):
        return found
    found["intrinsic_dimension"] = float(problem.covariance.intrinsic_dimension)
    if method.acts_on == "coordinate":
        found["max_rho_squared"] = max_rho_squared(problem)
        found["common_correlation"] = common_correlation(problem.covariance)
    return found


def unstable(load: float) -> str:
    """Say that unclipped SGD is unstable at a share of the stability limit, 1 or more."""
    return f"the rate is {load:.4g} of the stability limit: the risk grows without bound"


def largest_rate(method: Any, times: np.ndarray) -> float:
    """Return the largest η(t) on the horizon."""
    return _largest_rate(method, float(times[-1]))


@once
def _largest_rate(method: Any, until: float) -> float:
    return float(np.max(evaluate(method.rate, np.linspace(0.0, until, 401))))


def remarks(
    problem: Any, method: Any, times: np.ndarray, risk: np.ndarray, announced: FiniteSize
) -> list[Remark]:
    """Return what a user should know before trusting the curve (none if all is well)."""
    found: list[Remark | None] = [
        _about_rare_events(problem, method, float(np.max(risk))),
        _about_digits(problem, method, times, risk),
    ]
    if math.isfinite(problem.dimension) and announced.origin != "exact":
        found.append(_about_size(problem, method, times, announced))
        found.append(_about_steps(problem, method, times))
    if is_linear(method):
        found.append(_about_stability(problem, method, times))
    if method.acts_on == "coordinate":
        found.append(_about_correlation(problem))
    elif method.batch > 1 and method.pool == "mean":
        found.append(_about_batch(problem, method))
    return [remark for remark in found if remark]


def _about_size(
    problem: Any, method: Any, times: np.ndarray, announced: FiniteSize
) -> Remark | None:
    worst = int(np.argmax(announced.relative))
    error = float(announced.relative[worst])
    where = f"of the mean risk at t = {times[worst]:.3g} ({announced.origin})"
    known = f"about {percent(error)} {where}"
    if not math.isfinite(error):
        known = f"an amount that is not known from t = {times[worst]:.3g} on"
    sizes = {"d": problem.dimension, "tr K/‖K‖": problem.covariance.intrinsic_dimension}
    small = [f"{name} = {size:.3g}" for name, size in sizes.items() if size < _SMALL_DIMENSION]
    # where nothing is clipped the intrinsic dimension decides, else d
    counts = bool(small) if is_linear(method) else problem.dimension < _SMALL_DIMENSION
    if error <= LARGEST_SILENT_ERROR and not counts:
        return None
    reason = f" (small dimension: {', '.join(small)})" if small else ""
    offer = '; limit="exact" is the mean at this d' if is_linear(method) else ""
    return Remark(f"the limit is expected to be off by {known}{reason}{offer}", error)


def _about_steps(problem: Any, method: Any, times: np.ndarray) -> Remark | None:
    text = coarse_steps(problem, method, float(times[-1]))
    return Remark(text) if text else None


def coarse_steps(problem: Any, method: Any, until: float) -> str:
    """Say that one step is no longer small against the fastest direction; empty where it is."""
    step = largest_rate(method, np.array([until])) * problem.covariance.norm / problem.dimension
    if method.acts_on == "coordinate" or step <= _COARSE_STEP:
        return ""
    return (
        f"the steps are coarse: one step takes up to η ‖K‖/d = {step:.3g} of the fastest "
        f"direction; the limit lets steps be infinitesimal and is off there by about "
        f"{percent(step)}"
    )


def _about_rare_events(problem: Any, method: Any, risk: float) -> Remark | None:
    """Where a small ensemble sees less than half of E ψ² it follows another curve."""
    if method.acts_on == "coordinate":
        return None
    share = met_share(method, problem.noise, risk)
    if share >= _MOST:
        return None
    error = 1.0 / share - 1.0 if share > 0 else math.inf
    return Remark(
        f"the rule grows so fast that only {percent(share)} of E ψ(ℓ)² at the risk {risk:.3g} "
        f"comes from residuals that are met at all: the rest has a probability of {NEVER:.0e}, and "
        "runs of any ensemble stay far below this mean; clip the rule",
        error,
    )


def explained(failed: SolveFailed, problem: Any, method: Any) -> SolveFailed:
    """Return a failure with what a rule that grows faster than the residual has to do with it."""
    exponent = growth(method)
    if failed.remark or exponent <= 1.001:
        return failed
    reached = failed.state if math.isfinite(failed.state) else 0.0
    rare = _about_rare_events(problem, method, min(max(problem.risk, reached), _FAR))
    power = "faster than any power of ℓ" if math.isinf(exponent) else f"like |ℓ|^{exponent:.3g}"
    remark = rare or (
        f"the rule grows {power}, so that above some risk its noise E ψ(ℓ)² outgrows its drift and "
        "the risk runs away; lower the rate or clip the rule"
    )
    return SolveFailed(failed.reason, failed.time, failed.step, failed.state, str(remark))


def _about_digits(problem: Any, method: Any, times: np.ndarray, risk: np.ndarray) -> Remark | None:
    """A rule that is narrow against the residual has a mean slope that is what cancels leaves."""
    if not redescends(method):
        return None
    low, high = float(np.min(risk)), float(np.max(risk))
    moving = (_lost_in_doubles(problem, method, float(time), high) for time in times[[0, -1]])
    lost = max(rounding(method, problem.noise, low, high), *moving)
    if lost <= _LOST:
        return None
    return Remark(
        f"digits are lost: μ(R) = E ψ′(ℓ) is what cancels leaves of {type(method).__name__}, good "
        f"to {percent(lost)} only; widen the rule, or give the noise as components or as a density "
        "that is piecewise exponential",
        lost,
    )


def _lost_in_doubles(problem: Any, method: Any, time: float, risk: float) -> float:
    """Return the relative error of μ(R) of a rule that moves, which no table holds."""
    slope = moving_slope(method, problem.noise, time, risk)
    if slope is None:
        return 0.0
    near = risk * np.array([0.97, 1.0, 1.03])
    right = np.array([slope(float(R)) for R in near])
    ours = expectations(problem, method).mu(near, time)
    return float(np.max(np.abs(ours - right) / np.maximum(np.abs(right), np.finfo(float).tiny)))


def _about_stability(problem: Any, method: Any, times: np.ndarray) -> Remark | None:
    rate, limit = largest_rate(method, times), stability_limit(problem, method.batch)
    if rate < limit:
        return None
    name = "2 d/tr K" if method.batch == 1 else "2 B d/tr K"
    return Remark(
        f"rate = {rate:.4g} reaches the stability limit {name} = {limit:.4g}: the risk of "
        "unclipped SGD grows without bound; lower the rate or clip"
    )


def _about_correlation(problem: Any) -> Remark | None:
    if problem.covariance.is_diagonal:
        return None
    share = common_correlation(problem.covariance)
    if share <= _COMMON_CORRELATION:
        return None
    return Remark(
        f"the coordinates share a correlation: ‖C‖/d = {share:.2g}; the mean is usable, but one "
        "run strays from it by an amount of order one that does not shrink with d"
    )


def _about_batch(problem: Any, method: Any) -> Remark | None:
    """Beside S² tr K/B² the mean gradient has the square |Kδ|², to first order in B/d⋆."""
    size = problem.covariance.intrinsic_dimension
    if method.batch <= _LARGE_BATCH * math.sqrt(size):
        return None
    return Remark(
        f"a batch of {method.batch} is not small against √(tr K/‖K‖): the part of the mean "
        "gradient along Kδ, which the limit drops, is up to "
        f"{percent(method.batch / size)} of its square",
        method.batch / size,
    )
