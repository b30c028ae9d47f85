"""simulate: exact facts at finite d, an independent reference, equal bits, bad input."""

import concurrent.futures
import hashlib
import math
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
from scipy import stats

import limitlab as ll
from limitlab.validation.simulate import choose, execute, simulate
from limitlab.validation.simulate.engine import Together
from limitlab.validation.simulate.lowering import lower
from limitlab.validation.simulate.rows import optimum

pytestmark = pytest.mark.filterwarnings("ignore::limitlab.ValidityWarning")

# families of about 10 to 20 correlated z-scores: false alarm below 2e-4 each
Z = 4.2
SPLIT = ll.from_eigenvalues([1.6, 0.4], [8, 12])


def outcomes(problem, method, steps, runs, seed, engine):
    """Risks (runs, T) of an engine taken by name, also where `simulate` would not choose it."""
    record = np.asarray(steps, dtype=np.int64)
    build = {"chain": choose._chain, "vector": choose._vector, "dense": choose._dense}[engine]
    machine = build(problem, lower(method), record)
    seeds = np.random.SeedSequence(seed)
    done, _ = execute.execute(Together((machine,)), seeds, runs, 2, None, False)
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


@pytest.mark.parametrize("case", LAW_CASES)
def test_the_law_of_the_risk_is_that_of_the_algorithm(case):
    covariance, method, engine = LAW_CASES[case]
    problem = ll.LeastSquares(covariance, ll.Cauchy(0.3))
    risk = outcomes(problem, method, [0, 40], 6000, 3, engine)[:, -1]
    again = written_again(problem, method, 40, 6000, 4)
    assert stats.ks_2samp(risk, again).pvalue > 1e-4


def test_the_law_notices_that_huber_is_not_clipping():
    """At an intrinsic dimension of 3 the two differ; their limits are the same."""
    problem = ll.LeastSquares(ll.from_eigenvalues([3.0, 0.3], [2, 10]), ll.Cauchy(0.3))
    method = ll.ClippedSGD(0.8, 0.5)
    clipped = outcomes(problem, method, [0, 40], 6000, 3, "chain")[:, -1]
    again = written_again(problem, method, 40, 6000, 4)
    huber = written_again(problem, ll.Huber(0.8, 0.5), 40, 6000, 4)
    assert stats.ks_2samp(clipped, again).pvalue > 1e-4
    assert stats.ks_2samp(clipped, huber).pvalue < 1e-6


def test_the_chain_draws_every_multiplicity_right():
    """Eigenspaces of 1, 2, 3 and 14 directions use different samplers of chi-square."""
    law = ll.from_eigenvalues([3.0, 2.0, 1.0, 0.5], [1, 2, 3, 14])
    problem = ll.LeastSquares(law, ll.Gaussian(0.3))
    method = ll.ClippedSGD(1.0, 0.7)
    chain, vector = (outcomes(problem, method, [0, 60], 6000, 8, e)[:, -1]
                     for e in ("chain", "vector"))
    assert stats.ks_2samp(chain, vector).pvalue > 1e-4
    other = ll.LeastSquares(law, ll.Gaussian(0.36))
    moved = outcomes(other, method, [0, 60], 6000, 9, "vector")[:, -1]
    assert stats.ks_2samp(chain, moved).pvalue < 1e-4


def test_zero_gradient_is_safe_and_sign_of_zero_is_zero():
    for method in (ll.ClippedSGD(0.5, 1.0), ll.SignSGD(0.5), ll.Huber(0.5, 1.0)):
        problem = ll.LeastSquares(SPLIT, ll.NoNoise(), start=np.zeros(20))
        assert np.all(simulate(problem, method, until=2, runs=2, seed=0).risk == 0)


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


# ---- rows ----


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    rows = rng.standard_t(5, (300, 6)) @ rng.standard_normal((6, 6))
    return rows, rows @ rng.standard_normal(6) + rng.standard_t(4, 300)


def test_rows_are_streamed_exactly(data):
    rows, targets = data
    problem = ll.LeastSquares(ll.from_data(rows), ll.Gaussian(1.0))
    scaled = rows * math.sqrt(problem.covariance.scale)
    method = ll.ClippedSGD(0.6, 0.8)
    curve = simulate(problem, method, 5, runs=2, seed=4, rows=rows, targets=targets)
    assert curve.provenance["engine"] == "rows"
    already = simulate(problem, method, 5, runs=2, seed=4, rows=scaled, targets=targets)
    np.testing.assert_array_equal(curve.sample(), already.sample())
    best = optimum(scaled, targets)
    theta, second = best + problem.delta(), scaled.T @ scaled / 300
    unit = math.sqrt(second.trace())
    generator = np.random.default_rng(np.random.SeedSequence(4, spawn_key=(1, 1)))
    for index in generator.integers(0, 300, 256)[:30]:
        gradient = (scaled[index] @ theta - targets[index]) * scaled[index]
        theta = theta - 0.1 * gradient * min(1, 0.8 * unit / np.linalg.norm(gradient))
    error = theta - best
    assert curve.sample()[1, -1] == pytest.approx(0.5 * error @ second @ error, rel=1e-10)
    loss = 0.5 * np.mean((scaled @ theta - targets) ** 2)
    assert curve.sample("loss")[1, -1] == pytest.approx(loss, rel=1e-10)


