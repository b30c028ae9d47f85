"""The algorithm on second-order regression, and its limits T1 and T2 against ensembles."""

import numpy as np
import pytest

from limitlab.solvers.second_order.solve import solve as solve_quadratic
from limitlab.theory.core.errors import InvalidInput, NotAvailable
from limitlab.theory.methods import SGD, GradientDescent
from limitlab.theory.second_order.problem import QuadraticRegression
from limitlab.validation.agreement.compare import compare
from limitlab.validation.simulate.second_order.simulate import simulate as simulate_quadratic

GRAM, START = [[2.0, 0.5], [0.5, 1.0]], [1.0, -0.5]
MASKS = np.array([[1, 0], [0, 1]] * 5, dtype=float)


def given(P, kappa=0.3):
    return QuadraticRegression(2, P, kappa, GRAM, START)


@pytest.mark.interpreted
def test_recursion_is_gradient_descent_on_the_model():
    """(z, J) against gradients of z(θ) = z₀ + Gθ + ½Q(θ, θ), taken at θ."""
    problem, rng = given(6), np.random.default_rng(0)
    Q = rng.standard_normal((2, 6, 6)) * 0.2
    Q = Q + Q.transpose(0, 2, 1)
    curve = simulate_quadratic(problem, SGD(0.2), 10, runs=1, tensor=Q, masks=MASKS)
    theta = np.zeros(6)
    for t in range(11):
        J = problem.G + Q @ theta
        z = problem.z0 + problem.G @ theta + 0.5 * Q @ theta @ theta
        assert curve.loss[t] == pytest.approx(z @ z / 4, rel=1e-12)
        assert curve.sharpness[t] == pytest.approx(np.linalg.eigvalsh(J @ J.T)[-1] / 2, rel=1e-12)
        assert curve.isotropic[t] == pytest.approx(0.3 * theta @ theta / 2, abs=1e-14)
        if t < 10:
            theta = theta - 0.2 * J.T @ (MASKS[t] * z)


def test_overlap_is_not_the_singular_value():
    curve = simulate_quadratic(given(6), SGD(0.5), 10, runs=4, seed=1)
    np.testing.assert_allclose(curve.overlap[0], np.sqrt(2 * curve.sharpness[0]))
    assert np.all(curve.sample("overlap")[:, -1] < np.sqrt(2 * curve.sample("sharpness")[:, -1]))


def test_runs_do_not_depend_on_threads_or_number():
    few = simulate_quadratic(given(6), SGD(0.2), 5, runs=3, seed=1, workers=1)
    many = simulate_quadratic(given(6), SGD(0.2), 5, runs=6, seed=1, workers=3)
    np.testing.assert_array_equal(few.sample("loss"), many.sample("loss")[:3])


def test_divergence_is_kept_and_flagged():
    curve = simulate_quadratic(given(6), GradientDescent(4.6), 60, runs=8, seed=1)
    lost = curve.provenance["diverged"]
    assert lost and curve.runs == 8
    run, step = next(iter(lost.items()))
    values = curve.sample("loss")[int(run)]
    assert np.all(np.isnan(values[step:])) and np.all(np.isfinite(values[:step]))
    assert np.isnan(curve.loss[-1])
    assert curve.diagnostics["diverged"][-1] == pytest.approx(len(lost) / 8)


@pytest.mark.slow
def test_lazy_and_dense_have_the_same_law():
    """Means of loss and sharpness over 400 runs each; a curvature 50 % off is told apart."""
    options = {"runs": 400, "masks": MASKS, "points": 2}
    dense = simulate_quadratic(given(8), SGD(0.4), 6, seed=1, engine="dense", **options)
    lazy = simulate_quadratic(given(8), SGD(0.4), 6, seed=2, engine="lazy", **options)
    other = simulate_quadratic(given(8, 0.45), SGD(0.4), 6, seed=3, engine="lazy", **options)
    for name in ("loss", "sharpness", "isotropic"):
        error = np.hypot(dense.sem(name), lazy.sem(name))[-1]
        assert abs(dense[name][-1] - lazy[name][-1]) < 4 * error
    error = np.hypot(dense.sem("sharpness"), other.sem("sharpness"))[-1]
    assert abs(dense.sharpness[-1] - other.sharpness[-1]) > 6 * error


