"""Power laws in the dimension: fitted with an interval, and drawn.

The theory predicts a bias of the mean of order 1/d and a spread of one run of order d^(−1/2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..figures.style import HouseFigure

Array = NDArray[np.float64]

#: 95 % quantile of χ² with one degree of freedom
CHI2_95 = 3.841


@dataclass(frozen=True)
class Slope:
    """Exponent s of values ≈ prefactor · d^s, with a 95 % interval."""

    value: float
    low: float
    high: float
    prefactor: float

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"

    def draw(
        self, axes: Axes, d: Array, values: Array, errors: Array, colour: str, mark: str, name: str
    ) -> None:
        """Points with two standard errors, and the fitted power law with its interval."""
        below = np.minimum(2 * errors, 0.95 * values)
        axes.errorbar(d, values, [below, 2 * errors], fmt=mark, color=colour, capsize=2, lw=0.8)
        interval = f"{self.low:.2f} to {self.high:.2f}".replace("-", "−")
        label = f"{name}: $d^{{{self.value:.2f}}}$ (95 %: {interval})"
        axes.plot(d, abs(self.prefactor) * d**self.value, color=colour, lw=1, label=label)


@dataclass(frozen=True, eq=False)
class Convergence:
    """Distance from the limit over dimensions.

    Attributes
    ----------
    dimensions : (n,) array
    bias, bias_error : (n,) arrays
        (mean − theory)/theory averaged over time, and its standard error.
    spread, spread_error : (n,) arrays
        Standard deviation of one run over theory, root mean square over time, and its error.
    bias_slope, spread_slope : Slope
        Theory: −1 and −1/2.
    label : str
    """

    dimensions: Array
    bias: Array
    bias_error: Array
    spread: Array
    spread_error: Array
    bias_slope: Slope
    spread_slope: Slope
    label: str = ""

    def __str__(self) -> str:
        rows = zip(self.dimensions, self.bias, self.bias_error, self.spread, strict=True)
        table = [f"{d:8d}  {b:+.5f} ± {e:.5f}  {s:.5f}" for d, b, e, s in rows]
        head = [f"{self.label}: slopes in d with 95 % intervals"]
        head += [f"  bias of the mean  {self.bias_slope}"]
        head += [f"  spread of one run {self.spread_slope}"]
        return "\n".join([*head, "       d  relative bias of the mean  relative spread", *table])

    def figure(self, width: str | float = "icml") -> HouseFigure:
        """|Bias| and spread against d on log-log axes with the fitted power laws."""
        from matplotlib import style

        from ..figures.style import STYLE, HouseFigure, inches

        w, d = inches(width), self.dimensions
        with style.context(STYLE):
            figure = HouseFigure(figsize=(w, 0.68 * w))
            axes = figure.add_subplot()
            spread, bias = (self.spread, self.spread_error), (np.abs(self.bias), self.bias_error)
            self.spread_slope.draw(axes, d, *spread, "C0", "o", "spread of one run")
            self.bias_slope.draw(axes, d, *bias, "C1", "s", "|bias of the mean|")
            axes.set(xscale="log", yscale="log", xlabel="dimension $d$")
            axes.set_ylabel("relative to theory")
            axes.set_xticks(d, [str(n) for n in d])
            axes.minorticks_off()
            if self.label:
                axes.set_title(self.label, loc="left")
            figure.legend(loc="outside lower left")
        return figure


def fit_slope(dimensions: Array, values: Array, errors: Array) -> Slope:
    """Weighted least-squares fit of a · d^s, with the profile-likelihood interval of s.

    Fitted on the values and not on their logarithms, so a bias that is lost in its standard
    error widens the interval instead of biasing the slope. Errors are scaled up where the power
    law itself does not fit.
    """
    grid = np.linspace(-4.0, 2.0, 6001)
    shape = (np.asarray(dimensions) / dimensions[0]) ** grid[:, None]
    weights = 1 / errors**2
    heights = (shape @ (values * weights)) / (shape**2 @ weights)
    chi2 = ((values - heights[:, None] * shape) ** 2) @ weights
    best = int(np.argmin(chi2))
    scale = max(1.0, chi2[best] / max(len(values) - 2, 1))
    inside = grid[chi2 <= chi2[best] + CHI2_95 * scale]
    prefactor = heights[best] / float(dimensions[0]) ** grid[best]
    return Slope(float(grid[best]), float(inside[0]), float(inside[-1]), float(prefactor))
