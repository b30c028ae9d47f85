"""Which engine runs a problem and a method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....theory.core.errors import InvalidInput, NotAvailable
from .chain import ReducedChain
from .engine import Engine
from .lowering import COORDINATE, Lowered
from .samples import DenseEngine
from .vector import VectorChain

ENGINES = ("chain", "vector")
_CHAIN, _VECTOR, _DENSE = 0, 1, 2
#: the engines of methods without memory
_PLAIN = (ReducedChain, VectorChain, DenseEngine)


def choose(
    problem: Any, lowered: Sequence[Lowered], record: np.ndarray, engine: str | None
) -> tuple[Engine, ...]:
    """The engines for Gaussian inputs: of one kind, so that the methods can share samples.

    Parameters
    ----------
    engine : {"chain", "vector"} or None
        None takes the exact chain of the eigenspaces where few eigenvalues are distinct, or the
        batch is large, and every method has such a chain; and the vector otherwise.

    Raises
    ------
    NotAvailable
        An infinite dimension; the chain for a method that has none.
    """
    law = problem.covariance
    if engine not in (None, *ENGINES):
        raise InvalidInput("engine", engine, f"use one of {', '.join(ENGINES)}, or None")
    if math.isinf(law.dimension):
        remedy = "a spectral density has no finite algorithm; give a covariance of finite d"
        raise NotAvailable("covariance", law, remedy)
    coordinatewise = any(one.acts_on == COORDINATE for one in lowered)
    obstacle = _obstacle(lowered)
    kinds = [one.engines or _PLAIN for one in lowered]
    if engine == "chain" and obstacle:
        raise NotAvailable("engine", engine, f'{obstacle}; use engine="vector"')
    # a step has one number an eigenvalue, whatever the batch
    crowding = max(one.crowding for one in lowered)
    crowded = law.eigenvalues.size * crowding <= law.dimension * lowered[0].batch
    if engine == "chain" or (engine is None and crowded and not obstacle):
        place = _CHAIN
    else:
        place = _DENSE if coordinatewise and not law.is_diagonal else _VECTOR
    pairs = zip(kinds, lowered, strict=True)
    return tuple(kind[place].of(problem, one, record) for kind, one in pairs)


def _obstacle(lowered: Sequence[Lowered]) -> str | None:
    """Why the methods have no chain of the eigenspaces; None where they have."""
    if len({one.states for one in lowered}) > 1:
        return "methods with unequal memories see the same samples as vectors only"
    return next((one.obstacle for one in lowered if one.obstacle), None)
