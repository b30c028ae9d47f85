"""Curves and bands of private SGD: the modes of per-sample clipping with a source of their own."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import NotAvailable
from ...theory.schedules.kinks import kinks, schedules_of
from ...theory.schedules.schedule import evaluate
from ...theory.streaming.derive import bind, derive
from ...theory.streaming.private import PrivateSystem, without_noise
from ..core.chebyshev import NO_TABLE
from ..core.compile import load
from ..core.curve import Curve
from ..stepping.initial_value import initial_value
from ..stepping.landing import landing
from .coefficients import Coefficients
from .compress import Spectrum, binned
from .feedback import small_spectrum
from .finite_size import finite_size
from .fluctuations import DIFFUSIONS, Spread
from .ode import OdeAnswer, relative_gap
from .results import ode_curve, provenance_of, with_spread

Array = NDArray[np.float64]

LIMITS = ("ode", "fluctuations")
_STEPS, _DIFFERENCE = 400, 0.02


@dataclass(frozen=True, eq=False)
class PrivatePath:
    """The modes of private SGD with the numbers put in; `factors` on A and B."""

    problem: Any
    method: Any
    system: PrivateSystem
    noisy: bool = False
    factors: tuple[float, float] = (1.0, 1.0)

    @cached_property
    def spectrum(self) -> Spectrum:
        return small_spectrum(binned(self.problem, self.method))

    @cached_property
    def coefficients(self) -> Coefficients:
        modes = self.system.modes
        return Coefficients.of(modes.source, bind(modes, self.problem, without_noise(self.method)))

    @cached_property
    def module(self) -> Any:
        name = "fluctuations" if self.noisy else "ode"
        return load(self.coefficients.source, f"streaming/{name}")

    def added(self, t: float) -> tuple[Array, Array]:
        """What each mode gains, and the noise of its energy over y_i, at a time."""
        d, method, rates = float(self.problem.dimension), self.method, self.spectrum.rates
        functions = self.system.law.functions
        nu = functions["nu"](
            eta=float(evaluate(method.rate, t)),
            c=float(evaluate(method.threshold, t)),
            sigma_n=method.noise_multiplier,
            B=float(method.batch),
            trK=self.problem.covariance.trace,
        )
        weights = {"lambda_i": rates, "q_i": self.spectrum.sources * d, "d": d, "nu": nu}
        gained = functions["gain"](**weights)
        own = np.broadcast_to(functions["own_noise"](**weights), rates.shape)
        return np.asarray(gained), np.asarray(own)

    def slope(self, t: float, y: Array) -> Array:
        """Time derivative of the modes."""
        risk, law = max(float(y.sum()), 0.0), self.coefficients.law
        a, b = self.module.scaled_coefficients(risk, t, law, NO_TABLE, np.array(self.factors))
        found: Array = b * self.spectrum.sources - a * self.spectrum.rates * y
        return found + self.factors[1] * self.added(t)[0]

    def path(self, times: Array, rtol: float) -> Array:
        """The modes at the times, (T, m), from kink to kink of the schedules."""
        stops = kinks(schedules_of(self.method), float(times[-1]))
        merged, rows = landing(times, stops)
        ends = [times[0], *stops[(stops > times[0]) & (stops < times[-1])], times[-1]]
        y, pieces = self.spectrum.energies, [self.spectrum.energies[None]]
        atol = rtol * 1e-6 * float(y.sum())
        for low, high in zip(ends, ends[1:], strict=False):
            # a piece ends where its schedules still are on their own side of the kink
            last = high if high == times[-1] else np.nextafter(high, -np.inf)
            inside = merged[(merged > low) & (merged <= last)]
            grid = np.unique(np.append(inside, last))
            answer = initial_value(
                self.slope, (low, last), y, "LSODA", grid, size=np.sum, rtol=rtol, atol=atol
            )
            y = answer.y[:, -1]
            pieces.append(answer.y.T[np.isin(grid, inside)])
            if high != times[-1]:
                pieces.append(y[None])  # the kink itself
        found: Array = np.concatenate(pieces)[rows]
        return found

    def linear(self, t: float, y: Array) -> tuple[Array, Array]:
        """The Jacobian, and the noise times d."""
        rates, sources, law = self.spectrum.rates, self.spectrum.sources, self.coefficients.law
        risk, flows = max(float(y.sum()), 0.0), rates * y
        a, _, a_slope, b_slope = self.module.linearised(risk, t, law, NO_TABLE, np.ones(2))
        D, E, F, H = self.module.noise_strengths(risk, t, law, DIFFUSIONS["exact"])
        gain = b_slope * sources - a_slope * flows
        cross = np.outer(sources, flows)
        noise = E * np.outer(flows, flows) + F * (cross + cross.T) + H * np.outer(sources, sources)
        own = D * rates * flows + self.added(t)[1] * y
        return np.diag(-a * rates) + gain[:, None], noise + np.diag(own)

    def variance(self, times: Array) -> Array:
        """d Var R at the times: Lyapunov's equation by the trapezoidal rule."""
        early = times[-1] * np.linspace(0.0, 1.0, _STEPS // 2 + 1) ** 2
        grid = np.unique(np.concatenate([times, early, np.linspace(0, times[-1], _STEPS)]))
        path, size = self.path(grid, 1e-9), self.spectrum.count
        sigma, unit, found = np.zeros((size, size)), np.eye(size), np.zeros(grid.size)
        jacobian, noise = self.linear(grid[0], path[0])
        for k in range(1, grid.size):
            half = 0.5 * (grid[k] - grid[k - 1])
            ahead, noise_ahead = self.linear(grid[k], path[k])
            step = np.linalg.solve(unit - half * ahead, unit + half * jacobian)
            sigma = step @ (sigma + half * noise) @ step.T + half * noise_ahead
            jacobian, noise = ahead, noise_ahead
            found[k] = sigma.sum()
        return found[np.searchsorted(grid, times)]


def solve_private(
    problem: Any, method: Any, times: Array, limit: str, rtol: float, system: Any
) -> Curve:
    """Return the curve of private SGD.

    Raises
    ------
    NotAvailable
        A limit other than "ode" and "fluctuations" (a band of one sample a step); d = ∞.
    """
    if limit not in LIMITS:
        raise NotAvailable("limit", limit, f"private SGD has {' and '.join(LIMITS)}")
    if math.isinf(problem.dimension):
        remedy = "the added noise is of a finite dimension"
        raise NotAvailable("noise_multiplier", method.noise_multiplier, remedy)
    derived = system or derive(problem, method, limit=limit)
    mean = PrivatePath(problem, method, derived)
    modes = mean.path(times, 0.1 * min(rtol, 1e-6))
    risk = np.maximum(modes.sum(axis=1), 0.0)

    def error() -> Array:
        rough = mean.path(times, min(20 * rtol, 1e-2)).sum(axis=1)
        return relative_gap(risk, rough)

    def slopes() -> list[Array]:
        return [_sensitivity(mean, times, column) for column in range(2)]

    answer = OdeAnswer(risk, error, slopes, modes.shape[1])
    bare = without_noise(method)
    announced = finite_size(problem, bare, times, risk)
    provenance = provenance_of(problem, bare, limit, []) | {
        "method": repr(method),
        "rtol": rtol,
        "finite_size_origin": f"{announced.origin}, of the method without added noise",
    }
    curve = ode_curve(problem, method, times, answer, announced.relative, provenance, {})
    if limit == "ode":
        return curve
    variance = PrivatePath(problem, method, derived, True).variance(times)
    spread = Spread(np.maximum(variance, 0.0), np.full(times.size, 1e-3), modes.shape[1])
    return with_spread(curve, spread, problem.dimension, "exact")


def _sensitivity(mean: PrivatePath, times: Array, column: int) -> Array:
    """Derivative of the risk in the logarithm of the drift or of all noise."""
    ends = []
    for sign in (1, -1):
        factors = tuple(np.exp(sign * _DIFFERENCE * np.eye(2)[column]).tolist())
        ends.append(replace(mean, factors=factors).path(times, 1e-7).sum(axis=1))
    found: Array = (ends[0] - ends[1]) / (2 * _DIFFERENCE)
    return found
