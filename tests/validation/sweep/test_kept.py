"""Studies that are kept: resumed, killed, cut into parts, done elsewhere: always the same bits."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

import limitlab as ll
from limitlab.solvers.core import shelves
from limitlab.solvers.core.runner import Crew
from limitlab.solvers.core.store import Store, asked_of
from limitlab.theory.core.discover import examples, families
from limitlab.theory.core.errors import InvalidInput
from limitlab.validation.sweep import pieces
from limitlab.validation.sweep.cells import Piece

PROBLEM = ll.LeastSquares(ll.from_eigenvalues([0.5, 1.75], [120, 80]), noise=ll.Gaussian(0.5))
METHOD = ll.ClippedSGD(0.5, 1.0)
EXAMPLES = [example for name in families() for example in examples(name)]
ROOT = Path(__file__).parents[3]


def ensemble(store=None, method=METHOD, runs=12, **options):
    options = {"points": 5, "seed": 3, "progress": False, **options}
    return ll.simulate(PROBLEM, method, 0.5, runs=runs, store=store, **options)


def plane(store=None, over=None, **options):
    over = over or {"rate": [0.2, 0.5, 0.9], "threshold": [0.5, 2.0]}
    return ll.sweep(PROBLEM, METHOD, over, 0.5, points=5, store=store, progress=False, **options)


@pytest.mark.interpreted
def test_runs_are_added_until_as_many_exist_as_asked_for(tmp_path, monkeypatch):
    done = []
    perform = Crew._done

    def counted(self, work, numbers, put):
        done.append(list(numbers))
        return perform(self, work, numbers, put)

    monkeypatch.setattr(Crew, "_done", counted)
    few = ensemble(tmp_path / "s", runs=5)
    more = ensemble(tmp_path / "s", runs=12)
    again, fewer = ensemble(tmp_path / "s", runs=12), ensemble(tmp_path / "s", runs=5)
    assert done == [list(range(5)), list(range(5, 12)), [], []]
    assert more == again == ensemble(runs=12) and few == fewer == ensemble(runs=5)


@pytest.mark.interpreted
def test_a_store_belongs_to_one_study(tmp_path):
    ensemble(tmp_path / "s", runs=2)
    for change, field in (
        ({"method": ll.ClippedSGD(0.4, 1.0)}, r"method\.rate is 0\.5 there and 0\.4 here"),
        ({"seed": 4}, "seed is 3 there and 4 here"),
        ({"points": 6}, "points is 5 there and 6 here"),
    ):
        with pytest.raises(InvalidInput, match=field):
            ensemble(tmp_path / "s", runs=2, **change)
    with pytest.raises(InvalidInput, match="verb is 'simulate' there"):
        plane(tmp_path / "s")


@pytest.mark.interpreted
def test_without_a_seed_the_store_has_one(tmp_path):
    first = ensemble(tmp_path / "s", runs=3, seed=None)
    assert ensemble(tmp_path / "s", runs=5, seed=None).sample("risk")[:3].tobytes() == (
        first.sample("risk").tobytes()
    )
    assert asked_of(tmp_path / "s")["seed"].isdigit()
    swept = plane(tmp_path / "p", {"rate": [0.5]}, runs=2)
    assert plane(tmp_path / "p", {"rate": [0.5]}, runs=2).identical(swept)


@pytest.mark.interpreted
def test_several_methods_are_kept_apart(tmp_path):
    methods = [METHOD, ll.SGD(0.3)]
    for paired in (False, True):
        folder = tmp_path / str(paired)
        first = ensemble(folder, methods, runs=3, paired=paired)
        assert ensemble(folder, methods, runs=3, paired=paired) == first
        assert ensemble(None, methods, runs=3, paired=paired) == first


@pytest.mark.interpreted
def test_a_sweep_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "TOGETHER", 2)
    whole, call, calls = plane(), Piece.__call__, []

    def failing(self):
        calls.append(self.cells)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return call(self)

    monkeypatch.setattr(Piece, "__call__", failing)
    with pytest.warns(ll.ValidityWarning, match="missing"):
        part = plane(tmp_path / "s", workers=1)
    assert 0 < part.statuses()["ok"] < 6 and not part.complete
    resumed = plane(tmp_path / "s", workers=1)
    assert resumed.identical(whole) and len(calls) < 6
    before = len(calls)
    assert plane(tmp_path / "s").identical(whole) and len(calls) == before


@pytest.mark.interpreted
def test_parts_put_together_are_the_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "TOGETHER", 2)
    monkeypatch.setattr(pieces, "CHUNK", 2)
    over = {"rate": [0.2, 0.5, 0.9]}
    whole = plane(None, over, runs=5, seed=1)
    parts = [plane(tmp_path, over, runs=5, seed=1, shard=f"{i}/2") for i in (1, 2)]
    assert all(part.statuses()["missing"] for part in parts)
    calls, call = [], Piece.__call__
    monkeypatch.setattr(Piece, "__call__", lambda self: calls.append(1) or call(self))
    assert plane(tmp_path, over, runs=5, seed=1).identical(whole) and not calls
    assert whole.risk_runs.notnull().all() and whole.risk_runs_spread.max() > 0
    cell = ll.simulate(PROBLEM, ll.ClippedSGD(0.9, 1.0), 0.5, points=5, runs=5, seed=1)
    assert np.array_equal(whole.risk_runs.sel(rate=0.9), cell.risk)
    with pytest.raises(InvalidInput, match="holds another sweep: seed is 1 there and 2 here"):
        plane(tmp_path, over, runs=5, seed=2, shard="3/3")


@pytest.mark.interpreted
def test_more_runs_are_added_to_a_sweep(tmp_path):
    over = {"rate": [0.2, 0.5]}
    plane(tmp_path / "s", over, runs=2, seed=1)
    assert plane(tmp_path / "s", over, runs=4, seed=1).identical(plane(None, over, runs=4, seed=1))


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: type(e.problem).__name__)
def test_every_family_is_kept(example, tmp_path):
    def simulated(store, **options):
        return ll.simulate(
            example.problem, example.method, example.until, points=5, store=store, **options
        )

    asked = dict(example.runs)
    try:
        whole = simulated(None, **asked)
    except ll.NotAvailable:
        pytest.skip("has no simulation")
    if asked.get("runs", 1) > 2:
        simulated(tmp_path / "s", **{**asked, "runs": asked["runs"] // 2})
    for _ in range(2):
        assert simulated(tmp_path / "s", **asked) == whole


@pytest.mark.slow
def test_processes_give_the_same_bits(tmp_path):
    over = {"rate": [0.2, 0.5, 0.9], "threshold": [0.5, 2.0]}
    whole = plane(None, over, runs=6, seed=1)
    for workers in (1, 2, 4):
        assert plane(None, over, runs=6, seed=1, workers=workers).identical(whole)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert plane(tmp_path / "s", over, runs=6, seed=1, executor=pool).identical(whole)


def killed(call, moment):
    """Run a call in a forked process and kill it −9 after a time; tell whether it had ended."""
    child = os.fork()
    if child == 0:
        try:
            call()
        finally:
            os._exit(0)
    time.sleep(moment)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFEXITED(status)


def check_kills(tmp_path, monkeypatch, times):
    """Kill at random moments: every file readable, at most what one write holds lost, and the
    resumed study bit-equal."""
    monkeypatch.setattr(shelves, "_SOON", 0.02)
    monkeypatch.setattr(pieces, "TOGETHER", 4)
    monkeypatch.setattr(pieces, "CHUNK", 5)
    over = {"rate": list(np.linspace(0.1, 1.5, 8)), "threshold": [0.5, 1.0, 2.0]}

    def study(store):
        return plane(store, over, runs=40, seed=1, workers=1)

    def runs(store):
        return ll.simulate(PROBLEM, METHOD, 8, runs=400, seed=1, store=store, workers=1)

    for call, same in ((study, lambda a, b: a.identical(b)), (runs, lambda a, b: a == b)):
        whole = call(None)
        begun = time.monotonic()
        call(tmp_path / call.__name__)
        length = time.monotonic() - begun
        rng, cut = random.Random(7), 0
        for k in range(times):
            folder = tmp_path / f"{call.__name__}{k}"
            cut += not killed(lambda f=folder, c=call: c(f), rng.uniform(0, length))
            if folder.is_dir() and asked_of(folder) is not None:
                with Store(folder, asked_of(folder)) as store:
                    assert all(store.get(name) is not None for name in store.names())
            assert same(call(folder), whole)
        assert cut >= times // 2  # most of them were cut in mid-study


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_kills_at_random_moments(tmp_path, monkeypatch):
    check_kills(tmp_path, monkeypatch, 5)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fifty_kills(tmp_path, monkeypatch):
    check_kills(tmp_path, monkeypatch, 50)


EXPERIMENT = """
[problem]
covariance = { kind = "isotropic", dimension = 2000 }
noise = { kind = "student_t", df = 3, scale = 0.5 }
[[method]]
kind = "signsgd"
rate = 0.5
[sweep]
rate = [0.3, 0.6]
noise.scale = [0.2, 0.5]
[run]
until = 2
points = 11
runs = RUNS
seed = 1
[output]
folder = "out"
formats = ["png"]
"""


def command(folder, *arguments, **options):
    variables = {**os.environ, "NUMBA_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "limitlab", "sweep", "sweep.toml", *arguments]
    return subprocess.Popen(words, cwd=folder, env=variables, text=True, **options)


def written(tmp_path, runs):
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "sweep.toml").write_text(EXPERIMENT.replace("RUNS", str(runs)))
    return tmp_path


@pytest.mark.slow
def test_ctrl_c_ends_a_command_with_130_and_it_goes_on(tmp_path):
    folder = written(tmp_path / "a", 400)
    running = command(folder, "--workers", "1", stderr=subprocess.PIPE)
    store = folder / "out" / "01_signsgd.store"
    until = time.monotonic() + 120
    while not list(store.glob("runs-*")) and time.monotonic() < until:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 130 and "goes on from here" in said
    assert command(folder).wait(timeout=300) == 0
    other = written(tmp_path / "b", 400)
    assert command(other).wait(timeout=300) == 0
    found = [ll.load(place / "out" / "01_signsgd.nc") for place in (folder, other)]
    assert found[0].identical(found[1]) and found[0].statuses() == {"ok": 4}


@pytest.mark.slow
def test_a_slurm_array_as_plain_processes(tmp_path):
    folder = written(tmp_path / "a", 20)
    tools = tmp_path / "bin"
    tools.mkdir()
    tool = tools / "limitlab"
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m limitlab "$@"\n')
    tool.chmod(0o755)
    script = ROOT / "examples" / "sweep_array.slurm"
    jobs = [
        subprocess.Popen(
            ["sh", str(script)],
            cwd=folder,
            env={
                **os.environ,
                "PATH": f"{tools}:{os.environ['PATH']}",
                "EXPERIMENT": "sweep.toml",
                "SLURM_ARRAY_TASK_ID": str(k),
                "SLURM_ARRAY_TASK_COUNT": "4",
                "SLURM_CPUS_PER_TASK": "1",
            },
        )
        for k in (1, 2, 3, 4)
    ]
    assert [job.wait(timeout=300) for job in jobs] == [0, 0, 0, 0]
    assert command(folder).wait(timeout=300) == 0
    other = written(tmp_path / "b", 20)
    assert command(other).wait(timeout=300) == 0
    found = [ll.load(place / "out" / "01_signsgd.nc") for place in (folder, other)]
    assert found[0].identical(found[1]) and found[0].complete


def slow_cell():
    """A cell long enough for a worker to be killed in."""
    problem = ll.LeastSquares(ll.isotropic(2_000), noise=ll.Gaussian(0.5))
    return problem, ll.SignSGD(0.5)


@pytest.mark.slow
def test_a_cluster_of_which_a_worker_is_killed_gives_the_same_bits(tmp_path):
    distributed = pytest.importorskip("distributed")
    problem, method = slow_cell()

    def study(**options):
        return ll.sweep(
            problem,
            method,
            {"rate": [0.3, 0.6, 0.9]},
            2,
            points=5,
            runs=100,
            seed=1,
            progress=False,
            **options,
        )

    local = study()
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        first = min(client.run(os.getpid).values())

        def after_a_while():
            time.sleep(3)
            os.kill(first, signal.SIGKILL)

        killer = threading.Thread(target=after_a_while)
        killer.start()
        found = study(executor=client, store=tmp_path / "s")
        killer.join()
        assert first not in client.run(os.getpid).values()
    assert found.identical(local)
