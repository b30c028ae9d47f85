"""What simulate returns, which engine it takes, what it refuses and how it is interrupted."""

import contextlib
import importlib
import math
import os
import signal
import threading
import time
import warnings

import numpy as np
import pytest

import limitlab as ll
from limitlab.theory.schedules.running_quantile import RunningQuantile
from limitlab.validation.simulate import simulate
from limitlab.validation.simulate.streaming.engine import Together

pytestmark = pytest.mark.filterwarnings("ignore::limitlab.ValidityWarning")

SPLIT = ll.from_eigenvalues([1.6, 0.4], [8, 12])
SLOW = pytest.mark.slow
PER_SAMPLE = ll.ClippedSGD(0.5, 1.0, batch=2, clip="per-sample")


class Mute(ll.Method):
    """A rule on the norm that does not say what a batch clips."""

    acts_on = "norm"

    def rule(self, l):
        return l


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


def test_a_batch_counts_steps_in_time_and_samples_in_the_provenance():
    problem = ll.LeastSquares(SPLIT, ll.Gaussian(0.5))
    curve = simulate(problem, ll.SGD(0.5, batch=6), 2, runs=2, seed=0)
    assert curve.steps[-1] == 40 and curve.time[-1] == 2
    assert curve.provenance["samples_per_step"] == 6


@pytest.mark.parametrize(
    ("method", "heavy"),
    [(ll.SGD(0.2), True), (ll.Huber(0.2, 1.0), False), (ll.SignSGD(0.2), False)],
)
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
        pytest.param(ll.toeplitz(20, 0.5), ll.SignSGD(0.5), None, "dense", marks=SLOW),
        pytest.param(
            ll.power_law(100, 0.5),
            ll.Huber(0.5, 1.0, batch=12),
            None,
            "chain",
            marks=SLOW,
        ),
        pytest.param(
            ll.power_law(100, 0.5),
            ll.Huber(0.5, 1.0, batch=11),
            None,
            "vector",
            marks=SLOW,
        ),
        pytest.param(
            ll.isotropic(100),
            ll.ClippedSGD(0.5, 1.0, batch=2, clip="mean"),
            None,
            "chain",
            marks=SLOW,
        ),
        pytest.param(
            ll.isotropic(100),
            ll.ClippedSGD(0.5, 1.0, batch=2, clip="per-sample"),
            None,
            "vector",
            marks=SLOW,
        ),
        (ll.isotropic(100), ll.ClippedSGD(0.5, 1.0, clip="per-sample"), None, "chain"),
    ],
)
def test_engine(covariance, method, asked, taken):
    problem = ll.LeastSquares(covariance, ll.Gaussian(0.5))
    assert simulate(problem, method, 1, runs=1, seed=0, engine=asked).provenance["engine"] == taken


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
        ({"method": ll.SGD(1 - ll.t)}, ll.InvalidInput, "rate"),
        ({"method": ll.ClippedSGD(0.5, 1 - ll.t)}, ll.InvalidInput, "threshold"),
        ({"method": ll.SignSGD(0.5), "engine": "chain"}, ll.NotAvailable, "engine"),
        ({"method": PER_SAMPLE, "engine": "chain"}, ll.NotAvailable, "engine"),
        ({"method": Mute(0.5, batch=2)}, ll.InvalidInput, "batch"),
        (
            {"problem": ll.LeastSquares(ll.isotropic(math.inf), ll.NoNoise())},
            ll.NotAvailable,
            "covariance",
        ),
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


def interrupted(call, ready=None):
    """Call with Ctrl-C once two runs are done and a long one is under way (`ready` tells)."""
    patched, ready, over = ready is None, ready or threading.Event(), threading.Event()
    asked = []

    def ask():
        ready.wait(120)
        if not over.wait(0.2):
            asked.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=ask)
    with pytest.MonkeyPatch.context() as patch:
        if patched:
            patch.setattr(Together, "run", slow_after_two(Together.run, ready))
        watcher.start()
        try:
            return call()
        except ll.Interrupted:
            raise
        except KeyboardInterrupt as error:  # would end the test session
            raise AssertionError("nothing was kept") from error
        finally:
            over.set()
            ready.set()
            watcher.join()
            assert asked and time.perf_counter() - asked[0] < 10


