r"""The sharpness at the end of gradient flow falls along gradient descent, on a network on digits.

A scalar network has a closed form of it, and a proof that it never rises while M <= 1; a network
has neither. Here the flow is integrated with error control until it is over, from the parameters
along runs of gradient descent below, at and beyond the edge. Definition of arXiv 2305.13064.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....solvers.core.curve import Curve
from ....theory.methods import GradientDescent
from ...figures.style import HouseFigure
from ...networks.descend import descend, path
from ...networks.digits import digits_network
from ...networks.flow_end import FlowEnd, flow_end
from ..check import ROUNDING, Check, below, beyond
from ..look import REFERENCE, SEQUENCE, SIMULATION, THEORY, above, kinds, sheet

TITLE = "a network on digits: sharpness at the end of the gradient flow along gradient descent"
CAPTION = (
    "(a) Rate times the sharpness of the iterate and of the point where gradient flow would end, "
    "along descent below, at and beyond the edge; (b) the loss. Take-away: the sharpness at the "
    "end of the flow falls along descent on this network too, until it is below the edge."
)


@dataclass(frozen=True)
class Parameters:
    """The network, rates in units of 2/φ of the start, and where the flow is followed."""

    examples: int = 20
    hidden: tuple[int, ...] = (64,)
    edges: tuple[float, ...] = (1.5, 2.0)
    steps: int = 600
    looked_at: tuple[int, ...] = (0, 1, 2, 5, 12, 30, 60, 150, 600)
    rtol: float = 1e-7
    loss: float = 1e-8
    seed: int = 0


QUICK = Parameters()
FULL = Parameters(
    looked_at=(*range(0, 61, 4), 150, 600), edges=(0.8, 1.2, 1.5, 2.0), rtol=1e-8, loss=1e-10
)


@dataclass(frozen=True, eq=False)
class Data:
    """By edge the rate, the run, and the ends of the flow at the steps that are looked at."""

    parameters: Parameters
    rates: dict[float, float]
    runs: dict[float, Curve]
    ends: dict[float, list[FlowEnd]]


def compute(parameters: Parameters) -> Data:
    """One start; the rates that it sets."""
    p = parameters
    network = digits_network(p.examples, seed=p.seed, hidden=p.hidden)
    start = network.start(np.random.default_rng(p.seed))
    first = flow_end(network, start, loss=p.loss, rtol=p.rtol)
    rates, runs, ends = {}, {}, {}
    for edge in p.edges:
        rates[edge] = 2 * edge / first.sharpness
        method = GradientDescent(rates[edge])
        runs[edge] = descend(network, method, p.steps, every=1, start=start, progress=False)
        steps, thetas = path(network, method, p.steps, every=1, start=start)
        chosen = np.isin(steps, p.looked_at)
        ends[edge] = [
            flow_end(network, theta, loss=p.loss, rtol=p.rtol) for theta in thetas[chosen]
        ]
    return Data(p, rates, runs, ends)


def draw(data: Data, width: str | float) -> HouseFigure:
    """Rate times either sharpness over the steps, and the loss."""
    p = data.parameters

    def panels(axes: np.ndarray) -> None:
        for colour, edge in zip(SEQUENCE, p.edges, strict=False):
            run, rate, ends = data.runs[edge], data.rates[edge], data.ends[edge]
            axes[0].plot(run.time, rate * run.sharpness, color=colour, linewidth=0.7, alpha=0.7)
            flow = [rate * end.sharpness for end in ends]
            axes[0].plot(p.looked_at[: len(flow)], flow, color=colour, **SIMULATION)
            axes[0].plot(p.looked_at[: len(flow)], flow, color=colour, linestyle=":", linewidth=0.8)
            axes[1].semilogy(
                run.time, run.loss, color=colour, label=rf"$\eta\varphi_0={2 * edge:g}$"
            )
        axes[0].axhline(2, **REFERENCE)
        axes[0].set(xlabel="step", ylabel=r"$\eta\times$ sharpness", ylim=(1, 4.2))
        axes[1].set(xlabel="step", ylabel="loss")
        for axis in axes:
            axis.set_xscale("symlog", linthresh=1)  # from 0 on
            axis.set(xlim=(0, p.steps), xticks=[0, 1, 10, 100], xticklabels=["0", "1", "10", "100"])
        axes[1].legend()
        styles = {"of the iterate": THEORY, r"$\varphi$, at the end of the flow": SIMULATION}
        above(axes[0].figure, kinds(styles), 2)

    return sheet(panels, width, columns=2, aspect=0.75)


def checks(data: Data) -> tuple[Check, ...]:
    """It falls, beyond what is not known of it, until gradient descent is below the edge."""
    found = []
    for edge, ends in data.ends.items():
        phi = np.array([end.sharpness for end in ends])
        error = np.array([end.error for end in ends])
        rises = (np.diff(phi) - error[1:] - error[:-1]) / phi[0]
        found.append(
            Check(
                f"largest rise of phi beyond its error, start at {2 * edge:g}",
                float(rises.max()),
                -np.inf,
                ROUNDING,
                "it falls along gradient descent; at rest it stays, to rounding",
            )
        )
        fall = (phi[0] - phi[-1] - error[0] - error[-1]) / phi[0]
        found.append(
            beyond(f"fall of phi beyond its error, start at {2 * edge:g}", fall, 0, "it moves")
        )
    last = max(data.ends)
    end = data.ends[last][-1]
    final = data.rates[last] * (end.sharpness + end.error)
    name = "rate times phi and its error at the end, from beyond the edge"
    # a product of 2 + x repels by a factor 1 + x a step
    most = 2 + 1 / data.parameters.steps
    return (*found, below(name, final, most, "beyond it, descent leaves by e within the run"))
