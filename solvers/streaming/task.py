"""A streaming limit to be solved: what every limit is given, and the mean that each builds on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import NotAvailable
from ...theory.core.once import once, recalled
from ...theory.core.warn import warn
from ...theory.streaming.derive import Binding
from . import validity
from .coefficients import Coefficients
from .compress import binned
from .corrections import Corrected, Limit
from .exact_mean import exact_fields
from .finite_size import finite_size
from .mode_curves import mode_fields
from .ode import OdeAnswer, solve_ode
from .results import ode_curve, provenance_of

Array = NDArray[np.float64]
#: output times up to which it is kept what a curve is worth
_MOST_KEPT = 1024


@once
def _coefficients(system: Any, numbers: Binding, mean: Any) -> Coefficients:
    """The coefficients of a system, with the tables that were made for them."""
    return Coefficients.of(system.source, numbers, mean="" if mean is None else mean.source)


@dataclass(frozen=True, eq=False)
class Task:
    """A checked call of `solve`.

    Attributes
    ----------
    problem, method
        The method with schedules in the place of thresholds that follow the run.
    system : ModeSystem
    numbers : Binding
        Those of the system.
    grid : (T,) array
        Output times.
    limit : str
        The name of the limit.
    rtol : float
    given : ModeSystem or None
        What the user gave instead of the derived system.
    """

    problem: Any
    method: Any
    system: Any
    numbers: Binding
    grid: Array
    limit: str
    rtol: float
    given: Any = None

    @cached_property
    def coefficients(self) -> Coefficients:
        """Of the mean."""
        return _coefficients(self.system.mean, self.numbers, None)

    @cached_property
    def noisy(self) -> Coefficients:
        """Of the mean and of the covariance of one step."""
        return _coefficients(self.system, self.numbers, self.system.mean)

    def check_dimension(self) -> None:
        """Refuse what needs a finite dimension.

        Raises
        ------
        NotAvailable
            d = ∞.
        """
        if math.isinf(self.problem.dimension):
            remedy = 'fluctuations need a finite dimension; at d = ∞ there is "ode"'
            raise NotAvailable("limit", self.limit, remedy)

    def mean(self, road: Callable[..., Any] = solve_ode, correction: str | None = None) -> Mean:
        """Solve for the mean risk, correct it where asked, and warn of what it leaves out."""
        answer = road(self.coefficients, binned(self.problem, self.method), self.grid, self.rtol)
        if correction is not None or self.grid.size > _MOST_KEPT:
            judged = self._judged(answer, correction)
        else:  # a risk that is the same to the bit is worth the same
            known = (self.grid.tobytes(), answer.risk.tobytes(), self.limit, self.rtol)
            judged = recalled(lambda: self._judged(answer, None), Task, self.coefficients, *known)
        for remark in judged.remarks:
            if remark.error > validity.LARGEST_SILENT_ERROR:
                warn(remark)
        return Mean(self, judged.found, judged.provenance)

    def _judged(self, answer: OdeAnswer, correction: str | None) -> _Judged:
        """What a solved risk is worth: its announced error, corrected where asked, with remarks."""
        announced = finite_size(self.problem, self.method, self.grid, answer.risk)
        solved = Limit(
            self.problem, self.method, self.coefficients, self.grid, answer, announced, self.rtol
        )
        found = solved.corrected(correction)
        risk = found.answer.risk
        said = validity.remarks(self.problem, self.method, found.times, risk, found.announced)
        remarks = [*said, *map(validity.Remark, found.remarks)]
        provenance = provenance_of(self.problem, self.method, self.limit, remarks) | {
            "rtol": self.rtol,
            "finite_size_origin": found.announced.origin,
            "modes_integrated": found.answer.nodes,
            "correction": found.name,
            "diagnostics": validity.diagnostics(self.problem, self.method, found.times),
        }
        return _Judged(found, remarks, provenance)


@dataclass(frozen=True, eq=False)
class _Judged:
    """A corrected limit, what is remarked on it, and how it was made."""

    found: Corrected
    remarks: list[validity.Remark]
    provenance: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Mean:
    """The mean of a task, solved."""

    task: Task
    found: Corrected
    provenance: dict[str, Any]

    def curve(self, modes: bool) -> Any:
        """Return it as a curve, with each mode's energy where asked."""
        task, found = self.task, self.found
        fields = self._modes() if modes else {}
        relative = found.announced.relative
        curve = ode_curve(
            task.problem, task.method, found.times, found.answer, relative, self.provenance, fields
        )
        return found.named(curve, task.method)

    def _modes(self) -> dict[str, Any]:
        task, times = self.task, self.found.times
        if self.found.name == "exact":
            return exact_fields(task.problem, task.method, times)
        return mode_fields(task.problem, task.method, task.coefficients, times, task.rtol)
