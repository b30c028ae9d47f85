r"""How far the points of an observed curve may be from the theory: the covariance of its errors.

.. math:: C=\frac1n\,\mathrm{Cov}(R(t),R(s))+f(t)f(s)

with n runs, the covariance of one run from the band of the theory itself, and f the error that the
theory announces for its mean, as one more direction. Or from the runs, or as the user states it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from ...theory.core.dispatch import family
from ...theory.core.errors import InvalidInput, NotAvailable
from ..agreement.compare import announced_error

SOLVERS = __package__.rpartition(".")[0].rpartition(".")[0] + ".solvers"
#: relative size of what is added to the diagonal, so that rounding never makes C singular
_NUGGET = 1e-9


@dataclass(frozen=True, eq=False)
class Errors:
    """Where the covariance of the points comes from.

    Attributes
    ----------
    observed : Curve
    quantity : str
    keep : (T,) bool array
        The points that are used.
    given : "band", "runs", or an array
        Standard errors (T,) or a covariance (T, T) of the points of `observed`.
    """

    observed: Any
    quantity: str
    keep: np.ndarray
    given: Any

    @property
    def runs(self) -> int:
        return max(1, self.observed.runs)

    def covariance(self, problem: Any, method: Any, theory: Any) -> np.ndarray:
        """Return C at the used points, for a theory that was solved at the observed times."""
        count = self.observed.time.size
        values = theory[self.quantity][-count:][self.keep]
        if isinstance(self.given, str):
            found = self._band(problem, method) if self.given == "band" else self._of_runs()
        else:
            found = self._stated()
        announced = announced_error(theory, self.quantity)
        if announced is not None:
            bias = np.where(np.isfinite(announced), announced, 1.0)[-count:][self.keep] * values
            found = found + np.outer(bias, bias)
        return found + np.diag(_NUGGET * np.diag(found) + (1e-12 * values) ** 2)

    def _band(self, problem: Any, method: Any) -> np.ndarray:
        name = f"{SOLVERS}.{family(problem, method)}.time_covariance"
        if find_spec(name) is None:
            remedy = 'this theory has no band in time; give errors="runs", or standard errors'
            raise NotAvailable("errors", "band", remedy)
        times = self.observed.time
        begins = times[0] > 0
        grid = np.concatenate([[0.0], times]) if begins else times
        found = import_module(name).time_covariance(problem, method, grid) / problem.dimension
        rows = np.flatnonzero(self.keep) + int(begins)
        part: np.ndarray = found[np.ix_(rows, rows)] / self.runs
        return part

    def _of_runs(self) -> np.ndarray:
        points = int(self.keep.sum())
        if self.runs < 2 * points:
            remedy = f"{self.runs} runs do not tell the covariance of {points} points; give fewer"
            raise InvalidInput("errors", "runs", f'{remedy}, or errors="band"')
        sample = self.observed.sample(self.quantity)[:, self.keep]
        found: np.ndarray = np.atleast_2d(np.cov(sample.T)) / self.runs
        return found

    def _stated(self) -> np.ndarray:
        given = np.asarray(self.given, dtype=float)
        count = self.observed.time.size
        full = np.diag(np.broadcast_to(given, (count,)) ** 2) if given.ndim < 2 else given
        if full.shape != (count, count) or not np.all(np.isfinite(full)):
            remedy = (
                f'give "band", "runs", {count} standard errors, or a {count} × {count} covariance'
            )
            raise InvalidInput("errors", self.given, remedy)
        return full[np.ix_(self.keep, self.keep)]


def checked_errors(observed: Any, quantity: str, keep: np.ndarray, given: Any) -> Errors:
    """Refuse words that are neither "band" nor "runs", and what is no array of numbers."""
    if isinstance(given, str) and given not in ("band", "runs"):
        raise InvalidInput("errors", given, 'give "band", "runs" or an array')
    errors = Errors(observed, quantity, keep, given)
    if not isinstance(given, str):
        try:
            errors._stated()
        except (TypeError, ValueError):
            if isinstance(sys.exc_info()[1], InvalidInput):
                raise
            raise InvalidInput("errors", given, "give an array of numbers") from None
    return errors
