"""limitlab: limit theories of optimisers in high dimension, derived, solved and tested.

State what is learnt (a problem) and how (a method); then::

    derive(problem, method)    the limit, symbolically        -> System
    solve(problem, method)     its solution                   -> Curve
    simulate(problem, method)  the algorithm in dimension d   -> Curve
    compare(theory, runs)      do the two agree?              -> Agreement
    overlay(theory, runs)      both on one figure

Every name is here, and in the group of its subject::

GROUPS
A name is listed once, in the stub of its group (``clipping.pyi``), and loaded on first use, so that
importing the package is immediate.
"""

from __future__ import annotations

import ast
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import lazy_loader

from .theory.core.version import VERSION

__version__ = VERSION


class _Group(ModuleType):
    """A subject: the module ``limitlab.<name>`` that its stub describes."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{__name__}.{name}")
        self.__doc__, self._homes, _ = _listed(name)
        self.__all__ = list(self._homes)
        self.__package__ = __name__
        self.__spec__ = ModuleSpec(self.__name__, None, origin=f"{name}.pyi")
        sys.modules[self.__name__] = self

    def __getattr__(self, name: str) -> object:
        if name in self._homes:
            return __getattr__(name)
        raise AttributeError(f"no {name} in {self.__name__}: it has {', '.join(self.__all__)}")

    def __dir__(self) -> list[str]:
        return sorted(self.__all__)

    def __repr__(self) -> str:
        return f"<{self.__name__}: {self.__doc__} {', '.join(self.__all__)}>"


def _listed(stub: str) -> tuple[str, dict[str, str], list[str]]:
    """The docstring of a stub, its names with the modules they live in, and its groups."""
    tree = ast.parse(Path(__file__).with_name(f"{stub}.pyi").read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    named = [(alias.name, node.module or "") for node in imports for alias in node.names]
    homes = {name: home for name, home in named if name != "*" and home}
    return ast.get_docstring(tree) or "", homes, [home for name, home in named if name == "*"]


_, _own, _names = _listed("__init__")
_GROUPS = {name: _Group(name) for name in _names}
_homes = {name: home for each in _GROUPS.values() for name, home in each._homes.items()} | _own
__getattr__, _, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={home: [n for n, h in _homes.items() if h == home] for home in _homes.values()},
)
globals().update(_GROUPS)
__all__ = ["__version__", *_GROUPS, *__all__]
__doc__ = (__doc__ or "").replace(
    "GROUPS\n", "".join(f"    {name:<11} {each.__doc__}\n" for name, each in _GROUPS.items()) + "\n"
)


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
