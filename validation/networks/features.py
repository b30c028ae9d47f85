r"""The features of a network's first layer as alignment, along training on any data.

.. math:: K=\tfrac1D\sum_{k,c}\partial_hf_{kc}\,\partial_hf_{kc}^\top,\qquad
          \dot W_0=-\partial_WL,\qquad
          \text{C-NFC}(0^+)=\mathrm{sim}(\dot W_0^\top\dot W_0,\dot W_0^\top K_0\dot W_0)

h = Wx + b are the sums of the first layer. For one hidden layer of units x²/2 without biases the
last is a formula in S = XᵀX/D and the M of every output alone: ``early_alignment_of``. Definitions
after arXiv 2402.05271.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...solvers.core import random
from ...solvers.core.curve import Curve
from ...solvers.core.provenance import seed_text
from ...solvers.core.runner import Crew
from ...solvers.core.runs import Run, ensemble
from ...solvers.feature_alignment.correlations import CORRELATIONS, similarity
from ...solvers.feature_alignment.early import early_alignment_of
from ...theory.core.checks import choice, count, positive, vector
from ...theory.core.errors import InvalidInput, InvalidType, NotAvailable
from ...theory.core.version import VERSION
from ...theory.methods.base import Method
from .descend import path
from .mlp import MLP

Array = NDArray[np.float64]

QUANTITIES = ("loss", "alignment", "centred_alignment", "displacement")


def train_features(
    network: MLP,
    method: Method,
    until: int,
    *,
    every: int = 20,
    start: Any = None,
    runs: int = 1,
    correlation: str = "cosine",
    seed: int | np.random.SeedSequence | None = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> Curve:
    """Train a network, and watch the features of its first layer align with its gradients.

    Parameters
    ----------
    network : MLP
    method : GradientDescent, SGD, SAM, SpeedLimited or a Tuner
        In the units of the loss |z|²/(2D), or of the mean cross-entropy.
    until, every : int
        Number of steps, and steps between two records; the last step is one.
    start : (P,) array_like or callable, optional
        θ(0), or a function of a generator that draws it, such as `paired_start`; by default
        ``network.start``.
    runs : int
        Run k draws its start and its batches from (entropy, spawn_key + (k,)): methods of equal
        batch and equal seed are paired.
    correlation : {"cosine", "pearson"}
    seed, workers, progress
        As in ``simulate``.

    Returns
    -------
    Curve
        "loss", "alignment" (UC-NFC), "centred_alignment" (C-NFC; at 0 its limit), "displacement" =
        |W − W₀|/|W₀| of the first layer, with every run.

    Raises
    ------
    InvalidInput, InvalidType, NotAvailable
        What is no network; another correlation; momentum; a number of steps or runs below 1.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> X = np.random.default_rng(0).standard_normal((30, 3))
    >>> net = ll.MLP(X, X[:, :1] ** 2, hidden=(8,), activation="quadratic")
    >>> curve = ll.train_features(net, ll.GradientDescent(0.01), 40, every=20, seed=1)
    >>> bool(curve.alignment[-1] > curve.alignment[0])
    True
    """
    if not isinstance(network, MLP):
        raise InvalidType("network", network, "give an MLP")
    choice("correlation", correlation, CORRELATIONS)
    sequence, last, step = random.seed_sequence(seed), count("until", until), count("every", every)
    draw = _starts(network, start)
    record = np.append(np.arange(0, last, step), last)

    def one(k: int) -> Run:
        own = random.child(sequence, k)
        first = draw(np.random.default_rng(own))
        _, thetas = path(network, method, last, every=step, start=first, seed=own)
        values = np.full((len(QUANTITIES), record.size), np.nan)
        for place, theta in enumerate(thetas):
            values[:, place] = _snapshot(network, theta, first, correlation)
        return values, None if len(thetas) == record.size else int(record[len(thetas)])

    found = Crew(workers, progress=progress, single=True).each(one, count("runs", runs))
    told = {
        "source": "train_features",
        "version": VERSION,
        "method": repr(method),
        "correlation": correlation,
        "network": {"data": network.data, "hidden": list(network.hidden)},
        "seed": seed_text(seed),
    }
    return ensemble(
        record.astype(float), QUANTITIES, found, method.label, told, steps=record, kind="simulation"
    )


def _starts(network: MLP, start: Any) -> Callable[[np.random.Generator], Array]:
    if start is None:
        return network.start
    if callable(start):
        return lambda rng: vector("start", start(rng), network.parameters)
    fixed = vector("start", start, network.parameters)
    return lambda rng: fixed


def _snapshot(network: MLP, theta: Array, start: Array, correlation: str) -> tuple[float, ...]:
    W, W0, K = _weights(network, theta), _weights(network, start), tangent(network, theta)
    moved = W - W0
    if not moved.any():
        moved = -_weights(network, network.gradient(theta, np.ones(network.data)))
    whole = similarity(W.T @ W, W.T @ (K @ W), correlation)
    centred = similarity(moved.T @ moved, moved.T @ (K @ moved), correlation)
    gone = float(np.linalg.norm(W - W0) / np.linalg.norm(W0))
    return network.loss(theta), whole, centred, gone


def _weights(network: MLP, theta: Array) -> Array:
    """W of the first layer, (k, d)."""
    return network.layers(theta)[0][:-1].T


def tangent(network: MLP, theta: Array) -> Array:
    """K of the first layer, (k, k)."""
    passed = network.forward(theta, network.inputs)
    units = np.tile(np.eye(network.outputs), (network.data, 1))
    every = np.repeat(np.arange(network.data), network.outputs)
    slopes = network.errors(theta, passed.rows(every), units)[0]
    return slopes.T @ slopes / network.data


def paired_start(
    network: MLP,
    rng: np.random.Generator,
    *,
    scale: float = 1.0,
    readout: float = 1.0,
    readouts: str = "gaussian",
) -> Array:
    """Draw a start at which the network is 0: every last hidden unit twice, with +a and −a.

    Parameters
    ----------
    network : MLP
        Its last hidden layer has an even number of units.
    rng : Generator
    scale, readout : float
        Multiply the weights of the hidden layers and those of the readout.
    readouts : {"gaussian", "signs"}
        The law of a; of signs limits are reached sooner.

    Raises
    ------
    InvalidInput
        An odd number of units in the last hidden layer; a scale that is not positive; another law.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> X = np.random.default_rng(0).standard_normal((30, 3))
    >>> net = ll.MLP(X, X[:, :1], hidden=(8,))
    >>> theta = ll.paired_start(net, np.random.default_rng(1))
    >>> bool(np.abs(net.outputs_at(theta)).max() < 1e-14)
    True
    """
    if not network.hidden or network.hidden[-1] % 2:
        remedy = "pairs need an even number of units in the last hidden layer"
        raise InvalidInput("hidden", network.hidden, remedy)
    theta = network.start(rng)
    *hidden, last = network.layers(theta)
    for layer in hidden:
        layer *= positive("scale", scale)
    if choice("readouts", readouts, ("gaussian", "signs")) == "signs":
        last[:-1] = np.sign(last[:-1]) / np.sqrt(len(last) - 1)
    last *= positive("readout", readout)
    hidden[-1][:, 1::2] = hidden[-1][:, ::2]
    last[1:-1:2] = -last[:-1:2]
    return theta


@dataclass(frozen=True)
class EarlyFeatures:
    """C-NFC of the first layer at t → 0⁺.

    Attributes
    ----------
    value : float
        Of the network itself, from its first gradient.
    statistics : float
        What the second moments of inputs and labels say: that of units x²/2 with the same W₀ and
        readouts. Equal to the value where the units are such; for others a comparison, no theory.
    """

    value: float
    statistics: float


def early_features(network: MLP, theta: Any, correlation: str = "cosine") -> EarlyFeatures:
    """Return the centred correlation of a network at the first instant of its training.

    Parameters
    ----------
    network : MLP
        With one hidden layer, on the squared loss.
    theta : (P,) array_like
        Where training starts.
    correlation : {"cosine", "pearson"}

    Raises
    ------
    NotAvailable
        Several hidden layers; the cross-entropy.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> X = np.random.default_rng(0).standard_normal((30, 3))
    >>> net = ll.MLP(X, X[:, :1] ** 2, hidden=(8,), activation="quadratic")
    >>> found = ll.early_features(net, net.start(np.random.default_rng(1)))
    >>> abs(found.value - found.statistics) < 1e-12
    True
    """
    if not isinstance(network, MLP):
        raise InvalidType("network", network, "give an MLP")
    for field, wanted in (("hidden", network.hidden[:1]), ("objective", "squared")):
        if getattr(network, field) != wanted:
            remedy = "the statistics are those of one hidden layer and the squared loss"
            raise NotAvailable(field, getattr(network, field), remedy)
    start = vector("theta", theta, network.parameters)
    value = _snapshot(network, start, start, correlation)[2]
    W, readouts = _weights(network, start), network.layers(start)[1][:-1]
    S, M = label_statistics(network, start)
    return EarlyFeatures(value, early_alignment_of(W, readouts, S, M, correlation))


def label_statistics(network: MLP, theta: Array) -> tuple[Array, Array]:
    """S = XᵀX/D and, for every output, M = −Xᵀ diag(z) X/D; (d, d) and (C, d, d)."""
    X, z = network.inputs, network.residual(theta)
    return X.T @ X / network.data, np.einsum("kc,ki,kj->cij", -z, X, X) / network.data
