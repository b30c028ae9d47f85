"""Options that belong to one limit: with another they are refused rather than dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...theory.core.errors import NotAvailable


def own_options(
    options: Mapping[str, Mapping[str, Any]], limit: str, **given: Any
) -> dict[str, Any]:
    """Return the options of a limit, with their defaults where None is given.

    Parameters
    ----------
    options : mapping
        Of each limit: its own options and their defaults.
    limit : str
    given
        Every option that some limit has, None where the user left it out.
    """
    own = options[limit]
    for name, value in given.items():
        if value is not None and name not in own:
            owners = [f'limit="{other}"' for other, names in options.items() if name in names]
            remedy = f'belongs to {" and ".join(owners)}, not to "{limit}"; leave it out'
            raise NotAvailable(name, value, remedy)
    return {name: default if given[name] is None else given[name] for name, default in own.items()}
