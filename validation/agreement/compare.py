"""Does a theory agree with runs? A test with a level, a power and an allowed error.

At every common time but t = 0 the mean of the runs is tested against the theory's line widened
by the finite-size error that the theory itself announces; Holm's rule holds all times together
to one level. A pass is worth what the ensemble could have seen, so the smallest errors of the
drift and of the noise coefficient that it would have rejected are part of the answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...theory.core.errors import InvalidInput, InvalidType
from ...theory.core.percent import percent
from .agreement import Agreement
from .significance import detectable, holm, p_values

if TYPE_CHECKING:
    from ...solvers.core.curve import Curve

MIN_RUNS = 20
#: an ensemble that misses coefficient errors above this size decides nothing
MAX_DETECTABLE = 0.05
#: a spread below this share of the mean is rounding, not chance
NO_SPREAD = 1e-10
#: relative difference of two computations of one number by different roads
ROUNDING = 1e-9
#: more runs than anyone has
MOST_RUNS = 2**40
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Sample(NamedTuple):
    """Both sides at the compared times: all arrays of shape (T,).

    ``sem`` is that of the difference, ``own`` the part of a theory that is a mean over paths.
    """

    times: np.ndarray
    theory: np.ndarray
    mean: np.ndarray
    sem: np.ndarray
    dof: np.ndarray
    keep: np.ndarray
    own: np.ndarray

    @property
    def shifted(self) -> np.ndarray:
        """Times at which the runs are all equal although they differ at others."""
        still = self.sem == 0
        return still & ~still.all()


def compare(
    theory: Curve,
    runs: Curve,
    quantity: str | None = None,
    level: float = 1e-3,
    margin: float | np.ndarray | None = None,
) -> Agreement:
    """Test the mean of `runs` against `theory`.

    Runs of an algorithm that draws nothing are one run: they are judged without statistics.

    Parameters
    ----------
    theory : Curve
        From ``solve``; it is interpolated to the times of the runs.
    runs : Curve
        From ``simulate`` or ``Curve.from_runs``; at least two runs.
    quantity : str, optional
        Default: ``"risk"``, or ``"loss"`` where the theory has no risk.
    level : float
        Probability of a false alarm over all times.
    margin : float or array over ``runs.time``, optional
        Allowed relative error of the theory. None: the finite-size error that it announces.

    Returns
    -------
    Agreement
        ``verdict`` is ``"undecided"`` below 20 runs, and where nothing is rejected although
        errors of 5 % could have been missed, with the number of runs that would decide;
        ``"quantiles"`` where standard errors mean nothing; ``"finding"`` for real rows, whose law
        is not that of the theory, so that a gap is a finding and no error.

    Raises
    ------
    InvalidInput
        No common times, too few runs, values that are not finite, a level outside (0, 1).

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> time = np.linspace(0.0, 1.0, 5)
    >>> noise = 0.01 * np.random.default_rng(1).standard_normal((40, 5))
    >>> runs = ll.Curve.from_runs(time, np.exp(-time) * (1 + noise))
    >>> right, wrong = (ll.Curve(time, {"risk": np.exp(-rate * time)}) for rate in (1.0, 1.2))
    >>> [ll.compare(theory, runs, margin=0.01).verdict for theory in (right, wrong)]
    ['agrees', 'disagrees']
    """
    quantity = quantity or main_quantity(theory)
    for field, curve in (("theory", theory), ("runs", runs)):
        if not hasattr(curve, "provenance"):
            raise InvalidType(field, curve, "give a Curve of solve, simulate or Curve.from_runs")
    if not 0 < level < 1:
        raise InvalidInput("level", level, "give a probability between 0 and 1")
    _check_units(theory, runs)
    if runs.provenance.get("deterministic") and runs.runs < 2:
        return _one_run(theory, runs, quantity, margin, level)
    sample = _align(theory, runs, quantity)
    allowed, origin = _allowed(theory, quantity, sample, margin)
    width = allowed * np.abs(sample.theory)
    p = holm(p_values(sample.mean - sample.theory, sample.sem, width, sample.dof))
    changes = _sensitivities(theory, sample, quantity)
    drift, noise = (detectable(s, sample.sem, width, sample.dof, level) for s in changes)
    needed = _deciding_runs(sample, changes, width, level, runs.runs)
    verdict, reason = _verdict(theory, runs, sample, p, level, max(drift, noise), needed)
    if verdict in ("agrees", "undecided") and np.isinf(allowed).all():
        verdict, reason = "undecided", "the theory does not know its error at any of these times"
    return Agreement(
        passed={"agrees": True, "disagrees": False}.get(verdict),
        verdict=verdict,
        reason=reason,
        quantity=quantity,
        times=sample.times,
        theory=sample.theory,
        mean=sample.mean,
        sem=sample.sem,
        allowed=allowed,
        allowed_origin=origin,
        z=_z_scores(sample),
        p_values=p,
        detectable_drift=drift,
        detectable_noise=noise,
        level=level,
        runs=int(runs.runs),
        labels=(theory.label or "theory", runs.label or "runs"),
        deciding_runs=needed,
        quantiles=_quantiles(runs, quantity, sample.keep),
    )


def _one_run(
    theory: Curve, runs: Curve, quantity: str, margin: float | np.ndarray | None, level: float
) -> Agreement:
    """Judge an algorithm that draws nothing: beyond what the theory announces, to rounding."""
    keep = _compared(theory, runs, quantity)
    times, mean = runs.time[keep], runs[quantity][keep]
    line, zero = interpolate(theory.time, theory[quantity], times), np.zeros(times.size)
    sample = Sample(times, line, mean, zero, zero + 1, keep, zero)
    allowed, origin = _allowed(theory, quantity, sample, margin)
    allowed = allowed + ROUNDING
    apart = ~(np.abs(mean - line) <= allowed * np.abs(line))
    worst = float(allowed.max())
    verdict, reason = "agrees", "no difference beyond the allowed error; nothing is drawn"
    if apart.any():
        verdict = "disagrees"
        reason = f"the difference at {int(apart.sum())} of {apart.size} times; nothing is drawn"
    return Agreement(
        passed=verdict == "agrees",
        verdict=verdict,
        reason=reason,
        quantity=quantity,
        times=times,
        theory=line,
        mean=mean,
        sem=zero,
        allowed=allowed,
        allowed_origin=origin,
        z=_z_scores(sample),
        p_values=np.where(apart, 0.0, 1.0),
        detectable_drift=worst,
        detectable_noise=worst,
        level=level,
        runs=1,
        labels=(theory.label or "theory", runs.label or "runs"),
        deciding_runs=1,
        quantiles={},
    )


def main_quantity(curve: Curve) -> str:
    """The quantity that is meant where none is named: the risk, or else the loss."""
    return "risk" if "risk" in getattr(curve, "values", {}) else "loss"


def _check_units(theory: Curve, runs: Curve) -> None:
    units = [curve.provenance.get("time") for curve in (theory, runs)]
    if None not in units and units[0] != units[1]:
        remedy = f"the theory counts time in {units[0]}, the runs in {units[1]}; solve a limit in "
        raise InvalidInput("theory", theory, f"{remedy}{units[1]}")


def interpolate(time: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Monotone cubic interpolation in time; of the logarithm where all values are positive."""
    from scipy.interpolate import PchipInterpolator

    if time.size == 1:
        return np.full(at.shape, values[0])
    if np.all(values > 0):
        return np.exp(PchipInterpolator(time, np.log(values))(at))
    return PchipInterpolator(time, values)(at)


