"""Mini-batches: every step against numpy on the same samples, and the chain against the vector."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import stats

import limitlab as ll
from limitlab.solvers.core.runner import Crew
from limitlab.theory.schedules.running_quantile import RunningQuantile
from limitlab.validation.simulate.streaming.chain import ReducedChain
from limitlab.validation.simulate.streaming.engine import Together
from limitlab.validation.simulate.streaming.ensemble import do_all
from limitlab.validation.simulate.streaming.lowering import lower
from limitlab.validation.simulate.streaming.rows import row_engine
from limitlab.validation.simulate.streaming.samples import DenseEngine
from limitlab.validation.simulate.streaming.vector import VectorChain

pytestmark = pytest.mark.filterwarnings("ignore::limitlab.ValidityWarning")

# families of about 10 correlated z-scores: false alarm below 2e-4 each
Z = 4.2
BATCH, STEPS = 5, 12
SPLIT = ll.from_eigenvalues([1.6, 0.4], [8, 12])
RUNNING = RunningQuantile(0.7, 0.6, 3.0)


@dataclass(frozen=True)
class SoftCoordinates(ll.Method):
    """A user's rule on every coordinate; it says nothing of batches."""

    acts_on = "coordinate"

    def rule(self, l):
        return l / (1 + abs(l))


@dataclass(frozen=True)
class SoftNorm(ll.Method):
    """A user's rule on the norm."""

    pool: str = "each"
    acts_on = "norm"

    def rule(self, l):
        return l / (1 + abs(l))


METHODS = {
    "SGD": ll.SGD(0.5, batch=BATCH),
    "Huber": ll.Huber(0.5, 0.4, batch=BATCH),
    "clip mean": ll.ClippedSGD(0.7, 0.3, batch=BATCH, clip="mean"),
    "clip per sample": ll.ClippedSGD(0.7, 0.3, batch=BATCH, clip="per-sample"),
    "running, mean": ll.ClippedSGD(0.7, RUNNING, batch=BATCH, clip="mean"),
    "running, per sample": ll.ClippedSGD(0.7, RUNNING, batch=BATCH, clip="per-sample"),
    "sign of mean": ll.SignSGD(0.4, batch=BATCH, aggregate="sign-of-mean"),
    "mean of signs": ll.SignSGD(0.4, batch=BATCH, aggregate="mean-of-signs"),
    "majority": ll.SignSGD(0.4, batch=BATCH, aggregate="majority-vote"),
    "own coordinates": SoftCoordinates(0.5, batch=BATCH),
    "own norm": SoftNorm(0.5, "mean", batch=BATCH),
}


# ---- the algorithm, written a second time in numpy ----


class Literal:
    """One run on given samples; a running threshold is state."""

    def __init__(self, method, unit, dimension):
        self.method, self.unit, self.d = method, unit, dimension
        self.threshold = getattr(method, "threshold", None)
        if isinstance(self.threshold, RunningQuantile):
            self.threshold = self.threshold.start

    def clipped(self, gradient, share):
        n = np.linalg.norm(gradient) / self.unit
        if isinstance(self.method, SoftNorm):
            return gradient / (1 + n)
        result = gradient * min(1, self.threshold / n)
        if self.method.threshold is RUNNING:
            excess = RUNNING.fraction - (n <= self.threshold)
            self.threshold *= math.exp(RUNNING.gain * share / self.d * excess)
        return result

    def direction(self, x, residual):
        """Where one step goes, from the samples (B, d) and residuals (B,) of its batch."""
        gradients, method = residual[:, None] * x, self.method
        if isinstance(method, ll.SGD):
            return gradients.mean(axis=0)
        if isinstance(method, ll.Huber):
            return np.mean(np.clip(residual, -0.4, 0.4)[:, None] * x, axis=0)
        if isinstance(method, SoftCoordinates):
            return np.mean(gradients / (1 + np.abs(gradients)), axis=0)
        if isinstance(method, ll.SignSGD):
            votes = {
                "sign-of-mean": np.sign(gradients.mean(axis=0)),
                "mean-of-signs": np.sign(gradients).mean(axis=0),
                "majority-vote": np.sign(np.sign(gradients).sum(axis=0)),
            }
            return votes[method.aggregate]
        if method.pool == "mean":
            return self.clipped(gradients.mean(axis=0), 1)
        return np.mean([self.clipped(g, 1 / len(x)) for g in gradients], axis=0)

    def states(self, delta, x, noise):
        """delta after 0, 1, … steps on samples (steps, B, d) and noise (steps, B)."""
        found = [delta]
        for rows, eps in zip(x, noise, strict=True):
            step = self.method.rate / self.d * self.direction(rows, rows @ delta - eps)
            delta = delta - step
            found.append(delta)
        return np.array(found)


