"""The exact mean of unclipped SGD: the derivation, its powers, enumeration and simulation."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

from limitlab.solvers.streaming.exact_mean import exact_fields, exact_mean
from limitlab.solvers.streaming.finite_size import finite_size
from limitlab.theory.core.errors import InvalidInput, NoLimit, NotAvailable, SolveFailed
from limitlab.theory.core.symbols import decay_rate, dimension, energy, risk, source_weight, t
from limitlab.theory.covariance import from_matrix, isotropic, marchenko_pastur, power_law
from limitlab.theory.methods import SGD, ClippedSGD, Huber, SignSGD
from limitlab.theory.noise import Cauchy, Gaussian, NoNoise, Rademacher
from limitlab.theory.schedules.schedule import constant, cosine, power_decay
from limitlab.theory.streaming.exact_mean import derive_exact_mean, isserlis
from limitlab.theory.streaming.problem import LeastSquares

pytestmark = pytest.mark.interpreted

SMALL = LeastSquares(power_law(40, 0.5), Gaussian(0.5))


def test_isserlis_sums_over_pairings():
    """E a²b² = aa·bb + 2 ab², and E of the fourth and sixth power of one variable are 3 and 15."""
    names = {("a", "a"): 2, ("a", "b"): 3, ("b", "a"): 3, ("b", "b"): 5}
    assert isserlis(tuple("aabb"), lambda x, y: names[x, y]) == 2 * 5 + 2 * 3**2
    assert [isserlis((0,) * k, lambda x, y: sp.S.One) for k in range(7)] == [1, 0, 1, 0, 3, 0, 15]


@pytest.mark.parametrize("batch", [1, 2, 8])
def test_the_derived_recursion_is_the_one_of_the_specification(batch):
    recursion = derive_exact_mean(SMALL, SGD(0.5, batch=batch))
    eta, sigma2 = (q.symbol for q in recursion.parameters)
    e = eta / dimension
    kept = -2 * e * decay_rate + e**2 * decay_rate**2 * (1 + sp.Rational(1, batch))
    fed = e**2 * source_weight / (2 * batch) * (2 * risk + sigma2)
    assert sp.simplify(recursion.change - kept * energy - fed) == 0


def by_hand(problem, method, steps):
    """The recursion of the specification, typed out."""
    law, d = problem.covariance, problem.dimension
    V, lam, n = problem.energies().copy(), law.eigenvalues, law.multiplicities
    risks = [V @ lam]
    for k in range(steps[-1]):
        e = float(sp.sympify(method.rate).subs(t, k / d)) / d
        gain = e**2 * lam * n / (2 * method.batch) * (2 * V @ lam + problem.noise.variance)
        V = V * (1 - 2 * e * lam + e**2 * lam**2 * (1 + 1 / method.batch)) + gain
        risks.append(V @ lam)
    return np.array(risks)[steps]


METHODS = [SGD(0.5), SGD(1.2, batch=3), SGD(power_decay(1.0, 0.5)), SGD(cosine(0.8, 3.0), batch=2)]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("covariance", [isotropic(30), power_law(40, 1.0)], ids=["flat", "steep"])
def test_powers_and_steps_are_the_recursion(method, covariance):
    problem = LeastSquares(covariance, Rademacher(0.4))
    found = exact_mean(problem, method, np.linspace(0, 3, 7))
    assert found.risk == pytest.approx(by_hand(problem, method, found.steps), rel=1e-12)
    assert np.all(found.error_estimate == 0)


def test_a_constant_schedule_walks_to_where_powers_jump():
    times = np.linspace(0, 2, 5)
    walked = exact_mean(SMALL, SGD(constant(0.7) + 0 * t + 1e-300 * t), times)
    assert walked.risk == pytest.approx(exact_mean(SMALL, SGD(0.7), times).risk, rel=1e-12)


def enumerated(problem, method, steps):
    """The mean risk over every outcome of a rule that is exact to degree five in x and in ε."""
    nodes, weights = np.array([-math.sqrt(3), 0, math.sqrt(3)]), np.array([1, 4, 1]) / 6
    K, a = problem.covariance.matrix, problem.noise.scale
    root, d = np.linalg.cholesky(K), problem.dimension
    sample = [
        (root @ nodes[list(ij)], sign * a, np.prod(weights[list(ij)]) / 2)
        for ij in itertools.product(range(3), repeat=d)
        for sign in (-1, 1)
    ]
    batches = [
        (np.array([s[0] for s in b]), np.array([s[1] for s in b]), np.prod([s[2] for s in b]))
        for b in itertools.product(sample, repeat=method.batch)
    ]
    leaves = [(problem.delta(), 1.0)]
    for _ in range(steps):
        leaves = [
            (delta - method.rate / d / method.batch * ((x @ delta - eps) @ x), p * q)
            for delta, p in leaves
            for x, eps, q in batches
        ]
    return sum(p * 0.5 * delta @ K @ delta for delta, p in leaves)


@pytest.mark.parametrize(("batch", "steps"), [(1, 1), (1, 3), (2, 1)])
def test_every_outcome_enumerated(batch, steps):
    K = [[1.5, 0.4], [0.4, 0.7]]
    problem = LeastSquares(from_matrix(K), Rademacher(0.6), start=[1.0, -0.5])
    method = SGD(0.6, batch=batch)
    found = exact_mean(problem, method, np.array([0.0, steps / 2]))
    assert found.risk[-1] == pytest.approx(enumerated(problem, method, steps), rel=1e-12)
    # without Isserlis' third pairing, as in the limit, the mean would be another one
    e, lam = 0.3, problem.covariance.eigenvalues
    y = lam * problem.energies()
    wrong = y * (1 - 2 * e * lam + e**2 * lam**2 / 1) + e**2 * lam**2 / 2 * (2 * y.sum() + 0.36)
    if steps == batch == 1:
        assert abs(wrong.sum() / found.risk[-1] - 1) > 0.02


def test_isotropic_stability_is_at_2d_over_d_plus_2():
    problem, edge = LeastSquares(isotropic(10), NoNoise()), 20 / 12
    below, above = (exact_mean(problem, SGD(f * edge), np.array([0.0, 50.0])) for f in (0.99, 1.01))
    assert below.risk[-1] < 1 < above.risk[-1]


def test_distance_to_the_limit_is_the_announced_one():
    """exact/limit − 1 is announced to rounding, and halves where d doubles, up to order 1/d."""
    times, rate = np.array([0.0, 2.0]), 0.8
    limit = np.exp(-(2 * rate - rate**2) * times)
    gaps = []
    for d in (250, 500):
        problem = LeastSquares(isotropic(d), NoNoise())
        gaps.append(exact_mean(problem, SGD(rate), times).risk[-1] / limit[-1] - 1)
        announced = finite_size(problem, SGD(rate), times, limit).relative[-1]
        assert announced == pytest.approx(gaps[-1], rel=1e-10)
    assert gaps[1] / gaps[0] == pytest.approx(0.5, abs=1 / 250)


@pytest.mark.slow
@pytest.mark.compiled
def test_a_million_dimensions_cost_nothing_much():
    problem = LeastSquares(power_law(10**6, 0.5), Gaussian(0.5))
    found = exact_mean(problem, SGD(0.5), np.linspace(0, 2, 11))
    coarse = exact_mean(problem, SGD(0.5), np.linspace(0, 2, 11), rtol=1e-6)
    assert found.risk == pytest.approx(coarse.risk, rel=1e-5)
    assert found.error_estimate.max() <= 3e-8


def test_modes_sum_to_the_risk():
    times = np.linspace(0, 1, 3)
    fields = exact_fields(SMALL, SGD(0.5, batch=2), times)
    risk = exact_mean(SMALL, SGD(0.5, batch=2), times).risk
    assert fields["modes"].sum(axis=1) == pytest.approx(risk, rel=1e-12)


def test_what_is_printed_is_what_is_compiled():
    recursion = derive_exact_mean(SMALL, SGD(0.5))
    heavier = replace(recursion, change=3 * recursion.change)
    assert heavier.source != recursion.source
    assert sp.simplify(heavier.relaxation - 3 * recursion.relaxation) == 0
    assert "y_{i}^{k+1}" in recursion.latex() and "Isserlis" in recursion.explain()


@pytest.mark.parametrize("method", [SignSGD(0.4), ClippedSGD(0.5, 1.0), Huber(0.5, 1.0)])
def test_means_that_do_not_close_are_refused(method):
    with pytest.raises(NotAvailable, match="unclipped SGD"):
        exact_mean(SMALL, method, np.array([0.0, 1.0]))


def test_refusals():
    times = np.array([0.0, 1.0])
    with pytest.raises(NoLimit, match="infinite"):
        exact_mean(LeastSquares(isotropic(10), Cauchy(0.3)), SGD(0.5), times)
    with pytest.raises(NotAvailable, match="finite dimension"):
        problem = LeastSquares(marchenko_pastur(math.inf, 0.5), Gaussian(0.5))
        exact_mean(problem, SGD(0.5), times)
    with pytest.raises(InvalidInput, match="below one step"):
        exact_mean(SMALL, SGD(0.5), times * 1e-3)
    with pytest.raises(SolveFailed, match="beyond mean-square stability"):
        exact_mean(SMALL, SGD(9.0), times * 500)


@pytest.mark.slow
@pytest.mark.compiled
@pytest.mark.parametrize("rate", [0.5, 1.0])
def test_runs_agree_with_it_and_not_with_the_limit(rate):
    """d = 10, |z| <= 4.5 at five times; the limit is rejected there."""
    from limitlab.solvers.solve import solve
    from limitlab.validation.agreement.compare import compare
    from limitlab.validation.simulate import simulate

    problem = LeastSquares(power_law(10, 0.5), Gaussian(0.5))
    runs = simulate(problem, SGD(rate), 2, points=6, runs=40000, seed=3, progress=False)
    exact = solve(problem, SGD(rate), 2, points=6, limit="exact")
    assert compare(exact, runs).max_z <= 4.5
    assert compare(solve(problem, SGD(rate), 2, points=6), runs, margin=0.0).passed is False
