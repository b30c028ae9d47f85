"""The linear-noise spread: hand checks, closed forms, sanity values, and its two solvers."""

import dataclasses
import math

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp

import limitlab as ll
from limitlab.solvers.streaming import fluctuations
from limitlab.solvers.streaming.coefficients import Coefficients
from limitlab.solvers.streaming.compress import binned, compress
from limitlab.solvers.streaming.fluctuations import (
    DIFFUSIONS,
    dense_spread,
    solve_fluctuations,
    variance_of,
)
from limitlab.theory.streaming.derive import bind
from limitlab.theory.streaming.derive import derive as derive_streaming
from limitlab.theory.streaming.modes import sign_geometry

SGD, SIGN, CLIP = ll.SGD(0.8), ll.SignSGD(0.4), ll.ClippedSGD(0.8, 0.7)


def coefficients_of(problem, method):
    system = derive_streaming(problem, method, limit="fluctuations")
    return Coefficients.of(system.source, bind(system, problem, method))


def root_variance(problem, method, times, **options):
    """Return √d sd(R) after the start."""
    spread = solve_fluctuations(
        problem, method, coefficients_of(problem, method), np.array(times), **options
    )
    return np.sqrt(spread.variance[1:])


def isotropic(noise, d=1000):
    return ll.LeastSquares(ll.isotropic(d), noise=noise)


def test_sanity_values_of_the_sign(interpreted):
    problem = isotropic(ll.Laplace(0.6))
    assert round(float(root_variance(problem, SIGN, [0, 2])[0]), 5) == 0.47815
    published = root_variance(problem, SIGN, [0, 2], diffusion="published")
    assert round(float(published[0]), 5) == 0.56858


def test_sanity_value_of_the_clip(interpreted):
    spectrum = ll.from_eigenvalues([2.0, 0.5], [50, 150])
    problem = ll.LeastSquares(spectrum, noise=ll.Laplace(0.6))
    assert problem.risk == pytest.approx(1.0)
    assert round(float(root_variance(problem, CLIP, [0, 2])[0]), 5) == 0.36380


@pytest.mark.parametrize("rate", [0.3, 1.0, 1.7])
def test_noiseless_isotropic_sgd_by_hand(rate, interpreted):
    """Relative spread 2√2 (η − η²/2) √(t/d), and 2η √(t/d) with the published noise."""
    times = np.array([0.0, 0.5, 2.0])
    problem, risk = isotropic(ll.NoNoise()), np.exp(-(2 * rate - rate**2) * times[1:])
    relative = root_variance(problem, ll.SGD(rate), times) / risk
    exact = 2 * math.sqrt(2) * (rate - rate**2 / 2) * np.sqrt(times[1:])
    assert np.allclose(relative, exact, rtol=1e-6)
    published = root_variance(problem, ll.SGD(rate), times, diffusion="published") / risk
    assert np.allclose(published, 2 * rate * np.sqrt(times[1:]), rtol=1e-6)


def by_the_closed_form(spectrum, rate, noise, times):
    """Return d Var R of unclipped SGD from the specification's matrices in Q_j, by DOP853."""
    lam, kappa = spectrum.rates, spectrum.sources / spectrum.rates
    s2, m4, m = noise.variance, noise.fourth_moment, lam.size
    J = -2 * rate * np.diag(lam) + rate**2 * np.outer(kappa, lam)

    def slope(t, z):
        Q, S = z[:m], z[m:].reshape(m, m)
        R, flow = lam @ Q / 2, lam * Q
        P = 2 * R + s2
        G = 4 * rate**2 * (P * np.diag(flow) + np.outer(flow, flow))
        G -= 4 * rate**3 * P * (np.outer(kappa, flow) + np.outer(flow, kappa))
        G += rate**4 * np.outer(kappa, kappa) * (8 * R**2 + 8 * R * s2 + m4 - s2**2)
        return np.concatenate([J @ Q + rate**2 * s2 * kappa, (J @ S + S @ J.T + G).ravel()])

    start = np.concatenate([2 * spectrum.energies / lam, np.zeros(m * m)])
    answer = solve_ivp(slope, (0, times[-1]), start, "DOP853", times, rtol=1e-11, atol=1e-14)
    return [lam @ z[m:].reshape(m, m) @ lam / 4 for z in answer.y.T]


@pytest.mark.parametrize(
    "noise",
    [
        ll.NoNoise(),
        ll.Gaussian(0.5),
        ll.Rademacher(0.5),
        ll.Uniform(0.9),
        ll.Laplace(0.6),
        ll.StudentT(5, 0.4),
    ],
    ids=lambda law: type(law).__name__,
)
def test_unclipped_sgd_against_the_closed_form(noise, interpreted):
    problem = ll.LeastSquares(ll.power_law(3, 0.7), noise=noise)
    spectrum, times = binned(problem, SGD), np.array([0.0, 0.5, 3.0])
    found = variance_of(coefficients_of(problem, SGD), spectrum, times)
    exact = by_the_closed_form(spectrum, 0.8, noise, times)
    assert np.allclose(found, exact, rtol=1e-7)


