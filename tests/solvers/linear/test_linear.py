"""The limits of LinearModel against every batch, against each other, and what they refuse."""

from __future__ import annotations

import dataclasses
import re
import warnings

import numpy as np
import pytest

from limitlab.solvers.linear.kernel_norm import noise_kernel_norm
from limitlab.solvers.linear.moments import constants, exact_map
from limitlab.solvers.linear.noise_kernel import NoiseKernel
from limitlab.solvers.solve import solve
from limitlab.theory.core.errors import InvalidInput, NotAvailable, SolveFailed, ValidityWarning
from limitlab.theory.core.symbols import t
from limitlab.theory.derive import derive
from limitlab.theory.linear.problem import LinearModel
from limitlab.theory.methods import SGD, Adam, GradientDescent
from limitlab.theory.methods.sampling import batches
from limitlab.theory.methods.sgd import SAMPLINGS
from limitlab.theory.second_order.problem import QuadraticRegression
from limitlab.theory.two_eigenvalues.problem import TwoEigenvalueModel

N = np.array([[1, 0.3, 0.1], [0.3, 0.6, 0.2], [0.1, 0.2, 0.4]])
PAGE = LinearModel(kernel=N, residual=[1, -1, 0.5])
RNG = np.random.default_rng(5)
J = RNG.normal(size=(5, 9)) * np.array([[0.5], [1.0], [1.5], [0.7], [1.2]])
ROUND_OFF = 1e-12


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ValidityWarning)
        yield


def test_loss_of_the_page_to_the_digits_printed():
    method = SGD(0.8, batch=2)
    exact = solve(PAGE, method, 3)
    closed = solve(PAGE, method, 3, limit="closure")
    assert f"{exact.loss[-1]:.7f}" == "0.0950836"
    assert f"{closed.loss[-1]:.7f}" == "0.0933831"
    assert exact.steps.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("momentum", [0.0, 0.6])
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_exact_map_is_the_average_over_all_batches(sampling, momentum, outputs, all_masks):
    """Every sequence of batches over three steps, through its conditional second moments."""
    D = 5
    rows = RNG.normal(size=(D * outputs, 12))
    z = RNG.normal(size=D * outputs)
    problem = LinearModel(jacobian=rows, residual=z, outputs=outputs)
    method = SGD(0.15, batch=2, sampling=sampling, momentum=momentum)
    state = np.outer(np.r_[z, 0 * z], np.r_[z, 0 * z])
    losses = [np.trace(state[: z.size, : z.size]) / (2 * D)]
    masks, chances = all_masks(sampling, 2, D)
    for _ in range(3):
        state = sum(
            chance * step @ state @ step.T
            for chance, step in zip(chances, _steps(problem, method, masks), strict=True)
        )
        losses.append(np.trace(state[: z.size, : z.size]) / (2 * D))
    theory = solve(problem, method, 3, limit="exact")
    assert theory.loss == pytest.approx(np.array(losses), rel=ROUND_OFF)


def _steps(problem, method, masks):
    """The matrix of one step on (z, y) for each mask."""
    n, mu = problem.size, method.momentum
    for mask in masks:
        pull = -method.rate * problem.data / method.batch * problem.gram
        pull = pull * np.repeat(mask, problem.outputs)
        velocity = np.hstack([pull, mu * np.eye(n)])
        yield np.vstack([np.hstack([np.eye(n), np.zeros((n, n))]) + velocity, velocity])


def _changed(system):
    """The same derivation with 1 % more drift of M."""
    changed = tuple(
        (left, 1.01 * right if str(left) == "M_next" else right) for left, right in system.equations
    )
    return dataclasses.replace(system, equations=changed)


def test_what_is_solved_and_printed_is_the_derivation():
    method = SGD(0.3, batch=2)
    system = derive(PAGE, method)
    changed = _changed(system)
    for limit in ("exact", "closure"):
        before, after = (solve(PAGE, method, 1, limit=limit, system=s) for s in (system, changed))
        assert after.loss[-1] == pytest.approx(1.01 * before.loss[-1], rel=1e-12)
    assert changed.latex() != system.latex() and changed.source != system.source


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_volterra_is_the_closure_to_round_off(sampling):
    problem = LinearModel(jacobian=J, residual=np.ones(5))
    method = SGD(0.1, batch=2, sampling=sampling)
    curves = [solve(problem, method, 40, limit=limit) for limit in ("closure", "volterra")]
    assert curves[0].loss == pytest.approx(curves[1].loss, rel=1e-12)


