"""The ensemble of the limiting SDE: its law on a grid, its compression, its streams, its errors."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from limitlab.solvers.streaming.coefficients import Coefficients
from limitlab.solvers.streaming.compress import Spectrum, compress
from limitlab.solvers.streaming.noise_table import NO_TABLES
from limitlab.solvers.streaming.ode import integrate
from limitlab.solvers.streaming.sde import EnergySde, energy_paths, step_errors
from limitlab.solvers.streaming.sde_dense import DenseModes, DenseSde, dense_paths
from limitlab.solvers.streaming.sde_steps import Plan, joined, noise_blocks, substeps
from limitlab.theory.core.errors import SolveFailed
from limitlab.theory.covariance import toeplitz
from limitlab.theory.streaming.modes import sign_geometry

TIMES = np.array([0.0, 1.0, 2.0])
# SGD (p[2] = 0) or signSGD (p[2] = 1) at rate p[0], Gaussian noise of variance p[1], the exact
# (p[3] = 1) or the published noise (p[3] = 0): one text for all, so that it is compiled once
FORMULAS = {
    "rate": "p[0]",
    "decay": "2.0 * p[0] if p[2] == 0.0 else 4.0 * p[0] / math.pi / math.sqrt(2.0 * R + p[1])",
    "source": "0.5 * p[0] ** 2 * (2.0 * R + p[1] if p[2] == 0.0 else 1.0)",
    "noise_diagonal": "2.0 * p[0] ** 2 * (2.0 * R + p[1] if p[2] == 0.0 else 1.0)",
    "noise_pair": "p[3] * 4.0 * p[0] ** 2"
    " * (1.0 if p[2] == 0.0 else -4.0 / math.pi**2 / (2.0 * R + p[1]))",
    "noise_cross": "-2.0 * p[3] * p[0] ** 3 * (2.0 * R + p[1]) if p[2] == 0.0 else 0.0",
    "noise_source": "0.5 * p[3] * p[0] ** 4 * (2.0 * R + p[1]) ** 2 if p[2] == 0.0 else 0.0",
}
TEXT = "\n\n".join(
    f"@scalar\ndef {name}({'t, p' if name == 'rate' else 'R, t, p, weights, means, scales'}):\n"
    f"    return {formula}\n"
    for name, formula in FORMULAS.items()
)


def sgd(rate, variance, exact=True):
    return Coefficients(TEXT, np.array([rate, variance, 0.0, exact]), *np.zeros((3, 0)))


def sign(rate, variance, exact=True):
    return Coefficients(TEXT, np.array([rate, variance, 1.0, exact]), *np.zeros((3, 0)))


SGD, SIGN, PUBLISHED_SIGN = sgd(0.5, 0.25), sign(0.4, 0.25), sign(0.4, 0.25, exact=False)


def isotropic(groups=1):
    share = np.full(groups, 1.0 / groups)
    return Spectrum(np.ones(groups), share, share)


def steep(m):
    rates = np.arange(1, m + 1.0) ** -1.0
    rates /= rates.mean()
    return Spectrum(rates, rates / m, rates**2 / m)


def fine(times, step):
    return substeps(times, np.ones(times.size), step)


@pytest.mark.interpreted
def test_drift_alone_is_the_ode():
    modes = Spectrum(np.array([1.0, 3.0]), np.array([0.7, 0.3]), np.array([0.4, 0.6]))
    sde = EnergySde(SGD, modes, 100.0, factors=(1.0, 0.0))
    found = energy_paths(sde, TIMES, fine(TIMES, 0.1), paths=2, seed=1)
    expected = integrate(SGD, modes, TIMES, 1e-11, factors=(1.0, 0.0))
    assert np.max(np.abs(found / expected - 1)) < 1e-10


@pytest.mark.interpreted
def test_the_mean_has_weak_order_two_as_the_midpoint_declares():
    # at d = 1e14 the noise, 1e-7, stays far below the smallest bias
    times = np.array([0.0, 2.0])
    exact = integrate(SIGN, isotropic(), times, 1e-12)[-1]
    steps = np.array([1.0, 0.5, 0.25, 0.125])
    sde = EnergySde(SIGN, isotropic(), 1e14)
    bias = [energy_paths(sde, times, fine(times, h), paths=2, seed=2)[0, -1] - exact for h in steps]
    assert np.min(np.abs(bias)) > 1e-5
    assert np.polyfit(np.log(steps), np.log(np.abs(bias)), 1)[0] == pytest.approx(2.0, abs=0.35)


def strong_order(sde, paths=16):
    """Order of the mean error of one Brownian path in steps of 1/32 … 1/4, against 1/256."""
    times = np.array([0.0, 1.0])
    plan, errors = Plan.of(times, fine(times, 1 / 256)), np.zeros(4)
    for k in range(paths):
        blocks = list(noise_blocks(np.uint64(k), sde.spectrum.count + 1, plan.count))
        exact, walked, halvings = sde.walk(plan, blocks)[-1], plan, []
        for _ in range(6):
            walked, blocks = walked.joined(), list(joined(iter(blocks)))
            halvings.append(abs(sde.walk(walked, blocks)[-1] - exact))
        errors += halvings[2:]
    return np.polyfit(np.arange(4), np.log2(errors), 1)[0]


@pytest.mark.interpreted
def test_the_strong_order_is_one():
    order = strong_order(EnergySde(PUBLISHED_SIGN, isotropic(), 20.0))
    assert order == pytest.approx(1, abs=0.15)


@pytest.mark.interpreted
def test_one_coordinate_moves_as_the_square_of_an_ornstein_uhlenbeck_process():
    """n = 1, published diffusion: y = z²/2 with z ← κ z + s ξ, for every ξ."""
    d, rate, h, eta = 50.0, 1.7, 0.1, 0.4
    still = sign(eta, 1e12, exact=False)  # so much noise that A = 0
    sde = EnergySde(still, Spectrum(np.array([rate]), np.array([0.02]), np.array([rate**2 / d])), d)
    plan = Plan(np.zeros(1), np.full(1, h), np.ones(1, np.int64))
    deviation = eta * rate * np.sqrt(h / d)
    for z in (-4.0, -1.2, 0.0, 0.3, 5.0):
        block = np.array([[z, 0.0]], dtype=np.float32)
        moved = 0.5 * (np.sqrt(0.04) + deviation * z) ** 2
        assert sde.walk(plan, [(0, block)])[1] == pytest.approx(moved, rel=1e-5, abs=1e-9)


def moments(risk):
    """Mean and standard deviation, with their standard errors."""
    n, deviation = risk.size, risk.std(ddof=1)
    kurtosis = np.mean((risk - risk.mean()) ** 4) / deviation**4
    errors = deviation / np.sqrt(n), deviation * np.sqrt((kurtosis - 1) / (4 * n))
    return np.array([risk.mean(), deviation]), np.array(errors)


def apart(first, second):
    """Distance of two ensembles' means and deviations, in standard errors."""
    (a, da), (b, db) = moments(first), moments(second)
    return np.max(np.abs(a - b) / np.hypot(da, db))


