r"""Any rule of descent on a network: a constant rate, SAM, or a tuner, with its edge beside.

.. math:: \theta\leftarrow\theta-\eta_t\nabla L_B(\theta+\rho\nabla L_B(\theta))

A tuner sees the loss of the batch: its value, gradient, the exact curvature along the gradient, and
for a line search the loss at the trial points. The rule is that of the method, evaluated on these
numbers. ``train`` is the same descent at a given rate or norm, with the noise kernel measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ...solvers.core import random
from ...solvers.core.curve import Curve
from ...solvers.core.provenance import seed_text
from ...solvers.core.runner import Crew
from ...solvers.core.runs import Run, ensemble
from ...solvers.sam.edge import sam_product
from ...theory.core.checks import count, vector
from ...theory.core.errors import InvalidType, NotAvailable
from ...theory.core.loops import MOST_TRIALS, Shrink
from ...theory.core.version import VERSION
from ...theory.methods import SAM, GradientDescent, SpeedLimited
from ...theory.methods.sampling import Batches, batches, batches_of, draw_masks
from ...theory.methods.tuner import Local, Tuner, trial
from ...theory.schedules.schedule import evaluate
from .mlp import MLP
from .probe import largest

Array = NDArray[np.float64]

QUANTITIES = ("loss", "sharpness", "step", "edge", "gradient")
#: a run whose loss exceeds this many times that of its start has diverged
RUN_AWAY = 1e3
#: |∇L|² from which on there is nothing to descend
_TINY = 1e-280
#: (f(w) − f(w − ηg))/η, looked up where a rule asks for it
_FALL = sp.Function("fall", real=True)


def descend(
    network: MLP,
    method: Any,
    until: int,
    *,
    every: int = 20,
    start: Any = None,
    runs: int = 1,
    seed: int | np.random.SeedSequence | None = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> Curve:
    """Train a network by any rule of descent.

    Parameters
    ----------
    network : MLP
    method : GradientDescent, SGD, SAM, SpeedLimited or a Tuner
        Step in the units of the loss |z|²/(2D), or of the mean cross-entropy. A tuner and SAM see
        all of the data unless they have a batch.
    until : int
        Number of steps.
    every : int
        Steps between two records; the last step is one.
    start : (P,) array_like, optional
        θ(0); by default drawn anew in every run.
    runs : int
        Run k draws its start and its batches from (entropy, spawn_key + (k,)): methods of equal
        batch and equal seed are paired.
    seed, workers, progress
        As in ``simulate``.

    Returns
    -------
    Curve
        Of all of the data: "loss", "sharpness" = λ_max(JJᵀ)/D (Gauss-Newton), "gradient" = |∇L|;
        "step" η that is about to be taken, and "edge", which is 2 at the edge: η · sharpness, with
        SAM η · sharpness (1 + radius · sharpness). A run that diverged is NaN from there on.

    Raises
    ------
    InvalidType, NotAvailable
        No network; another method; momentum.
    """
    if not isinstance(network, MLP):
        raise InvalidType("network", network, "give an MLP")
    rule = _rule(network, method)
    sequence = random.seed_sequence(seed)
    if start is not None:
        start = vector("start", start, network.parameters)
    last = count("until", until)
    record = np.append(np.arange(0, last, count("every", every)), last)

    def one(k: int) -> Run:
        rng = np.random.default_rng(random.child(sequence, k))
        theta = network.start(rng) if start is None else start
        return _run(rule, theta, record, rng)[0]

    found = Crew(workers, progress=progress, single=True).each(one, count("runs", runs))
    told = {
        "source": "descend",
        "version": VERSION,
        "method": repr(method),
        "network": {"data": network.data, "hidden": list(network.hidden)},
        "seed": seed_text(seed),
    }
    return ensemble(
        record.astype(float),
        QUANTITIES,
        found,
        f"{method.label}, batch {rule.drawn.batch}",
        told,
        steps=record,
        kind="simulation",
    )


def path(
    network: MLP, method: Any, until: int, *, every: int, start: Array, seed: Any = None
) -> tuple[NDArray[np.int64], Array]:
    """Return the recorded steps and the parameters there, (T, P), of one run of `descend`."""
    record = np.append(np.arange(0, until, every), until)
    rng = np.random.default_rng(random.seed_sequence(seed))
    _, thetas = _run(_rule(network, method), start, record, rng)
    return record[: len(thetas)], np.array(thetas)


@dataclass(frozen=True, eq=False)
class Rule:
    """A method on a network.

    Attributes
    ----------
    step : callable
        (t, θ, mask, memory) → η, the gradient that is followed, and the memory after it.
    memory : tuple of float
        At the start.
    """

    network: MLP
    method: Any
    drawn: Batches
    step: Callable[[int, Array, Array, tuple[float, ...]], tuple[float, Array, tuple[float, ...]]]
    memory: tuple[float, ...] = ()

    def edge(self, rate: float, sharpness: float, gradient: float) -> float:
        """What is 2 at the edge; a speed-limited step has none."""
        if isinstance(self.method, SpeedLimited):
            return math.nan
        if not isinstance(self.method, SAM):
            return rate * sharpness
        own = gradient if self.method.normalised else None
        return float(sam_product(rate, self.method.radius, sharpness, own))


def _rule(network: MLP, method: Any) -> Rule:
    if isinstance(method, Tuner):
        drawn = batches_of(method, network.data)
        starts = [memory.start for memory in method.memory]
        first = tuple(float(getattr(method, s) if isinstance(s, str) else s) for s in starts)
        return Rule(network, method, drawn, _tuned(network, method, drawn.batch), first)
    if isinstance(method, SpeedLimited):
        drawn = batches(GradientDescent(1.0), network.data)
        return Rule(network, method, drawn, _limited(network, method))
    drawn = (
        batches_of(method, network.data)
        if isinstance(method, SAM)
        else batches(method, network.data)
    )
    if drawn.momentum:
        raise NotAvailable("momentum", drawn.momentum, "networks are trained without it; use 0")
    own = _ascended(network, method) if isinstance(method, SAM) else network.gradient

    def step(t: int, theta: Array, mask: Array, memory: Any) -> Any:
        rate = float(evaluate(method.rate, np.array([t]))[0])
        return rate, own(theta, mask) / drawn.batch, memory

    return Rule(network, method, drawn, step)


def _ascended(network: MLP, method: SAM) -> Callable[[Array, Array], Array]:
    """The gradient at the displaced point, summed over the batch."""
    batch = method.batch or network.data

    def gradient(theta: Array, mask: Array) -> Array:
        climb = network.gradient(theta, mask) / batch
        if method.normalised:
            climb = climb / max(float(np.linalg.norm(climb)), 1e-150)
        return network.gradient(theta + method.radius * climb, mask)

    return gradient


def _limited(network: MLP, method: SpeedLimited) -> Any:
    """Each of the two layers at a speed of its own, until the loss is at its target."""
    if len(network.shapes) != 2:
        remedy = "has a speed for the weights and one for the readout; give one hidden layer"
        raise NotAvailable("hidden", network.hidden, remedy)

    def step(t: int, theta: Array, mask: Array, memory: Any) -> Any:
        rate = float(method.rate)
        if method.target is not None and network.loss(theta) < method.target:
            return rate, np.zeros_like(theta), memory
        parts = network.layers(network.gradient(theta, mask) / network.data)
        pairs = zip(method.speeds, parts, strict=True)
        moved = [speed * g / (np.linalg.norm(g) + method.epsilon) for speed, g in pairs]
        return rate, np.concatenate([each.ravel() for each in moved]), memory

    return step


def _tuned(network: MLP, method: Tuner, batch: int) -> Any:
    """The step of a tuner from what it sees of the loss of a batch."""

    def step(t: int, theta: Array, mask: Array, memory: tuple[float, ...]) -> Any:
        g = network.gradient(theta, mask) / batch
        square = float(g @ g)
        if not square > _TINY:
            return 0.0, g, memory
        here = network.batch_loss(theta, mask) / batch
        bend = float(g @ network.curvature(theta, g, mask)) / batch

        def fall(eta: float) -> float:
            return (here - network.batch_loss(theta - eta * g, mask) / batch) / eta

        sharp = sp.Symbol("lambda", positive=True)
        seen = Local(here, square, bend, sp.nan, sp.nan, sharp, _FALL)
        chosen, after = method.step(seen, memory)
        eta = _number(chosen, fall, lambda: largest(network.linearisation(theta), 1)[0])
        return eta, g, tuple(eta if new == chosen else float(new) for new in after)

    return step


def _number(form: Any, fall: Callable[[float], float], sharpness: Callable[[], float]) -> float:
    """The number of a rule in which all is known but what has to be looked up."""
    if isinstance(form, Shrink):
        _, start, factor, condition = form.args
        eta = float(start)
        for _ in range(MOST_TRIALS):
            if not 0.0 < eta < np.inf:
                return eta
            asked = condition.subs(trial, eta)
            if asked.replace(_FALL, lambda x: sp.Float(fall(float(x)))) == True:  # noqa: E712
                return eta
            eta *= float(factor)
        return 0.0
    form = sp.sympify(form)
    if form.free_symbols:
        form = form.subs(next(iter(form.free_symbols)), sharpness())
    return float(form)


def _run(
    rule: Rule,
    theta: Array,
    record: NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[Run, list[Array]]:
    """Descend from θ; the recorded quantities, the step of divergence, and the recorded θ."""
    thetas: list[Array] = []
    network, memory = rule.network, rule.memory
    values = np.full((len(QUANTITIES), record.size), np.nan)
    ceiling = RUN_AWAY * network.loss(theta)
    masks = draw_masks(rule.drawn, int(record[-1]) + 1, rng)
    place = 0
    with np.errstate(over="ignore", invalid="ignore"):
        for t, mask in enumerate(masks):
            if not network.loss(theta) <= ceiling:
                return (values, t), thetas
            eta, follow, memory = rule.step(t, theta, mask, memory)
            if t == record[place]:
                values[:, place] = _observed(rule, theta, eta)
                place += 1
                thetas.append(theta)
            theta = theta - eta * follow
    return (values, None), thetas


def _observed(rule: Rule, theta: Array, eta: float) -> tuple[float, ...]:
    network = rule.network
    sharpness = float(largest(network.linearisation(theta), 1)[0])
    whole = network.gradient(theta, np.ones(network.data)) / network.data
    gradient = float(np.linalg.norm(whole))
    return network.loss(theta), sharpness, eta, rule.edge(eta, sharpness, gradient), gradient
