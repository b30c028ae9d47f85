r"""The exact step of second-order regression with every index written out: a map of arrays.

.. math:: z_a'=z_a+\sum_iJ_{ai}d_i+\tfrac12\sum_i(Q_d)_{ai}d_i,\qquad
          (Q_d)_{ai}=\sum_jQ_{aij}d_j,

and so on: the words of :mod:`.motion`, letter by letter.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.loops import Update
from ..core.loops import step as t
from ..core.map import Map
from .letters import Diagonal, Ket, Product, Transposed, Word
from .motion import FORCE, J_NEXT, MOVE, THETA_NEXT, Z_NEXT, prefactor

D, P, n = sp.symbols("D P n", integer=True, positive=True)
a, b, i, j = sp.symbols("a b i j", integer=True, nonnegative=True)
z, f = (sp.IndexedBase(name, shape=(D,)) for name in "zf")
theta, d = (sp.IndexedBase(name, shape=(P,)) for name in ("theta", "d"))
J, Q_d = (sp.IndexedBase(name, shape=(D, P)) for name in ("J", "Q_d"))
Q, m = sp.IndexedBase("Q", shape=(D, P, P)), sp.IndexedBase("m", shape=(n, D))
g = sp.IndexedBase("g", shape=(n,))

_ARRAYS = {str(base): base for base in (z, f, theta, d, J, Q_d)}
_INDICES = {D: (a, b), P: (i, j)}
_RANGES = {index: (index, 0, size - 1) for size, pair in _INDICES.items() for index in pair}


@lru_cache(maxsize=8)
def written_out(theory: Derivation) -> Map:
    """Return the map of z, J and θ that a derivation of the step states, for a given curvature.

    Its inputs are Q, the masks, and the batch prefactor of every step.
    """

    def update(base: Any, name: Any) -> Update:
        at = tuple(_INDICES[size][0] for size in base.shape)
        return Update(base[at], element(theory[name], at), tuple(_RANGES[k] for k in at))

    bent = Update(Q_d[a, i], sp.Sum(Q[a, i, j] * d[j], _RANGES[j]), (_RANGES[a], _RANGES[i]))
    return Map(
        theory.name,
        states=(z, J, theta),
        after=(update(z, Z_NEXT), update(J, J_NEXT), update(theta, THETA_NEXT)),
        observe=(
            ("square", sp.Sum(z[a] ** 2, _RANGES[a])),
            ("residual", z),
            ("jacobian", J),
            ("parameters", theta),
        ),
        inputs=(Q, m, g),
        body=(update(f, FORCE), update(d, MOVE), bent),
        steps=theory.steps,
    )


def element(expression: Any, at: tuple[Any, ...]) -> Any:
    """Return the element of a sum of products at one index (columns) or two (matrices)."""
    total = []
    for term in sp.Add.make_args(sp.expand(expression)):
        factor, arrays = term.as_independent(Product, as_Add=False)
        total.append(factor.subs(prefactor, g[t]) * _entry(arrays.args, at))
    return sp.Add(*total)


def _entry(word: Word, at: tuple[Any, ...]) -> Any:
    """Follow a word from its row index; every index between two letters is summed over."""
    here = at[0]
    factors: list[Any] = []
    summed: list[Any] = []
    for place, letter in enumerate(word):
        name = str(letter.args[0])
        if isinstance(letter, Ket):
            factors.append(_ARRAYS[name][here])
        elif isinstance(letter, Diagonal):
            factors.append(m[t, here])
        else:
            rows, columns = _ARRAYS[name].shape
            turned = isinstance(letter, Transposed)
            last = place == len(word) - 1
            following = at[1] if last else _free(rows if turned else columns, (*at, *summed))
            index = (following, here) if turned else (here, following)
            factors.append(_ARRAYS[name][index])
            if not last:
                summed.append(following)
            here = following
    product = sp.Mul(*factors)
    return sp.Sum(product, *(_RANGES[k] for k in summed)) if summed else product


def _free(size: Any, taken: tuple[Any, ...]) -> Any:
    """An index of an axis that is not in use."""
    return next(index for index in _INDICES[size] if index not in taken)
