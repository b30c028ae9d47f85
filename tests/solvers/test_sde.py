"""The limiting SDE: its mean, its spread, its order, and its streams."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab.solvers.compress import Spectrum
from limitlab.solvers.ode import integrate
from limitlab.solvers.sde import SdeModes, diagonal_paths, root_of, stream, substeps
from limitlab.solvers.sde_dense import DenseModes, dense_paths
from limitlab.theory.covariance import toeplitz
from limitlab.theory.errors import InvalidInput, InvalidType, SolveFailed
from limitlab.theory.modes import sign_geometry

TIMES = np.array([0.0, 1.0, 2.0])


def isotropic(d, groups=1):
    share = np.full(groups, 1.0 / groups)
    return SdeModes(share, np.ones(groups), share, share * d, d)


def fine(times, step):
    return substeps(times, np.ones(times.size), step)


def test_drift_alone_is_the_ode(linear):
    modes = SdeModes(
        np.array([0.7, 0.3]),
        np.array([1.0, 3.0]),
        np.array([0.4, 0.6]),
        np.array([1.0, 50.0]),
        100.0,
    )
    options = {"paths": 2, "seed": 1, "factors": (1.0, 0.0)}
    found = diagonal_paths(linear, modes, TIMES, fine(TIMES, 0.1), **options)
    spectrum = Spectrum(modes.rates, modes.energies, modes.sources)
    expected = integrate(linear, spectrum, TIMES, 1e-11, factors=(1.0, 0.0))
    assert np.max(np.abs(found / expected - 1)) < 1e-10


def test_the_mean_has_weak_order_two_as_the_midpoint_declares(linear):
    modes, times = isotropic(10**10), np.array([0.0, 2.0])
    exact = integrate(linear, Spectrum(np.ones(1), np.ones(1), np.ones(1)), times, 1e-12)[-1]
    steps = np.array([1.0, 0.5, 0.25, 0.125])
    bias = [
        diagonal_paths(linear, modes, times, fine(times, h), paths=40, seed=2).mean(axis=0)[-1]
        - exact
        for h in steps
    ]
    # at d = 1e10 the noise of this mean, about 2e-6, stays far below the smallest bias
    assert np.min(np.abs(bias)) > 1e-5
    assert np.polyfit(np.log(steps), np.log(np.abs(bias)), 1)[0] == pytest.approx(2.0, abs=0.35)


def spread_of(coefficients, exact, d=1000, paths=2000):
    risk = diagonal_paths(
        coefficients, isotropic(d), TIMES, fine(TIMES, 0.02), paths=paths, seed=3, exact=exact
    )
    return np.sqrt(d) * risk[:, -1].std(ddof=1)


def test_both_diffusions_of_sign_have_their_linear_noise_spread(hand_made):
    # K = I, Laplace noise b = 0.6, rate 0.4, R(0) = 1: sqrt(d) sd(R) at t = 2 (arXiv 2411.12135,
    # rederived)
    phi = "(2.0 / math.pi * math.sqrt(math.pi * R) / 0.6 * erfcx(math.sqrt(R) / 0.6))"
    sign = hand_made(f"2.0 * p[0] * {phi} / math.sqrt(2.0 * R)", "0.5 * p[0] ** 2", 0.4)
    error = 5 / np.sqrt(2 * 2000)  # five standard errors of a standard deviation, relative
    exact, published = spread_of(sign, True), spread_of(sign, False)
    assert exact == pytest.approx(0.47815, rel=error)
    assert published == pytest.approx(0.56858, rel=error)
    # negative control: the two are not interchangeable at this precision
    assert abs(published / 0.47815 - 1) > 2 * error


def test_published_sgd_without_noise_has_its_hand_computed_spread(hand_made):
    linear = hand_made("2.0 * p[0]", "0.5 * p[0] ** 2 * (2.0 * R + p[1])", 0.3, 0.0)
    times, d, paths = np.array([0.0, 0.5]), 10_000, 2000
    risk = diagonal_paths(linear, isotropic(d), times, fine(times, 0.005), paths=paths, seed=4)[
        :, -1
    ]
    relative = risk.std(ddof=1) / risk.mean()
    assert relative == pytest.approx(2 * 0.3 * np.sqrt(0.5 / d), rel=5 / np.sqrt(2 * paths) + 1e-3)


def test_grouped_and_separate_coordinates_have_one_law(sign):
    d, paths = 40, 3000
    grouped = diagonal_paths(
        sign, isotropic(d), TIMES, fine(TIMES, 0.05), paths=paths, seed=5, exact=True
    )[:, -1]
    apart = diagonal_paths(
        sign, isotropic(d, d), TIMES, fine(TIMES, 0.05), paths=paths, seed=6, exact=True
    )[:, -1]
    scale = np.sqrt(grouped.var(ddof=1) / paths * 2)
    assert abs(grouped.mean() - apart.mean()) < 5 * scale
    assert grouped.std() == pytest.approx(apart.std(), rel=5 * np.sqrt(2 / (2 * paths)) * 1.3)


def euler_maruyama(coefficients, law, delta, exact, paths, step):
    """Step the vector SDE in its own coordinates: an independent solver of the same equation."""
    rng = np.random.default_rng(7)
    geometry = sign_geometry(law)
    d, whitened = delta.size, law.matrix / np.sqrt(geometry.scales)[:, None]
    root = np.linalg.cholesky(geometry.sign_covariance)
    x = np.tile(delta, (paths, 1))
    for _ in range(round(1.0 / step)):
        risk = 0.5 * np.einsum("pi,ij,pj->p", x, law.matrix, x)
        drift, noise = (c[:, None] for c in coefficients.at(risk))
        mean = 0.5 * drift * (x @ whitened.T)
        v = np.linalg.solve(root, mean.T).T / np.sqrt(2 * noise)
        normals = rng.standard_normal(x.shape)
        if exact:
            square = np.sum(v * v, axis=1, keepdims=True)
            normals -= v * np.sum(v * normals, axis=1, keepdims=True) / (1 + np.sqrt(1 - square))
        x = x - mean * step + np.sqrt(2 * noise * step / d) * (normals @ root.T)
    return 0.5 * np.einsum("pi,ij,pj->p", x, law.matrix, x)


@pytest.mark.parametrize("exact", [True, False])
def test_the_dense_sde_is_the_right_one(sign, exact):
    law, paths, times = toeplitz(16, 0.6), 4000, np.array([0.0, 1.0])
    delta = np.where(np.arange(16) % 3 == 0, 0.5, -0.3)
    modes = DenseModes.of(sign_geometry(law), delta)
    found = dense_paths(sign, modes, times, fine(times, 0.02), paths=paths, seed=8, exact=exact)[
        :, -1
    ]
    other = euler_maruyama(sign, law, delta, exact, paths, 0.005)
    error = np.hypot(found.std(), other.std()) / np.sqrt(paths)
    assert abs(found.mean() - other.mean()) < 5 * error + 2e-3 * other.mean()
    assert found.std() == pytest.approx(other.std(), rel=5 * np.sqrt(2 / (2 * paths)) * 1.5)


def test_paths_do_not_depend_on_threads_or_on_their_number(sign):
    law, times = toeplitz(10, 0.5), np.array([0.0, 0.5])
    dense = DenseModes.of(sign_geometry(law), np.ones(10))
    steps = fine(times, 0.05)
    for run in (
        lambda **k: diagonal_paths(sign, isotropic(100, 4), times, steps, seed=9, exact=True, **k),
        lambda **k: dense_paths(sign, dense, times, steps, seed=9, **k),
    ):
        one = run(paths=70, workers=1)
        assert all(np.array_equal(run(paths=70, workers=n), one) for n in (2, 4))
        assert np.array_equal(run(paths=64, workers=2), one[:64])
        assert not np.array_equal(one[0], one[1])


def test_streams_are_keyed_and_leave_the_users_object_alone():
    root = np.random.SeedSequence(5, spawn_key=(2,))
    first = stream(root, 3).standard_normal(4)
    assert (
        np.array_equal(stream(root_of(root), 3).standard_normal(4), first)
        and root.n_children_spawned == 0
    )
    assert not np.array_equal(stream(np.random.SeedSequence(5), 3).standard_normal(4), first)
    with pytest.raises(InvalidInput, match="seed"):
        root_of(-1)
    with pytest.raises(InvalidType, match="seed"):
        root_of("one")


def test_steps_follow_the_change_of_the_risk():
    times = np.array([0.0, 1.0, 2.0])
    assert substeps(times, np.ones(3), 0.3).tolist() == [4, 4]
    assert substeps(times, np.ones(3), None).tolist() == [100, 100]
    assert substeps(times, np.exp([0.0, -4.0, -4.0]), None).tolist() == [200, 100]
    assert substeps(times, np.ones(3), None, fastest=100.0).tolist() == [400, 400]


def test_paths_that_leave_the_numbers_are_an_error(hand_made):
    broken = hand_made("-1000.0", "0.0", 0.5)
    with pytest.raises(SolveFailed, match="not finite"):
        diagonal_paths(broken, isotropic(10), TIMES, fine(TIMES, 0.1), paths=2, seed=1)
