"""From a problem and a method to the folder that holds their theory, and to a verb in it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module
from typing import Any

from .discover import families, problems_of
from .errors import InvalidInput, InvalidType, NotAvailable
from .once import is_ours, one_call
from .problem import Learner, Problem
from .system import System
from .warn import one_warning

_KINDS = "give a problem that ships, such as LeastSquares(...), or one of a class derived from it"
#: what an option is called by the other verb: a simulation has runs, an SDE has paths
_OTHER_NAMES = {"runs": "paths", "paths": "runs"}


def family(problem: Any, method: Any) -> str:
    """Return the family of a pair: that of the problem, unless the method has one of its own there.

    Raises
    ------
    InvalidType
        Not a problem, or not a method; a class that states a family without being of it.
    """
    own = getattr(problem, "family", None) if isinstance(problem, Problem) else None
    if not isinstance(own, str) or not isinstance(problem, problems_of(own)):
        raise InvalidType("problem", problem, _KINDS)
    check_method(method)
    # the methods of a list share the samples of the problem's own family
    several = isinstance(method, list | tuple)
    found = own if several else _family_on(method, own)
    for one in method if several else (method,):
        rate: Any = getattr(one, "rate", None)
        if found not in getattr(rate, "only_on", (found,)):
            raise NotAvailable("rate", rate, f"belongs to {', '.join(rate.only_on)} problems")
    return found


def _family_on(method: Any, own: str) -> str:
    """The family of a method on problems of a family, as a class that ships states it."""
    kind = next(each for each in type(method).__mro__ if "families" in vars(each))
    found = method.family_on(own) if is_ours(kind) else None
    if found not in families():
        remedy = "a family is a folder of the package; derive the class from the method that has it"
        raise NotAvailable("families", vars(kind)["families"], remedy)
    return str(found)


def check_method(method: Any) -> None:
    """Refuse what is not a method, or not a list of them.

    Raises
    ------
    InvalidType
        A class in place of an object, or anything else that states no method.
    """
    for one in method if isinstance(method, list | tuple) else (method,):
        if isinstance(one, type):
            remedy = f"is a class; give an object of it, such as {one.__name__}(rate=0.5)"
            raise InvalidType("method", one, remedy)
        if not isinstance(one, Learner):
            raise InvalidType("method", one, "give a method such as SGD(rate=0.5)")


def many(method: Any) -> list[Any] | None:
    """Return the methods of a list, None for a single method.

    Raises
    ------
    InvalidInput
        An empty list.
    """
    if not isinstance(method, list | tuple):
        return None
    if not method:
        raise InvalidInput("method", method, "give at least one method")
    return list(method)


def module_of(room: str, verb: str, problem: Any, method: Any) -> Any:
    """Return the module ``<room>.<family>.<verb>``."""
    return import_module(f"{room}.{family(problem, method)}.{verb}")


def options(room: str, verb: str, problem: Any, method: Any) -> list[str]:
    """Return the names that a verb of the family takes beside problem, method and horizon."""
    function = getattr(module_of(room, verb, problem, method), verb)
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]


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

    Warns
    -----
    ValidityWarning
        Once a call, with everything that the family remarks on; the provenance keeps all of it.
    """
    function = getattr(module_of(room, verb, problem, method), verb)
    _check_options(function, problem, options)
    if options.get("system") is not None and not isinstance(options["system"], System):
        raise InvalidType("system", options["system"], "give what derive(problem, method) returns")
    with one_call(problem, method) as (problem, method), one_warning() as said:
        answer = _interruptible(function, problem, method, *args, **options)
    return _noted(answer, said)


def _interruptible(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call; a Ctrl-C that arrives while compiled code hands back its result stays a Ctrl-C."""
    try:
        return function(*args, **options)
    except SystemError as error:
        if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise


def _noted(answer: Any, said: list[str]) -> Any:
    """Put what was said into the provenance of every curve of an answer."""
    if isinstance(answer, list):
        return [_noted(one, said) for one in answer]
    kept = getattr(answer, "provenance", None)
    if kept is None or not said:
        return answer
    known = kept.get("remarks", [])
    new = [text for text in said if text not in known]
    return replace(answer, provenance={**kept, "remarks": [*known, *new]}) if new else answer


def _check_options(function: Callable[..., Any], problem: Any, options: Mapping[str, Any]) -> None:
    known = _keywords(function)
    if known is None:
        return  # it has a table of its own
    for name in options:
        if name not in known:
            near = [n for n in (_OTHER_NAMES.get(name),) if n in known]
            near = near or get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            remedy = f"{type(problem).__name__} takes {', '.join(known)}{hint}"
            raise NotAvailable(name, options[name], remedy)


@lru_cache(maxsize=64)
def _keywords(function: Callable[..., Any]) -> tuple[str, ...] | None:
    """The options that a verb names; None where it takes any."""
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters):
        return None
    return tuple(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)
