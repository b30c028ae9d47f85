"""The one runner: threads and executors give the same results in the same order."""

import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import limitlab as ll
from limitlab.solvers.core import runner
from limitlab.solvers.core.runner import Crew, processors
from limitlab.theory.core.errors import Interrupted


def draw(k):
    return np.random.default_rng(k).normal(size=3)


def test_threads_and_executors_agree_to_the_bit_and_keep_the_order():
    alone = [draw(k) for k in range(70)]
    with ThreadPoolExecutor(2) as pool:
        for crew in (Crew(1), Crew(3), Crew(executor=pool)):
            assert np.array_equal(crew.each(draw, 70), alone)
    assert not np.array_equal(Crew(3).each(lambda k: draw(k + 1), 70), alone)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no affinity mask here")
def test_the_affinity_mask_counts(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5})
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert processors() == 3


def test_default_threads_are_the_processors(monkeypatch):
    monkeypatch.setattr(runner, "processors", lambda: 3)
    names = Crew().each(lambda k: threading.current_thread().name, 200)
    assert len(set(names)) <= 3


def test_an_error_of_a_run_ends_all():
    done = []

    def work(k):
        done.append(k)
        time.sleep(0.01)  # so that no machine does all of them before the first error is seen
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Crew(1).each(work, 1000)
    assert len(done) < 1000


def test_ctrl_c_keeps_what_finished():
    def work(k):
        if k == 3:
            raise KeyboardInterrupt
        return k

    with pytest.raises(Interrupted) as stop:
        Crew(1).each(work, 500)
    assert stop.value.partial[:3] == [0, 1, 2] and stop.value.runs == 500


@pytest.mark.parametrize("bad", [5, "threads", ProcessPoolExecutor])
def test_what_takes_no_tasks_is_refused(bad):
    with pytest.raises(ll.InvalidType, match="executor"):
        Crew(executor=bad)


STREAM = ll.LeastSquares(ll.isotropic(8), ll.Gaussian(0.5))
FEW = {
    "streaming": (STREAM, ll.SGD(0.4), 1.0, {"runs": 5}),
    "adam": (STREAM, ll.Adam(0.4, beta1=0.9, beta2=0.99), 1.0, {"runs": 5}),
    "linear": (ll.LinearModel(jacobian=np.eye(4, 6)), ll.SGD(0.3, batch=2), 6, {"runs": 5}),
    "second_order": (ll.QuadraticRegression(4, 6, 0.1), ll.SGD(0.1, batch=2), 6, {"runs": 5}),
    "two_eigenvalues": (
        ll.TwoEigenvalueModel(0.01, 0.2),
        ll.GradientDescent(1.0),
        6,
        {"starts": [[0.1, 0.1], [0.1, 0.2], [0.2, 0.1]]},
    ),
}


def same(one, other):
    assert one.samples.keys() == other.samples.keys() != set()
    return all(np.array_equal(one.samples[n], other.samples[n]) for n in one.samples)


@pytest.mark.slow
@pytest.mark.parametrize("family", FEW)
def test_every_family_takes_an_executor(family):
    problem, method, until, options = FEW[family]
    options = options if family == "two_eigenvalues" else options | {"seed": 3}
    threads = ll.simulate(problem, method, until, workers=2, **options)
    with ProcessPoolExecutor(2) as pool:
        assert same(threads, ll.simulate(problem, method, until, executor=pool, **options))
    if family != "two_eigenvalues":
        other = ll.simulate(problem, method, until, **(options | {"seed": 4}))
        assert not same(threads, other)


@pytest.mark.parametrize("family", FEW)
def test_every_family_refuses_what_is_no_executor(family):
    problem, method, until, options = FEW[family]
    with pytest.raises(ll.InvalidType, match="executor"):
        ll.simulate(problem, method, until, executor=5, **options)
