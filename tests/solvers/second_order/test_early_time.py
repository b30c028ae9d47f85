"""Early-time numbers: the spec's value, the exact contraction, and the warnings."""

import itertools
import warnings
from dataclasses import replace

import numpy as np
import pytest

from limitlab.solvers.second_order.curvature import DenseCurvature
from limitlab.solvers.second_order.early_time import early_time
from limitlab.theory.core.errors import InvalidType, NotAvailable, SolveFailed, ValidityWarning
from limitlab.theory.core.symbols import t
from limitlab.theory.linear.problem import LinearModel
from limitlab.theory.methods import SGD, GradientDescent
from limitlab.theory.second_order import early_time as derived
from limitlab.theory.second_order.problem import QuadraticRegression
from limitlab.validation.simulate.second_order.early_time import early_time_runs, two_steps

D, P = 3, 4


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(11)
    start = rng.standard_normal((D, P)), rng.standard_normal(D)
    return QuadraticRegression(D, P, 0.2 * P, *start)


def all_masks(sampling, batch):
    """(mask, probability) of every batch."""
    if sampling == "without_replacement":
        chosen = list(itertools.combinations(range(D), batch))
        return [(np.isin(range(D), c).astype(float), 1 / len(chosen)) for c in chosen]
    if sampling == "with_replacement":
        drawn = list(itertools.product(range(D), repeat=batch))
        return [(np.bincount(c, minlength=D).astype(float), 1 / len(drawn)) for c in drawn]
    p = batch / D
    subsets = itertools.product((0.0, 1.0), repeat=D)
    return [(np.array(m), float(np.prod(np.where(np.array(m) > 0, p, 1 - p)))) for m in subsets]


def contracted(problem, sampling, g, batch=2, diagonal=2.0):
    """Exact mean of what is quadratic in Q: one antithetic pair for every entry and mask pair."""
    masks, total = all_masks(sampling, batch), 0.0
    for a, i in itertools.product(range(D), range(P)):
        for j in range(i, P):
            tensor = np.zeros((D, P, P))
            tensor[a, i, j] = tensor[a, j, i] = 1.0
            variance = problem.q * (diagonal if i == j else 1.0)
            for (m, p), (n, r) in itertools.product(masks, masks):
                both = [two_steps(problem, g, DenseCurvature(e * tensor), [m, n]) for e in (1, -1)]
                total = total + variance * p * r * 0.5 * (both[0] + both[1])
    return total


def test_sanity_values():
    turn = np.array([[np.sqrt(3), -1], [1, np.sqrt(3)]]) / 2
    jacobian = turn @ np.diag([2.0, 1.0]) @ np.eye(2, 4)
    found = early_time(QuadraticRegression(2, 4, 0.04, jacobian, [1, 0.5]), SGD(0.4))
    np.testing.assert_allclose(found.overlap_second, [-1.25795e-3, -4.1103e-4], atol=5e-9)
    np.testing.assert_array_equal(found.overlap_first, 0)


@pytest.mark.parametrize(
    "sampling",
    [
        "without_replacement",
        pytest.param("with_replacement", marks=pytest.mark.slow),
        pytest.param("bernoulli", marks=pytest.mark.slow),
    ],
)
def test_exact_contraction(problem, sampling):
    exact = contracted(problem, sampling, 0.15)
    found = early_time(problem, SGD(0.3, batch=2, sampling=sampling))
    scale = np.abs(found.flow_second).max()
    np.testing.assert_allclose(exact[1], found.overlap_second, atol=1e-14)
    np.testing.assert_allclose(exact[3], found.flow_second, atol=1e-13 * scale)


def test_a_wrong_law_misses_the_formula(problem):
    """Negative control: diagonal variance q in place of 2q."""
    found = early_time(problem, SGD(0.3, batch=2)).overlap_second
    wrong = contracted(problem, "without_replacement", 0.15, diagonal=1.0)[1]
    assert np.max(np.abs(wrong - found)) > 1e-3 * np.abs(found).max()


def test_a_planted_error_changes_the_numbers(problem, monkeypatch):
    """Negative control: P in place of P + 1 in what was derived."""
    true = early_time(problem, SGD(0.3, batch=2)).overlap_second
    formula = derived.overlap()
    (zero, (name, second)) = formula.equations
    planted = second.subs(derived.parameters, derived.parameters - 1)
    wrong = replace(formula, equations=(zero, (name, planted)))
    monkeypatch.setattr(derived, "overlap", lambda: wrong)
    found = early_time(problem, SGD(0.3, batch=2)).overlap_second
    assert np.max(np.abs(found - true)) > 0.05 * np.abs(true).max()


def test_close_singular_values_are_warned_of():
    jacobian = np.diag([1.0, 0.99]) @ np.eye(2, 5)
    with pytest.warns(ValidityWarning, match="gap of squares 0.02"):
        early_time(QuadraticRegression(2, 5, 0.1, jacobian, [1, 1]), GradientDescent(0.1))


