"""Expressions in t from files: an arithmetic whitelist, built into sympy node by node.

Text from a file is never handed to ``eval``, ``sympify`` or ``parse_expr``, which run code found in
strings.  Python's own parser reads it, and only numbers, ``t``, ``pi``, ``e``, + - * / ** and the
functions listed in :data:`FUNCTIONS` are turned into sympy.  Constant parts are folded in floating
point first, so that no integer can grow (``9**9**9``).
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

import sympy as sp

from ..core.errors import InvalidInput, InvalidType
from ..core.symbols import t

LONGEST_TEXT = 200
MOST_NODES = 120
DEEPEST = 24
LARGEST_EXPONENT = 64
LARGEST_NUMBER = 1e15

#: name -> (on numbers, on expressions)
FUNCTIONS: dict[str, tuple[Callable[[float], float], Callable[[Any], Any]]] = {
    "exp": (math.exp, sp.exp),
    "log": (math.log, sp.log),
    "sqrt": (math.sqrt, sp.sqrt),
    "sin": (math.sin, sp.sin),
    "cos": (math.cos, sp.cos),
    "tan": (math.tan, sp.tan),
    "sinh": (math.sinh, sp.sinh),
    "cosh": (math.cosh, sp.cosh),
    "tanh": (math.tanh, sp.tanh),
}
NAMES = {"t": t, "pi": math.pi, "e": math.e}
OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
ALLOWED = (
    f"use numbers, t, pi, e, + - * / ** and the functions {', '.join(sorted(FUNCTIONS))}; "
    f"at most {LONGEST_TEXT} characters, numbers up to {LARGEST_NUMBER:g}, "
    f"exponents up to {LARGEST_EXPONENT}"
)


class _Refused(Exception):
    """What is wrong with the text, in a few words."""


def expression(text: str | float, field: str = "expression") -> float | sp.Expr:
    """Read a number or an expression in t.

    Parameters
    ----------
    text : str, int or float
        A number (returned as it is) or text such as ``"0.4 / (1 + t)**0.5"``.
    field : str
        Name of the entry, for the error message.

    Returns
    -------
    float or sympy.Expr
        A float where t does not occur.

    Raises
    ------
    InvalidInput
        Text outside the grammar, too large, or without a finite real value.
    InvalidType
        Neither a number nor text.
    """
    if isinstance(text, bool) or not isinstance(text, (str, int, float)):
        raise InvalidType(field, text, "give a number, or an expression in t as text")
    if not isinstance(text, str):
        return text
    try:
        value = _build(_parse(text), 0)
        return _finite(value)
    except _Refused as error:
        raise InvalidInput(field, text, f"{error}; {ALLOWED}") from None


def _parse(text: str) -> ast.expr:
    if len(text) > LONGEST_TEXT:
        raise _Refused(f"{len(text)} characters are too many")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise _Refused("not an expression") from None
    if sum(1 for _ in ast.walk(tree)) > MOST_NODES:
        raise _Refused("too many terms")
    return tree.body


def _build(node: ast.expr, depth: int) -> Any:
    """Turn one node into a Python number (no t inside) or a sympy expression."""
    if depth > DEEPEST:
        raise _Refused("nested too deeply")
    match node:
        case ast.Constant(value=value):
            return _number(value)
        case ast.Name(id=name) if name in NAMES:
            return NAMES[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_build(operand, depth + 1)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _build(operand, depth + 1)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return _combine(op, _build(left, depth + 1), _build(right, depth + 1))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            return _apply(name, _build(argument, depth + 1))
    raise _Refused(f"{_describe(node)} is not allowed")


def _combine(op: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(op, ast.Pow):
        _check_power(left, right)
    try:
        return _bounded(OPERATORS[type(op)](left, right))
    except ArithmeticError:
        raise _Refused("a number is divided by zero or too large") from None


def _check_power(base: Any, exponent: Any) -> None:
    if not isinstance(exponent, sp.Expr) and abs(exponent) > LARGEST_EXPONENT:
        raise _Refused(f"the exponent {exponent:g} is too large")
    # in floating point first: an integer power is only formed once it is known to be small
    if not isinstance(base, sp.Expr) and not isinstance(exponent, sp.Expr):
        try:
            _bounded(float(base) ** float(exponent))
        except ArithmeticError:
            raise _Refused("a power is too large or divides by zero") from None


def _apply(name: str, argument: Any) -> Any:
    on_numbers, on_expressions = FUNCTIONS[name]
    if isinstance(argument, sp.Expr):
        return on_expressions(argument)
    try:
        return _bounded(on_numbers(argument))
    except (ValueError, ArithmeticError):
        raise _Refused(f"{name}({argument:g}) is not a finite real number") from None


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _Refused(f"a {type(value).__name__} is not allowed")
    return _bounded(value)


def _bounded(value: Any) -> Any:
    if isinstance(value, complex):
        raise _Refused("the value is not real")
    if isinstance(value, (int, float)) and not abs(value) <= LARGEST_NUMBER:
        raise _Refused("a number is too large")
    return value


def _finite(value: Any) -> Any:
    if isinstance(value, sp.Expr) and value.has(sp.I, sp.zoo, sp.nan, sp.oo, -sp.oo):
        raise _Refused("the value is not finite and real")
    if isinstance(value, sp.Expr) and not value.free_symbols:  # e.g. t - t
        return float(value)
    return value


def _describe(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return f"the name {node.id!r}"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return f"this call of {node.func.id!r}"
    return f"a part of the kind {type(node).__name__.lower()}"
