r"""Where a stream with memory rests, and up to which rate it is stable.

At constant A and B the moments of a mode rest at :math:`Y_i=-(\Lambda+\tfrac12A\lambda_i\Pi)^{-1}
(Bc_i\Sigma+\dots)`, so that R is one equation for one number. Under a linear rule noise acts on R
through a kernel of squares, which is not negative: the mean square is stable exactly where every
mode is and the integral of the kernel is below 1 (the renewal argument; derived here).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import InvalidInput, NotAvailable
from ...theory.core.symbols import t as time
from ...theory.memory.derive import derive
from ...theory.memory.system import MemorySystem
from ...theory.methods.base import Method
from ...theory.streaming.problem import LeastSquares, check_stream
from ..core.compile import load
from ..streaming.finite_size import is_linear
from ..streaming.stationary import StationaryRisk, roots_of
from .modes import MemoryModes, memory_modes
from .numbers import coefficients_of

Array = NDArray[np.float64]

#: nodes of each measure that a resting state is computed on
_NODES = 48


def stationary(problem: LeastSquares, method: Method, *, system: Any = None) -> StationaryRisk:
    """Return all stationary risks of a method with memory at constant hyper-parameters.

    Parameters
    ----------
    problem : LeastSquares
    method : Method
        Its average, which does not act on the iterate, is left aside.
    system : System, optional
        Instead of the derived one.

    Raises
    ------
    NotAvailable
        A schedule.
    """
    rest = Rest.of(problem, method, system)

    def excess(x: Any) -> Array:
        risks = np.exp(np.atleast_1d(x))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(risks) - np.log([rest.risk(float(r)) for r in risks])

    return roots_of(excess, vanishes=rest.vanishes())


class Rest:
    """The resting moments of every mode, as functions of A and B."""

    def __init__(self, system: MemorySystem, coefficients: Any, modes: MemoryModes) -> None:
        kinds = len(system.moments)
        self._module = load(coefficients.source, "memory/ode")
        self._matrices = np.zeros((kinds, kinds)), np.zeros((kinds, kinds)), np.zeros(kinds)
        self._module.matrices_at(0.0, coefficients.p, self._matrices)
        self._coefficients, self._modes = coefficients, modes
        largest = 10.0 * max(float(modes.state[0].sum()), 1e-3)
        self._table = coefficients.table(largest, 1.0)
        # what never changes drives the others
        still = np.array([not np.any(m) for m in zip(*self._rows(), strict=True)])
        self._moving = ~still

    @classmethod
    def of(cls, problem: Any, method: Any, system: Any = None) -> Rest:
        """Return that of a method without its average.

        Raises
        ------
        NotAvailable
            A hyper-parameter that depends on time.
        """
        method = replace(method, average=None)
        system = system or derive(problem, method)
        for name, value in (*system.definitions, *system.gradient.definitions):
            if value.has(time):
                remedy = "a stationary risk needs hyper-parameters that are constant in time"
                raise NotAvailable(str(name), value, remedy)
        modes = memory_modes(problem, method, system)
        small = modes if modes.few else modes.on_bins().compressed(_NODES, 0.0)
        return cls(system, coefficients_of(system, problem, method), small)

    def _rows(self) -> tuple[list[bool], ...]:
        own, pulled, pushed = self._matrices
        kinds = range(pushed.size)
        return (
            [bool(np.any(own[a])) for a in kinds],
            [bool(np.any(pulled[a])) for a in kinds],
            [bool(pushed[a]) for a in kinds],
        )

    def _generators(self, drift: float) -> Array:
        own, pulled, _ = self._matrices
        return own + 0.5 * drift * self._modes.rates[:, None, None] * pulled

    def risk(self, risk: float) -> float:
        """The risk that the modes rest at under the A and B of a risk; inf where they do not."""
        return self._at(*self.coefficients(risk), self._modes.state)

    def coefficients(self, risk: float) -> tuple[float, float]:
        """A and B at a risk."""
        law = self._coefficients.law
        found: tuple[float, float] = self._module.coefficients_at(risk, 0.0, law, self._table)
        return found

    def gain(self, drift: float, noise: float) -> float:
        """The integral of the kernel by which noise acts on R, times B; inf beyond stability."""
        return self._at(drift, noise, np.zeros_like(self._modes.state))

    def _at(self, drift: float, noise: float, start: Array) -> float:
        whole, moving = self._generators(drift), self._moving
        inner = whole[:, moving][:, :, moving]
        if not np.all(np.isfinite(inner)) or np.any(np.linalg.eigvals(inner).real >= 0):
            return math.inf
        driven = noise * self._modes.sources[:, None] * self._matrices[2][moving]
        driven = driven + np.einsum("iab,bi->ia", whole[:, moving][:, :, ~moving], start[~moving])
        found = -np.linalg.solve(inner, driven[:, :, None])[:, 0, 0]
        return float(found.sum())

    def vanishes(self) -> bool:
        """Whether nothing keeps the risk from 0."""
        near = self.risk(1e-20), self.risk(1e-12)
        return near[0] <= 1e-6 * near[1]


def stability(problem: LeastSquares, method: Method) -> float:
    """Return how close to mean-square instability a linear rule is at constant parameters: the
    integral of the kernel, unstable from 1 on; inf where a mode alone is."""
    rest = Rest.of(problem, method)
    drift, noise = rest.coefficients(1e12)
    return rest.gain(drift, noise / 1e12)


def stability_limit(problem: LeastSquares, method: Method) -> float:
    """Return the constant rate from which on the mean square of a linear rule is unstable.

    Parameters
    ----------
    problem : LeastSquares
    method : Method
        Its rate is not used; with or without momentum and weight decay.

    Raises
    ------
    NotAvailable
        A rule that is not linear, or a schedule.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LeastSquares(ll.isotropic(400), ll.Gaussian(0.5))
    >>> round(ll.stability_limit(problem, ll.SGD(1.0, momentum=ll.slow_memory(2.0))), 6)
    2.0
    """
    from scipy.optimize import brentq

    check_stream(problem)
    if not is_linear(method):
        remedy = "a bounded rule has no rate at which its risk grows without bound"
        raise NotAvailable("method", method, remedy)
    unit = replace(method, rate=1.0)

    def beyond(log_rate: float) -> float:
        found = stability(problem, replace(unit, rate=math.exp(log_rate)))
        return 1.0 if not math.isfinite(found) else min(found, 2.0) - 1.0

    scale = math.log(2.0 * method.batch / problem.covariance.mean_eigenvalue)
    grid = scale + np.linspace(-12.0, 6.0, 73)
    over = [beyond(x) > 0 for x in grid]
    if not any(over) or all(over):
        raise InvalidInput(
            "method", method, "no rate between 1e-5 and 400 times 2 d/tr K is its edge"
        )
    first = int(np.argmax(over))
    return math.exp(float(brentq(beyond, grid[first - 1], grid[first], xtol=1e-13)))
