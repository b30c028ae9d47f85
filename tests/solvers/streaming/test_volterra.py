"""The Volterra equation: its declared order, closed forms, and the same curve as the ODE."""

from __future__ import annotations

import dataclasses
import warnings
from itertools import islice

import numpy as np
import pytest

from limitlab.solvers.solve import solve
from limitlab.solvers.streaming import volterra
from limitlab.solvers.streaming.coefficients import Coefficients
from limitlab.solvers.streaming.compress import FEW_MODES, Spectrum
from limitlab.solvers.streaming.ode import integrate, solve_ode
from limitlab.solvers.streaming.volterra import Equation, forcing, memory, solve_volterra
from limitlab.theory.core.errors import SolveFailed, ValidityWarning
from limitlab.theory.covariance import from_eigenvalues, isotropic
from limitlab.theory.covariance import power_law as power_law_covariance
from limitlab.theory.derive import derive
from limitlab.theory.methods import SGD, ClippedSGD, SignSGD
from limitlab.theory.noise import Cauchy, Gaussian, Laplace, StudentT
from limitlab.theory.schedules.schedule import cosine, power_decay
from limitlab.theory.streaming.derive import bind
from limitlab.theory.streaming.modes import modes
from limitlab.theory.streaming.problem import LeastSquares

pytestmark = pytest.mark.interpreted

RTOL = 1e-8
PROMISE = 50 * RTOL
ONE = Spectrum(np.ones(1), np.ones(1), np.ones(1))
ENDS = np.array([0.0, 1.0])


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ValidityWarning)
        yield


def prepared(problem, method, system=None):
    """Return coefficients and all modes of a problem."""
    system = derive(problem, method) if system is None else system
    found = modes(problem, method)
    coefficients = Coefficients.of(system.source, bind(system, problem, method))
    return coefficients, Spectrum(found.rates, found.energies, found.sources)


def gap(first, second):
    return np.max(np.abs(np.asarray(first) / second - 1))


# ---- order ----


def fitted_order(equation, extrapolations):
    """Fit the order over five meshes of (0, 1), after removing some powers of the step."""
    exact = integrate(equation.coefficients, equation.spectrum, ENDS, 1e-12)[-1]
    sizes = 4 * 2 ** np.arange(5)
    errors = []
    for n in sizes:
        mesh = np.linspace(0.0, 1.0, n + 1)
        best = next(islice(equation.levels(mesh), extrapolations, None))
        errors.append(abs(best[-1, 0] - exact))
    return -np.polyfit(np.log(sizes), np.log(errors), 1)[0]


MOVING = ("2.0 * p[0] / (1.0 + t) / (1.0 + R)", "0.5 * p[0] ** 2 * (2.0 * R + p[1]) / (1.0 + t)")


@pytest.mark.parametrize(
    "example", ["linear", *(pytest.param(n, marks=pytest.mark.slow) for n in ("sign", "moving"))]
)
def test_the_scheme_has_its_declared_order(example, linear, sign, hand_made, power_law):
    moving = hand_made(*MOVING, 0.5, 0.25)
    chosen = {"linear": linear, "sign": sign, "moving": moving}[example]
    equation = Equation(chosen, power_law(4, 0.7), ENDS)
    assert abs(fitted_order(equation, 0) - volterra.ORDER) <= 0.2


@pytest.mark.slow
def test_each_extrapolation_removes_an_even_power(sign, power_law):
    """A scheme that is not symmetric would gain one order, not two."""
    equation = Equation(sign, power_law(4, 0.7), ENDS)
    assert abs(fitted_order(equation, 1) - (volterra.ORDER + 2)) <= 0.2


# ---- closed forms ----


def test_isotropic_sgd_is_the_closed_form():
    curve = solve(LeastSquares(isotropic(2000), Gaussian(0.5)), SGD(0.5), 6, limit="volterra")
    speed, floor = 0.75, 0.5 * 0.25 * 0.25 / 0.75
    assert gap(curve.risk, floor + (1 - floor) * np.exp(-speed * curve.time)) < PROMISE


