r"""Schedules as short programs for a stack machine: one a schedule, whatever its form.

Compiled code runs the program that stands in the array of parameters, so that neither a new number
nor a new formula compiles anything; :func:`run` is the same machine on arrays.  A program is a list
of (operation, argument): numbers and the time are pushed, operations take their arguments from the
top of the stack, and a table is followed by its knots.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from .symbols import t
from .tabulated import lookup

#: most numbers that a program may hold on its stack
DEEPEST = 64

NUMBER, TIME, TABLE, ADD, MULTIPLY, POWER, MIN, MAX, SELECT = range(9)
LESS, LESS_EQUAL, EQUAL, AND, OR = range(9, 14)
#: operations of one argument, by number, with their sympy class and how numpy evaluates them
UNARY: dict[int, tuple[Any, Callable[[Any], Any]]] = {
    20: (sp.exp, np.exp),
    21: (sp.log, np.log),
    22: (sp.sin, np.sin),
    23: (sp.cos, np.cos),
    24: (sp.tan, np.tan),
    25: (sp.sinh, np.sinh),
    26: (sp.cosh, np.cosh),
    27: (sp.tanh, np.tanh),
    28: (sp.Abs, np.abs),
    29: (sp.sign, np.sign),
    30: (sp.floor, np.floor),
    31: (sp.ceiling, np.ceil),
    32: (sp.asin, np.arcsin),
    33: (sp.acos, np.arccos),
    34: (sp.atan, np.arctan),
    35: (sp.erf, np.vectorize(math.erf, otypes=[float])),
    36: (sp.erfc, np.vectorize(math.erfc, otypes=[float])),
    37: (sp.gamma, np.vectorize(lambda x: _or_nan(math.gamma, x), otypes=[float])),
    38: (sp.loggamma, np.vectorize(lambda x: _or_nan(math.lgamma, x), otypes=[float])),
    39: (sp.Heaviside, lambda x: np.heaviside(x, 0.5)),
    40: (sp.Not, lambda x: 1.0 - x),
}
_CODES = {kind: code for code, (kind, _) in UNARY.items()}
_FOLDED = {sp.Add: ADD, sp.Mul: MULTIPLY, sp.Min: MIN, sp.Max: MAX, sp.And: AND, sp.Or: OR}
#: relations as (operation, whether the arguments change places)
_RELATIONS = {
    sp.StrictLessThan: (LESS, False),
    sp.LessThan: (LESS_EQUAL, False),
    sp.StrictGreaterThan: (LESS, True),
    sp.GreaterThan: (LESS_EQUAL, True),
    sp.Equality: (EQUAL, False),
}


class Unknown(Exception):
    """A function that programs do not have, or an expression that is too deep; the text names
    it."""


def _or_nan(function: Callable[[float], float], x: float) -> float:
    try:
        return function(x)
    except (ValueError, OverflowError):
        return math.nan


@lru_cache(maxsize=512)
def program(expression: sp.Expr) -> tuple[float, ...]:
    """Return the program of an expression in t: the count of what follows, then its instructions.

    Raises
    ------
    Unknown
    """
    found: list[float] = []
    deepest = _emit(sp.sympify(expression), found)
    if deepest > DEEPEST:
        raise Unknown("an expression that is nested too deeply")
    return (float(len(found)), *found)


@lru_cache(maxsize=512)
def supported(expression: Any) -> Any:
    """Return an expression in any symbols with functions that have operations alone, others being
    rewritten where they can be.

    Raises
    ------
    Unknown
    """
    if not expression.args or isinstance(expression, (lookup, scheduled)):
        return expression
    if expression.is_number and not expression.atoms(sp.Function):
        return expression
    kind = type(expression)
    known = (*_FOLDED, *_RELATIONS, *_CODES, sp.Unequality, sp.Pow, sp.Piecewise)
    if kind not in known and kind is not sp.functions.elementary.piecewise.ExprCondPair:
        return supported(_rewritten(expression))
    arguments = [supported(a) for a in expression.args]
    return expression if tuple(arguments) == expression.args else expression.func(*arguments)


def _emit(node: Any, out: list[float]) -> int:
    """Append the instructions of a node; return how many numbers they hold at once."""
    if node == t:
        out += [TIME, 0.0]
        return 1
    if isinstance(node, lookup):
        return _emit_table(node, out)
    if node.is_number and not isinstance(node, sp.logic.boolalg.Boolean):
        value = complex(node)
        out += [NUMBER, value.real if value.imag == 0 else math.nan]
        return 1
    if node in (sp.true, sp.false):
        out += [NUMBER, float(bool(node))]
        return 1
    kind = type(node)
    if kind in _FOLDED:
        return _emit_folded(_FOLDED[kind], node.args, out)
    if kind in _RELATIONS:
        code, swapped = _RELATIONS[kind]
        return _emit_call(code, node.args[::-1] if swapped else node.args, out)
    if kind is sp.Unequality:
        return _emit(sp.Not(sp.Eq(*node.args), evaluate=False), out)
    if kind is sp.Pow:
        return _emit_call(POWER, node.args, out)
    if kind is sp.Piecewise:
        return _emit_branches(node.args, out)
    if kind in _CODES:
        return _emit_call(_CODES[kind], node.args[:1], out)
    return _emit(_rewritten(node), out)


def _rewritten(node: Any) -> Any:
    """A function that has no operation in terms of those that have one: sec, coth, asinh, Mod."""
    for target in (sp.cos, sp.sin, sp.tanh, sp.exp, sp.log, sp.floor, sp.Piecewise):
        other = node.rewrite(target)
        if other.func is not node.func and not other.has(node.func, sp.I):
            return other
    raise Unknown(f"the function {type(node).__name__}")


def _emit_call(code: int, arguments: Any, out: list[float]) -> int:
    deepest = max(k + _emit(argument, out) for k, argument in enumerate(arguments))
    out += [code, 0.0]
    return deepest


def _emit_folded(code: int, arguments: Any, out: list[float]) -> int:
    deepest = _emit(arguments[0], out)
    for argument in arguments[1:]:
        deepest = max(deepest, 1 + _emit(argument, out))
        out += [code, 0.0]
    return deepest


def _emit_branches(branches: Any, out: list[float]) -> int:
    """A Piecewise: the first branch whose condition holds; NaN where none does."""
    if not branches:
        out += [NUMBER, math.nan]
        return 1
    (value, condition), rest = branches[0], branches[1:]
    if condition == True:  # noqa: E712
        return _emit(value, out)
    depths = [_emit(condition, out), 1 + _emit(value, out), 2 + _emit_branches(rest, out)]
    out += [SELECT, 0.0]
    return max(depths)


def _emit_table(node: Any, out: list[float]) -> int:
    times, values = node.knots
    deepest = _emit(node.args[0], out)
    out += [TABLE, float(times.size), *times, *values]
    return deepest


def run(instructions: tuple[float, ...], times: np.ndarray) -> np.ndarray:
    """Return the values at an array of times; NaN where they are not real."""
    stack: list[Any] = []
    place = 1
    while place < len(instructions):
        code, argument = int(instructions[place]), instructions[place + 1]
        place += 2
        if code == NUMBER:
            stack.append(argument)
        elif code == TIME:
            stack.append(times)
        elif code == TABLE:
            size = int(argument)
            knots = np.array(instructions[place : place + 2 * size])
            stack.append(np.interp(stack.pop(), knots[:size], knots[size:]))
            place += 2 * size
        elif code in UNARY:
            stack.append(UNARY[code][1](stack.pop()))
        else:
            count = 3 if code == SELECT else 2
            arguments, stack = stack[-count:], stack[:-count]
            stack.append(_NUMPY[code](*arguments))
    return np.array(np.broadcast_to(stack[-1], times.shape), dtype=np.float64)


_NUMPY: dict[int, Callable[..., Any]] = {
    ADD: np.add,
    MULTIPLY: np.multiply,
    POWER: lambda x, y: np.power(np.asarray(x, dtype=float), y),
    MIN: np.minimum,
    MAX: np.maximum,
    SELECT: lambda condition, x, y: np.where(np.asarray(condition) > 0.5, x, y),
    LESS: lambda x, y: np.less(x, y).astype(float),
    LESS_EQUAL: lambda x, y: np.less_equal(x, y).astype(float),
    EQUAL: lambda x, y: np.equal(x, y).astype(float),
    AND: np.minimum,
    OR: np.maximum,
}

#: the same machine in generated code
MACHINE = f"""\
@scalar
def run_unary(code, x):
    if code == 20:
        return math.exp(x)
    if code == 21:
        return math.log(x) if x > 0.0 else (-math.inf if x == 0.0 else math.nan)
    if code == 22:
        return math.sin(x)
    if code == 23:
        return math.cos(x)
    if code == 24:
        return math.tan(x)
    if code == 25:
        return math.sinh(x)
    if code == 26:
        return math.cosh(x)
    if code == 27:
        return math.tanh(x)
    if code == 28:
        return abs(x)
    if code == 29:
        return 1.0 if x > 0.0 else (-1.0 if x < 0.0 else 0.0)
    if code == 30:
        return np.floor(x)
    if code == 31:
        return np.ceil(x)
    if code == 32:
        return math.asin(x)
    if code == 33:
        return math.acos(x)
    if code == 34:
        return math.atan(x)
    if code == 35:
        return math.erf(x)
    if code == 36:
        return math.erfc(x)
    if code == 37:
        return math.gamma(x)
    if code == 38:
        return math.lgamma(x)
    if code == 39:
        return 1.0 if x > 0.0 else (0.0 if x < 0.0 else 0.5)
    return 1.0 - x