def test_fewer_rows_than_features_use_a_ridge_and_keep_the_loss_exact():
    rng = np.random.default_rng(1)
    rows, targets = rng.standard_normal((8, 12)), rng.standard_normal(8)
    problem = ll.LeastSquares(ll.from_data(rows, normalise=False), ll.Gaussian(1.0))
    curve = simulate(problem, ll.SGD(0.2), 1, runs=1, seed=0, rows=rows, targets=targets)
    theta = optimum(rows, targets) + problem.delta()
    assert curve.loss[0] == pytest.approx(0.5 * np.mean((rows @ theta - targets) ** 2), rel=1e-10)


def test_rows_of_another_problem_are_noticed(data):
    rows, targets = data
    problem = ll.LeastSquares(ll.isotropic(6), ll.Gaussian(1.0))
    with pytest.warns(ll.ValidityWarning, match="second moments"):
        simulate(problem, ll.SGD(0.01), 1, runs=1, seed=0, rows=rows, targets=targets)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"rows": np.ones((5, 6))}, "targets"),
        ({"targets": np.ones(5)}, "rows"),
        ({"rows": np.ones((5, 4)), "targets": np.ones(5)}, "rows"),
        ({"rows": np.ones((5, 6)), "targets": np.ones(4)}, "targets"),
        ({"rows": np.full((5, 6), np.nan), "targets": np.ones(5)}, "rows"),
        ({"rows": np.zeros((5, 6)), "targets": np.ones(5)}, "rows"),
    ],
)
def test_bad_rows_are_refused(given, field):
    problem = ll.LeastSquares(ll.isotropic(6), ll.Gaussian(1.0))
    with pytest.raises(ll.InvalidInput, match=field):
        simulate(problem, ll.SGD(0.5), 1, runs=1, **given)


# ---- reproducibility ----

BITS = {
    "vector": (ll.power_law(50, 0.5), ll.SignSGD(0.4)),
    "chain": (ll.isotropic(50), ll.ClippedSGD(0.8, 1.0)),
    "dense": (ll.toeplitz(50, 0.5), ll.SignSGD(0.4)),
}


def fingerprint(curve):
    return hashlib.sha256(curve.sample().tobytes()).hexdigest()


@pytest.mark.parametrize("case", BITS)
def test_equal_bits_for_any_number_of_workers(case):
    covariance, method = BITS[case]
    problem = ll.LeastSquares(covariance, ll.StudentT(3, 0.4))
    run = dict(until=20, runs=9, seed=12)
    prints = {fingerprint(simulate(problem, method, workers=w, **run)) for w in (1, 2, 4)}
    assert len(prints) == 1
    assert fingerprint(simulate(problem, method, until=20, runs=9, seed=13)) not in prints


def test_equal_bits_from_other_processes():
    problem = ll.LeastSquares(ll.toeplitz(30, 0.5), ll.Laplace(0.4))
    run = dict(until=5, runs=5, seed=3)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
        there = simulate(problem, ll.SignSGD(0.4), executor=executor, **run)
    assert fingerprint(there) == fingerprint(simulate(problem, ll.SignSGD(0.4), **run))


@pytest.mark.parametrize("case", BITS)
def test_a_run_depends_neither_on_the_others_nor_on_horizon_or_grid(case):
    covariance, method = BITS[case]
    problem = ll.LeastSquares(covariance, ll.GaussianMixture([0.9, 0.1], [0.2, 3.0]))
    long = simulate(problem, method, times=[0, 3, 30], runs=5, seed=1)
    short = simulate(problem, method, times=[0, 1, 2, 3], runs=2, seed=1)
    np.testing.assert_array_equal(short.sample()[:, -1], long.sample()[:2, 1])


def test_a_seed_sequence_is_left_alone_and_its_children_differ():
    problem = ll.LeastSquares(SPLIT, ll.Gaussian(0.5))
    sequence = np.random.SeedSequence(5)
    curves = [simulate(problem, ll.SGD(0.5), 2, runs=3, seed=s) for s in (sequence, sequence, 5)]
    assert sequence.n_children_spawned == 0
    assert len({fingerprint(curve) for curve in curves}) == 1
    assert np.unique(curves[0].sample()[:, -1]).size == 3
    spawned = np.random.SeedSequence(5, spawn_key=(1,))
    other = simulate(problem, ll.SGD(0.5), 2, runs=3, seed=spawned)
    assert fingerprint(other) != fingerprint(curves[0])


