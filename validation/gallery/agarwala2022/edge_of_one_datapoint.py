r"""Where one example ends: T = rate · sharpness just under the edge, :math:`2-\epsilon(1+E)/2`.

The full (z, J₁, J₂) recursion beside what is derived for it: the average over two steps, the end,
and at ε = 0 the two-cycle :math:`z^2=y/2`, y = W − 2 − 2E. Model of arXiv 2210.04860.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.curve import Curve
from ....solvers.sharpening.edge_offset import EdgeOffset, edge_offset
from ....solvers.solve import solve
from ....theory.methods import GradientDescent
from ....theory.sharpening.two_eigenvalues import TwoEigenvalueModel
from ...figure import HouseFigure
from ...simulate import simulate
from ..check import Check, near
from ..look import REFERENCE, SEQUENCE, SIMULATION, THEORY, kinds, sheet, thin

TITLE = "one example at the edge of stability: it ends just below 2, by epsilon (1 + E)/2"

UNIT = GradientDescent(1.0)


@dataclass(frozen=True)
class Parameters:
    """Curvatures ε and invariants E; the start y of the motions, and the spread of the starts."""

    motions: tuple[float, ...] = (0.04, 0.02, 0.01)
    height: float = 0.08
    ladder: tuple[float, ...] = (0.002, 0.004, 0.008, 0.016, 0.032, 0.064)
    invariants: tuple[float, ...] = (0.0, 0.5, 2.0)
    piled: float = 0.02
    starts: int = 200
    highest: float = 1.0
    flips: int = 500
    settled: int = 4000
    seed: int = 0


QUICK = Parameters()
FULL = Parameters(ladder=tuple(0.0005 * 2.0**k for k in range(9)), starts=1000, flips=1500)


@dataclass(frozen=True, eq=False)
class Data:
    """By ε the motion of T, its average over two steps and its end; by E the ends along ε.

    ``ends`` holds (T at the start, T at the end) of many starts, ``cycle`` the values of z that
    each W of ``slow`` visits at ε = 0.
    """

    parameters: Parameters
    motions: dict[float, tuple[Curve, Curve]]
    ladders: dict[float, list[EdgeOffset]]
    ends: np.ndarray
    slow: np.ndarray
    cycle: np.ndarray


def compute(parameters: Parameters) -> Data:
    """Everything by the full model, and by what is derived for it."""
    p = parameters
    ladders = {
        E: [edge_offset(TwoEigenvalueModel(epsilon, E)) for epsilon in p.ladder]
        for E in p.invariants
    }
    slow = np.linspace(1.8, 3.9, p.flips)
    motions = {epsilon: _motion(epsilon, p.height) for epsilon in p.motions}
    return Data(p, motions, ladders, _ends(p), slow, _cycle(slow, p.settled))


def _motion(epsilon: float, height: float) -> tuple[Curve, Curve]:
    """The full model at pairs of steps, and the average, from z² = y/2."""
    z = np.sqrt(height / 2)
    model = TwoEigenvalueModel(epsilon, 0.0, (z, 2 + height + 2 * z))
    even = 2 * np.unique(np.geomspace(1, 20 / epsilon, 60).round().astype(int))
    both = np.unique(np.concatenate([[0, 1], even, even + 1]))
    averaged = solve(model, UNIT, limit="averaged", times=np.append(0, even))
    return simulate(model, UNIT, times=both), averaged


def pairs(run: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Even steps, and T averaged over each and the next."""
    return run.time[::2], (run["T"][::2] + run["T"][1::2]) / 2


def _ends(p: Parameters) -> np.ndarray:
    rng = np.random.default_rng(p.seed)
    z, y = rng.uniform(-0.3, 0.3, p.starts), rng.uniform(0.0, p.highest, p.starts)
    starts = np.column_stack([z, 2 + y + 2 * z])
    runs = simulate(TwoEigenvalueModel(p.piled, 0.0), UNIT, starts=starts, points=2)
    return np.column_stack([starts[:, 1], runs.provenance["ends"]])


def _cycle(slow: np.ndarray, settled: int) -> np.ndarray:
    """What z visits at ε = 0 and E = 0, where W does not move; (W, steps)."""
    starts = np.column_stack([np.full(slow.size, 0.05), slow + 0.1])
    times = settled + np.arange(32)
    runs = simulate(TwoEigenvalueModel(0.0, 0.0), UNIT, starts=starts, times=times)
    return runs.sample("z")[:, 1:]


def draw(data: Data, width: str | float) -> HouseFigure:
    """Four panels: motions, ends along ε, ends of many starts, and the flip at ε = 0."""

    def panels(axes: Any) -> None:
        _draw_motions(axes[0], data)
        _draw_ladders(axes[1], data)
        _draw_ends(axes[2], data)
        _draw_cycle(axes[3], data)
        styles = {"averaged equations, predicted ends": THEORY, "gradient descent": SIMULATION}
        axes[0].figure.legend(handles=kinds(styles), loc="outside upper left", ncols=2)

    return sheet(panels, width, rows=2, columns=2, aspect=0.72)


