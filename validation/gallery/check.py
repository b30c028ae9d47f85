"""The numbers that a figure must hit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...theory.core.percent import percent
from ..agreement.compare import MAX_DETECTABLE, MIN_RUNS, compare

if TYPE_CHECKING:
    from ...solvers.core.curve import Curve
    from ..agreement.agreement import Agreement

#: of one number by another, in which nothing is sampled: equal to this is equal
ROUNDING = 1e-9
#: verdicts that say something: a weak claim can be decided where one of 5 % is not
JUDGED = ("agrees", "disagrees", "undecided")


@dataclass(frozen=True)
class Check:
    """A number and the bounds between which the theory puts it.

    Parameters
    ----------
    name : str
        What it is, in words.
    value, low, high : float
    origin : str
        Where the bounds come from: standard errors, an order of convergence, a formula.
    undecided : bool
        Whether the data could have missed an error that matters: then it does not pass.
    """

    name: str
    value: float
    low: float
    high: float
    origin: str
    undecided: bool = False

    @property
    def within(self) -> bool:
        """Whether low <= value <= high."""
        return bool(self.low <= self.value <= self.high)

    @property
    def passed(self) -> bool:
        """Whether it lies within its bounds, and could have been seen outside."""
        return self.within and not self.undecided

    def __str__(self) -> str:
        mark = "ok  " if self.passed else "OPEN" if self.within else "FAIL"
        bounds = f"[{self.low:.4g}, {self.high:.4g}]"
        return f"{mark}  {self.name}: {self.value:.4g} in {bounds} ({self.origin})"


def agreement(
    name: str, report: Agreement, within: float = MAX_DETECTABLE, of: str = "drift and noise"
) -> Check:
    """Return the check of a comparison: no time differs at its level, and errors would have shown.

    Parameters
    ----------
    report : Agreement
    within : float
        The claim: the coefficients are right to this relative error, which the ensemble would
        have rejected with 99 % probability. Above 5 % the claim is a weak one, and says so.
    of : {"drift and noise", "drift"}
        Which coefficients are claimed; of the drift alone far from rest, where the noise hardly
        matters. That is a weaker claim too, and says so.
    """
    found = report.detectable if of == "drift and noise" else report.detectable_drift
    seen = f"smallest Holm p-value; errors of {percent(found)} would show"
    if of == "drift":
        name = f"{name} (drift alone)"
    if within > MAX_DETECTABLE:
        name = f"{name} (to {percent(within)})"
    judged = report.verdict in JUDGED and (report.runs >= MIN_RUNS or report.deciding_runs == 1)
    undecided = not (judged and found <= within)
    value = float(np.min(report.p_values))
    return Check(name, value, report.level, 1.0, seen, undecided)


def tested(
    name: str,
    theory: Curve,
    runs: Curve,
    quantity: str | None = None,
    *,
    within: float = MAX_DETECTABLE,
    of: str = "drift and noise",
) -> Check:
    """Return the check of a limit against its runs; see `agreement`."""
    return agreement(name, compare(theory, runs, quantity), within, of)


def refuted(name: str, report: Agreement, origin: str) -> Check:
    """Return the check that a comparison rejects a theory that is wrong."""
    return Check(name, float(np.min(report.p_values)), 0.0, report.level, origin)


def exceeds(
    name: str, values: Any, origin: str, score: float = 4.0, *, level: float | None = None
) -> Check:
    """Return the check that the mean of independent values is positive, in standard errors.

    Parameters
    ----------
    values : (n,) array
        One a run; of pairs, their differences.
    score : float
        How many standard errors; of few values give a level instead.
    level : float, optional
        Of Student's tail, which knows how many values there are.
    """
    values = np.asarray(values, dtype=float)
    error = values.std(ddof=1) / np.sqrt(values.size)
    value = float(values.mean() / error) if error > 0 else 0.0
    if level is not None:
        score = tail(2 * level, 1, values.size - 1)
        origin = f"{origin}; Student's tail at {level:g}"
    return Check(f"{name}, in standard errors", value, score, np.inf, origin)


def power_at_zero(x: Any, values: Any) -> tuple[float, np.ndarray]:
    """The power of x in values as x → 0, and the powers between neighbours.

    Those are taken at the geometric means, and a straight line through the first two goes to 0.
    """
    x = np.asarray(x, dtype=float)
    powers = np.diff(np.log(values)) / np.diff(np.log(x))
    middle = np.sqrt(x[1:] * x[:-1])
    return float(np.polyfit(middle[:2], powers[:2], 1)[-1]), powers


def tail(level: float, count: int, freedom: float = np.inf) -> float:
    """The size that the largest of so many Student variables exceeds with this probability."""
    from scipy.stats import norm, t

    each = level / (2 * count)
    return float(norm.isf(each) if np.isinf(freedom) else t.isf(each, freedom))


def largest(name: str, scores: Any, freedom: float = np.inf, origin: str = "") -> Check:
    """Return the check that no standard score of many is too large, at 1e-3 over all of them.

    Nor are all of them as small as a single one is once in a thousand times: what is compared with
    itself has no scores.
    """
    scores = np.abs(np.asarray(scores, dtype=float)).ravel()
    law = "normal" if np.isinf(freedom) else "Student's"
    origin = f"{law} tail at 1e-3 over all {scores.size}{origin}"
    low, high = tail(1 - 1e-3, 1, freedom), tail(1e-3, scores.size, freedom)
    return Check(name, float(scores.max()), low, high, origin)


def most(name: str, count: Any, of: int, origin: str, comparisons: int = 1) -> Check:
    """Return the check that by a sign test more than half do: the p-value of the contrary."""
    from scipy.stats import binom

    contrary = float(np.max(binom.sf(np.asarray(count) - 1, of, 0.5)))
    return Check(
        f"{name}, p-value of the contrary",
        contrary,
        0.0,
        1e-3 / comparisons,
        f"sign test at 1e-3; {origin}",
    )


def beyond(name: str, value: Any, bound: float, origin: str) -> Check:
    """Return the check that a number lies above a bound that it would meet if nothing happened:
    equality, rounding included, does not pass."""
    return Check(name, float(value), bound + ROUNDING * max(abs(bound), 1.0), np.inf, origin)


def below(name: str, value: Any, bound: float, origin: str) -> Check:
    """Return the check that a number lies below a bound that it would meet if nothing happened;
    see `beyond`."""
    return Check(name, float(value), -np.inf, bound - ROUNDING * max(abs(bound), 1.0), origin)


def near(name: str, value: Any, expected: Any, tolerance: Any, origin: str) -> Check:
    """Return the check that a number is within a tolerance of another."""
    expected, tolerance = float(expected), float(tolerance)
    return Check(name, float(value), expected - tolerance, expected + tolerance, origin)
