r"""Loss against compute of power-law random features, and its frontier over the number of features.

Compute is parameters × samples, :math:`C=d\,k\,B` after k steps of B samples (multiply by the
constant of your network for operations). The frontier is the lowest loss that any of the dimensions
reaches with C; on it :math:`L\propto C^{-\eta}` and :math:`d^\star\propto C^{\xi}`, fitted over the
part where neither the smallest nor the largest dimension is the best one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...solvers.core.curve import Curve
from ...solvers.solve import solve
from ...solvers.streaming.finite_size import mean_square_load
from ...theory.core.by_content import ByContent
from ...theory.core.checks import between, count, vector
from ...theory.core.errors import InvalidInput
from ...theory.core.show import Tabled
from ...theory.core.warn import one_warning
from ...theory.features.power_law import power_law_features
from ...theory.methods import SGD
from ..figures.style import HouseFigure

Array = NDArray[np.float64]

DIMENSIONS = (50, 100, 200, 400, 800, 1600, 3200, 6400, 12500, 25000, 50000, 100000)
#: times of a curve, evenly in log k, and steps after which the slowest mode has decayed
_TIMES = 160
_DECAYED = 5.0
_MOST_STEPS = 10**13
#: points of the frontier
_POINTS = 200


@dataclass(frozen=True, eq=False)
class Frontier(ByContent, Tabled):
    """Loss against compute.

    Attributes
    ----------
    dimensions : (n,) int array
    curves : tuple of Curve
        One a dimension; ``steps`` are its steps.
    irreducible : (n,) array
        R∞ of each.
    compute, loss : (m,) arrays
        The frontier.
    best : (m,) array
        The dimension that reaches it.
    exponents : dict of str to (estimate, low, high)
        ``"loss"``: −d log L/d log C on the frontier; ``"dimension"``: d log d*/d log C; 95 %.
    """

    alpha: float
    beta: float
    dimensions: NDArray[np.int64]
    curves: tuple[Curve, ...]
    irreducible: Array
    compute: Array
    loss: Array
    best: Array
    exponents: dict[str, tuple[float, float, float]]

    def compute_of(self, index: int) -> Array:
        """Parameters × samples along one of the curves, steps of 0 left out."""
        steps = np.asarray(self.curves[index].steps, dtype=float)[1:]
        found: Array = self.dimensions[index] * steps
        return found

    def summary(self) -> str:
        """Return the fitted exponents as text."""
        lines = [f"power-law features, alpha = {self.alpha:g}, beta = {self.beta:g}"]
        names = {"loss": "loss ∝ compute^−", "dimension": "best dimension ∝ compute^"}
        for key, (value, low, high) in self.exponents.items():
            lines.append(f"{names[key]}{value:.3f}   95 %: {low:.3f} to {high:.3f}")
        lines.append(
            f"compute (parameters × samples) from {self.compute[0]:.3g} to {self.compute[-1]:.3g}"
        )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _headed(self) -> tuple[str, str]:
        reached = f"{self.compute[0]:.3g} to {self.compute[-1]:.3g}"
        title = f"power-law features, alpha = {self.alpha:g}, beta = {self.beta:g}"
        return title, f"compute (parameters × samples) from {reached}"

    def _tabled(self) -> tuple[list[str], list[list[str]]]:
        rows = [[k, *(f"{number:.3f}" for number in v)] for k, v in self.exponents.items()]
        return ["exponent of", "estimate", "95 %, from", "to"], rows

    def figure(self, width: str | float = "neurips") -> HouseFigure:
        """Draw the curves, the frontier and the fitted line."""
        from .figure import draw

        return draw(self, width)


def compute_frontier(
    alpha: float,
    beta: float,
    dimensions: Sequence[int] = DIMENSIONS,
    *,
    ratio: float = 4.0,
    fraction: float = 0.5,
    method: Callable[[Any, float], Any] | None = None,
    limit: str | None = None,
) -> Frontier:
    """Solve power-law features in many dimensions, and take the frontier.

    Parameters
    ----------
    alpha, beta : float
        As of `power_law_features`.
    dimensions : sequence of int
        Numbers of features, increasing.
    ratio : float
        Inputs a feature, v = ratio · d.
    fraction : float
        Of the largest rate at which the mean square of SGD is stable at this d.
    method : callable, optional
        Maps the problem and that rate to a method; by default SGD(rate).
    limit : str, optional
        As of `solve`; by default the exact mean at each d.

    Returns
    -------
    Frontier

    Raises
    ------
    InvalidInput
        Fewer than three dimensions, exponents out of range, no frontier inside the dimensions.

    Warns
    -----
    ValidityWarning
        What `solve` warns of, once.

    Examples
    --------
    >>> import limitlab as ll
    >>> found = ll.compute_frontier(1.0, 0.7)
    >>> estimate, low, high = found.exponents["loss"]
    >>> low < estimate < high
    True
    """
    sizes = vector("dimensions", dimensions)
    if sizes.size < 3 or np.any(np.diff(sizes) <= 0):
        raise InvalidInput("dimensions", dimensions, "give three or more, increasing")
    whole = np.array([count("dimensions", d) for d in sizes])
    ratio, fraction = between("ratio", ratio, 1.01, 1e4), between("fraction", fraction, 1e-6, 1.0)
    make = method or (lambda problem, rate: SGD(rate))
    curves, floors = [], []
    with one_warning():
        for d in whole.tolist():
            problem = power_law_features(int(np.ceil(ratio * d)), d, alpha, beta)
            curves.append(_curve(problem, make, fraction, limit))
            floors.append(problem.irreducible)
    return _frontier(alpha, beta, whole, tuple(curves), np.array(floors))


def _curve(problem: Any, make: Any, fraction: float, limit: str | None) -> Curve:
    """The loss at steps that are even in their logarithm, until the slowest mode has decayed."""
    d, law = problem.dimension, problem.covariance
    rate = fraction * _stable(problem)
    chosen = make(problem, rate)
    slowest = float(law.eigenvalues.min())
    last = min(_DECAYED * d / (rate * slowest), _MOST_STEPS)
    steps = np.unique(np.rint(np.geomspace(1, last, _TIMES)))
    options = {} if limit is None else {"limit": limit}
    return solve(problem, chosen, times=np.concatenate([[0.0], steps / d]), **options)


def _stable(problem: Any) -> float:
    """The largest rate at which the mean square of SGD is stable."""
    from scipy.optimize import brentq

    law = problem.covariance
    highest = min(2 * problem.dimension / law.trace, problem.dimension / law.norm)

    def excess(share: float) -> float:
        return min(mean_square_load(problem, SGD(share * highest)), 1e3) - 1.0

    return highest * float(brentq(excess, 1e-3, 1.0, xtol=1e-6))


def _frontier(
    alpha: float,
    beta: float,
    dimensions: NDArray[np.int64],
    curves: tuple[Curve, ...],
    floors: Array,
) -> Frontier:
    computes = [d * np.asarray(c.steps, float)[1:] for d, c in zip(dimensions, curves, strict=True)]
    losses = [np.log(c["loss"][1:]) for c in curves]
    low, high = computes[1][0], computes[-1][-1]
    grid = np.geomspace(low, high, 4 * _POINTS)
    table = np.array(
        [
            np.interp(np.log(grid), np.log(c), loss, left=np.inf)
            for c, loss in zip(computes, losses, strict=True)
        ]
    )
    best = np.argmin(table, axis=0)
    inside = np.flatnonzero((best > 0) & (best < dimensions.size - 1))
    if inside.size < 3 or np.unique(best[inside]).size < 2:
        remedy = "no compute is best spent inside them; give more dimensions, further apart"
        raise InvalidInput("dimensions", dimensions.tolist(), remedy)
    part = slice(inside[0], inside[-1] + 1)
    compute, loss, chosen = grid[part], table.min(axis=0)[part], best[part]
    exponents = {
        "loss": _slope(np.log(compute), -loss),
        "dimension": _crossings(np.log(compute), chosen, np.log(dimensions)),
    }
    return Frontier(
        alpha,
        beta,
        dimensions,
        curves,
        floors,
        compute,
        np.exp(loss),
        dimensions[chosen],
        exponents,
    )


def _slope(x: Array, y: Array) -> tuple[float, float, float]:
    """Least-squares slope with its 95 % interval from the scatter of slopes over eight pieces: the
    points are exact, and what is uncertain is the bend."""
    slope = float(np.polyfit(x, y, 1)[0])
    pieces = [p for p in np.array_split(np.arange(x.size), min(8, x.size // 2)) if p.size > 1]
    local = np.array([np.polyfit(x[p], y[p], 1)[0] for p in pieces])
    return _interval(slope, local)


def _crossings(x: Array, chosen: NDArray[np.int64], sizes: Array) -> tuple[float, float, float]:
    """Slope of log d* where two neighbours are equally good, between which d* lies."""
    turns = np.flatnonzero(np.diff(chosen) > 0)
    places = x[turns]
    middle = 0.5 * (sizes[chosen[turns]] + sizes[chosen[turns + 1]])
    if places.size < 2:
        return float("nan"), float("nan"), float("nan")
    slope = float(np.polyfit(places, middle, 1)[0])
    return _interval(slope, np.diff(middle) / np.diff(places))


def _interval(slope: float, local: Array) -> tuple[float, float, float]:
    from scipy.stats import t as student

    if local.size < 2:
        return slope, float("nan"), float("nan")
    width = student.ppf(0.975, local.size - 1) * local.std(ddof=1) / np.sqrt(local.size)
    return slope, slope - float(width), slope + float(width)
