"""Curves of single modes: recovered from the compressed solution, kept in files."""

from __future__ import annotations

import dataclasses
import math
import warnings

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from limitlab.solvers.core.curve import Curve
from limitlab.solvers.solve import solve
from limitlab.solvers.streaming.coefficients import Coefficients
from limitlab.solvers.streaming.compress import FEW_MODES, Spectrum
from limitlab.solvers.streaming.mode_curves import mode_energies
from limitlab.theory.core.errors import InvalidInput, NotAvailable, ValidityWarning
from limitlab.theory.covariance import from_eigenvalues, isotropic, marchenko_pastur, toeplitz
from limitlab.theory.covariance import power_law as power_law_covariance
from limitlab.theory.derive import derive
from limitlab.theory.methods import SGD, ClippedSGD, SignSGD
from limitlab.theory.noise import Gaussian, Laplace
from limitlab.theory.streaming.derive import bind
from limitlab.theory.streaming.modes import modes
from limitlab.theory.streaming.problem import LeastSquares

pytestmark = pytest.mark.interpreted

TIMES = np.linspace(0.0, 4.0, 9)
ACCURACY = 1e-8


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ValidityWarning)
        yield


def uncompressed(problem, method):
    """Integrate every mode by itself, with scipy."""
    system, found = derive(problem, method), modes(problem, method)
    coefficients = Coefficients.of(system.source, bind(system, problem, method))

    def slope(t, y):
        drift, noise = coefficients.at(y.sum(), t)
        return noise * found.sources - drift * found.rates * y

    options = {"method": "LSODA", "rtol": 1e-12, "atol": 1e-15 / found.rates.size}
    # one leg for each output, since scipy's interpolation between steps is less accurate
    rows = [found.energies]
    for start, end in zip(TIMES[:-1], TIMES[1:], strict=True):
        rows.append(solve_ivp(slope, (start, end), rows[-1], **options).y[:, -1])
    return np.array(rows)


@pytest.mark.slow
@pytest.mark.parametrize("method", [ClippedSGD(0.8, 1.0), SignSGD(0.4)], ids=lambda m: m.label)
@pytest.mark.parametrize(
    "covariance", [power_law_covariance(160, 0.5), toeplitz(140, 0.6)], ids=["diagonal", "dense"]
)
def test_every_mode_is_the_one_of_the_uncompressed_equation(covariance, method):
    assert covariance.eigenvalues.size > FEW_MODES
    problem = LeastSquares(covariance, Laplace(0.5))
    curve = solve(problem, method, times=TIMES, modes=True)
    assert np.max(np.abs(curve["modes"] / uncompressed(problem, method) - 1)) < ACCURACY
    assert np.array_equal(curve.mode_rates, modes(problem, method).rates)


def exact_sgd(rates, energies, sources, rate, variance):
    """Return the modes of unclipped SGD, whose equation is linear."""
    matrix = np.zeros((rates.size + 1, rates.size + 1))
    matrix[:-1, :-1] = rate**2 * sources[:, None] - 2 * rate * np.diag(rates)
    matrix[:-1, -1] = 0.5 * rate**2 * variance * sources
    return np.array([expm(t * matrix) @ np.append(energies, 1.0) for t in TIMES])[:, :-1]


@pytest.mark.slow
def test_fast_and_slow_modes_of_a_steep_spectrum_are_exact():
    problem = LeastSquares(power_law_covariance(400, 1.0), Gaussian(0.5))
    found = modes(problem, SGD(0.5))
    exact = exact_sgd(found.rates, found.energies, found.sources, 0.5, 0.25)
    for limit in ("ode", "volterra"):
        curve = solve(problem, SGD(0.5), times=TIMES, limit=limit, modes=True)
        assert np.max(np.abs(curve.modes / exact - 1)) < ACCURACY


@pytest.mark.slow
def test_an_error_of_a_millionth_in_the_noise_is_seen():
    problem, method = LeastSquares(isotropic(1000), Gaussian(0.5)), SGD(0.5)
    system, found = derive(problem, method), modes(problem, method)
    exact = exact_sgd(found.rates, found.energies, found.sources, 0.5, 0.25)
    changed = dataclasses.replace(system, source_term=(1 + 1e-6) * system.source_term)
    right, wrong = (
        np.max(np.abs(solve(problem, method, times=TIMES, system=s, modes=True).modes / exact - 1))
        for s in (system, changed)
    )
    assert right < ACCURACY < 10 * ACCURACY < wrong


