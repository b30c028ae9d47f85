r"""How far the mean of unclipped SGD over runs is from its limit at finite dimension.

Both are linear in v = (y, 1) where the rate is constant: a step of the algorithm is
:math:`v\leftarrow(1+E)v` with the exact recursion of the mean
(:mod:`limitlab.theory.streaming.exact_mean`), and the limit moves v by :math:`e^{G/d}`. Their
quotient after the same number of steps is the error, to every order in 1/d. A schedule is frozen
over short pieces, the same for both.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from ...theory.core import symbols
from ...theory.core.symbolic import numbers
from ...theory.schedules.schedule import evaluate
from ...theory.streaming.exact_mean import MeanRecursion, derive_exact_mean
from .compress import Spectrum

Array = np.ndarray

#: pieces of a schedule
PIECES = 256


def unclipped_error(problem: Any, method: Any, spectrum: Spectrum, times: Array) -> Array:
    """Return |E R_k − R|/R at `times`, each rounded to a whole step k = t d; inf beyond floats.

    Parameters
    ----------
    problem : LeastSquares
        Of finite d.
    method : Method
        With a linear rule.
    spectrum : Spectrum
        λ, y(0) and c, few enough for matrix powers.
    times : (T,) array
        Increasing, from 0.
    """
    d = float(problem.dimension)
    steps = np.rint(times * d).astype(np.int64)
    knots = _knots(method.rate, steps)
    middle = 0.5 * (knots[1:] + knots[:-1]) / d
    # a step takes the rate at its start, the limit that of the moment
    rates = np.stack([evaluate(method.rate, middle), evaluate(method.rate, middle - 0.5 / d)])
    exact, limit = (np.append(spectrum.energies, 1.0) for _ in range(2))
    maps = _Maps(problem, method, spectrum)
    found = np.zeros(knots.size)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for k, count in enumerate(np.diff(knots).tolist()):
            limit = maps.of_limit(rates[0, k], count) @ limit
            exact = maps.of_steps(max(rates[1, k], 0.0), count) @ exact
            found[k + 1] = abs(exact[:-1].sum() / limit[:-1].sum() - 1)
    # a limit that is 0 is met exactly: without noise the recursion keeps it
    quiet = limit[:-1].sum() == 0 and exact[:-1].sum() == 0
    found = np.where(np.isfinite(found), found, 0.0 if quiet else np.inf)
    return found[np.searchsorted(knots, steps)]


def _knots(rate: Any, steps: Array) -> Array:
    """Step numbers between which the rate is frozen."""
    moving = isinstance(rate, sp.Expr) and bool(rate.free_symbols)
    fine = np.linspace(0, steps[-1], PIECES + 1) if moving else np.zeros(1)
    return np.union1d(np.rint(fine).astype(np.int64), np.union1d(steps, 0))


class _Maps:
    """The matrices that carry (y, 1) over a number of steps at one rate; the last are kept."""

    def __init__(self, problem: Any, method: Any, spectrum: Spectrum) -> None:
        self._d, self._batch = float(problem.dimension), method.batch
        self._spectrum, self._variance = spectrum, float(problem.noise.variance)
        recursion = derive_exact_mean(problem, method)
        owners = {"method": method, "noise": problem.noise}
        self._parts = _lowered(recursion, numbers(recursion.parameters, owners))
        self._kept: dict[tuple[str, float, int], Array] = {}

    def of_limit(self, rate: float, count: int) -> Array:
        """e^(G count/d)."""
        from scipy.linalg import expm

        key = ("limit", rate, count)
        if key not in self._kept:
            self._kept[key] = expm(self._generator(rate) * (count / self._d))
        return self._kept[key]

    def of_steps(self, rate: float, count: int) -> Array:
        """(1 + E)^count, by squaring, which loses no digit to the 1."""
        key = ("steps", rate, count)
        if key not in self._kept:
            power, change = self._change(rate), None
            for digit in reversed(bin(count)[2:]):
                if digit == "1":
                    change = power if change is None else change + power + change @ power
                power = 2 * power + power @ power
            m = self._spectrum.count + 1
            self._kept[key] = np.eye(m) + (0.0 if change is None else change)
        return self._kept[key]

    def _generator(self, rate: float) -> Array:
        weight = rate**2 * self._spectrum.sources / (2 * self._batch)
        pull = -2 * rate * np.diag(self._spectrum.rates)
        return _bordered(pull, 2 * weight, self._variance * weight)

    def _change(self, rate: float) -> Array:
        relaxed, from_risk, from_noise = self._parts(self._spectrum.rates, rate, self._d)
        sources = self._spectrum.sources
        return _bordered(np.diag(relaxed), from_risk * sources, from_noise * sources)


def _bordered(own: Array, from_risk: Array, free: Array) -> Array:
    """The matrix of y ↦ own y + from_risk Σy + free, on (y, 1)."""
    m = free.size
    whole = np.zeros((m + 1, m + 1))
    whole[:m, :m] = own + from_risk[:, None]
    whole[:m, m] = free
    return whole


def _lowered(recursion: MeanRecursion, values: Array) -> Any:
    """Return the function of (λ, η, d) that gives relaxation and gains."""
    eta = sp.Symbol("eta")
    names = [q.symbol for q in recursion.parameters]
    known = dict(zip(names, values[: len(names)], strict=True))  # behind them: tables of a schedule
    known.pop(recursion.size, None)
    parts = (recursion.relaxation, *recursion.gains)
    bare = tuple(sp.sympify(part).subs(recursion.size, eta) for part in parts)
    used = tuple(name for name in known if any(part.has(name) for part in bare))
    function = _function((symbols.decay_rate, eta, symbols.dimension, *used), bare)
    return lambda *arguments: function(*arguments, *(known[name] for name in used))


@lru_cache(maxsize=64)
def _function(arguments: tuple[Any, ...], parts: tuple[Any, ...]) -> Any:
    return sp.lambdify(arguments, list(parts), "numpy")
