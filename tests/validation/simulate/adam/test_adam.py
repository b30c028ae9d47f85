"""Adam in dimension d: the step itself, and the conjectured limits held against it."""

import numpy as np
import pytest

import limitlab as ll
from limitlab.theory.methods import Adam
from limitlab.validation.simulate.adam.simulate import AdamEngine, lower_adam


def literal(delta, m, v, samples, noise, rate, betas):
    """Adam as one writes it, on given samples."""
    d = delta.size
    for x, e in zip(samples, noise, strict=True):
        g = (x @ delta - e) * x
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        delta = delta - rate / d * m / np.sqrt(v)
    return delta


def test_a_batch_averages_gradients():
    """One step of three samples is a step along the mean of their gradients."""
    rng = np.random.default_rng(6)
    d, batch = 5, 3
    rows, noise = rng.standard_normal((batch, d)).astype(np.float32), rng.standard_normal(batch)
    start, m, v = rng.standard_normal(d), rng.standard_normal(d), rng.uniform(0.5, 1, d)
    lowered, states = lower_adam(Adam(0.4, 0.9, 0.95, batch=batch)), np.full((2, d), np.nan)
    assert lowered.batch == batch
    lowered.kernels(AdamEngine.template).advance(
        start.copy(),
        m.copy(),
        v.copy(),
        np.ones(d),
        rows,
        noise[None],
        0,
        float(d),
        np.array([0.9, 0.95]),
        True,
        np.array([0, 1]),
        states,
        lowered.parameters,
    )
    g = ((rows @ start - noise) @ rows.astype(float)) / batch
    m, v = 0.9 * m + 0.1 * g, 0.95 * v + 0.05 * g**2
    np.testing.assert_allclose(states[1], start - 0.4 / d * m / np.sqrt(v), rtol=1e-12)


def test_the_kernel_is_adam():
    rng = np.random.default_rng(5)
    d, steps = 7, 40
    rows = rng.standard_normal((steps, d)).astype(np.float32)
    scales, noise = rng.uniform(0.5, 2, d), rng.standard_normal(steps)
    start, m, v = rng.standard_normal(d), rng.standard_normal(d), rng.uniform(0.5, 1, d)
    lowered = lower_adam(Adam(0.4, 0.9, 0.95))
    record, states = np.array([0, steps]), np.full((2, d), np.nan)
    lowered.kernels(AdamEngine.template).advance(
        start.copy(),
        m.copy(),
        v.copy(),
        scales,
        rows,
        noise[:, None],
        0,
        float(d),
        np.array([0.9, 0.95]),
        True,
        record,
        states,
        lowered.parameters,
    )
    samples = scales * rows.astype(float)
    expected = literal(start, m, v, samples, noise, 0.4, (0.9, 0.95))
    assert np.max(np.abs(states[1] - expected)) <= 1e-13
    wrong = literal(start, m, v, samples, noise, 0.4, (0.95, 0.9))
    assert np.max(np.abs(states[1] - wrong)) > 1e-6


def test_runs_do_not_depend_on_threads_or_horizon():
    problem = ll.LeastSquares(ll.isotropic(30), noise=ll.Gaussian(0.5))
    times = {"times": [0, 1, 2], "runs": 3, "seed": 4, "progress": False}
    one = ll.simulate(problem, Adam(0.4, 0.5, 0.9), workers=1, **times)
    two = ll.simulate(problem, Adam(0.4, 0.5, 0.9), workers=2, **times)
    short = ll.simulate(problem, Adam(0.4, 0.5, 0.9), **times | {"times": [0, 1]})
    assert np.array_equal(one.sample(), two.sample())
    assert np.array_equal(one.sample()[:, :2], short.sample())