def literal_risk(method, problem, x, noise):
    law = problem.covariance
    matrix = np.diag(law.diagonal) if law.matrix is None else law.matrix
    walk = Literal(method, math.sqrt(matrix.trace()), problem.dimension)
    states = walk.states(np.array(problem.delta()), x, noise)
    return 0.5 * np.einsum("ti,ij,tj->t", states, matrix, states)


def samples(d, batch=BATCH, steps=STEPS):
    rng = np.random.default_rng(7)
    return rng.standard_normal((steps, batch, d)).astype(np.float32), rng.standard_cauchy(
        (steps, batch)
    )


def engine_risk(build, problem, method, *seen):
    engine = build(problem, lower(method), np.arange(STEPS + 1))
    state = engine.begin()
    engine.advance(state, seen, 0)
    return engine.quantities(state)["risk"]


@pytest.mark.interpreted
@pytest.mark.parametrize("name", METHODS)
def test_vector_steps_are_those_of_the_algorithm(name):
    problem = ll.LeastSquares(ll.power_law(9, 0.5), ll.NoNoise())
    z, noise = samples(9)
    risk = engine_risk(VectorChain.of, problem, METHODS[name], z.ravel(), noise.ravel())
    x = z * np.sqrt(problem.covariance.diagonal)
    np.testing.assert_allclose(risk, literal_risk(METHODS[name], problem, x, noise), rtol=1e-12)


@pytest.mark.interpreted
@pytest.mark.parametrize("name", METHODS)
def test_steps_on_given_samples_are_those_of_the_algorithm(name):
    problem = ll.LeastSquares(ll.toeplitz(9, 0.5), ll.NoNoise())
    x, noise = samples(9)
    seen = x.reshape(-1, 9)[::-1].copy(), np.arange(STEPS * BATCH)[::-1].copy(), noise.ravel()
    risk = engine_risk(DenseEngine.of, problem, METHODS[name], *seen)
    expected = literal_risk(METHODS[name], problem, x.astype(float), noise)
    np.testing.assert_allclose(risk, expected, rtol=1e-12)


def test_no_two_of_these_methods_are_the_same_algorithm():
    """The control of the two tests above: they tell every pair apart."""
    problem = ll.LeastSquares(ll.power_law(9, 0.5), ll.NoNoise())
    z, noise = samples(9)
    x = z * np.sqrt(problem.covariance.diagonal)
    ends = sorted(literal_risk(method, problem, x, noise)[-1] for method in METHODS.values())
    assert np.min(np.diff(ends) / ends[1:]) > 1e-4


@pytest.mark.interpreted
def test_rows_come_in_batches():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((40, 4))
    targets = rows @ np.ones(4) + rng.laplace(size=40)
    problem = ll.LeastSquares(ll.from_data(rows, normalise=False), ll.Gaussian(1.0))
    method = METHODS["clip mean"]
    engine = row_engine(problem, lower(method), np.arange(STEPS + 1), rows, targets)
    state, seen = engine.begin(), engine.stream(np.random.SeedSequence(1)).next(0, STEPS)
    engine.advance(state, seen, 0)
    _, chosen, noise = seen
    x, noise = rows[chosen].reshape(STEPS, BATCH, 4), noise.reshape(STEPS, BATCH)
    expected = literal_risk(method, problem, x, noise)
    np.testing.assert_allclose(engine.quantities(state)["risk"], expected, rtol=1e-12)
    assert np.unique(chosen).size > 20


@pytest.mark.interpreted
@pytest.mark.parametrize("name", METHODS)
def test_a_batch_of_one_is_the_chain_without_batches(name):
    problem = ll.LeastSquares(ll.power_law(9, 0.5), ll.NoNoise())
    single = replace(METHODS[name], batch=1)
    z, noise = samples(9, batch=1)
    seen = z.ravel(), noise.ravel()
    engine = VectorChain.of(problem, lower(single), np.arange(STEPS + 1))
    batched = lower(METHODS[name]).kernels("vector_chain")
    state = engine.begin()
    batched.advance(
        state["phi"],
        state["roots"],
        engine.variances,
        *seen,
        0,
        9.0,
        engine.lowered.acts_on,
        lower(METHODS[name]).pool,
        1,
        engine.record,
        state["risks"],
        state["p"],
    )
    alone = engine_risk(VectorChain.of, problem, single, *seen)
    np.testing.assert_allclose(state["risks"], alone, rtol=1e-12)


# ---- the reduced chain, in law ----