def ends(coeffs, spectrum, d, *, paths, seed, step=0.05, times=TIMES, vector=False):
    sde = EnergySde(coeffs, spectrum, d, vector)
    return energy_paths(sde, times, fine(times, step), paths=paths, seed=seed)[:, -1]


@pytest.mark.slow
def test_grouped_and_separate_coordinates_have_one_law():
    d, paths = 40, 1500
    for coeffs in (SGD, SIGN):
        grouped = ends(coeffs, isotropic(), d, paths=paths, seed=5)
        assert apart(grouped, ends(coeffs, isotropic(d), d, paths=paths, seed=6)) < 5
    # negative control: another dimension is told apart
    assert apart(grouped, ends(SIGN, isotropic(d), 2 * d, paths=paths, seed=6)) > 5


def linear_spread(coeffs, spectrum, steps=12, d=1e10):
    """√d times the deviation of R(2), from its response to one normal at a time."""
    sde, plan = EnergySde(coeffs, spectrum, d), Plan.of(np.array([0.0, 2.0]), np.array([steps]))
    normals = np.zeros((steps, spectrum.count + 1), dtype=np.float32)
    variance = 0.0
    for place in np.ndindex(normals.shape):
        ends = []
        for normals[place] in (1.0, -1.0, 0.0):
            ends.append(sde.walk(plan, [(0, normals)])[-1])
        variance += (0.5 * (ends[0] - ends[1])) ** 2
    return np.sqrt(variance * d)


