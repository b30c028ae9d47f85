"""What `simulate` refuses, and what it warns about."""

from __future__ import annotations

from typing import Any

from ....solvers.streaming.following import scheduled_along
from ....solvers.streaming.validity import coarse_steps
from ....theory.core.errors import InvalidInput, InvalidType
from ....theory.core.warn import warn
from ....theory.methods import Method
from ....theory.schedules.following import FollowingRate
from ....theory.streaming.derive import check_streaming
from ....theory.streaming.problem import check_stream
from .engine import Engine

#: steps of the chain become the cost above this dimension
LARGE = 1e7


def methods(method: Any, paired: Any) -> list[Any]:
    """The methods of a call as a list; refuses an empty one, and a pairing of one alone."""
    if not isinstance(paired, bool):
        raise InvalidType("paired", paired, "give True or False")
    if not isinstance(method, list | tuple):
        if paired:
            raise InvalidInput("paired", paired, "give a list of methods to pair")
        return [method]
    if not method:
        raise InvalidInput("method", method, "give at least one method")
    return list(method)


def check_pair(problem: Any, method: Any) -> None:
    """Refuse what is not a streaming problem and a method for streams."""
    check_stream(problem)
    if not isinstance(method, Method):
        raise InvalidType("method", method, "give a method such as SGD(rate=0.5)")
    check_streaming(method.bare)


def check_equal_batches(methods: list[Any]) -> None:
    """Refuse to pair methods that see different numbers of samples a step."""
    batches = [method.batch for method in methods]
    if len(set(batches)) > 1:
        remedy = "methods that share every sample need equal batches; leave out paired"
        raise InvalidInput("batch", batches, remedy)


def warn_of_coarse_steps(problem: Any, method: Any, until: float) -> None:
    """Warn, in the words of `solve`, where one step is not small against the fastest direction."""
    if isinstance(method.rate, FollowingRate):
        method = scheduled_along(problem, method, until)
    text = coarse_steps(problem, method.at_once, until)
    if text:
        warn(text)


def warn_of_many_steps(engine: Engine, runs: int) -> None:
    """Warn where the number of steps, and not the size of one, is the cost."""
    if engine.dimension > LARGE:
        steps = int(engine.record[-1])
        warn(
            f"d = {engine.dimension:.3g} means {steps:.3g} steps a run, {steps * runs:.3g} in all; "
            "fluctuations at this size are below what a simulation resolves, so take a smaller d"
        )
