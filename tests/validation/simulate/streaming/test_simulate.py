"""The law of what simulate runs: exact facts at finite d, an algorithm written again in numpy."""

import math

import numpy as np
import pytest
from scipy import stats

import limitlab as ll
from limitlab.solvers.core.runner import Crew
from limitlab.validation.simulate import simulate
from limitlab.validation.simulate.streaming.chain import ReducedChain
from limitlab.validation.simulate.streaming.engine import Together
from limitlab.validation.simulate.streaming.ensemble import do_all
from limitlab.validation.simulate.streaming.lowering import lower
from limitlab.validation.simulate.streaming.samples import DenseEngine
from limitlab.validation.simulate.streaming.vector import VectorChain

pytestmark = pytest.mark.filterwarnings("ignore::limitlab.ValidityWarning")

# families of about 10 to 20 correlated z-scores: false alarm below 2e-4 each
Z = 4.2
SPLIT = ll.from_eigenvalues([1.6, 0.4], [8, 12])


def outcomes(problem, method, steps, runs, seed, engine):
    """Risks (runs, T) of an engine taken by name, also where `simulate` would not choose it."""
    record = np.asarray(steps, dtype=np.int64)
    build = {"chain": ReducedChain.of, "vector": VectorChain.of, "dense": DenseEngine.of}[engine]
    machine = build(problem, lower(method), record)
    seeds = np.random.SeedSequence(seed)
    done, _ = do_all(Together((machine,)), seeds, runs, Crew(2, single=True))
    return np.array([o.each[0].values["risk"] for o in done])


# ---- the mean of unclipped SGD is known exactly at every d ----


def exact_mean(problem, rate, steps):
    """Mean risk of SGD by the recursion of the energies V_j, exact for Gaussian inputs."""
    law, d = problem.covariance, problem.dimension
    values, counts = law.eigenvalues, law.multiplicities
    energies, floor, e = np.array(problem.energies()), problem.noise.variance, rate / d
    risks = [values @ energies]
    for _ in range(steps[-1]):
        power = 2 * values @ energies + floor
        shrink = 1 - 2 * e * values + 2 * e**2 * values**2
        energies = shrink * energies + 0.5 * e**2 * values * counts * power
        risks.append(values @ energies)
    return np.array(risks)[steps]


MEAN_CASES = {
    "vector": (ll.power_law(24, 0.7), "vector"),
    "eigenbasis": (ll.toeplitz(24, 0.5), "vector"),
    "chain": (SPLIT, "chain"),
    "dense": (ll.toeplitz(24, 0.5), "dense"),
}


@pytest.mark.parametrize("case", MEAN_CASES)
def test_mean_of_sgd_is_the_exact_recursion(case):
    covariance, engine = MEAN_CASES[case]
    problem = ll.LeastSquares(covariance, ll.Laplace(0.4))
    steps = np.arange(0, 241, 24)
    risks = outcomes(problem, ll.SGD(0.6), steps, 4000, 11, engine)
    standard_error = risks[:, 1:].std(axis=0, ddof=1) / math.sqrt(len(risks))
    gap = risks.mean(axis=0)[1:] - exact_mean(problem, 0.6, steps)[1:]
    assert np.max(np.abs(gap) / standard_error) < Z
    wrong = risks.mean(axis=0)[1:] - exact_mean(problem, 0.66, steps)[1:]
    assert np.max(np.abs(wrong) / standard_error) > Z, "a rate 10 % off must be noticed"


def test_coordinates_without_variance_count_in_d_only():
    law = ll.marchenko_pastur(40, 2.0)
    problem = ll.LeastSquares(law, ll.Gaussian(0.5))
    steps = np.arange(0, 81, 8)
    risks = outcomes(problem, ll.SGD(0.3), steps, 4000, 2, "vector")
    standard_error = risks[:, 1:].std(axis=0, ddof=1) / math.sqrt(4000)
    gap = risks.mean(axis=0)[1:] - exact_mean(problem, 0.3, steps)[1:]
    assert np.max(np.abs(gap) / standard_error) < Z


def test_start_is_exact():
    for engine, covariance in (("chain", SPLIT), ("vector", SPLIT), ("dense", ll.toeplitz(9, 0.3))):
        problem = ll.LeastSquares(covariance, ll.NoNoise(), initial_risk=0.7)
        risk = outcomes(problem, ll.SGD(0.5), [0, 1], 2, 0, engine)[:, 0]
        np.testing.assert_allclose(risk, 0.7, rtol=1e-12)


# ---- the algorithm, written a second time in numpy with numpy's random numbers ----


def written_again(problem, method, steps, runs, seed):
    """Final risks of the algorithm on numpy's samples: literal clipping and literal signs."""
    rng, d = np.random.default_rng(seed), problem.dimension
    law = problem.covariance
    matrix = np.diag(law.diagonal) if law.matrix is None else law.matrix
    factor = np.linalg.cholesky(matrix)
    delta = np.tile(problem.delta(), (runs, 1))
    for _ in range(steps):
        x = rng.standard_normal((runs, d)) @ factor.T
        residual = np.einsum("ri,ri->r", x, delta) - problem.noise.sample(rng, runs)
        gradient = residual[:, None] * x
        delta -= method.rate / d * update(method, gradient, residual, x, math.sqrt(matrix.trace()))
    return 0.5 * np.einsum("ri,ij,rj->r", delta, matrix, delta)


