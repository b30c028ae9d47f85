r"""Schedules given by a table: linear between knots, constant before the first and after the last.

In a formula the table stays whole, as one function of :math:`t`; compiled code looks it up in the
array of parameters, so that a new table compiles nothing.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import sympy as sp

from .checks import vector
from .errors import InvalidInput
from .symbols import t

MOST_KNOTS = 512


class lookup(sp.Function):  # noqa: N801
    """The value of a table at a time.

    Arguments: the time, and the table as (times, values) or as the symbol that stands for it; a
    number in its place is a table of that one value.
    """

    nargs = 2
    is_real = True
    is_nonnegative = True

    @classmethod
    def eval(cls, time: Any, table: Any) -> Any:
        if table.is_Number:
            return table
        if time.is_Number and isinstance(table, sp.Tuple):
            return sp.Float(np.interp(float(time), *_numbers(table)))
        return None

    @staticmethod
    def _imp_(time: Any, table: Any) -> Any:
        return np.interp(time, *table)

    @property
    def knots(self) -> tuple[np.ndarray, np.ndarray]:
        """Times and values."""
        return _numbers(self.args[1])

    def _sympystr(self, printer: Any) -> str:
        time, table = self.args
        if isinstance(table, sp.Symbol):
            return f"{table}({printer._print(time)})"
        content = hashlib.sha256(np.concatenate(self.knots).tobytes()).hexdigest()[:12]
        return f"interpolated({len(table[0])} knots to t = {float(table[0][-1]):g}, {content})"

    def _latex(self, printer: Any, exp: Any = None) -> str:
        time, table = self.args
        name = printer._print(table) if isinstance(table, sp.Symbol) else r"\mathrm{table}"
        text = rf"{name}\left({printer._print(time)}\right)"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


def _numbers(table: Any) -> tuple[np.ndarray, np.ndarray]:
    times, values = (np.array(row, dtype=np.float64) for row in table)
    return times, values


def interpolated(times: Any, values: Any) -> sp.Expr:
    """The schedule that is linear between knots and constant outside them.

    Parameters
    ----------
    times : (n,) array_like
        Increasing, >= 0; 2 to 512 of them.
    values : (n,) array_like
        Finite, >= 0.

    Returns
    -------
    sympy expression in ``limitlab.t``
        Serves wherever a schedule does, in theory and in simulation.

    Raises
    ------
    InvalidInput
        Times that do not increase, a negative value, too many knots.

    Examples
    --------
    >>> import limitlab as ll
    >>> float(ll.interpolated([0, 2], [0.75, 0.25]).subs(ll.t, 1.0))
    0.5
    """
    knots = vector("times", times)
    heights = vector("values", values, knots.size)
    if not 2 <= knots.size <= MOST_KNOTS:
        raise InvalidInput("times", times, f"give 2 to {MOST_KNOTS} knots")
    if knots[0] < 0 or np.any(np.diff(knots) <= 0):
        raise InvalidInput("times", times, "give increasing times >= 0")
    if heights.min() < 0:
        raise InvalidInput("values", values, "give values >= 0")
    return lookup(t, sp.Tuple(*(sp.Tuple(*map(sp.Float, row)) for row in (knots, heights))))


def tables(expression: Any) -> list[Any]:
    """The distinct look-ups of an expression in the order in which they are written."""
    found = (a for a in sp.preorder_traversal(sp.sympify(expression)) if isinstance(a, lookup))
    return list(dict.fromkeys(found))
