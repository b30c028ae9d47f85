r"""Gradient descent itself, in the weights: one run, or one for each of many starts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ....solvers.core.curve import Curve
from ....solvers.core.runs import ensemble
from ....solvers.gradient_flow_sharpness import observe
from ....solvers.gradient_flow_sharpness.solve import described, recorded
from ....theory.core.checks import array
from ....theory.core.errors import NotAvailable
from ....theory.gradient_flow_sharpness import maps
from ....theory.gradient_flow_sharpness.derive import check_method
from ....theory.gradient_flow_sharpness.problem import DiagonalLinearNetwork, ScalarNetwork
from ....theory.methods.base import Method


def simulate(
    problem: ScalarNetwork | DiagonalLinearNetwork,
    method: Method,
    until: float | None = None,
    *,
    starts: Any = None,
    times: Any = None,
    points: int = 101,
) -> Curve:
    """Run gradient descent on a network; nothing in it is random.

    Parameters
    ----------
    problem : ScalarNetwork or DiagonalLinearNetwork
    method : GradientDescent
    until : float, optional
        Number of steps; may be left out where `times` is given.
    starts : (runs, D) array_like, optional
        Weights of each run of a ScalarNetwork; default: the problem's own.
    times, points : array_like, int
        Steps to record, or how many equal ones from 0.

    Returns
    -------
    Curve
        As from ``solve``, with every run and ``provenance["states"]``, how each ended.

    Raises
    ------
    InvalidInput, NotAvailable
        Bad input; starts of a DiagonalLinearNetwork.
    """
    check_method(method)
    scalar = isinstance(problem, ScalarNetwork)
    problems = [problem]
    if starts is not None:
        if not scalar:
            raise NotAvailable("starts", starts, "give another DiagonalLinearNetwork instead")
        problems = [replace(problem, weights=row) for row in array("starts", starts, 2)]
    system = maps.scalar_descent() if scalar else maps.diagonal_descent()
    grid = (until, times, points)
    found = [recorded(system, p, method, _states(p), _squares(p), grid) for p in problems]
    states = [one[3] for one in found]
    return ensemble(
        found[0][0].astype(float),
        observe.SCALAR if scalar else observe.DIAGONAL,
        [(values, step) for _, values, step, _ in found],
        f"{method.label}, {_size(problem)}",
        described(problem, method, "map")
        | {"source": "simulate", "states": states, "deterministic": True},
        steps=found[0][0],
        kind="simulation",
    )


def _size(problem: ScalarNetwork | DiagonalLinearNetwork) -> str:
    if isinstance(problem, ScalarNetwork):
        return f"{problem.depth} layers"
    return f"N = {problem.data}"


def _states(problem: Any) -> tuple[Any, ...]:
    if isinstance(problem, ScalarNetwork):
        return (problem.weights,)
    return problem.u, problem.v


def _squares(problem: Any) -> Any:
    """Squares of what was recorded of the weights."""
    if isinstance(problem, ScalarNetwork):
        return lambda found: (found.arrays["weights"] ** 2, found.values["product"])
    return lambda found: (found.arrays["u"] ** 2, found.arrays["v"] ** 2)
