"""Generated modules: reused later, rebuilt when damaged, never an error because of the cache."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from limitlab.solvers.core import cache, compile, compiler
from limitlab.theory.core.errors import InvalidInput

SOURCE = "@scalar\ndef rate(t, p):\n    return 3.0 * t\n"
SMALL = '''"""A small template."""

from __future__ import annotations

# >>> provided by the generated module
from limitlab.solvers.kernels.interface import rate, scalar

# <<< provided by the generated module


@scalar
def doubled(t):
    """Return twice the rate."""
    return 2.0 * rate(t, 0.0)


def warm_up():
    """Compile."""
    doubled(1.0)
'''


@pytest.fixture
def template(tmp_path, monkeypatch):
    """A template outside the package and an empty cache."""
    monkeypatch.setenv("LIMITLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(compile, "_loaded", {})
    path = tmp_path / "small.py"
    path.write_text(SMALL)
    return path


def fresh(monkeypatch, template):
    """Load as a new process would."""
    monkeypatch.setattr(compile, "_loaded", {})
    return compile.load(SOURCE, template).doubled(2.0)


def compiled_files(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in (".nbi", ".nbc"))


def test_a_template_may_live_anywhere_and_is_compiled_once_a_process(template):
    first = compile.load(SOURCE, template)
    assert first.doubled(2.0) == 12.0
    assert compile.load(SOURCE, template) is first
    assert cache.size()[0] == 1


def test_the_text_is_self_contained(template):
    text = compile.assemble(SOURCE, template)
    assert "import rate" not in text and "from __future__" not in text and "def erfcx" in text


def test_an_edit_gives_another_module(template):
    compile.load(SOURCE, template)
    assert compile.load(SOURCE.replace("3.0", "5.0"), template).doubled(2.0) == 20.0
    assert cache.size()[0] == 2


def test_one_line_says_what_is_compiled(template, monkeypatch, capsys):
    monkeypatch.delenv("LIMITLAB_QUIET", raising=False)
    fresh(monkeypatch, template)
    assert capsys.readouterr().err.count("\n") == 1
    fresh(monkeypatch, template)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("suffix", [".nbi", ".nbc", ".py", ".json"])
@pytest.mark.parametrize("damage", ["truncate", "empty", "flip"])
def test_a_damaged_cache_is_rebuilt(template, monkeypatch, tmp_path, suffix, damage):
    fresh(monkeypatch, template)
    for path in (tmp_path / "cache").rglob(f"*{suffix}"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 16
        path.write_bytes(
            {"truncate": content[: len(content) // 2], "empty": b"", "flip": content}[damage]
        )
    assert fresh(monkeypatch, template) == 12.0
    assert all(cache.is_sealed(home.parent) for home in (tmp_path / "cache").rglob(cache.MODULE))


def test_a_missing_compiled_file_is_rebuilt(template, monkeypatch, tmp_path):
    fresh(monkeypatch, template)
    compiled_files(tmp_path)[0].unlink()
    assert fresh(monkeypatch, template) == 12.0


def test_a_cache_that_cannot_be_written_is_done_without(template, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("LIMITLAB_CACHE", str(tmp_path / "file"))
    assert fresh(monkeypatch, template) == 12.0
    assert (tmp_path / "file").read_text() == "not a folder"


def test_clear_removes_modules_and_nothing_else(template, monkeypatch, tmp_path):
    fresh(monkeypatch, template)
    (tmp_path / "cache" / "keep.txt").write_text("mine")
    assert cache.clear() == 1
    assert cache.size() == (0, 4)


def test_a_source_that_cannot_be_compiled_is_a_typed_error(template):
    with pytest.raises(InvalidInput, match=r"system\.source.*cannot be compiled"):
        compile.load("@scalar\ndef rate(t, p):\n    return undefined_name + t\n", template)


SCRIPT = """
from limitlab.solvers.core.compile import load
module = load({source!r}, {template!r})
print(module.doubled(2.0), sum(module.doubled.stats.cache_misses.values()) if {stats} else 0)
"""


def run(template, tmp_path, **environment):
    stats = environment.get("NUMBA_DISABLE_JIT") != "1"
    script = SCRIPT.format(source=SOURCE, template=str(template), stats=stats)
    variables = {
        **os.environ,
        "LIMITLAB_CACHE": str(tmp_path / "cache"),
        "LIMITLAB_QUIET": "",
        **environment,
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=variables, capture_output=True, text=True, check=True
    )
    value, misses = done.stdout.split()
    return float(value), int(misses), done.stderr


def test_a_second_process_compiles_nothing(template, tmp_path):
    """The first one has it compiled by a process for that, and loads it as the others do."""
    value, misses, said = run(template, tmp_path)
    assert (value, misses, said.count("\n")) == (12.0, 0, 1)
    before = {path: path.stat().st_mtime_ns for path in compiled_files(tmp_path)}
    assert before
    value, misses, said = run(template, tmp_path)
    assert (value, misses, said) == (12.0, 0, "")
    assert {path: path.stat().st_mtime_ns for path in compiled_files(tmp_path)} == before


def test_where_no_process_can_be_started_the_module_is_compiled_here(template, monkeypatch):
    compiler.stop()
    monkeypatch.setattr(compiler.sys, "executable", "/no/such/interpreter")
    assert fresh(monkeypatch, template) == 12.0
    assert sum(compile._loaded.popitem()[1].doubled.stats.cache_misses.values()) == 1


def test_a_compiling_process_that_dies_is_replaced(template, monkeypatch):
    fresh(monkeypatch, template)
    worker = compiler._worker()
    worker.kill()
    worker.wait()
    compile.load(SOURCE.replace("3.0", "5.0"), template)
    assert compiler._worker().pid != worker.pid


CURVE = """
import hashlib
import limitlab as ll
for law in (ll.Gaussian(0.5), ll.StudentT(df=3, scale=0.5)):
    problem = ll.LeastSquares(ll.power_law(1000, exponent=0.5), noise=law)
    curve = ll.solve(problem, ll.ClippedSGD(0.8, 1.0), until=8)
    for values in (curve.risk, *curve.diagnostics.values()):
        print(hashlib.sha256(values.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_the_first_process_and_later_ones_give_the_same_bits(tmp_path):
    """They differed by 1.1e-16; also a folder that cannot be written, and another first process."""
    (tmp_path / "file").write_text("not a folder")

    def hashes(folder):
        variables = {**os.environ, "LIMITLAB_CACHE": str(tmp_path / folder)}
        command = [sys.executable, "-c", CURVE]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
        return done.stdout.split()

    found = [hashes(folder) for folder in ("one", "one", "two", "file")]
    assert len(found[0]) == 10
    assert all(one == found[0] for one in found)


def test_two_first_processes_compile_once(template, tmp_path):
    """Both need the module at once; one compiles it, the other waits and reads it."""
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: run(template, tmp_path), range(2)))
    assert [value for value, *_ in found] == [12.0, 12.0]
    assert [misses for _, misses, _ in found] == [0, 0]
    assert sum(said.count("compiling") for *_, said in found) == 1


