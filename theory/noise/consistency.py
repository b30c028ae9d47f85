"""Does a law of the user's own agree with itself? Its moments, and its sampler with its density.

The draws of a fixed generator are counted between nine of their own deciles (of another draw); each
count is held against the integral of the density at eight standard errors, so that a right law is
refused once in 10^14.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import sympy as sp

from ..core import stated
from ..core.errors import InvalidInput
from .base import Noise
from .statement import statement

DRAWS = 4000
FARTHEST = 8.0
_SEED = 20240612
_OURS = __name__.rpartition(".")[0]


def check_law(noise: Any) -> None:
    """Refuse a law whose statements contradict each other.

    Raises
    ------
    InvalidInput
        A negative moment, a fourth one below the square of the second, or a sampler that draws
        from another law than the density.
    """
    if type(noise).__module__.startswith(_OURS):
        return  # the tests over all laws hold them
    key = (_SEED, statement(noise))
    if key not in _sound:
        _check(noise)
        if len(_sound) >= _MOST:
            _sound.clear()
        _sound.add(key)


#: what laws that agree with themselves have stated
_sound: set[tuple[int, bytes]] = set()
_MOST = 64


def _check(noise: Any) -> None:
    _check_moments(noise)
    own = type(noise)
    if own.sample is not Noise.sample and noise.components() is None:
        _check_sampler(noise)


def _check_moments(noise: Any) -> None:
    declared = {
        name: noise._declared(order) for order, name in ((2, "variance"), (4, "fourth_moment"))
    }
    for name, value in declared.items():
        if value is not None and not float(value) >= 0:
            raise InvalidInput(name, value, "a moment of even order is >= 0; leave it out")
    second, fourth = declared.values()
    if second is not None and fourth is not None and float(fourth) < float(second) ** 2:
        remedy = f"E ε⁴ is at least (E ε²)² = {float(second) ** 2:.6g}; leave it out"
        raise InvalidInput("fourth_moment", fourth, remedy)


def _check_sampler(noise: Any) -> None:
    e = sp.Symbol("e", real=True)
    density = stated.density(noise, e)
    if density is None:
        return
    rng = np.random.default_rng(_SEED)
    edges = np.unique(np.quantile(stated.draws(noise, rng, DRAWS), np.arange(0.1, 0.95, 0.1)))
    name = type(noise).__name__
    if edges.size < 9:
        remedy = f"draws equal numbers, where {name} states a density; give a GaussianMixture"
        raise InvalidInput("sample", name, remedy)
    counts, _ = np.histogram(stated.draws(noise, rng, DRAWS), edges)
    height = sp.lambdify(e, density, ["numpy", "scipy"])
    for low, high, count in zip(edges, edges[1:], counts, strict=False):
        share = _integral(height, low, high, noise)
        error = math.sqrt(DRAWS * max(share * (1 - share), 1 / DRAWS))
        if not abs(count - DRAWS * share) <= FARTHEST * error:
            remedy = (
                f"draws a share of {count / DRAWS:.3g} from {low:.3g} to {high:.3g}, where the "
                f"density of {name} has {share:.3g}; one of the two is wrong"
            )
            raise InvalidInput("sample", name, remedy)


def _integral(density: Any, low: float, high: float, noise: Any) -> float:
    from scipy.integrate import quad

    inside = [x for x in noise.support_points if low < x < high]
    with np.errstate(all="ignore"):
        return float(quad(density, low, high, points=inside or None, limit=200)[0])