def test_a_dense_covariance_runs_as_the_diagonal_one():
    """A diagonal K given as a matrix: other samples, the same law."""
    values = np.linspace(0.5, 2, 20)
    diagonal = ll.LeastSquares(ll.from_eigenvalues(values), noise=ll.Gaussian(0.5))
    start = diagonal.delta()
    matrix = ll.from_matrix(np.diag(values[::-1]))
    dense = ll.LeastSquares(matrix, noise=ll.Gaussian(0.5), start=np.sort(start))
    options = {"until": 1, "points": 3, "runs": 200, "progress": False}
    curves = [
        ll.simulate(p, Adam(0.4, 0.5, 0.9), seed=k, **options)
        for k, p in enumerate((diagonal, dense))
    ]
    spread = np.hypot(curves[0].sem(), curves[1].sem())[1:]
    assert np.all(np.abs(curves[0].risk - curves[1].risk)[1:] <= 4.5 * spread)


MEMORIES = {
    "short": (Adam(0.4, 0.5, 0.9), "slow-variance"),
    "slow-variance": (Adam(0.4, 0.5, 0.998), "short"),
    "slow": (Adam(0.4, 0.995, 0.998), "slow-variance"),
}


@pytest.mark.slow
@pytest.mark.parametrize("memory", MEMORIES)
def test_the_conjecture_agrees_and_the_wrong_memory_does_not(memory):
    method, wrong = MEMORIES[memory]
    problem = ll.LeastSquares(ll.power_law(400, exponent=0.5), noise=ll.Gaussian(0.5))
    options = {"until": 4, "points": 9}
    runs = ll.simulate(problem, method, runs=500, seed=1, progress=False, **options)
    report = ll.compare(ll.solve(problem, method, memory=memory, **options), runs)
    assert report.passed, str(report)
    control = ll.compare(ll.solve(problem, method, memory=wrong, **options), runs, margin=0.02)
    assert control.passed is False, str(control)


@pytest.mark.slow
def test_noise_that_is_not_gaussian_takes_its_own_table():
    method = Adam(0.4, 0.0, 0.9)
    problem = ll.LeastSquares(ll.isotropic(400), noise=ll.Laplace(0.6))
    options = {"until": 5, "points": 6}
    runs = ll.simulate(problem, method, runs=500, seed=2, progress=False, **options)
    report = ll.compare(ll.solve(problem, method, memory="short", **options), runs)
    assert report.passed, str(report)
    other = ll.LeastSquares(ll.isotropic(400), noise=ll.Rademacher(0.6 * np.sqrt(2)))
    control = ll.compare(ll.solve(other, method, memory="short", **options), runs, margin=0.02)
    assert control.passed is False, str(control)


def test_rows_are_streamed_as_they_are():
    """On one row, drawn again and again, Adam is a recursion that can be written down."""
    d, steps = 4, 12
    row, residual = np.array([1.0, -2.0, 0.5, 3.0]), 0.7
    rows, targets = np.tile(row, (5, 1)), np.full(5, residual)
    problem = ll.LeastSquares(
        ll.from_eigenvalues([1.0] * d), noise=ll.Gaussian(0.5), start=np.ones(d)
    )
    scaled_rows = rows * np.sqrt(d * 5 / np.sum(rows**2))
    runs = ll.simulate(
        problem,
        Adam(0.4, 0.5, 0.8),
        times=np.arange(steps + 1) / d,
        runs=2,
        seed=1,
        rows=scaled_rows,
        targets=targets,
        progress=False,
    )
    x = scaled_rows[0]
    left = residual - x @ np.linalg.lstsq(scaled_rows, targets, rcond=None)[0]
    delta, first, second = np.ones(d), np.zeros(d), np.zeros(d)
    expected = [0.5 * delta @ delta]
    for k in range(-400, steps):
        g = (x @ delta - left) * x
        first, second = 0.5 * first + 0.5 * g, 0.8 * second + 0.2 * g**2
        if k >= 0:
            delta = delta - 0.4 / d * first / np.sqrt(second)
            expected.append(0.5 * delta @ delta)
    np.testing.assert_allclose(runs.sample("risk"), [expected] * 2, rtol=1e-5)


@pytest.mark.parametrize("given", [{"rows": np.ones((3, 4))}, {"targets": np.ones(3)}])
def test_rows_and_targets_come_together(given):
    problem = ll.LeastSquares(ll.isotropic(4), noise=ll.Gaussian(0.5))
    with pytest.raises(ll.InvalidInput, match="together"):
        ll.simulate(problem, Adam(0.4), 1, runs=2, **given)
