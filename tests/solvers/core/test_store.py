"""Kept results: whole or refused, one writer, nothing of another study."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

import limitlab as ll
from limitlab.solvers.core import cache, memory
from limitlab.solvers.core.container import Damaged, decode, encode
from limitlab.solvers.core.describe import described, difference
from limitlab.solvers.core.provenance import same
from limitlab.solvers.core.store import ASKED, Store
from limitlab.theory.core.errors import InvalidInput
from limitlab.validation.simulate.streaming.engine import Outcome, Shared

VALUE = {
    "curve": np.linspace(0, 1, 7).reshape(7, 1),
    3: (1, 2.5, None, True, "ψ", [np.inf, float(np.float32(0.1))]),
    "steps": np.arange(5, dtype=np.int32),
    "empty": np.empty((0, 3)),
    "runs": [Shared(4, (Outcome(4, {"risk": np.array([1.0, np.nan])}, 17),))],
}


def equal(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and same(a, b)
    if hasattr(a, "__dataclass_fields__"):
        return type(a) is type(b) and equal(vars(a), vars(b))
    return type(a) is type(b) and a == b


def test_what_is_kept_comes_back():
    assert equal(decode(encode(VALUE)), VALUE)


def test_what_cannot_be_kept_is_refused():
    @dataclass
    class Own:
        x: int

    for value in (Own(1), {1, 2}, object(), np.array([object()])):
        with pytest.raises(TypeError, match="are not kept"):
            encode({"value": value})


def damages(content):
    """20 truncations and 100 flipped bits."""
    rng = random.Random(5)
    yield from (content[: rng.randrange(len(content))] for _ in range(20))
    for _ in range(100):
        flipped = bytearray(content)
        flipped[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        yield bytes(flipped)


def test_every_damage_is_found():
    for content in damages(encode(VALUE)):
        with pytest.raises(Damaged):
            decode(content)


@pytest.mark.interpreted
def test_every_damage_of_a_curve_and_of_a_sweep_is_found(tmp_path):
    time = np.linspace(0, 1, 11)
    curve = ll.Curve(time, {"risk": np.exp(-time)}, provenance={"seed": 1})
    plane = ll.sweep(ll.TwoEigenvalueModel(0.01, 0.2), ll.GradientDescent(1.0), {"rate": [0.5]}, 4)
    for one in (curve, plane):
        file = tmp_path / "one.nc"
        one.save(file)
        whole = file.read_bytes()
        assert ll.load(file) is not None
        for content in damages(whole):
            file.write_bytes(content)
            with pytest.raises(InvalidInput, match="damaged|no curve"):
                ll.load(file)


def test_a_store_keeps_and_gives_back(tmp_path):
    with Store(tmp_path / "s", {"rate": "0.5"}) as store:
        assert store.get("a") is None
        store.put("a", VALUE)
    with Store(tmp_path / "s", {"rate": "0.5"}) as store:
        assert store.names() == ["a"] and equal(store.get("a"), VALUE)


def test_another_study_is_refused_with_the_field(tmp_path):
    with Store(tmp_path, {"method.rate": "0.5", "until": "4"}):
        pass
    with pytest.raises(InvalidInput, match=r"method\.rate is 0\.5 there and 0\.4 here"):
        Store(tmp_path, {"method.rate": "0.4", "until": "4"}).__enter__()
    with pytest.raises(InvalidInput, match="points is absent there and 11 here"):
        Store(tmp_path, {"method.rate": "0.5", "until": "4", "points": "11"}).__enter__()


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(InvalidInput, match="holds other files"):
        Store(tmp_path, {}).__enter__()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "mine.txt"]


def test_a_damaged_file_is_named(tmp_path):
    with Store(tmp_path, {}) as store:
        store.put("a", [1.0])
        (tmp_path / "a.results").write_bytes(b"cut")
        with pytest.raises(InvalidInput, match="damaged.*delete this file"):
            store.get("a")
    (tmp_path / ASKED).write_bytes(b"{")
    with pytest.raises(InvalidInput, match="damaged"):
        Store(tmp_path, {}).__enter__()


WRITER = """
import sys, time
from limitlab.solvers.core.store import Store
with Store(sys.argv[1], {}) as store:
    print("open", flush=True)
    time.sleep(60)
