r"""The step of Adam itself, for one coordinate (without bias correction; nothing is added to √v).

.. math:: g=\ell x,\quad m'=\beta_1m+(1-\beta_1)g,\quad v'=\beta_2v+(1-\beta_2)g^2,\quad
          \delta'=\delta-h\,m'/\sqrt{v'},

and :math:`\delta'=\delta` while :math:`v'=0`. h is rate/d.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy as sp

from ..core.map import Map
from ..core.symbols import residual
from .stream import average, beta_1, beta_2

first_moment, coordinate, sample = sp.symbols("m delta x", real=True)
second_moment, step_size = sp.symbols("v h", nonnegative=True)


@lru_cache(maxsize=1)
def adam_step() -> Map:
    """Return the map of (m, v, δ) of one coordinate; its residual and its x are numbers."""
    gradient = residual * sample
    m = average(beta_1, first_moment, gradient)
    v = average(beta_2, second_moment, gradient**2)
    moved: Any = coordinate - step_size * m / sp.sqrt(v)
    after = (m, v, sp.Piecewise((moved, v > 0), (coordinate, True)))
    return Map(
        "Adam",
        (first_moment, second_moment, coordinate),
        after,
        (("delta", coordinate),),
        (beta_1, beta_2, step_size, residual, sample),
    )
