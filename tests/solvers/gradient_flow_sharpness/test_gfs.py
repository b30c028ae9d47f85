"""The sharpness at the end of gradient flow: its value, that it falls, and where descent stops."""

from dataclasses import replace

import numpy as np
import pytest

from limitlab.solvers.gradient_flow_sharpness.flow_end import (
    certificate,
    flow_squares,
    gradient_flow_sharpness,
)
from limitlab.solvers.gradient_flow_sharpness.quasi_static import (
    follow,
    quasi_static_attractors,
    shift_of,
)
from limitlab.solvers.gradient_flow_sharpness.stopping import (
    coefficients,
    stopping_of,
    stopping_point,
)
from limitlab.solvers.solve import solve
from limitlab.theory.core.errors import (
    InvalidInput,
    InvalidType,
    NoLimit,
    NotAvailable,
    ValidityWarning,
)
from limitlab.theory.core.loops import Update
from limitlab.theory.derive import derive
from limitlab.theory.gradient_flow_sharpness.problem import DiagonalLinearNetwork, ScalarNetwork
from limitlab.theory.methods import GradientDescent

pytestmark = pytest.mark.interpreted
NETWORK = ScalarNetwork([2, 0.5, 0.3])


def diagonal(seed=3, size=6, data=3):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((data, size)), rng.standard_normal(data)
    return DiagonalLinearNetwork(np.full(size, 0.8), np.full(size, 0.7), X, y)


def shapes(rng, count, spread=0.6):
    """Squares x with Π x = 1 of two to four layers."""
    for _ in range(count):
        u = rng.standard_normal(rng.integers(2, 5)) * rng.uniform(0.1, spread)
        yield np.exp(u - u.mean())


def test_values_of_the_page_to_the_digits_printed():
    assert f"{float(gradient_flow_sharpness(ScalarNetwork([3, 0.1]))):.7f}" == "9.2097828"
    assert f"{float(gradient_flow_sharpness(NETWORK)):.7f}" == "4.4445148"
    stepped = solve(NETWORK, GradientDescent(0.1), 1, points=2)
    assert f"{stepped.flow_sharpness[1]:.7f}" == "4.4408439"
    phi = 2 / 0.95
    x = flow_squares(np.array([np.sqrt(phi**2 - 4), 0.0]))
    assert f"{stopping_of(x, 0.95, 0.05).universal:.7f}" == "1.9459834"


def test_two_layers_in_closed_form_and_depth_is_the_least():
    for w in ([1.3, 0.4], [5.0, 0.01], [0.7, 0.7]):
        value = float(gradient_flow_sharpness(ScalarNetwork(w)))
        assert value == pytest.approx(np.hypot(w[0] ** 2 - w[1] ** 2, 2), rel=1e-12)
    for x in shapes(np.random.default_rng(1), 20):
        assert np.sum(1 / x) >= x.size * (1 - 1e-12)


@pytest.mark.parametrize("problem", [NETWORK, ScalarNetwork([1.5, 0.2]), diagonal()])
def test_algebra_against_the_integrated_flow(problem):
    """Root and Newton's method against the flow and the Hessian where it ends."""
    flow = solve(problem, GradientDescent(0.1), 60, limit="flow", points=31)
    assert flow.loss[-1] < 1e-16
    value = float(gradient_flow_sharpness(problem))
    np.testing.assert_allclose(flow.flow_sharpness, value, rtol=1e-8)
    assert flow.sharpness[-1] == pytest.approx(value, rel=1e-8)
    assert flow.hessian[-1] == pytest.approx(value, rel=1e-7)
    # negative control: that of the start
    assert abs(flow.sharpness[0] / value - 1) > 1e-3


def test_one_step_never_raises_it_where_it_is_proved():
    rng = np.random.default_rng(7)
    rise, broken = monotone(rng, 4000)
    assert rise <= 1e-10
    # negative control: beyond √2 it does rise
    assert broken > 1e-3


@pytest.mark.slow
def test_one_step_never_raises_it_in_1e5_starts():
    rise, _ = monotone(np.random.default_rng(8), 100_000)
    assert rise <= 1e-10


def monotone(rng, count):
    """Largest relative rise of φ in a step with M <= 1, and in one with 1.5 < M < 4."""
    found = {"proved": -np.inf, "open": -np.inf}
    for depth in range(2, 7):
        share = count // 5
        w = np.exp(rng.standard_normal((share, depth)) * rng.uniform(0.05, 1.0, (share, 1)))
        pi = rng.uniform(0.05, 3, share)
        w *= (pi / np.prod(w, axis=1))[:, None] ** (1 / depth)
        for kind, low, high in (("proved", 0.01, 1.0), ("open", 1.5, 4.0)):
            rate = rng.uniform(low, high, share) / certificate(w**2, pi, 1.0)
            after = w - (rate * (pi - 1) * pi)[:, None] / w
            inside = np.prod(after, axis=1) > 0
            before = np.sum(1 / flow_squares(w[inside] ** 2), axis=1)
            later = np.sum(1 / flow_squares(after[inside] ** 2), axis=1)
            found[kind] = max(found[kind], float((later / before - 1).max()))
    return found["proved"], found["open"]


