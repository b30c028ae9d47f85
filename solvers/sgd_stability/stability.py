"""sgd_stability: the edge of the mean square, the conditions on summary numbers, single runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import count
from ...theory.core.errors import InvalidInput, InvalidType, NotAvailable
from ...theory.methods.base import Method
from ...theory.methods.sampling import Batches, draw_masks
from ...theory.sgd_stability.derive import derive, drawn
from ...theory.sgd_stability.problem import InterpolatingMinimum
from ..core import random
from .moments import Moments

Array = NDArray[np.float64]
#: steps after which the length of a run is set back to 1
_BLOCK = 64
#: of a rate: moments are of second order in it
_LARGEST = 1e150
#: parts of a run from which its standard error comes; a short run has fewer
_PARTS = 10


@dataclass(frozen=True)
class Stability:
    """Whether SGD stays at an interpolating minimum.

    Attributes
    ----------
    rate : float
    edge : float
        η*: E|w|² shrinks below it, and only there.
    growth : float
        The spectral radius of the second moment at `rate`: E|w_t|² ~ growth^t.
    coherence, sharpness : float
        σ and λ_max(H).
    unstable_above : float or None
        The rate above which the summary numbers B, σ and λ_max(H) prove instability (Bernoulli
        batches only). Below it nothing is said.
    group_edge : float or None
        The edge of the construction of orthogonal groups, if the problem is one: it equals `edge`.
    lyapunov : float or None
        For groups: the exponent of a single run in a step, −∞ where a step can hit 0. It is below
        log(growth)/2, and can be negative where the mean square grows.
    """

    rate: float
    edge: float
    growth: float
    coherence: float
    sharpness: float
    unstable_above: float | None
    group_edge: float | None
    lyapunov: float | None

    @property
    def verdict(self) -> str:
        """Mean-square "stable" or "unstable"."""
        return "stable" if self.rate < self.edge else "unstable"


def sgd_stability(problem: InterpolatingMinimum, method: Method) -> Stability:
    """Return what is known of the stability of SGD at an interpolating minimum.

    Parameters
    ----------
    problem : InterpolatingMinimum
    method : GradientDescent or SGD
        With a constant rate, without momentum.

    Raises
    ------
    NotAvailable
        A schedule; momentum.

    Examples
    --------
    >>> import limitlab as ll
    >>> minimum = ll.InterpolatingMinimum(features=[[1, 0], [1, 1], [0, 2]])
    >>> found = ll.sgd_stability(minimum, ll.SGD(0.4, batch=1, sampling="bernoulli"))
    >>> round(found.edge, 6), found.verdict
    (0.503337, 'stable')
    """
    rate, batches = _checked(problem, method)
    moments = Moments(problem, batches, derive(problem, method).functions)
    return Stability(
        rate,
        moments.largest_rate(),
        moments.radius(rate),
        problem.coherence,
        problem.sharpness,
        _unstable_above(moments),
        _group_edge(moments),
        None if problem.group_sizes is None else group_exponent(problem, method),
    )


def constant(method: Method) -> float:
    """The rate as a number."""
    if getattr(method.rate, "free_symbols", None):
        raise NotAvailable("rate", method.rate, "stability belongs to one rate; give a number")
    rate = float(method.rate)
    if rate > _LARGEST:
        raise InvalidInput("rate", rate, f"its square is no float; give a rate below {_LARGEST:g}")
    return rate


def _checked(problem: Any, method: Any) -> tuple[float, Batches]:
    if not isinstance(problem, InterpolatingMinimum):
        raise InvalidType("problem", problem, "give an InterpolatingMinimum")
    batches = drawn(method, problem.data)
    return constant(method), batches


def _unstable_above(moments: Moments) -> float | None:
    edge = 2 / moments.problem.sharpness
    if moments.drawn.full:
        return edge
    if "edge_path" not in moments.functions:
        return None
    return min(edge, _of_numbers(moments, "edge_path"))


def _group_edge(moments: Moments) -> float | None:
    sizes = moments.problem.group_sizes
    if sizes is None or np.ptp(sizes) > 0:
        return None
    if moments.drawn.full:
        return 2 / moments.problem.sharpness
    return _of_numbers(moments, "edge_group")


def _of_numbers(moments: Moments, name: str) -> float:
    problem, batches = moments.problem, moments.drawn
    numbers = {"sigma": problem.coherence, "lambda_1": problem.sharpness}
    return float(moments.functions[name](**numbers, B=batches.batch, D=batches.data))


def group_exponent(problem: InterpolatingMinimum, method: Method) -> float:
    """Return the Lyapunov exponent of a single run for orthogonal groups of identical examples.

    In a step a group is met k times and its direction is multiplied by 1 − (rate/B) λ k; the
    exponent is the largest E ln|1 − (rate/B) λ k| over the groups.

    Raises
    ------
    NotAvailable
        The examples are no such groups; lyapunov_exponent measures it on a run.

    Examples
    --------
    >>> import limitlab as ll
    >>> pairs = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    >>> groups = ll.InterpolatingMinimum(features=pairs)
    >>> round(ll.group_exponent(groups, ll.SGD(0.5, batch=1)), 6)  # ln(1/2)/2
    -0.346574
    """
    return max(mean for mean, _ in _logarithms(problem, method))


def group_spread(problem: InterpolatingMinimum, method: Method) -> float:
    """Return the standard deviation of ln|1 − (rate/B) λ k| in a step, the largest over the groups.

    Where a step can hit 0 it is infinite; see `group_exponent`.
    """
    return max(spread for _, spread in _logarithms(problem, method))


def _sizes(problem: InterpolatingMinimum) -> set[int]:
    """The sizes of the groups, each once."""
    if problem.group_sizes is None:
        remedy = "are no orthogonal groups of identical examples; measure with lyapunov_exponent"
        raise NotAvailable("hessians", problem.data, remedy)
    return {int(size) for size in problem.group_sizes}


def _logarithms(problem: InterpolatingMinimum, method: Method) -> list[tuple[float, float]]:
    """Mean and standard deviation of the logarithm of a step's factor, of every size of group."""
    rate, batches = _checked(problem, method)
    move = derive(problem, method).functions["w_next"]
    found = []
    for size in _sizes(problem):
        times, chances = _meetings(size, batches.batch, batches.data, batches.sampling)
        pull = problem.largest * times
        found.append(_moments(move(w=1.0, pull=pull, eta=rate, B=batches.batch), chances))
    return found


