"""The regimes of the theories on finite data: linear, second-order, and two eigenvalues."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...solvers.linear.kernel_norm import noise_kernel_norm
from ...solvers.two_eigenvalues.edge_offset import edge_offset
from ...theory.linear.problem import LinearModel
from ...theory.methods import SGD, GradientDescent
from ...theory.second_order.problem import QuadraticRegression
from ...theory.two_eigenvalues.problem import TwoEigenvalueModel
from .regime import Measured, Regime, Study

STEPS = (10.0, 30.0, 100.0)


def studies() -> Iterator[Study]:
    """Yield the studies of the theories on finite data, in the order of the page."""
    yield _linear()
    yield _quadratic()
    yield _proportional()
    yield _one_example()


# ---- linear model ----


def linear(data: int, aligned: bool = False) -> LinearModel:
    """D examples of 2D Gaussian features of variance j^(-3/2); aligned: a start along one mode."""
    rng = np.random.default_rng(data)
    features = rng.standard_normal((data, 2 * data)) * np.arange(1, 2 * data + 1) ** -0.75
    if not aligned:
        return LinearModel(jacobian=features, residual=np.ones(data))
    top = np.linalg.eigh(features @ features.T)[1][:, -1]
    return LinearModel(jacobian=features, residual=np.sqrt(data) * top)


def _linear() -> Study:
    rows = []
    middle = linear(50)
    for limit in ("exact", "closure", "sde"):
        for data in (10, 50, 200):
            rows.append(_linear_row(f"D = {data}", linear(data), SGD(0.3, batch=2), limit))
        aligned = linear(50, aligned=True)
        rows.append(_linear_row("start along the top mode", aligned, SGD(0.3, batch=2), limit))
        for rate in (0.1, 0.7):
            rows.append(_linear_row(f"rate {rate:g}", middle, SGD(rate, batch=2), limit))
        rows.append(_linear_row("batch 10", middle, SGD(0.3, batch=10), limit))
    shared = (
        "D examples of 2D Gaussian features of variance j^(-3/2), z = (1, …, 1), after 10, 30 and "
        "100 steps; D = 50, rate 0.3, B = 2 without replacement unless said; 2000 runs. K is the "
        "exact noise kernel norm, 1 at the stochastic edge. The SDE is compared in flow time "
        "rate · steps."
    )
    return Study("Linear model, mean loss", shared, tuple(rows))


def _linear_row(what: str, problem: LinearModel, method: SGD, limit: str) -> Regime:
    norm = noise_kernel_norm(problem, method, form="exact")
    options: dict[str, Any] = {"limit": limit}
    clock = 1.0
    if limit == "sde":
        options["paths"], clock = 2000, method.rate
    label = f"{what} (K = {float(norm):.2f}), {limit}"
    return Regime(label, problem, method, STEPS, 2000, options, clock=clock)


# ---- second-order regression ----


def quadratic(data: int, parameters: int, size: float = 1.0) -> QuadraticRegression:
    """The same Θ₀ for every P, of top eigenvalue about 2D; residuals of the given size."""
    rng = np.random.default_rng(7)
    features = rng.standard_normal((data, 3 * data)) / np.sqrt(3)
    residual = size * np.where(rng.random(data) < 0.5, -1.0, 1.0)
    return QuadraticRegression(
        data, parameters, 0.3, jacobian=features @ features.T, residual=residual
    )


def _quadratic() -> Study:
    data, parameters, rows = 8, 100, []
    problem, far = quadratic(data, parameters), quadratic(data, parameters, size=2.0)
    for name in ("loss", "sharpness"):
        for size in (50, 200, 800):
            sized = quadratic(data, size)
            rows.append(_quadratic_row(f"P = {size}", sized, GradientDescent(0.2), name))
        rows.append(_quadratic_row("start twice as far", far, GradientDescent(0.2), name))
        rows.append(_quadratic_row("rate 0.6", problem, GradientDescent(0.6), name))
        noisy = SGD(0.2, batch=4)
        rows.append(_quadratic_row("batch 4", problem, noisy, name, mask_samples=200))
        for rate in (0.05, 0.2):
            smooth, label = GradientDescent(rate), f"rate {rate:g}"
            rows.append(_quadratic_row(label, problem, smooth, name, limit="flow"))
            noisy, label = SGD(rate, batch=4), f"rate {rate:g}, batch 4"
            rows.append(_quadratic_row(label, problem, noisy, name, limit="sde", paths=400))
    shared = (
        f"D = {data}, κ = 0.3, one Θ₀ and z₀ for every P, after 5, 10 and 20 steps; "
        f"P = {parameters}, full batch, rate 0.2 unless said; 400 runs, each with its own "
        "curvature. The limit is P → ∞ at fixed D unless said."
    )
    return Study("Second-order regression, D fixed", shared, tuple(rows))


def _quadratic_row(what: str, problem: Any, method: Any, quantity: str, **limit: Any) -> Regime:
    name = limit.get("limit", "fixed-data")
    clock = method.rate / problem.data if name in ("flow", "sde") else 1.0
    shown = "" if name == "fixed-data" else f", {name}"
    return Regime(
        f"{quantity}: {what}{shown}",
        problem,
        method,
        (5.0, 10.0, 20.0),
        400,
        limit,
        clock=clock,
        quantity=quantity,
    )


def _proportional() -> Study:
    rows = [_ratio_row(f"D = P = {P}", P, GradientDescent(0.5)) for P in (20, 40, 80, 160)]
    rows += [_ratio_row("D = P = 80, rate 1", 80, GradientDescent(1.0))]
    rows += [_ratio_row("D = P = 80, batch 20", 80, SGD(0.25, batch=20))]
    shared = (
        "κ̃ = 0.4, rate 0.5 and full batch unless said, after 3, 10 and 30 steps; 200 runs, each "
        "with its own features, residuals and curvature."
    )
    return Study("Second-order regression, D/P fixed, mean loss", shared, tuple(rows))


def _ratio_row(what: str, size: int, method: Any) -> Regime:
    problem = QuadraticRegression(size, size, 0.4 / size)
    limit, times = {"limit": "proportional"}, (3.0, 10.0, 30.0)
    return Regime(what, problem, method, times, 200, limit, {"redraw": True})


# ---- one example, two eigenvalues ----


@dataclass(frozen=True)
class EndOffset:
    """The end of the exact map beside its prediction; nothing in it is random."""

    epsilon: float
    invariant: float

    @property
    def label(self) -> str:
        """The parameters."""
        return f"ε = {self.epsilon:g}, E = {self.invariant:g}"

    def measure(self, key: int) -> Measured:
        """The offset 2 − rate · sharpness of the map over that from the start."""
        found = edge_offset(TwoEigenvalueModel(self.epsilon, self.invariant))
        assert found.predicted is not None
        return Measured(self.label, found.value / found.predicted - 1, 0.0, None, None, None, ())


def _one_example() -> Study:
    rows = tuple(EndOffset(e, E) for e in (0.04, 0.02, 0.01, 0.005) for E in (0.0, 0.5, 2.0))
    shared = "Offset 2 − rate · sharpness at the end, against ε(1 + E)/2, from z = .05, T = 2.25."
    return Study("One example, two eigenvalues", shared, rows, "two_eigenvalues")