def outcomes(problem, method, steps, runs, seed, build):
    """Risks (runs, T) of an engine, also where `simulate` would not choose it."""
    machine = Together((build(problem, lower(method), np.asarray(steps, dtype=np.int64)),))
    done, _ = do_all(machine, np.random.SeedSequence(seed), runs, Crew(2, single=True))
    return np.array([o.each[0].values["risk"] for o in done])


def exact_mean(problem, rate, batch, steps):
    """Mean risk of SGD by the recursion of the energies, exact for Gaussian inputs."""
    law, e = problem.covariance, rate / problem.dimension
    values, counts = law.eigenvalues, law.multiplicities
    energies, risks = np.array(problem.energies()), [problem.risk]
    for _ in range(steps[-1]):
        power = 2 * values @ energies + problem.noise.variance
        shrink = 1 - 2 * e * values + e**2 * values**2 * (1 + 1 / batch)
        energies = shrink * energies + 0.5 * e**2 * values * counts * power / batch
        risks.append(values @ energies)
    return np.array(risks)[steps]


@pytest.mark.parametrize(
    "build", [ReducedChain.of, pytest.param(VectorChain.of, marks=pytest.mark.slow)]
)
def test_mean_of_sgd_is_the_exact_recursion(build):
    problem = ll.LeastSquares(SPLIT, ll.Laplace(0.6))
    steps = np.arange(0, 121, 12)
    risks = outcomes(problem, ll.SGD(0.9, batch=3), steps, 2500, 11, build)[:, 1:]
    error = risks.std(axis=0, ddof=1) / math.sqrt(2500)
    for batch, agrees in ((3, True), (2, False), (4, False)):
        gap = risks.mean(axis=0) - exact_mean(problem, 0.9, batch, steps)[1:]
        assert bool(np.max(np.abs(gap) / error) < Z) is agrees, batch


def literal_ensemble(problem, method, steps, runs, seed):
    rng, d = np.random.default_rng(seed), problem.dimension
    x = rng.standard_normal((runs, steps, method.batch, d)) * np.sqrt(problem.covariance.diagonal)
    noise = problem.noise.sample(rng, runs * steps * method.batch).reshape(x.shape[:3])
    return [literal_risk(method, problem, *one)[-1] for one in zip(x, noise, strict=True)]


CHAIN = {
    "clip mean": (METHODS["clip mean"], METHODS["clip per sample"]),
    "Huber": (METHODS["Huber"], METHODS["clip mean"]),
}


@pytest.mark.parametrize("start", ["default", "at the optimum"])
@pytest.mark.parametrize("name", CHAIN)
def test_the_law_of_the_chain_is_that_of_the_algorithm(name, start):
    """Few and single directions an eigenvalue; the start without an error has R = 0."""
    law = ll.from_eigenvalues([3.0, 1.0, 0.5], [1, 3, 6])
    delta = None if start == "default" else np.zeros(10)
    problem = ll.LeastSquares(law, ll.Cauchy(0.3), start=delta)
    method, other = CHAIN[name]
    risk = outcomes(problem, method, [0, 6], 1500, 3, ReducedChain.of)[:, -1]
    assert stats.ks_2samp(risk, literal_ensemble(problem, method, 6, 1500, 4)).pvalue > 1e-4
    assert stats.ks_2samp(risk, literal_ensemble(problem, other, 6, 1500, 4)).pvalue < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SGD", "Huber", "clip mean", "running, mean"])
def test_chain_and_vector_agree_in_mean_and_spread(name):
    problem = ll.LeastSquares(SPLIT, ll.Laplace(0.4))
    steps = np.arange(0, 161, 16)
    chain, vector = (
        outcomes(problem, METHODS[name], steps, 3000, 5, build)[:, 1:]
        for build in (ReducedChain.of, VectorChain.of)
    )
    larger = outcomes(problem, replace(METHODS[name], rate=0.8), steps, 3000, 6, VectorChain.of)
    assert mean_and_spread_z(chain, vector) < Z
    assert mean_and_spread_z(chain, larger[:, 1:]) > Z


def mean_and_spread_z(a, b):
    """Largest z-score of the differences of means and of logarithms of spreads."""

    def parts(risks):
        centred = (risks - risks.mean(axis=0)) ** 2
        spread = centred.mean(axis=0)
        relative = centred.std(axis=0) / spread / math.sqrt(len(risks))
        return risks.mean(axis=0), np.sqrt(spread / len(risks)), np.log(spread), relative

    first, second = parts(a), parts(b)
    gaps = [(first[i] - second[i]) / np.hypot(first[i + 1], second[i + 1]) for i in (0, 2)]
    return np.max(np.abs(gaps))
