"""Power-law random features: the deterministic equivalent against draws."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import limitlab as ll
from limitlab.theory.core.errors import InvalidInput
from limitlab.theory.features.equivalent import Equivalent

CASES = ((0.7, 0.7), (1.2, 0.3))


def draws(alpha, beta, v=800, d=100, count=20):
    """Eigenvalues and masses of D^½ b on the eigenvectors, largest first; and what is left."""
    rng, j = np.random.default_rng(0), np.arange(1.0, v + 1)
    root, target = j**-alpha, j**-beta
    values, masses = [], []
    for _ in range(count):
        left, sizes, _ = np.linalg.svd(
            root[:, None] * rng.standard_normal((v, d)) / np.sqrt(d), full_matrices=False
        )
        values.append(sizes**2)
        masses.append((left.T @ (root * target)) ** 2)
    masses = np.array(masses)
    return np.array(values), masses, np.sum((root * target) ** 2) - masses.sum(axis=1)


@pytest.mark.slow
@pytest.mark.parametrize(("alpha", "beta"), CASES)
def test_the_equivalent_is_the_mean_of_draws(alpha, beta):
    found = Equivalent(800, 100, alpha, beta)
    values, masses, rest = draws(alpha, beta)
    eigenvalues, shares = found.modes()

    def z(sample, expected, size):
        """Deviations with the error of the equivalent itself, of relative order 1/d."""
        error = sample.std(axis=0, ddof=1) / np.sqrt(len(sample))
        return (sample.mean(axis=0) - expected) / (error + size * np.abs(expected))

    some = [0, 1, 2, 5, 20, 50, 90]
    assert np.abs(z(np.log(values)[:, some], np.log(eigenvalues)[some], 0.005)).max() < 4
    upper = np.cumsum(masses, axis=1)[:, [0, 1, 5, 20, 60]]
    assert np.abs(z(upper, np.cumsum(shares)[[0, 1, 5, 20, 60]], 0.01)).max() < 4
    assert abs(z(rest, found.floor, 0.01)) < 4
    # the negative control: another exponent is seen
    wrong = Equivalent(800, 100, alpha, beta + 0.3)
    assert abs(z(rest, wrong.floor, 0.01)) > 4


@pytest.mark.parametrize(("alpha", "beta"), CASES)
def test_sums_of_the_equivalent_are_exact(alpha, beta):
    """tr K̂ = tr D on average, the masses with the irreducible loss are those of D^½ b, and the
    quadrature of the second measure misses less than 1/d before it is scaled."""
    v, d = 4000, 1000
    found, j = Equivalent(v, d, alpha, beta), np.arange(1.0, v + 1)
    eigenvalues, shares = found.modes()
    assert eigenvalues.sum() == pytest.approx(np.sum(j ** (-2 * alpha)), rel=2 / d)
    total = np.sum(j ** (-2 * alpha - 2 * beta))
    assert shares.sum() + found.floor == pytest.approx(total, rel=1e-3)
    assert found.table[2][-1] == pytest.approx(shares.sum(), rel=1 / d)
    assert np.all(np.diff(eigenvalues) < 0) and eigenvalues.min() > 0


def test_irreducible_losses_of_the_reference():
    """2R∞ at v = 800, d = 100; the second by κ from all 800 terms."""
    assert 2 * ll.power_law_features(800, 100, 0.7, 0.7).irreducible == pytest.approx(
        0.010804, abs=5e-7
    )
    assert 2 * ll.power_law_features(800, 100, 1.2, 0.3).irreducible == pytest.approx(
        3.9648e-4, abs=5e-9
    )


def test_a_drawn_problem_is_least_squares_with_its_loss():
    """The loss at θ = 0 is ½ bᵀDb whatever W is, and the noise is what no weights remove."""
    j = np.arange(1.0, 301)
    for problem in (
        ll.power_law_features(300, 40, 0.7, 0.5, seed=3),
        ll.power_law_features(300, 40, 0.7, 0.5),
    ):
        assert problem.dimension == 40 and problem.noise.variance == 2 * problem.irreducible
        assert problem.risk + problem.irreducible == pytest.approx(0.5 * np.sum(j**-2.4), rel=1e-3)
        assert pickle.loads(pickle.dumps(problem)) == problem


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((100, 100, 0.7, 0.7), "d"),
        ((100, 50, -0.7, 0.7), "alpha"),
        ((100, 50, 0.2, 0.2), "beta"),
        ((100, 50, 0.7, 0.7, 1, True), "seed"),
        ((100, 50, 0.7, 0.7, None, False), "seed"),
        ((10**6, 10**4, 0.7, 0.7, 1), "v"),
    ],
)
def test_refusals(arguments, field):
    with pytest.raises(InvalidInput) as error:
        ll.power_law_features(*arguments)
    assert error.value.field == field


@pytest.mark.slow
def test_sgd_gets_the_exact_mean_unless_a_limit_is_named():
    problem = ll.power_law_features(800, 100, 0.7, 0.7)
    rate = 0.4 * 100 / problem.covariance.trace
    exact = ll.solve(problem, ll.SGD(rate), 4.0, points=5)
    assert exact.provenance["limit"] == "exact" and np.all(exact.diagnostics["finite_size"] == 0)
    with pytest.warns(ll.ValidityWarning):
        ode = ll.solve(problem, ll.SGD(rate), 4.0, points=5, limit="ode")
    gap = np.abs(ode.risk / exact.risk - 1)[1:]
    assert gap.max() > 0.02  # the ODE is off here, and says by how much
    np.testing.assert_allclose(ode.diagnostics["finite_size"][1:], gap, rtol=0.35)
    clipped = ll.solve(problem, ll.SGD(rate), 1.0, points=3, correction="auto")
    assert clipped.time.size == 3  # an option of the ODE's asks for it


@pytest.mark.slow
@pytest.mark.parametrize("seed", [None, 2])
def test_runs_agree_with_the_exact_mean(seed):
    problem = ll.power_law_features(400, 100, 0.7, 0.5, seed=seed)
    method = ll.SGD(0.4 * 100 / problem.covariance.trace)
    theory = ll.solve(problem, method, 6.0, points=13)
    runs = ll.simulate(problem, method, 6.0, points=13, runs=4000, seed=4)
    report = ll.compare(theory, runs, quantity="loss", margin=0.0)
    assert report.passed, report
    wrong = ll.solve(problem, ll.SGD(method.rate * 0.9), 6.0, points=13)
    assert not ll.compare(wrong, runs, quantity="loss", margin=0.0).passed
