"""Generated modules are compiled in a process of their own, and every process loads what it wrote.

Why not here: numba compiles every helper alone and once more inside each of its callers, where LLVM
orders sums and products otherwise. The linker of a process takes the first copy that it meets: the
lone one where the module was compiled, the caller's where it is loaded. The same call would differ
in its last bit between the process that compiles and those that come later.

Run as a program, this file reads lines "name<TAB>file", compiles each and answers "ok" or "no". It
imports nothing of limitlab, so that it is a file that any interpreter with numba can run.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

_ours: tuple[int, subprocess.Popen[str]] | None = None


def execute(name: str, text: str, file: str, cached: bool) -> ModuleType:
    """Run the text as a module and let it compile, or load, its kernels.

    The text is compiled here and not imported, because a damaged .pyc would stop an import.
    """
    module = ModuleType(name)
    module.__file__ = file
    sys.modules[name] = module  # numba's cache refers to functions by their module's name
    module.__dict__["CACHED"] = cached
    exec(compile(text, file, "exec"), module.__dict__)
    from numba import config

    if hasattr(module, "warm_up") and not config.DISABLE_JIT:  # type: ignore[attr-defined]
        module.warm_up()
    return module


def compile_apart(name: str, file: Path) -> bool:
    """Compile a module in the process for it, which stays until this one ends.

    Returns
    -------
    bool
        False where there is no such process, or where it could not compile the module; then
        loading it compiles it, and raises what there is to raise.
    """
    try:
        worker = _worker()
        assert worker.stdin is not None and worker.stdout is not None
        worker.stdin.write(f"{name}\t{file}\n")
        worker.stdin.flush()
        return worker.stdout.readline() == "ok\n"
    except (OSError, ValueError):
        stop()
        return False
    except BaseException:  # Ctrl-C: the next answer would be the one to this question
        stop()
        raise


def _worker() -> subprocess.Popen[str]:
    """The compiling process of this one; after a fork another one."""
    global _ours
    if _ours is None or _ours[0] != os.getpid() or _ours[1].poll() is not None:
        paths = [path for path in sys.path if path and Path(path).is_dir()]
        worker = subprocess.Popen(
            [sys.executable, "-P", "-u", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        _ours = (os.getpid(), worker)
        atexit.register(stop)
    return _ours[1]


def stop() -> None:
    """End the compiling process, if this process has one."""
    global _ours
    if _ours is not None and _ours[0] == os.getpid():
        worker = _ours[1]
        worker.kill()
        worker.wait()
        for pipe in (worker.stdin, worker.stdout):
            if pipe is not None:
                pipe.close()
    _ours = None


def _serve() -> None:
    """Compile what is asked for, until nobody asks any more."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        name, file = line.rstrip("\n").split("\t", 1)
        try:
            execute(name, Path(file).read_text(encoding="utf-8"), file, cached=True)
            answer = "ok"
        except Exception:  # whoever asked compiles it again and sees what is wrong
            answer = "no"
        answers.write(f"{answer}\n")
        answers.flush()


if __name__ == "__main__":
    _serve()
