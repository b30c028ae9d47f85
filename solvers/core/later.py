"""Arrays by name, of which some are computed when they are first read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import read_only, reals

Array = NDArray[np.float64]


class Later(Mapping[str, Array]):
    """A mapping of arrays that may be read only, each there or still to be computed.

    Parameters
    ----------
    arrays : dict of arrays, or of functions without arguments that return one

    Notes
    -----
    A copy and a pickle hold the arrays themselves.
    """

    def __init__(self, arrays: Mapping[str, Array | Callable[[], Array]]) -> None:
        self._arrays = dict(arrays)

    def __getitem__(self, name: str) -> Array:
        found = self._arrays[name]
        if callable(found):
            found = self._arrays[name] = read_only(reals(name, found()))
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        return f"<{', '.join(self._arrays)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)

    def there(self) -> dict[str, Array]:
        """Those that need no computing."""
        return {name: array for name, array in self._arrays.items() if not callable(array)}
