"""Streams of real rows: their optimum, and rows in the coordinates of the problem."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....theory.core.checks import array, vector
from ....theory.core.errors import InvalidInput
from ....theory.core.warn import warn
from .lowering import Lowered
from .samples import RowEngine

#: ridge, as a fraction of the mean eigenvalue, where there are fewer rows than features
RIDGE = 1e-2
#: relative difference of tr K above which rows and problem are called different
TRACE_TOLERANCE = 0.01


def optimum(rows: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Least squares solution on the rows, with a ridge of 1 % of the mean eigenvalue where n < d.

    Parameters
    ----------
    rows : (n, d) array
    targets : (n,) array
    """
    n, d = rows.shape
    if n >= d:
        return np.linalg.lstsq(rows, targets, rcond=1e-10)[0]
    second = rows.T @ rows / n
    ridge = RIDGE * np.trace(second) / d
    return np.linalg.solve(second + ridge * np.eye(d), rows.T @ targets / n)


def row_engine(
    problem: Any, lowered: Lowered, record: np.ndarray, rows: Any, targets: Any
) -> RowEngine:
    """The engine that draws rows with replacement.

    Columns that the problem's covariance dropped are dropped, and raw rows are scaled as the
    covariance was; theta(0) = theta* + delta(0) with theta* the optimum on the rows.

    Raises
    ------
    InvalidInput
        Only one of rows and targets, wrong shapes, values that are not finite.
    """
    if rows is None or targets is None:
        missing = "rows" if rows is None else "targets"
        raise InvalidInput(missing, None, "give rows= and targets= together")
    data = _in_problem_coordinates(problem, array("rows", rows, 2))
    labels = vector("targets", targets, len(data))
    residuals = labels - data @ optimum(data, labels)
    return RowEngine(
        lowered,
        None,
        record,
        data.shape[1],
        np.array(problem.delta()),
        data.T @ data / len(data),
        data,
        residuals,
        data.T @ residuals / len(data),
    )


def _in_problem_coordinates(problem: Any, rows: np.ndarray) -> np.ndarray:
    law = problem.covariance
    kept = getattr(law, "kept", None)
    if kept is not None and rows.shape[1] > law.dimension and rows.shape[1] > kept.max():
        rows = rows[:, kept]
    if rows.shape[1] != law.dimension:
        remedy = f"has {rows.shape[1]} columns; the problem has dimension {law.dimension}"
        raise InvalidInput("rows", rows, remedy)
    return np.array(rows * math.sqrt(_scale(law, rows)))


def _scale(law: Any, rows: np.ndarray) -> float:
    """Factor of K for raw rows, 1 for rows that are already scaled: told apart by their trace."""
    trace = float(np.sum(rows**2)) / len(rows)
    if trace == 0:
        raise InvalidInput("rows", rows, "all entries are zero")
    candidates = (1.0, getattr(law, "scale", 1.0))
    scale = min(candidates, key=lambda c: abs(math.log(c * trace / law.trace)))
    gap = scale * trace / law.trace - 1
    if abs(gap) > TRACE_TOLERANCE:
        warn(
            f"the second moments of the rows differ from the problem's covariance by {gap:+.1%} in "
            "the trace; build the problem with from_data(rows)"
        )
    return scale
