"""How a covariance was made: the function and its arguments, so that one of them can be moved."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, eq=False)
class Made:
    """The function that made a covariance, and its arguments."""

    maker: Callable[..., Any]
    arguments: Mapping[str, Any]

    def but(self, name: str, value: Any) -> Any:
        """Return the covariance with another value of one argument."""
        return self.maker(**{**self.arguments, name: value})


def tried_with(**arguments: Any) -> Callable[[F], F]:
    """Let files and commands name a maker, and the tests over all of them try it with these."""

    def mark(maker: F) -> F:
        maker.EXAMPLE = arguments  # type: ignore[attr-defined]
        return maker

    return mark


def remembered(maker: Callable[P, R]) -> Callable[P, R]:
    """Let what a function makes know the function and its arguments, as ``made``."""
    signature = inspect.signature(maker)

    @wraps(maker)
    def make(*args: P.args, **kwargs: P.kwargs) -> R:
        covariance = maker(*args, **kwargs)
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        object.__setattr__(covariance, "made", Made(make, dict(given.arguments)))
        return covariance

    return make