@pytest.mark.slow
def test_gauss_nodes_have_the_spread_of_all_modes():
    for coeffs in (SGD, SIGN):
        whole = linear_spread(coeffs, steep(150))
        assert linear_spread(coeffs, compress(steep(150), 14)) == pytest.approx(whole, rel=1e-5)
        assert linear_spread(coeffs, compress(steep(150), 3)) != pytest.approx(whole, rel=1e-3)


@pytest.mark.slow
def test_gauss_nodes_have_the_law_of_all_modes():
    d, paths = 160, 1500
    nodes = compress(steep(d), 12)
    assert nodes.count <= 24
    for coeffs in (SGD, SIGN):
        whole = ends(coeffs, steep(d), d, paths=paths, seed=7)
        assert apart(whole, ends(coeffs, nodes, d, paths=paths, seed=8)) < 5
    assert apart(whole, ends(SIGN, compress(steep(d), 1), d, paths=paths, seed=8)) > 5


@pytest.mark.slow
def test_the_mean_of_a_linear_sde_is_that_of_the_ode_in_every_dimension():
    """Fluctuating coefficients must not shift the mean of SGD; uncentred, they would by 4 η³/d."""
    sde, times, d = sgd(1.0, 0.0), np.array([0.0, 1.0]), 100
    risk = ends(sde, isotropic(), d, paths=4000, seed=9, times=times)
    exact = np.exp(-1.0)  # exp(−(2η − η²) t)
    error = risk.std() / np.sqrt(risk.size)
    assert abs(risk.mean() - exact) < 5 * error < 4 / d * exact


@pytest.mark.slow
def test_published_sgd_without_noise_has_its_hand_computed_spread():
    d, paths, eta, times = 10_000, 3000, 0.3, np.array([0.0, 0.5])
    quiet = sgd(eta, 0.0, exact=False)
    risk = ends(quiet, isotropic(), d, paths=paths, seed=4, times=times)
    relative, error = risk.std(ddof=1) / risk.mean(), 5 / np.sqrt(2 * paths) + 1e-3
    assert relative == pytest.approx(2 * eta * np.sqrt(0.5 / d), rel=error)
    # negative control: the exact one is √2 (1 − η/2) times that
    exact = ends(sgd(eta, 0.0), isotropic(), d, paths=paths, seed=4, times=times)
    ratio = exact.std(ddof=1) / exact.mean() / relative
    assert ratio == pytest.approx(np.sqrt(2) * (1 - eta / 2), rel=2 * error)


def euler_maruyama(law, delta, exact, paths, step):
    """Step the vector SDE in its own coordinates: an independent solver of the same equation."""
    rng = np.random.default_rng(7)
    geometry = sign_geometry(law)
    d, whitened = delta.size, law.matrix / np.sqrt(geometry.scales)[:, None]
    root = np.linalg.cholesky(geometry.sign_covariance)
    x = np.tile(delta, (paths, 1))
    for _ in range(round(1.0 / step)):
        risk = 0.5 * np.einsum("pi,ij,pj->p", x, law.matrix, x)
        drift, noise = (c[:, None] for c in SIGN.at(risk))
        mean = 0.5 * drift * (x @ whitened.T)
        v = np.linalg.solve(root, mean.T).T / np.sqrt(2 * noise)
        normals = rng.standard_normal(x.shape)
        if exact:
            square = np.sum(v * v, axis=1, keepdims=True)
            normals -= v * np.sum(v * normals, axis=1, keepdims=True) / (1 + np.sqrt(1 - square))
        x = x - mean * step + np.sqrt(2 * noise * step / d) * (normals @ root.T)
    return 0.5 * np.einsum("pi,ij,pj->p", x, law.matrix, x)