def test_a_drawn_seed_is_told():
    problem = ll.LeastSquares(SPLIT, ll.Gaussian(0.5))
    curve = simulate(problem, ll.SGD(0.5), 2, runs=3)
    again = simulate(problem, ll.SGD(0.5), 2, runs=3,
                     seed=int(curve.provenance["seed"]["entropy"]))
    assert fingerprint(curve) == fingerprint(again)


# ---- the answer ----


def test_times_are_rounded_to_steps_and_said_so():
    problem = ll.LeastSquares(SPLIT, ll.Gaussian(0.5))
    curve = simulate(problem, ll.SGD(0.5), times=[0, 0.012, 0.06, 0.49, 1.0], runs=2, seed=0)
    assert curve.steps.tolist() == [0, 1, 10, 20]
    np.testing.assert_allclose(curve.time, curve.steps / 20)
    assert curve.provenance["largest_rounding"] == pytest.approx(0.012)


def test_the_curve_holds_what_is_promised():
    problem = ll.LeastSquares(SPLIT, ll.Laplace(0.5))
    curve = simulate(problem, ll.SGD(0.5), 2, runs=6, seed=0, points=11)
    assert curve.kind == "simulation" and curve.runs == 6 and curve.sample().shape == (6, 11)
    np.testing.assert_allclose(curve.risk, curve.sample().mean(axis=0))
    np.testing.assert_allclose(curve.std(), curve.sample().std(axis=0, ddof=1))
    np.testing.assert_allclose(curve.loss, curve.risk + 0.25)
    assert curve.provenance["runs"] == 6 and not curve.provenance["heavy_tailed"]
    assert curve.provenance["version"] == ll.__version__


@pytest.mark.parametrize(("method", "heavy"), [(ll.SGD(0.2), True), (ll.Huber(0.2, 1.0), False),
                                               (ll.SignSGD(0.2), False)])
def test_heavy_tails_without_a_clip_are_marked(method, heavy):
    curve = simulate(ll.LeastSquares(SPLIT, ll.StudentT(3, 0.4)), method, 1, runs=2, seed=0)
    assert curve.provenance["heavy_tailed"] is heavy


# ---- choice of the engine ----


@pytest.mark.parametrize(
    ("covariance", "method", "asked", "taken"),
    [
        (ll.isotropic(100), ll.SGD(0.5), None, "chain"),
        (ll.isotropic(100), ll.SGD(0.5), "vector", "vector"),
        (ll.isotropic(100), ll.SignSGD(0.5), None, "vector"),
        (ll.power_law(100, 0.5), ll.Huber(0.5, 1.0), None, "vector"),
        (ll.power_law(100, 0.5), ll.Huber(0.5, 1.0), "chain", "chain"),
        (ll.toeplitz(20, 0.5), ll.ClippedSGD(0.5, 1.0), None, "vector"),
        (ll.toeplitz(20, 0.5), ll.SignSGD(0.5), None, "dense"),
    ],
)
def test_engine(covariance, method, asked, taken):
    problem = ll.LeastSquares(covariance, ll.Gaussian(0.5))
    assert simulate(problem, method, 1, runs=1, seed=0, engine=asked).provenance["engine"] == taken


def test_coordinates_without_variance_count_in_d_only():
    law = ll.marchenko_pastur(40, 2.0)
    problem = ll.LeastSquares(law, ll.Gaussian(0.5))
    steps = np.arange(0, 81, 8)
    risks = outcomes(problem, ll.SGD(0.3), steps, 4000, 2, "vector")
    standard_error = risks[:, 1:].std(axis=0, ddof=1) / math.sqrt(4000)
    gap = risks.mean(axis=0)[1:] - exact_mean(problem, 0.3, steps)[1:]
    assert np.max(np.abs(gap) / standard_error) < Z


# ---- bad input, trouble ----


