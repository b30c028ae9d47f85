r"""Blocks of a deep linear student do not wait on the plateau; as a whole it ends faster.

End to end a small start waits :math:`\ln(\theta/s_0)/(2\theta)`, or a power of :math:`1/s_0` where
there are more than two layers; blocks of one layer do not, and a switch between the two is faster
than either. Inspired by arXiv 2312.13223; solvable form derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import kurtosis

from ....solvers.core.curve import Curve
from ....solvers.distillation.closed import elapsed
from ....solvers.distillation.recomposition import Recomposition, recomposition
from ....solvers.solve import solve
from ....theory.distillation.closed import closed_theory
from ....theory.distillation.problem import BlockwiseDistillation
from ....theory.methods import SGD, GradientDescent
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, below, largest, near
from ..look import (
    EXACT,
    HIGH,
    LOW,
    REFERENCE,
    SEQUENCE,
    SIMULATION,
    THEORY,
    band,
    direct,
    key,
    points,
    sheet,
)

TITLE = "blocks of a deep linear student against the plateau, and when to make them one"
CAPTION = (
    "(a) Loss of descent end to end, in blocks of one layer, and with a switch (grey line); lines: "
    "closed form, markers: matrices. (b) SGD with a batch of {batch}: mean and 5-95 % band of the "
    "SDE, and of runs (markers, dashes). (c) Time to half of a mode over the start; dotted: the "
    "plateau alone. (d) Time to a loss of {loss} over the switching time, for three starts. "
    "Take-away: blocks skip the plateau of a small start, the whole ends faster, a switch does "
    "both."
)

Array = np.ndarray
KINDS = ("end to end", "blocks", "switched")
#: of the noisy student
_SWITCH = 1.0
COLOURS = dict(zip(KINDS, SEQUENCE[:3], strict=True))


@dataclass(frozen=True)
class Parameters:
    """Teacher, starts, depths, rates, and the ensembles."""

    strengths: tuple[float, ...] = (1.0, 0.6)
    start: float = 1e-3
    loss: float = 1e-3
    rate: float = 0.01
    until: float = 8.0
    noisy_rate: float = 0.01
    noisy_until: float = 3.0
    batch: int = 4
    noisy_start: float = 0.02
    runs: int = 300
    paths: int = 1500
    depths: tuple[int, ...] = (2, 3, 4)
    starts: tuple[float, ...] = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
    switched: tuple[float, ...] = (1e-2, 1e-4, 1e-6)
    marks: int = 5
    seed: int = 9


QUICK = Parameters()
FULL = Parameters(runs=600, paths=4000, rate=0.005, marks=9)


@dataclass(frozen=True, eq=False)
class Data:
    """Curves by kind; bands and runs by kind; times to half by depth (0: blocks of one layer);
    times to the loss by start."""

    parameters: Parameters
    best: float
    closed: dict[str, Curve]
    descent: dict[str, Curve]
    bands: dict[str, Curve]
    noisy: dict[str, Curve]
    halves: dict[int, Array]
    found_halves: dict[int, Array]
    times: dict[float, Recomposition]
    found_times: dict[float, Array]


def compute(p: Parameters) -> Data:
    """Solve, descend, train on batches, and measure times."""
    small = BlockwiseDistillation(p.strengths, p.start)
    best = recomposition(small, p.loss).best
    method, sgd = GradientDescent(p.rate), SGD(p.noisy_rate, batch=p.batch)
    switches = {"end to end": 0.0, "blocks": None, "switched": best}
    closed, descent, bands, noisy = (dict[str, Curve]() for _ in range(4))
    for kind, switch in switches.items():
        one = BlockwiseDistillation(p.strengths, p.start, switch=switch)
        closed[kind] = solve(one, method, p.until, limit="closed")
        descent[kind] = simulate(one, method, p.until, points=25)
        if kind == "blocks":
            continue
        drawn = BlockwiseDistillation(p.strengths, p.noisy_start, switch=switch and _SWITCH)
        options: dict[str, Any] = {"points": 25, "seed": p.seed, "progress": False}
        bands[kind] = solve(drawn, sgd, p.noisy_until, paths=p.paths, **options)
        noisy[kind] = simulate(drawn, sgd, p.noisy_until, runs=p.runs, **options)
    grid = np.concatenate([[0.0], np.geomspace(0.01, 5.0, 40)])
    times = {
        s: recomposition(BlockwiseDistillation(p.strengths, s), p.loss, grid) for s in p.switched
    }
    depths = (*p.depths, 0)
    return Data(
        p,
        best,
        closed,
        descent,
        bands,
        noisy,
        {depth: np.array([half(s, depth) for s in p.starts]) for depth in depths},
        {depth: np.array([found_half(p, s, depth) for s in p.starts]) for depth in depths},
        times,
        {s: found_times(p, s, times[s]) for s in p.switched},
    )


def half(start: float, depth: int) -> float:
    """Time in which a mode of strength 1 comes to ½; depth 0: two blocks of one layer."""
    w = start ** (1 / max(depth, 2))
    if depth == 0:
        return float(np.log((1 - w) / (1 - np.sqrt(0.5))))
    return float(elapsed(closed_theory().functions, depth, w, 1.0, 0.5 ** (1 / depth)))


def found_half(p: Parameters, start: float, depth: int) -> float:
    """The same, of the matrix of one mode by descent."""
    switch = None if depth == 0 else 0.0
    one = BlockwiseDistillation([1.0], start, layers=max(depth, 2), switch=switch)
    run = simulate(one, GradientDescent(2 * p.rate), 1.1 * half(start, depth), points=201)
    return _crossed(run.time, 0.5 - run.overlap)


def found_times(p: Parameters, start: float, theory: Recomposition) -> Array:
    """(marks, 2): switches and times to the loss of descent on the matrices."""
    rows = []
    for switch in np.linspace(0, theory.switches[-1], p.marks):
        one = BlockwiseDistillation(p.strengths, start, switch=switch)
        until = 1.1 * float(np.interp(switch, theory.switches, theory.times)) + 0.1
        run = simulate(one, GradientDescent(p.rate), until, points=201)
        rows.append((switch, _crossed(run.time, np.log(run.loss / p.loss))))
    return np.array(rows)


def _crossed(time: Array, above: Array) -> float:
    """When a falling quantity first is 0, linearly between two times."""
    first = int(np.argmax(above <= 0))
    share = above[first - 1] / (above[first - 1] - above[first])
    return float(time[first - 1] + share * (time[first] - time[first - 1]))


def draw(data: Data, width: str | float) -> HouseFigure:
    """Losses, bands, times to half, times to a loss."""

    def panels(axes: Any) -> None:
        _losses(axes[0], data)
        _bands(axes[1], data)
        _halves(axes[2], data)
        _switches(axes[3], data)
        key(
            axes[0],
            {
                "closed form, flow, SDE mean": THEORY,
                "matrices (mean ± 2 s.e.)": SIMULATION,
                "5–95 % of runs": EXACT,
                "plateau alone": _DOTTED,
            },
            3,
            colours=COLOURS,
            bands=("SDE, 5–95 %",),
        )

    return sheet(panels, width, rows=2, columns=2, aspect=0.8)


_TIME = r"time $t$ = $\eta\,\cdot$ steps"
_DOTTED: dict[str, Any] = {"linestyle": (0, (1, 1.5)), "linewidth": 1.0}


def _losses(panel: Any, data: Data) -> None:
    panel.set(xlabel=_TIME, ylabel="loss", yscale="log", ylim=(1e-6, 2))
    panel.axvline(data.best, **REFERENCE)
    for kind, colour in COLOURS.items():
        panel.plot(data.closed[kind].time, data.closed[kind].loss, color=colour, **THEORY)
        points(panel, data.descent[kind], colour, 13, "loss")


def _bands(panel: Any, data: Data) -> None:
    panel.set(xlabel=_TIME, ylabel="loss", yscale="log")
    panel.axvline(_SWITCH, **REFERENCE)
    for kind, theory in data.bands.items():
        colour, runs = COLOURS[kind], data.noisy[kind]
        low, high = (theory.quantile("loss", level) for level in (LOW, HIGH))
        band(panel, theory.time, low, high, colour)
        panel.plot(theory.time, theory.loss, color=colour, **THEORY)
        for level in (LOW, HIGH):
            panel.plot(runs.time, runs.quantile("loss", level), color=colour, **EXACT)
        points(panel, runs, colour, 9, "loss")


def _halves(panel: Any, data: Data) -> None:
    p = data.parameters
    panel.set(xlabel=r"start $s_0$", ylabel=r"time to $\theta/2$", xscale="log", yscale="log")
    panel.invert_xaxis()  # the plateau grows to the right
    line = np.geomspace(p.starts[-1], p.starts[0], 41)
    shades = dict(zip(p.depths, ordered(p.depths).values(), strict=True))
    f = closed_theory().functions
    names: dict[str, tuple[float, Any]] = {}
    for depth, found in data.found_halves.items():
        colour = shades.get(depth, COLOURS["blocks"])
        panel.plot(line, [half(s, depth) for s in line], color=colour, **THEORY)
        panel.plot(p.starts, found, color=colour, **SIMULATION)
        names[rf"$L={depth}$" if depth else "blocks"] = half(line[0], depth), colour
        if not depth:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            given = {"L": np.int64(depth), "beta": 1.0, "w_0": line ** (1 / depth)}
            panel.plot(line, f["plateau"](w=np.ones(line.size), **given), color=colour, **_DOTTED)
    direct(panel, names)


def _switches(panel: Any, data: Data) -> None:
    p = data.parameters
    panel.set(xlabel="switching time", ylabel=f"time to loss {p.loss:g}")
    for start, colour in zip(p.switched, ordered(p.switched).values(), strict=True):
        theory, found = data.times[start], data.found_times[start]
        panel.plot(theory.switches, theory.times, color=colour, **THEORY)
        panel.plot(*found.T, color=colour, zorder=3, **SIMULATION)
        text = rf"$s_0=10^{{{np.log10(start):.0f}}}$"
        panel.plot([], [], color=colour, label=text, **THEORY)
    panel.legend(loc="upper right")


def checks(data: Data) -> tuple[Check, ...]:
    """Times of matrices, the law of the plateau, the band, and what a switch gains."""
    p = data.parameters
    late = [data.found_halves[depth] / data.halves[depth] - 1 for depth in data.halves]
    slow = [
        found[:, 1] / np.interp(found[:, 0], data.times[s].switches, data.times[s].times) - 1
        for s, found in data.found_times.items()
    ]
    two = data.found_halves[2]
    slope = (two[-1] - two[1]) / np.log(p.starts[1] / p.starts[-1])
    gains = [
        data.times[s].times.min() / min(data.times[s].end_to_end, data.times[s].blockwise)
        for s in p.switched
    ]
    z, share = (
        np.concatenate(part)
        for part in zip(*(_band_of(data, kind) for kind in data.bands), strict=True)
    )
    # the arc sine of a share is nearly normal, and its variance is known
    off = np.arcsin(np.sqrt(share)) - np.arcsin(np.sqrt(HIGH - LOW))
    error = np.sqrt(1 / p.runs + 1 / p.paths) / 2
    return (
        Check("times to half, matrices over theory, less 1", _most(late), 0, 2 * p.rate, "η θ"),
        Check("times to the loss, the same", _most(slow), 0, 2 * p.rate, "2 η θ, interpolation"),
        near("plateau of two layers over ln 1/s0", slope, 1 / 2, p.rate, "1/(2 θ), relative 2 η θ"),
        largest("largest |z| of standard deviations, SDE over runs", z, origin="; fourth moments"),
        largest("share of runs in the band to 0.9, in s.e.", off / error, origin="; arc sines"),
        below("best switch over the faster of both, largest", max(gains), 1, "faster than either"),
    )


def _most(each: list[Array]) -> float:
    return float(max(np.abs(one).max() for one in each))


def _band_of(data: Data, kind: str) -> tuple[Array, Array]:
    """z of the standard deviations of the overlap, and the share of runs in the band, by time."""
    theory, runs = (c[kind].samples["overlap"][:, 3::6] for c in (data.bands, data.noisy))
    error = sum((kurtosis(x, axis=0) + 2) / (4 * len(x)) for x in (theory, runs))
    z = np.log(theory.std(axis=0) / runs.std(axis=0)) / np.sqrt(error)
    low, high = np.quantile(theory, (LOW, HIGH), axis=0)
    share = np.mean((runs > low) & (runs < high), axis=0)
    return z, share
