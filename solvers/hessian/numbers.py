"""The numbers of the map of one unit."""

from __future__ import annotations

from typing import Any

from ...theory.hessian.derive import batched
from ...theory.hessian.problem import SingleIndex

#: loss, or |w|², from which a run has diverged
CEILING = 1e12


def numbers_of(problem: SingleIndex, method: Any) -> tuple[float, ...]:
    """The numbers of a map, in its order."""
    reach = getattr(method, "strength", getattr(method, "radius", 0.0))
    ratio = problem.dimension / method.batch if batched(method) else 0.0
    return (
        float(method.rate),
        problem.teacher,
        float(reach),
        float(getattr(method, "variance", 0.0)),
        ratio,
        float(getattr(method, "draws", None) or 1),
        *problem.activation.symbols.values(),
    )
