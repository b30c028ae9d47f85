"""Networks: the limit at the first instant, the static limit, the matrix flow, the transient."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import limitlab as ll

from .clock import Call, time_one
from .report import Row, Table, at_most

#: milliseconds that each may take
FREE, STATIC, FLOW, TRANSIENT = 200.0, 50.0, 5000.0, 50.0
UNITS = ("tanh", "relu", "hard-tanh", "gelu")


def first_instant(d: int) -> Call:
    """The free limit from two spectra of length d, at k = d."""
    teacher, inputs = np.linspace(-1, 1, d), np.linspace(0.5, 2, d)
    problem = ll.QuadraticNetwork(2 * d, d, teacher=teacher, inputs=inputs)
    return lambda: ll.early_alignment(problem, "limit")


def static(ensemble: str, unit: str) -> Call:
    """The static limit of an equilibrium network at 85 % of its last scale."""
    end = ll.critical_scale(ll.EquilibriumNetwork(ensemble, 0.1, unit))
    problem = ll.EquilibriumNetwork(ensemble, 0.85 * end, unit)
    return lambda: ll.equilibrium(problem)


def flow(d: int) -> Call:
    """The matrix flow of a square network to t = 4, with everything that is recorded."""
    teacher, inputs = np.linspace(-1, 2, d), np.linspace(0.7, 1.3, d)
    problem = ll.QuadraticNetwork(d, d, teacher=teacher, inputs=inputs)
    return lambda: ll.solve(problem, ll.GradientDescent(0.01), until=4)


def transient(unit: str, steps: int) -> Call:
    """The map of lengths and steps near the last scale, where it does not come to rest."""
    end = ll.critical_scale(ll.EquilibriumNetwork("ginibre", 0.1, unit))
    problem = ll.EquilibriumNetwork("ginibre", 0.99 * end, unit)
    method = ll.FixedPointIteration()
    return lambda: ll.solve(problem, method, until=steps, points=steps + 1)


def tables(quick: bool) -> Iterator[Table]:
    """One table."""
    d, size, steps = 10**6, 60 if quick else 200, 200
    calls: list[tuple[str, Call, float]] = [
        (f"alignment at t = 0+, free limit, d = {d:g}", first_instant(d), FREE),
        *(
            (f"equilibrium, {kind}, {unit}", static(kind, unit), STATIC)
            for kind in ("ginibre", "goe", "symmetric-orthogonal")
            for unit in UNITS
        ),
        (f"matrix flow, d = k = {size}, t = 4", flow(size), FLOW),
        *(
            (f"two-time theory, {unit}, {steps} steps", transient(unit, steps), TRANSIENT)
            for unit in UNITS
        ),
    ]
    rows = [
        Row(name, 1e3 * time_one(call, 5).best, goal=at_most(goal, "ms"))
        for name, call, goal in calls
    ]
    yield Table("Networks", "ms", rows, caption="One thread, the second call and later ones.")
