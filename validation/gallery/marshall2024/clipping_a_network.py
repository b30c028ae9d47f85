r"""Clipping in a small real network: what its gradient noise predicts, and what training does.

At equal drift, so at the rate :math:`\eta/\mu`, clipped steps are the less noisy ones where

.. math:: \frac{\mu^2}{\nu}>1,\qquad
    \mu=\frac{\langle E\,\mathrm{clip}(g),\nabla L\rangle}{|\nabla L|^2},\qquad
    \nu=\frac{E|\mathrm{clip}(g)|^2}{E|g|^2}

(after arXiv 2406.11733, read off the gradients g of batches of a network, which is outside the
theory: nothing there says that E clip(g) points along the gradient). Labels are clean, or have
outliers: drawn anew at every step, as noise of a stream is, or once, where they are part of what
is trained. The loss is the one that is trained in the mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student
from scipy.stats import ttest_ind

from ....solvers.core import random
from ...figures.style import HouseFigure
from ...networks.digits import digits_network
from ...networks.mlp import MLP
from ..check import Check
from ..look import REFERENCE, RUNS, SEQUENCE, SIMULATION, THEORY, key, sheet

Array = NDArray[np.float64]

TITLE = "clipping in a network on digits: tails of its gradients, prediction and outcome"
CAPTION = (
    "A tanh network on {examples} digits, batches of {batch}. (a) Tails of the norms of gradients "
    "for clean labels, and for outliers on a share {share} of the labels, drawn at every step or "
    "once. (b) The criterion μ²/ν over the share of steps that are clipped. (c) What clipping at "
    "equal drift did to the loss on clean labels over what the criterion says, means of {runs} "
    "runs ± 2 s.e. Take-away: with fresh outliers the criterion promises a gain and training has "
    "it; with clean labels there is nothing to be had; outliers that stay are data, and clipping "
    "them gains nothing."
)
CLEAN, FRESH, FIXED = "clean labels", "fresh outliers", "fixed outliers"
LABELS = (CLEAN, FRESH, FIXED)
#: a step whose norm is beyond every threshold
NEVER = np.inf
#: of false alarms
LEVEL = 1e-2


@dataclass(frozen=True)
class Parameters:
    """A network, its batches, the outliers, and how long and how it is clipped."""

    examples: int = 150
    hidden: int = 16
    batch: int = 4
    rate: float = 0.04
    share: float = 0.05
    size: float = 4.0
    clipped: tuple[float, ...] = (0.1, 0.25, 0.5, 0.75)
    warm: int = 200
    pieces: int = 5
    steps: int = 60
    draws: int = 400
    runs: int = 12
    seed: int = 3


QUICK = Parameters()
FULL = Parameters(examples=200, hidden=24, pieces=8, draws=600, runs=16)


@dataclass(frozen=True, eq=False)
class Data:
    """By kind of labels: norms of gradients over their median, and kurtosis of their noise along
    the gradient, by run; by kind and share of clipped steps the criterion and the outcome
    ln(loss clipped/loss of SGD), one a run."""

    clipped: tuple[float, ...]
    norms: dict[str, Array]
    kurtosis: dict[str, Array]
    criterion: dict[str, Array]
    outcome: dict[str, Array]
    cosine: dict[str, Array]


#: what a step adds to the targets of these examples
Labels = Callable[[NDArray[np.int64], np.random.Generator], Array]


def compute(parameters: Parameters) -> Data:
    """Every kind of labels, run by run on the same starts."""
    p = parameters
    clean = digits_network(p.examples, seed=0, hidden=(p.hidden,))
    parts = {}
    for kind in LABELS:
        runs = [_run(p, *_stated(p, clean, kind, k), k) for k in range(p.runs)]
        parts[kind] = tuple(map(np.array, zip(*runs, strict=True)))
    norms, kurtosis, criterion, outcome, cosine = (
        {kind: part[j] for kind, part in parts.items()} for j in range(5)
    )
    return Data(p.clipped, norms, kurtosis, criterion, outcome, cosine)


def _stated(p: Parameters, clean: MLP, kind: str, run: int) -> tuple[MLP, Labels]:
    """The network whose loss is trained in the mean, and what a step adds to its targets."""
    spread = p.size * np.sqrt(np.mean(np.square(clean.targets)))

    def outliers(chosen: NDArray[np.int64], rng: np.random.Generator) -> Array:
        hit = rng.random(chosen.size) < p.share
        drawn = rng.standard_normal((chosen.size, clean.outputs))
        return np.asarray(spread * hit[:, None] * drawn)

    def nothing(chosen: NDArray[np.int64], rng: np.random.Generator) -> Array:
        return np.zeros((chosen.size, clean.outputs))

    if kind == FRESH:
        return clean, outliers
    if kind == CLEAN:
        return clean, nothing
    once = outliers(np.arange(clean.data), np.random.default_rng([p.seed, run, 1]))
    return replace(clean, targets=clean.targets + once), nothing


def _run(p: Parameters, network: MLP, labels: Labels, run: int) -> tuple[Any, ...]:
    """Warm up by SGD, then every threshold from there; all of them see the same examples."""
    sequence = np.random.SeedSequence(p.seed, spawn_key=(run,))
    rng = np.random.default_rng(random.child(sequence, 0))
    start = _descend(p, network, labels, network.start(rng), (NEVER, p.rate), p.warm, rng)
    probe = np.random.default_rng(random.child(sequence, 1))
    seen = _Gradients.at(p, network, labels, start, probe)
    plain, _ = _arm(p, network, labels, start, 0.0, sequence)
    ends, measured = zip(
        *(_arm(p, network, labels, start, share, sequence) for share in p.clipped), strict=True
    )
    criterion, cosine = np.mean(measured, axis=1).T
    norms = np.sort(seen.norms) / np.median(seen.norms)
    return norms, seen.kurtosis, criterion, np.array(ends) - plain, cosine


def _arm(
    p: Parameters,
    network: MLP,
    labels: Labels,
    theta: Array,
    share: float,
    sequence: np.random.SeedSequence,
) -> tuple[float, list[tuple[float, float]]]:
    """ln loss at the end where a share of the steps is clipped, at the drift of SGD; on the way,
    μ²/ν and the cosine of E clip(g) with the gradient. Thresholds and rates follow the network."""
    probe, steps = (np.random.default_rng(random.child(sequence, key)) for key in (3, 2))
    measured = []
    for _ in range(p.pieces):
        clip, rate = NEVER, p.rate
        if share:
            now = _Gradients.at(p, network, labels, theta, probe)
            clip = float(np.quantile(now.norms, 1 - share))
            mu, nu, cosine = now.clipped(clip)
            rate = p.rate / mu
            measured.append((mu**2 / nu, cosine))
        theta = _descend(p, network, labels, theta, (clip, rate), p.steps, steps)
    return float(np.log(network.loss(theta))), measured


def _descend(
    p: Parameters,
    network: MLP,
    labels: Labels,
    theta: Array,
    clipping: tuple[float, float],
    steps: int,
    rng: np.random.Generator,
) -> Array:
    """SGD with the norm of every step's gradient clipped, at a rate."""
    clip, rate = clipping
    everyone = np.ones(p.batch)
    for _ in range(steps):
        chosen = rng.integers(0, network.data, p.batch)
        targets = network.targets[chosen] + labels(chosen, rng)
        batch = replace(network, inputs=network.inputs[chosen], targets=targets)
        gradient = batch.gradient(theta, everyone) / p.batch
        theta = theta - rate * min(1.0, clip / float(np.linalg.norm(gradient))) * gradient
    return theta