def test_redrawn_starts_differ_from_run_to_run():
    problem = QuadraticRegression(3, 9, 0.0)
    curve = simulate_quadratic(problem, GradientDescent(0.3), 2, runs=3, seed=1, redraw=True)
    assert np.ptp(curve.sample("sharpness")[:, 0]) > 0
    np.testing.assert_allclose(curve.sample("loss")[:, 0], 0.5)


def test_every_eigenvalue_is_recorded_where_asked():
    curve = simulate_quadratic(given(6), SGD(0.5), 6, runs=2, seed=1, spectrum=True)
    np.testing.assert_array_equal(curve["eigenvalue_1"], curve["sharpness"])
    assert np.all(curve.sample("eigenvalue_1") > curve.sample("eigenvalue_2"))
    start = [curve["eigenvalue_1"][0], curve["eigenvalue_2"][0]]
    np.testing.assert_allclose(start, np.linalg.eigvalsh(GRAM)[::-1] / 2)


@pytest.mark.interpreted
def test_comparing_with_diverged_runs_says_so():
    runs = simulate_quadratic(given(6), GradientDescent(4.6), 60, runs=8, seed=1)
    lost = runs.provenance["diverged"]
    theory = solve_quadratic(given(6), GradientDescent(0.2), 60, limit="proportional")
    with pytest.raises(InvalidInput, match=f"diverged in {len(lost)} of 8 runs") as error:
        compare(theory, runs)
    assert f"first at step {min(lost.values())}" in str(error.value)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"tensor": np.ones((2, 6, 5))}, "tensor"),
        ({"tensor": np.arange(72.0).reshape(2, 6, 6)}, "tensor"),
        ({"redraw": True}, "redraw"),
        ({"engine": "sparse"}, "engine"),
        ({"runs": 0}, "runs"),
        ({"masks": np.ones((3, 2))}, "masks"),
        ({"masks": [[1, 0], [1]]}, "masks"),
        ({"tensor": np.zeros((2, 6, 6)), "engine": "lazy"}, "engine"),
    ],
)
def test_bad_options_are_named(options, field):
    with pytest.raises(InvalidInput) as error:
        simulate_quadratic(given(6), SGD(0.2), 5, **options)
    assert error.value.field == field


def test_memory_is_limited_and_the_lazy_engine_proposed():
    problem = QuadraticRegression(200, 4000, 0.1)
    with pytest.raises(InvalidInput, match="use lazy"):
        simulate_quadratic(problem, SGD(0.2), 5, engine="dense", runs=1)


def test_momentum_is_refused():
    with pytest.raises(NotAvailable, match="momentum"):
        simulate_quadratic(given(6), SGD(0.2, momentum=0.1), 5)


def gaps_from_t1(P, runs, seed, kappa=0.3):
    """Sharpness and overlap of runs minus those of T1, after ten given batches."""
    theory = solve_quadratic(given(P), SGD(0.4), 10, masks=MASKS, points=2)
    curve = simulate_quadratic(
        given(P, kappa), SGD(0.4), 10, runs=runs, seed=seed, masks=MASKS, points=2, progress=False
    )
    return {n: curve.sample(n)[:, -1] - theory[n][-1] for n in ("sharpness", "overlap")}


@pytest.mark.slow
def test_one_run_departs_from_t1_like_the_root_of_parameters():
    """Slope −1/2 of the rms gap over P = 128 … 4096; 0.06 is 3.5 of its standard errors."""
    sizes = 2 ** np.arange(7, 13)
    gaps = [gaps_from_t1(int(P), 200, 5) for P in sizes]
    for name in ("sharpness", "overlap"):
        rms = [np.sqrt(np.mean(g[name] ** 2)) for g in gaps]
        slope = np.polyfit(np.log(sizes), np.log(rms), 1)[0]
        assert slope == pytest.approx(-0.5, abs=0.06), name


