"""Gauss compression: exact moments, positive weights, and a risk curve that does not change."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab.solvers.streaming.compress import (
    Measure,
    Spectrum,
    bin_measure,
    bin_spectrum,
    compress,
    gauss_rule,
)
from limitlab.solvers.streaming.ode import integrate, solve_ode

TIMES = np.linspace(0.0, 8.0, 41)


def test_a_gauss_rule_has_2n_exact_moments():
    rng = np.random.default_rng(1)
    x, w = rng.uniform(0.1, 2.0, 500), rng.uniform(0.0, 1.0, 500)
    nodes, masses = gauss_rule(x, w, 9)
    assert (
        nodes.size == 9 and np.all(masses > 0) and nodes.min() > x.min() and nodes.max() < x.max()
    )
    for power in range(18):
        assert masses @ nodes**power == pytest.approx(w @ x**power, rel=1e-12)
    # negative control: one moment more is not exact
    assert abs(masses @ nodes**18 / (w @ x**18) - 1) > 1e-12


def test_bins_keep_four_moments_and_positive_weights():
    rng = np.random.default_rng(2)
    x, w = 10 ** rng.uniform(-6, 3, 50_000), rng.uniform(0.0, 1.0, 50_000)
    nodes, masses = bin_measure(x, w)
    assert np.all(masses > 0) and nodes.size <= 30 * 128 * 2
    for power in range(4):
        assert masses @ nodes**power == pytest.approx(w @ x**power, rel=1e-12)


def test_repeated_and_few_modes_survive():
    spectrum = Spectrum(np.full(5000, 2.0), np.full(5000, 0.1), np.full(5000, 0.2))
    small = compress(bin_spectrum(spectrum), 12)
    assert small.count <= 4
    assert small.energies.sum() == pytest.approx(500.0, rel=1e-13)
    assert small.energies @ small.rates == pytest.approx(1000.0, rel=1e-13)


def test_modes_that_never_decay_are_kept():
    spectrum = Spectrum(np.array([0.0, 1.0, 2.0]), np.array([0.5, 0.2, 0.3]), np.zeros(3))
    small = compress(spectrum, 1)
    assert small.energies.sum() == pytest.approx(1.0)
    assert small.energies[small.rates == 0].sum() == 0.5


@pytest.mark.slow
@pytest.mark.parametrize("exponent", [0.3, 1.0])
def test_the_compressed_curve_is_the_full_one(linear, sign, power_law, exponent):
    spectrum = power_law(1500, exponent)
    for coefficients in (linear, sign):
        full = integrate(coefficients, spectrum, TIMES, 1e-11)
        answer = solve_ode(coefficients, spectrum, TIMES, 1e-8)
        assert answer.nodes < 300
        assert np.max(np.abs(answer.risk / full - 1)) < 5e-9
        assert np.all(np.abs(answer.risk / full - 1) < answer.error_estimate + 1e-10)


@pytest.mark.slow
def test_twenty_four_nodes_give_ten_digits(linear, power_law):
    spectrum = power_law(100_000, 0.3)
    coarse = integrate(linear, compress(bin_spectrum(spectrum), 24), TIMES, 1e-12)
    full = integrate(linear, spectrum, TIMES, 1e-11)
    assert np.max(np.abs(coarse / full - 1)) < 1e-10


@pytest.mark.slow
def test_rules_in_a_root_cover_what_rules_in_the_rate_cannot(linear, power_law):
    """λ_max Γ ≈ 10⁴: 24 nodes exact in λ leave 1e-6, as many exact in a root of it 1e-9."""
    spectrum = power_law(3000, 1.0)
    times = np.array([0.0, 1.0, 30.0])
    full = integrate(linear, spectrum, times, 1e-11)
    error = {
        rule: np.max(np.abs(integrate(linear, compress(spectrum, *rule), times, 1e-11) / full - 1))
        for rule in ((24, 1.0), (24, 0.25), (54, 0.0))
    }
    assert error[24, 0.25] < 1e-6 < error[24, 1.0]
    assert error[54, 0.0] < 1e-9


def test_a_rule_in_log_rate_has_exact_moments_there():
    x, w = np.geomspace(1e-3, 7.0, 500), np.linspace(1.0, 2.0, 500)
    nodes, masses = Measure(x, w).rule(9, 0.0)
    for order in range(18):
        exact = w @ np.log(x) ** order
        assert abs(masses @ np.log(nodes) ** order - exact) <= 1e-11 * (
            w @ np.abs(np.log(x)) ** order
        )
