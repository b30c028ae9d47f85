"""The names that a generated module defines before a template begins.

A template imports them from here between two marker lines, so that editors and type checkers see
them; `compile.load` strips that import and puts the real definitions in its place. Called
directly, these stand-ins refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def scalar(function: Function) -> Function:
    """Leave a function as it is (a generated module compiles it, without the interpreter's
    lock)."""
    return function


def loops(function: Function) -> Function:
    """Leave a function as it is (a generated module compiles it with sums in any order)."""
    return function


def _only_generated(name: str) -> Any:
    raise NotImplementedError(
        f"{name} exists only in a generated module: use limitlab.solvers.compile.load"
    )


def rate(t: float, p: Any) -> float:
    """Step size η(t) from the parameter values `p`."""
    return _only_generated("rate")


def decay(R: float, t: float, p: Any, weights: Any, means: Any, scales: Any) -> float:
    """Coefficient A(R, t) of −λ_i y_i."""
    return _only_generated("decay")


def source(R: float, t: float, p: Any, weights: Any, means: Any, scales: Any) -> float:
    """Coefficient B(R, t) of c_i."""
    return _only_generated("source")


def rule(residual: float, t: float, p: Any) -> float:
    """The method's scalar rule ψ(ℓ)."""
    return _only_generated("rule")


def mu(R: float, t: float, p: Any, weights: Any, means: Any, scales: Any) -> float:
    """Mean slope E ψ′(ℓ) at risk R."""
    return _only_generated("mu")


def power(R: float, t: float, p: Any, weights: Any, means: Any, scales: Any) -> float:
    """Mean square E ψ(ℓ)² at risk R."""
    return _only_generated("power")