def test_volterra_says_when_its_terms_cancel():
    """ν = 1 and B = 1 give a_i < −1 in a stable system: the loss falls while its terms grow."""
    problem, method = LinearModel(spectrum=[1.0, 0.2]), SGD(1.3, batch=1)
    with pytest.warns(ValidityWarning, match="rounding error of about") as told:
        short = solve(problem, method, 30, limit="volterra")
    announced = float(re.search(r"about (\S+) at", str(told[0].message))[1])
    off = abs(short.loss[-1] / solve(problem, method, 30, limit="closure").loss[-1] - 1)
    assert off < announced < 1e4 * off and told[0].filename == __file__
    with pytest.raises(SolveFailed, match='cancel to nothing; limit="closure"'):
        solve(problem, method, 60, limit="volterra")


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_closure_is_exact_for_exchangeable_examples_only(momentum):
    """N = a I + b 11ᵀ: the diagonal of every function of N is constant."""
    method = SGD(0.5, batch=2, momentum=momentum)

    def gap(kernel):
        problem = LinearModel(kernel=kernel, residual=np.arange(1.0, 7.0))
        exact, closed = (solve(problem, method, 30, limit=limit) for limit in ("exact", "closure"))
        return np.max(np.abs(exact.loss / closed.loss - 1))

    exchangeable = 0.4 * np.eye(6) + 0.1
    assert gap(exchangeable) < ROUND_OFF
    assert gap(exchangeable + np.diag([0.1, 0, 0, 0, 0, 0])) > 1e-3


def test_full_batch_is_gradient_descent():
    z = PAGE.residual
    curve = solve(PAGE, GradientDescent(0.7), 20)
    power = np.eye(3)
    for k in range(21):
        assert curve.loss[k] == pytest.approx(np.sum((power @ z) ** 2) / 6, rel=1e-11)
        power = (np.eye(3) - 0.7 * N) @ power
    assert np.all(curve.kernel_norm == 0) and curve.sharpness[0] == PAGE.sharpness


def test_total_mean_squares_of_every_example():
    """Σ_t E z_k(t)² = [(I − 𝓜)⁻¹ f]_k: the map, summed, against the noise kernel, inverted."""
    problem = LinearModel(jacobian=J, residual=RNG.normal(size=5))
    method = SGD(0.05, batch=2)
    kernel = NoiseKernel(problem, batches(method, 5))
    V, values = problem.eigenvectors, problem.eigenvalues
    numbers = constants(problem, kernel.batches)
    pair = {"lambda_i": values[:, None], "lambda_j": values[None, :], "eta": 0.05, **numbers}
    gamma = kernel.functions["Gamma"](**pair)
    e = 0.05 * values
    first = gamma / (numbers["c"] * 5 * np.outer(e, e)) * problem.start
    f = np.diag(V @ first @ V.T)
    matrix = np.einsum("ki,kj,li,lj,ij->kl", V, V, V, V, gamma)
    wanted = np.linalg.solve(np.eye(5) - matrix, f)
    step = exact_map(problem, kernel.batches, kernel.functions)
    state = (problem.start, np.zeros((5, 5)), np.zeros((5, 5)))
    total = np.zeros(5)
    while np.trace(state[0]) > 1e-16:
        total += np.diag(V @ state[0] @ V.T)
        state = step.step(state, 0.05)
    assert total == pytest.approx(wanted, rel=1e-11)


def test_schedules_are_read_in_steps():
    problem = LinearModel(kernel=N, residual=[1, -1, 0.5])
    rates = 0.6 / (1 + np.arange(4))
    curve = solve(problem, SGD(0.6 / (1 + t), batch=3), 4)
    z = problem.residual
    for rate in rates:
        z = z - rate * N @ z
    assert curve.loss[-1] == pytest.approx(z @ z / 6, rel=1e-12)
    noisy = solve(problem, SGD(0.6 / (1 + t), batch=2), 4)
    assert np.all(np.diff(noisy.kernel_norm) < 0)


def test_flow_is_the_limit_of_small_rates_at_first_order():
    problem = LinearModel(kernel=N, residual=[1, -1, 0.5])
    gaps = []
    for rate in (0.02, 0.01):
        method = SGD(rate, batch=1)
        flow = solve(problem, method, 2.0, limit="ode", points=3)
        steps = solve(problem, method, flow.steps[-1], times=flow.steps[1:], limit="closure")
        gaps.append(abs(flow.loss[-1] / steps.loss[-1] - 1))
    assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.1)


def test_flow_decays_exactly_below_the_closure_norm_of_one():
    """ΣL over time is finite with the same K_closure: dτ ΣL = Σ p_i(0)/(η(1 − a_i))·η/(1 − K)."""
    problem = LinearModel(spectrum=[0.9, 0.5, 0.2], residual=[1.0, 1.0, 1.0])
    method = SGD(0.3, batch=1)
    curve = solve(problem, method, 400.0, limit="ode", points=40_001)
    functions = derive(problem, method).functions
    numbers = {"c": 1.0, "nu": 1.0, "C": 1.0, "mu": 0.0, "eta": 0.3, "D": 3.0}
    a = functions["a_i"](lambda_i=problem.eigenvalues, **numbers)
    norm = functions["K_i"](lambda_i=problem.eigenvalues, **numbers).sum()
    wanted = 0.3 * np.sum(problem.energies / (1 - a)) / (1 - norm)
    integral = 2 * 3 * np.trapezoid(curve.loss, curve.time)
    assert integral == pytest.approx(wanted, rel=1e-4)


