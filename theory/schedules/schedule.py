r"""Schedules: hyper-parameters that are numbers or sympy expressions in the time :math:`t`."""

from __future__ import annotations

import dataclasses
from numbers import Real
from typing import Any

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

from ..core.checks import number, positive
from ..core.errors import InvalidInput, InvalidType, NotAvailable
from ..core.program import UNARY, Unknown, program, run
from ..core.symbols import t
from .following import FollowingRate
from .grammar import expression as read

#: a rounding error below zero, as at the end of a cosine, is not a negative schedule
_ROUNDING = 1e-12


def constant(a: float) -> sp.Expr:
    """The schedule a at all times.

    Raises
    ------
    InvalidInput, InvalidType
        A value that is not a number > 0.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.constant(0.4)
    0.400000000000000
    """
    return sp.Float(positive("a", a))


def power_decay(a: float, exponent: float, timescale: float = 1.0) -> sp.Expr:
    """The schedule a (1 + t/timescale)^(-exponent).

    Raises
    ------
    InvalidInput, InvalidType
        A value or a timescale that is not a number > 0.

    Examples
    --------
    >>> import limitlab as ll
    >>> rate = ll.power_decay(0.4, exponent=0.5)
    >>> float(rate.subs(ll.t, 3.0))
    0.2
    """
    base = 1 + t / sp.Float(positive("timescale", timescale))
    return sp.Float(positive("a", a)) * base ** sp.Float(-number("exponent", exponent))


def cosine(a: float, until: float) -> sp.Expr:
    """The schedule a (1 + cos(π t/until))/2, which falls from a to 0 at `until`.

    Raises
    ------
    InvalidInput, InvalidType
        A value or an end that is not a number > 0.

    Examples
    --------
    >>> import limitlab as ll
    >>> round(float(ll.cosine(0.4, until=8).subs(ll.t, 4.0)), 12)
    0.2
    """
    angle = sp.pi * t / sp.Float(positive("until", until))
    return sp.Float(positive("a", a)) * (1 + sp.cos(angle)) / 2


def as_schedule(value: Any, field: str) -> float | sp.Expr:
    """A validated number > 0, or the sympy expression in ``limitlab.t`` itself.

    Text such as ``"0.4 / (1 + t)**0.5"`` is read by the whitelisted grammar of files, and a plain
    symbol named t is taken for ``limitlab.t``.

    Raises
    ------
    InvalidInput
        The number is not > 0 and finite; the expression has other symbols than t or a function
        that schedules do not have.
    InvalidType
        Neither a number nor an expression.
    """
    if isinstance(value, str):
        value = read(value, field)
    if isinstance(value, sp.Expr):
        return _expression(value, field)
    if isinstance(value, float | Real):  # the first is told sooner
        return positive(field, value)
    remedy = "give a number > 0, a sympy expression in limitlab.t, or text such as '0.4/(1 + t)'"
    raise InvalidType(field, value, remedy)


def _expression(value: sp.Expr, field: str) -> float | sp.Expr:
    value = value.xreplace({s: t for s in value.free_symbols if str(s) == str(t)})
    strangers = sorted(str(s) for s in value.free_symbols - {t})
    if strangers:
        remedy = f"has the symbols {', '.join(strangers)}; write it in limitlab.t alone"
        raise InvalidInput(field, value, remedy)
    if value.atoms(AppliedUndef):
        raise InvalidInput(field, value, "has an undefined function; use functions of sympy")
    if value.free_symbols:
        return _checked_program(value, field)
    if value.is_extended_real is False or value.is_finite is False or value is sp.nan:
        raise InvalidInput(field, value, "give a finite real number > 0")
    try:
        return positive(field, float(value))
    except TypeError:
        raise InvalidInput(field, value, "has no value; give a finite real number > 0") from None


def _checked_program(value: sp.Expr, field: str) -> sp.Expr:
    try:
        program(value)
    except Unknown as error:
        known = ", ".join(sorted(kind.__name__ for kind, _ in UNARY.values()))
        remedy = f"has {error}; schedules are made of + * **, Min, Max, Piecewise, {known}"
        raise InvalidInput(field, value, remedy) from None
    return value


def evaluate(schedule: float | sp.Expr, times: Any) -> np.ndarray:
    """Values of a schedule at `times`, in the shape of `times`; NaN where it is not real."""
    grid = np.asarray(times, dtype=np.float64)
    if isinstance(schedule, FollowingRate):
        remedy = "follows the run; this question takes a number or a schedule"
        raise NotAvailable("rate", schedule, remedy)
    if not isinstance(schedule, sp.Expr):
        return np.full(grid.shape, float(schedule))
    with np.errstate(all="ignore"):
        return run(program(schedule), grid)


def check_schedules(owner: object, until: float) -> None:
    """Refuse a method, or a part of one, that has a schedule which leaves its range on
    [0, until], in itself or in its parts."""
    for field, value in vars(owner).items():
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            check_schedules(value, until)
        if isinstance(value, sp.Expr) and value.has(t):
            check_schedule(value, until, field)


def check_schedule(schedule: float | sp.Expr, until: float, field: str) -> None:
    """Refuse a schedule that is negative or not finite somewhere on [0, until].

    Looks at 4001 times and, more closely, around the lowest and the highest of them.
    """
    grid = np.linspace(0.0, until, 4001)
    values = _checked(schedule, grid, field)
    top = values.max()
    for place in (np.argmin(values), np.argmax(values)):
        centre, width = grid[place], until / 4000
        for _ in range(4):
            near = np.clip(np.linspace(centre - width, centre + width, 101), 0.0, until)
            zoom = _checked(schedule, near, field)
            best = np.argmax(zoom) if place == np.argmax(values) else np.argmin(zoom)
            centre, width = near[best], width / 25
            if zoom[best] > 1e6 * top > 0:
                raise InvalidInput(field, schedule, f"grows without bound near t = {centre:.6g}")


def _checked(schedule: float | sp.Expr, grid: np.ndarray, field: str) -> np.ndarray:
    values = evaluate(schedule, grid)
    broken = ~np.isfinite(values)
    if broken.any():
        where = grid[np.argmax(broken)]
        raise InvalidInput(field, schedule, f"is not a finite number at t = {where:.6g}")
    if values.min() < -_ROUNDING * max(1.0, np.abs(values).max()):
        where = grid[np.argmin(values)]
        remedy = f"is {values.min():.6g} at t = {where:.6g}; keep it >= 0 on the horizon"
        raise InvalidInput(field, schedule, remedy)
    return values
