"""One regime of a theory, and the error that is measured there."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...solvers.core.curve import Curve
from ...solvers.solve import solve
from ...theory.core.errors import ValidityWarning
from ..agreement.compare import ROUNDING, announced_error, interpolate, main_quantity
from ..simulate import simulate

#: entropy of the streams; a regime is told apart by its own key
SEED = 20241113


@dataclass(frozen=True, eq=False)
class Regime:
    """What is learnt and how, and what of it is varied.

    Parameters
    ----------
    label : str
        What is varied, as a row of the page says it.
    problem, method
        As given to ``solve`` and ``simulate``.
    times : sequence of float
        Times of the runs at which theory and runs are held together; all > 0.
    runs : int
    limit, execution : mapping
        Options of ``solve`` and of ``simulate``.
    clock : float
        The theory's time per unit of the runs' time: 1, or the flow time of one step.
    quantity : str, optional
        Default: the risk, or the loss where there is none.
    """

    label: str
    problem: Any
    method: Any
    times: tuple[float, ...]
    runs: int
    limit: Mapping[str, Any] = field(default_factory=dict)
    execution: Mapping[str, Any] = field(default_factory=dict)
    clock: float = 1.0
    quantity: str | None = None

    def measure(self, key: int) -> Measured:
        """Solve, simulate, and hold the two together; `key` is that of the random streams."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ValidityWarning)
            theory = _solve(self, key)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ValidityWarning)  # the theory has said the same
            runs = simulate(
                self.problem,
                self.method,
                times=[0.0, *self.times],
                runs=self.runs,
                seed=np.random.SeedSequence(SEED, spawn_key=(key,)),
                progress=False,
                **self.execution,
            )
        said = dict.fromkeys(str(w.message) for w in caught if w.category is ValidityWarning)
        return _hold(self, theory, runs, tuple(said))


@dataclass(frozen=True, eq=False)
class Study:
    """A theory: its title, what all its regimes share, and the regimes.

    A regime has a ``label`` and ``measure(key)``, as `Regime` has. ``family`` is where the theory
    lives; where it is left out, that of the regimes' problem and method.
    """

    title: str
    setting: str
    regimes: tuple[Any, ...]
    family: str = ""


@dataclass(frozen=True)
class Measured:
    """The error of a theory in one regime.

    Attributes
    ----------
    label : str
    error, sem : float
        (mean of the runs − theory)/theory where it is largest over the times, and its standard
        error. Being the largest of several, it is a few tenths of `sem` too large.
    announced : float or None
        The relative error that the theory announces for itself there.
    spread, spread_sem : float or None
        Standard deviation of one run over the theory's, at the last time.
    warnings : tuple of str
        What the library says about this regime.
    diverged : int
        Runs that ran away; they are left out of the mean.
    """

    label: str
    error: float
    sem: float
    announced: float | None
    spread: float | None
    spread_sem: float | None
    warnings: tuple[str, ...]
    diverged: int = 0

    @property
    def covered(self) -> bool:
        """Whether the error is within what is announced and three standard errors."""
        return abs(self.error) <= (self.announced or 0.0) + 3 * self.sem + ROUNDING


def _solve(regime: Regime, key: int) -> Curve:
    times = regime.clock * np.array([0.0, *regime.times])
    options = dict(regime.limit)
    if options.get("limit") == "sde":
        options |= {"seed": np.random.SeedSequence(SEED, spawn_key=(key, 1)), "progress": False}
    return solve(regime.problem, regime.method, times=times, **options)


def _hold(regime: Regime, theory: Curve, runs: Curve, said: tuple[str, ...]) -> Measured:
    name = regime.quantity or main_quantity(theory)
    # an algorithm that draws nothing is one run, without errors
    sample = runs.sample(name) if name in runs.samples else runs[name][None]
    kept = sample[np.all(np.isfinite(sample), axis=1)]
    time = regime.clock * runs.time
    line = interpolate(theory.time, theory[name], time)[1:]
    relative = kept.mean(axis=0)[1:] / line - 1
    several = len(kept) > 1
    sem = kept.std(axis=0, ddof=int(several))[1:] / math.sqrt(len(kept)) / line
    if name in theory.samples:  # the theory is a mean over paths itself
        sem = np.hypot(sem, interpolate(theory.time, theory.sem(name), time)[1:] / line)
    worst = int(np.argmax(np.abs(relative)))
    announced = announced_error(theory, name)
    ratio = _spread(regime, theory, kept, name)
    return Measured(
        label=regime.label,
        error=float(relative[worst]),
        sem=float(sem[worst]),
        announced=None
        if announced is None
        else float(np.interp(time[1:], theory.time, announced)[worst]),
        spread=ratio,
        spread_sem=None if ratio is None else ratio / math.sqrt(2 * (len(kept) - 1)),
        warnings=said,
        diverged=len(sample) - len(kept),
    )


def _spread(regime: Regime, theory: Curve, runs: np.ndarray, name: str) -> float | None:
    """Standard deviation of one run over the theory's, at the last time; None without one."""
    if regime.limit.get("limit") not in ("fluctuations", "sde"):
        return None
    return float(runs[:, -1].std(ddof=1) / theory.std(name)[-1])
