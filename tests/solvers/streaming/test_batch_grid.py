"""Every law, batch and aggregate in every limit, compiled, in a process of limited time; and the
spread of runs of the algorithm against the bands and the paths."""

from __future__ import annotations

import dataclasses
import itertools
import resource
import subprocess
import sys
import warnings

import numpy as np
import pytest

import limitlab as ll
from limitlab.theory.core.errors import SolveFailed
from limitlab.theory.core.symbols import same_mode

pytestmark = pytest.mark.slow

LAWS = (
    "Gaussian(.5)",
    "Laplace(.4)",
    "Uniform(.8)",
    "Rademacher(.5)",
    "StudentT(3, .5)",
    "Cauchy(.3)",
    "GaussianMixture([.5, .5], [.1, 1.])",
    "Empirical([-.7, .1, .4])",
    "NoNoise()",
)
AGGREGATES = ("sign-of-mean", "mean-of-signs", "majority-vote")
#: tried in the slow suite; the whole grid takes the better part of an hour of the processor
SOME = {
    ("Cauchy(.3)", "sign-of-mean"),
    ("GaussianMixture([.5, .5], [.1, 1.])", "sign-of-mean"),
    ("StudentT(3, .5)", "majority-vote"),
}


def grid(*axes, some):
    """All combinations, those beyond `some` of them marked long."""
    return [
        pytest.param(*case, marks=() if case in some else pytest.mark.long)
        for case in itertools.product(*axes)
    ]


#: of the processor, for eight solves and what they compile
SECONDS = 300
SCRIPT = """
import sys, warnings
import numpy as np
import limitlab as ll
warnings.simplefilter("ignore")
problem = ll.LeastSquares(ll.isotropic(100), eval("ll." + sys.argv[1]))
batches = (3, 5) if sys.argv[2] == "majority-vote" else (2, 3)
for batch in batches:
    method = ll.SignSGD(0.4, batch=batch, aggregate=sys.argv[2])
    for limit in ("ode", "volterra", "fluctuations", "sde"):
        options = {"paths": 16, "seed": 1} if limit == "sde" else {}
        curve = ll.solve(problem, method, 1, limit=limit, points=5, **options)
        assert np.all(np.isfinite(curve.risk)) and np.all(curve.risk > 0)
        if limit in ("fluctuations", "sde"):
            assert np.all(curve.spread["risk"][1:] > 0)
print("done")
"""


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ll.ValidityWarning)
        yield


def limited():
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


@pytest.mark.parametrize(("law", "aggregate"), grid(LAWS, AGGREGATES, some=SOME))
def test_every_law_batch_and_limit_comes_to_an_end(law, aggregate):
    """Nothing here depends on a warm-up being skipped: a loop that never ends is killed."""
    command = [sys.executable, "-c", SCRIPT, law, aggregate]
    done = subprocess.run(command, preexec_fn=limited, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "done", done.stderr[-2000:]


RUNS, TIMES = 3000, (0.0, 0.25, 0.5, 1.0)
#: four standard errors of a standard deviation, and what bands of order d^(-1/2) leave out
CLOSE = 4 / np.sqrt(2 * RUNS) + 0.01


def off(problem, method, curve):
    """Largest |sd of runs/sd of a curve − 1|."""
    runs = ll.simulate(problem, method, times=TIMES, runs=RUNS, seed=5, progress=False)
    ratio = runs.sample("risk").std(axis=0, ddof=1)[1:] / curve.spread["risk"][1:]
    return np.abs(ratio - 1).max()


def band(problem, method, **options):
    return ll.solve(problem, method, times=TIMES, limit="fluctuations", **options)


SMOOTH = (ll.Gaussian(0.5), ll.Laplace(0.4), ll.Uniform(0.8), ll.StudentT(3, 0.4), ll.Cauchy(0.3))


SPECTRA = {"diagonal": ll.power_law(400, 0.3), "dense": ll.toeplitz(400, 0.4)}
#: dense ones of few samples are below, with paths
QUICK = {("diagonal", SMOOTH[0], 4), ("diagonal", SMOOTH[0], 2), ("diagonal", SMOOTH[4], 3)}


@pytest.mark.parametrize(
    ("spectrum", "law", "batch"), grid(SPECTRA, SMOOTH, (2, 3, 4, 8, 16), some=QUICK)
)
def test_bands_of_the_sign_of_a_mean_are_those_of_runs(spectrum, law, batch):
    problem = ll.LeastSquares(SPECTRA[spectrum], law)
    method = ll.SignSGD(0.3 / batch**0.5, batch=batch)
    assert off(problem, method, band(problem, method)) < CLOSE


@pytest.mark.parametrize("batch", [3, 9])
def test_bands_of_votes_are_those_of_runs(batch):
    problem = ll.LeastSquares(ll.isotropic(400), ll.Gaussian(0.5))
    method = ll.SignSGD(0.3, batch=batch, aggregate="majority-vote")
    assert off(problem, method, band(problem, method)) < CLOSE


@pytest.mark.parametrize(
    "method",
    [
        ll.SignSGD(0.2, batch=4),
        ll.SignSGD(0.2, batch=2),
        ll.SignSGD(0.3, batch=3, aggregate="majority-vote"),
    ],
)
@pytest.mark.parametrize("law", [ll.Gaussian(0.5), ll.StudentT(3, 0.4)])
def test_dense_bands_and_paths_are_those_of_runs(law, method):
    problem = ll.LeastSquares(ll.toeplitz(200, 0.4), law)
    curve = band(problem, method)
    paths = ll.solve(problem, method, times=TIMES, limit="sde", paths=RUNS, seed=2)
    assert off(problem, method, curve) < CLOSE
    assert off(problem, method, paths) < CLOSE + 4 / np.sqrt(2 * RUNS)


def test_bands_without_the_pairs_are_seen_or_refused():
    """The covariance that the specification once had, −m mᵀ alone."""
    for method in (ll.SignSGD(0.2, batch=2), ll.SignSGD(0.2, batch=4)):
        problem = ll.LeastSquares(ll.isotropic(400), ll.Gaussian(0.5))
        system = ll.derive(problem, method, limit="fluctuations")
        (chi,) = (name for name, _ in system.definitions if str(name.func) == "chi")
        old = dataclasses.replace(system, covariance=system.covariance.subs(chi, 0))
        assert old.covariance.has(same_mode)
        try:
            assert off(problem, method, band(problem, method, system=old)) > 3 * CLOSE
        except SolveFailed as refused:
            assert "not positive" in str(refused) or "underflowed" in str(refused)
