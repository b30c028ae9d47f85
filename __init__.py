"""limitlab: limit theories of optimisers in high dimension, derived, solved and tested.

State what is learnt (a problem) and how (a method); then::

    derive(problem, method)    the limit, symbolically        -> System
    solve(problem, method)     its solution                   -> Curve
    simulate(problem, method)  the algorithm in dimension d   -> Curve
    compare(theory, runs)      do the two agree?              -> Agreement
    overlay(theory, runs)      both on one figure

Names are listed once, in ``__init__.pyi``, and loaded on first use, so that importing the package
is immediate.
"""

from __future__ import annotations

import lazy_loader

from .theory.core.version import VERSION

__version__ = VERSION
__getattr__, _, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ = ["__version__", *__all__]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