@pytest.mark.parametrize(("rate", "regime"), [(1.0, "proved"), (1.3, "seen"), (1.5, "open")])
def test_certificate_has_three_regimes(rate, regime):
    """w = (1.5, .5): M = rate |π − 1| π/(w₁w₂) = rate/4."""
    found = gradient_flow_sharpness(ScalarNetwork([1.5, 0.5]), 4 * rate)
    assert found.certificate == pytest.approx(rate, rel=1e-12) and found.monotone == regime
    assert gradient_flow_sharpness(ScalarNetwork([1.5, 0.5])).certificate is None


def stopped(x, offset, error, steps):
    """The end of descent less that predicted, and less the edge."""
    rate = (2 + offset) / np.sum(1 / x)
    problem = ScalarNetwork(np.sqrt(x + shift_of(x, 1 + error)))
    curve = solve(problem, GradientDescent(rate), steps, points=2)
    assert curve.provenance["state"] == "converged"
    end = rate * curve.flow_sharpness[-1]
    return end - float(stopping_point(problem, GradientDescent(rate))), end - 2


@pytest.mark.parametrize("u", [[0.8, -0.8], [0.7, -0.2, -0.5], [0.9, 0.1, -0.2, -0.8]])
def test_where_descent_stops(u):
    """Within 7e-3; the edge itself is not the prediction."""
    gap, from_edge = stopped(np.exp(u), 0.08, -0.07, 3000)
    assert abs(gap) <= 7e-3 and abs(from_edge) > 10 * abs(gap)


@pytest.mark.slow
@pytest.mark.compiled
def test_where_descent_stops_from_random_starts():
    """Within 7e-3 for δ₀ and |e₀| up to .1, wherever a minimum below the edge is not too close."""
    rng, gaps, from_edge = np.random.default_rng(4), [], []
    for x in shapes(rng, 150):
        offset, error = rng.uniform(0.01, 0.1), rng.uniform(0.01, 0.1) * rng.choice([-1, 1])
        if (2 + offset) / np.sum(1 / x) * x.size > 1.97:
            continue
        gap, off = stopped(x, offset, error, 1_000_000)
        gaps.append(gap)
        from_edge.append(off)
    assert len(gaps) >= 40
    assert np.abs(gaps).max() <= 7e-3 and np.abs(from_edge).max() > 5e-2


def test_normal_form_ends_where_it_says():
    x = np.exp([0.7, -0.2, -0.5])
    rate = 2.08 / np.sum(1 / x)
    problem = ScalarNetwork(np.sqrt(x + shift_of(x, 1.05)))
    curve = solve(problem, GradientDescent(rate), 5000, limit="normal-form", points=3)
    assert rate * curve.flow_sharpness[-1] == pytest.approx(curve.provenance["end"], abs=1e-6)
    exact = solve(problem, GradientDescent(rate), 5000, points=3)
    assert rate * exact.flow_sharpness[-1] == pytest.approx(curve.provenance["end"], abs=7e-3)


def test_universal_gap_is_the_end_from_far_above():
    """Cκ ≪ δ₀: the end forgets the start."""
    x = np.exp([0.5, 0.1, -0.2, -0.4])
    found = [stopping_of(x, 2.09 / np.sum(1 / x), e) for e in (0.02, 0.09)]
    assert found[0].drift * found[0].kappa < 0.03
    for one in found:
        assert 2 - float(one) == pytest.approx(2 - one.universal, rel=0.1)


def test_attractor_of_the_quasi_static_map():
    x = np.exp([0.3, -0.3])
    found = quasi_static_attractors(x, [1.9, 2.1, 3.9], steps=2000)
    assert found.states == ("converged", "oscillating", found.states[2])
    assert list(found.periods[:2]) == [1, 2]
    assert np.abs(found.attractor[0] - 1).max() < 1e-9
    # two layers in closed form: π' = π + η²π(π − 1)² − η(π − 1)(Δ² + 4π²)^(1/2)
    rate, gap = 2.1 / np.sum(1 / x), x[0] - x[1]
    for pi, after in zip(found.attractor[1], found.attractor[1][1:], strict=False):
        closed = pi + rate**2 * pi * (pi - 1) ** 2 - rate * (pi - 1) * np.hypot(gap, 2 * pi)
        assert after == pytest.approx(closed, rel=1e-12)
    lost = quasi_static_attractors(np.exp([2.0, 0.0, -2.0]), [3.9], start=1.5)
    assert lost.states[0] in ("left_branch", "diverged") and np.isnan(lost.attractor[0, -1])


def test_small_cycle_is_that_of_the_normal_form():
    """s → κδ as δ → 0, with an error of relative order δ."""
    x, errors = np.exp([0.3, -0.1, -0.2]), []
    for offset in (0.04, 0.01):
        found = quasi_static_attractors(x, [2 + offset], steps=6000)
        kappa = coefficients(x, (2 + offset) / np.sum(1 / x))["kappa"]
        squares = (found.attractor[0][-1] - 1) * (1 - found.attractor[0][-2])
        errors.append(squares / (kappa * offset) - 1)
    assert abs(errors[1]) < 0.02 and abs(errors[0] / errors[1]) == pytest.approx(4, rel=0.5)