def test_a_weaker_term_is_noticed(interpreted):
    """The closed-form test refuses 1 % of any one of the four terms."""
    problem = ll.LeastSquares(ll.power_law(3, 0.7), noise=ll.Gaussian(0.5))
    spectrum, times = binned(problem, SGD), np.array([0.0, 0.5])
    exact = by_the_closed_form(spectrum, 0.8, problem.noise, times)[1]
    coefficients = coefficients_of(problem, SGD)
    for k in range(4):
        kept = np.ones(4)
        kept[k] = 0.99
        assert abs(variance_of(coefficients, spectrum, times, kept=kept)[1] / exact - 1) > 1e-4


@pytest.mark.parametrize("method", [SIGN, CLIP])
def test_the_implicit_solver_agrees_with_the_explicit_one(method, monkeypatch, interpreted):
    problem = ll.LeastSquares(ll.power_law(3, 0.7), noise=ll.Laplace(0.6))
    coefficients, times = coefficients_of(problem, method), np.array([0.0, 0.5, 2.0])
    explicit = variance_of(coefficients, binned(problem, method), times, 1e-8)
    monkeypatch.setattr(fluctuations, "_EXPLICIT_STEPS", 1)
    implicit = variance_of(coefficients, binned(problem, method), times, 1e-6)
    assert np.allclose(implicit, explicit, rtol=1e-5)


def test_a_stiff_long_horizon_reaches_its_stationary_spread(interpreted):
    """K = I: Σ = G/(2 d |J|) in the end, whatever the horizon."""
    problem, times = isotropic(ll.Gaussian(0.5)), np.array([0.0, 1e5])
    coefficients = coefficients_of(problem, SGD)
    found = variance_of(coefficients, binned(problem, SGD), times, 1e-6)[1]
    rate, s2 = 0.8, 0.25
    R = rate * s2 / (4 - 2 * rate)
    P, H = 2 * R + s2, 8 * R**2 + 8 * R * s2 + 2 * s2**2
    G = 4 * rate**2 * (2 * R * P + 4 * R**2) - 16 * rate**3 * P * R + rate**4 * H
    assert found == pytest.approx(G / 4 / (2 * (2 * rate - rate**2)), rel=1e-5)


def test_dense_signs_reduce_to_independent_modes(interpreted):
    """Diagonal K through the equations for all pairs of modes."""
    problem = ll.LeastSquares(ll.from_eigenvalues([2.0, 1.0, 0.3]), noise=ll.Laplace(0.6))
    coefficients, times = coefficients_of(problem, SIGN), np.array([0.0, 1.0])
    rules = (coefficients.law, np.zeros((1, 2, 3)), np.ones(2))
    dense = (sign_geometry(problem.covariance), problem.delta())
    for kept in DIFFUSIONS.values():
        pairs = dense_spread(*dense, coefficients, times, rules, kept, 1e-6).variance
        modes = variance_of(coefficients, binned(problem, SIGN), times, kept=kept)
        assert np.allclose(pairs, modes, rtol=1e-5)


def test_dense_signs_go_on_implicitly_where_they_are_stiff(monkeypatch, interpreted):
    """Against explicit steps, and a system of all pairs for independent modes too."""
    matrix = np.array([[2.0, 0.5, 0.1], [0.5, 1.0, -0.2], [0.1, -0.2, 0.7]])
    problem = ll.LeastSquares(ll.from_matrix(matrix), ll.Laplace(0.6), start=[0.6, -0.3, 0.8])
    coefficients, times = coefficients_of(problem, SIGN), np.array([0.0, 0.5, 2.0])
    rules = (coefficients.law, np.zeros((1, 2, 3)), np.ones(2))
    dense = (sign_geometry(problem.covariance), problem.delta(), coefficients, times, rules)
    for kept in DIFFUSIONS.values():
        explicit = dense_spread(*dense, kept, 1e-6).variance
        with monkeypatch.context() as patched:
            patched.setattr(fluctuations, "_DENSE_STEPS", 1)
            implicit = dense_spread(*dense, kept, 1e-6).variance
        assert not np.array_equal(implicit, explicit)
        assert np.allclose(implicit, explicit, rtol=1e-5)


def test_dense_signs_do_not_depend_on_the_order_of_coordinates(interpreted):
    matrix = np.array([[2.0, 0.5, 0.1], [0.5, 1.0, -0.2], [0.1, -0.2, 0.7]])
    start, order = np.array([0.6, -0.3, 0.8]), [2, 0, 1]
    spreads = []
    for k in (slice(None), order):
        covariance = ll.from_matrix(matrix[k][:, k])
        problem = ll.LeastSquares(covariance, noise=ll.Gaussian(0.5), start=start[k])
        spreads.append(root_variance(problem, SIGN, [0, 1.0])[0])
    assert spreads[0] == pytest.approx(spreads[1], rel=1e-6)


