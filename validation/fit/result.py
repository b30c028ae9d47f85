"""The answer of a fit: estimates with intervals, and whether the curve tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...theory.core.by_content import ByContent
from ...theory.core.show import Tabled
from ..figures.overlay import overlay
from .parameters import known

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Fit(ByContent, Tabled):
    """Numbers of a theory, from an observed curve.

    Attributes
    ----------
    estimates : dict of str to float
    intervals : dict of str to (float, float)
        At `level`, from the covariance; of positive numbers in the logarithm.
    covariance : (k, k) array
        Of the estimates, in the order of `names`.
    curve : Curve
        The theory at the estimates, at the observed times.
    observed : Curve
    problem, method
        With the estimates put in.
    quantity : str
    level : float
    chi_square, freedom, p_value : float, int, float
        Weighted sum of squares, its degrees of freedom, and the share of curves of this theory that
        are further from it.
    remarks : tuple of str
        What the curve does not tell.
    """

    estimates: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    covariance: np.ndarray
    curve: Any
    observed: Any
    problem: Any
    method: Any
    quantity: str
    level: float
    chi_square: float
    freedom: int
    p_value: float
    weights: Any = field(repr=False)
    places: np.ndarray
    inner: np.ndarray
    work: Any = field(repr=False)
    remarks: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.estimates)

    @property
    def errors(self) -> dict[str, float]:
        """Standard errors."""
        return dict(zip(self.names, np.sqrt(np.diag(self.covariance)), strict=True))

    @property
    def correlation(self) -> np.ndarray:
        """Of the estimates, (k, k)."""
        width = np.sqrt(np.diag(self.inner))
        found: np.ndarray = self.inner / np.outer(width, width)
        return found

    def profile(self, name: str, values: Sequence[float] | None = None) -> tuple[Any, Any]:
        """Return values of one number, and by how much the sum of squares grows where it is held
        there and the others are fitted again.

        Parameters
        ----------
        name : str
        values : sequence of float, optional
            By default 9 of them, within three standard errors.
        """
        from .profile import profile

        return profile(self, name, values)

    def figure(self, **options: Any) -> Figure:
        """Draw the theory at the estimates over the observed curve (options of `overlay`)."""
        return overlay(self.curve, self.observed, quantity=self.quantity, **options)

    def summary(self) -> str:
        """Return estimates, intervals and what the curve does not tell, as text."""
        percent = f"{100 * self.level:g} %"
        widest = max(map(len, self.names))
        lines = [f"{self.method.label} fitted to {self.observed.label!r}, {self.quantity}:"]
        for name, value in self.estimates.items():
            low, high = self.intervals[name]
            lines.append(f"  {name:<{widest}}  {value:.6g}   {percent}: {low:.6g} to {high:.6g}")
        lines.append(
            f"weighted sum of squares {self.chi_square:.1f} at {self.freedom} degrees of freedom "
            f"(p = {self.p_value:.2g})"
        )
        others = [name for name in known(self.problem, self.method) if name not in self.names]
        lines.append(f"held: {', '.join(others) or 'nothing'}")
        return "\n".join([*lines, *(f"warning: {remark}" for remark in self.remarks)])

    def __str__(self) -> str:
        return self.summary()

    def _headed(self) -> tuple[str, str]:
        title = f"{self.method.label} fitted to {self.observed.label!r}, {self.quantity}"
        return title, " ".join(self.remarks)

    def _tabled(self) -> tuple[list[str], list[list[str]]]:
        percent = f"{100 * self.level:g} %"
        rows = [
            [name, *(f"{number:.6g}" for number in (value, *self.intervals[name]))]
            for name, value in self.estimates.items()
        ]
        return ["", "estimate", f"{percent}, from", "to"], rows
