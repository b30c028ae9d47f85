"""The numbers of a problem and a method by name: "noise.scale", "covariance.exponent", "rate".

A name without a dot is a field of the method, or else of the problem; with one it is a field of the
noise law, or an argument of the function that made the covariance. A schedule moves as a whole: its
name stands for a factor on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from difflib import get_close_matches
from numbers import Real
from typing import Any

import numpy as np
import sympy as sp

from ...theory.core.errors import InvalidInput, InvalidType

Pair = tuple[Any, Any]


@dataclass(frozen=True, eq=False)
class Free:
    """A number that is free in a fit.

    Attributes
    ----------
    name : str
    value : float
        Where the fit starts; 1 for a schedule.
    positive : bool
        Whether it is > 0, and its logarithm is what moves.
    """

    name: str
    value: float

    @property
    def positive(self) -> bool:
        return self.value > 0

    def place(self, value: float) -> float:
        """The coordinate in which the fit moves."""
        return float(np.log(value)) if self.positive else value

    def at(self, place: float) -> float:
        """The value at a coordinate."""
        return float(np.exp(place)) if self.positive else float(place)

    def slope(self, value: float) -> float:
        """Derivative of the value in the coordinate."""
        return value if self.positive else 1.0


def free_numbers(problem: Any, method: Any, names: Sequence[str]) -> tuple[Free, ...]:
    """Return the numbers of these names, with their present values.

    Raises
    ------
    InvalidInput, InvalidType
        A name that the pair does not have, or has twice; a value that is no number.
    """
    if isinstance(names, str):
        names = (names,)
    if not names:
        raise InvalidInput(
            "free", names, f"give one name or more of {', '.join(known(problem, method))}"
        )
    if len(set(names)) < len(names):
        raise InvalidInput("free", names, "give every name once")
    return tuple(Free(name, _value(problem, method, name)) for name in names)


def moved(problem: Any, method: Any, values: dict[str, float]) -> Pair:
    """Return the pair with other values of some numbers."""
    for name, value in values.items():
        problem, method = _put(problem, method, name, value)
    return problem, method


def known(problem: Any, method: Any) -> list[str]:
    """The names of all numbers of a pair."""
    own = [f for f in _fields(method) if _is_number(getattr(method, f))]
    own += [f for f in _fields(problem) if _is_number(getattr(problem, f)) and f not in own]
    noise = getattr(problem, "noise", None)
    own += [f"noise.{f}" for f in _fields(noise) if _is_number(getattr(noise, f))]
    made = getattr(getattr(problem, "covariance", None), "made", None)
    arguments = {} if made is None else made.arguments
    return own + [f"covariance.{k}" for k, v in arguments.items() if _is_free_argument(k, v)]


def _is_free_argument(name: str, value: Any) -> bool:
    return name != "d" and isinstance(value, Real) and not isinstance(value, bool)


def _fields(owner: Any) -> list[str]:
    hidden = ("batch", "start", "inputs", "momentum", "weight_decay", "noise_multiplier")
    if not is_dataclass(owner):
        return []
    # what is kept beside the iterate is a number only where it is used: at 0 it is another theory
    return [f.name for f in fields(owner) if f.name not in hidden or _used(owner, f.name)]


def _used(owner: Any, name: str) -> bool:
    value = getattr(owner, name)
    return (
        name in ("momentum", "weight_decay", "noise_multiplier")
        and _is_number(value)
        and value != 0
    )


def _is_number(value: Any) -> bool:
    if isinstance(value, sp.Expr):
        return True
    return (
        isinstance(value, Real) and not isinstance(value, bool) and bool(np.isfinite(float(value)))
    )


def _value(problem: Any, method: Any, name: str) -> float:
    names = known(problem, method)
    if not isinstance(name, str):
        raise InvalidType("free", name, "give names such as 'noise.scale'")
    if name not in names:
        near = get_close_matches(name, names, 1)
        guess = f"did you mean {near[0]!r}? " if near else ""
        made = "; a covariance given by its eigenvalues has none" if "covariance" in name else ""
        raise InvalidInput("free", name, f"{guess}this pair has {', '.join(names)}{made}")
    owner, _, field = name.rpartition(".")
    if owner == "covariance":
        return float(problem.covariance.made.arguments[field])
    holder = problem.noise if owner else (method if name in _fields(method) else problem)
    value = getattr(holder, field)
    return 1.0 if isinstance(value, sp.Expr) else float(value)


def _put(problem: Any, method: Any, name: str, value: float) -> Pair:
    owner, _, field = name.rpartition(".")
    if owner == "covariance":
        law = problem.covariance.made.but(field, value)
        return replace(problem, covariance=law), method
    if owner == "noise":
        return replace(problem, noise=replace(problem.noise, **{field: value})), method
    holder = method if name in _fields(method) else problem
    old = getattr(holder, field)
    new = replace(holder, **{field: old * value if isinstance(old, sp.Expr) else value})
    return (problem, new) if holder is method else (new, method)
