"""The SDE of a problem and a method: the spread it must have, and what it refuses.

At d → ∞ the risk at the end of a path is linear in the normals that drive it, so that its variance
is a sum of squared responses to one normal at a time: no sampling, and the only error is the step.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import limitlab as ll
from limitlab.solvers.streaming.coefficients import Coefficients
from limitlab.solvers.streaming.compress import binned
from limitlab.solvers.streaming.noise_table import NO_TABLES, noise_table
from limitlab.solvers.streaming.sde import PUBLISHED, EnergySde
from limitlab.solvers.streaming.sde_steps import Plan
from limitlab.theory.streaming.derive import bind
from limitlab.theory.streaming.derive import derive as derive_streaming

ISOTROPIC = ll.isotropic(1000)
TWO = ll.from_eigenvalues([2.0, 0.5], [50, 150])
LAPLACE = ll.Laplace(0.6)
HUGE = 1e10


def coefficients_of(problem, method, published=False):
    limit = "ode" if published else "fluctuations"
    system = derive_streaming(problem, method, limit=limit)
    source = system.source + (PUBLISHED if published else "")
    return Coefficients.of(source, bind(system, problem, method))


def linear_spread(problem, method, until, steps, *, published=False):
    """√d times the standard deviation of R at the end, by central differences in each normal."""
    vector = method.acts_on == "coordinate"
    modes = binned(problem, method)
    sde = EnergySde(coefficients_of(problem, method, published), modes, HUGE, vector)
    plan = Plan.of(np.array([0.0, until]), np.array([steps]))
    normals = np.zeros((steps, modes.count + 1), dtype=np.float32)
    variance = 0.0
    for place in np.ndindex(normals.shape):
        ends = []
        for sign in (1.0, -1.0):
            normals[place] = sign
            ends.append(sde.walk(plan, [(0, normals)])[-1])
        normals[place] = 0.0
        variance += (0.5 * (ends[0] - ends[1])) ** 2
    return np.sqrt(variance * HUGE)


def extrapolated(*args, **options):
    """The spread in 4, 8 and 16 steps, and without the errors of first and second order."""
    first, second, third = spreads = [linear_spread(*args, n, **options) for n in (4, 8, 16)]
    return (4 * (2 * third - second) - (2 * second - first)) / 3, np.array(spreads)


@pytest.mark.interpreted
@pytest.mark.parametrize(
    ("covariance", "noise", "method", "until", "published", "expected"),
    [
        (ISOTROPIC, LAPLACE, ll.SignSGD(0.4), 2.0, False, 0.47815),
        (ISOTROPIC, LAPLACE, ll.SignSGD(0.4), 2.0, True, 0.56858),
        (TWO, LAPLACE, ll.ClippedSGD(0.8, 0.7), 2.0, False, 0.36380),
    ],
    ids=["signSGD", "signSGD, published", "clipped SGD"],
)
def test_the_spread_is_the_printed_one(covariance, noise, method, until, published, expected):
    """theory/signsgd.md 10 and clipping.md 9: √d sd(R) at t = 2."""
    problem = ll.LeastSquares(covariance, noise=noise)
    found, _ = extrapolated(problem, method, until, published=published)
    assert found == pytest.approx(expected, rel=1e-3)


@pytest.mark.interpreted
@pytest.mark.parametrize("rate", [0.3, 1.0])
def test_the_spread_of_sgd_without_noise_is_the_hand_computed_one(rate):
    """K = I: relative deviation 2√2 (η − η²/2) √(t/d); 2 η √(t/d) for the published SDE."""
    problem = ll.LeastSquares(ISOTROPIC, noise=ll.NoNoise())
    risk, until = np.exp(-2 * rate + rate**2), 1.0
    expected = 2 * np.sqrt(2) * (rate - rate**2 / 2) * risk
    found, spreads = extrapolated(problem, ll.SGD(rate), until)
    assert found == pytest.approx(expected, rel=2e-3)
    order = -np.polyfit(np.log2([4, 8, 16]), np.log2(np.abs(spreads - expected)), 1)[0]
    assert order == pytest.approx(1.0, abs=0.35)
    published, _ = extrapolated(problem, ll.SGD(rate), until, published=True)
    assert published == pytest.approx(2 * rate * risk, rel=2e-3)


@pytest.mark.interpreted
def test_noise_without_a_fourth_moment_is_refused_unless_it_is_clipped_or_published():
    problem = ll.LeastSquares(ISOTROPIC, noise=ll.StudentT(3, 0.5))
    options = dict(until=0.1, limit="sde", paths=2, points=2, seed=1, progress=False)
    with pytest.raises(ll.NoLimit, match="infinite"):
        ll.solve(problem, ll.SGD(0.5), **options)
    assert ll.solve(problem, ll.SGD(0.5), diffusion="published", **options).runs == 2


@pytest.mark.interpreted
def test_a_step_beyond_the_fastest_relaxation_names_the_longest_one():
    problem = ll.LeastSquares(TWO, noise=ll.Gaussian(0.5))
    options = dict(until=1.0, limit="sde", paths=2, points=2, seed=1, progress=False)
    with pytest.raises(ll.InvalidInput, match="at most 0.25"):
        ll.solve(problem, ll.SGD(0.5), step=0.5, **options)  # A λ/2 = η λ = 1
    curve = ll.solve(problem, ll.SGD(0.5), step=0.125, **options)
    assert set(curve.diagnostics) == {"finite_size", "step_error", "step_error_spread"}
    assert np.all(curve.diagnostics["step_error"] < 0.05)


@pytest.mark.interpreted
def test_a_perturbed_covariance_changes_the_paths_and_not_the_published_ones():
    problem, method = ll.LeastSquares(ISOTROPIC, noise=ll.Gaussian(0.5)), ll.ClippedSGD(0.8, 1.0)
    system = ll.derive(problem, method, limit="fluctuations")
    changed = dataclasses.replace(system, covariance=4 * system.covariance)
    options = dict(until=0.5, limit="sde", paths=8, points=2, seed=1, step=0.1, progress=False)

    def spread(s, diffusion):
        return ll.solve(problem, method, system=s, diffusion=diffusion, **options).std("risk")[-1]

    assert spread(changed, "exact") == pytest.approx(2 * spread(system, "exact"), rel=0.05)
    assert spread(changed, "published") == spread(system, "published")


@pytest.mark.interpreted
def test_a_table_of_the_noise_agrees_with_its_formulas():
    problem, method = ll.LeastSquares(ISOTROPIC, noise=LAPLACE), ll.ClippedSGD(0.8, 0.7)
    coefficients = coefficients_of(problem, method)
    table = coefficients.table(10.0, 2.0, always=True)
    highest = np.concatenate([table[:1], table[-2:]])
    highest[0, 0, 0] = np.log(10.0) - 2 * table[0, 0, 1]
    tables = (highest, noise_table(coefficients, highest, 0.0, 0.8))
    assert tables[1].shape == (3, 4, table.shape[2])
    plan, block = Plan.of(np.array([0.0, 0.1]), np.array([2])), np.ones((2, 2), np.float32)
    modes = binned(problem, method)
    risks = [
        EnergySde(coefficients, modes, 100.0, tables=t).walk(plan, [(0, block)])[-1]
        for t in (tables, NO_TABLES)
    ]
    assert risks[0] == pytest.approx(risks[1], rel=1e-7) and risks[0] != risks[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "method",
    [ll.SGD(1.0), ll.SGD(0.3), ll.ClippedSGD(0.8, 1.0), ll.Huber(0.8, 1.0)],
    ids=["SGD, rate 1", "SGD, rate 0.3", "clipped", "Huber"],
)
def test_paths_have_the_spread_of_runs(method):
    """d = 1000, 2000 runs of the algorithm; the published SDE is the control where it is wrong."""
    problem = ll.LeastSquares(ISOTROPIC, noise=ll.Gaussian(0.5))
    runs = ll.simulate(problem, method, 1.0, points=3, runs=2000, seed=1, progress=False)
    options = dict(until=1.0, points=3, limit="sde", paths=2000, seed=2, progress=False)
    exact = ll.solve(problem, method, **options).std("risk")[1:]
    published = ll.solve(problem, method, diffusion="published", **options).std("risk")[1:]
    error = 5 * np.sqrt(2 / (2 * 2000))  # of the ratio of two deviations
    assert np.all(np.abs(exact / runs.std("risk")[1:] - 1) < error)
    if method == ll.SGD(1.0):
        assert np.all(published / runs.std("risk")[1:] - 1 > error)
