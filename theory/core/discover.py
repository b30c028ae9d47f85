"""What ships is found by its file: a class in a folder joins every list by being there."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FunctionType
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
    return tuple(
        each
        for module in _modules(package)
        for each in vars(module).values()
        if _defined_here(each, base, module.__name__) and "EXAMPLE" in vars(each)
    )


def makers(package: str) -> tuple[Any, ...]:
    """Return the functions that the modules of a package of theory/ define and that carry an
    ``EXAMPLE``, by their names."""
    every = (each for module in _modules(package) for each in vars(module).values())
    found = {each.__name__: each for each in every if isinstance(each, FunctionType)}
    return tuple(found[name] for name in sorted(found) if hasattr(found[name], "EXAMPLE"))


def _modules(package: str) -> list[Any]:
    names = sorted(info.name for info in pkgutil.iter_modules([str(_THEORY / package)]))
    return [import_module(f"{_PACKAGE}.{package}.{name}") for name in names]


def _defined_here(each: Any, base: type, module: str) -> bool:
    return isinstance(each, type) and issubclass(each, base) and each.__module__ == module


@cache
def families() -> tuple[str, ...]:
    """Return the families: the folders of theory/ that derive something."""
    return tuple(sorted(file.parent.name for file in _THEORY.glob("*/derive.py")))


@cache
def problems_of(family: str) -> tuple[type[Problem], ...]:
    """Return the kinds of problems that a family states; none where it is on another's."""
    if family not in families() or not (_THEORY / family / "problem.py").exists():
        return ()
    module = import_module(f"{_PACKAGE}.{family}.problem")
    every = vars(module).values()
    return tuple(each for each in every if _defined_here(each, Problem, module.__name__))


def problems() -> tuple[type[Problem], ...]:
    """Return the kinds of problems that ship."""
    return tuple(each for family in families() for each in problems_of(family))


def examples(family: str) -> tuple[Example, ...]:
    """Return the examples of a family, ``EXAMPLES`` of its ``example.py``."""
    found: tuple[Example, ...] = import_module(f"{_PACKAGE}.{family}.example").EXAMPLES
    return found
