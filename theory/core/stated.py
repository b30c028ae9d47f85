"""What a user's own class states, called and checked: every fault becomes an error of ours that
names the place and holds the user's own exception as its cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

from .checks import vector
from .errors import InvalidInput, InvalidType, LimitlabError
from .once import once
from .program import Unknown, supported
from .symbols import t

_FUNCTIONS = "use sp.tanh for np.tanh or math.tanh, and so on"
_BRANCHES = "use sp.Piecewise((value, condition), ...), sp.Max, sp.Min or sp.Abs for an if"
#: a rule that has one of these is not smooth between finitely many points
_NO_RULE = (sp.floor, sp.ceiling, sp.gamma, sp.loggamma)
_UNEVALUATED = (sp.Integral, sp.Derivative, sp.Sum, sp.Product, sp.Limit, sp.Subs)


@once
def rule(method: Any, l: Any) -> Any:  # noqa: E741
    """Return ψ(l) as the method states it, an expression of sympy.

    Raises
    ------
    InvalidInput, InvalidType
        The rule raises, or returns what is not an expression in l that can be lowered.
    """
    name = type(method).__name__
    value = _called("rule", name, lambda: method.rule(l))
    expression = checked("rule", name, value, {t, *getattr(l, "free_symbols", ())}, method)
    for kind in _NO_RULE:
        if any(f.has(l) for f in expression.atoms(kind)):
            remedy = f"{name} has the function {kind.__name__}; give a rule that is smooth between "
            raise InvalidInput("rule", expression, remedy + "a few kinks")
    return expression


def density(noise: Any, e: Any) -> Any:
    """Return the density at the symbol e as the law states it, or None where it has none."""
    name = type(noise).__name__
    value = _called("density", name, lambda: noise.density(e))
    known = {t, *getattr(e, "free_symbols", ())}
    return None if value is None else checked("density", name, value, known, noise)


def components(noise: Any) -> Any:
    """Return weights, means and scales as the law states them, or None.

    Raises
    ------
    InvalidInput, InvalidType
        Not three sequences of one length.
    """
    name = type(noise).__name__
    value = _called("components", name, noise.components)
    if value is None:
        return None
    remedy = f"{name} must return three sequences of one length: weights, means, scales"
    try:
        lengths = {len(part) for part in value}
        right = len(value) == 3 and len(lengths) == 1
    except TypeError as error:
        raise InvalidType("components", value, remedy) from error
    if not right:
        raise InvalidInput("components", value, remedy)
    return value


def draws(noise: Any, rng: np.random.Generator, n: int) -> np.ndarray:
    """Return n draws of the law.

    Raises
    ------
    InvalidInput, InvalidType
        The sampler raises, or does not return n finite numbers.
    """
    name = type(noise).__name__
    value = _called("sample", name, lambda: noise.sample(rng, n))
    try:
        values = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        remedy = f"{name}.sample(rng, n) must return n numbers"
        raise InvalidType("sample", value, remedy) from error
    if values.shape != (n,):
        remedy = f"{name}.sample(rng, n) must return n numbers; got shape {values.shape}"
        raise InvalidInput("sample", value, remedy)
    if not np.isfinite(values).all():
        remedy = f"{name}.sample(rng, n) returned NaN or infinity"
        raise InvalidInput("sample", value, remedy)
    return values


def profile(start: Any, eigenvalues: np.ndarray, field: str = "start") -> np.ndarray:
    """Return a function's values at the eigenvalues, one each.

    Raises
    ------
    InvalidInput, InvalidType
        It raises, or does not return as many finite real numbers (or one for all).
    """
    values = _called(field, getattr(start, "__name__", repr(start)), lambda: start(eigenvalues))
    remedy = "the function must return one number for each eigenvalue"
    if values is None or np.iscomplexobj(values):
        raise InvalidType(field, start, f"{remedy}; it returns {values!r}")
    try:
        values = np.broadcast_to(values, eigenvalues.shape)
    except ValueError:
        raise InvalidInput(field, start, remedy) from None
    return vector(field, values)


def _called(field: str, name: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except LimitlabError:
        raise
    except NotImplementedError as error:
        raise InvalidInput(field, name, str(error) or f"state {field}") from error
    except Exception as error:
        raise InvalidInput(field, name, f"raises {_why(error)}") from error


def _why(error: Exception) -> str:
    text = f"{type(error).__name__}: {error}"
    if "truth value" in text:
        return f"{text}; {_BRANCHES}"
    if isinstance(error, (TypeError, AttributeError)) and any(
        word in text for word in ("ufunc", "convert expression", "must be real number", "Symbol")
    ):
        return f"{text}; {_FUNCTIONS}"
    return text


def checked(field: str, name: str, value: Any, known: set[Any], owner: Any = None) -> Any:
    """Return an expression made of the symbols `known` and of those in the owner's fields, with
    functions that have values here.

    Raises
    ------
    InvalidInput, InvalidType
    """
    give = f"{name} must return one expression of sympy in its argument"
    if value is None or isinstance(value, (bool, np.bool_, str, list, tuple, dict, set)):
        raise InvalidType(field, value, f"{give}, and returns {type(value).__name__}")
    try:
        expression = sp.sympify(value, strict=True)
    except (sp.SympifyError, TypeError, ValueError) as error:
        raise InvalidType(field, value, f"{give}, not {type(value).__name__}") from error
    if not isinstance(expression, sp.Expr) or isinstance(expression, sp.MatrixBase):
        raise InvalidType(field, value, f"{give}, not {type(expression).__name__}; {_BRANCHES}")
    for kind in (*_UNEVALUATED, AppliedUndef):
        for part in expression.atoms(kind):
            what = f"the unknown function {part.func}" if kind is AppliedUndef else kind.__name__
            raise InvalidInput(field, expression, f"{name} has {what}; give a closed expression")
    if expression.has(sp.nan, sp.zoo, sp.oo, -sp.oo, sp.I):
        raise InvalidInput(field, expression, f"{name}: give a finite real expression")
    expression = expression.xreplace({s: t for s in expression.free_symbols if s == sp.Symbol("t")})
    own: set[Any] = set()
    for field_value in getattr(owner, "__dict__", {}).values():
        own |= getattr(field_value, "free_symbols", set())
    strangers = sorted(str(s) for s in expression.free_symbols - known - own)
    if strangers:
        remedy = f"{name} has the symbols {', '.join(strangers)}; use its argument and its fields"
        raise InvalidInput(field, expression, remedy)
    try:
        return supported(expression)
    except Unknown as error:
        raise InvalidInput(field, expression, f"{name} has {error}, which is not here") from None