def test_modes_share_the_loss():
    for limit in ("exact", "closure"):
        curve = solve(PAGE, SGD(0.5, batch=2), 10, limit=limit, modes=True)
        assert curve["modes"].sum(axis=1) == pytest.approx(curve.loss)
    assert solve(PAGE, SGD(0.5, batch=2), 10).modes is None


def test_the_closure_says_how_optimistic_it_is():
    with pytest.warns(ValidityWarning, match="K_exact/K_closure = 1.488.* above it by about 23 %"):
        solve(PAGE, SGD(0.8, batch=2), 5, limit="closure")
    large = LinearModel(kernel=np.eye(301))
    curve = solve(large, SGD(0.5, batch=30), 3)
    assert curve.provenance["limit"] == "closure" and curve.provenance["remarks"]


@pytest.mark.parametrize("limit", ["exact", "closure", "volterra"])
def test_divergence_is_an_error_with_the_step(limit):
    """The same step, whatever is recorded."""
    found = []
    for points in (2, 401):
        with pytest.raises(SolveFailed, match="diverged") as failed:
            solve(PAGE, SGD(50.0, batch=1), 400, limit=limit, points=points)
        found.append(failed.value.time)
    solve(PAGE, SGD(50.0, batch=1), int(found[0]) - 1, limit=limit)
    assert found[0] == found[1] < 400


def test_volterra_terms_beyond_what_a_float_holds():
    with pytest.raises(SolveFailed, match="Volterra sum diverged at time"):
        solve(LinearModel(spectrum=[1.0, 0.5]), SGD(1.9, batch=1), 3000, limit="volterra")


def test_method_without_a_limit_on_finite_data():
    """Adam's own family is of streams."""
    for verb in (derive, lambda *pair: solve(*pair, 3)):
        for problem in (PAGE, QuadraticRegression(3, 2, 0.1), TwoEigenvalueModel(0.01, 0.25)):
            with pytest.raises(NotAvailable, match="GradientDescent"):
                verb(problem, Adam(0.1))


@pytest.mark.parametrize(
    ("problem", "method", "options", "error"),
    [
        (LinearModel(spectrum=[1.0]), SGD(0.1), {"limit": "exact"}, NotAvailable),
        (PAGE, SGD(0.1, momentum=0.5), {"limit": "volterra"}, NotAvailable),
        (PAGE, SGD(0.1 / (1 + t)), {"limit": "volterra"}, NotAvailable),
        (PAGE, SGD(0.1, momentum=0.5), {"limit": "sde"}, NotAvailable),
        (PAGE, SGD(0.1 / (1 + t)), {"limit": "ode"}, NotAvailable),
        (PAGE, SGD(1.7), {"limit": "ode"}, NotAvailable),
        (PAGE, SGD(0.1), {"limit": "volterra", "modes": True}, NotAvailable),
        (PAGE, SGD(0.1), {"limit": "exact", "diffusion": "homogenised"}, NotAvailable),
        (PAGE, SGD(0.1), {"paths": 3}, NotAvailable),
        (PAGE, SGD(0.1), {"limit": "fluctuations"}, InvalidInput),
        (PAGE, SGD(0.1), {"rtol": 1e-3}, NotAvailable),
        (PAGE, SGD(0.1, batch=4), {}, InvalidInput),
    ],
)
def test_what_is_refused(problem, method, options, error):
    with pytest.raises(error):
        solve(problem, method, 5, **options)


def test_options_of_another_limit_name_their_own():
    with pytest.raises(NotAvailable, match='paths = 3: belongs to limit="sde", not to "exact"'):
        solve(PAGE, SGD(0.1), 5, limit="exact", paths=3)
    assert solve(PAGE, SGD(0.1), 5, limit="volterra", modes=False).modes is None


@pytest.mark.parametrize("limit", ["exact", "closure", "volterra", "ode", "sde"])
def test_a_kernel_of_zero_moves_nothing(limit):
    nothing = LinearModel(kernel=np.zeros((2, 2)))
    with pytest.raises(NotAvailable, match="nothing moves"):
        solve(nothing, SGD(0.1), 3, limit=limit)
    with pytest.raises(NotAvailable, match="nothing moves"):
        noise_kernel_norm(nothing, SGD(0.1))


@pytest.mark.parametrize("method", [None, "sgd", SGD(1e300, batch=1)])
def test_a_norm_without_a_usable_method(method):
    with pytest.raises(InvalidInput, match="method|rate"):
        noise_kernel_norm(PAGE, method)


def test_time_needs_a_whole_step():
    with pytest.raises(InvalidInput, match="at least 1"):
        solve(PAGE, SGD(0.1), 0.2)


def test_continuous_time_warns_with_the_expected_error():
    with pytest.warns(ValidityWarning, match="rate · sharpness/2 = 30 %"):
        solve(PAGE, SGD(0.5, batch=2), 1.0, limit="ode")
