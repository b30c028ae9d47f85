r"""Where one example ends: T = rate · sharpness just under the edge, :math:`2-\epsilon(1+E)/2`.

The full (z, J₁, J₂) recursion beside what is derived for it: the average over two steps, the end,
and at ε = 0 the two-cycle :math:`z^2=y/2`, y = W − 2 − 2E. Model of arXiv 2210.04860.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....solvers.two_eigenvalues.edge_offset import EdgeOffset, edge_offset
from ....theory.methods import GradientDescent
from ....theory.two_eigenvalues.problem import TwoEigenvalueModel
from ...figures.axis import spaced
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, near
from ..look import REFERENCE, SEQUENCE, SIMULATION, THEORY, above, direct, kinds, sheet

TITLE = "one example at the edge of stability: it ends just below 2, by epsilon (1 + E)/2"
CAPTION = (
    "(a) Sharpness in pairs of steps, (b) the offset below 2 over ε, (c) ends of many starts, "
    "(d) the flip at ε = 0. Take-away: one example ends below the edge by ε (1 + E)/2, from "
    "nearly everywhere."
)

UNIT = GradientDescent(1.0)


@dataclass(frozen=True)
class Parameters:
    """Curvatures ε and invariants E; the start Y = y/ε of the motions, the spread of the starts."""

    motions: tuple[float, ...] = (0.04, 0.02, 0.01)
    height: float = 2.0
    ladder: tuple[float, ...] = (0.002, 0.004, 0.008, 0.016, 0.032, 0.064)
    invariants: tuple[float, ...] = (0.0, 0.5, 2.0)
    piled: tuple[float, ...] = (0.04, 0.02, 0.01)
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

    ``ends`` holds, by ε, (T at the start, T at the end) of many starts, ``cycle`` the values of z
    that each W of ``slow`` visits at ε = 0.
    """

    parameters: Parameters
    motions: dict[float, tuple[Curve, Curve]]
    ladders: dict[float, list[EdgeOffset]]
    ends: dict[float, np.ndarray]
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
    motions = {epsilon: _motion(epsilon, p.height * epsilon) for epsilon in p.motions}
    ends = {epsilon: _ends(p, epsilon) for epsilon in p.piled}
    return Data(p, motions, ladders, ends, slow, _cycle(slow, p.settled))


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


def _ends(p: Parameters, epsilon: float) -> np.ndarray:
    rng = np.random.default_rng(p.seed)
    z, y = rng.uniform(-0.3, 0.3, p.starts), rng.uniform(0.0, p.highest, p.starts)
    starts = np.column_stack([z, 2 + y + 2 * z])
    runs = simulate(TwoEigenvalueModel(epsilon, 0.0), UNIT, starts=starts, points=2)
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
        styles = {
            "theory: averaged equations, predicted ends": THEORY,
            "gradient descent": SIMULATION,
            r"two-cycle $z^2=y/2$ (d)": {"color": SEQUENCE[1], **THEORY},
        }
        above(axes[0].figure, kinds(styles), 3)

    return sheet(panels, width, rows=2, columns=2, aspect=0.72)


def _draw_motions(axis: Any, data: Data) -> None:
    shades = ordered(list(data.motions))
    for epsilon, (run, averaged) in data.motions.items():
        colour = shades[epsilon]
        axis.plot(averaged.time[1:], averaged["T"][1:], color=colour, **THEORY)
        steps, mean = pairs(run)
        some = spaced(steps, 20, log=True)
        axis.plot(steps[some], mean[some], color=colour, **SIMULATION)
    axis.axhline(2, **REFERENCE)
    axis.set(xscale="log", xlabel="step", ylabel=r"$\eta\lambda$, mean of two steps")
    ends = {e: averaged["T"][-1] for e, (_, averaged) in data.motions.items()}
    direct(axis, {rf"$\epsilon={e:g}$": (end, shades[e]) for e, end in ends.items()})


def _draw_ladders(axis: Any, data: Data) -> None:
    shades = ordered(list(data.ladders))
    for E, ends in data.ladders.items():
        colour = shades[E]
        ladder = data.parameters.ladder
        # beyond small ε(1 + E) there are ends, but no predictions
        predicted = [np.nan if end.predicted is None else end.predicted for end in ends]
        axis.plot(ladder, predicted, color=colour, **THEORY)
        axis.plot(ladder, [float(end) for end in ends], color=colour, **SIMULATION)
    axis.set(xscale="log", yscale="log", xlabel=r"$\epsilon$", ylabel=r"$2-\eta\lambda$ at the end")
    axis.set_xlim(min(data.parameters.ladder) / 2, 2 * max(data.parameters.ladder))
    last = {E: float(ends[-1]) for E, ends in data.ladders.items()}
    direct(axis, {f"$E={E:g}$": (end, shades[E]) for E, end in last.items()})


