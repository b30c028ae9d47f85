"""Which engine runs a problem and a method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ....theory.core.errors import InvalidInput, NotAvailable
from .chain import ReducedChain
from .engine import Engine
from .lowering import COORDINATE, Lowered
from .samples import DenseEngine
from .vector import VectorChain

#: an eigenvalue of the reduced chain costs as much as this many coordinates of a sample (measured);
#: a step has one of them an eigenvalue, whatever the batch
CROWDING = 12
ENGINES = ("chain", "vector")


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
    if engine == "chain" and obstacle:
        raise NotAvailable("engine", engine, f'{obstacle}; use engine="vector"')
    crowded = law.eigenvalues.size * CROWDING <= law.dimension * lowered[0].batch
    if engine == "chain" or (engine is None and crowded and not obstacle):
        build = _chain
    else:
        build = _dense if coordinatewise and not law.is_diagonal else _vector
    first = build(problem, lowered[0], record)
    return tuple(replace(first, lowered=one) for one in lowered)


def _obstacle(lowered: Sequence[Lowered]) -> str | None:
    """Why the methods have no chain of the eigenspaces; None where they have."""
    if any(one.acts_on == COORDINATE for one in lowered):
        return "coordinate-wise methods do not commute with rotations"
    if any(one.needs_every_length for one in lowered):
        return "clipping per sample needs every sample of a batch"
    return None


def _own(values: Any) -> np.ndarray:
    """A writable copy: read-only arrays are another type to the compiler."""
    return np.array(values, dtype=np.float64)


def _chain(problem: Any, lowered: Lowered, record: np.ndarray) -> Engine:
    law = problem.covariance
    distances = np.sqrt(2 * problem.energies())
    return ReducedChain(
        lowered,
        problem.noise,
        record,
        law.dimension,
        _own(law.eigenvalues),
        _own(law.multiplicities),
        _own(distances),
    )


def _vector(problem: Any, lowered: Lowered, record: np.ndarray) -> Engine:
    law = problem.covariance
    if law.is_diagonal:
        variances, start = law.diagonal, problem.delta()
    else:
        variances, start = law.eigenvalues, law.eigenvectors.T @ problem.delta()
    alive = variances > 0
    return VectorChain(
        lowered, problem.noise, record, law.dimension, _own(variances[alive]), _own(start[alive])
    )


def _dense(problem: Any, lowered: Lowered, record: np.ndarray) -> Engine:
    law = problem.covariance
    root = np.sqrt(law.eigenvalues)[:, None] * law.eigenvectors.T
    return DenseEngine(
        lowered,
        problem.noise,
        record,
        law.dimension,
        _own(problem.delta()),
        _own(law.matrix),
        np.ascontiguousarray(root, dtype=np.float32),
    )
