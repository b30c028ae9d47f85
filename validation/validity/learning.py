"""The regimes of networks: features, equilibria, and one unit that learns another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...theory.distillation.problem import BlockwiseDistillation
from ...theory.equilibrium.problem import EquilibriumNetwork
from ...theory.feature_alignment.problem import QuadraticNetwork
from ...theory.hessian.problem import SingleIndex
from ...theory.methods import SGD, FixedPointIteration, GradientDescent
from .regime import Regime, Study


def studies() -> Iterator[Study]:
    """Yield the studies of the families of networks."""
    yield _features()
    yield _equilibria()
    yield _unit()
    yield _blocks()


def _features() -> Study:
    problem = QuadraticNetwork(20, 10, np.linspace(-0.5, 1.5, 10), readout="ones")
    rows = [
        Regime(f"b = {b}", problem, SGD(0.01, batch=b), (0.2, 0.5), 100, {"limit": "map"})
        for b in (100, 400)
    ]
    shared = "d = 10, k = 20, rate 0.01, after t = 0.2 and 0.5, against descent on the population."
    return Study("Networks: SGD on a quadratic network, loss", shared, tuple(rows))


def _equilibria() -> Study:
    rows = []
    for ensemble in ("ginibre", "haar"):
        for size in (200, 400):
            problem = EquilibriumNetwork(ensemble, 0.8, size=size)
            label = f"{ensemble}, N = {size}"
            rows.append(
                Regime(label, problem, FixedPointIteration(), (2.0, 6.0), 200, quantity="q")
            )
    shared = "Length of the state after 2 and 6 iterations, tanh, σ = 0.8, σ_x = 0.7; 200 networks."
    return Study("Networks: transients of an equilibrium network", shared, tuple(rows))


def _unit() -> Study:
    rows = [
        Regime(
            f"d = {d}, batch {d}",
            SingleIndex(d, norm=0.8, overlap=0.3),
            SGD(0.1, batch=d),
            (5.0, 20.0),
            200,
        )
        for d in (50, 200)
    ]
    shared = "GELU, |w|² = 0.8, w·w* = 0.3, rate 0.1, after 5 and 20 steps; 200 runs."
    return Study("Networks: one unit learns another, loss", shared, tuple(rows))


def _blocks() -> Study:
    problem = BlockwiseDistillation([1.0, 0.6], start=0.01, switch=1.5)
    rows = [
        Regime(f"flow, rate {rate:g}", problem, GradientDescent(rate), (1.5, 3.0), 1)
        for rate in (0.02, 0.01)
    ]
    paths = {"limit": "sde", "paths": 4000}
    rows += [
        Regime(f"SDE, rate {rate:g}, b = {b}", problem, SGD(rate, batch=b), (1.5, 3.0), 400, paths)
        for rate, b in ((0.02, 8), (0.01, 4), (0.01, 1))
    ]
    shared = (
        "θ = 1 and 0.6, start 0.01, two blocks that become one at t = 1.5; after t = 1.5 and 3, "
        "against the matrices; 400 runs."
    )
    return Study("Networks: distillation of a deep linear teacher, loss", shared, tuple(rows))
