"""SAM solved: against the algorithm in θ, the edge, three outcomes, the flow, planted errors."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq

from limitlab.solvers.sam.early_time import sam_early_time
from limitlab.solvers.sam.edge import sam_cycle, sam_edge, sam_product
from limitlab.solvers.sam.regression import Task
from limitlab.solvers.solve import solve
from limitlab.theory.core.errors import InvalidInput, InvalidType, NotAvailable, ValidityWarning
from limitlab.theory.core.loops import Update
from limitlab.theory.derive import derive
from limitlab.theory.methods import SAM, GradientDescent
from limitlab.theory.second_order.problem import QuadraticRegression
from limitlab.theory.two_eigenvalues.problem import TwoEigenvalueModel

pytestmark = pytest.mark.interpreted

PROBLEM = QuadraticRegression(3, 7, 0.3)
KINDS = [(None, None), (2, None), (2, "with_replacement"), (2, "bernoulli")]


def in_parameters(problem, method, Q, masks, steps):
    """(loss, sharpness) of SAM written down in θ, by hand."""

    def at(theta):
        return (
            problem.z0 + problem.G @ theta + np.einsum("aij,i,j->a", Q, theta, theta) / 2,
            problem.G + np.einsum("aij,j->ai", Q, theta),
        )

    theta, seen = np.zeros(problem.parameters), []
    D, B = problem.data, method.batch or problem.data
    for t in range(steps + 1):
        z, J = at(theta)
        seen.append((z @ z / (2 * D), np.linalg.eigvalsh(J @ J.T)[-1] / D))
        gradient = J.T @ (masks[t % len(masks)] * z) / B
        if method.normalised:
            gradient = gradient / max(np.linalg.norm(gradient), 1e-150)
        z_up, J_up = at(theta + method.radius * gradient)
        theta = theta - method.rate * J_up.T @ (masks[t % len(masks)] * z_up) / B
    return np.array(seen).T


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize(("batch", "sampling"), KINDS)
def test_recursion_is_the_algorithm_in_its_parameters(batch, sampling, normalised):
    """50 steps to 1e-13 of the largest value. Normalised SAM divides by a gradient that falls to
    the order of the radius: at .3 a change of the start grows by less than 3 (measured), at .01 by
    10⁴."""
    steps = 50
    method = SAM(0.4, 0.3, normalised, batch=batch, sampling=sampling)
    curve = solve(PROBLEM, method, steps, seed=3, points=steps + 1)
    Q, rest = Task.of(PROBLEM, method, np.array([0, steps]), 3, None, None).drawn(0)
    masks = rest[1] if len(rest) > 1 else np.ones((1, 3))
    expected = in_parameters(PROBLEM, method, Q, masks, steps)
    for name, values in zip(("loss", "sharpness"), expected, strict=True):
        assert np.abs(curve[name] - values).max() <= 1e-13 * values.max(), name
    # negative control: a radius that is 1 % larger
    other = solve(PROBLEM, replace(method, radius=0.303), steps, seed=3, points=steps + 1)
    assert np.abs(other.loss - expected[0]).max() > 1e-6


def test_radius_zero_is_gradient_descent():
    rng = np.random.default_rng(5)
    Q = rng.standard_normal((3, 7, 7)) * 0.1
    Q = Q + Q.transpose(0, 2, 1)
    curve = solve(PROBLEM, SAM(0.4, 0.0), 20, tensor=Q)
    plain = in_parameters(PROBLEM, SAM(0.4, 0.0), Q, np.ones((1, 3)), 20)
    np.testing.assert_allclose(curve.loss, plain[0], rtol=1e-12)


def test_edges_against_root_finding():
    rng = np.random.default_rng(6)
    for rate, radius, gradient in np.exp(rng.uniform(-3, 3, (50, 3))):
        for own in (None, gradient):
            root = brentq(
                lambda s, r=rate, R=radius, g=own: sam_product(r, R, s, g) - 2,
                1e-12,
                1e3,
                xtol=1e-15,
                rtol=1e-14,
            )
            assert sam_edge(rate, radius, own) == pytest.approx(root, rel=1e-10)
    np.testing.assert_allclose(sam_edge([0.5, 1.0], 0.0), [4.0, 2.0])


def test_the_cycle_of_normalised_sam():
    """Curvature 0, D = P = 1: x → −x, which a start approaches by the factor 1 − rate · s."""
    problem = QuadraticRegression(1, 1, 0.0, jacobian=[[1.0]], residual=[0.3])
    curve = solve(problem, SAM(0.5, 0.1, True), 200, seed=1, points=201)
    x, gradient = sam_cycle(0.5, 0.1, 1.0)
    assert x == pytest.approx(1 / 30, rel=1e-14) and gradient == pytest.approx(1 / 30, rel=1e-14)
    assert np.sqrt(2 * curve.loss[-1]) == pytest.approx(x, rel=1e-12)
    assert curve.gradient[-1] == pytest.approx(gradient, rel=1e-12)
    assert curve.edge_product[-1] == pytest.approx(2, rel=1e-12)
    assert curve.provenance["state"] == "oscillating"
    assert sam_edge(0.5, 0.1, gradient) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("radius", [0.0, 0.1, 0.3])
def test_two_variable_map_falls_below_the_edge(radius):
    """From 3 ε above it, at z = O(√ε), to O(ε) below it."""
    gaps = []
    for epsilon in (0.02, 0.005):
        z = 0.3 * np.sqrt(epsilon)
        start = (z, (1 + 3 * epsilon) * sam_edge(1.0, radius) + 2 * z)
        model = TwoEigenvalueModel(epsilon, 0.2, start)
        curve = solve(model, SAM(1.0, radius))
        assert curve.provenance["state"] == "converged"
        assert curve.provenance["edge"] == pytest.approx(sam_edge(1.0, radius))
        gaps.append(2 - curve.edge_product[-1])
    # corrections are of relative order √ε: 2^(1/2) on either side of a factor 4
    assert 2 < gaps[0] / gaps[1] < 8 and gaps[1] > 0


def test_outcomes_are_told_apart():
    model = TwoEigenvalueModel(0.05, 0.2, (0.1, 1.9))
    assert solve(model, SAM(1.0, 0.1), 3000).provenance["state"] == "converged"
    # as of the end: the same motion, before it has come back from beyond the edge
    assert solve(model, SAM(1.0, 0.1), 30).provenance["state"] == "oscillating"
    assert solve(model, SAM(1.0, 0.1, True), 3000).provenance["state"] == "oscillating"
    with pytest.warns(ValidityWarning, match="diverged at step"):
        lost = solve(TwoEigenvalueModel(0.05, 0.2, (2.0, 30.0)), SAM(1.0, 0.1), 30)
    assert lost.provenance["state"] == "diverged" and np.isnan(lost.loss[-1])
    with pytest.warns(ValidityWarning, match="1 of 1 runs diverged"):
        lost = solve(PROBLEM, SAM(30.0, 0.1), 30, seed=1)
    assert lost.provenance["state"] == "diverged"
    small = solve(PROBLEM, SAM(0.01, 0.1), 10, seed=1)
    assert small.provenance["state"] == "unfinished"


def test_flow_is_the_map_of_short_steps():
    """First order in the rate, at a fixed radius: halving it halves the gap."""
    time = 1.5
    flow = solve(PROBLEM, SAM(0.3, 0.2), time, limit="flow", seed=2, points=3)
    gaps = []
    for steps in (100, 200):
        exact = solve(PROBLEM, SAM(3 * time / steps, 0.2), steps, seed=2, points=3)
        gaps.append(np.abs(exact.sharpness[-1] - flow.sharpness[-1]))
    assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.1)
    model, gaps = TwoEigenvalueModel(0.3, 0.02, (0.04, 0.05)), []
    for h in (0.04, 0.02):
        short = TwoEigenvalueModel(0.3, 0.5 * h, (0.8 * h, 1.2 * h))
        exact = solve(short, SAM(h, 0.2), times=[round(1 / h)])
        flow = solve(short, SAM(h, 0.2), times=[1.0], limit="flow")
        gaps.append(abs(exact.sharpness[-1] - flow.sharpness[-1]))
    assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.15)
    with pytest.raises(NotAvailable, match="normalised"):
        solve(model, SAM(0.1, 0.2, True), 1, limit="flow")


def test_a_planted_error_moves_curve_equations_and_code():
    method = SAM(0.4, 0.3)
    own = derive(PROBLEM, method)
    J = own.after[1]
    changed = replace(own, after=(own.after[0], Update(J.left, 1.05 * J.right, J.over)))
    assert changed.latex() != own.latex() and changed.source != own.source
    a, b = (solve(PROBLEM, method, 1, seed=1, points=2, system=s) for s in (None, changed))
    assert b.sharpness[1] == pytest.approx(1.05**2 * a.sharpness[1], rel=1e-12)
    model = TwoEigenvalueModel(0.05, 0.2, (0.1, 1.9))
    closed = derive(model, method)
    wrong = replace(closed, after=(closed.after[0], 1.05 * closed.after[1]))
    a, b = (solve(model, method, 1, points=2, system=s) for s in (None, wrong))
    assert b.sharpness[1] == pytest.approx(1.05 * a.sharpness[1], rel=1e-12)


def test_first_step_is_that_of_second_order_growth():
    """The law of t² of the page, at a Gram matrix that is not degenerate."""
    problem = QuadraticRegression(3, 7, 0.3, seed=2)
    early = sam_early_time(problem, SAM(0.3, 0.1))
    U, s, _ = np.linalg.svd(problem.G, full_matrices=False)
    z, lam, g = U.T @ problem.z0, s**2, problem.G.T @ problem.z0
    size, P = g @ g, problem.parameters
    for a in range(3):
        total = (P + 1) * (size + lam[a] * z[a] ** 2)
        for b in set(range(3)) - {a}:
            pair = lam[b] * (size + lam[b] * z[b] ** 2) + lam[a] * (size + lam[a] * z[a] ** 2)
            total += pair / (lam[a] - lam[b])
        assert 3 * early.descent_second[a] == pytest.approx(problem.q * total, rel=1e-10)
    # to leading order the difference turns at q P z²/c₂
    small = sam_early_time(problem, SAM(0.3, 1e-6))
    turns = problem.q * P * z**2 / (3 * early.descent_second)
    np.testing.assert_allclose(small.turns, turns, rtol=1e-5)


def test_first_step_has_its_derivation():
    with pytest.warns(ValidityWarning, match="first order in the radius"):
        early = sam_early_time(PROBLEM, SAM(0.3, 1.0, batch=2))
    assert "Isserlis" in early.derivation.explain()
    assert early.jacobian_change.shape == (3, 7) and early.residual_change.shape == (3,)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (lambda: sam_edge(0.0, 0.1), "rate"),
        (lambda: sam_edge(0.5, -0.1), "radius"),
        (lambda: sam_edge(0.5, 0.1, 0.0), "gradient"),
        (lambda: sam_edge("a", 0.1), "rate"),
        (lambda: sam_cycle(0.5, 0.1, 4.0), "sharpness"),
        (lambda: sam_early_time(PROBLEM, GradientDescent(0.1)), "method"),
        (lambda: sam_early_time(PROBLEM, SAM(0.1, 0.1, True)), "normalised"),
        (lambda: solve(PROBLEM, SAM(0.1, 0.1), 5, tensor=np.ones((3, 7, 6))), "tensor"),
        (lambda: solve(PROBLEM, SAM(0.1, 0.1), 5, tensor=np.triu(np.ones((3, 7, 7)))), "tensor"),
        (lambda: solve(PROBLEM, SAM(0.1, 0.1, batch=2), 5, masks=np.ones((2, 3))), "masks"),
        (lambda: solve(PROBLEM, SAM(0.1, 0.1, batch=2), 5, limit="flow"), "batch"),
        (lambda: solve(PROBLEM, SAM(0.1, 0.1), 5, limit="ode"), "limit"),
        (lambda: solve(PROBLEM, SAM(0.1, 0.1), 5, limit="flow", draws=3), "draws"),
        (lambda: solve(TwoEigenvalueModel(0.1, 0), SAM(0.1, 0.1), 5, draws=3), "draws"),
        (lambda: solve(PROBLEM, SAM(0.1, 0.1)), "until"),
    ],
)
def test_bad_input(wrong, field):
    with pytest.raises((InvalidInput, InvalidType, NotAvailable)) as caught:
        wrong()
    assert caught.value.field == field


@pytest.mark.slow
@pytest.mark.compiled
def test_converged_runs_end_just_below_the_edge():
    """D = 30, P = 60, critical sharpness at .94 to .97 of where a small step would end."""
    products, states = [], []
    for seed in range(4):
        rng = np.random.default_rng(100 + seed)
        D, P = 30, 60
        Q = 0.8 * rng.standard_normal((D, P, P)) / P
        Q = (Q + Q.transpose(0, 2, 1)) / 2
        problem = QuadraticRegression(
            D,
            P,
            0.3,
            jacobian=rng.standard_normal((D, P)) / np.sqrt(P),
            residual=0.9 * rng.standard_normal(D),
        )
        free = solve(problem, SAM(0.1 * D, 0.0), 4000, tensor=Q, points=2).sharpness[-1]
        for share, radius in ((0.94, 1.0), (0.97, 3.0)):
            critical = share * free
            rate = 2 / (critical * (1 + radius * critical))
            curve = solve(problem, SAM(rate, radius), 30_000, tensor=Q, points=2)
            states.append(curve.provenance["state"])
            products.append(curve.edge_product[-1])
    assert states == ["converged"] * 8
    assert min(products) > 1.9 and max(products) < 2
