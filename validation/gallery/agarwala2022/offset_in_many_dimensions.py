r"""The offset from the edge in many dimensions: a run ends as far below 2 as it began above.

Let :math:`h\Theta` have the largest eigenvalue 2 + y, and z be what is left along its mode u.
Averaged over pairs of steps :math:`y^2+cz^2` is conserved to leading order, for every curvature and
dimension with :math:`c=|\Pi_\perp Q_uJ_u|^2>0`, so that the end is −y; the rest is of relative
order y. The law is derived in ``theory.second_order.offset``, and what is drawn and tested here is
what that prints. For one example c is :math:`T_2-T_1^2/2`, which two curvatures of ratio ε make as
small as ε: then the end is ε(1 + E)/2 instead (see `edge_of_one_datapoint`). Model of arXiv
2210.04860.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.second_order.curvature import DenseCurvature
from ....theory.methods import GradientDescent
from ....theory.second_order.offset import offset_theory
from ....theory.second_order.problem import QuadraticRegression
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, near, power_at_zero
from ..look import POINTS, REFERENCE, SIMULATION, THEORY, key, sheet

TITLE = "the offset from the edge in many dimensions: as far below 2 as the run began above"
CAPTION = (
    "Gradient descent on second-order regression with D = {data} examples and random curvatures, "
    "from just above the edge. (a) Offset below 2 at the end over the excess at the start (means "
    "over {runs} curvatures), and the law: equal. (b) What is left of it, root mean square, falls "
    "with the excess. (c) Orbits at the excess {shown}: the residual along the top mode against "
    "the distance from the edge, and the conserved y² + c z². Take-away: in many dimensions the "
    "offset mirrors the excess, whatever the curvature."
)

Array = np.ndarray


@dataclass(frozen=True)
class Parameters:
    """D, P; excess of h λ_max over 2; the other eigenvalues; steps in units of 1/excess; κ = 1."""

    data: tuple[int, ...] = (1, 3, 10)
    parameters: int = 60
    excess: tuple[float, ...] = (0.005, 0.01, 0.02, 0.04, 0.08)
    others: tuple[float, float] = (0.5, 1.3)
    first: float = 5e-3
    steps: float = 30.0
    pairs: int = 150
    shown: float = 0.04
    runs: int = 12
    seed: int = 3


QUICK = Parameters()
FULL = Parameters(data=(1, 3, 10, 30), parameters=100, runs=40)


@dataclass(frozen=True, eq=False)
class Data:
    """By D: what is conserved at the start, the root of y² + c z², and offsets at the end, both
    (excess, run); c z² where y crosses 0 over what is conserved less y², likewise; and the orbits
    (y, c z²) of the shown excess in units of what is conserved, (run, 2, time)."""

    excess: Array
    starts: dict[int, Array]
    offsets: dict[int, Array]
    turns: dict[int, Array]
    orbits: dict[int, Array]


def compute(parameters: Parameters) -> Data:
    """Every D and excess on the same curvatures."""
    p = parameters
    starts, offsets, turns, orbits = {}, {}, {}, {}
    law = offset_theory().functions
    for D in p.data:
        found = np.array([[_run(p, D, y, k) for k in range(p.runs)] for y in p.excess])
        y, square = found[:, :, 0], found[:, :, 1]
        # the square has its factor c already
        starts[D] = -law["y_end"](y=y[..., 0], z=np.sqrt(square[..., 0]), c=1.0)
        offsets[D] = -y[..., -1]
        pieces = zip(y, square, starts[D], strict=True)
        turns[D] = np.array([list(map(_turn, *piece)) for piece in pieces])
        k = p.excess.index(p.shown)
        unit = starts[D][k][:, None, None]
        orbits[D] = found[k] / np.concatenate([unit, unit**2], axis=1)
    return Data(np.array(p.excess), starts, offsets, turns, orbits)


def _run(p: Parameters, D: int, excess: float, number: int) -> Array:
    """y and c z² along one run, averaged over pairs of steps."""
    sequence = np.random.SeedSequence(p.seed, spawn_key=(D, number))
    tensor = DenseCurvature.draw(sequence, (D, p.parameters), 1 / p.parameters).tensor
    problem, u = _start(p, D, excess, np.random.default_rng(sequence))
    even = 2 * np.unique(np.linspace(0, p.steps / excess / 2, p.pairs).round().astype(int))
    run = simulate(
        problem,
        GradientDescent(float(D)),
        times=np.unique(np.concatenate([even, even + 1])),
        runs=1,
        seed=p.seed,
        tensor=tensor,
        progress=False,
    )
    y, squares = D * run.sharpness - 2, 2 * D * run.loss
    c = leaving(tensor, problem.G, u)
    return np.stack([y[::2] + y[1::2], c * (squares[::2] + squares[1::2])]) / 2


def _start(
    p: Parameters, D: int, excess: float, rng: np.random.Generator
) -> tuple[QuadraticRegression, Array]:
    """Random modes of given eigenvalues, with little left along the top one; and that mode."""
    left = np.linalg.qr(rng.standard_normal((D, D)))[0]
    right = np.linalg.qr(rng.standard_normal((p.parameters, D)))[0]
    values = np.sqrt(np.append(2 + excess, np.linspace(*p.others, D - 1)))
    u = left[:, 0]
    residual = p.first * excess * u
    problem = QuadraticRegression(D, p.parameters, 1.0, (left * values) @ right.T, residual)
    return problem, u


def leaving(tensor: Array, G: Array, u: Array) -> float:
    """Return c: the square of Q_u J_u off the rows of J."""
    bent = np.einsum("a,aij->ij", u, tensor)
    return float(offset_theory().functions["leaving"](u=u[:, None], Q_u=bent, J=G))


def _turn(y: Array, square: Array, start: float) -> float:
    """c z² over what is conserved less y², at y = 0: a parabola through the points about it."""
    about = np.abs(y) < 0.6 * start
    share = square[about] / (start**2 - y[about] ** 2)
    return float(np.polyfit(y[about] / start, share, 2)[-1])


def draw(data: Data, width: str | float) -> HouseFigure:
    """Offsets over the excess, what is left of the law, and orbits."""
    shades = ordered(list(data.offsets))

    def panels(axes: Any) -> None:
        x, law = data.excess, offset_theory().functions
        axes[0].plot(x, -law["y_end"](y=x, z=0.0, c=1.0), color="0.3", zorder=0, **THEORY)
        for D, offsets in data.offsets.items():
            mean, error = offsets.mean(axis=1), _error(offsets)
            axes[0].errorbar(x, mean, 2 * error, color=shades[D], elinewidth=0.8, **SIMULATION)
            axes[1].plot(x, _left(data, D), color=shades[D], **SIMULATION)
            for y, square in data.orbits[D]:
                axes[2].plot(y, square, color=shades[D], **POINTS)
        axes[1].plot(x, _left(data, max(data.offsets))[0] * x / x[0], zorder=0, **REFERENCE)
        y = np.linspace(-1, 1, 200)
        square = law["conserved"](y=1.0, z=0.0, c=1.0) - law["conserved"](y=y, z=0.0, c=1.0)
        axes[2].plot(y, square, color="0.3", zorder=3, **THEORY)
        excess = r"excess $y_0=h\lambda_{\max}-2$"
        below = r"$2-h\lambda_{\max}$ at the end"
        axes[0].set(xscale="log", yscale="log", xlabel=excess, ylabel=below)
        axes[1].set(xscale="log", yscale="log", xlabel=excess, ylabel="offset/excess less 1")
        axes[2].set(xlabel=r"$y/y_0$, mean of two steps", ylabel=r"$c\,z^2/y_0^2$")
        lines = {"law": THEORY, "gradient descent, mean ± 2 s.e. (a)": SIMULATION}
        lines |= {"single runs (c)": POINTS, "first power (b)": REFERENCE}
        key(axes[0], lines, 4, colours={f"$D={D}$": c for D, c in shades.items()})

    return sheet(panels, width, columns=3, aspect=0.95)


def _error(values: Array) -> Array:
    return values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])


def _left(data: Data, D: int) -> Array:
    """Root mean square over the curvatures of offset/excess − 1."""
    return np.sqrt(np.mean((data.offsets[D] / data.starts[D] - 1) ** 2, axis=1))


def checks(data: Data) -> tuple[Check, ...]:
    """The law and the conserved square at excess → 0, its power, and the order of what is left."""
    found = []
    x = data.excess
    for D, offsets in data.offsets.items():
        found.append(_limit(f"D = {D}: offset over excess", x, offsets / data.starts[D]))
        found.append(_limit(f"D = {D}: c z^2/(y0^2 - y^2) where y = 0", x, data.turns[D]))
        # relative errors a y of the law bend the power by their slope, a Δy over Δ ln y
        bend = _left(data, D)[1] / np.log(x[1] / x[0])
        name, origin = f"D = {D}: power of the excess in the offset", "relative error of order y"
        found.append(near(name, _power(x, offsets.mean(axis=1)), 1, bend, origin))
        found.append(_order(f"D = {D}: order of what is left, at excess 0", x, _left(data, D)))
    return tuple(found)


def _order(name: str, x: Array, values: Array) -> Check:
    limit, powers = power_at_zero(x, values)
    return near(name, limit, 1, np.ptp(powers), "y^2 beside y; how far the powers of pairs differ")


def _power(x: Array, values: Array) -> float:
    """Of x, between the two smallest."""
    return float(np.log(values[1] / values[0]) / np.log(x[1] / x[0]))


def _limit(name: str, x: Array, values: Array) -> Check:
    """Mean over curvatures at x → 0, by a parabola through the three smallest; what a straight line
    through two gives differently bounds its error."""
    curved = np.polyfit(x[:3], values[:3], 2)[-1]
    straight = np.polyfit(x[:2], values[:2], 1)[-1]
    tolerance = np.sqrt(np.mean((curved - straight) ** 2))
    origin = "parabola less straight line, of the order of y^2"
    return near(f"{name} less 1, at excess 0", curved.mean() - 1, 0, tolerance, origin)
