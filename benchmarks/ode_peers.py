"""The risk ODE in scipy and in diffrax.

The state is v_i = y_i/y_i(0), so that R = Σ y_i(0) v_i and every mode is of order one. A function
of a tolerance returns the risk at the output times.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import clipping
from .clipping import NOISE, RATE, Case
from .peers import diffrax, jax

Solver = Callable[[float], np.ndarray]
#: absolute tolerance of a mode over the relative one
ABSOLUTE = 1e-2


def _parts(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    modes = case.modes
    return modes.rates, modes.energies, modes.sources / modes.energies


def numpy_rhs(case: Case) -> Callable:
    rates, weights, sources = _parts(case)
    moments = clipping.numpy_moments()

    def rhs(t, v):
        slope, square = moments(2 * (weights @ v) + NOISE**2)
        return (-2 * RATE * slope) * rates * v + (0.5 * RATE**2 * square) * sources

    return rhs


def numba_rhs(case: Case) -> Callable:
    from numba import njit

    rates, weights, sources = (np.array(part) for part in _parts(case))
    moments = clipping.numba_moments()

    @njit(fastmath={"reassoc", "contract", "nsz", "arcp"})
    def fill(v, rates, weights, sources):
        risk = 0.0
        for i in range(v.size):
            risk += weights[i] * v[i]
        slope, square = moments(2 * risk + NOISE**2)
        drift, noise = -2 * RATE * slope, 0.5 * RATE**2 * square
        out = np.empty_like(v)
        for i in range(v.size):
            out[i] = drift * rates[i] * v[i] + noise * sources[i]
        return out

    fill(np.ones(1), *np.ones((3, 1)))  # compile
    return lambda t, v: fill(v, rates, weights, sources)


def scipy_solver(case: Case, name: str, rhs: Callable) -> Solver:
    from scipy.integrate import solve_ivp

    times, weights, start = case.times, case.modes.energies, np.ones(case.modes.rates.size)

    def risk(rtol: float) -> np.ndarray:
        span = (0.0, times[-1])
        options = {"t_eval": times, "rtol": rtol, "atol": ABSOLUTE * rtol}
        return weights @ solve_ivp(rhs, span, start, name, **options).y

    return risk


def diffrax_solver(case: Case) -> Solver:
    """Tsit5 with a PID controller, compiled once for all tolerances; saves the risk only."""
    jnp, dfx, moments = jax().numpy, diffrax(), clipping.jax_moments()
    arrays = tuple(jnp.asarray(part) for part in _parts(case))
    times, start = jnp.asarray(case.times), jnp.ones(case.modes.rates.size)

    def field(t: Any, v: Any, args: Any) -> Any:
        rates, weights, sources = args
        slope, square = moments(2 * (weights @ v) + NOISE**2)
        return (-2 * RATE * slope) * rates * v + (0.5 * RATE**2 * square) * sources

    def run(start: Any, arrays: Any, rtol: Any) -> Any:
        saved = dfx.SaveAt(ts=times, fn=lambda t, v, args: args[1] @ v)
        control = dfx.PIDController(rtol=rtol, atol=ABSOLUTE * rtol)
        term = dfx.ODETerm(field)
        return dfx.diffeqsolve(
            term,
            dfx.Tsit5(),
            0.0,
            times[-1],
            None,
            start,
            arrays,
            saveat=saved,
            stepsize_controller=control,
            max_steps=4096,
        ).ys

    compiled = jax().jit(run)
    return lambda rtol: np.asarray(compiled(start, arrays, rtol))
