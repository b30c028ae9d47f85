"""The stated parameters of a figure, with those that a user sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from ...theory.core.checks import count, number
from ...theory.core.errors import InvalidInput, InvalidType
from ..experiment.names import nearest


def with_values(parameters: Any, given: Mapping[str, Any]) -> Any:
    """Return the parameters with the given values in place of the stated ones.

    Parameters
    ----------
    parameters : dataclass
    given : mapping of name to value
        Values of the kind of the stated ones, or text that says them; several are separated by
        commas.

    Raises
    ------
    InvalidInput
        An unknown name, with the nearest one; a value of another kind.
    """
    stated = asdict(parameters)
    for name in given:
        if name not in stated:
            raise InvalidInput("set", name, nearest(name, stated))
    return replace(
        parameters, **{name: _like(stated[name], value, name) for name, value in given.items()}
    )


def _like(stated: Any, value: Any, name: str) -> Any:
    """A value of the kind of the stated one."""
    if isinstance(stated, tuple | list):
        if not isinstance(value, str | tuple | list):
            raise InvalidType(name, value, f"give several values, such as {_example(stated)}")
        several = value.split(",") if isinstance(value, str) else value
        return tuple(_like(stated[0] if stated else "", one, name) for one in several)
    if isinstance(stated, str):
        return str(value)
    return _number(stated, value, name)


def _number(stated: Any, value: Any, name: str) -> Any:
    read = value
    if isinstance(value, str):
        try:
            read = float(value) if isinstance(stated, float) else int(value)
        except ValueError:
            raise InvalidInput(name, value, f"give a number, such as {stated}") from None
    if isinstance(stated, bool) or not isinstance(stated, int | float):
        raise InvalidInput(name, value, f"only numbers and names can be set; it is {stated}")
    return number(name, read) if isinstance(stated, float) else count(name, read, 0)


def _example(stated: Any) -> str:
    return ",".join(map(str, stated))