def test_the_curve_carries_the_spread(interpreted):
    problem = isotropic(ll.Gaussian(0.5), d=400)
    curve = ll.solve(problem, SIGN, times=[0, 1], limit="fluctuations")
    plain = ll.solve(problem, SIGN, times=[0, 1])
    assert np.array_equal(curve.risk, plain.risk)
    assert np.array_equal(curve.std("loss"), curve.std("risk"))
    wider = ll.solve(isotropic(ll.Gaussian(0.5), d=100), SIGN, times=[0, 1], limit="fluctuations")
    assert np.allclose(wider.std(), 2 * curve.std())
    width = curve.quantile("risk", 0.975) - curve.quantile("risk", 0.025)
    assert np.allclose(width, 2 * 1.959964 * curve.std())
    assert curve.diagnostics["spread_error_estimate"].max() < 1e-5
    assert curve.provenance["diffusion"] == "exact"


def test_a_planted_error_in_the_covariance_reaches_the_band(interpreted):
    """The band follows the System it is given: 21 % more noise, 10 % more spread."""
    problem = isotropic(ll.Gaussian(0.5), d=400)
    system = derive_streaming(problem, CLIP, limit="fluctuations")
    changed = dataclasses.replace(system, covariance=sp.Rational(121, 100) * system.covariance)
    assert changed.latex() != system.latex()
    assert changed.source != system.source
    assert changed.mean.source == system.mean.source
    spreads = [
        ll.solve(problem, CLIP, times=[0, 1], limit="fluctuations", system=s).std()[1]
        for s in (system, changed)
    ]
    assert spreads[1] / spreads[0] == pytest.approx(1.1, rel=1e-6)


def test_a_planted_error_in_the_drift_reaches_the_jacobian(interpreted):
    """K = I, noiseless, no source: d Var R = (D + E R)/R · t R² = 8η² t R² for every drift A R."""
    problem = isotropic(ll.NoNoise())
    system = derive_streaming(problem, ll.SGD(0.5), limit="fluctuations")
    bare = dataclasses.replace(system, source_term=sp.S.Zero, drift=2 * system.drift)
    coefficients = Coefficients.of(bare.source, bind(bare, problem, ll.SGD(0.5)))
    times = np.array([0.0, 0.7])
    spectrum = binned(problem, ll.SGD(0.5))
    kept = np.array([1.0, 1.0, 0.0, 0.0])
    found = variance_of(coefficients, spectrum, times, kept=kept)[1]
    risk = math.exp(-4 * 0.5 * 0.7)
    assert found == pytest.approx(8 * 0.25 * 0.7 * risk**2, rel=1e-7)


def test_what_fluctuations_need():
    with pytest.raises(ll.NotAvailable, match="finite dimension"):
        ll.solve(isotropic(ll.Gaussian(0.5), d=math.inf), SGD, 1, limit="fluctuations")
    with pytest.raises(ll.NoLimit, match=r"E ε\^4 is infinite"):
        ll.solve(isotropic(ll.StudentT(3, 0.5)), SGD, 1, limit="fluctuations")


@pytest.mark.slow
@pytest.mark.parametrize("method", [SGD, SIGN, CLIP], ids=lambda m: m.label)
def test_gauss_nodes_give_the_spread_of_the_whole_matrix(method):
    problem = ll.LeastSquares(ll.power_law(60, 0.7), noise=ll.Laplace(0.6))
    coefficients, times = coefficients_of(problem, method), np.linspace(0, 8, 9)
    spectrum = binned(problem, method)
    whole = variance_of(coefficients, spectrum, times, 1e-10)[1:]
    nodes = variance_of(coefficients, compress(spectrum, 24), times, 1e-10)[1:]
    assert np.max(np.abs(nodes / whole - 1)) <= 1e-8
    few = variance_of(coefficients, compress(spectrum, 4), times, 1e-10)[1:]
    assert np.max(np.abs(few / whole - 1)) > 1e-8


@pytest.mark.slow
def test_as_many_nodes_for_a_million_modes_as_for_a_thousand():
    nodes = []
    for m in (10**3, 10**6):
        rates = np.linspace(0.2, 3.0, m)
        problem = ll.LeastSquares(ll.from_eigenvalues(rates), noise=ll.Laplace(0.6))
        curve = ll.solve(problem, CLIP, 8, limit="fluctuations")
        nodes.append(curve.provenance["covariance_modes"])
        assert curve.diagnostics["spread_error_estimate"].max() < 1e-6
    assert nodes[0] == nodes[1] <= 64


@pytest.mark.slow
def test_stiff_spectra_and_long_horizons():
    """A λ_max t = 10⁷: the implicit solver, and the spread that no longer changes."""
    problem = ll.LeastSquares(ll.power_law(10**4, 0.8), noise=ll.Laplace(0.6))
    curve = ll.solve(problem, CLIP, times=[0, 3e4, 1e5], limit="fluctuations")
    assert curve.std()[2] == pytest.approx(curve.std()[1], rel=1e-5)
    assert curve.diagnostics["spread_error_estimate"].max() < 1e-4