def test_unclipped_sgd_is_a_renewal_equation_of_known_mass():
    rate, problem = 0.6, LeastSquares(from_eigenvalues([2, 0.5], [50, 150]), Gaussian(0.5))
    coefficients, spectrum = prepared(problem, SGD(rate))
    (drift, _), noise = coefficients.at(np.array([1.0, 2.0]))
    nodes, weights = np.polynomial.legendre.leggauss(200)
    times = 100.0 * (1 + nodes)
    kernel = (noise[1] - noise[0]) * memory(spectrum, drift * times)
    a = rate * problem.covariance.mean_eigenvalue
    assert 100.0 * weights @ kernel == pytest.approx(a / 2, rel=1e-10)
    risk = solve(problem, SGD(rate), times=[0.0, 100.0], limit="volterra").risk
    assert risk[-1] == pytest.approx(a * 0.25 / (4 - 2 * a), rel=PROMISE)


@pytest.mark.slow
def test_the_risk_of_the_ode_satisfies_the_integral_equation():
    """The integral is taken by Gauss's rule over the whole history: nothing of the solver's is in
    it but the two kernels."""
    problem = LeastSquares(power_law_covariance(40, 0.5), Laplace(0.5))
    coefficients, spectrum = prepared(problem, ClippedSGD(0.8, 1.0))
    nodes, weights = np.polynomial.legendre.leggauss(80)
    times = np.concatenate([[0.0], 1 + nodes, [2.0]])
    risk = integrate(coefficients, spectrum, times, 1e-12)
    drift, noise = coefficients.at(risk)
    series = np.polynomial.legendre.Legendre.fit(times, drift, 60, domain=[0.0, 2.0]).integ()
    covered = series(times) - series(0.0)
    history = memory(spectrum, covered[-1] - covered[1:-1])
    found = forcing(spectrum, covered[-1]) + weights @ (history * noise[1:-1])
    assert found == pytest.approx(risk[-1], rel=1e-7)


# ---- the same curve as the ODE ----

NOISES = (Gaussian(0.5), Laplace(0.5), StudentT(3, 0.5), Cauchy(0.3))


@pytest.mark.slow
@pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.label)
@pytest.mark.parametrize("method", [ClippedSGD(0.8, 1.0), SignSGD(0.4)], ids=lambda m: m.label)
def test_both_roads_lead_to_one_curve(method, noise):
    problem = LeastSquares(power_law_covariance(300, 0.5), noise)
    ode, other = (solve(problem, method, 6, points=31, limit=x) for x in ("ode", "volterra"))
    assert gap(other.risk, ode.risk) < PROMISE
    assert other.provenance["limit"] == "volterra" and set(other.values) == set(ode.values)
    assert np.max(other.diagnostics["error_estimate"]) < 10 * RTOL
    for name in ("drift_sensitivity", "noise_sensitivity"):
        scale = np.max(np.abs(ode.diagnostics[name]))
        assert np.allclose(other.diagnostics[name], ode.diagnostics[name], atol=0.01 * scale)


@pytest.mark.slow
@pytest.mark.parametrize(
    "rate", [power_decay(0.6, 0.7, 0.5), cosine(0.6, 5.0)], ids=["power", "cosine"]
)
def test_schedules_take_both_roads(rate):
    """The cosine ends at zero, where B/A does not exist."""
    problem = LeastSquares(power_law_covariance(300, 0.5), Gaussian(0.5))
    ode, other = (solve(problem, SGD(rate), 5, points=11, limit=x) for x in ("ode", "volterra"))
    assert gap(other.risk, ode.risk) < PROMISE


@pytest.mark.slow
def test_compression_keeps_the_curve(linear, power_law):
    spectrum, times = power_law(500), np.linspace(0.0, 6.0, 7)
    small = solve_volterra(linear, spectrum, times, RTOL)
    assert small.nodes < FEW_MODES + 20
    assert gap(small.risk, Equation(linear, spectrum, times).solve(RTOL).risk) < PROMISE