def test_equal_and_zero_singular_values_are_nan_and_warned_of():
    """NaN, a warning of ours, and none of numpy."""
    for size, s, lost in ((5, [1, 1, 0.5], [1, 1, 0]), (5, [1, 0.5, 0], [0, 0, 1])):
        problem = QuadraticRegression(3, size, 0.1, np.diag(s) @ np.eye(3, size), [1, 1, 1])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = early_time(problem, GradientDescent(0.1))
        assert [w.category for w in caught] == [ValidityWarning]
        np.testing.assert_array_equal(np.isnan(found.singular_shift), np.array(lost, bool))
        shared = np.array(lost, bool) & (np.array(s) > 0)
        np.testing.assert_array_equal(np.isnan(found.flow_second), shared)
        assert np.all(np.isfinite(found.overlap_second))


def eigenvalue_accelerations(problem, Q, h=1e-3):
    """Second differences of all eigenvalues of JJᵀ along the flow, its J taken to order h²."""
    z, J = problem.z0, problem.G
    first = -Q @ (J.T @ z)
    second = -Q @ (first.T @ z - J.T @ (J @ (J.T @ z)))
    jacobians = [J + t * first + t**2 / 2 * second for t in (-h, 0, h)]
    before, now, after = (np.linalg.eigvalsh(X @ X.T)[::-1] for X in jacobians)
    return (before - 2 * now + after) / h**2


def test_null_eigenvalues_repel_where_data_outnumber_parameters():
    """D = 3, P = 2: exact average over every entry of Q, to the O(h²) of second differences."""
    rng = np.random.default_rng(3)
    problem = QuadraticRegression(3, 2, 0.2, rng.standard_normal((3, 2)), rng.standard_normal(3))
    exact, runs = np.zeros(3), np.zeros(2)
    for a, i, j in itertools.product(range(3), range(2), range(2)):
        if j < i:
            continue
        Q = np.zeros((3, 2, 2))
        Q[a, i, j] = Q[a, j, i] = 1.0
        variance = problem.q * (2.0 if i == j else 1.0)
        for e in (1, -1):
            exact += variance / 2 * eigenvalue_accelerations(problem, e * Q)
            measured = two_steps(problem, 0.1, DenseCurvature(e * Q), np.ones((2, 3)))[3]
            runs += variance / 2 * measured
    found = early_time(problem, GradientDescent(0.1)).flow_second
    np.testing.assert_allclose(found, exact[:2], rtol=1e-4)
    np.testing.assert_allclose(runs, found, rtol=1e-12)
    # negative control: without the null eigenvalue
    v, z = problem.G.T @ problem.z0, np.linalg.svd(problem.G)[0].T @ problem.z0
    ell = np.linalg.svd(problem.G, compute_uv=False) ** 2
    alone = found - 2 * problem.q * (v @ v + ell * z[:2] ** 2)
    assert np.all(np.abs(alone / exact[:2] - 1) > 1e-2)


def test_more_data_than_parameters_have_no_singular_shift():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ValidityWarning)
        assert early_time(QuadraticRegression(5, 3, 0.1), SGD(0.1)).singular_shift is None


@pytest.mark.parametrize(("lost", "size"), [("flow_second", 2), ("singular_shift", 3)])
def test_a_zero_is_warned_of_by_what_it_makes_nan(lost, size):
    problem = QuadraticRegression(3, size, 0.1, np.eye(3, size) * [1.0, 0.0, 0.5][:size])
    with pytest.warns(ValidityWarning, match=f"a singular value is 0: {lost} is NaN there"):
        found = early_time(problem, SGD(0.1))
    assert np.isnan(getattr(found, lost)).sum() == 1


def test_bad_input_is_named(problem):
    for verb in (early_time, early_time_runs):
        with pytest.raises(InvalidType, match="give a QuadraticRegression"):
            verb(LinearModel(spectrum=[1.0]), SGD(0.1))
    for rate in (1e200, 1e160, 1e300):
        with pytest.raises(SolveFailed, match="exceeds what a float"):
            early_time(problem, SGD(rate, batch=1))


def test_schedules_and_momentum_are_refused(problem):
    with pytest.raises(NotAvailable, match="rate"):
        early_time(problem, GradientDescent(0.1 / (1 + t)))
    with pytest.raises(NotAvailable, match="momentum"):
        early_time(problem, SGD(0.1, momentum=0.5))


@pytest.mark.slow
def test_antithetic_runs_agree():
    """Every formula within 4.5 standard errors of 3000 pairs; P in place of P + 1 is rejected."""
    jacobian = np.diag([2.0, 1.5, 1.0]) @ np.eye(3, 4)
    problem = QuadraticRegression(3, 4, 0.001, jacobian, [1.0, -0.7, 0.4])
    method = SGD(0.3, batch=2)
    theory, runs = early_time(problem, method), early_time_runs(problem, method, 3000, seed=2)
    for name in ("overlap_second", "singular_shift", "flow_second"):
        gap = np.abs(getattr(runs.mean, name) - getattr(theory, name))
        assert np.all(gap < 4.5 * getattr(runs.error, name)), name
    limit, found, error = theory.kernel_first, runs.mean.kernel_first, runs.error.kernel_first
    assert np.all(np.abs(found - limit * 5 / 4) < 4.5 * error)
    assert np.max(np.abs(found - limit) / error) > 6
