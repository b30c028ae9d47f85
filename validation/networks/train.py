r"""SGD on a network with the noise kernel norm beside the loss, at a given rate or a given norm.

.. math:: \theta\leftarrow\theta-\frac\eta BJ^\top Pz

The batch of every step is drawn anew (no epochs), as the theory has it. A run that holds the norm
measures the network every so many steps, and takes the rate at which the norm is the target.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...solvers.core import random
from ...solvers.core.curve import Curve
from ...solvers.core.provenance import seed_text
from ...solvers.core.runner import Crew
from ...solvers.core.runs import Run, ensemble
from ...solvers.linear.kernel_norm import constant_rate
from ...theory.core.checks import count, positive, vector
from ...theory.core.errors import InvalidType, NotAvailable
from ...theory.core.version import VERSION
from ...theory.methods.base import Method
from ...theory.methods.sampling import Batches, batches, draw_masks
from .mlp import MLP
from .probe import Probe, probe

Array = NDArray[np.float64]

QUANTITIES = ("loss", "sharpness", "kernel_norm", "kernel_upper", "kernel_trace", "rate")
#: a run whose loss exceeds this many times that of its start has diverged
RUN_AWAY = 1e3


def train(
    network: MLP,
    method: Method,
    until: int,
    *,
    hold: float | None = None,
    every: int = 20,
    start: Any = None,
    runs: int = 1,
    top: int = 5,
    seed: int | np.random.SeedSequence | None = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> Curve:
    """Train a network by SGD and read the noise kernel norm off it along the way.

    Parameters
    ----------
    network : MLP
    method : GradientDescent or SGD
        Without momentum. η in the units of the loss |z|²/(2D); see ``rate_from_library``.
    until : int
        Number of steps.
    hold : float, optional
        Hold the norm (its best lower estimate) at this value by adapting the rate; the rate of the
        method is then not used.
    every : int
        Steps between two measurements; the rate is adapted, and everything recorded, there, and
        at the last step.
    start : (P,) array_like, optional
        θ(0); by default drawn anew in every run.
    runs : int
        Run k draws its start and its batches from (entropy, spawn_key + (k,)): methods of equal
        batch and equal seed are paired.
    top : int
        Eigenvalues that are measured.
    seed, workers, progress
        As in ``simulate``.

    Returns
    -------
    Curve
        "loss", "sharpness" (the edge is rate · sharpness = 2), "kernel_norm" and "kernel_upper" (a
        lower estimate and an upper bound of the exact norm), "kernel_trace" and "rate", with
        every run. NaN from where a run diverged,
        which ``provenance["diverged"]`` tells; so is the mean.

    Raises
    ------
    InvalidInput, InvalidType, NotAvailable
        What is no network; momentum, or a schedule in place of a rate; a number of steps or runs
        below 1.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> X = np.random.default_rng(0).standard_normal((12, 3))
    >>> net = ll.MLP(X, X[:, :1], hidden=(4,))
    >>> curve = ll.train(net, ll.SGD(0.1, batch=4), 4, every=2, seed=1, top=1)
    >>> curve.time.tolist(), bool(curve["loss"][-1] < curve["loss"][0])
    ([0.0, 2.0, 4.0], True)
    """
    drawn = training_batches(network, method)
    constant_rate(method)
    sequence = random.seed_sequence(seed)
    if hold is not None:
        positive("hold", hold)
    if start is not None:
        start = vector("start", start, network.parameters)
    training = Training(network, method, drawn, hold, top)
    last = count("until", until)
    record = np.append(np.arange(0, last, count("every", every)), last)

    def one(k: int) -> Run:
        rng = np.random.default_rng(random.child(sequence, k))
        theta = network.start(rng) if start is None else start
        return training.run(theta, record, rng)

    crew = Crew(workers, progress=progress, single=True)
    found = crew.each(one, count("runs", runs))
    kind = f"{method.label}, K held at {hold:g}" if hold is not None else method.label
    with np.errstate(invalid="ignore"):  # norms are infinite beyond the edge
        return ensemble(
            record.astype(float),
            QUANTITIES,
            found,
            f"{kind}, batch {drawn.batch}",
            {
                "source": "train",
                "version": VERSION,
                "method": repr(method),
                "hold": hold,
                "every": every,
                "network": {"data": network.data, "hidden": list(network.hidden)},
                "seed": seed_text(seed),
            },
            steps=record,
            kind="simulation",
        )


def training_batches(network: Any, method: Any) -> Batches:
    """How the batches of a network are drawn; momentum is refused."""
    if not isinstance(network, MLP):
        raise InvalidType("network", network, "give an MLP")
    drawn = batches(method, network.data)
    if drawn.momentum:
        raise NotAvailable("momentum", drawn.momentum, "networks are trained without it; use 0")
    return drawn


@dataclass(frozen=True, eq=False)
class Training:
    """What the runs share."""

    network: MLP
    method: Any
    drawn: Batches
    hold: float | None
    top: int

    def run(self, theta: Array, record: NDArray[np.int64], rng: np.random.Generator) -> Run:
        """Train from θ; the recorded quantities, and the step of divergence."""
        values = np.full((len(QUANTITIES), record.size), np.nan)
        ceiling = RUN_AWAY * self.network.loss(theta)
        for place, step in enumerate(record):
            loss = self.network.loss(theta)
            if not loss <= ceiling:
                return values, int(step)
            measured = self.measure(theta)
            rate = self.rate(measured)
            norms = measured.lower(rate), measured.upper(rate), measured.kernel_trace(rate)
            values[:, place] = loss, measured.sharpness, *norms, rate
            if step < record[-1]:
                theta = self.advance(theta, rate, int(record[place + 1] - step), rng)
        return values, None

    def measure(self, theta: Array) -> Probe:
        """Every example is visited: the trace and the blocks are exact."""
        near, data = self.network.linearisation(theta), self.network.data
        return probe(near, self.method, top=self.top, examples=data)

    def rate(self, measured: Probe) -> float:
        """The rate of the method, or the one at which the norm is held."""
        return float(self.method.rate) if self.hold is None else measured.rate_at(self.hold)

    def advance(self, theta: Array, rate: float, steps: int, rng: np.random.Generator) -> Array:
        """The steps between two measurements."""
        masks = draw_masks(self.drawn, steps, rng)
        with np.errstate(over="ignore", invalid="ignore"):
            for mask in masks:
                theta = theta - rate / self.drawn.batch * self.network.gradient(theta, mask)
        return theta
