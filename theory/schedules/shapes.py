r"""Schedules that training runs use: linear warm-up, steps, pieces, cosines, 1/√t.

.. math:: \eta(t)=\eta_i(t)\quad\text{for}\quad t_i\le t<t_{i+1}

Each is an expression in ``limitlab.t`` whose numbers are parameters of compiled code.  Where it
bends or jumps, :mod:`.kinks` finds out, and solvers step there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from ..core.checks import number, positive, vector
from ..core.errors import InvalidInput
from ..core.symbols import t
from .schedule import as_schedule


def piecewise(schedules: Sequence[Any], at: Sequence[float]) -> sp.Expr:
    """The schedule that follows one schedule after the other, all of them in the same time.

    Parameters
    ----------
    schedules : sequence of float or schedule
        One more than there are times in `at`.
    at : sequence of float
        Increasing times > 0 at which the next one takes over.

    Raises
    ------
    InvalidInput
        Times that do not increase; a number of schedules that does not fit them.

    Examples
    --------
    >>> import limitlab as ll
    >>> rate = ll.piecewise([0.4, 0.1], [2.0])
    >>> [float(rate.subs(ll.t, time)) for time in (1.9, 2.0)]
    [0.4, 0.1]
    """
    ends = _times("at", at)
    if len(schedules) != len(ends) + 1:
        remedy = f"give {len(ends) + 1} schedules, one more than times in at"
        raise InvalidInput("schedules", schedules, remedy)
    each = [_as_expression(s, f"schedules[{i}]") for i, s in enumerate(schedules)]
    return _joined(each, ends)


def steps(a: float, at: Sequence[float], factor: float = 0.1) -> sp.Expr:
    """The schedule a that is multiplied by `factor` at each of the times `at`.

    Raises
    ------
    InvalidInput
        Times that do not increase; a value or a factor that is not positive.

    Examples
    --------
    >>> import limitlab as ll
    >>> rate = ll.steps(0.4, at=[2.0, 4.0], factor=0.5)
    >>> [float(rate.subs(ll.t, time)) for time in (1, 3, 5)]
    [0.4, 0.2, 0.1]
    """
    a, factor = positive("a", a), positive("factor", factor)
    ends = _times("at", at)
    return _joined([sp.Float(a * factor**i) for i in range(len(ends) + 1)], ends)


def warmup(schedule: Any, over: float, start: float = 0.0) -> sp.Expr:
    """A schedule times a factor that grows linearly from `start` to 1 up to the time `over`.

    Parameters
    ----------
    schedule : float or schedule
    over : float
        > 0.
    start : float
        In [0, 1).

    Raises
    ------
    InvalidInput
        A time that is not positive; a start outside [0, 1).

    Examples
    --------
    >>> import limitlab as ll
    >>> rate = ll.warmup(0.4, over=2.0)
    >>> [float(rate.subs(ll.t, time)) for time in (1, 3)]
    [0.2, 0.4]
    """
    end, start = positive("over", over), number("start", start)
    if not 0 <= start < 1:
        raise InvalidInput("start", start, "give a fraction >= 0 and below 1")
    full = _as_expression(schedule, "schedule")
    return _joined([full * _line(start, 1.0, 0.0, end), full], [end])


def warmup_cosine(a: float, warmup: float, until: float, end: float = 0.0) -> sp.Expr:
    """Linear from 0 to a at `warmup`, half a cosine from there to `end` at `until`, then `end`.

    Raises
    ------
    InvalidInput
        Times that do not increase; an end that is negative or above a.

    Examples
    --------
    >>> import limitlab as ll
    >>> rate = ll.warmup_cosine(0.4, warmup=1.0, until=9.0)
    >>> [round(float(rate.subs(ll.t, time)), 12) for time in (0.5, 1, 5, 10)]
    [0.2, 0.4, 0.2, 0.0]
    """
    a, end = positive("a", a), _end(end, a)
    first, last = _increasing(warmup=warmup, until=until)
    angle = sp.pi * (t - sp.Float(first)) / sp.Float(last - first)
    fall = _plus(sp.Float(a - end) * (1 + sp.cos(angle)) / 2, end)
    return _joined([_line(0.0, a, 0.0, first), fall, sp.Float(end)], [first, last])


def wsd(a: float, warmup: float, decay: float, until: float, end: float = 0.0) -> sp.Expr:
    """Warm-up, stable, decay: linear from 0 to a at `warmup`, a up to `decay`, linear from there
    to `end` at `until`, then `end`.

    Raises
    ------
    InvalidInput
        Times that do not increase; an end that is negative or above a.

    Examples
    --------
    >>> import limitlab as ll
    >>> rate = ll.wsd(0.4, warmup=1.0, decay=4.0, until=6.0)
    >>> [round(float(rate.subs(ll.t, time)), 12) for time in (0.5, 2, 5, 7)]
    [0.2, 0.4, 0.2, 0.0]
    """
    a, end = positive("a", a), _end(end, a)
    first, middle, last = _increasing(warmup=warmup, decay=decay, until=until)
    parts = [_line(0.0, a, 0.0, first), sp.Float(a), _line(a, end, middle, last), sp.Float(end)]
    return _joined(parts, [first, middle, last])


def inverse_sqrt(a: float, warmup: float) -> sp.Expr:
    """Linear from 0 to a at `warmup`, then a √(warmup/t).

    Raises
    ------
    InvalidInput, InvalidType
        A value or a warm-up that is not a number > 0.

    Examples
    --------
    >>> import limitlab as ll
    >>> rate = ll.inverse_sqrt(0.4, warmup=1.0)
    >>> [round(float(rate.subs(ll.t, time)), 12) for time in (0.5, 4)]
    [0.2, 0.2]
    """
    a, first = positive("a", a), positive("warmup", warmup)
    fall = sp.Float(a) * sp.sqrt(sp.Float(first) / t)
    return _joined([_line(0.0, a, 0.0, first), fall], [first])


def _line(low: float, high: float, start: float, end: float) -> Any:
    """The line from `low` at `start` to `high` at `end`; Float(0) terms are left out."""
    moved = t - sp.Float(start) if start else t
    return _plus(sp.Float(high - low) / sp.Float(end - start) * moved, low)


def _plus(expression: Any, value: float) -> Any:
    return expression + sp.Float(value) if value else expression


def _joined(parts: Sequence[Any], ends: Sequence[float]) -> sp.Expr:
    pairs = [(part, t < sp.Float(end)) for part, end in zip(parts, ends, strict=False)]
    return sp.Piecewise(*pairs, (parts[-1], True), evaluate=False)


def _as_expression(value: Any, field: str) -> Any:
    schedule = as_schedule(value, field)
    return schedule if isinstance(schedule, sp.Expr) else sp.Float(schedule)


def _end(end: float, a: float) -> float:
    end = number("end", end)
    if not 0 <= end < a:
        raise InvalidInput("end", end, f"give a number >= 0 and below a = {a:g}")
    return end


def _times(field: str, at: Any) -> list[float]:
    times = vector(field, at)
    if times.size == 0 or times[0] <= 0 or (times[1:] <= times[:-1]).any():
        raise InvalidInput(field, at, "give increasing times > 0")
    return [float(time) for time in times]


def _increasing(**times: float) -> list[float]:
    """Times > 0, each after the one before."""
    found = [positive(name, value) for name, value in times.items()]
    for (name, value), before, other in zip(
        list(times.items())[1:], found, list(times), strict=False
    ):
        if value <= before:
            raise InvalidInput(name, value, f"give a time after {other} = {before:g}")
    return found


SHAPES = (warmup, steps, piecewise, warmup_cosine, wsd, inverse_sqrt)