def _draw_ends(axis: Any, data: Data) -> None:
    axis.axhline(2, **REFERENCE)
    shades = ordered(list(data.motions))
    for epsilon, ends in data.ends.items():
        colour = shades.get(epsilon, SEQUENCE[0])
        axis.plot(*ends.T, color=colour, **SIMULATION)
        axis.axhline(2 - _predicted(epsilon), color=colour, **THEORY)
    axis.set(xlabel=r"$\eta\lambda$ at the start", ylabel=r"$\eta\lambda$ at the end")
    found = {e: (2 - _predicted(e), shades.get(e, SEQUENCE[0])) for e in data.ends}
    direct(axis, {rf"$\epsilon={e:g}$": at for e, at in found.items()})


def _predicted(epsilon: float) -> float:
    """The predicted offset at E = 0."""
    found = edge_offset(TwoEigenvalueModel(epsilon, 0.0)).predicted
    assert found is not None
    return found


def _draw_cycle(axis: Any, data: Data) -> None:
    for z in data.cycle.T:
        axis.plot(
            data.slow, z, ".", markersize=0.8, markeredgewidth=0, color="0.35", rasterized=True
        )
    y = np.linspace(0, 0.6, 100)
    for sign in (-1, 1):
        axis.plot(2 + y, sign * np.sqrt(y / 2), color=SEQUENCE[1], **THEORY)
    axis.set(xlabel=r"$W$ at $\epsilon=0$", ylabel="visited $z$")


def checks(data: Data) -> tuple[Check, ...]:
    """Ends, their order in ε, the average, the pile, and the flip."""
    p = data.parameters
    y = data.slow - 2
    # cycles are approached like exp(-2y) a step
    cycling = (y > 20 / p.settled) & (y < 0.1)
    amplitude = (data.cycle[cycling] ** 2).mean(axis=1) / (y[cycling] / 2)
    still = np.abs(data.cycle[y < -0.02]).max()
    return (
        *(_slope(E, ends, p.ladder) for E, ends in data.ladders.items()),
        _average(data),
        _pile(data),
        near("largest |z| below the flip, epsilon = 0", still, 0, 1e-9, "stable fixed point"),
        near(
            "mean z^2 over y/2 above the flip, y to 0",
            np.polyfit(y[cycling], amplitude, 2)[-1],
            1,
            y[cycling].max() ** 3,
            "a parabola in y leaves y^3",
        ),
    )


def _slope(E: float, ends: list[EdgeOffset], ladder: tuple[float, ...]) -> Check:
    """d offset/dε at ε → 0, by a parabola through the three smallest."""
    shares = [float(end) / epsilon for end, epsilon in zip(ends[:3], ladder, strict=False)]
    predicted = ends[0].predicted
    assert predicted is not None
    curved = float(np.polyfit(ladder[:3], shares, 2)[-1])
    return near(
        f"slope of the offset in epsilon, E = {E:g}",
        curved,
        predicted / ladder[0],
        abs(curved - _at_zero(ladder[:2], shares[:2])),
        "parabola less straight line, of the order of (epsilon (1 + E))^2",
    )


def _at_zero(epsilons: Sequence[float], values: Sequence[float]) -> float:
    """Where the straight line through two values meets ε = 0."""
    return float(np.polyfit(epsilons, values, 1)[-1])


def _average(data: Data) -> Check:
    """Order in ε of the largest distance of T from its average, over how far T moves."""
    gaps = []
    for run, averaged in data.motions.values():
        _, mean = pairs(run)
        gaps.append(np.abs(mean - averaged["T"]).max() / (mean[0] - mean[-1]))
    epsilons = np.array(list(data.motions))
    order = np.polyfit(np.log(epsilons), np.log(gaps), 1)[0]
    return near(
        "order in epsilon of the map from its average",
        order,
        0.5,
        np.sqrt(epsilons.max()) / 2,
        "leading orders in epsilon^(1/2), with a relative error of that order",
    )


def _pile(data: Data) -> Check:
    """Median end of all starts over the predicted one, at ε → 0, by a parabola through three."""
    epsilons = list(data.ends)
    shares = [np.median(2 - ends[:, 1]) / _predicted(e) for e, ends in data.ends.items()]
    curved = float(np.polyfit(epsilons, shares, 2)[-1])
    return near(
        "median end of all starts over its prediction, epsilon to 0",
        curved,
        1,
        abs(curved - _at_zero(epsilons[-2:], shares[-2:])),
        "parabola less straight line, of the order of epsilon^2; the same starts at every epsilon",
    )
