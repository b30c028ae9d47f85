"""The numbers that a figure must hit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...theory.core.percent import percent


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
    """

    name: str
    value: float
    low: float
    high: float
    origin: str

    @property
    def passed(self) -> bool:
        """Whether low <= value <= high."""
        return bool(self.low <= self.value <= self.high)

    def __str__(self) -> str:
        mark = "ok  " if self.passed else "FAIL"
        bounds = f"[{self.low:.4g}, {self.high:.4g}]"
        return f"{mark}  {self.name}: {self.value:.4g} in {bounds} ({self.origin})"


def agreement(name: str, report: Any) -> Check:
    """Return the check of an `Agreement`: no time differs at the report's level."""
    seen = f"smallest Holm p-value; errors of {percent(report.detectable)} would show"
    return Check(name, float(np.min(report.p_values)), report.level, 1.0, seen)


def near(name: str, value: Any, expected: Any, tolerance: Any, origin: str) -> Check:
    """Return the check that a number is within a tolerance of another."""
    expected, tolerance = float(expected), float(tolerance)
    return Check(name, float(value), expected - tolerance, expected + tolerance, origin)