@dataclass(frozen=True, eq=False)
class _Gradients:
    """Gradients of batches at one θ, and the gradient of the loss on clean labels."""

    drawn: Array
    full: Array

    @classmethod
    def at(
        cls, p: Parameters, network: MLP, labels: Labels, theta: Array, rng: np.random.Generator
    ) -> _Gradients:
        jacobian = network.jacobian(theta).reshape(network.data, network.outputs, -1)
        each = np.einsum("dcp,dc->dp", jacobian, network.residual(theta))
        chosen = rng.integers(0, network.data, (p.draws, p.batch))
        drawn = each[chosen].mean(axis=1)
        added = labels(chosen.ravel(), rng)
        for k in np.flatnonzero(added.any(axis=1)):
            drawn[k // p.batch] -= added[k] @ jacobian[chosen.flat[k]] / p.batch
        return cls(drawn, each.mean(axis=0))

    @property
    def norms(self) -> Array:
        """|g| of every batch."""
        return np.asarray(np.linalg.norm(self.drawn, axis=1))

    @property
    def kurtosis(self) -> float:
        """Of g along the gradient: 3 where the noise is Gaussian."""
        along = self.drawn @ self.full
        along = along - along.mean()
        return float(np.mean(along**4) / np.mean(along**2) ** 2)

    def clipped(self, clip: float) -> tuple[float, float, float]:
        """μ and ν of a threshold, and the cosine of E clip(g) with the gradient."""
        kept = self.drawn * np.minimum(1.0, clip / self.norms)[:, None]
        mean, length = kept.mean(axis=0), float(np.linalg.norm(self.full))
        along = float(mean @ self.full)
        # E g is the gradient: what this sample's mean is off by stands in both
        own = float(self.drawn.mean(axis=0) @ self.full)
        nu = float(np.sum(kept**2) / np.sum(self.drawn**2))
        return along / own, nu, along / (length * float(np.linalg.norm(mean)))


def draw(data: Data, width: str | float) -> HouseFigure:
    """Tails, criterion, and the outcome over the criterion."""
    shades = dict(zip(LABELS, SEQUENCE, strict=False))

    def panels(axes: Any) -> None:
        for kind, colour in shades.items():
            norms = np.sort(data.norms[kind].ravel())
            axes[0].plot(norms, 1 - np.arange(norms.size) / norms.size, color=colour, **THEORY)
            criterion, off = _mean(data.criterion[kind])
            outcome, error = _mean(data.outcome[kind])
            look = {"color": colour, "elinewidth": 0.8, **SIMULATION}
            axes[1].errorbar(data.clipped, criterion, 2 * off, **look)
            axes[2].errorbar(criterion, outcome, 2 * error, 2 * off, **look)
        axes[0].set(xscale="log", yscale="log", xlabel=r"$|g|$ over its median")
        axes[0].set(ylabel="share of batches beyond", ylim=(1e-3, 1.2))
        axes[1].set(xlabel="share of steps clipped", ylabel=r"criterion $\mu^2/\nu$")
        axes[1].axhline(1, zorder=0, **REFERENCE)
        axes[2].set(xlabel=r"criterion $\mu^2/\nu$", ylabel="ln loss, clipped over SGD")
        axes[2].axhline(0, zorder=0, **REFERENCE)
        axes[2].axvline(1, zorder=0, **REFERENCE)
        lines = {"one point, all runs": THEORY, RUNS: SIMULATION, "nothing gained": REFERENCE}
        key(axes[0], lines, 3, colours=shades)

    return sheet(panels, width, columns=3, aspect=0.95)


def _mean(values: Array) -> tuple[Array, Array]:
    """Mean over the runs and its standard error."""
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))