def common_times(theory: Curve, runs: Curve) -> np.ndarray:
    """Mask over ``runs.time``: t > 0 and inside the theory's times, up to one rounded step."""
    step = 0.0
    if runs.steps is not None and runs.steps[-1] > 0:
        step = runs.time[-1] / runs.steps[-1]
    inside = (runs.time >= theory.time[0]) & (runs.time <= theory.time[-1] + step)
    return inside & (runs.time > 0)


def _align(theory: Curve, runs: Curve, quantity: str) -> Sample:
    count = runs.runs
    if not count or count < 2:
        raise InvalidInput("runs", count, "give a curve of at least 2 runs; theory comes first")
    keep = _compared(theory, runs, quantity)
    times = runs.time[keep]
    line = interpolate(theory.time, theory[quantity], times)
    mean, sem = runs[quantity][keep], runs.sem(quantity)[keep]
    sem = np.where(runs.std(quantity)[keep] <= NO_SPREAD * np.abs(mean), 0.0, sem)
    own, dof = np.zeros_like(sem), np.full(sem.shape, float(count - 1))
    if quantity in theory.samples and theory.runs > 1:
        own = interpolate(theory.time, theory.sem(quantity), times)
        dof = _welch(sem, own, count, theory.runs)
    return Sample(times, line, mean, np.hypot(sem, own), dof, keep, own)