@pytest.mark.parametrize(
    ("change", "error", "field"),
    [
        ({"runs": 0}, ll.InvalidInput, "runs"),
        ({"runs": 1.5}, ll.InvalidInput, "runs"),
        ({"until": 0}, ll.InvalidInput, "until"),
        ({"until": -1}, ll.InvalidInput, "until"),
        ({"until": None}, ll.InvalidInput, "until"),
        ({"until": 1e-3}, ll.InvalidInput, "until"),
        ({"until": None, "times": [0, 2, 1]}, ll.InvalidInput, "times"),
        ({"seed": -1}, ll.InvalidInput, "seed"),
        ({"workers": 0}, ll.InvalidInput, "workers"),
        ({"engine": "fast"}, ll.InvalidInput, "engine"),
        ({"problem": "least squares"}, ll.InvalidInput, "problem"),
        ({"method": 0.5}, ll.InvalidInput, "method"),
        ({"method": ll.SGD(0.5, batch=4)}, ll.NotAvailable, "batch"),
        ({"method": ll.SGD(1 - ll.t)}, ll.InvalidInput, "rate"),
        ({"method": ll.ClippedSGD(0.5, 1 - ll.t)}, ll.InvalidInput, "threshold"),
        ({"method": ll.SignSGD(0.5), "engine": "chain"}, ll.NotAvailable, "engine"),
        ({"problem": ll.LeastSquares(ll.isotropic(math.inf), ll.NoNoise())}, ll.NotAvailable,
         "covariance"),
    ],
)
def test_bad_input_is_refused_by_name(change, error, field):
    given = {"problem": ll.LeastSquares(SPLIT, ll.Gaussian(0.5)), "method": ll.SGD(0.5), "until": 2}
    given |= change
    with pytest.raises(error, match=f"^{field} = "):
        simulate(given.pop("problem"), given.pop("method"), given.pop("until"), **given)


def test_diverged_runs_are_counted_not_averaged():
    problem = ll.LeastSquares(ll.isotropic(20), ll.Gaussian(0.5))
    with pytest.raises(ll.SolveFailed, match="3 of 3 runs of SGD diverged") as failure:
        simulate(problem, ll.SGD(40.0), until=500, runs=3, seed=0)
    assert 0 < failure.value.time <= 500


def test_coarse_steps_are_announced():
    problem = ll.LeastSquares(ll.isotropic(8), ll.Gaussian(0.5))
    with pytest.warns(ll.ValidityWarning, match="0.125"):
        simulate(problem, ll.SGD(1.0), 1, runs=1, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        simulate(problem, ll.SGD(0.7), 1, runs=1, seed=0)


def test_a_huge_dimension_is_announced_and_runs():
    problem = ll.LeastSquares(ll.isotropic(10**9), ll.Gaussian(0.5))
    with pytest.warns(ll.ValidityWarning, match="1e[+]06 steps a run"):
        curve = simulate(problem, ll.SGD(0.5), times=[0, 1e-3], runs=1, seed=0)
    assert curve.risk[1] == pytest.approx(1 - 1e-3 * 0.875, abs=2e-4)


def test_a_bad_sampler_is_named():
    class Broken(ll.Gaussian):
        def sample(self, rng, n):
            return np.full(n, np.nan)

    with pytest.raises(ll.InvalidInput, match="NaN"):
        simulate(ll.LeastSquares(SPLIT, Broken(0.5)), ll.SGD(0.5), 1, runs=3, seed=0)


def test_interruption_returns_the_finished_runs():
    """Ctrl-C while long runs are under way; two short ones are done by then."""
    problem = ll.LeastSquares(ll.isotropic(10**9), ll.Gaussian(0.5))
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Together, "run", slow_after_two(Together.run))
        timer.start()
        began = time.perf_counter()
        with pytest.warns(ll.ValidityWarning, match="2 finished of 4"):
            curve = simulate(problem, ll.SGD(0.5), times=[0, 1e-6], runs=4, seed=0, workers=4)
    assert time.perf_counter() - began < 10
    assert curve.runs == 2 and curve.provenance["interrupted"]


def slow_after_two(whole):
    def run(self, number, parent, stop):
        if number < 2:
            return whole(self, number, parent, stop)
        stop.wait(60)
        return None

    return run


def test_interruption_with_nothing_done_is_passed_on():
    problem = ll.LeastSquares(ll.isotropic(10**9), ll.Gaussian(0.5))
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    simulate(problem, ll.SGD(0.5), times=[0, 1e-6], runs=1, seed=0)  # compiled beforehand
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        simulate(problem, ll.SGD(0.5), until=1, runs=2, seed=0)


# ---- memory ----

PEAK = """
import re
import limitlab as ll
problem = ll.LeastSquares(ll.power_law(2000, 0.5), ll.Gaussian(0.5))
def run(runs, until):
    ll.simulate(problem, ll.SGD(0.5), times=[0, until], runs=runs, seed=0, workers=2)
    return re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1]
print(run(4, 0.01), run(4, 2.0), run(400, 0.01))
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads Linux's own figure")
def test_memory_grows_neither_with_steps_nor_with_coordinates_of_runs():
    """200 times the steps, then 100 times the runs: no trajectory and no sample is kept."""
    done = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    few, long, many = (int(word) / 1024 for word in done.stdout.split())
    assert long - few < 20  # MB; 4000 samples would take 32 in float32
    assert many - few < 20
    assert many < 300
