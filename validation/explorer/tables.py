"""What the page shows, as the tables of an experiment file, and how far each number can be moved.

A kind of problem or method joins by the example of its family.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from ...theory.core.discover import examples, families
from ...theory.core.errors import LimitlabError
from ...theory.covariance import COVARIANCES
from ...theory.methods.clipped import CLIPS
from ...theory.methods.sgd import SAMPLINGS
from ...theory.methods.signsgd import AGGREGATES
from ...theory.noise import LAWS
from ..experiment.names import METHOD_NAMES, PROBLEM_NAMES, arguments_of, make, snake

Table = dict[str, Any]
STREAM = "least_squares"
#: fields that hold one of several words
WORDS = {"clip": CLIPS, "aggregate": AGGREGATES, "sampling": SAMPLINGS}
#: how far a field can be dragged, whatever its value is
RANGES = {
    "rate": (0.01, 3.0),
    "threshold": (0.05, 20.0),
    "batch": (1, 32),
    "dimension": (20, 5000),
    "exponent": (0.0, 1.5),
    "correlation": (-0.95, 0.95),
    "aspect": (0.05, 5.0),
    "df": (1.5, 10.0),
    "momentum": (0.0, 0.95),
    "beta1": (0.0, 0.999),
    "beta2": (0.0, 0.9999),
    "ema": (0.0, 0.95),
    "invariant": (-0.9, 2.0),
    "seed": (0, 100),
}


@dataclass(frozen=True)
class Knob:
    """A number that can be moved: where it stands, and between which ends."""

    path: tuple[str, ...]
    low: float
    high: float
    whole: bool

    @property
    def logarithmic(self) -> bool:
        """Whether its ends are decades apart."""
        return self.low > 0 and self.high / self.low >= 20

    def position(self, value: float) -> float:
        """Where the slider stands at a value."""
        held = min(max(value, self.low), self.high)
        return math.log10(held) if self.logarithmic else held

    def value(self, position: float) -> float | int:
        """The value at a place of the slider, to four digits."""
        value = 10**position if self.logarithmic else position
        return round(value) if self.whole else float(f"{value:.4g}")


def pairs() -> dict[str, tuple[str, ...]]:
    """The kinds of problems, and the kinds of methods that each is learnt by."""
    found: dict[str, list[str]] = {}
    for family in families():
        for example in examples(family):
            kind = snake(type(example.problem).__name__)
            found.setdefault(kind, []).append(snake(type(example.method).__name__))
    return {kind: tuple(dict.fromkeys(methods)) for kind, methods in sorted(found.items())}


def start(problem: str = STREAM, method: str | None = None) -> Table:
    """The tables that a kind of problem and method begin with: those of its example."""
    known = pairs()[problem]
    plain = (name for name in ("sgd", "gradient_descent", *known) if name in known)
    wanted = method if method in known else next(plain)
    found = [
        each
        for family in families()
        for each in examples(family)
        if snake(type(each.problem).__name__) == problem
        and snake(type(each.method).__name__) == wanted
    ]
    # first one that a file holds whole: without an object such as a memory
    whole = (e for e in found if _makes(table_of(e.method, METHOD_NAMES), METHOD_NAMES, e.method))
    example = next(whole, found[0])
    tables: Table = {
        "problem": table_of(example.problem, PROBLEM_NAMES),
        "method": table_of(example.method, METHOD_NAMES),
        "until": float(example.until),
    }
    if problem == STREAM:
        tables["problem"] = stream("power_law", "gaussian")
        tables["until"] = 4.0
        if wanted == "clipped_sgd":
            tables["method"]["clip"] = "mean"
        if wanted != "adam":  # it has no theory of batches
            tables["method"]["batch"] = 1
    return tables


def stream(covariance: str, noise: str) -> Table:
    """The table of a stream with these kinds."""
    law: Any = next(law for law in LAWS if snake(law.__name__) == noise)
    letters = {"d": "dimension", "K": "matrix"}
    spectrum = {letters.get(k, k): v for k, v in COVARIANCES[covariance][1].items()}
    if "dimension" in spectrum and covariance != "toeplitz":
        spectrum["dimension"] = 1000
    return {
        "kind": STREAM,
        "covariance": {"kind": covariance, **_plain(spectrum)},
        "noise": {"kind": noise, **_plain(law.EXAMPLE)},
    }


def table_of(thing: Any, makers: Mapping[str, Any]) -> Table:
    """The table that makes an object again: what differs from the defaults of its class."""
    kind = snake(type(thing).__name__)
    defaults = inspect.signature(makers[kind]).parameters
    table: Table = {"kind": kind}
    spare = []
    for name in arguments_of(makers[kind]):
        value, default = getattr(thing, name, None), defaults[name].default
        kept = _plain(value)
        if value is None or np.array_equal(value, default) or not _held(kept):
            continue
        table[name] = kept
        # what may be left out can be an array that the class has drawn itself
        spare += [name] if default is None else []
    for name in reversed(spare):
        less = {key: value for key, value in table.items() if key != name}
        table = less if _makes(less, makers, thing) else table
    return table


def _held(value: Any) -> bool:
    """Whether a file can hold a value; an object, such as an activation, keeps its default."""
    if isinstance(value, list):
        return all(map(_held, value))
    return isinstance(value, bool | int | float | str | Mapping)


def _makes(table: Table, makers: Mapping[str, Any], thing: Any) -> bool:
    try:
        return bool(make(table, makers, table["kind"]) == thing)
    except LimitlabError:
        return False


def _plain(value: Any) -> Any:
    """Numbers, text, lists and tables, as a file holds them."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, sp.Basic):
        return float(value) if value.is_number else str(value)
    return value


def knobs(tables: Table) -> list[Knob]:
    """Every number of the tables that stands by itself, the horizon last."""
    return [Knob(path, *_range(path[-1], value)) for path, value in _leaves(tables)]


def _leaves(tables: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in tables.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, key))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield (*path, key), value


def _range(name: str, value: float) -> tuple[float, float, bool]:
    whole = isinstance(value, int)
    if name in RANGES:
        low, high = RANGES[name]
        ends = min(low, value), high if value <= high else 4 * value
        return *ends, whole or name in ("batch", "dimension")
    if whole:
        return 1, max(4 * value, 16), True
    if value == 0:
        return 0.0, 1.0, False
    return (value / 10, value * 10, False) if value > 0 else (2 * value, -value, False)


def words(tables: Table) -> dict[str, tuple[str, ...]]:
    """Fields of the method that hold a word, and the words that they take."""
    known = arguments_of(METHOD_NAMES[tables["method"]["kind"]])
    # every sample of a stream is used once
    kept = WORDS.keys() - ({"sampling"} if tables["problem"]["kind"] == STREAM else set())
    return {name: tuple(WORDS[name]) for name in known if name in kept}


def get(tables: Table, path: tuple[str, ...]) -> Any:
    """The value at a place."""
    for key in path:
        tables = tables[key]
    return tables


def changed(tables: Table, path: tuple[str, ...], value: Any) -> Table:
    """The tables with another value at a place; None takes it away."""
    head, *rest = path
    if rest:
        return {**tables, head: changed(tables[head], tuple(rest), value)}
    kept = {key: old for key, old in tables.items() if key != head or value is not None}
    return kept if value is None else {**kept, head: value}
