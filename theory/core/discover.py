"""What ships is found by its file: a class in a folder joins every list by being there."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from .example import Example
from .problem import Problem

_THEORY = Path(__file__).parents[1]
_PACKAGE = __package__.rpartition(".")[0]


def classes(package: str, base: type) -> tuple[type, ...]:
    """Return the public subclasses of `base` that the modules of a package of theory/ define and
    that carry an ``EXAMPLE``, by the names of their modules.

    Parameters
    ----------
    package : str
        For instance "methods".
    """
    modules = sorted(info.name for info in pkgutil.iter_modules([str(_THEORY / package)]))
    loaded = (import_module(f"{_PACKAGE}.{package}.{name}") for name in modules)
    return tuple(
        each
        for module in loaded
        for each in vars(module).values()
        if _defined_here(each, base, module.__name__) and "EXAMPLE" in vars(each)
    )


def _defined_here(each: Any, base: type, module: str) -> bool:
    return isinstance(each, type) and issubclass(each, base) and each.__module__ == module


def families() -> tuple[str, ...]:
    """Return the families: the folders of theory/ that derive something."""
    return tuple(sorted(file.parent.name for file in _THEORY.glob("*/derive.py")))


@cache
def problems() -> tuple[type[Problem], ...]:
    """Return the kinds of problems that ship."""
    folders = (name for name in families() if (_THEORY / name / "problem.py").exists())
    modules = [import_module(f"{_PACKAGE}.{name}.problem") for name in folders]
    return tuple(
        each
        for module in modules
        for each in vars(module).values()
        if _defined_here(each, Problem, module.__name__)
    )


def examples(family: str) -> tuple[Example, ...]:
    """Return the examples of a family, ``EXAMPLES`` of its ``example.py``."""
    found: tuple[Example, ...] = import_module(f"{_PACKAGE}.{family}.example").EXAMPLES
    return found
