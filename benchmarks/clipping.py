"""The clipped-SGD limit as a user of another library would type it, to feed the peers.

With V = 2R + σ² and Gaussian noise, E ψ′ = erf(c/√(2V)) and
E ψ² = V (E ψ′ − √(2/π) c/√V exp(−c²/2V)) + c² (1 − E ψ′) for ψ = clip to [−c, c].
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import limitlab as ll
from limitlab.theory.streaming.modes import modes

RATE, NOISE, THRESHOLD, EXPONENT = 0.5, 0.5, 1.0, 1.2
_ROOT = math.sqrt(2 / math.pi)


def moments(sqrt: Callable, exp: Callable, erf: Callable) -> Callable:
    """E ψ′ and E ψ² as a function of V, in the elementary functions of some library."""
    c = THRESHOLD

    def of(variance):
        slope = erf(c / sqrt(2 * variance))
        tail = _ROOT * (c / sqrt(variance)) * exp(-c * c / (2 * variance))
        return slope, variance * (slope - tail) + c * c * (1 - slope)

    return of


def numpy_moments() -> Callable:
    from scipy.special import erf

    return moments(np.sqrt, np.exp, erf)


def numba_moments() -> Callable:
    from numba import njit

    return njit(moments(math.sqrt, math.exp, math.erf))


def jax_moments() -> Callable:
    from .peers import jax

    jnp = jax().numpy
    return moments(jnp.sqrt, jnp.exp, jax().scipy.special.erf)


def torch_moments() -> Callable:
    from .peers import torch

    return moments(torch().sqrt, torch().exp, torch().erf)


@dataclass(frozen=True, eq=False)
class Case:
    """m eigenvalues i^−1.2 (mean 1), risk 1 at the start, Gaussian noise; clipped SGD at first.

    Parameters
    ----------
    m : int
    horizon : float
        Last time, in units of 1/λ_max (the largest rate of the method's modes).
    outputs : int
        Times at which the risk is asked for, including 0.
    method : Method
    """

    m: int
    horizon: float = 50.0
    outputs: int = 51
    method: ll.Method = ll.ClippedSGD(RATE, THRESHOLD)

    @cached_property
    def problem(self) -> ll.LeastSquares:
        return ll.LeastSquares(ll.power_law(self.m, EXPONENT), ll.Gaussian(NOISE))

    @cached_property
    def modes(self) -> Any:
        """λ_i, y_i(0) and c_i."""
        return modes(self.problem, self.method)

    @cached_property
    def times(self) -> np.ndarray:
        return np.linspace(0, self.horizon, self.outputs) / self.modes.largest_rate
