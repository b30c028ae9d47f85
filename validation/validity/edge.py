"""The regimes of the theories around the edge: SAM's first step and edge, the end of descent."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...solvers.gradient_flow_sharpness.quasi_static import shift_of
from ...solvers.gradient_flow_sharpness.stopping import stopping_point
from ...solvers.sam.early_time import sam_early_time
from ...solvers.sam.edge import sam_edge
from ...solvers.solve import solve
from ...theory.core.errors import ValidityWarning
from ...theory.gradient_flow_sharpness.problem import ScalarNetwork
from ...theory.methods import GradientDescent
from ...theory.methods.sam import SAM
from ...theory.second_order.problem import QuadraticRegression
from ...theory.two_eigenvalues.problem import TwoEigenvalueModel
from ..simulate.sam.first_step import first_step_runs
from .regime import SEED, Measured, Study

_NETWORKS = "gradient_flow_sharpness"


def studies() -> Iterator[Study]:
    """Yield the studies, in the order of the page."""
    yield _first_step()
    yield _edge_of_sam()
    yield _stopping()


@dataclass(frozen=True)
class FirstStep:
    """The top eigenvalue after one step of SAM, averaged over Q, beside the formula."""

    what: str
    method: SAM
    leading: bool = False

    @property
    def label(self) -> str:
        """What is varied."""
        return self.what

    def measure(self, key: int) -> Measured:
        """Mean over antithetic pairs over the formula, less 1."""
        problem = QuadraticRegression(4, 20, 0.1, seed=2)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ValidityWarning)
            early = sam_early_time(problem, self.method)
        said = tuple(str(w.message) for w in caught if w.category is ValidityWarning)
        left, s, right = np.linalg.svd(problem.G, full_matrices=False)
        exact = 2 * s[0] * float(left[:, 0] @ early.jacobian_change @ right[0]) / problem.data
        expected = float(early.slope[0]) if self.leading else exact
        seed = np.random.SeedSequence(SEED, spawn_key=(key,))
        ratio = first_step_runs(problem, self.method, 2000, seed)[:, 0] / expected
        sem = float(ratio.std(ddof=1) / np.sqrt(ratio.size))
        return Measured(self.label, float(ratio.mean()) - 1, sem, None, None, None, said)


def _first_step() -> Study:
    full, small = SAM(0.3, 0.4), SAM(0.3, 0.01)
    rows: list[Any] = [
        FirstStep("radius 0.4", full),
        FirstStep("radius 0.4, leading order", full, leading=True),
        FirstStep("radius 0.01, leading order", small, leading=True),
        FirstStep("radius 0.01, batch 1", SAM(0.3, 0.01, batch=1)),
        FirstStep("radius 0.4, batch 1", SAM(0.3, 0.4, batch=1)),
    ]
    shared = (
        "D = 4, P = 20, κ = 0.1, rate 0.3; 2000 antithetic pairs. On all of the data the average "
        "over Q is exact; the leading order is off by 1/P and by radius · sharpness, batches are "
        "taken to first order in the radius."
    )
    return Study("SAM, first step of the top mode", shared, tuple(rows), "sam")


@dataclass(frozen=True)
class EdgeOfSam:
    """Where the two-variable map comes to rest, over the edge."""

    epsilon: float
    radius: float

    @property
    def label(self) -> str:
        """The parameters."""
        return f"ε = {self.epsilon:g}, radius {self.radius:g}"

    def measure(self, key: int) -> Measured:
        """Sharpness at the end over the critical one, less 1; nothing in it is random."""
        edge, z = float(sam_edge(1.0, self.radius)), 0.3 * float(np.sqrt(self.epsilon))
        start = (z, (1 + 3 * self.epsilon) * edge + 2 * z)
        curve = solve(TwoEigenvalueModel(self.epsilon, 0.2, start), SAM(1.0, self.radius))
        error = float(curve.sharpness[-1]) / edge - 1
        return Measured(self.label, error, 0.0, None, None, None, ())


def _edge_of_sam() -> Study:
    rows = tuple(EdgeOfSam(e, r) for e in (0.04, 0.01, 0.0025) for r in (0.0, 0.1, 0.5))
    shared = "Sharpness at the end over the critical one, from 3ε above it; E = 0.2, rate 1."
    return Study("SAM, one example at the edge", shared, rows, "sam")


@dataclass(frozen=True)
class Stop:
    """Where descent on a scalar network stops, beside its prediction."""

    shape: tuple[float, ...]
    offset: float
    residual: float

    @property
    def label(self) -> str:
        """The parameters."""
        listed = ", ".join(f"{u:g}" for u in self.shape)
        return f"ln x = ({listed}), δ₀ = {self.offset:g}, e₀ = {self.residual:g}"

    def measure(self, key: int) -> Measured:
        """rate · sharpness at the end over the predicted one, less 1; nothing is random."""
        x = np.exp(np.array(self.shape) - np.mean(self.shape))
        rate = (2 + self.offset) / float(np.sum(1 / x))
        problem = ScalarNetwork(np.sqrt(x + shift_of(x, 1 + self.residual)))
        method = GradientDescent(rate)
        end = rate * float(solve(problem, method, 200_000, points=2).flow_sharpness[-1])
        error = end / float(stopping_point(problem, method)) - 1
        return Measured(self.label, error, 0.0, None, None, None, ())


def _stopping() -> Study:
    shapes = ((1.0, -1.0), (0.8, -0.8), (1.0, -0.2, -0.8), (0.9, 0.1, -0.2, -0.8))
    rows = [Stop(s, d, e) for s in shapes for d, e in ((0.03, 0.05), (0.1, 0.1), (0.1, -0.1))]
    shared = "rate · sharpness at the end of descent over that of `stopping_point`."
    return Study("Scalar networks, where descent stops", shared, tuple(rows), _NETWORKS)
