"""Whether a curve tells a number: the profile of the sum of squares, and what it says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...theory.core.errors import InvalidInput

#: standard errors to both sides within which a profile is drawn
_SHOWN = 3.0
#: … at which it is asked whether it rises, and what it must have risen by: 16 for a parabola, 3.84
#: where an interval of 95 % begins only there
_FAR, _RISEN = 4.0, 3.84
#: a relative interval wider than this factor says nothing of a positive number
_WIDE = 10.0
_ALIKE = 0.98
#: share of curves of the theory below which a curve is said not to be one
_STRANGE = 1e-3


def profile(
    fit: Any, name: str, values: Sequence[float] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """As `Fit.profile`."""
    if name not in fit.names:
        raise InvalidInput("name", name, f"free were {', '.join(fit.names)}")
    index = fit.names.index(name)
    free = fit.work.free[index]
    if values is None:
        steps = np.linspace(-_SHOWN, _SHOWN, 9) * np.sqrt(fit.inner[index, index])
        places = fit.places[index] + np.clip(steps, -20.0, 20.0)
        values = [free.at(place) for place in places]
    grown = [_growth(fit, index, free.place(float(value))) for value in values]
    return np.array(values, dtype=float), np.array(grown)


def _growth(fit: Any, index: int, place: float) -> float:
    weights = fit.weights
    start = fit.places.copy()
    # the others follow along the ridge, from where they would be if all were linear
    start += fit.inner[:, index] / fit.inner[index, index] * (place - start[index])
    start[index] = place
    if start.size == 1:
        cost = float(np.sum(fit.work.residuals(start, weights) ** 2))
    else:
        cost = float(2 * fit.work.best(start, weights, fixed=index).cost)
    return cost - float(np.sum(fit.work.residuals(fit.places, weights) ** 2))


def remarks_of(fit: Any) -> Iterator[str]:
    """What the curve does not tell, and whether it is one of the theory."""
    for index, name in enumerate(fit.names):
        width = float(np.sqrt(fit.inner[index, index]))
        positive = fit.work.free[index].positive
        singular = not np.isfinite(width) or width == 0
        wide = positive and fit.level > 0 and 2 * width > np.log(_WIDE)
        if singular or wide or _is_flat(fit, index, width):
            partner = _partner(fit, index)
            yield f"{name} is not told by this curve{partner}: its interval means little"
    if fit.p_value < _STRANGE:
        yield (
            f"the theory does not describe this curve: {fit.chi_square:.1f} at {fit.freedom} "
            f"degrees of freedom (p = {fit.p_value:.1g}); what is held may be wrong"
        )


def _is_flat(fit: Any, index: int, width: float) -> bool:
    """Whether the sum of squares fails to grow on one side as a parabola of this width would."""
    steps = np.clip(np.array([-_FAR, _FAR]) * width, -20.0, 20.0)
    return any(_growth(fit, index, fit.places[index] + s) < _RISEN for s in steps)


def _partner(fit: Any, index: int) -> str:
    """The number that trades off with it, in words."""
    if len(fit.names) == 1:
        return ""
    row: Any = np.abs(fit.correlation[index]).copy()
    row[index] = 0.0
    other = int(np.argmax(row))
    if not row[other] > _ALIKE:
        return ""
    return f" apart from {fit.names[other]} (correlation {fit.correlation[index, other]:.3f})"