def four_runs(**more):
    problem = ll.LeastSquares(ll.isotropic(10**9), ll.Gaussian(0.5))
    return simulate(problem, ll.SGD(0.5), times=[0, 1e-6], runs=4, seed=0, workers=4, **more)


def test_interruption_returns_the_finished_runs_where_asked():
    with pytest.warns(ll.ValidityWarning, match="2 finished of 4"):
        curve = interrupted(lambda: four_runs(on_interrupt="return"))
    assert curve.runs == 2 and curve.provenance["interrupted"]
    with pytest.raises(ll.InvalidInput, match="^on_interrupt = "):
        four_runs(on_interrupt="ignore")


def test_interruption_ends_a_loop_and_keeps_the_finished_runs():
    calls = []

    def loop():
        for _ in range(3):
            calls.append(four_runs)
            with contextlib.suppress(Exception):  # a user's loop that goes on after any error
                four_runs()

    with pytest.raises(ll.Interrupted) as stop:
        interrupted(loop)
    assert len(calls) == 1 and isinstance(stop.value, KeyboardInterrupt)
    assert not isinstance(stop.value, Exception)
    whole = four_runs()
    assert stop.value.partial.runs == 2 and not whole.provenance["interrupted"]
    assert np.array_equal(stop.value.partial.sample("risk"), whole.sample("risk")[:2])


def test_interruption_of_a_list_keeps_the_finished_methods():
    problem = ll.LeastSquares(ll.isotropic(10**9), ll.Gaussian(0.5))
    methods = [ll.SGD(0.5), ll.SGD(0.4)]
    with pytest.raises(ll.Interrupted) as stop:
        interrupted(lambda: simulate(problem, methods, times=[0, 1e-6], runs=3, seed=0, workers=3))
    (only,) = stop.value.partial
    assert only.runs == 2


@pytest.mark.parametrize("family", ["linear", "second_order"])
def test_interruption_of_finite_data_keeps_the_finished_runs(family, monkeypatch):
    jacobian = np.random.default_rng(0).normal(size=(6, 8)) / 4
    problem = {
        "linear": ll.LinearModel(jacobian=jacobian, residual=np.ones(6)),
        "second_order": ll.QuadraticRegression(6, 8, 0.1),
    }[family]
    module = importlib.import_module(f"limitlab.validation.simulate.{family}.simulate")
    kind, name = {
        "linear": (getattr(module, "Run", None), "squares"),
        "second_order": (getattr(module, "Machine", None), "run"),
    }[family]
    whole, ready, started = getattr(kind, name), threading.Event(), []

    def slow(self, sequence, *more):
        if sequence.spawn_key[-1] >= 2:
            started.append(sequence.spawn_key[-1])
            ready.set()
            time.sleep(2)
        return whole(self, sequence, *more)

    def call(**more):
        return simulate(
            problem,
            ll.SGD(0.01, batch=3),
            until=20,
            runs=64,
            seed=0,
            workers=1,
            progress=False,
            **more,
        )

    complete = call()
    monkeypatch.setattr(kind, name, slow)
    with pytest.raises(ll.Interrupted) as stop:
        interrupted(call, ready)
    partial = stop.value.partial
    assert 2 <= partial.runs < 10 and partial.provenance["interrupted"] and len(started) < 10
    assert np.array_equal(partial.sample("loss"), complete.sample("loss")[: partial.runs])


def test_a_signal_inside_compiled_code_stays_a_keyboard_interrupt(monkeypatch):
    """Compiled code that ends while a signal is pending raises SystemError from it."""
    from limitlab.validation.simulate.streaming import simulate as module

    def integrate(*arguments, **options):
        raise SystemError("returned a result with an exception set") from KeyboardInterrupt()

    monkeypatch.setattr(module, "time_grid", integrate)
    with pytest.raises(KeyboardInterrupt):
        four_runs()

    def broken(*arguments, **options):
        raise SystemError("another one")

    monkeypatch.setattr(module, "time_grid", broken)
    with pytest.raises(SystemError, match="another one"):
        four_runs()


def slow_after_two(whole, ready):
    done = []

    def run(self, parent, number, stop):
        if number < 2:
            answer = whole(self, parent, number, stop)
            done.append(number)
            if len(done) == 2:
                ready.set()
            return answer
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


def test_a_running_threshold_belongs_to_the_gradient_norm():
    with pytest.raises(ll.InvalidType, match="threshold"):
        ll.Huber(0.5, RunningQuantile(0.7, 1.0))
