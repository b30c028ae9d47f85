r"""The covariance of the moments where it is stiff: by implicit steps.

The pair and the stages of the moments are those of their implicit solver. With M the slope of the
moments at given A and B, g what a change of R does to it and e the indicator of the energies, a
stage of the covariance is a Lyapunov equation,

.. math:: (\tfrac12-x\tilde M)\,\Sigma+\Sigma\,(\tfrac12-x\tilde M)^\top=\text{base}+xG,
   \qquad\tilde M=M+g\,e^\top,\quad x=\gamma h

(derived here); M, g and G are read from the compiled slope. Every output time is a step's end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..stepping.adaptive import DONE, NOT_A_NUMBER, SHRINK, SLACK, TOO_MANY_STEPS, UNDERFLOW
from ..stepping.failure import Report
from ..stepping.kennedy_carpenter import CONTROL, ERROR, GAMMA, STAGE_TIMES, STAGES

Array = NDArray[np.float64]

#: d times a variance over the square of its mean that counts as none
_NOTHING = 1e-6
#: the average's moment, and its variance, over those of the risk, below which errors do not count
_SMALL = 1e-4
_SETTLED, _TRIES = 1e-13, 60


@dataclass(frozen=True, eq=False)
class StiffSpread:
    """Moments of modes, then their covariance, in one state.

    Attributes
    ----------
    module : module
        The compiled explicit solver, of which the slope is used.
    rates, sources : (m,) arrays
    layout : two int arrays
    averaged : int
    rules, kept : as that solver takes them
    """

    module: Any
    rates: Array
    sources: Array
    layout: tuple[Any, Any]
    averaged: int
    rules: tuple[Any, Any, Any]
    kept: Array

    @property
    def kinds(self) -> int:
        """How many moments a mode has."""
        return len(self.layout[0])

    def integrate(
        self, state: Array, times: Array, rtol: float, most_steps: int
    ) -> tuple[Array, Report]:
        """Return R, d Var R and the same of the average's moment, (T, 4), and how it ended; the
        state is left at its end."""
        t, span = float(times[0]), float(times[-1] - times[0])
        seen, step, steps = [self._watched(state)], 1e-6 * span, 0
        first, _ = self._slope(state, t)
        while len(seen) < times.size:
            target = float(times[len(seen)])
            landing = t + step * SLACK >= target
            taken = target - t if landing else step
            steps += 1
            found = self._attempt(state, first, t, taken, float(seen[-1][0]))
            ratio = math.nan
            if found is not None:
                new, slopes = found
                ratio = self._error(state, new, slopes, taken) / rtol
            if ratio <= 1.0:
                t, first = target if landing else t + taken, slopes[-1]
                state[:] = new
                if landing:
                    seen.append(self._watched(state))
            step = _next(step, taken, landing, ratio, span)
            status = DONE
            if not step > 4e-16 * max(abs(t), 1e-3 * span):
                status = UNDERFLOW if found is not None else NOT_A_NUMBER
            elif steps >= most_steps:
                status = TOO_MANY_STEPS
            if status != DONE and len(seen) < times.size:
                return np.array(seen), (status, steps, t, step, float(seen[-1][0]))
        return np.array(seen), (DONE, steps, t, step, float(seen[-1][0]))

    def _attempt(
        self, state: Array, first: Array, t: float, h: float, risk: float
    ) -> tuple[Array, Array] | None:
        """The new state and the slopes of all stages; None where a stage does not settle."""
        from scipy.linalg import solve_continuous_lyapunov

        n, x = self.kinds * self.rates.size, GAMMA * h
        slopes, new = np.zeros((6, state.size)), np.empty_like(state)
        slopes[0] = first
        for stage in range(1, 6):
            base = state + h * STAGES[stage] @ slopes[:5]
            time = t + h * STAGE_TIMES[stage]
            moments = self._moments(base[:n], time, x, risk)
            if moments is None:
                return None
            risk = float(moments[: self.rates.size].sum())
            new[:n], new[n:] = moments, 0.0
            forced, generator = self._slope(new, time)
            known = (base + x * forced)[n:].reshape(n, n)
            if not (np.all(np.isfinite(known)) and np.all(np.isfinite(generator))):
                return None
            new[n:] = solve_continuous_lyapunov(0.5 * np.eye(n) - x * generator, known).ravel()
            slopes[stage] = (new - base) / x
        return (new, slopes) if np.all(np.isfinite(new)) else None

    def _slope(self, state: Array, t: float) -> tuple[Array, Array]:
        """The slope of a state, and M̃ there."""
        kinds, m = self.kinds, self.rates.size
        work = (*(np.empty(kinds * m) for _ in range(6)), np.empty(len(self.layout[1])))
        matrices = self._matrices(t)
        model = (self.rates, self.sources, self.layout, self.rules, matrices, self.kept)
        out = np.empty(state.size)
        self.module.slope(state, t, model, work, out)
        own, pulled, _ = matrices  # the second one by now with A
        blocks = own[:, :, None] + pulled[:, :, None] * self.rates
        whole = np.zeros((kinds, m, kinds, m))
        whole[:, np.arange(m), :, np.arange(m)] = np.moveaxis(blocks, 2, 0)
        generator = whole.reshape(kinds * m, -1)
        generator[:, :m] += work[2][:, None]
        return out, generator

    def _matrices(self, t: float) -> tuple[Array, Array, Array]:
        kinds = self.kinds
        matrices = (np.zeros((kinds, kinds)), np.zeros((kinds, kinds)), np.zeros(kinds))
        self.module.fill(t, self.rules[0][0], matrices)
        return matrices

    def _moments(self, base: Array, t: float, x: float, guess: float) -> Array | None:
        """A stage of the moments: one small system a mode, and one equation for R (secants)."""
        kinds, m = self.kinds, self.rates.size
        own, pulled, pushed = self._matrices(t)
        before = base.reshape(kinds, m).T

        def at(risk: float) -> tuple[float, Array]:
            drift, noise, _, _ = self.module.linearised(risk, t, *self.rules)
            whole = own + 0.5 * drift * self.rates[:, None, None] * pulled
            driven = before + x * noise * self.sources[:, None] * pushed
            found = np.linalg.solve(np.eye(kinds) - x * whole, driven[:, :, None])[:, :, 0]
            return float(found[:, 0].sum()) - risk, found

        older = guess
        missed, found = at(older)
        newer = older + missed if older + missed > 0 else 0.5 * older
        for _ in range(_TRIES):
            before_that = missed
            missed, found = at(newer)
            if not math.isfinite(missed):
                return None
            if abs(missed) <= _SETTLED * newer + 1e-290 or newer == older:
                return np.ascontiguousarray(found.T).ravel()
            slope = (missed - before_that) / (newer - older)
            step = -missed / slope if slope else missed
            older, newer = newer, newer + step if newer + step > 0 else 0.1 * newer
        return None

    def _watched(self, state: Array) -> Array:
        """R, d Var R, and the same of the average's moment."""
        m, n = self.rates.size, self.kinds * self.rates.size
        block, seen = state[n:].reshape(n, n), []
        for a in (0, self.averaged):
            rows = slice(a * m, (a + 1) * m)
            seen += [state[rows].sum(), block[rows, rows].sum()]
        return np.array(seen)

    def _error(self, state: Array, new: Array, slopes: Array, h: float) -> float:
        """The largest relative error of what is watched."""
        before, after = self._watched(state), self._watched(new)
        missed = np.abs(self._watched(h * ERROR @ slopes))
        size = np.maximum(np.abs(before), np.abs(after))
        size[1::2] += _NOTHING * after[::2] ** 2
        # sums that begin at 0 are what rounding leaves of them, until they are something
        size[2:] = np.maximum(size[2:], _SMALL * size[:2])
        return float(np.max(missed / np.maximum(size, 1e-300)))


def _next(step: float, taken: float, landing: bool, ratio: float, span: float) -> float:
    """The next step, after one that was accepted or refused, as `adaptive` chooses it."""
    _, floor, power, _, refused, growth, parts = CONTROL
    if ratio <= 1.0:
        grown = taken * min(growth, 0.9 * max(ratio, floor) ** power)
        return min(max(step if landing else 0.0, grown), span / parts)
    if ratio > 1.0:
        return taken * max(SHRINK, 0.9 * float(ratio**refused))
    return taken * SHRINK