def _compared(theory: Curve, runs: Curve, quantity: str) -> np.ndarray:
    """Mask of the times that are compared; refuses what has none, or is not finite."""
    keep = common_times(theory, runs)
    if not keep.any():
        raise InvalidInput("runs.time", runs.time, "has no time > 0 in common with the theory")
    _check_finite("theory", quantity, theory)
    _check_finite("runs", quantity, runs)
    return keep


def _check_finite(field: str, quantity: str, curve: Curve) -> None:
    broken = ~np.isfinite(curve[quantity])
    if not broken.any():
        return
    lost = curve.provenance.get("diverged")
    if not lost:
        raise InvalidInput(field, quantity, f"is not finite at time {curve.time[broken][0]:.6g}")
    raise InvalidInput(
        field,
        quantity,
        f"diverged in {len(lost)} of {max(curve.runs, 1)} runs, first at step "
        f"{min(lost.values())}: there is no mean to compare; end before it",
    )


def _welch(sem: np.ndarray, own: np.ndarray, runs: int, paths: int) -> np.ndarray:
    """Degrees of freedom where the theory is itself a mean over paths (Welch, Satterthwaite)."""
    total = sem**2 + own**2
    split = sem**4 / (runs - 1) + own**4 / (paths - 1)
    return np.divide(total**2, split, out=np.full(sem.shape, runs - 1.0), where=split > 0)


def announced_error(theory: Curve, quantity: str) -> np.ndarray | None:
    """Relative finite-size error that a theory announces for a quantity: its own where there is
    one, else that of the main quantity."""
    found = theory.diagnostics
    return found.get(f"finite_size_{quantity}", found.get("finite_size"))


def _allowed(
    theory: Curve, quantity: str, sample: Sample, margin: float | np.ndarray | None
) -> tuple[np.ndarray, str]:
    """Allowed relative error at the compared times, and its origin in words."""
    if margin is not None:
        given = np.asarray(margin, dtype=float)
        if given.ndim:
            given = given[sample.keep]
        if not np.all(given >= 0):
            raise InvalidInput("margin", margin, "give relative errors >= 0")
        return np.broadcast_to(given, sample.times.shape).copy(), "given"
    announced = announced_error(theory, quantity)
    if announced is None:
        return np.zeros_like(sample.times), "the theory announces none"
    relative = np.interp(sample.times, theory.time, announced)
    origin = theory.provenance.get("finite_size_origin", "announced")
    # where the theory does not know its error nothing is tested
    return np.where(np.isfinite(relative), relative, np.inf), f"finite size, {origin}"


