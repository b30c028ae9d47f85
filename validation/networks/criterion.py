r"""Does the stochastic edge of the linearised network tell where the network itself diverges?

From one θ, short bursts of SGD at several multiples of the critical rate
(:math:`\mathcal K_{\rm exact}=1` of the Jacobian there), many each, beside the exact mean loss of
the linear model with that Jacobian. What is compared is the rate at which the mean loss, at its
highest during the burst, doubles: a network that has run away may fall again, at another θ.

Confirmed on digits by a rule fixed in advance (subsets and starts not used before; D = 20 at B = 1
and 4, D = 40 at B = 1; tanh networks after 300 steps of descent): of 7 bursts 5 carry over, 2 are
undecided and none does not. The network doubles its loss at rates 2 to 14 % above the linear
model's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...solvers.core import random
from ...solvers.linear.critical import critical_rate
from ...solvers.linear.moments import exact_map
from ...theory.core.checks import count, vector
from ...theory.core.errors import InvalidInput, NotAvailable
from ...theory.linear.derivation import linear_theory
from ...theory.linear.problem import LinearModel
from ...theory.methods.base import Method
from ...theory.methods.sampling import draw_masks
from .mlp import MLP
from .train import training_batches

Array = NDArray[np.float64]

#: crossings closer than this share of the critical rate count as equal
AGREES = 0.2
#: standard errors
_SURE = 3.0
_DOUBLE = math.log(2)
#: times in a burst at which the loss is looked at
_TIMES = 13


@dataclass(frozen=True, eq=False)
class Criterion:
    """Growth ln(max_t loss(t)/loss(0)) of the mean loss in a burst, network against linear theory.

    Attributes
    ----------
    critical : float
        η at which K_exact = 1.
    shares : (n,) array
        Rates in units of it.
    steps, batch : int
        T and B.
    network, error : (n,) arrays
        Log growth of the mean loss of the network, and its standard error; infinite where a run
        ran away.
    linear : (n,) array
        The same of the linear model, exact.
    """

    critical: float
    shares: Array
    steps: int
    batch: int
    network: Array
    error: Array
    linear: Array

    @property
    def crossings(self) -> tuple[float, float]:
        """Shares at which the loss of network and linear model doubles; NaN where it never does."""
        return _crossing(self.shares, self.network), _crossing(self.shares, self.linear)

    @property
    def verdict(self) -> str:
        """Whether the criterion "carries over" or "does not"; "undecided" without crossings, or
        where noise hides them."""
        network, linear = self.crossings
        if not math.isfinite(network * linear):
            return "undecided"
        shifted = [
            _crossing(self.shares, self.network + sign * _SURE * self.error) for sign in (1, -1)
        ]
        near = [abs(share - linear) <= AGREES * linear for share in shifted]
        if all(near):
            return "carries over"
        return "undecided" if any(near) or abs(network - linear) <= AGREES * linear else "does not"

    def __str__(self) -> str:
        network, linear = self.crossings
        return (
            f"{self.verdict}: batch {self.batch}, {self.steps} steps, critical rate "
            f"{self.critical:.4g}; the loss doubles at {network:.3g} (network) and {linear:.3g} "
            "(linear model) of it"
        )


def criterion(
    network: MLP,
    theta: Any,
    method: Method,
    *,
    shares: Sequence[float] = (0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0),
    steps: int = 60,
    runs: int = 100,
    seed: int | np.random.SeedSequence | None = None,
) -> Criterion:
    """Compare where a network and its linearisation begin to grow.

    Parameters
    ----------
    network : MLP
        Small: the exact norm takes O((DC)³). Of the squared loss.
    theta : (P,) array_like
        Where the bursts begin.
    method : SGD
        Its batch; the rate does not matter. Without momentum.
    shares : sequence of float
        Rates in units of the critical one, increasing.
    steps, runs : int
        Length and number of the bursts at each rate; run k has the same batches at all rates.
    seed : int or SeedSequence, optional

    Returns
    -------
    Criterion
        ``print(result)`` gives the verdict in numbers.

    Raises
    ------
    InvalidInput
        Shares that do not increase from above 0; fewer than two steps or runs; a point of another
        length.
    NotAvailable
        Another loss than the squared one; momentum.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> X = np.random.default_rng(0).standard_normal((12, 3))
    >>> net = ll.MLP(X, X[:, :1], hidden=(4,))
    >>> theta, method = net.start(np.random.default_rng(1)), ll.SGD(0.1, batch=4)
    >>> found = ll.criterion(net, theta, method, shares=(0.5, 1.5), steps=4, runs=2, seed=1)
    >>> found.shares.tolist(), bool(found.linear[1] > found.linear[0])
    ([0.5, 1.5], True)
    """
    drawn, sequence = training_batches(network, method), random.seed_sequence(seed)
    grid, steps, runs = vector("shares", shares), count("steps", steps, 2), count("runs", runs, 2)
    if grid[0] <= 0 or np.any(np.diff(grid) <= 0):
        raise InvalidInput("shares", shares, "give increasing numbers > 0")
    theta = vector("theta", theta, network.parameters)
    if network.objective != "squared":
        remedy = "bounded residuals do not grow as a linear model's; give the squared loss"
        raise NotAvailable("objective", network.objective, remedy)
    residual = network.residual(theta).ravel()
    model = LinearModel(network.jacobian(theta), residual=residual, outputs=network.outputs)
    critical = critical_rate(model, method)
    keys = [np.random.default_rng(random.child(sequence, k)) for k in range(runs)]
    masks = [draw_masks(drawn, steps, rng) for rng in keys]
    moments = exact_map(model, drawn, linear_theory(drawn.sampling).functions)
    times = np.unique(np.linspace(0, steps, _TIMES).round().astype(np.int64))
    found, theory = [], []
    for share in grid:
        rate = float(share * critical)
        prefactor = rate / drawn.batch
        losses = np.array([_burst(network, theta, prefactor, each, times) for each in masks])
        found.append(_log_growth(losses))
        exact = moments.energies(model.start, np.full(steps, rate), times).sum(axis=1)
        theory.append(math.log(exact.max() / exact[0]))
    mean, error = np.array(found).T
    return Criterion(float(critical), grid, steps, drawn.batch, mean, error, np.array(theory))


def _burst(
    network: MLP, theta: Array, prefactor: float, masks: Array, times: NDArray[np.int64]
) -> list[float]:
    """The loss at the times; infinite from where it is no number."""
    losses = []
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(len(masks) + 1):
            if step in times:
                losses.append(network.loss(theta))
            if step < len(masks):
                theta = theta - prefactor * network.gradient(theta, masks[step])
    return [loss if math.isfinite(loss) else math.inf for loss in losses]


def _log_growth(losses: Array) -> tuple[float, float]:
    """Log of the highest mean loss over the first, and its standard error."""
    means = losses.mean(axis=0)
    place = int(np.argmax(means))
    if math.isinf(means[place]):
        return math.inf, 0.0
    error = losses[:, place].std(ddof=1) / (means[place] * math.sqrt(len(losses)))
    return math.log(means[place] / means[0]), float(error)


def _crossing(shares: Array, growth: Array) -> float:
    """Where the loss first doubles, interpolated."""
    excess = np.minimum(growth, 2 * _DOUBLE) - _DOUBLE  # far beyond, the slope says nothing
    place = int(np.argmax(excess > 0))
    if place == 0:
        return math.nan
    low, high = float(excess[place - 1]), float(excess[place])
    return float(shares[place - 1] - low * (shares[place] - shares[place - 1]) / (high - low))