def test_a_process_that_holds_the_lock_for_too_long_is_passed(template, monkeypatch, capsys):
    monkeypatch.delenv("LIMITLAB_QUIET", raising=False)
    held = cache.turn

    @contextmanager
    def impatient(home):
        with held(home, 0.2) as ours:
            yield ours

    monkeypatch.setattr(cache, "turn", impatient)
    name = compile._identity(compile.assemble(SOURCE, template))
    cache.folder().mkdir(parents=True, exist_ok=True)
    with held(cache.folder() / name) as ours:
        assert ours
        assert fresh(monkeypatch, template) == 12.0
    assert "another process takes long" in capsys.readouterr().err
    assert not cache.is_sealed(cache.folder() / name)
    assert fresh(monkeypatch, template) == 12.0
    assert cache.is_sealed(cache.folder() / name)


def test_the_message_promises_no_file_where_none_can_be(template, monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("LIMITLAB_QUIET", raising=False)
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("LIMITLAB_CACHE", str(tmp_path / "file"))
    fresh(monkeypatch, template)
    said = capsys.readouterr().err
    assert "kept in" not in said and "for this process only" in said and "cannot be written" in said


def test_threads_that_need_the_same_module_compile_it_once(template, monkeypatch, capsys):
    monkeypatch.delenv("LIMITLAB_QUIET", raising=False)
    compile._loaded.clear()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: compile.load(SOURCE, template), range(4)))
    assert all(module is found[0] for module in found)
    assert capsys.readouterr().err.count("compiling") == 1


def test_without_the_compiler_the_module_runs_as_python(template, tmp_path):
    value, _, said = run(template, tmp_path, NUMBA_DISABLE_JIT="1")
    assert value == 12.0 and said == ""
