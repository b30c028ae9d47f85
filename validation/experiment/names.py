"""The names under which files and commands call problems, noise laws, covariances and methods."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

from ...solvers.core.limits import Limits
from ...theory.activations import WORDS
from ...theory.core.discover import examples, families, problems
from ...theory.core.errors import InvalidInput, InvalidType
from ...theory.covariance import COVARIANCES
from ...theory.methods import METHODS
from ...theory.methods.remember import AVERAGES, MOMENTA
from ...theory.noise import LAWS
from ...theory.schedules.grammar import expression
from ...theory.schedules.names import SCHEDULES

#: arguments that files call by a word
_WORDS = {"d": "dimension", "K": "matrix"}

Makers = Mapping[str, Callable[..., Any]]


def snake(name: str) -> str:
    """Return the name of a class as files write it: ClippedSGD -> clipped_sgd."""
    return "signsgd" if name == "SignSGD" else re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


PROBLEM_NAMES: Makers = {snake(problem.__name__): problem for problem in problems()}
METHOD_NAMES: Makers = {snake(method.__name__): method for method in METHODS}
NOISE_NAMES: Makers = {snake(law.__name__): law for law in LAWS}
COVARIANCE_NAMES: Makers = {name: maker for name, (maker, _) in COVARIANCES.items()}
SCHEDULE_NAMES: Makers = SCHEDULES
ACTIVATION_NAMES: Makers = WORDS
#: arguments that are tables themselves; other tables are schedules
_NESTED: Mapping[str, Makers] = {
    "noise": NOISE_NAMES,
    "covariance": COVARIANCE_NAMES,
    "momentum": MOMENTA,
    "average": AVERAGES,
    "activation": ACTIVATION_NAMES,
}
#: of these, those that are never a number
_NO_NUMBERS = ("activation",)
#: arguments that are lists of schedules
_SCHEDULES = ("schedules",)
#: a table in one word, such as slow_memory(2, direct=0.5)
_CALL = re.compile(r"\s*(\w+)\((.*)\)\s*")
_COMMAS = re.compile(r",(?![^(]*\))")
#: keys by which users ask for code of their own
_CODE = ("file", "module", "python", "class", "import")


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
    _refuse_code(given, field)
    check_keys(given, parameters, field)
    missing = [name for name, needed in parameters.items() if needed and name not in given]
    if missing:
        listed = " and ".join(f"{field}.{name}" for name in missing)
        raise InvalidInput(field, dict(table), f"give {listed} too")
    own = inspect.signature(maker).parameters
    letters = {word: letter for letter, word in _WORDS.items() if letter in own}
    words = _text_arguments(maker)
    values = {
        letters.get(k, k): v if k in words else _value(k, v, f"{field}.{k}")
        for k, v in given.items()
    }
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
    if kind.endswith(".py") or ":" in kind or "/" in kind:
        raise InvalidInput(field, kind, _NO_CODE)
    plain = kind.lower().replace("_", "").replace("-", "")
    for name, maker in makers.items():
        if plain == name.replace("_", "").replace("-", ""):
            return maker
    raise InvalidInput(field, kind, nearest(kind, makers))


def _text_arguments(maker: Callable[..., Any]) -> set[str]:
    """The arguments that are words, such as ``clip = "mean"``, and no expressions in t."""
    every = inspect.signature(maker).parameters.values()
    return {each.name for each in every if re.search(r"\bstr\b", str(each.annotation))}


def _value(name: str, value: Any, field: str) -> Any:
    if isinstance(value, Mapping):
        return make(value, _NESTED.get(name, SCHEDULE_NAMES), field)
    if isinstance(value, list) and name in _SCHEDULES:
        return [_value("", one, f"{field}[{i}]") for i, one in enumerate(value)]
    call = _CALL.fullmatch(value) if isinstance(value, str) and name in _NESTED else None
    if call:
        return make(_called(call[1], call[2], _NESTED[name], field), _NESTED[name], field)
    if isinstance(value, str) and (name in _NO_NUMBERS or value in _NESTED.get(name, ())):
        return make({"kind": value}, _NESTED[name], field)
    return expression(value, field) if isinstance(value, str) else value


def _called(kind: str, inside: str, makers: Makers, field: str) -> dict[str, Any]:
    """The table that is written as a call."""
    names = iter(arguments_of(_maker(kind, makers, f"{field}.kind")))
    table: dict[str, Any] = {"kind": kind}
    for part in _COMMAS.split(inside) if inside.strip() else ():
        word, equals, value = part.partition("=")
        key = word.strip() if equals else next(names, "")
        if not key:
            raise InvalidInput(field, f"{kind}({inside})", "has too many arguments")
        table[key] = (value if equals else word).strip()
    return table


def _refuse_code(given: Mapping[str, Any], field: str) -> None:
    for key in _CODE:
        if key in given:
            raise InvalidInput(f"{field}.{key}", given[key], _NO_CODE)


_NO_CODE = (
    "experiment files and commands load no code; for a rule, law or problem of your own call "
    "solve, simulate and compare in Python"
)


def catalogue() -> dict[str, list[str]]:
    """Return what files and commands can name: title -> lines such as ``student_t(df, scale=)``."""
    from ..data import FEATURES, SOURCES

    return {
        "problems": _lines(PROBLEM_NAMES),
        "methods": _lines(METHOD_NAMES),
        "momenta and averages": [*_lines(MOMENTA), *_lines(AVERAGES)],
        "noise laws": _lines(NOISE_NAMES),
        "covariances": _lines(COVARIANCE_NAMES),
        "schedules": _lines(SCHEDULE_NAMES),
        "activations": _lines(ACTIVATION_NAMES),
        "limits": [f"{name}: {', '.join(table)}" for name, table in limit_tables().items()],
        "data sets": [f"{source}(features: {', '.join(FEATURES)})" for source in SOURCES],
    }


def limit_tables() -> dict[str, Limits]:
    """Return the table of limits of every family, by its name."""
    return {
        name: import_module(f"...solvers.{name}.solve", __package__).LIMITS for name in families()
    }


def _lines(makers: Makers) -> list[str]:
    def line(name: str, maker: Callable[..., Any]) -> str:
        known = arguments_of(maker).items()
        return f"{name}({', '.join(word if needed else f'{word}=' for word, needed in known)})"

    return [line(name, maker) for name, maker in makers.items()]


def derive_by_name(
    method: dict[str, Any],
    noise: dict[str, Any] | None = None,
    problem: dict[str, Any] | None = None,
    limit: str | None = None,
) -> Any:
    """Return the System of a method on a problem given as tables, arguments optional.

    Formulas print symbols, so that what a command leaves out is taken from an example.
    """
    from ...theory.derive import derive

    kind = _maker((problem or {"kind": "least_squares"})["kind"], PROBLEM_NAMES, "problem.kind")
    what = _exemplary(kind)
    changes = {key: value for key, value in (problem or {}).items() if key != "kind"}
    if noise is not None:
        changes["noise"] = _completed(noise, NOISE_NAMES, "noise")
    if changes:
        fields = {name: getattr(what, name) for name in arguments_of(kind)}
        what = make({"kind": snake(kind.__name__), **fields, **changes}, PROBLEM_NAMES, "problem")
    how = make(_completed(method, METHOD_NAMES, "method"), METHOD_NAMES, "method")
    return derive(what, how, **({} if limit is None else {"limit": limit}))


def _exemplary(kind: Any) -> Any:
    """The problem of this kind in the examples of its family."""
    found = (each.problem for each in examples(kind.family))
    return next(problem for problem in found if type(problem) is kind)


def _completed(table: dict[str, Any], makers: Makers, field: str) -> dict[str, Any]:
    """A table with the needed arguments that it leaves out."""
    maker: Any = _maker(table["kind"], makers, f"{field}.kind")
    needed = arguments_of(maker)
    stand_ins = {name: value for name, value in maker.EXAMPLE.items() if needed.get(name)}
    return {**stand_ins, **table}