def _sensitivities(theory: Curve, sample: Sample, quantity: str) -> tuple[np.ndarray, np.ndarray]:
    """Change of the quantity per relative change of drift and noise coefficient, shape (T,) each.

    A theory that does not say is judged by relative changes of the quantity itself.
    """
    names = ("drift_sensitivity", "noise_sensitivity")
    if quantity not in ("risk", "loss") or any(name not in theory.diagnostics for name in names):
        return sample.theory, sample.theory
    drift, noise = (np.interp(sample.times, theory.time, theory.diagnostics[n]) for n in names)
    return drift, noise


def _verdict(
    theory: Curve,
    runs: Curve,
    sample: Sample,
    p: np.ndarray,
    level: float,
    missed: float,
    needed: int | None,
) -> tuple[str, str]:
    if runs.provenance.get("engine") == "rows":
        return "finding", "real rows: the gap is a finding, not a verdict"
    refusal = _no_standard_errors(theory.provenance) or _no_standard_errors(runs.provenance)
    if refusal:
        return "quantiles", refusal
    if runs.runs < MIN_RUNS:
        enough = f" and about {needed} would decide" if needed and needed > MIN_RUNS else ""
        return "undecided", f"{runs.runs} runs; at least {MIN_RUNS} are needed{enough}"
    rejected = p <= level
    if np.any(rejected & sample.shifted):
        first = sample.times[np.argmax(rejected & sample.shifted)]
        return "disagrees", f"no spread at t = {first:.4g}: a shifted clock?"
    if rejected.any():
        return "disagrees", f"the difference at {int(rejected.sum())} of {p.size} times is real"
    if not missed <= MAX_DETECTABLE:
        seen = percent(missed) if math.isfinite(missed) else "any size"
        return "undecided", f"a coefficient error of {seen} could have been missed; {_cure(needed)}"
    return "agrees", "no difference beyond the allowed error"


def _cure(needed: int | None) -> str:
    if needed is None:
        return "the allowed error alone hides it, so that no number of runs decides"
    return f"add runs: about {needed} would decide"


def _deciding_runs(
    sample: Sample,
    changes: tuple[np.ndarray, np.ndarray],
    width: np.ndarray,
    level: float,
    runs: int,
) -> int | None:
    """Fewest runs that would miss no coefficient error of `MAX_DETECTABLE`, to two digits.

    The spread is taken to be that of these runs. None where the allowed error hides such errors
    from any number of runs.
    """
    chance = np.sqrt(np.maximum(sample.sem**2 - sample.own**2, 0.0) * runs)

    def decides(n: int) -> bool:
        sem, dof = np.hypot(chance / math.sqrt(n), sample.own), np.full(width.shape, n - 1.0)
        return all(detectable(s, sem, width, dof, level) <= MAX_DETECTABLE for s in changes)

    high = MIN_RUNS
    while not decides(high):
        high *= 2
        if high > MOST_RUNS:
            return None
    low = high // 2
    while high - low > max(1, low // 100):
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    digits = 10 ** max(0, len(str(high)) - 2)
    return max(MIN_RUNS, -(-high // digits) * digits)


def _no_standard_errors(provenance: Mapping[str, Any]) -> str:
    """Why a standard error means nothing here; empty where it means something."""
    if provenance.get("heavy_tailed"):
        return "E ε⁴ is infinite and nothing is clipped: standard errors mean nothing"
    if provenance.get("near_instability"):
        return "close to mean-square instability: standard errors mean nothing"
    return ""


def _z_scores(sample: Sample) -> np.ndarray:
    gap = sample.mean - sample.theory
    exact = np.where(gap == 0, 0.0, np.copysign(np.inf, gap))
    return np.divide(gap, sample.sem, out=exact, where=sample.sem > 0)


def _quantiles(runs: Curve, quantity: str, keep: np.ndarray) -> dict[float, np.ndarray]:
    if quantity not in runs.samples:
        return {}
    return {q: runs.quantile(quantity, q)[keep] for q in QUANTILES}