def loss_ratios(P, runs, seed):
    """Losses of runs over that of T1, after ten given batches."""
    theory = solve_quadratic(given(P), SGD(0.4), 10, masks=MASKS, points=2)
    curve = simulate_quadratic(
        given(P), SGD(0.4), 10, runs=runs, seed=seed, masks=MASKS, points=2, progress=False
    )
    return curve.sample("loss")[:, -1] / theory.loss[-1]


@pytest.mark.slow
def test_the_loss_of_one_run_departs_from_t1_by_two_terms():
    """log(L/L_T1) = x is of the order P^(-1/2) and close to normal; the loss is its exponential.

    With E x² = v ∝ 1/P the squared gap of the loss is e^{2v} − 2e^{v/2} + 1 = v + 7v²/4 + …: a term
    1/P and a term 1/P², so that a fitted power of the rms gap lies below −1/2 until P is far above
    s² = P v = 45. The log rms of n runs has the standard error 1/√(2n), twice that for the
    exponential; a slope over five doublings of P has 0.46 of it.
    """
    sizes, runs = 2 ** np.arange(7, 12), 200
    ratios = [loss_ratios(int(P), runs, 9) for P in sizes]
    v = np.array([np.mean(np.log(ratio) ** 2) for ratio in ratios])
    gap = np.array([np.mean((ratio - 1) ** 2) for ratio in ratios])
    expected = np.exp(2 * v) - 2 * np.exp(v / 2) + 1

    def power(square):
        return np.polyfit(np.log(sizes), np.log(square) / 2, 1)[0]

    error = 0.46 / np.sqrt(2 * runs)
    assert power(v) == pytest.approx(-0.5, abs=3.5 * error)
    assert power(gap) == pytest.approx(power(expected), abs=3.5 * 2 * error)
    assert power(expected) < -0.54 and power(gap) < power(v)


@pytest.mark.slow
def test_t1_is_the_mean_at_large_size():
    """Within 3.5 standard errors + 1/P of 400 runs at P = 2048; κ 10 % off is rejected."""
    gaps, wrong = gaps_from_t1(2048, 400, 6), gaps_from_t1(2048, 400, 7, kappa=0.33)
    error = gaps["sharpness"].std() / 20
    assert abs(gaps["sharpness"].mean()) < 3.5 * error + 1 / 2048
    assert abs(wrong["sharpness"].mean()) > 8 * error + 1 / 2048


def t2_pair(P, runs, seed, kappa=1.0):
    """Log losses of runs with α = 1/2, β = 1/2, and the loss of T2."""
    D = P // 2
    method = SGD(0.5 * (D // 2), batch=D // 2)
    theory = solve_quadratic(
        QuadraticRegression(D, P, 1.0 / D), method, 8, limit="proportional", points=2
    )
    problem = QuadraticRegression(D, P, kappa / D)
    curve = simulate_quadratic(
        problem, method, 8, runs=runs, seed=seed, redraw=True, points=2, progress=False
    )
    return curve.sample("loss")[:, -1], theory.loss[-1]


@pytest.mark.slow
def test_t2_is_the_mean_and_its_scatter_shrinks_like_the_root_of_parameters():
    scatter, sizes = [], (32, 64, 128, 256)
    for P in sizes:
        losses, theory = t2_pair(P, 160, 3)
        scatter.append(np.log(losses).std())
    error = losses.std() / np.sqrt(losses.size)
    assert abs(losses.mean() - theory) < 3.5 * error
    slope = np.polyfit(np.log(sizes), np.log(scatter), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.12)
    wrong, _ = t2_pair(256, 160, 4, kappa=2.0)
    assert abs(wrong.mean() - theory) > 4 * error


@pytest.mark.slow
def test_the_band_of_one_run_is_estimated_from_small_runs():
    """Spread of log loss at P = 256 from pilot runs at P = 64: within 35 %."""
    losses, _ = t2_pair(256, 160, 5)
    problem = QuadraticRegression(128, 256, 1.0 / 128)
    curve = solve_quadratic(
        problem,
        SGD(32.0, batch=64),
        8,
        limit="proportional",
        points=2,
        pilot_runs=160,
        seed=1,
        progress=False,
    )
    ratio = curve.std("loss")[-1] / curve.loss[-1] / np.log(losses).std()
    assert ratio == pytest.approx(1.0, abs=0.35)