def _moments(factors: Array, chances: Array) -> tuple[float, float]:
    factors = np.abs(factors)
    if np.any(factors < 1e-15):
        return -math.inf, math.inf
    mean = float(chances @ np.log(factors))
    return mean, float(np.sqrt(chances @ (np.log(factors) - mean) ** 2))


@lru_cache(maxsize=256)
def _meetings(size: int, batch: int, data: int, sampling: str) -> tuple[Array, Array]:
    """How often a step meets a group, and the probabilities."""
    from scipy.stats import binom, hypergeom

    met = {
        "bernoulli": binom(size, batch / data),
        "without_replacement": hypergeom(data, size, batch),
        "with_replacement": binom(batch, size / data),
    }[sampling]
    times = np.arange(max(size, batch) + 1)
    chances = met.pmf(times)
    return times[chances > 0], chances[chances > 0]


@dataclass(frozen=True)
class Exponent:
    """A measured exponent and its standard error."""

    value: float
    error: float

    def __float__(self) -> float:
        return self.value


def lyapunov_exponent(
    problem: InterpolatingMinimum, method: Method, steps: int = 20_000, *, seed: Any = None
) -> Exponent:
    """Measure the top Lyapunov exponent of SGD: ln|w_t|/t of one long run.

    Parameters
    ----------
    problem : InterpolatingMinimum
    method : GradientDescent or SGD
    steps : int
        At least 640; the run is set back to length 1 every 64 steps.
    seed : int or SeedSequence, optional

    Returns
    -------
    Exponent
        Per step, with the standard error from ten parts of the run.

    Raises
    ------
    InvalidInput, InvalidType, NotAvailable
        Another problem; a schedule or momentum; fewer than 640 steps.

    Examples
    --------
    >>> import limitlab as ll
    >>> pairs = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    >>> groups = ll.InterpolatingMinimum(features=pairs)
    >>> found = ll.lyapunov_exponent(groups, ll.SGD(0.5, batch=1), 640, seed=1)
    >>> found.value < 0
    True
    """
    rate, batches = _checked(problem, method)
    blocks = count("steps", steps, 10 * _BLOCK) // _BLOCK
    rng = np.random.Generator(np.random.Philox(random.seed_sequence(seed)))
    moments = Moments(problem, batches, derive(problem, method).functions)
    w, gains = rng.standard_normal(moments.pulls.size), np.empty(blocks)
    for i in range(blocks):
        w /= np.linalg.norm(w)
        for mask in draw_masks(batches, _BLOCK, rng):
            w = moments.run(w, mask, rate)
        gains[i] = math.log(max(float(np.linalg.norm(w)), 1e-300)) / _BLOCK
    kept = gains[blocks // 10 :]
    means = np.array([part.mean() for part in np.array_split(kept, min(_PARTS, kept.size))])
    return Exponent(float(means.mean()), float(means.std(ddof=1)) / math.sqrt(means.size))