@scalar
def run_binary(code, x, y):
    if code == {ADD}:
        return x + y
    if code == {MULTIPLY}:
        return x * y
    if code == {POWER}:
        return x**y
    if code == {MIN} or code == {AND}:
        return min(x, y)
    if code == {MAX} or code == {OR}:
        return max(x, y)
    if code == {LESS}:
        return 1.0 if x < y else 0.0
    if code == {LESS_EQUAL}:
        return 1.0 if x <= y else 0.0
    return 1.0 if x == y else 0.0


@scalar
def run_table(x, p, times, n):
    values = times + n
    low, high = 0, n - 1
    if x <= p[times]:
        return p[values]
    if x >= p[times + high]:
        return p[values + high]
    while high - low > 1:
        middle = (low + high) // 2
        if p[times + middle] <= x:
            low = middle
        else:
            high = middle
    share = (x - p[times + low]) / (p[times + high] - p[times + low])
    return p[values + low] + share * (p[values + high] - p[values + low])


@scalar
def run_program(t, p, start):
    place = start + 1
    end = place + int(p[start])
    stack = np.empty({DEEPEST})
    top = -1
    while place < end:
        code, argument = int(p[place]), p[place + 1]
        place += 2
        if code == {NUMBER} or code == {TIME}:
            top += 1
            stack[top] = argument if code == {NUMBER} else t
        elif code == {TABLE}:
            stack[top] = run_table(stack[top], p, place, int(argument))
            place += 2 * int(argument)
        elif code >= 20:
            stack[top] = run_unary(code, stack[top])
        elif code == {SELECT}:
            top -= 2
            stack[top] = stack[top + 1] if stack[top] > 0.5 else stack[top + 2]
        else:
            top -= 1
            stack[top] = run_binary(code, stack[top], stack[top + 1])
    return stack[0]
"""


class scheduled(sp.Function):  # noqa: N801
    """A schedule in a formula: how it is written, and the symbol of its program.

    A number in place of the symbol is a schedule of that value.
    """

    nargs = 2
    is_real = True
    is_nonnegative = True

    @classmethod
    def eval(cls, formula: Any, symbol: Any) -> Any:
        return symbol if symbol.is_Number else None

    @property
    def free_symbols(self) -> set[Any]:
        return {t, self.args[1]}

    def _sympystr(self, printer: Any) -> str:
        return f"({printer._print(self.args[0])})"

    def _latex(self, printer: Any, exp: Any = None) -> str:
        text = printer._print(self.args[0])
        if exp is None:
            return rf"\left({text}\right)" if self.args[0].is_Add else text
        return rf"\left({text}\right)^{{{exp}}}"