@pytest.mark.slow
def test_fast_modes_cost_steps_but_not_honesty(linear, power_law):
    """The fastest of these modes decays 10³ times within one output interval."""
    spectrum, times = power_law(3000, 1.0), np.linspace(0.0, 8.0, 5)
    for rtol in (1e-6, 1e-8):
        found = solve_volterra(linear, spectrum, times, rtol)
        error = gap(found.risk, solve_ode(linear, spectrum, times, 1e-11).risk)
        assert error < max(rtol, 2 * np.max(found.error_estimate))


# ---- negative controls ----


def test_an_error_of_one_percent_in_the_noise_breaks_the_agreement():
    problem, method = LeastSquares(isotropic(1000), Gaussian(0.5)), ClippedSGD(0.8, 1.0)
    system, times = derive(problem, method), np.linspace(0.0, 6.0, 13)
    planted = tuple((f, 1.01 * e if f.func.__name__ == "N" else e) for f, e in system.definitions)
    wrong = dataclasses.replace(system, definitions=planted)
    ode = solve_ode(*prepared(problem, method), times).risk
    right, planted = (
        solve_volterra(*prepared(problem, method, s), times).risk for s in (system, wrong)
    )
    assert gap(right, ode) < PROMISE
    assert gap(planted, ode) > 5e-3


@pytest.mark.slow
def test_a_changed_system_is_the_one_that_is_solved():
    problem, method = LeastSquares(isotropic(1000), Gaussian(0.5)), SGD(0.5)
    system = derive(problem, method)
    changed = dataclasses.replace(system, drift=1.05 * system.drift)
    ode, other = (
        solve(problem, method, 4, points=5, limit=x, system=changed).risk
        for x in ("ode", "volterra")
    )
    plain = solve(problem, method, 4, points=5).risk
    assert gap(other, ode) < PROMISE and gap(other, plain) > 0.01


# ---- hard cases and failures ----


def test_sign_descent_without_noise_lands_on_its_floor(hand_made):
    sign = hand_made("4.0 * p[0] / math.pi / math.sqrt(2.0 * R)", "0.5 * p[0] ** 2", 1e-3)
    start = Spectrum(np.ones(1), np.array([1e-4]), np.ones(1))
    found = solve_volterra(sign, start, np.linspace(0, 200, 50)).risk
    assert found[-1] == pytest.approx(np.pi**2 * 1e-6 / 32, rel=1e-7)


def test_drift_that_has_vanished_leaves_the_noise(hand_made):
    silent = hand_made("0.0", "p[0]", 0.5)
    found = solve_volterra(silent, ONE, np.linspace(0.0, 8.0, 9)).risk
    assert found == pytest.approx(1 + 0.5 * np.linspace(0.0, 8.0, 9), rel=1e-12)


def test_a_start_at_the_optimum_is_a_solution(hand_made):
    noisy = hand_made("1.0", "p[0]", 0.5)
    times = np.linspace(0.0, 8.0, 9)
    found = solve_volterra(noisy, Spectrum(np.ones(1), np.zeros(1), np.ones(1)), times).risk
    assert found[0] == 0 and found[1:] == pytest.approx(0.5 * (1 - np.exp(-times[1:])), rel=1e-8)


@pytest.mark.parametrize(
    ("decay", "source", "reason"),
    [("math.nan", "0.0", "finite"), ("(1.0 if R > 0.5 else math.nan)", "0.0", "finite")]
    + [("p[0]", "300.0 * R", "bound|step|finite")],
    ids=["nan at once", "nan later", "divergence"],
)
def test_failures_are_typed_and_say_where(hand_made, decay, source, reason):
    with pytest.raises(SolveFailed, match=reason) as caught:
        solve_volterra(hand_made(decay, source, 0.5), ONE, np.linspace(0.0, 8.0, 9))
    assert 0 <= caught.value.time < 8 and np.isfinite(caught.value.state)


def test_a_single_time_is_the_start(linear):
    assert solve_volterra(linear, ONE, np.zeros(1)).risk == pytest.approx([1.0])
