"""Is this installation sound? Versions, threads, cache, one theory against its closed form."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from ..theory.core.version import VERSION

PACKAGES = ("numpy", "scipy", "numba", "sympy", "matplotlib", "xarray", "h5netcdf", "h5py", "tqdm")
EXTRAS = {"scikit-learn": "data", "mlxtend": "data", "distributed": "cluster"}


def doctor() -> Iterator[tuple[bool, str]]:
    """Yield (sound, line) for every check, as soon as it is done."""
    yield True, f"limitlab {VERSION}, Python {platform.python_version()}, {platform.machine()}"
    for name in PACKAGES:
        yield _package(name, needed=True)
    for name in EXTRAS:
        yield _package(name, needed=False)
    yield True, _threads()
    yield _cache()
    yield _theory()


def _package(name: str, needed: bool) -> tuple[bool, str]:
    try:
        return True, f"{name} {version(name)}"
    except PackageNotFoundError:
        where = (
            "needed: pip install"
            if needed
            else f"optional: pip install 'limitlab[{EXTRAS.get(name)}]' for"
        )
        return not needed, f"{name} is not installed ({where} {name})"


def _threads() -> str:
    from ..solvers.core.blas import one_thread, threads
    from ..solvers.core.runner import processors

    with one_thread():
        inside = threads()
    products = "not controlled here" if inside is None else f"{inside} a worker"
    return (
        f"processors: {processors()} usable by this process of {os.cpu_count()}, as many worker "
        f"threads; compiled code: 1 thread a worker; matrix products: {products}"
    )


def _cache() -> tuple[bool, str]:
    from ..solvers.core.cache import folder, size

    modules, bytes_ = size()
    home = next(path for path in (folder(), *folder().parents) if path.exists())
    state = "writable" if os.access(home, os.W_OK) else "READ-ONLY: compiles again in every process"
    return True, f"compiled code: {modules} modules, {bytes_ / 1e6:.1f} MB in {folder()} ({state})"


def _theory() -> tuple[bool, str]:
    """Solve SGD with K = I, where R(t) = (1 − b) e^{−2at} + b is known, and compare."""
    from ..solvers.solve import solve
    from ..theory.covariance import isotropic
    from ..theory.derive import derive
    from ..theory.methods import SGD
    from ..theory.noise import Gaussian
    from ..theory.streaming.problem import LeastSquares

    rate, scale, until = 0.5, 0.5, 2.0
    problem, method = LeastSquares(isotropic(1000), noise=Gaussian(scale)), SGD(rate)
    start = time.perf_counter()
    derive(problem, method)
    derived = time.perf_counter()
    curve = solve(problem, method, times=np.array([0.0, until]))
    solved = time.perf_counter()
    # dR/dt = −2ηR + η²(2R + σ²)/2
    speed = 2 * rate - rate**2
    floor = rate**2 * scale**2 / 2 / speed
    exact = floor + (1 - floor) * math.exp(-speed * until)
    error = abs(curve["risk"][-1] / exact - 1)
    return bool(error < 1e-6), (
        f"derived in {derived - start:.2f} s, solved in {solved - derived:.2f} s (compilation "
        f"included), relative error against the closed form {error:.1e}"
    )
