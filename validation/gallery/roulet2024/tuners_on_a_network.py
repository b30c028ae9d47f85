r"""Tuners on a small network on digits beside the best constant rate: a step, and the run.

The claim of arXiv 2407.06183 is that greedy steps win every single step and lose the run, and that
CDAT near 2 recovers what they lose. On this network, with all of its data: greedy wins the step,
and CDAT at 2 does not recover: its loss stalls, above those of greedy, of CDAT at 1.9 and of the
best constant rate, while the sharpness falls. With small batches the best scale is another one.
Polyak is shown, and not judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....theory.methods import CDAT, SGD, Armijo, GradientDescent, Polyak
from ...figures.registry import colours, ordered
from ...figures.style import HouseFigure
from ...networks.descend import descend, path
from ...networks.digits import digits_network
from ..check import Check, exceeds, tail
from ..look import LINKED, REFERENCE, SIMULATION, direct, key, sheet

TITLE = "tuners on a network on digits: loss, edge, and the scale that is best at a batch"
CAPTION = (
    "(a) Loss, (b) rate times sharpness and (c) sharpness over the steps for tuners and the best "
    "constant rate, medians over runs; (d) the loss at the end over the scale of CDAT, for small "
    "batches. Take-away: a greedy step wins every step; CDAT at 2 does not recover: it ends above "
    "greedy, CDAT at 1.9 and the best constant rate."
)

RULES: dict[str, Any] = {
    "greedy (CDAT 1)": CDAT(1.0),
    "CDAT 1.9": CDAT(1.9),
    "CDAT 2": CDAT(2.0),
    "Armijo": Armijo(0.1),
    "Polyak": Polyak(1.0),
}
#: of every difference, by Student's tail
LEVEL = 1e-2


@dataclass(frozen=True)
class Parameters:
    """The network, the budget, constant rates, scales and batches."""

    examples: int = 60
    hidden: tuple[int, ...] = (16,)
    steps: int = 300
    every: int = 30
    rates: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.7)
    noisy_rates: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4)
    scales: tuple[float, ...] = (0.5, 1.0, 1.5, 1.9)
    batches: tuple[int, ...] = (20, 4)
    runs: int = 8
    noisy_runs: int = 8
    compared: int = 6
    seed: int = 1


QUICK = Parameters()
FULL = Parameters(examples=100, hidden=(32,), steps=600, every=50, runs=12, noisy_runs=12)


@dataclass(frozen=True, eq=False)
class Data:
    """By rule and by rate the runs; by batch and scale log losses; and single steps."""

    parameters: Parameters
    rules: dict[str, Curve]
    rates: dict[float, np.ndarray]
    constant: Curve
    batches: dict[int, dict[float, np.ndarray]]
    noisy_rates: dict[int, dict[float, np.ndarray]]
    step: np.ndarray


def compute(parameters: Parameters) -> Data:
    """Paired over starts, and over batches where they are equal."""
    p = parameters
    network = digits_network(p.examples, seed=p.seed, hidden=p.hidden)

    def run(method: Any, every: int = p.every, runs: int = p.runs) -> Curve:
        return descend(
            network, method, p.steps, every=every, runs=runs, seed=p.seed, progress=False
        )

    def end(method: Any, runs: int = p.noisy_runs) -> np.ndarray:
        return _end(run(method, p.steps, runs))

    rates = {rate: end(GradientDescent(rate), p.runs) for rate in p.rates}
    return Data(
        p,
        {name: run(rule) for name, rule in RULES.items()},
        rates,
        run(GradientDescent(_best(rates))),
        {b: {s: end(CDAT(s, batch=b, largest=10.0)) for s in p.scales} for b in p.batches},
        {b: {r: end(SGD(r, batch=b)) for r in p.noisy_rates} for b in p.batches},
        _single_steps(network, p),
    )


def _single_steps(network: Any, p: Parameters) -> np.ndarray:
    """Log of the loss after one greedy step over that after one step of CDAT 1.9, from the same θ.

    The parameters are those along runs of CDAT 1.9, so that greedy gets no path of its own.
    """
    gaps = []
    for k in range(p.runs):
        start = network.start(np.random.default_rng((p.seed, k)))
        _, thetas = path(network, CDAT(1.9), p.compared * 8, every=8, start=start)
        after = [
            [network.loss(path(network, CDAT(s), 1, every=1, start=x)[1][1]) for s in (1.0, 1.9)]
            for x in thetas[1:]
        ]
        gaps.append(float(np.mean(np.diff(-np.log(after), axis=1))))
    return np.array(gaps)


def draw(data: Data, width: str | float) -> HouseFigure:
    """Losses, edges and sharpness over time; final losses over the scale."""
    p, best = data.parameters, _best(data.rates)

    def panels(axes: Any) -> None:
        shown = {**data.rules, f"constant rate {best:g}": data.constant}
        rules = colours(shown)
        for name, curve in shown.items():
            colour = rules[name]
            axes[0].semilogy(curve.time, _middle(curve, "loss"), color=colour, label=name)
            axes[1].plot(curve.time[1:], _middle(curve, "edge")[1:], color=colour)
            axes[2].semilogy(curve.time, _middle(curve, "sharpness"), color=colour)
        axes[0].set(xlabel="step", ylabel="median loss")
        axes[1].axhline(2, **REFERENCE)
        axes[1].set(xlabel="step", ylabel=r"median $\eta\lambda$", ylim=(0, 6))
        axes[2].set(xlabel="step", ylabel=r"median sharpness $\lambda$")
        _scales(axes[3], data)
        dotted = {"color": "0.3", "linestyle": ":", "linewidth": 0.9}
        lines = {"best constant rate (d)": dotted, "mean ± 2 s.e. (d)": SIMULATION}
        key(axes[0], lines, columns=3)

    def _scales(axis: Any, data: Data) -> None:
        shades = ordered(sorted(data.batches))
        for batch, ends in data.batches.items():
            colour = shades[batch]
            means = [np.mean(one) for one in ends.values()]
            errors = [2 * one.std(ddof=1) / np.sqrt(one.size) for one in ends.values()]
            axis.errorbar(p.scales, means, errors, color=colour, **LINKED)
            rates = min(np.mean(one) for one in data.noisy_rates[batch].values())
            axis.axhline(rates, color=colour, linestyle=":", linewidth=0.9)
        axis.set(xlabel="scale of CDAT", ylabel="mean ln final loss")
        last = {b: float(np.mean(list(ends.values())[-1])) for b, ends in data.batches.items()}
        direct(axis, {f"$B={b}$": (end, shades[b]) for b, end in last.items()})

    return sheet(panels, width, rows=2, columns=2, aspect=0.66)


def _middle(curve: Curve, name: str) -> np.ndarray:
    return np.median(curve.sample(name), axis=0)


def _best(rates: dict[float, np.ndarray]) -> float:
    """The rate of the smallest mean log loss at the end; one that diverges in a run is none."""
    return min(rates, key=lambda rate: float(rates[rate].mean()))


def _end(curve: Curve) -> np.ndarray:
    """Log loss at the end of every run; infinite where it diverged."""
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(np.log(curve.sample("loss")[:, -1]), nan=np.inf)


def checks(data: Data) -> tuple[Check, ...]:
    """What holds of the claim here, and what does not, each by paired differences over runs.

    That greedy is level with the best constant rate is no difference, and none is claimed: that it
    loses less than CDAT at 2 does is.
    """
    p = data.parameters
    ends = {name: _end(curve) for name, curve in data.rules.items()}
    greedy, stalls = ends["greedy (CDAT 1)"], ends["CDAT 2"]
    small = data.batches[min(p.batches)]
    last, before = (small[p.scales[k]] for k in (-1, -2))
    two = data.rules["CDAT 2"].sample("sharpness")
    return (
        _tuned(data),
        exceeds(
            "one step of CDAT 1.9 above a greedy one",
            -data.step,
            "greedy wins the step",
            level=LEVEL,
        ),
        exceeds(
            "ln final loss, CDAT 2 above greedy",
            stalls - greedy,
            "it stalls; greedy does not lose what it loses",
            level=LEVEL,
        ),
        exceeds(
            "ln final loss, CDAT 2 above CDAT 1.9",
            stalls - ends["CDAT 1.9"],
            "below 2 nothing of it is lost",
            level=LEVEL,
        ),
        exceeds(
            "ln final loss, CDAT 2 above the best constant rate",
            stalls - data.rates[_best(data.rates)],
            "it does not recover",
            level=LEVEL,
        ),
        exceeds(
            "CDAT 2: fall of ln sharpness from the first record on",
            np.log(two[:, 1] / two[:, -1]),
            "while it flattens",
            level=LEVEL,
        ),
        Check(
            "ln final loss at the smallest batch, largest scale above the one before, in s.e.",
            _worse(last, before),
            tail(2 * LEVEL, 1, before.size - 1),
            np.inf,
            f"which scale is best changes with the batch; Student's tail at {LEVEL:g}",
        ),
    )


def _tuned(data: Data) -> Check:
    """Both ends of the rates are worse than the best one, where they did not diverge."""
    best = data.rates[_best(data.rates)]
    ends = [data.rates[k] for k in (min(data.rates), max(data.rates))]
    scores = [_worse(end, best) for end in ends]
    return Check(
        "the best constant rate below both ends of the rates, in standard errors",
        min(scores),
        tail(2 * LEVEL, 2, best.size - 1),
        np.inf,
        f"it is tuned; Student's tail at {LEVEL:g} over both",
    )


def _worse(one: np.ndarray, other: np.ndarray) -> float:
    """Standard errors by which one is above another; infinite where it alone lost a run."""
    lost = not np.isfinite(one).all()
    return np.inf if lost and np.isfinite(other).all() else _score(one - other)


def _score(values: np.ndarray) -> float:
    """Mean over its standard error."""
    error = values.std(ddof=1) / np.sqrt(values.size)
    return float(values.mean() / error) if error > 0 else 0.0