@pytest.mark.slow
@pytest.mark.parametrize(
    "covariance",
    [power_law_covariance(20_000, 0.5), marchenko_pastur(math.inf, 0.5), from_eigenvalues([1, 3])],
    ids=["many", "density", "two"],
)
def test_modes_sum_to_the_risk(covariance):
    problem = LeastSquares(covariance, Gaussian(0.5))
    curve = solve(problem, SGD(0.5), times=TIMES, modes=True)
    assert curve["modes"].shape == (TIMES.size, covariance.eigenvalues.size)
    assert np.all(curve.modes >= 0)
    assert np.max(np.abs(curve.modes.sum(axis=1) / curve.risk - 1)) < 50 * 1e-8
    assert curve.modes[0] == pytest.approx(modes(problem, SGD(0.5)).energies, rel=1e-12)


@pytest.mark.slow
def test_rates_from_zero_to_huge_have_their_octaves(linear):
    """λ = 0 keeps its energy and gathers c ∫B; a huge λ has forgotten everything but now."""
    rates = np.array([0.0, 1e-12, 1.0, 1e6])
    spectrum = Spectrum(rates, np.array([0.1, 0.1, 0.7, 0.1]), np.array([0.01, 0.01, 0.02, 0.0]))
    found = mode_energies(linear, spectrum, TIMES)
    assert found[:, 0] == pytest.approx(found[:, 1], rel=1e-10)
    assert found[1:, 3] == pytest.approx(0.0, abs=1e-300)
    exact = exact_sgd(rates[:3], spectrum.energies[:3], spectrum.sources[:3], 0.5, 0.25)
    # the fourth mode, left out of `exact`, adds noise for a millionth of the time
    assert found[1:, :3] == pytest.approx(exact[1:], rel=1e-6)


# ---- curves and files ----


@pytest.fixture
def curve():
    return solve(
        LeastSquares(from_eigenvalues([2, 0.5], [50, 150]), Gaussian(0.5)),
        SGD(0.5),
        times=TIMES,
        modes=True,
    )


def test_files_give_the_modes_back(curve, tmp_path):
    curve.save(tmp_path / "curve.nc")
    again = Curve.load(tmp_path / "curve.nc")
    assert np.array_equal(again["modes"], curve["modes"])
    assert np.array_equal(again.mode_rates, [2.0, 0.5])
    plain = Curve(TIMES, {"risk": TIMES})
    plain.save(tmp_path / "plain.nc")
    assert Curve.load(tmp_path / "plain.nc").modes is None


def test_xarray_names_the_dimension(curve):
    data = curve.to_xarray()
    assert data["modes"].dims == ("time", "mode") and data["mode_rate"].dims == ("mode",)
    assert np.allclose(data["modes"].sum("mode"), data["risk"], rtol=1e-9)
    assert "units" in data["modes"].attrs


def test_modes_are_read_only_and_checked(curve):
    with pytest.raises(ValueError):
        curve.modes[0, 0] = 1.0
    for fields in (
        {"modes": np.ones((9, 2))},
        {"mode_rates": np.ones(2)},
        {"modes": np.ones((2, 9)), "mode_rates": np.ones(2)},
        {"modes": np.ones((9, 3)), "mode_rates": np.ones(2)},
    ):
        with pytest.raises(InvalidInput, match="mode_rates"):
            Curve(TIMES, {}, **fields)


def test_modes_come_on_request_only():
    problem = LeastSquares(isotropic(1000), Gaussian(0.5))
    plain = solve(problem, SignSGD(0.4), 1, points=3)
    assert plain.modes is None
    with pytest.raises(NotAvailable, match="modes"):
        plain["modes"]
    with pytest.raises(NotAvailable, match="belongs to"):
        solve(problem, SignSGD(0.4), 1, limit="sde", modes=True)
