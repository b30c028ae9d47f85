"""The limiting SDE: its range, its noise, and the shift that noise makes."""

import numpy as np
import pytest

from limitlab.solvers.second_order.sde import noise_shape, step_grid
from limitlab.solvers.second_order.solve import solve as solve_quadratic
from limitlab.theory.core.errors import InvalidInput, NotAvailable, ValidityWarning
from limitlab.theory.core.symbols import t
from limitlab.theory.methods import SGD, GradientDescent
from limitlab.theory.methods.sampling import mask_moments
from limitlab.theory.second_order.problem import QuadraticRegression
from limitlab.validation.simulate.second_order.early_time import early_time_runs
from limitlab.validation.simulate.second_order.simulate import simulate as simulate_quadratic

PROBLEM = QuadraticRegression(2, 8, 0.1, [[2, 0.5], [0.5, 1]], [1, -0.5])


@pytest.mark.parametrize("sampling", ["without_replacement", "bernoulli"])
def test_noise_has_the_covariance_of_the_batch(sampling):
    """SSᵀ = c [D diag(z²) − ν zzᵀ], from the columns of the linear map."""
    moments, z = mask_moments(sampling, 2, 4), np.array([1.0, -2.0, 0.5, 3.0])
    S = np.column_stack([noise_shape(z, e, moments, False) for e in np.eye(4)])
    full = moments.c * (4 * np.diag(z**2) - moments.nu * np.outer(z, z))
    np.testing.assert_allclose(S @ S.T, full, atol=1e-12)
    S = np.column_stack([noise_shape(z, e, moments, True) for e in np.eye(4)])
    np.testing.assert_allclose(S @ S.T, moments.c * (z @ z) * np.eye(4), atol=1e-12)


def test_steps_meet_the_output_times():
    dtau, record = step_grid(PROBLEM, np.array([0.0, 0.5, 1.0]), 0.07)
    assert dtau <= 0.07
    np.testing.assert_allclose(record * dtau, [0, 0.5, 1.0])


def test_coarse_steps_warn_and_the_edge_is_refused():
    sharpness = np.linalg.eigvalsh(PROBLEM.gram)[-1] / 2
    with pytest.warns(ValidityWarning, match="25 %"):
        solve_quadratic(PROBLEM, SGD(0.5 / sharpness), 0.1, limit="sde", paths=2, seed=1, points=2)
    with pytest.raises(InvalidInput, match="no SDE"):
        solve_quadratic(PROBLEM, SGD(2 / sharpness), 0.1, limit="sde", paths=2, seed=1)


def test_a_curvature_above_the_memory_is_refused_before_it_is_drawn():
    large = QuadraticRegression(200, 4000, 0.1)
    with pytest.raises(InvalidInput, match="23.8 GiB") as error:
        solve_quadratic(large, SGD(1.0), 0.1, limit="sde", paths=2)
    assert error.value.field == "parameters"
    with pytest.raises(InvalidInput, match="23.8 GiB"):
        early_time_runs(large, SGD(1.0), 2)


def test_schedules_are_refused():
    with pytest.raises(NotAvailable, match="rate"):
        solve_quadratic(PROBLEM, SGD(0.1 / (1 + t)), 1.0, limit="sde")


def test_paths_do_not_depend_on_threads():
    one, two = (
        solve_quadratic(PROBLEM, SGD(0.1), 1.0, limit="sde", paths=4, seed=1, points=5, workers=w)
        for w in (1, 3)
    )
    np.testing.assert_array_equal(one.sample("loss"), two.sample("loss"))


def test_without_noise_it_is_the_flow():
    """Full batches have no noise: no curvature, no spread, exponential decay to O(dτ)."""
    linear = QuadraticRegression(2, 8, 0.0, PROBLEM.jacobian, PROBLEM.residual)
    options = {"limit": "sde", "paths": 2, "seed": 1, "points": 3, "step": 2e-3}
    curve = solve_quadratic(linear, GradientDescent(0.1), 1.0, **options)
    flow = solve_quadratic(linear, GradientDescent(0.1), 1.0, limit="flow", points=3)
    assert curve.std("loss").max() < 1e-12
    np.testing.assert_allclose(curve.loss, flow.loss, rtol=0.01)


@pytest.mark.slow
def test_the_shift_by_noise_is_that_of_sgd():
    """SDE − flow against SGD − GD, pair by pair on the same curvatures: the shift of |z|², to
    3.5 standard errors and the O(h λ_max) of a scheme of first order in h."""
    problem = QuadraticRegression(4, 20, 0.3, seed=5)
    rate, steps, runs = 0.4, 18, 1500
    h, options = rate / 4, {"seed": 3, "points": 2, "progress": False}
    sde = options | {"limit": "sde", "paths": runs, "step": h / 2}
    noisy, quiet = (
        simulate_quadratic(problem, m, steps, runs=runs, **options).sample("loss")[:, -1]
        for m in (SGD(rate, batch=1), GradientDescent(rate))
    )
    paths, still = (
        solve_quadratic(problem, m, h * steps, **sde).sample("loss")[:, -1]
        for m in (SGD(rate, batch=1), GradientDescent(rate))
    )
    shift, predicted = noisy - quiet, paths - still
    error = np.hypot(shift.std(), predicted.std()) / np.sqrt(runs)
    assert shift.mean() > 6 * shift.std() / np.sqrt(runs)
    assert abs(shift.mean() - predicted.mean()) < 3.5 * error + h * 2 * shift.mean()


@pytest.mark.slow
def test_the_sharpness_is_shifted_as_by_sgd():
    """With 2λ₁ > tr Θ₀ noise lowers λ_max: by the SDE as by SGD, to 3.5 standard errors and
    O(h λ_max); the SDE of a batch of 3 does not."""
    rng = np.random.default_rng(4)
    U = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    gram = U @ np.diag([2.4, 0.3, 0.2, 0.1]) @ U.T
    problem = QuadraticRegression(4, 12, 0.3, (gram + gram.T) / 2, U @ rng.choice([-1.0, 1.0], 4))
    h, until, runs = 0.05, 2.0, 800
    options = {"seed": 3, "points": 2, "progress": False}
    sde = options | {"limit": "sde", "paths": runs, "step": h}

    def last(curve):
        return curve.sample("sharpness")[:, -1]

    noisy, quiet = (
        last(simulate_quadratic(problem, method, 40, runs=runs, engine="dense", **options))
        for method in (SGD(4 * h, batch=1), GradientDescent(4 * h))
    )
    flow = last(solve_quadratic(problem, GradientDescent(4 * h), until, **sde))
    shift = noisy - quiet

    def misses(batch):
        predicted = last(solve_quadratic(problem, SGD(4 * h, batch=batch), until, **sde)) - flow
        error = np.hypot(shift.std(), predicted.std()) / np.sqrt(runs)
        allowed = 3.5 * error + h * 2.4 * abs(predicted.mean())
        return abs(shift.mean() - predicted.mean()) > allowed

    assert shift.mean() < -6 * shift.std() / np.sqrt(runs)
    assert not misses(1)
    assert misses(3)
