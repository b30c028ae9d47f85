"""The noise kernel norm: the page's values, the bracket, the threshold of the full moment map."""

from __future__ import annotations

import math
import pickle
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limitlab.solvers.core.lanczos import largest_eigenvalue
from limitlab.solvers.linear.critical import critical_batch, critical_rate, growth_rate
from limitlab.solvers.linear.kernel_norm import noise_kernel_norm
from limitlab.theory.core.errors import InvalidInput, InvalidType, NotAvailable, ValidityWarning
from limitlab.theory.core.symbols import t
from limitlab.theory.linear.problem import LinearModel
from limitlab.theory.methods import SGD, GradientDescent
from limitlab.theory.methods.sampling import batches
from limitlab.theory.methods.sgd import SAMPLINGS
from limitlab.theory.two_eigenvalues.problem import TwoEigenvalueModel

N = np.array([[1, 0.3, 0.1], [0.3, 0.6, 0.2], [0.1, 0.2, 0.4]])
PAGE = LinearModel(kernel=N, residual=[1, -1, 0.5])
#: for numbers that are equal in exact arithmetic
ROUND_OFF = 1e-9


def uneven(data, outputs=1, seed=1):
    """Gaussian rows of uneven length, so that the forms of the norm differ."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(data * outputs, 2 * data * outputs))
    lengths = rng.uniform(0.3, 2, size=(data * outputs, 1))
    return LinearModel(jacobian=rows * lengths, outputs=outputs)


def radius_of_moment_map(problem, method):
    """Spectral radius of the full map of the moments of (z, y), by its action on a basis."""
    drawn = batches(method, problem.data)
    mask, n, rate, mu = drawn.moments, problem.size, method.rate, method.momentum
    same = np.kron(np.eye(problem.data), np.ones((problem.outputs, problem.outputs)))
    A = np.block(
        [[np.eye(n) - rate * problem.gram, mu * np.eye(n)], [-rate * problem.gram, mu * np.eye(n)]]
    )
    G = np.vstack([problem.gram, problem.gram]) * rate
    columns = []
    for i in range(4 * n * n):
        Q = np.zeros(4 * n * n)
        Q[i] = 1.0
        Q = Q.reshape(2 * n, 2 * n)
        M = Q[:n, :n]
        noise = mask.c * (problem.data * same * M - mask.nu * M)
        columns.append((A @ Q @ A.T + G @ noise @ G.T).ravel())
    return float(np.abs(np.linalg.eigvals(np.array(columns))).max())


def test_norms_of_the_page_to_the_digits_printed():
    norm = noise_kernel_norm(PAGE, SGD(0.8, batch=2))
    found = (norm.trace, norm.closure, norm.second_moment, norm.exact, norm.highest)
    assert [f"{x:.6f}" for x in found] == [
        "0.200000",
        "0.280314",
        "0.338923",
        "0.417089",
        "0.452236",
    ]
    method = SGD(0.4, batch=2, sampling="bernoulli", momentum=0.5)
    norm = noise_kernel_norm(PAGE, method)
    assert (f"{norm.closure:.6f}", f"{norm.exact:.6f}") == ("0.152006", "0.213626")


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize(("data", "outputs", "batch"), [(4, 1, 1), (5, 1, 2), (2, 2, 1)])
def test_norm_one_is_the_threshold_of_the_moment_map(data, outputs, batch, sampling, momentum):
    problem = uneven(data, outputs)
    method = SGD(1.0, batch=batch, sampling=sampling, momentum=momentum)
    rate = critical_rate(problem, method)
    assert rate.limited_by == "noise"

    def at(factor):
        return SGD(factor * rate, batch=batch, sampling=sampling, momentum=momentum)

    assert radius_of_moment_map(problem, at(1.0)) == pytest.approx(1, abs=ROUND_OFF)
    for factor in (0.6, 1.2):
        radius = radius_of_moment_map(problem, at(factor))
        assert growth_rate(problem, at(factor)) == pytest.approx(radius, abs=ROUND_OFF)
    closed = critical_rate(problem, method, form="closure")
    assert radius_of_moment_map(problem, at(closed / rate)) > 1 + 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_threshold_of_seven_examples(sampling, momentum):
    problem = uneven(7)
    method = SGD(1.0, batch=3, sampling=sampling, momentum=momentum)
    rate = float(critical_rate(problem, method))
    tried = SGD(rate, batch=3, sampling=sampling, momentum=momentum)
    assert radius_of_moment_map(problem, tried) == pytest.approx(1, abs=ROUND_OFF)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    data=st.integers(1, 6),
    outputs=st.integers(1, 3),
    sampling=st.sampled_from(SAMPLINGS),
    momentum=st.sampled_from([0.0, 0.3, 0.8]),
    share=st.floats(0.05, 1.2),
)
def test_the_closure_is_always_optimistic(seed, data, outputs, sampling, momentum, share):
    problem = uneven(data, outputs, seed)
    batch = 1 + seed % data
    rate = share * 2 * (1 + momentum) / problem.sharpness
    norm = noise_kernel_norm(problem, SGD(rate, batch=batch, sampling=sampling, momentum=momentum))
    if math.isinf(norm.exact):
        assert norm.closure == norm.highest == math.inf and norm.verdict == "unstable"
        return
    slack = 1 + 1e-9
    assert norm.closure <= norm.second_moment * slack
    assert norm.second_moment <= norm.exact * slack
    assert norm.exact <= norm.highest * slack


def test_one_example_a_step_and_the_trace():
    """c = ν = 1: the closure is η tr N/2, whatever the spectrum."""
    norm = noise_kernel_norm(PAGE, SGD(0.9, batch=1), form="closure")
    assert float(norm) == pytest.approx(0.45 * np.trace(N), rel=1e-13)
    assert float(noise_kernel_norm(PAGE, SGD(0.9), form="trace")) == pytest.approx(float(norm))


def test_decoupled_outputs_need_the_factor_of_c():
    """Θ = Θ₁ ⊗ I_C has the norms of one output; without the 1/C the closure would be C times it."""
    one = uneven(4)
    three = LinearModel(kernel=np.kron(one.gram, np.eye(3)), outputs=3)
    method = SGD(0.2 / one.sharpness, batch=2)
    first, second = (noise_kernel_norm(problem, method) for problem in (one, three))
    for name in ("trace", "closure", "second_moment", "exact", "highest"):
        assert getattr(second, name) == pytest.approx(getattr(first, name), rel=1e-9)


def test_verdicts():
    assert noise_kernel_norm(PAGE, SGD(0.8, batch=2)).verdict == "stable"
    assert noise_kernel_norm(PAGE, SGD(1.4, batch=2)).verdict == "unstable"
    assert noise_kernel_norm(PAGE, SGD(0.8, batch=2), form="closure").verdict == "undecided"
    for share, verdict in ((1 - 1e-7, "stable"), (1, "undecided"), (1 + 1e-7, "unstable")):
        near = SGD(share * critical_rate(PAGE, SGD(1.0, batch=2)), batch=2)
        assert noise_kernel_norm(PAGE, near).verdict == verdict
    low, high = critical_rate(PAGE, SGD(1.0, batch=2), form="bracket").bracket
    exact = critical_rate(PAGE, SGD(1.0, batch=2))
    assert low < exact < high
    at_threshold = SGD(float(exact), batch=2)
    assert noise_kernel_norm(PAGE, at_threshold, form="bracket").verdict == "undecided"
    beyond = noise_kernel_norm(PAGE, SGD(5.0, batch=2, sampling="bernoulli"))
    assert math.isinf(float(beyond)) and beyond.verdict == "unstable"
    assert noise_kernel_norm(PAGE, GradientDescent(1.6)).verdict == "stable"
    assert noise_kernel_norm(PAGE, GradientDescent(1.7)).verdict == "unstable"


def test_a_norm_is_the_number_of_its_form():
    norm = noise_kernel_norm(PAGE, SGD(0.8, batch=2))
    assert norm == norm.exact and norm.closure < norm < norm.highest < 1
    assert f"{norm:.4f}" == "0.4171"
    bracket = noise_kernel_norm(PAGE, SGD(0.8, batch=2), form="bracket")
    assert bracket.second_moment <= bracket < norm
    copy = pickle.loads(pickle.dumps(norm))
    assert (copy, str(copy)) == (norm, str(norm))


def test_large_problems_give_the_bracket_unless_consent():
    norm = noise_kernel_norm(PAGE, SGD(0.8, batch=2), largest=2)
    assert norm.exact is None and "bracket only" in norm.remark and norm.verdict == "stable"
    assert float(norm) == norm.second_moment


def test_without_noise_the_edge_is_the_critical_rate():
    for momentum in (0.0, 0.5):
        rate = critical_rate(PAGE, SGD(1.0, batch=3, momentum=momentum))
        assert rate.limited_by == "edge"
        assert rate * PAGE.sharpness == pytest.approx(2 * (1 + momentum), rel=1e-12)


def test_a_critical_rate_survives_pickling():
    rate = critical_rate(PAGE, SGD(1.0, batch=2), form="bracket")
    copy = pickle.loads(pickle.dumps(rate))
    assert (copy, copy.limited_by, copy.bracket) == (rate, "noise", rate.bracket)


def test_critical_batch_is_the_first_stable_one():
    problem = uneven(12)
    for batch in (3, 7):
        rate = float(critical_rate(problem, SGD(1.0, batch=batch)))
        assert critical_batch(problem, SGD(0.999 * rate)) == batch
        assert critical_batch(problem, SGD(1.001 * rate)) == batch + 1
    with pytest.raises(InvalidInput, match="no batch is stable"):
        critical_batch(problem, SGD(2.1 / problem.sharpness))


def test_growth_of_the_closure_solves_the_secular_equation():
    problem, method = uneven(6), SGD(0.1, batch=2)
    r = growth_rate(problem, method, form="closure")
    drawn = batches(method, 6).moments
    e = 0.1 * problem.eigenvalues
    a = (1 - e) ** 2 - drawn.nu * drawn.c * e**2
    assert np.sum(drawn.c * e**2 / (r - a)) == pytest.approx(1, rel=1e-9)
    matrix = np.diag(a) + (drawn.c * e**2)[:, None]
    assert r == pytest.approx(np.abs(np.linalg.eigvals(matrix)).max(), rel=1e-10)


def test_what_the_norm_refuses():
    spectrum = LinearModel(spectrum=[1.0, 0.5])
    for form in ("exact", "bracket"):
        with pytest.raises(NotAvailable, match="eigenvectors"):
            noise_kernel_norm(spectrum, SGD(0.1), form=form)
    with pytest.raises(NotAvailable, match="one rate"):
        noise_kernel_norm(PAGE, SGD(0.1 / (1 + t)))
    with pytest.raises(InvalidInput, match="form"):
        noise_kernel_norm(PAGE, SGD(0.1), form="K2")
    with pytest.raises(NotAvailable, match="nothing moves"):
        critical_rate(LinearModel(spectrum=[0.0]), SGD(0.1), form="closure")


@pytest.mark.parametrize("call", [noise_kernel_norm, critical_rate, critical_batch, growth_rate])
def test_norms_are_of_linear_models(call):
    for problem in (TwoEigenvalueModel(0.01, 0.25), N):
        with pytest.raises(InvalidType, match="give a LinearModel"):
            call(problem, SGD(0.1))


def test_a_critical_batch_needs_a_method_with_batches():
    with pytest.raises(NotAvailable, match="only SGD"):
        critical_batch(PAGE, GradientDescent(0.1))


def test_a_level_above_what_the_norm_reaches():
    """With momentum every mode saturates: one example of rank one."""
    problem, method = LinearModel(spectrum=[1.0, 0.0]), SGD(1.0, batch=1, momentum=0.5)
    with pytest.raises(InvalidInput, match="level = 2: not reached below rate"):
        critical_rate(problem, method, form="closure", level=2)
    rate = critical_rate(problem, method, form="closure", level=1.4)
    reached = noise_kernel_norm(problem, replace(method, rate=float(rate)), form="closure")
    assert float(reached) == pytest.approx(1.4)


def test_a_full_batch_has_the_edge_and_no_other_level():
    for method in (GradientDescent(0.1), SGD(0.1, batch=3)):
        assert critical_rate(PAGE, method).limited_by == "edge"
        for level in (0.5, -1.0, "x"):
            with pytest.raises((InvalidInput, InvalidType), match="level"):
                critical_rate(PAGE, method, level=level)


def test_critical_rates_are_units_of_one_over_the_sharpness():
    scaled = [
        critical_rate(LinearModel(kernel=N * scale), SGD(0.1, batch=2)) * scale
        for scale in (1.0, 1e15, 1e-15)
    ]
    np.testing.assert_allclose(scaled, scaled[0], rtol=1e-12)


def test_lanczos_says_when_it_stops_early():
    spread = np.linspace(0, 1, 40)
    with pytest.warns(ValidityWarning, match="after 3 applications"):
        largest_eigenvalue(lambda x: spread * x, np.ones(40), most=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert largest_eigenvalue(lambda x: spread * x, np.ones(40)) == pytest.approx(1)


@pytest.mark.parametrize("size", [1, 2, 40])
def test_lanczos_finds_the_largest_eigenvalue(size):
    root = np.random.default_rng(size).normal(size=(size, size))
    matrix = root @ root.T
    found = largest_eigenvalue(lambda x: matrix @ x, np.ones(size))
    assert found == pytest.approx(np.linalg.eigvalsh(matrix)[-1], rel=1e-11)
    assert largest_eigenvalue(lambda x: 0 * x, np.ones(size)) == 0


@pytest.mark.parametrize("size", [1e20, 1e48, 9e98])
@pytest.mark.parametrize("form", ["exact", "closure"])
def test_growth_that_no_float_holds_is_refused(size, form):
    model = LinearModel(kernel=size * np.diag([1.0, 0.5, 0.2]))
    with pytest.raises(InvalidInput, match="give a lower one") as error:
        growth_rate(model, SGD(1e26 / size, batch=1), form)
    assert error.value.field == "rate"
    # slowest mode; the noise adds the square of the rate
    step = 1e-3
    found = growth_rate(model, SGD(step / size, batch=1), form)
    assert found == pytest.approx((1 - 0.2 * step) ** 2, abs=step**2)


@pytest.mark.parametrize("form", ["exact", "closure"])
@pytest.mark.parametrize("seed", range(4))
def test_growth_at_large_rates_is_the_square_of_the_rate(form, seed):
    """A step of a huge rate is its square times a map that knows no rate."""
    rng = np.random.default_rng(seed)
    D = int(rng.integers(2, 6))
    root = rng.standard_normal((D, D + 2))
    model = LinearModel(kernel=root @ root.T / D)
    rates = np.array([1e9, 1e13, 1e18, 1e22])
    found = [growth_rate(model, SGD(rate, batch=1), form) for rate in rates]
    assert found / rates**2 == pytest.approx(found[-1] / rates[-1] ** 2, rel=1e-7)