def checks(data: Data) -> tuple[Check, ...]:
    """Tails, and that the outcome goes where the criterion says wherever noise is fresh.

    Outliers that stay are part of the loss: what clipping does to that is reported, not judged.
    """
    heavier = ttest_ind(data.kurtosis[FRESH], data.kurtosis[CLEAN], alternative="greater")
    gain, error = _mean(data.outcome[FRESH])
    half = int(np.argmin(np.abs(np.array(data.clipped) - 0.5)))
    promised = data.criterion[FRESH][:, half] - 1
    changed = [sign * each for each in data.outcome[CLEAN].T for sign in (1, -1)]
    t = student.isf(LEVEL / 2, len(promised) - 1)
    return (
        Check(
            "fresh outliers: heavier tails than clean labels, p-value of the contrary",
            float(heavier.pvalue),
            0,
            LEVEL,
            "Welch's test of the kurtosis along the gradient",
        ),
        Check(
            "fresh outliers, half of the steps clipped: mu^2/nu - 1 in standard errors",
            _score(promised),
            t,
            np.inf,
            "clipping is predicted to gain; Student's tail",
        ),
        Check(
            "fresh outliers, half of the steps clipped: ln loss over SGD's, in standard errors",
            float(gain[half] / error[half]),
            -np.inf,
            -t,
            "it gains; Student's tail",
        ),
        Check(
            "gain on fresh outliers above the largest change on clean labels, in standard errors",
            min(_score(other - data.outcome[FRESH][:, half]) for other in changed),
            float(student.isf(LEVEL / len(changed), len(promised) - 1)),
            np.inf,
            "mu^2/nu is 1 there: nothing is predicted; Student's tail over the shares, either way",
        ),
    )


def _score(values: Array) -> float:
    """Mean over its standard error."""
    return float(values.mean() / (values.std(ddof=1) / np.sqrt(values.size)))