def _draw_motions(axis: Any, data: Data) -> None:
    for colour, (epsilon, (run, averaged)) in zip(SEQUENCE, data.motions.items(), strict=False):
        label = rf"$\epsilon={epsilon:g}$"
        axis.plot(averaged.time[1:], averaged["T"][1:], color=colour, label=label, **THEORY)
        steps, mean = pairs(run)
        some = 1 + thin(steps[1:], 30)
        axis.plot(steps[some], mean[some], color=colour, **SIMULATION)
    axis.axhline(2, **REFERENCE)
    axis.set(xscale="log", xlabel="step", ylabel=r"$\eta\lambda$, mean of two steps")
    axis.legend(loc="upper right")


def _draw_ladders(axis: Any, data: Data) -> None:
    for colour, (E, ends) in zip(SEQUENCE, data.ladders.items(), strict=False):
        ladder = data.parameters.ladder
        axis.plot(ladder, [end.predicted for end in ends], color=colour, **THEORY)
        axis.plot(ladder, [float(end) for end in ends], color=colour, label=f"$E={E:g}$",
                  **SIMULATION)  # fmt: skip
    axis.set(xscale="log", yscale="log", xlabel=r"$\epsilon$", ylabel=r"$2-\eta\lambda$ at the end")
    axis.set_xlim(min(data.parameters.ladder) / 2, 2 * max(data.parameters.ladder))
    axis.legend(loc="upper left")


def _draw_ends(axis: Any, data: Data) -> None:
    axis.plot(*data.ends.T, color=SEQUENCE[0], **SIMULATION)
    axis.axhline(2, **REFERENCE)
    predicted = edge_offset(TwoEigenvalueModel(data.parameters.piled, 0.0)).predicted
    assert predicted is not None
    axis.axhline(2 - predicted, color=SEQUENCE[0], **THEORY)
    axis.set(xlabel=r"$\eta\lambda$ at the start", ylabel=r"$\eta\lambda$ at the end")


def _draw_cycle(axis: Any, data: Data) -> None:
    for z in data.cycle.T:
        axis.plot(data.slow, z, ".", markersize=0.8, markeredgewidth=0, color="0.35",
                  rasterized=True)  # fmt: skip
    y = np.linspace(0, 0.6, 100)
    for sign in (-1, 1):
        axis.plot(2 + y, sign * np.sqrt(y / 2), color=SEQUENCE[1], **THEORY)
    axis.set(xlabel=r"$W$ at $\epsilon=0$", ylabel="visited $z$")


def checks(data: Data) -> tuple[Check, ...]:
    """Ends, their order in ε, the average, the pile, and the flip."""
    p = data.parameters
    found = [_slope(E, ends, p.ladder) for E, ends in data.ladders.items()]
    found += [_average(epsilon, *motion) for epsilon, motion in data.motions.items()]
    predicted = edge_offset(TwoEigenvalueModel(p.piled, 0.0)).predicted
    shares = (2 - data.ends[:, 1]) / predicted
    y = data.slow - 2
    cycling = (y > 0.02) & (y < 0.2)
    amplitude = (data.cycle[cycling] ** 2).mean(axis=1) / (y[cycling] / 2)
    still = np.abs(data.cycle[y < -0.02]).max()
    return (
        *found,
        near("median end of all starts over its prediction", np.median(shares), 1,
             4 * p.piled, "relative error of order epsilon"),
        near("largest |z| below the flip, epsilon = 0", still, 0, 1e-9, "stable fixed point"),
        near("mean z^2 over y/2 above the flip", amplitude.mean(), 1, y[cycling].mean(),
             "relative error y: odd powers of z cancel in the cycle"),
    )  # fmt: skip


def _slope(E: float, ends: list[EdgeOffset], ladder: tuple[float, ...]) -> Check:
    """d offset/dε at ε → 0, by extrapolation of the two smallest."""
    first, second = (float(end) / epsilon for end, epsilon in zip(ends[:2], ladder, strict=False))
    ratio = ladder[1] / ladder[0]
    limit = first + (first - second) / (ratio - 1)
    predicted = ends[0].predicted
    assert predicted is not None
    share = predicted / ladder[0]
    return near(f"slope of the offset in epsilon, E = {E:g}", limit, share,
                5 * (ladder[1] * (1 + E)) ** 2 * share,
                "relative error (epsilon (1 + E))^2 is left")  # fmt: skip


def _average(epsilon: float, run: Curve, averaged: Curve) -> Check:
    """Largest distance of T from its average, in units of the start's y."""
    _, mean = pairs(run)
    start = averaged["T"][0] - 2
    gap = np.abs(mean - averaged["T"]).max() / (mean[0] - mean[-1])
    return Check(f"map from average, epsilon = {epsilon:g}", gap, 0, np.sqrt(2 * start),
                 "relative error y^(1/2) of leading orders")  # fmt: skip
