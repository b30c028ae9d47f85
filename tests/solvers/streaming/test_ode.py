"""The risk ODE: closed forms, an independent solver, order, stiffness and faults."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from limitlab.solvers.core.chebyshev import NO_TABLE
from limitlab.solvers.core.compile import load
from limitlab.solvers.streaming.compress import Spectrum
from limitlab.solvers.streaming.ode import integrate, solve_ode
from limitlab.theory.core.errors import SolveFailed

pytestmark = pytest.mark.interpreted

ONE = Spectrum(np.ones(1), np.ones(1), np.ones(1))
TIMES = np.linspace(0.0, 8.0, 101)
TOLERANCES = 10.0 ** -np.arange(4, 11)


def isotropic_sgd(times, rate=0.5, variance=0.25):
    speed = 2 * rate - rate**2
    floor = 0.5 * rate**2 * variance / speed
    return floor + (1 - floor) * np.exp(-speed * times)


def reference(coefficients, spectrum, times):
    def slope(t, y):
        drift, noise = coefficients.at(np.array([y.sum()]), t)
        return -drift[0] * spectrum.rates * y + noise[0] * spectrum.sources

    solved = solve_ivp(
        slope,
        (0, times[-1]),
        spectrum.energies,
        "DOP853",
        times,
        rtol=1e-12,
        atol=1e-16 * spectrum.energies.max(),
    )
    return solved.y.sum(axis=0)


@pytest.mark.parametrize("rtol", TOLERANCES)
def test_error_stays_within_fifty_tolerances_of_the_closed_form(linear, rtol):
    found = integrate(linear, ONE, TIMES, rtol)
    assert np.max(np.abs(found / isotropic_sgd(TIMES) - 1)) <= 50 * rtol


def test_default_tolerance_reaches_the_closed_form(linear):
    answer = solve_ode(linear, ONE, TIMES)
    assert np.max(np.abs(answer.risk / isotropic_sgd(TIMES) - 1)) <= 1e-8


@pytest.mark.parametrize("rtol", TOLERANCES)
def test_error_against_an_independent_solver(sign, power_law, rtol):
    spectrum = power_law(30, 0.7)
    expected = reference(sign, spectrum, TIMES)
    gap = np.max(np.abs(integrate(sign, spectrum, TIMES, rtol) / expected - 1))
    assert gap <= max(50 * rtol, 1e-9)
    assert np.max(np.abs(integrate(sign, spectrum, TIMES, 1e-11) / expected - 1)) <= 1e-9


@pytest.mark.parametrize("rtol", TOLERANCES[:5])
def test_the_implicit_solver_agrees(sign, power_law, rtol):
    spectrum = power_law(30, 0.7)
    module = load(sign.source, "streaming/implicit")
    modes = (spectrum.rates, spectrum.energies, spectrum.sources)
    found, report = module.integrate(*modes, TIMES, sign.law, NO_TABLE, np.ones(2), rtol, 100_000)
    assert report[0] == 0
    assert np.max(np.abs(found / reference(sign, spectrum, TIMES) - 1)) <= 50 * rtol


HORIZON = 4.0
HALVINGS = [16, 32, 64, 128, 256]


def declared_order(template, stages, coefficients, spectrum):
    """Fit the order from fixed steps to HORIZON, through the template's own step function.

    The horizon is long enough for the smallest error to stay above rounding.
    """
    module = load(coefficients.source, template)
    tail = (coefficients.law, NO_TABLE, np.ones(2))
    model = (spectrum.rates, spectrum.sources, *tail)
    room = (np.empty((stages, spectrum.count)), np.empty(spectrum.count))
    room += (np.empty(stages),) if template == "streaming/ode" else ()
    exact = reference(coefficients, spectrum, np.array([0.0, HORIZON]))[-1]
    errors = []
    for n in HALVINGS:
        now, h = (spectrum.energies.copy(), spectrum.energies.sum(keepdims=True)), HORIZON / n
        for k in range(n):
            drift, noise = module.scaled_coefficients(now[1][0], k * h, *tail)
            room[0][0] = noise * spectrum.sources - drift * spectrum.rates * now[0]
            new = np.empty(spectrum.count), np.empty(1)
            module.attempt(now, new, k * h, h, room, model)
            now = new
        errors.append(abs(now[1][0] - exact))
    return -np.polyfit(np.log(HALVINGS), np.log(errors), 1)[0]


def test_the_explicit_step_has_order_five(hand_made, power_law):
    """With a decay that varies in time: autonomous problems reach rounding before order five."""
    waving = hand_made(
        "2.0 * p[0] * (1.0 + 0.9 * math.sin(3.0 * t))",
        "0.5 * p[0] ** 2 * (2.0 * R + p[1])",
        *(0.5, 0.25),
    )
    order = declared_order("streaming/ode", 7, waving, power_law(4, 0.7))
    assert order == pytest.approx(5.0, abs=0.2)


def test_the_implicit_step_has_order_four(sign, power_law):
    order = declared_order("streaming/implicit", 6, sign, power_law(4, 0.7))
    assert order == pytest.approx(4.0, abs=0.2)


@pytest.mark.slow
def test_stiff_spectra_are_taken_over_by_the_implicit_solver(linear):
    spectrum = Spectrum(np.array([1e7, 1.0]), np.array([0.5, 0.5]), np.array([0.0, 1e-3]))
    found = integrate(linear, spectrum, np.array([0.0, 1.0, 5.0]), 1e-8)
    # the fast mode is gone at once; the slow one decays at rate 1 with its own noise 0.125 (2 R +
    # 0.25) 1e-3
    speed, floor = 1 - 2.5e-4, 3.125e-5 / (1 - 2.5e-4)
    expected = floor + (0.5 - floor) * np.exp(-speed * np.array([1.0, 5.0]))
    assert np.max(np.abs(found[1:] / expected - 1)) < 1e-6


def test_sign_descent_without_noise_lands_on_its_floor(hand_made):
    sign = hand_made("4.0 * p[0] / math.pi / math.sqrt(2.0 * R)", "0.5 * p[0] ** 2", 1e-3)
    found = integrate(
        sign, Spectrum(np.ones(1), np.array([1e-4]), np.ones(1)), np.linspace(0, 200, 50), 1e-8
    )
    assert np.all(found > 0)
    assert found[-1] == pytest.approx(np.pi**2 * 1e-6 / 32, rel=1e-7)


def test_sign_descent_whose_rate_dies_reaches_zero_and_stops_cleanly(hand_made):
    decay = "4.0 * math.exp(-20.0 * t) / math.pi / math.sqrt(2.0 * R)"
    sign = hand_made(decay, "0.5 * math.exp(-40.0 * t)", 1.0)
    found = integrate(
        sign, Spectrum(np.ones(1), np.array([1e-6]), np.ones(1)), np.linspace(0, 3, 31), 1e-8
    )
    assert np.all(np.isfinite(found)) and np.all(found >= 0)


def test_atomic_noise_stalls_instead_of_failing(hand_made):
    sign = hand_made(
        "4.0 * p[0] / math.pi * math.exp(-0.0625 / R) / math.sqrt(2.0 * R)", "0.5 * p[0] ** 2", 1e-6
    )
    found = integrate(
        sign, Spectrum(np.ones(1), np.array([1e-3]), np.ones(1)), np.linspace(0, 100, 11), 1e-8
    )
    assert np.all(np.diff(found) > 0) and found[-1] == pytest.approx(1e-3, rel=1e-4)


def test_a_start_at_the_optimum_is_a_solution(hand_made):
    both = ("1.0", "p[0] * R + p[1]")
    silent, noisy = hand_made(*both, 0.5, 0.0), hand_made(*both, 0.0, 0.5)
    rest = Spectrum(np.ones(1), np.zeros(1), np.ones(1))
    assert np.all(integrate(silent, rest, TIMES) < 1e-99)
    assert integrate(noisy, rest, TIMES)[1:] == pytest.approx(
        0.5 * (1 - np.exp(-TIMES[1:])), rel=1e-7
    )


def test_sensitivities_are_derivatives(hand_made, linear):
    answer = solve_ode(linear, ONE, TIMES)
    for k, found in enumerate((answer.drift_sensitivity, answer.noise_sensitivity)):
        factor = [1.0, 1.0]
        factor[k] = 1.02
        changed = integrate(linear, ONE, TIMES, 1e-10, factors=tuple(factor))
        assert np.allclose(
            changed - answer.risk, 0.02 * found, atol=0.03 * 0.02 * np.max(np.abs(found))
        )


FAULTS = {
    1: ("math.nan", "finite number"),
    2: ("(1.0 if R > 0.5 else math.nan)", "finite number"),
    3: ("(-2.0 - 100.0 * R)", "underflow|bound|finite"),
    4: ("-300.0", "bound"),
    5: ("math.inf", "finite number"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_failures_are_typed_quick_and_say_where(hand_made, fault):
    decay = (
        " ".join(f"{text} if p[0] == {number} else" for number, (text, _) in FAULTS.items())
        + " 1.0"
    )
    broken = hand_made(decay, "0.0", fault)
    load(broken.source, "streaming/ode"), load(broken.source, "streaming/implicit")
    start = time.process_time()
    with pytest.raises(SolveFailed, match=FAULTS[fault][1]) as caught:
        integrate(broken, ONE, TIMES, 1e-8)
    assert time.process_time() - start < 1.0
    assert (
        0 <= caught.value.time < 8
        and np.isfinite(caught.value.step)
        and np.isfinite(caught.value.state)
    )


def test_tables_replace_long_mixtures(hand_made):
    mixture = "p[0] * (weights / np.sqrt(2.0 * R + scales)).sum()"
    slow = hand_made(
        mixture, "0.5 * p[0] ** 2 * (1.0 + weights.sum() / (1.0 + R))", 0.4, components=400
    )
    table = slow.table(10.0, 4.0)
    assert table.shape[0] > 5
    exact, quick = (
        integrate(slow, ONE, TIMES, 1e-10, table=choice) for choice in (NO_TABLE, table)
    )
    assert np.max(np.abs(quick / exact - 1)) < 1e-9
    short = hand_made(mixture, "0.5 * p[0] ** 2", 0.4, components=3)
    moving = hand_made(mixture + " * (1.0 + t)", "0.5 * p[0] ** 2", 0.4, components=400)
    assert short.table(10.0, 4.0).shape[0] == moving.table(10.0, 4.0).shape[0] == 1