def test_a_run_that_leaves_its_branch_says_so():
    with pytest.warns(ValidityWarning, match="diverged at step 1"):
        curve = solve(ScalarNetwork([3.0, 0.5]), GradientDescent(0.5), 20, points=21)
    assert curve.provenance["state"] == "left_branch"
    assert np.isnan(curve.loss[1:]).all() and np.isfinite(curve.loss[0])
    with pytest.warns(ValidityWarning):
        curve = solve(ScalarNetwork([3.0, 3.0]), GradientDescent(5.0), 20)
    assert curve.provenance["state"] == "diverged"
    with pytest.warns(ValidityWarning):
        curve = solve(diagonal(), GradientDescent(5.0), 50)
    assert curve.provenance["state"] == "diverged"


def test_given_system_is_the_one_solved():
    own = derive(NETWORK, GradientDescent(0.1))
    s = own.after[1]
    changed = replace(own, after=(own.after[0], Update(s.left, 1.05 * s.right, s.over)))
    assert changed.latex() != own.latex() and changed.source != own.source
    a, b = (solve(NETWORK, GradientDescent(0.1), 1, points=2, system=x) for x in (None, changed))
    assert b.sharpness[1] == pytest.approx(a.sharpness[1] / 1.05, rel=1e-12)
    x = np.exp([0.3, -0.3])
    near = ScalarNetwork(np.sqrt(x + shift_of(x, 1.05)))
    method = GradientDescent(2.05 / np.sum(1 / x))
    theory = derive(near, method, limit="normal-form")
    slower = tuple((k, 0.5 * f if str(k) == "x_dot" else f) for k, f in theory.equations)
    ends = [
        solve(near, method, 200, limit="normal-form", system=each, points=2).flow_sharpness[-1]
        for each in (theory, replace(theory, equations=slower))
    ]
    assert ends[1] > ends[0] + 1e-4


def test_diagonal_network_falls_beyond_the_edge():
    problem = diagonal()
    rate = 2.3 / float(gradient_flow_sharpness(problem))
    curve = solve(problem, GradientDescent(rate), 400, points=401)
    assert curve.provenance["state"] == "converged"
    assert np.diff(curve.flow_sharpness).max() <= 1e-9 * curve.flow_sharpness[0]
    assert rate * curve.flow_sharpness[-1] < 2
    assert np.diff(curve.sharpness).max() > 1e-2  # that of the iterate is not monotone


def test_far_starts_warn_and_no_end_is_refused():
    x = np.exp([0.8, -0.8])
    with pytest.warns(ValidityWarning, match="near the edge"):
        stopping_of(x, 2.4 / np.sum(1 / x), 0.05)
    balanced = np.exp([0.1, -0.1])
    with pytest.raises(NoLimit, match="every minimum repels"):
        stopping_of(balanced, 2.05 / np.sum(1 / balanced), 0.05)
    assert float(stopping_of(x, 1.95 / np.sum(1 / x), 0.0)) == pytest.approx(1.95)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (lambda: gradient_flow_sharpness([1.0, 2.0]), "problem"),
        (lambda: gradient_flow_sharpness(NETWORK, -0.1), "rate"),
        (lambda: stopping_point(diagonal(), GradientDescent(0.1)), "problem"),
        (lambda: stopping_point(ScalarNetwork([1.0, 1.0]), GradientDescent(1.2)), "rate"),
        (lambda: quasi_static_attractors([1.0, -1.0], [2.0]), "squares"),
        (lambda: quasi_static_attractors([1.0, 2.0], [-2.0]), "products"),
        (lambda: quasi_static_attractors([1.0, 2.0], [2.0], start=-1.0), "start"),
        (lambda: solve(diagonal(), GradientDescent(0.1), 5, limit="normal-form"), "limit"),
        (lambda: solve(NETWORK, GradientDescent(0.1), 5, seed=3, paths=3), "paths"),
        (lambda: solve(NETWORK, GradientDescent(0.1)), "until"),
    ],
)
def test_bad_input(wrong, field):
    with pytest.raises((InvalidInput, InvalidType, NotAvailable)) as caught:
        wrong()
    assert caught.value.field == field


def test_an_orbit_that_repeats_is_cut_short_without_changing_a_bit():
    """Points, cycles, chaos and a lost orbit; whole orbits are the control."""
    given, products, steps, samples = [2.0, 1.0, 0.5], [1.95, 2.3, 2.5, 2.75, 9.0], 3001, 40
    x = flow_squares(np.array(given))
    found = quasi_static_attractors(given, products, steps=steps, samples=samples, workers=2)
    record = np.concatenate([[0], np.arange(steps - samples + 1, steps + 1)])
    for value, row in zip(products, found.attractor, strict=True):
        whole, _ = follow(x, value / np.sum(1 / x), 1.05, record)
        np.testing.assert_array_equal(row, whole.values["product"][1:])
    assert {1, 2, -1} <= set(found.periods.tolist())
