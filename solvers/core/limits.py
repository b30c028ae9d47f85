"""The limits that a family has: each with its words, its options, and the function that solves it.

One table a family, ``LIMITS`` of ``solvers/<family>/solve.py``, is read by `solve`, by experiment
files, by the command line and by the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from ...theory.core.checks import count
from ...theory.core.errors import NotAvailable
from .random import seed_sequence

#: words that users bring from the other verb
_SYNONYMS = {"runs": "paths"}


@dataclass(frozen=True)
class Option:
    """An option of a limit: its default, and what it does."""

    default: Any
    text: str


@dataclass(frozen=True)
class Limit:
    """A limit of a family.

    Attributes
    ----------
    text : str
        What it is, in one line.
    road : callable
        Solves it: takes what the family prepared, and the options by keyword.
    options : dict of Option
        Those of this limit.
    """

    text: str
    road: Callable[..., Any]
    options: Mapping[str, Option] = field(default_factory=dict)


Limits = Mapping[str, Limit]

THREADS = {
    "seed": Option(None, "int or SeedSequence; path k draws from (entropy, spawn_key + (k,))"),
    "workers": Option(None, "threads; they change no bit of the result"),
    "progress": Option(None, "show a bar; None: on a terminal"),
}


def own_options(limits: Limits, limit: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a limit, with the default where one is left out.

    An option of another limit is refused rather than dropped, unless it changes nothing (``seed``,
    ``workers``, ``progress``).

    Raises
    ------
    NotAvailable
        A limit that the family does not have; an option of another limit, or of none.
    """
    if limit not in limits:
        listed = " or ".join(f'"{name}"' for name in limits)
        raise NotAvailable("limit", limit, f"give {listed}")
    check_threads(given)
    own = limits[limit].options
    for name, value in given.items():
        if name in own:
            continue
        owners = {other: a.options[name] for other, a in limits.items() if name in a.options}
        if not owners and name not in THREADS:
            raise NotAvailable(name, value, _unknown(limits, limit, name))
        if name not in THREADS and value is not None and value is not False:
            listed = " and ".join(f'limit="{other}"' for other in owners)
            remedy = f'belongs to {listed}, not to "{limit}"; leave it out'
            raise NotAvailable(name, value, remedy)
    return {
        name: option.default if given.get(name) is None else given[name]
        for name, option in own.items()
    }


def check_threads(given: Mapping[str, Any]) -> None:
    """Check ``seed`` and ``workers``, which every limit takes although some need none."""
    if given.get("seed") is not None:
        seed_sequence(given["seed"])
    if given.get("workers") is not None:
        count("workers", given["workers"])


def _unknown(limits: Limits, limit: str, name: str) -> str:
    known = ["times", "points", "system", *limits[limit].options]
    every = dict.fromkeys(option for a in limits.values() for option in a.options)
    word = _SYNONYMS.get(name, name)
    near = [word] if word in every else get_close_matches(name, [*known, *every], 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f'limit="{limit}" takes {", ".join(known)}{hint}'


def described(limits: Limits) -> str:
    """The limits in words, an option a line below each."""
    lines = []
    for number, (name, limit) in enumerate(limits.items()):
        lines.append(f'"{name}"{" (default)" if number == 0 else ""}: {limit.text}')
        lines += [
            f"    {o} = {option.default!r}: {option.text}"
            for o, option in limit.options.items()
            if o not in THREADS
        ]
    return "\n".join(lines)
