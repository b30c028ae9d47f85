"""Equal bits whatever the workers, the horizon and the grid; memory that does not grow."""

import concurrent.futures
import hashlib
import multiprocessing
import os
import subprocess
import sys

import numpy as np
import pytest

import limitlab as ll
from limitlab.validation.simulate import simulate

pytestmark = pytest.mark.filterwarnings("ignore::limitlab.ValidityWarning")

SPLIT = ll.from_eigenvalues([1.6, 0.4], [8, 12])
BITS = {
    "vector": (ll.power_law(50, 0.5), ll.SignSGD(0.4)),
    "chain": (ll.isotropic(50), ll.ClippedSGD(0.8, 1.0)),
    "dense": (ll.toeplitz(50, 0.5), ll.SignSGD(0.4)),
    "vector, batch": (ll.power_law(50, 0.5), ll.SignSGD(0.4, batch=3)),
    "chain, batch": (ll.isotropic(50), ll.ClippedSGD(0.8, 1.0, batch=3, clip="mean")),
}
#: risk of run 4 at t = 10 and t = 20, seed 12, Laplace noise of scale 0.4
PINNED = {
    "vector": (0.11198333, 0.11263676),
    "chain": (0.09184027, 0.08407059),
    "dense": (0.12468281, 0.10933465),
    "vector, batch": (0.04899986, 0.06027651),
    "chain, batch": (0.01942073, 0.03079543),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", BITS)
def test_a_seed_keeps_its_meaning(case):
    """Another stream would be off by a third; other rounding may flip a sign in 10^5."""
    covariance, method = BITS[case]
    problem = ll.LeastSquares(covariance, ll.Laplace(0.4))
    sample = simulate(problem, method, until=20, runs=5, seed=12).sample()
    assert sample[4, [50, 100]] == pytest.approx(PINNED[case], rel=1e-3)
    assert sample[3, [50, 100]] != pytest.approx(PINNED[case], rel=1e-3)


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


@pytest.mark.slow
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
    again = simulate(problem, ll.SGD(0.5), 2, runs=3, seed=int(curve.provenance["seed"]["entropy"]))
    assert fingerprint(curve) == fingerprint(again)


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
