r"""Traces of the Hessian of a small network on digits and of its two parts.

Hutchinson's estimates along training for GELU of two sharpnesses and for the ReLU, and the
neglected part over the sharpness beside its exact value: with one hidden layer it is
:math:`\frac1D\sum_{k}(|x_k|^2+1)\sum_{i,c}z_{kc}a_{ic}\varphi''(h_{ki})`. Definitions after arXiv
2401.10809; the figure is our own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp

from ....solvers.core.blas import one_thread
from ....theory.activations import GELU, Activation, ReLU
from ....theory.core.numeric import values_of
from ....theory.methods import GradientDescent
from ...figures.style import HouseFigure
from ...networks.descend import path
from ...networks.digits import digits_network
from ...networks.mlp import MLP
from ...networks.traces import HessianTraces, hessian_traces
from ..check import Check, below, largest, near
from ..look import EXACT, REFERENCE, SEQUENCE, SIMULATION, THEORY, key, sheet

TITLE = "both parts of the Hessian of a network on digits, for GELU and ReLU"
CAPTION = (
    "One hidden layer of {width} units on {examples} digits, squared loss. (a) Trace of the "
    "Gauss-Newton part and (b) of the neglected part along descent from one start: by {probes} "
    "random vectors (bars 2 s.e.), (b) exact as lines. (c) The neglected part at one point over "
    "the sharpness of GELU, exact (line) and by the vectors (markers); dashes: share of units "
    "and examples with a curvature above a hundredth of its largest. Take-away: the neglected part "
    "is small against the other and of either sign; as the activation sharpens it sits on ever "
    "fewer inputs, so that a handful of them decides it, and for a ReLU automatic differentiation "
    "sees none of it."
)
UNITS: dict[str, Activation] = {"GELU, β = 1": GELU(), "GELU, β = 10": GELU(10.0), "ReLU": ReLU()}
#: of the largest |φ″|, below which an input does not count
_SMALL = 0.01
_x = sp.Symbol("x", real=True)

Array = np.ndarray


@dataclass(frozen=True)
class Parameters:
    """Data, width, descent, vectors, the sharpnesses and the seed."""

    examples: int = 200
    width: int = 32
    rate: float = 0.05
    steps: int = 300
    every: int = 30
    probes: int = 150
    betas: tuple[float, ...] = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
    seed: int = 5


QUICK = Parameters()
FULL = Parameters(examples=400, steps=1000, every=50, probes=500)


@dataclass(frozen=True, eq=False)
class Data:
    """Steps, traces and exact neglected parts by unit; over β the same, and the share."""

    parameters: Parameters
    steps: Array
    traces: dict[str, list[HessianTraces]]
    along: dict[str, Array]
    sharp: list[HessianTraces]
    exact: Array
    share: Array
    kink: HessianTraces


def compute(p: Parameters) -> Data:
    """Train from one start with each unit, and change the unit at one point."""
    network = digits_network(p.examples, p.seed, hidden=(p.width,), activation="relu")
    start = network.start(np.random.default_rng(p.seed))
    traces, along = dict[str, list[HessianTraces]](), dict[str, Array]()
    with one_thread():
        for name, unit in UNITS.items():
            own = replace(network, activation=unit)
            steps, thetas = path(own, GradientDescent(p.rate), p.steps, every=p.every, start=start)
            traces[name] = [hessian_traces(own, x, probes=p.probes, seed=p.seed) for x in thetas]
            along[name] = np.array([neglected_exactly(own, x)[0] for x in thetas])
        units = [replace(network, activation=GELU(beta)) for beta in p.betas]
        sharp = [hessian_traces(one, start, probes=p.probes, seed=p.seed) for one in units]
        exact, share = np.array([neglected_exactly(one, start) for one in units]).T
        kink = hessian_traces(network, start, probes=p.probes, seed=p.seed)
    return Data(p, steps, traces, along, sharp, exact, share, kink)


def neglected_exactly(network: MLP, theta: Array) -> tuple[float, float]:
    """The trace of the neglected part of one hidden layer, and the share of inputs it sits on."""
    first, last = network.layers(theta)
    sums = network.inputs @ first[:-1] + first[-1]
    unit = network.activation
    bend = values_of(sp.diff(unit.form, _x, 2), _x, unit.symbols)
    curved = bend(sums)
    pulled = network.residual(theta) @ last[:-1].T
    sizes = np.sum(network.inputs**2, axis=1) + 1
    # by symmetry of φ″ its largest value is at a bend of width 1/β, or nowhere for a kink
    width = 1 / getattr(unit, "beta", 1.0)
    largest = float(np.abs(bend(np.linspace(-3, 3, 1001) * width)).max())
    trace = float(sizes @ np.sum(pulled * curved, axis=1)) / network.data
    return trace, float(np.mean(np.abs(curved) > _SMALL * largest))


def draw(data: Data, width: str | float) -> HouseFigure:
    """Along descent, and over the sharpness."""
    p = data.parameters

    def panels(axes: Any) -> None:
        for name, colour in zip(UNITS, SEQUENCE, strict=False):
            for panel, part in zip(axes[:2], ("gauss_newton", "neglected"), strict=True):
                values, errors = _column(data.traces[name], part)
                panel.errorbar(data.steps, values, 2 * errors, color=colour, **SIMULATION)
            axes[1].plot(data.steps, data.along[name], color=colour, **THEORY)
        axes[0].set(xlabel="step", ylabel="Gauss-Newton trace")
        axes[1].set(xlabel="step", ylabel="neglected trace")
        axes[1].axhline(0, **REFERENCE)
        values, errors = _column(data.sharp, "neglected")
        axes[2].plot(p.betas, data.exact, color="black", **THEORY)
        axes[2].errorbar(p.betas, values, 2 * errors, color="black", **SIMULATION)
        axes[2].axhline(0, **REFERENCE)
        axes[2].set(xscale="log", xlabel=r"sharpness $\beta$ of GELU", ylabel="neglected trace")
        share = axes[2].twinx()
        share.plot(p.betas, data.share, color="0.4", **EXACT)
        share.set(yscale="log", ylabel="share of inputs")
        key(
            axes[0],
            {"exact": THEORY, "random vectors ± 2 s.e.": SIMULATION, "share (c)": EXACT},
            colours=dict(zip(UNITS, SEQUENCE, strict=False)),
        )

    return sheet(panels, width, columns=3, aspect=1.0)


def _column(found: list[HessianTraces], part: str) -> tuple[Array, Array]:
    pairs = [(getattr(each, part), getattr(each, f"{part}_error")) for each in found]
    values, errors = np.array(pairs).T
    return values, errors


def _scores(found: list[HessianTraces], exact: Array) -> Array:
    values, errors = _column(found, "neglected")
    return np.asarray(np.abs(values - exact) / errors)


def checks(data: Data) -> tuple[Check, ...]:
    """Hutchinson against the exact trace; what a ReLU shows; and where the part sits."""
    p = data.parameters
    points = [(data.sharp, data.exact), *((data.traces[name], data.along[name]) for name in UNITS)]
    scores = [_scores(f, e) for f, e in points]
    seen = float(np.abs(data.exact / _column(data.sharp, "neglected")[1]).max())
    shares = [np.abs(f.neglected) / f.gauss_newton for found in data.traces.values() for f in found]
    betas, freedom = np.array(p.betas), p.probes - 1
    slopes = np.diff(np.log(data.share)) / np.diff(np.log(betas))
    kink = data.kink.neglected / data.kink.neglected_error
    return (
        largest("largest |z| of tr NME against its exact value", np.concatenate(scores), freedom),
        Check("largest exact tr NME in its errors", seen, 4, np.inf, "it must be seen"),
        largest("|z| of tr NME of the ReLU", kink, freedom, ": no curvature is seen at a kink"),
        below("largest |tr NME| over tr GN along descent", max(shares), 1, "the smaller part"),
        near(
            "exponent of the share of inputs, largest β",
            slopes[-2:].mean(),
            -1,
            np.ptp(slopes[-3:]),
            "a bend of width 1/β; what it moves by",
        ),
    )
