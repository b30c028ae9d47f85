"""Which engine runs a problem and a method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...theory.errors import InvalidInput, NotAvailable
from .chain import ReducedChain
from .engine import Engine
from .lowering import Lowered
from .samples import DenseEngine
from .vector import VectorChain

#: the reduced chain is taken where there are at least this many dimensions an eigenvalue
CROWDING = 8
ENGINES = ("chain", "vector")


def choose(
    problem: Any, lowered: Sequence[Lowered], record: np.ndarray, engine: str | None
) -> tuple[Engine, ...]:
    """The engines for Gaussian inputs: of one kind, so that the methods can share samples.

    Parameters
    ----------
    engine : {"chain", "vector"} or None
        None takes the exact chain of the eigenspaces where few eigenvalues are distinct and
        every method commutes with rotations, and the vector otherwise.

    Raises
    ------
    NotAvailable
        An infinite dimension; the chain for a coordinate-wise method.
    """
    law = problem.covariance
    if engine not in (None, *ENGINES):
        raise InvalidInput("engine", engine, f"use one of {', '.join(ENGINES)}, or None")
    if math.isinf(law.dimension):
        remedy = "a spectral density has no finite algorithm; give a covariance of finite d"
        raise NotAvailable("covariance", law, remedy)
    coordinatewise = any(one.acts_on == 2 for one in lowered)
    if engine == "chain" and coordinatewise:
        remedy = 'coordinate-wise methods do not commute with rotations; use engine="vector"'
        raise NotAvailable("engine", engine, remedy)
    crowded = law.eigenvalues.size * CROWDING <= law.dimension
    if engine == "chain" or (engine is None and crowded and not coordinatewise):
        build = _chain
    else:
        build = _dense if coordinatewise and not law.is_diagonal else _vector
    first = build(problem, lowered[0], record)
    return tuple(replace(first, lowered=one) for one in lowered)


def _own(values: Any) -> np.ndarray:
    """A writable copy: read-only arrays are another type to the compiler."""
    return np.array(values, dtype=np.float64)


def _chain(problem: Any, lowered: Lowered, record: np.ndarray) -> Engine:
    law = problem.covariance
    distances = np.sqrt(2 * problem.energies())
    return ReducedChain(
        lowered, problem.noise, record, law.dimension, _own(law.eigenvalues),
        _own(law.multiplicities), _own(distances),
    )  # fmt: skip


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
        lowered, problem.noise, record, law.dimension, _own(problem.delta()), _own(law.matrix),
        np.ascontiguousarray(root, dtype=np.float32),
    )  # fmt: skip
