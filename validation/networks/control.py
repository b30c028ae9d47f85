r"""Does holding the noise kernel norm at a target beat a constant rate? At equal steps, reported
either way.

On a linear model the kernel does not move, so that to hold the norm is itself a constant rate:
the one at which :math:`\mathcal K=` target. The question there is whether that rate is near the
best one, and the answer is exact. On a network the norm moves with the Jacobian.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...solvers.linear.critical import critical_rate
from ...solvers.linear.kernel_norm import check_linear
from ...solvers.linear.moments import exact_map
from ...theory.core.checks import count, positive, vector
from ...theory.core.errors import InvalidInput, NotAvailable
from ...theory.linear.derivation import linear_theory
from ...theory.linear.problem import LinearModel
from ...theory.methods.base import Method
from ...theory.methods.sampling import batches
from .mlp import MLP
from .train import train, training_batches

Array = NDArray[np.float64]

#: standard errors of a paired difference that count as one
_SURE = 3.0


@dataclass(frozen=True, eq=False)
class ControlReport:
    """The final loss of held norms and of constant rates, after equally many steps.

    Attributes
    ----------
    steps : int
    held : mapping of target to (mean, standard error)
        ln of the final loss, mean over seeds; the standard error is 0 where it is exact.
    constant : mapping of rate to (mean, standard error)
    difference, error : float
        Best held minus best constant, paired over seeds, and its standard error. NaN where
        every one of either diverged.
    """

    steps: int
    held: Mapping[float, tuple[float, float]]
    constant: Mapping[float, tuple[float, float]]
    difference: float
    error: float

    @property
    def verdict(self) -> str:
        """Whether control "helps", "hurts", or makes "no difference"; "undecided" if NaN."""
        if math.isnan(self.difference):
            return "undecided"
        if abs(self.difference) <= _SURE * self.error:
            return "no difference"
        return "helps" if self.difference < 0 else "hurts"

    def __str__(self) -> str:
        lines = [f"{self.verdict}: ln loss after {self.steps} steps, best held minus best constant"]
        lines[0] += f" {self.difference:+.3g} ± {self.error:.2g}"
        groups = (("K held at", self.held), ("rate", self.constant))
        for name, group in groups:
            lines += [f"  {name} {x:.4g}: {m:.4g} ± {s:.2g}" for x, (m, s) in group.items()]
        return "\n".join(lines)


def control_network(
    network: MLP,
    method: Method,
    until: int,
    *,
    targets: Sequence[float] = (0.25, 0.5, 0.8),
    rates: Sequence[float],
    runs: int = 8,
    every: int = 20,
    seed: int = 0,
) -> ControlReport:
    """Train a network at held norms and at constant rates, each on the same starts and batches.

    Parameters
    ----------
    network : MLP
    method : SGD
        Its batch; the rate is replaced. Without momentum.
    until : int
        Steps of every run.
    targets, rates : sequence of float
        Norms to hold, and constant rates.
    runs : int
        Seeds, at least 2.
    every : int
        Steps between two adaptations of the rate.
    seed : int

    Raises
    ------
    InvalidInput, InvalidType, NotAvailable
        What is no network; momentum; fewer than two runs; a target or a rate that is not positive.

    Notes
    -----
    The best of each group is chosen on the same seeds, which favours the larger group: give
    equally many targets and rates.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> X = np.random.default_rng(0).standard_normal((12, 3))
    >>> net = ll.MLP(X, X[:, :1], hidden=(4,))
    >>> short = {"targets": (0.5,), "rates": (0.1,), "runs": 2, "every": 2}
    >>> found = ll.control_network(net, ll.SGD(0.1, batch=4), 4, **short)
    >>> sorted(found.held), sorted(found.constant)
    ([0.5], [0.1])
    """
    training_batches(network, method)
    count("runs", runs, 2)
    shared: dict[str, Any] = {"every": every, "runs": runs, "seed": seed, "progress": False}

    def final(rate: float, hold: float | None) -> Array:
        curve = train(network, replace(method, rate=float(rate)), until, hold=hold, **shared)
        return np.log(curve.sample("loss")[:, -1])

    held = {float(K): final(1.0, float(K)) for K in vector("targets", targets)}
    constant = {float(rate): final(rate, None) for rate in vector("rates", rates)}
    best = [min(group.values(), key=_mean) for group in (held, constant)]
    paired = best[0] - best[1]
    summary = [{x: _summary(ends) for x, ends in group.items()} for group in (held, constant)]
    return ControlReport(until, summary[0], summary[1], *_summary(paired))


def control_linear(
    problem: LinearModel,
    method: Method,
    until: int,
    *,
    targets: Sequence[float] = (0.25, 0.5, 0.8),
    shares: Sequence[float] = (0.1, 0.3, 0.5, 0.7, 0.9),
) -> ControlReport:
    """Compare held norms with constant rates on a linear model, where both are exact.

    To hold the norm is a constant rate here, so that it cannot help; how much it loses against
    the best constant rate tells whether the target is a good guide to that rate.

    Parameters
    ----------
    problem : LinearModel
        With eigenvectors.
    method : SGD
        Its batch, sampling and momentum.
    until : int
        Steps.
    targets : sequence of float
        Norms to hold, below 1.
    shares : sequence of float
        Constant rates > 0 in units of the critical one; the best one is searched and added.

    Raises
    ------
    InvalidInput
        Another problem; one without loss; a target of 1 or more.
    NotAvailable
        Full batches, which have no noise; a problem without eigenvectors.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> J = np.random.default_rng(0).standard_normal((6, 4)) / 2
    >>> problem = ll.LinearModel(J, residual=np.ones(6))
    >>> method, tried = ll.SGD(0.1, batch=2), {"targets": (0.5,), "shares": (0.3, 0.6)}
    >>> found = ll.control_linear(problem, method, 20, **tried)
    >>> found.difference >= 0, found.error
    (True, 0.0)
    """
    check_linear(problem)
    drawn, until = batches(method, problem.data), count("until", until)
    if drawn.full:
        raise NotAvailable("batch", drawn.batch, "full batches have no noise kernel; give fewer")
    if problem.initial_loss == 0:
        raise InvalidInput("residual", problem.residual, "there is no loss to reduce; give another")
    moments = exact_map(problem, drawn, linear_theory(drawn.sampling).functions)

    def final(rate: float) -> tuple[float, float]:
        energies = moments.energies(problem.start, np.full(until, rate), np.array([until]))
        return math.log(float(energies.sum()) / (2 * problem.data)), 0.0

    critical = float(critical_rate(problem, method))
    held = {}
    for K in vector("targets", targets):
        if positive("targets", K) >= 1:
            raise InvalidInput("targets", targets, "a norm of 1 or more is not stable")
        held[float(K)] = final(float(critical_rate(problem, method, level=float(K))))
    from scipy.optimize import minimize_scalar

    tried = [positive("shares", share) * critical for share in vector("shares", shares)]
    found = minimize_scalar(
        lambda rate: final(rate)[0], bounds=(0.0, critical), options={"xatol": 1e-4 * critical}
    )
    constant = {float(rate): final(float(rate)) for rate in sorted([*tried, found.x])}
    best = [min(mean for mean, _ in group.values()) for group in (held, constant)]
    return ControlReport(until, held, constant, best[0] - best[1], 0.0)


def _mean(ends: Array) -> float:
    """Of the seeds; infinite where one diverged."""
    mean = float(ends.mean())
    return math.inf if math.isnan(mean) else mean


def _summary(ends: Array) -> tuple[float, float]:
    return float(ends.mean()), float(ends.std(ddof=1) / math.sqrt(ends.size))
