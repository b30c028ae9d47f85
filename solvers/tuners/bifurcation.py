"""Where a tuner ends up as one of its numbers is varied: the diagram of its attractors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import count, vector
from ...theory.core.errors import InvalidInput, NotAvailable
from ...theory.methods.base import Method
from ...theory.tuners.derive import check, derive
from ...theory.tuners.problem import SharpnessToy, TwoCurvatures
from ..stepping.orbit import orbits
from .follow import CEILING, fields_of, numbers_of, start_of, state_of

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bifurcation:
    """The last steps of an orbit for each value of a number.

    Attributes
    ----------
    field : str
    values : (N,) array
        Of the field that is varied.
    samples : dict of (N, keep) arrays
        What the map observes, at the last steps; NaN where an orbit was lost.
    states : tuple of str
        How each ended.
    """

    field: str
    values: Array
    samples: Mapping[str, Array]
    states: tuple[str, ...]


def bifurcation(
    problem: SharpnessToy | TwoCurvatures,
    method: Method,
    field: str,
    values: Any,
    *,
    steps: int = 10_000,
    keep: int = 100,
    workers: int | None = None,
) -> Bifurcation:
    """Follow the exact map for many values of one number, and keep the last steps of each.

    Parameters
    ----------
    problem : SharpnessToy or TwoCurvatures
    method : a Tuner or GradientDescent
    field : str
        A number of the method or of the problem, such as "scale" or "kappa".
    values : array_like
    steps, keep : int
        Steps of each orbit, and how many of the last ones are kept.
    workers : int, optional
        Threads.

    Raises
    ------
    InvalidInput
        More steps kept than made; a number outside its range.
    NotAvailable
        A field that is no number of the pair; noise, under which one run is random.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> problem, method = ll.TwoCurvatures(5.0), ll.CDAT(1.3)
    >>> found = ll.bifurcation(problem, method, "scale", [1.3], steps=500, keep=2)
    >>> np.round(found.samples["edge"], 6).tolist()  # 2 kappa/(kappa + 1)
    [[1.666667, 1.666667]]
    """
    check(problem, method)
    owner = next((o for o in (method, problem) if field in _numeric(o)), None)
    if owner is None:
        listed = ", ".join([*_numeric(method), *_numeric(problem)])
        raise NotAvailable("field", field, f"give one of {listed}")
    values, steps = vector("values", values), count("steps", steps)
    if count("keep", keep) > steps:
        raise InvalidInput("keep", keep, f"give at most steps = {steps}")
    if isinstance(problem, SharpnessToy) and problem.noise:
        raise NotAvailable("noise", problem.noise, "one run is random; use 0")
    cases = [_case(problem, method, owner, field, value) for value in values]
    system = derive(*cases[0])
    if any(derive(*case).source != system.source for case in cases[1 :: max(1, len(cases) // 8)]):
        raise InvalidInput("values", values, "0 and infinity change the rule; leave them out")
    fields = fields_of(cases[0][1])
    found = orbits(
        system,
        [start_of(*case, True) for case in cases],
        [numbers_of(*case, fields) for case in cases],
        np.arange(steps - keep + 1, steps + 1),
        ceiling=CEILING,
        inputs=[np.array(problem.bulk)] if hasattr(problem, "bulk") else [],
        workers=workers,
    )
    samples = {n: np.array([o.values[n] for o in found]) for n in system.observed if n != "branch"}
    return Bifurcation(field, values, samples, tuple(state_of(o, problem) for o in found))


def _numeric(owner: Any) -> list[str]:
    names = getattr(owner, "__dataclass_fields__", {})
    return [n for n in names if n != "batch" and isinstance(_plain(getattr(owner, n)), float)]


def _plain(value: Any) -> Any:
    """A number as a float; schedules that are constant are numbers here."""
    if isinstance(value, bool):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def _case(problem: Any, method: Any, owner: Any, field: str, value: float) -> tuple[Any, Any]:
    changed = replace(owner, **{field: float(value)})
    return (problem, changed) if owner is method else (changed, method)
