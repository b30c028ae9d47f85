"""The regimes of step-size tuners, and of SGD at an interpolating minimum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...solvers.solve import solve
from ...theory.methods import CDAT, SGD, Armijo, GradientDescent, OnEdge, Polyak
from ...theory.methods.sgd import SAMPLINGS
from ...theory.second_order.problem import QuadraticRegression
from ...theory.sgd_stability.problem import InterpolatingMinimum
from ...theory.tuners.problem import SharpnessToy
from ..simulate import simulate
from .regime import SEED, Measured, Regime, Study


def studies() -> Iterator[Study]:
    """Yield the studies of both families."""
    yield _laws()
    yield _cycles()
    yield _regression()
    yield _second_moment()


@dataclass(frozen=True)
class Unrandom:
    """A theory against one run of an algorithm that draws nothing.

    Attributes
    ----------
    label : str
    problem, method
    limit : str
    steps : int
    quantity : str
    shared : dict
        Given to both, such as the seed of one curvature.
    announced : float or None
        Of an exact map: its rounding.
    """

    label: str
    problem: Any
    method: Any
    limit: str
    steps: int
    quantity: str
    shared: dict[str, Any] = field(default_factory=dict)
    announced: float | None = None

    def measure(self, key: int) -> Measured:
        """The largest relative error over the steps; nothing is random."""
        times = np.unique(np.linspace(0, self.steps, 101).round())
        theory = solve(self.problem, self.method, times=times, limit=self.limit, **self.shared)
        run = simulate(self.problem, self.method, times=times, runs=1, **self.shared)
        ratio = run[self.quantity][1:] / theory[self.quantity][1:] - 1
        worst = float(ratio[np.argmax(np.abs(ratio))])
        return Measured(self.label, worst, 0.0, self.announced, None, None, ())


def _laws() -> Study:
    rows = []
    for fraction in (0.5, 0.9, 1.0):
        toy = SharpnessToy(2.0, 1.0, 0.01, start=(0.01, 0.0))
        label = f"{fraction:g} of the edge"
        rows.append(Unrandom(label, toy, OnEdge(fraction), "slow", 4000, "sharpness"))
    for scale in (1.5, 1.9, 1.99, 1.999):
        toy = SharpnessToy(2.0, 1.0, 0.01)
        rows.append(Unrandom(f"CDAT {scale:g}", toy, CDAT(scale), "slow", 4000, "sharpness"))
    shared = "Sharpness of the toy, l0 = 2, k = 1, alpha = .01, over 4000 steps, against its law."
    return Study("Step-size tuners, slow laws", shared, tuple(rows))


def _cycles() -> Study:
    rows = []
    for drive in (1e-2, 1e-3, 1e-4):
        toy = SharpnessToy(4.0, 2**0.5, drive / 2**0.5, start=(0.5 * drive**0.5, 0.0))
        steps = int(round(2 * np.pi / (0.5 * (2 * drive) ** 0.5)))
        label, method = f"a = {drive:g}", GradientDescent(0.5)
        rows.append(Unrandom(label, toy, method, "averaged", steps, "edge"))
    shared = "ηλ over the first period from x = x*/2, against the average over two steps; b = 1."
    return Study("Constant rate at the edge, average over two steps", shared, tuple(rows))


def _regression() -> Study:
    problem, one = QuadraticRegression(8, 40, 0.1, seed=2), {"seed": SEED}
    rules: list[tuple[str, Any]] = [
        ("CDAT 1", CDAT(1.0)),
        ("CDAT 1.9", CDAT(1.9)),
        ("CDAT 1.9, batch 2", CDAT(1.9, batch=2)),
        ("Armijo 0.5", Armijo(0.5)),
        ("Polyak", Polyak(1.0)),
    ]
    rows = tuple(
        Unrandom(label, problem, rule, "map", 20, "sharpness", one, 1e-10) for label, rule in rules
    )
    shared = (
        "D = 8, P = 40, κ = 0.1: sharpness over 20 steps, the recursion in residual and Jacobian "
        "against the rule in the parameters, with the same curvature and batches; "
        "exact, so rounding is announced."
    )
    return Study("Step-size tuners on second-order regression", shared, rows)


def _second_moment() -> Study:
    rng = np.random.default_rng(11)
    problem = InterpolatingMinimum(features=rng.standard_normal((20, 10)))
    rows = []
    for sampling in SAMPLINGS:
        for rate in (0.05, 0.1):
            method = SGD(rate, batch=2, sampling=sampling)
            label = f"{sampling.replace('_', ' ')}, rate {rate:g}"
            rows.append(Regime(label, problem, method, (1.0, 3.0, 6.0), 20_000))
    shared = "20 Gaussian examples in 10 dimensions, batch 2, after 1, 3 and 6 steps; 20 000 runs."
    return Study("SGD at an interpolating minimum, mean loss", shared, tuple(rows))