def update(method, gradient, residual, x, root_trace):
    if isinstance(method, ll.SignSGD):
        return np.sign(gradient)
    if isinstance(method, ll.ClippedSGD):
        norm = np.linalg.norm(gradient, axis=1, keepdims=True)
        return gradient * np.minimum(1, method.threshold * root_trace / norm)
    if isinstance(method, ll.Huber):
        return np.clip(residual, -method.threshold, method.threshold)[:, None] * x
    return gradient


LAW_CASES = {
    "clipped, chain": (SPLIT, ll.ClippedSGD(0.8, 0.5), "chain"),
    "clipped, vector": (SPLIT, ll.ClippedSGD(0.8, 0.5), "vector"),
    "clipped, eigenbasis": (ll.toeplitz(20, 0.5), ll.ClippedSGD(0.8, 0.5), "vector"),
    "huber, chain": (SPLIT, ll.Huber(0.8, 0.5), "chain"),
    "huber, vector": (SPLIT, ll.Huber(0.8, 0.5), "vector"),
    "sign, vector": (SPLIT, ll.SignSGD(0.5), "vector"),
    "sign, dense": (ll.toeplitz(20, 0.5), ll.SignSGD(0.5), "dense"),
}


QUICK_LAWS = ("clipped, chain", "clipped, vector", "sign, dense")


@pytest.mark.parametrize(
    "case",
    [c if c in QUICK_LAWS else pytest.param(c, marks=pytest.mark.slow) for c in LAW_CASES],
)
def test_the_law_of_the_risk_is_that_of_the_algorithm(case):
    covariance, method, engine = LAW_CASES[case]
    problem = ll.LeastSquares(covariance, ll.Cauchy(0.3))
    risk = outcomes(problem, method, [0, 40], 6000, 3, engine)[:, -1]
    again = written_again(problem, method, 40, 6000, 4)
    assert stats.ks_2samp(risk, again).pvalue > 1e-4


@pytest.mark.slow
def test_the_law_notices_that_huber_is_not_clipping():
    """At an intrinsic dimension of 3 the two differ; their limits are the same."""
    problem = ll.LeastSquares(ll.from_eigenvalues([3.0, 0.3], [2, 10]), ll.Cauchy(0.3))
    method = ll.ClippedSGD(0.8, 0.5)
    clipped = outcomes(problem, method, [0, 40], 6000, 3, "chain")[:, -1]
    again = written_again(problem, method, 40, 6000, 4)
    huber = written_again(problem, ll.Huber(0.8, 0.5), 40, 6000, 4)
    assert stats.ks_2samp(clipped, again).pvalue > 1e-4
    assert stats.ks_2samp(clipped, huber).pvalue < 1e-6


@pytest.mark.slow
def test_the_chain_draws_every_multiplicity_right():
    """Eigenspaces of 1, 2, 3 and 14 directions use different samplers of chi-square."""
    law = ll.from_eigenvalues([3.0, 2.0, 1.0, 0.5], [1, 2, 3, 14])
    problem = ll.LeastSquares(law, ll.Gaussian(0.3))
    method = ll.ClippedSGD(1.0, 0.7)
    chain, vector = (
        outcomes(problem, method, [0, 60], 6000, 8, e)[:, -1] for e in ("chain", "vector")
    )
    assert stats.ks_2samp(chain, vector).pvalue > 1e-4
    other = ll.LeastSquares(law, ll.Gaussian(0.36))
    moved = outcomes(other, method, [0, 60], 6000, 9, "vector")[:, -1]
    assert stats.ks_2samp(chain, moved).pvalue < 1e-4


def test_zero_gradient_is_safe_and_sign_of_zero_is_zero():
    for method in (ll.ClippedSGD(0.5, 1.0), ll.SignSGD(0.5), ll.Huber(0.5, 1.0)):
        problem = ll.LeastSquares(SPLIT, ll.NoNoise(), start=np.zeros(20))
        assert np.all(simulate(problem, method, until=2, runs=2, seed=0).risk == 0)


@pytest.mark.slow
def test_schedules_are_read_at_the_start_of_the_step():
    problem = ll.LeastSquares(ll.power_law(12, 0.2), ll.NoNoise())
    late = ll.SGD(0.5 * ll.t)
    curve = simulate(problem, late, times=[0, 1 / 12, 2 / 12], runs=3, seed=0)
    moved = np.abs(np.diff(curve.sample(), axis=1))
    assert np.all(moved[:, 0] < 1e-14)  # rate(0) = 0
    assert np.all(moved[:, 1] > 1e-6)


# ---- a user's own method and noise ----


def test_a_users_method_and_noise_run_without_a_limit():
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class SoftSign(ll.Method):
        width: float = 1.0

        def rule(self, l):  # noqa: E741
            return l / (self.width + abs(l))

    @dataclass(frozen=True)
    class Shifted(ll.Noise):
        variance = math.inf

        def sample(self, rng, n):
            return 1 + rng.standard_cauchy(n)

    curve = simulate(ll.LeastSquares(SPLIT, Shifted()), SoftSign(0.8, 0.7), 2, runs=4, seed=0)
    assert np.all(np.isfinite(curve.risk)) and "loss" not in curve.values
