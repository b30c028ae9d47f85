"""Runs with memory: the stated step, engines of one law, and theory against simulation."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.solvers.memory.solve import MemoryTask
from limitlab.solvers.memory.walk import walked_totals
from limitlab.theory.memory.step import full_step, linear, memory_of, owners
from limitlab.validation.simulate.memory.lowering import lower

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::limitlab.theory.core.errors.ValidityWarning"),
]
NOISE = ll.Gaussian(0.5)
SLOW = ll.slow_memory(2.0)


@dataclass(frozen=True)
class SoftSign(ll.Method):
    width: float

    def rule(self, l):  # noqa: E741
        return l / (self.width + sp.Abs(l))


def isotropic(d):
    return ll.LeastSquares(ll.isotropic(d), NOISE)


def power_law(d):
    values = np.arange(1.0, d + 1) ** -0.7
    return ll.LeastSquares(ll.from_eigenvalues(values / values.mean()), NOISE)


# ---- the step ----

EVERYTHING = ll.SGD(
    0.8,
    momentum=ll.slow_memory(2.0, direct=0.3),
    average=ll.exponential(1.5),
    weight_decay=0.2,
)


def walked(method, x, eps, delta, steps, d):
    """The states after steps along given samples, by the stated step in numpy."""
    kept = memory_of(method)
    values = {q.symbol: q.read(owners(method)) for q in kept.parameters}
    P, q = (
        np.array(m.subs(values).subs(sp.Symbol("d", positive=True), d), dtype=float)
        for m in linear(full_step(kept))
    )
    names = [str(s) for s in full_step(kept).states]
    begins = {"delta": delta, "m": 0 * delta, "S": delta, "theta": -delta}
    z = np.array([begins[name] for name in names])
    for k in range(steps):
        z = P @ z + q.reshape(-1, 1) * ((x[k] @ z[0] - eps[k]) * x[k])
    return z


@pytest.mark.parametrize("batch", [1, 3])
def test_the_vector_takes_the_stated_step(batch):
    """On the very samples of the engine, batches averaged."""
    d, steps = 6, 5
    problem, method = isotropic(d), replace(EVERYTHING, batch=batch)
    lowered = lower(method)
    engine = lowered.engines[1].of(problem, lowered, np.array([0, steps]))
    seen = engine.stream(np.random.SeedSequence(7)).next(0, steps)
    z, eps = np.array(seen[0][: steps * batch * d], dtype=float).reshape(-1, batch, d), seen[1]
    eps = np.array(eps).reshape(-1, batch)
    state = engine.begin()
    engine.advance(state, seen, 0)
    delta = problem.delta()
    kept = memory_of(method)
    values = {q.symbol: q.read(owners(method)) for q in kept.parameters}
    P, q = (
        np.array(m.subs(values).subs(sp.Symbol("d", positive=True), d), dtype=float)
        for m in linear(full_step(kept))
    )
    now = np.array([delta, 0 * delta, delta, -delta])
    for k in range(steps):
        g = np.mean([(x @ now[0] - e) * x for x, e in zip(z[k], eps[k], strict=True)], axis=0)
        now = P @ now + q.reshape(-1, 1) * g
    assert np.allclose(state["state"], now, rtol=1e-6)


def test_engines_have_one_law():
    """Chain, vector and dense engine of one problem: means and spreads within their errors."""
    d = 60
    lam = np.repeat([2.0, 0.5], [1, d - 1])
    method = replace(EVERYTHING, average=ll.uniform(0.5))
    diagonal = ll.LeastSquares(ll.from_eigenvalues([2.0, 0.5], [1, d - 1]), NOISE)
    dense = ll.LeastSquares(
        ll.from_matrix(np.diag(lam)), NOISE, start=diagonal.delta(), target=diagonal.target_vector()
    )
    common = {"times": [1.0, 2.0], "runs": 3000, "progress": False}
    chain = ll.simulate(diagonal, method, engine="chain", seed=1, **common)
    others = [
        ll.simulate(diagonal, method, engine="vector", seed=2, **common),
        ll.simulate(dense, method, engine="vector", seed=3, **common),
    ]
    for other in others:
        for name in ("risk", "average_risk"):
            error = np.hypot(chain.sem(name), other.sem(name))
            assert np.all(np.abs(chain[name] - other[name])[1:] < 4.5 * error[1:])
            ratio = chain.std(name)[1:] / other.std(name)[1:]
            assert np.all(np.abs(np.log(ratio)) < 0.15)


def test_a_list_shares_its_samples():
    problem = power_law(100)
    methods = [ll.SGD(0.4), ll.SGD(0.4, momentum=SLOW)]
    curves = ll.simulate(problem, methods, 1, points=3, runs=50, seed=1, paired=True)
    alone = ll.simulate(problem, methods[0], 1, points=3, runs=50, seed=1)
    assert np.array_equal(curves[0].risk, alone.risk)
    first, second = (c.sample("risk")[:, -1] for c in curves)
    assert np.corrcoef(first, second)[0, 1] > 0.3
    with pytest.raises(ll.NotAvailable, match="memories"):
        ll.simulate(problem, methods, 1, runs=20, paired=True, engine="chain")


def test_rows_of_data():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 20))
    targets = rows @ np.ones(20) + 0.5 * rng.normal(size=400)
    problem = ll.LeastSquares(ll.from_data(rows), NOISE)
    method = ll.SGD(0.3, momentum=SLOW, average=ll.uniform())
    runs = ll.simulate(problem, method, 3, points=4, runs=30, seed=1, rows=rows, targets=targets)
    assert runs.provenance["engine"] == "rows" and np.all(np.isfinite(runs["average_risk"]))
    assert runs.risk[-1] < runs.risk[0] and runs["loss"][-1] > 0


# ---- theory and runs ----

CASES = [
    ll.SGD(0.8, momentum=SLOW, average=ll.uniform()),
    ll.SGD(0.6, momentum=ll.slow_memory("3/(1 + t)", direct=0.4)),
    ll.SGD(0.08, momentum=0.9, nesterov=True),
    ll.ClippedSGD(0.5, 1.0, momentum=ll.slow_memory(1.0, direct=0.6)),
    ll.Huber(0.7, 0.8, average=ll.exponential(2.0), weight_decay=0.3),
    SoftSign(0.9, 0.7, momentum=SLOW, average=ll.uniform(0.5)),
    ll.Huber(0.7, 0.8, momentum=ll.slow_memory("2/(1 + t)", direct=0.3)),
    ll.ClippedSGD(0.1, 1.0, momentum=0.8),
    ll.SignSGD(0.4, momentum=SLOW),
    ll.SignSGD(0.6, momentum=ll.slow_memory(1.0, direct=0.5), average=ll.uniform()),
]
#: of signs, which every coordinate is simulated of; the risk of one run strays by 1/√d
FEW_RUNS = {400: 1000, 1600: 300}
TIMES = np.linspace(0.0, 3.0, 7)


@pytest.mark.parametrize("d", [400, 1600])
@pytest.mark.parametrize("method", CASES, ids=lambda m: f"{type(m).__name__}, {m.momentum}")
def test_runs_agree_with_the_limit(method, d):
    """With the power to reject 5 %, and a method whose rate is 8 % larger rejected."""
    problem = isotropic(d)
    theory = ll.solve(problem, method, times=TIMES)
    count = FEW_RUNS[d] if method.acts_on == "coordinate" else 3000
    runs = ll.simulate(problem, method, times=TIMES, runs=count, seed=d, progress=False)
    for quantity in ("risk", "average_risk"):
        if quantity in theory.values:
            report = ll.compare(theory, runs, quantity=quantity)
            assert report.passed is True and report.detectable < 0.05, report
    wrong = ll.solve(problem, replace(method, rate=1.08 * method.rate), times=TIMES)
    assert ll.compare(wrong, runs).passed is False


@pytest.mark.parametrize(
    "method",
    [
        ll.SignSGD(0.4, momentum=SLOW, average=ll.exponential(2.0), weight_decay=0.3),
        ll.ClippedSGD(0.8, 1.0, clip="per-sample", batch=4, momentum=SLOW),
        ll.SGD(0.8, momentum=SLOW),
    ],
    ids=["signs", "batch", "power law"],
)
def test_vectors_agree_with_the_limit(method):
    problem = power_law(400) if method.batch == 1 else isotropic(400)
    theory = ll.solve(problem, method, times=TIMES)
    runs = ll.simulate(problem, method, times=TIMES, runs=800, seed=5, progress=False)
    report = ll.compare(theory, runs)
    assert report.passed is not False, report
    wrong = ll.solve(problem, replace(method, rate=1.15 * method.rate), times=TIMES)
    assert ll.compare(wrong, runs).passed is False


@pytest.mark.parametrize("method", [CASES[0], CASES[3]], ids=lambda m: type(m).__name__)
def test_bands_and_paths_are_those_of_runs(method):
    """Spread of 4000 runs, 4000 paths and the linear-noise equations within 4.5 errors and 4/d."""
    problem, count = isotropic(1600), 4000
    band = ll.solve(problem, method, times=TIMES, limit="fluctuations")
    paths = ll.solve(problem, method, times=TIMES, limit="sde", paths=count, seed=1)
    runs = ll.simulate(problem, method, times=TIMES, runs=count, seed=2, progress=False)
    error = 4.5 / np.sqrt(2 * count) + 4 / 1600
    for name in set(band.spread) - {"loss"}:
        for other in (paths, runs):
            assert np.all(np.abs(other.std(name)[1:] / band.std(name)[1:] - 1) < error), name
    assert np.all(np.abs(paths.risk - band.risk)[1:] < 5 * paths.sem()[1:])
    published = ll.solve(problem, method, times=TIMES, limit="fluctuations", diffusion="published")
    assert np.any(np.abs(published.std()[1:] / band.std()[1:] - 1) > 2 * error)


# ---- announced errors at small d ----

EARLY = np.array([0.0, 0.25, 0.5])


@pytest.mark.parametrize(
    "method",
    [
        SoftSign(0.4, 0.2, momentum=ll.slow_memory(8.0)),
        ll.Huber(0.8, 1.0, momentum=ll.slow_memory("2/(1 + t)", direct=0.5)),
        ll.ClippedSGD(0.08, 1.0, momentum=0.9),
        ll.SignSGD(0.4, momentum=SLOW, weight_decay=0.3),
    ],
    ids=["soft sign", "Huber", "clipped", "signs"],
)
def test_early_gaps_are_those_of_steps_that_are_walked(method):
    """At d = 32 the gap is 3 to 15 %, and a tenth of it is seen; the limit itself is rejected."""
    problem = isotropic(32)
    equations = MemoryTask(problem, method, ll.derive(problem, method), EARLY, "ode", 1e-8)
    limit = equations.answer.risk
    walked = walked_totals(
        equations.equations, equations.modes, method, (EARLY * 32).astype(int), 32.0
    )
    runs = ll.simulate(problem, method, times=EARLY, runs=20_000, seed=5, progress=False)
    error, gap = runs.sem()[1:], np.abs(runs.risk - limit)[1:]
    assert np.all(np.abs(runs.risk - walked[:, 0])[1:] < 0.1 * gap + 4 * error)
    assert np.all(gap > 6 * error)
    announced = ll.solve(problem, method, times=EARLY).diagnostics["finite_size"][1:]
    assert np.all(gap - 4 * error < announced * limit[1:])
