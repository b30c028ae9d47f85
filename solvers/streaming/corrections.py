r"""What is left out of the limit at finite dimension, computed where it can be.

Unclipped SGD: the exact mean recursion. signSGD: the split equations, which do not linearise the
mean of a sign; its first neglected term is :math:`\tfrac s3\rho_i^2` of the drift, with
:math:`s=d\log\phi/d\log R` (derived here), and a batch of B resolves ρ_i to 1/√B.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import InvalidInput, NotAvailable, SolveFailed
from ...theory.core.percent import percent
from ...theory.streaming.modes import max_rho_squared
from ..core.curve import Curve
from .coefficients import Coefficients
from .exact_mean import exact_mean
from .finite_size import FiniteSize, is_linear, known
from .neglected import Neglected, steepness
from .ode import OdeAnswer, relative_gap
from .split import split_risk
from .validity import LARGEST_SILENT_ERROR

Array = NDArray[np.float64]

CORRECTIONS = ("auto", "split", "exact")
LABELS = {"split": "split limit", "exact": "exact mean"}
#: B max ρ_i² max(1, s) above which the split equations are solved beside the limit
_LOCALISED = 0.05
#: difference between the two that is worth a word, and that "auto" acts on
_LARGEST_SILENT_GAP = 0.01


@dataclass(frozen=True, eq=False)
class Corrected:
    """A solved limit, after the correction that was asked for.

    Attributes
    ----------
    times : (T,) array
        Whole steps over d for the exact mean.
    answer : OdeAnswer
    announced : FiniteSize
        Error that remains.
    name : str or None
        "split", "exact", or None where the limit stands.
    remarks : list of str
        What the user should know.
    """

    times: Array
    answer: OdeAnswer
    announced: FiniteSize
    name: str | None = None
    remarks: tuple[str, ...] = ()

    def named(self, curve: Curve, method: Any) -> Curve:
        """Return the curve under the name of the correction, where there is one."""
        if self.name is None:
            return curve
        return replace(curve, label=f"{method.label}, {LABELS[self.name]}")


@dataclass(frozen=True, eq=False)
class Limit:
    """A limit that was solved: the problem, its coefficients, and the answer at `times`."""

    problem: Any
    method: Any
    coefficients: Coefficients
    times: Array
    answer: OdeAnswer
    announced: FiniteSize
    rtol: float

    def corrected(self, correction: str | None) -> Corrected:
        """Return the answer after a correction.

        Parameters
        ----------
        correction : {None, "auto", "split", "exact"}
            None: the limit itself, with a remark where the split equations differ by more than
            1 %. Auto: the split equations there, and the exact mean of unclipped SGD where the
            announced error exceeds 2 %.
        """
        if correction == "exact":
            return self._exact("")
        if correction == "split":
            return self._split(self._split_risk(), "")
        if self.method.acts_on == "coordinate":
            return self._localised(correction == "auto")
        if correction == "auto" and is_linear(self.method):
            return self._small()
        return self._as_it_is()

    def _as_it_is(self, *remarks: str, gap: Array | float = 0.0, start: bool = True) -> Corrected:
        return Corrected(self.times, self.answer, self._with(gap, start), None, remarks)

    def _with(self, gap: Array | float = 0.0, start: bool = True) -> FiniteSize:
        """The announced error, with what the limit neglects and a gap that was computed."""
        if is_linear(self.method):
            return self.announced
        parts = (self.problem, self.method, self.coefficients, self.answer, self.times)
        beside = Neglected(*parts).error(start)
        return replace(self.announced, relative=known(self.announced.relative + beside + gap))

    def _small(self) -> Corrected:
        """The exact mean where the limit is announced to be off by more than 2 %."""
        worst = int(np.argmax(self.announced.relative))
        error = float(self.announced.relative[worst])
        if error <= LARGEST_SILENT_ERROR:
            return self._as_it_is()
        size = percent(error) if math.isfinite(error) else "an amount that is not known"
        where = f"{size} at t = {self.times[worst]:.3g}"
        return self._exact(
            f"the limit is expected to be off by {where}: the exact mean is given instead"
        )

    def _exact(self, remark: str) -> Corrected:
        found = exact_mean(self.problem, self.method, self.times, self.rtol)
        times = found.steps / self.problem.dimension
        own = self.answer

        def slopes() -> list[Array]:
            both = (own.drift_sensitivity, own.noise_sensitivity)
            return [np.interp(times, self.times, row) for row in both]

        answer = OdeAnswer(found.risk, lambda: found.error_estimate, slopes, own.nodes)
        announced = FiniteSize(np.zeros(times.size), "exact")
        return Corrected(times, answer, announced, "exact", (remark,) if remark else ())

    def _localised(self, automatic: bool) -> Corrected:
        share = self.localisation()
        if share <= _LOCALISED:
            return self._as_it_is()
        try:
            risk = self._split_risk()
        except SolveFailed as failed:
            if automatic:
                raise
            return self._unknown(failed)
        gaps = relative_gap(risk, self.answer.risk)
        worst = int(np.argmax(gaps))
        if gaps[worst] <= _LARGEST_SILENT_GAP:
            return self._as_it_is(gap=gaps, start=False)
        text = (
            f"the start is localised: max ρ_i² = {max_rho_squared(self.problem):.3g}; the limit "
            f"linearises the mean of a sign and is off by {percent(gaps[worst])} at "
            f"t = {self.times[worst]:.3g} against the split equations"
        )
        if automatic:
            return self._split(risk, f"{text}, which are solved instead")
        remark = f'{text}; correction="auto" solves those'
        return self._as_it_is(remark, gap=gaps, start=False)

    def _unknown(self, failed: SolveFailed) -> Corrected:
        """The limit, whose distance from split equations without an end nobody knows."""
        remark = (
            "the start is localised, and the split equations, which tell by how much the limit is "
            f"off, could not be finished ({failed}); give a shorter horizon"
        )
        gap = np.where(self.times > self.times[0], math.inf, 0.0)
        return self._as_it_is(remark, gap=gap, start=False)

    def localisation(self) -> float:
        """Return B max ρ_i² max(1, s), with s at the lowest risk on the horizon."""
        share = max_rho_squared(self.problem)
        lowest = np.array([max(float(np.min(self.answer.risk)), 1e-100)])
        steepest = float(steepness(self.coefficients, lowest)[0])
        if share == 0 or not math.isfinite(steepest):
            return 0.0
        resolution = 1 if self.method.pool == "each" else self.method.batch
        return share * max(1.0, steepest) * resolution

    def _split_risk(self) -> Array:
        return split_risk(self.problem, self.method, self.coefficients, self.times, self.rtol)

    def _split(self, risk: Array, remark: str) -> Corrected:
        answer = replace(self.answer, risk=risk)
        announced = self._with(start=False)
        return Corrected(self.times, answer, announced, "split", (remark,) if remark else ())


def check_correction(wanted: str | None, modes: bool, system: Any) -> str | None:
    """Return the correction that a call asks for.

    Raises
    ------
    InvalidInput
        An unknown name.
    NotAvailable
        Modes of the split equations; a system of the user's with the exact mean.
    """
    if wanted is None:
        return None
    if wanted not in CORRECTIONS:
        raise InvalidInput("correction", wanted, 'give None, "auto", "split" or "exact"')
    if modes and wanted != "exact":
        raise NotAvailable("modes", modes, "corrections other than the exact mean have none")
    if system is not None and wanted == "exact":
        raise NotAvailable("system", system.name, "the exact mean derives its own; leave it out")
    return wanted
