"""Which family a problem belongs to; verbs take their road from it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from .errors import InvalidType, NotAvailable

#: class of the problem → family; named by text, so that no family is imported for another's sake
FAMILIES = {
    "LeastSquares": "streaming",
    "LinearModel": "linear",
    "QuadraticRegression": "quadratic",
    "TwoEigenvalueModel": "two_eigenvalues",
}


def family(problem: Any) -> str:
    """Return the family of a problem, by its class or a class it derives from.

    Raises
    ------
    InvalidType
        Not a problem.
    """
    for kind in type(problem).__mro__:
        if kind.__name__ in FAMILIES:
            return FAMILIES[kind.__name__]
    raise InvalidType("problem", problem, f"give a problem: {', '.join(FAMILIES)}")


def follow(
    roads: Mapping[str, str], package: str | None, problem: Any, *args: Any, **options: Any
) -> Any:
    """Call the function that a verb has for this family of problems.

    On a stream a method that remembers more than its parameters (`Adam`) has a family of its own.

    Parameters
    ----------
    roads : mapping of family to "module:function"
    package : str
        What relative module names refer to.
    options
        Passed on as they are.

    Raises
    ------
    NotAvailable
        An option that this family does not have; those it has are listed.
    """
    chosen = family(problem)
    if args and chosen == "streaming":
        chosen = getattr(args[0], "family", chosen)
    module, name = roads[chosen].split(":")
    function = getattr(import_module(module, package), name)
    _check_options(function, problem, options)
    return function(problem, *args, **options)


def _check_options(
    function: Callable[..., Any], problem: Any, options: Mapping[str, Any]
) -> None:
    parameters = inspect.signature(function).parameters.values()
    known = [p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
    for name in options:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            remedy = f"{type(problem).__name__} takes {', '.join(known)}{hint}"
            raise NotAvailable(name, options[name], remedy)