def dense(law, delta, exact=True):
    coefficients = SIGN if exact else PUBLISHED_SIGN
    return DenseSde(coefficients, DenseModes.of(sign_geometry(law), delta), NO_TABLES)


@pytest.mark.slow
@pytest.mark.parametrize("exact", [True, False])
def test_the_dense_sde_is_the_right_one(exact):
    law, paths, times = toeplitz(16, 0.6), 2000, np.array([0.0, 1.0])
    delta = np.where(np.arange(16) % 3 == 0, 0.5, -0.3)
    found = dense_paths(dense(law, delta, exact), times, fine(times, 0.05), paths=paths, seed=8)
    other = euler_maruyama(law, delta, exact, paths, 0.02)
    (mean, deviation), errors = moments(found[:, -1])
    (mean_2, deviation_2), errors_2 = moments(other)
    assert abs(mean - mean_2) < 5 * np.hypot(errors, errors_2)[0] + 8e-3 * mean
    assert abs(deviation - deviation_2) < 5 * np.hypot(errors, errors_2)[1] + 8e-3 * deviation


@pytest.mark.slow
def test_a_diagonal_covariance_has_one_law_as_vector_and_as_energies():
    law, paths, times = toeplitz(12, 0.0), 2000, np.array([0.0, 1.0])
    vector = dense_paths(
        dense(law, np.full(12, 0.4)), times, fine(times, 0.05), paths=paths, seed=1
    )
    spectrum = Spectrum(np.ones(12), np.full(12, 0.08), np.full(12, 1 / 12))
    options = dict(paths=paths, seed=2, times=times)
    energies = ends(SIGN, spectrum, 12, vector=True, **options)
    assert apart(vector[:, -1], energies) < 5
    assert apart(vector[:, -1], ends(PUBLISHED_SIGN, spectrum, 12, **options)) > 5


@pytest.mark.interpreted
def test_paths_do_not_depend_on_threads_their_number_or_the_horizon():
    law, times = toeplitz(3, 0.5), np.array([0.0, 0.1, 0.2])
    sde = EnergySde(SGD, isotropic(4), 100.0)
    for walk in (
        lambda *a, **k: energy_paths(sde, *a, seed=9, **k),
        lambda *a, **k: dense_paths(dense(law, np.ones(3)), *a, seed=9, **k),
    ):
        one = walk(times, fine(times, 0.05), paths=40, workers=1)
        assert np.array_equal(walk(times, fine(times, 0.05), paths=40, workers=4), one)
        assert np.array_equal(walk(times, fine(times, 0.05), paths=32, workers=2), one[:32])
        shorter = times[:2]
        assert np.array_equal(walk(shorter, fine(shorter, 0.05), paths=40), one[:, :2])
        assert not np.array_equal(one[0], one[1])


@pytest.mark.interpreted
def test_the_reported_error_of_the_step_falls_with_the_step():
    sde, times = EnergySde(SIGN, isotropic(), 1e6, vector=True), np.array([0.0, 1.0])
    reported = []
    for step in (0.5, 0.125):
        walks = [
            energy_paths(sde, times, fine(times, step), paths=8, seed=1, coarse=coarse)
            for coarse in (False, True)
        ]
        reported.append(step_errors(*walks)["step_error"][-1])
    assert reported[0] > 4 * reported[1] > 0


@pytest.mark.interpreted
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_paths_that_leave_the_numbers_are_an_error():
    broken = dataclasses.replace(SGD, p=np.array([-5e5, 0.0, 0.0, 1.0]))
    with pytest.raises(SolveFailed, match="not finite"):
        energy_paths(EnergySde(broken, isotropic(), 10.0), TIMES, fine(TIMES, 0.1), paths=2, seed=1)
