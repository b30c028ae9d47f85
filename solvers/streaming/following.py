r"""Curves and bands of methods whose rate follows the run.

The modes and b² are integrated together; the band is the linear noise of all of them. With D, E, F,
H of the method at the rate 1 (:mod:`limitlab.theory.streaming.noise_parts`) and τ = tr K/d, the
square of a step that b² gains has

.. math:: d\,\mathrm{Cov}(\Delta y_i,\Delta b^2)\to\tau\,(2F\eta\,\lambda_iy_i+2H\eta^2c_i),\qquad
          d\,\mathrm{Var}\,\Delta b^2\to4\tau^2H

a unit of time (times γ, γ² where b² forgets; derived here: it gains τψ²/d, and the source of a
mode is :math:`\tfrac12\psi^2c_i`). A rate that is a function of the modes adds its slopes to the
Jacobian and no noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import NoLimit, NotAvailable, SolveFailed
from ...theory.core.tabulated import interpolated
from ...theory.schedules.following import AdaGradNorm, without
from ...theory.streaming.derive import bind, derive
from ...theory.streaming.following import FollowingSystem
from ..core.chebyshev import NO_TABLE
from ..core.compile import load
from ..core.curve import Curve
from ..stepping.initial_value import initial_value
from .coefficients import Coefficients
from .compress import Spectrum, binned
from .feedback import knots, small_spectrum
from .finite_size import finite_size, known
from .fluctuations import DIFFUSIONS, Spread
from .ode import OdeAnswer, relative_gap
from .results import ode_curve, provenance_of, with_spread

Array = NDArray[np.float64]

LIMITS = ("ode", "fluctuations")
#: the band's steps between 0 and the last time, at least, and the knots of the tabulated rate
_STEPS, _KNOTS = 400, 257
#: and where the mean is shifted by them
_ROUGH = 80
_DIFFERENCE = 0.02


@dataclass(frozen=True, eq=False)
class Follower:
    """A problem and a method whose rate follows the run, with the numbers put in.

    Attributes
    ----------
    factors : (float, float)
        On a and b.
    """

    problem: Any
    method: Any
    system: FollowingSystem
    noisy: bool = False
    factors: tuple[float, float] = (1.0, 1.0)

    @cached_property
    def spectrum(self) -> Spectrum:
        return small_spectrum(binned(self.problem, self.unit))

    @property
    def unit(self) -> Any:
        return without(self.method)

    @cached_property
    def coefficients(self) -> Coefficients:
        binding = bind(self.system.modes, self.problem, self.unit)
        return Coefficients.of(self.system.modes.source, binding)

    @cached_property
    def table(self) -> Array:
        return (
            self.coefficients.table(10 * max(self.problem.risk, 1e-3), 1.0)
            if self.noisy
            else NO_TABLE
        )

    @cached_property
    def module(self) -> Any:
        name = "fluctuations" if self.noisy else "ode"
        return load(self.coefficients.source, f"streaming/{name}")

    @cached_property
    def weights(self) -> Array:
        """w of the objective that a greedy rate lowers."""
        rates = self.spectrum.rates
        distance = getattr(self.method.rate, "objective", "risk") == "distance"
        return 1 / rates if distance else np.ones(rates.size)

    @cached_property
    def constants(self) -> dict[str, float]:
        """Numbers of the rate's equations."""
        given = self.method.rate
        found = {
            "s": given.scale,
            "tau": self.problem.covariance.mean_eigenvalue,
            "Q": float(self.weights @ self.spectrum.sources),
        }
        if isinstance(given, AdaGradNorm) and given.forgetting is not None:
            found["gamma"] = given.forgetting
        return found

    def state(self, y: Array, b2: float) -> dict[str, float]:
        """All that the rate's equations take, in a state."""
        risk = max(float(y.sum()), 0.0)
        law, ones = self.coefficients.law, np.array(self.factors)
        a, b = self.module.scaled_coefficients(risk, 0.0, law, self.table, ones)
        along = float((self.weights * self.spectrum.rates) @ y)
        return {"a": a, "b": b, "P": along, "b2": b2, **self.constants}

    def slope(self, t: float, z: Array) -> Array:
        """Time derivative of the modes and b²."""
        y, now = z[:-1], self.state(z[:-1], float(z[-1]))
        eta = float(self.system.law.functions["eta"](**now))
        if not np.isfinite(eta):
            raise SolveFailed("the rate is not a finite number", t, 0.0, float(y.sum()))
        modes = eta * (eta * now["b"] * self.spectrum.sources - now["a"] * self.spectrum.rates * y)
        own = self.system.law.functions["b2_slope"](**now) if self.system.has_state else 0.0
        return np.append(modes, own)

    def path(self, times: Array, rtol: float) -> Array:
        """The modes and b² at the times, (T, m + 1)."""
        start = np.append(self.spectrum.energies, getattr(self.method.rate, "start", 1.0))
        atol = rtol * 1e-6 * float(self.spectrum.energies.sum())
        span = (times[0], times[-1])
        answer = initial_value(
            self.slope, span, start, "LSODA", times, size=_risk, rtol=rtol, atol=atol
        )
        found: Array = answer.y.T
        return found

    def rates(self, path: Array) -> Array:
        """η along a path."""
        eta = self.system.law.functions["eta"]
        return np.array([float(eta(**self.state(z[:-1], float(z[-1])))) for z in path])

    def linear(self, z: Array) -> tuple[Array, Array]:
        """The Jacobian of all states, and their noise times d."""
        y, now = z[:-1], self.state(z[:-1], float(z[-1]))
        rates, sources, law = self.spectrum.rates, self.spectrum.sources, self.coefficients.law
        risk = max(float(y.sum()), 0.0)
        a, b, a_slope, b_slope = self.module.linearised(risk, 0.0, law, self.table, np.ones(2))
        eta, slopes = float(self.system.law.functions["eta"](**now)), self._slopes(now)
        flows = rates * y
        # slopes of η and of db²/dt in y, and in b²
        beside = a_slope * slopes["eta_a"] + b_slope * slopes["eta_b"]
        of_rate = beside + slopes["eta_P"] * self.weights * rates
        turn = 2 * eta * b * sources - a * flows
        size = y.size
        jacobian = np.zeros((size + 1, size + 1))
        gain = eta * (eta * b_slope * sources - a_slope * flows)
        jacobian[:size, :size] = np.diag(-eta * a * rates) + gain[:, None] + np.outer(turn, of_rate)
        jacobian[:size, size] = turn * slopes["eta_b2"]
        noise = np.zeros_like(jacobian)
        parts = self.module.noise_strengths(risk, 0.0, law, DIFFUSIONS["exact"])
        D, E, F, H = (float(part) for part in parts)
        steps, pushes = eta * flows, eta**2 * sources
        cross = np.outer(steps, pushes)
        noise[:size, :size] = (
            np.diag(D * eta**2 * rates * flows)
            + E * np.outer(steps, steps)
            + F * (cross + cross.T)
            + H * np.outer(pushes, pushes)
        )
        if self.system.has_state:
            share = now["tau"] * now.get("gamma", 1.0)
            jacobian[size, :size] = b_slope * slopes["b2_slope_b"]
            jacobian[size, size] = slopes["b2_slope_b2"]
            noise[size, :size] = noise[:size, size] = 2 * share * (F * steps + H * pushes)
            noise[size, size] = 4 * share**2 * H
        return jacobian, noise

    def _slopes(self, now: dict[str, float]) -> dict[str, float]:
        functions = self.system.derivatives.functions
        return {name: float(function(**now)) for name, function in functions.items()}

    def bend(self, z: Array, sigma: Array) -> Array:
        """½ Σ_jk Σ_jk ∂²F/∂z_j∂z_k of the slope F: what fluctuations add to the mean, times d."""
        values, vectors = np.linalg.eigh(sigma)
        total = np.zeros(z.size)
        here = self.slope(0.0, z)
        for value, vector in zip(values, vectors.T, strict=True):
            if value <= 1e-12 * values[-1]:
                continue
            # small against the state, so that the difference is one of second order
            h = 1e-3 * float(np.sum(z[:-1])) / max(float(np.abs(vector).sum()), 1e-300)
            both = self.slope(0.0, z + h * vector) + self.slope(0.0, z - h * vector)
            total += 0.5 * value * (both - 2 * here) / h**2
        return total

    def shift(self, times: Array) -> Array:
        """d (mean of R − its limit), of the fluctuations of the rate alone."""
        return self._moments(times, _ROUGH, True)[1]

    def variance(self, times: Array) -> Array:
        """d Var R at the times: Lyapunov's equation by the trapezoidal rule."""
        return self._moments(times, _STEPS, False)[0]

    def _moments(self, times: Array, steps: int, shifted: bool) -> tuple[Array, Array]:
        early = times[-1] * np.linspace(0.0, 1.0, steps // 2 + 1) ** 2
        grid = np.unique(np.concatenate([times, early, np.linspace(0, times[-1], steps)]))
        path = self.path(grid, 1e-9)
        size = path.shape[1]
        sigma, unit, found = np.zeros((size, size)), np.eye(size), np.zeros((2, grid.size))
        mean, bend = np.zeros(size), np.zeros(size)
        jacobian, noise = self.linear(path[0])
        for k in range(1, grid.size):
            half = 0.5 * (grid[k] - grid[k - 1])
            ahead, noise_ahead = self.linear(path[k])
            step = np.linalg.solve(unit - half * ahead, unit + half * jacobian)
            sigma = step @ (sigma + half * noise) @ step.T + half * noise_ahead
            if shifted:
                bend_ahead = self.bend(path[k], sigma)
                mean = step @ (mean + half * bend) + half * bend_ahead
                bend = bend_ahead
            jacobian, noise = ahead, noise_ahead
            found[:, k] = sigma[:-1, :-1].sum(), mean[:-1].sum()
        variance, shift = found[:, np.searchsorted(grid, times)]
        return variance, shift


def _risk(z: Array) -> float:
    """R of the modes and b²."""
    return float(z[:-1].sum())


def solve_following(
    problem: Any, method: Any, times: Array, limit: str, rtol: float, system: Any
) -> Curve:
    """Return the curve of a method whose rate follows the run; "rate" and "b_squared" beside.

    Raises
    ------
    NotAvailable
        A limit other than "ode" and "fluctuations"; modes that are not independent.
    """
    if limit not in LIMITS:
        remedy = f"a rate that follows the run has {' and '.join(LIMITS)}"
        raise NotAvailable("limit", limit, remedy)
    if method.acts_on == "coordinate":
        remedy = "norms and line searches are derived for rules on the residual or the norm"
        raise NotAvailable("rate", method.rate, remedy)
    noisy = limit == "fluctuations"
    derived = system or derive(problem, method, limit=limit)
    mean = Follower(problem, method, derived)
    path = mean.path(times, 0.1 * min(rtol, 1e-6))
    risk = np.maximum(path[:, :-1].sum(axis=1), 0.0)

    def error() -> Array:
        rough = mean.path(times, min(20 * rtol, 1e-2))[:, :-1].sum(axis=1)
        return relative_gap(risk, rough)

    def slopes() -> list[Array]:
        return [_sensitivity(mean, times, column) for column in range(2)]

    answer = OdeAnswer(risk, error, slopes, path.shape[1] - 1)
    rates = mean.rates(path)
    along = scheduled_along(problem, method, float(times[-1]), derived)
    announced, origin = _announced(problem, method, along, times, risk)
    provenance = provenance_of(problem, along, limit, []) | {
        "method": repr(method),
        "rtol": rtol,
        "finite_size_origin": origin,
    }
    curve = ode_curve(problem, method, times, answer, announced, provenance, {})
    own = {"rate": rates} | ({"b_squared": path[:, -1]} if derived.has_state else {})
    curve = replace(curve, values={**curve.values, **own})
    if not noisy:
        return curve
    variance = Follower(problem, method, derived, True).variance(times)
    spread = Spread(np.maximum(variance, 0.0), np.full(times.size, 1e-3), path.shape[1] - 1)
    full = with_spread(curve, spread, problem.dimension, "exact")
    kept = {name: full.spread[name] for name in ("risk", "loss") if name in full.spread}
    return replace(full, spread=kept)


def _announced(
    problem: Any, method: Any, along: Any, times: Array, risk: Array
) -> tuple[Array, str]:
    """The error of the limit with the schedule that it follows, and that of the fluctuations of the
    rate; not known where the noise has no fourth moment under the rule."""
    own = finite_size(problem, along, times, risk)
    if np.isinf(problem.dimension):
        return own.relative, own.origin
    try:
        noisy = Follower(problem, method, derive(problem, method, limit="fluctuations"), True)
        feedback = np.abs(noisy.shift(times)) / problem.dimension
    except NoLimit:
        return np.where(times > times[0], np.inf, 0.0), "none: the noise has no fourth moment"
    relative = own.relative + feedback / np.maximum(risk, 1e-300)
    return known(relative), f"{own.origin}, with the fluctuations of the rate"


def _sensitivity(mean: Follower, times: Array, column: int) -> Array:
    """Derivative of the risk in the logarithm of a or b, by a central difference."""
    ends = []
    for sign in (1, -1):
        factors = tuple(np.exp(sign * _DIFFERENCE * np.eye(2)[column]).tolist())
        moved = replace(mean, factors=factors)
        ends.append(moved.path(times, 1e-7)[:, :-1].sum(axis=1))
    found: Array = (ends[0] - ends[1]) / (2 * _DIFFERENCE)
    return found


def scheduled_along(problem: Any, method: Any, until: float, system: Any = None) -> Any:
    """Return the method with the schedule that its rate has in the limit."""
    mean = Follower(problem, method, system or derive(problem, method))
    times = until * np.linspace(0.0, 1.0, 1001) ** 2
    rates = np.maximum(mean.rates(mean.path(times, 1e-8)), 1e-300)
    chosen = knots(times, rates, count=_KNOTS)
    return replace(method, rate=interpolated(times[chosen], rates[chosen]))
