"""From a problem and a method to the folder that holds their theory, and to a verb in it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from .errors import InvalidType, NotAvailable
from .problem import Problem
from .system import System

_KINDS = (
    "give a problem: an object of LeastSquares, LinearModel, QuadraticRegression or another class "
    "on limitlab's Problem"
)


def family(problem: Any, method: Any) -> str:
    """Return the family of a pair: that of the problem, unless the method has one of its own there.

    Raises
    ------
    InvalidType
        Not a problem.
    """
    if not isinstance(problem, Problem):
        raise InvalidType("problem", problem, _KINDS)
    own: Mapping[str, str] = getattr(method, "families", {})
    return own.get(problem.family, problem.family)


def module_of(room: str, verb: str, problem: Any, method: Any) -> Any:
    """Return the module ``<room>.<family>.<verb>``."""
    return import_module(f"{room}.{family(problem, method)}.{verb}")


def follow(room: str, verb: str, problem: Any, method: Any, *args: Any, **options: Any) -> Any:
    """Call a verb of the family: the function `verb` of the module ``<room>.<family>.<verb>``.

    Parameters
    ----------
    room : str
        A package, such as "limitlab.solvers".
    verb : "derive", "solve" or "simulate"
    options
        Passed on as they are.

    Raises
    ------
    NotAvailable
        An option that this family does not have; those it has are listed.
    """
    function = getattr(module_of(room, verb, problem, method), verb)
    _check_options(function, problem, options)
    if options.get("system") is not None and not isinstance(options["system"], System):
        raise InvalidType("system", options["system"], "give what derive(problem, method) returns")
    return function(problem, method, *args, **options)


def _check_options(
    function: Callable[..., Any], problem: Any, options: Mapping[str, Any]
) -> None:
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters):
        return  # it has a table of its own
    known = [p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
    for name in options:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            remedy = f"{type(problem).__name__} takes {', '.join(known)}{hint}"
            raise NotAvailable(name, options[name], remedy)
