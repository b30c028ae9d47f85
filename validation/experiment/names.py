"""The names under which files and commands call noise laws, covariances and methods."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...theory import covariance
from ...theory.core.errors import InvalidInput, InvalidType
from ...theory.methods import METHODS
from ...theory.noise import LAWS
from ...theory.schedules.grammar import expression

#: arguments that files call by a word
_WORDS = {"d": "dimension", "K": "matrix"}

Makers = Mapping[str, Callable[..., Any]]


def snake(name: str) -> str:
    """Return the name of a class as files write it: ClippedSGD -> clipped_sgd."""
    return "signsgd" if name == "SignSGD" else re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


METHOD_NAMES: Makers = {snake(method.__name__): method for method in METHODS}
NOISE_NAMES: Makers = {snake(law.__name__): law for law in LAWS}
COVARIANCE_NAMES: Makers = {
    name: getattr(covariance, name)
    for name in ("isotropic", "power_law", "marchenko_pastur", "toeplitz")
    + ("from_eigenvalues", "from_matrix")
}


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a remedy: the nearest known name, and all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    guess = f"did you mean {close[0]!r}? " if close else ""
    return f"{guess}known: {', '.join(known)}"


def check_keys(table: Mapping[str, Any], known: Iterable[str], field: str) -> None:
    """Refuse a key that is not known, naming the nearest one."""
    known = list(known)
    for key in table:
        if key not in known:
            raise InvalidInput(field, key, f"unknown key; {nearest(key, known)}")


def make(table: Any, makers: Makers, field: str) -> Any:
    """Build an object from a table with the key ``kind`` and the arguments of its constructor.

    Parameters
    ----------
    table : mapping
        For instance ``{"kind": "student_t", "df": 3}``; text values are expressions.
    makers : mapping of name to constructor
    field : str
        Where the table stands in the file, for error messages.
    """
    if not isinstance(table, Mapping):
        raise InvalidType(field, table, 'give a table such as { kind = "...", ... }')
    if "kind" not in table:
        raise InvalidInput(field, dict(table), f"give a kind; known: {', '.join(makers)}")
    maker = _maker(table["kind"], makers, f"{field}.kind")
    parameters = arguments_of(maker)
    given = {key: value for key, value in table.items() if key != "kind"}
    check_keys(given, parameters, field)
    missing = [name for name, needed in parameters.items() if needed and name not in given]
    if missing:
        raise InvalidInput(field, dict(table), f"give {' and '.join(missing)} too")
    letters = {word: letter for letter, word in _WORDS.items()}
    values = {letters.get(k, k): _value(v, f"{field}.{k}") for k, v in given.items()}
    try:
        return maker(**values)
    except InvalidInput as error:  # say where in the file
        where = f"{field}.{_WORDS.get(error.field, error.field)}"
        raise type(error)(where, error.value, error.remedy) from None


def arguments_of(maker: Callable[..., Any]) -> dict[str, bool]:
    """Return the arguments of a constructor, and whether each must be given."""
    return {
        _WORDS.get(each.name, each.name): each.default is inspect.Parameter.empty
        for each in inspect.signature(maker).parameters.values()
    }


def _maker(kind: Any, makers: Makers, field: str) -> Callable[..., Any]:
    if not isinstance(kind, str):
        raise InvalidType(field, kind, f"give one of {', '.join(sorted(makers))}")
    plain = kind.lower().replace("_", "").replace("-", "")
    for name, maker in makers.items():
        if plain == name.replace("_", ""):
            return maker
    raise InvalidInput(field, kind, nearest(kind, makers))


def _value(value: Any, field: str) -> Any:
    return expression(value, field) if isinstance(value, str) else value


def catalogue() -> dict[str, list[str]]:
    """Return what files and commands can name: title -> lines such as ``student_t(df, scale=)``."""
    from ..data import FEATURES, SOURCES

    return {
        "methods": _lines(METHOD_NAMES),
        "noise laws": _lines(NOISE_NAMES),
        "covariances": _lines(COVARIANCE_NAMES),
        "data sets": [f"{source}(features: {', '.join(FEATURES)})" for source in SOURCES],
    }


def _lines(makers: Makers) -> list[str]:
    def line(name: str, maker: Callable[..., Any]) -> str:
        known = arguments_of(maker).items()
        return f"{name}({', '.join(word if needed else f'{word}=' for word, needed in known)})"

    return [line(name, maker) for name, maker in makers.items()]


#: values for what a command leaves out: formulas print symbols, so only their signs matter
_STAND_INS: dict[str, Any] = {
    "rate": 1.0,
    "threshold": 1.0,
    "scale": 1.0,
    "halfwidth": 1.0,
    "df": 3.0,
    "weights": [0.9, 0.1],
    "scales": [1.0, 10.0],
    "samples": [-1.0, 1.0],
}


def derive_by_name(method: dict[str, Any], noise: dict[str, Any]) -> Any:
    """Return the System of a method and a noise law given as tables, arguments optional."""
    from ...theory.derive import derive
    from ...theory.streaming.problem import LeastSquares

    law = make(_completed(noise, NOISE_NAMES, "noise"), NOISE_NAMES, "noise")
    how = make(_completed(method, METHOD_NAMES, "method"), METHOD_NAMES, "method")
    return derive(LeastSquares(covariance.isotropic(1000), noise=law), how)


def _completed(table: dict[str, Any], makers: Makers, field: str) -> dict[str, Any]:
    needed = arguments_of(_maker(table["kind"], makers, f"{field}.kind"))
    stand_ins = {name: _STAND_INS[name] for name, must in needed.items() if must}
    return {**stand_ins, **table}