"""


def test_a_second_writer_is_refused_and_a_killed_one_is_not_waited_for(tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path / "s")]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert first.stdout.readline() == "open\n"
    with pytest.raises(InvalidInput, match="another process writes to it"):
        Store(tmp_path / "s", {}).__enter__()
    first.kill()
    first.wait()
    first.stdout.close()
    with Store(tmp_path / "s", {}) as ours:
        with pytest.raises(InvalidInput, match="another process writes to it"):
            Store(tmp_path / "s", {}).__enter__()
        assert subprocess.run(command, capture_output=True, timeout=60).returncode != 0
        ours.put("a", 1)


FULL = """
import resource, sys
import numpy as np
from limitlab.solvers.core.store import Store
from limitlab.theory.core.errors import InvalidInput
with Store(sys.argv[1], {}) as store:
    store.put("a", np.zeros(10))
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    try:
        store.put("a", np.zeros(10000))
    except InvalidInput as error:
        print(error)
    assert store.get("a").size == 10
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on files")
def test_a_full_disk_keeps_the_old_file_and_is_named(tmp_path):
    command = [sys.executable, "-c", FULL, str(tmp_path / "s")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "cannot be written" in done.stdout and "too large" in done.stdout
    assert sorted(p.name for p in (tmp_path / "s").iterdir()) == ["a.results", ASKED, "lock"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot be written"):
        Store(tmp_path / "file" / "s", {}).__enter__()
    if os.geteuid() != 0:  # root may write anywhere
        (tmp_path / "s").mkdir(mode=0o500)
        with pytest.raises(InvalidInput, match="cannot be written"):
            Store(tmp_path / "s", {}).__enter__()


def test_what_a_killed_writer_left_is_swept(tmp_path):
    with Store(tmp_path, {}):
        pass
    (tmp_path / ".a.results.x7").write_bytes(b"half")
    with Store(tmp_path, {}) as store:
        assert store.names() == [] and not list(tmp_path.glob(".*"))


def test_a_description_tells_every_number_apart():
    problem = ll.LeastSquares(ll.power_law(30, exponent=0.5), ll.StudentT(3, 0.5))
    other = ll.LeastSquares(ll.power_law(30, exponent=0.5 + 1e-15), ll.StudentT(3, 0.5))
    one = described(problem=problem, method=ll.SGD(0.1 + 0.2), times=np.arange(3.0))
    assert difference(one, dict(one)) == ""
    assert difference(described(problem=other), described(problem=problem))
    why = difference(described(method=ll.SGD(0.3)), described(method=ll.SGD(0.1 + 0.2)))
    assert why == "method.rate is 0.30000000000000004 there and 0.3 here"
    first, second = (described(start=f)["start"] for f in (lambda x: x, lambda x: 2 * x))
    assert first != second


def test_what_cannot_fit_is_refused_with_its_size(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1e9)
    problem = ll.LeastSquares(ll.isotropic(50), ll.Gaussian(0.5))
    with pytest.raises(InvalidInput, match=r"1\.62 GB, and 1 GB are free"):
        ll.simulate(problem, ll.SGD(0.5), 1, runs=10**6)
    with pytest.raises(InvalidInput, match="paths.*GB"):
        ll.solve(problem, ll.SGD(0.5), 1, limit="sde", paths=10**6)
    with pytest.raises(InvalidInput, match="over.*GB"):
        ll.sweep(problem, ll.SGD(0.5), {"rate": np.linspace(0.1, 1, 1000)}, 1, points=10**5)


def test_memory_is_what_the_limits_leave():
    assert memory.available() > 0
    if sys.platform == "linux":
        script = (
            "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33)); "
            "from limitlab.solvers.core.memory import available; print(available() <= 2**33)"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert done.stdout.strip() == "True", done.stderr


def test_a_writer_in_the_cache_holds_a_lock_of_its_own(tmp_path):
    with open(tmp_path / "lock", "a+b") as stream:
        assert cache.locked(stream, forked=False)
