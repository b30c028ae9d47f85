"""What the numbers were measured on: processor and versions, and nothing that names a place."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "limitlab",
    "numpy",
    "scipy",
    "numba",
    "llvmlite",
    "sympy",
    "jax",
    "jaxlib",
    "diffrax",
    "torch",
    "torchsde",
)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> float | None:
    """GiB."""
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return None


def _vectors() -> list[str]:
    """Vector extensions of the processor that compiled code uses."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    return [name for name in ("avx2", "avx512f", "neon", "sve") if features.get(name)]


def _linear_algebra() -> str:
    import numpy as np

    found = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{found.get('name')} {found.get('version')}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def describe() -> dict[str, Any]:
    """Processor, cores, memory, system and versions."""
    import limitlab

    packages = {name: _version(name) for name in PACKAGES} | {"limitlab": limitlab.__version__}
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "vector_extensions": _vectors(),
        "memory_gib": _memory(),
        "system": platform.system(),
        "python": platform.python_version(),
        "blas": _linear_algebra(),
        "versions": packages,
    }
