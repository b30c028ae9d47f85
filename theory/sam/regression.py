"""The maps of SAM on second-order regression, lowered from its step in words."""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.loops import Update, step
from ..core.map import Map
from ..second_order.lowering import Lowering
from . import step as sam
from .step import Statement, data, parameters, reach, size

_D, _P = data, parameters
Q = sp.IndexedBase("Q", shape=(_D, _P, _P))
#: step sizes, and how often each example is in the batch of a step
sizes, masks = sp.IndexedBase("sizes"), sp.IndexedBase(str(sam.mask.args[0]))
#: length of a normalised displacement
radius = sp.Symbol("radius", nonnegative=True)
#: below the square root of the smallest float: a gradient of 0 is not divided by
_TINY = sp.Float(1e-150)
_COLUMNS = (sam.residual, sam.ascended, sam.start)
_SHAPES = {
    **dict.fromkeys(_COLUMNS, (_D,)),
    **dict.fromkeys((sam.gradient, sam.displacement, sam.theta, sam.theta_up), (_P,)),
    **dict.fromkeys(
        (sam.jacobian, sam.bend, sam.turn, sam.ascended_jacobian, sam.start_jacobian), (_D, _P)
    ),
}
LOWERING = Lowering(_SHAPES, Q)


@cache
def recursion(batched: bool, normalised: bool) -> Map:
    """The exact map of (z, J); inputs are Q, the step sizes and, where batched, the masks."""
    stated = sam.recursion(_batch(batched))
    z = LOWERING.array(sam.residual)
    a = sp.Symbol("a", integer=True)
    observe = (
        ("squared", sp.Sum(z[a] ** 2, (a, 0, _D - 1))),
        ("residual", z),
        ("jacobian", LOWERING.array(sam.jacobian)),
    )
    inputs = (Q, sizes, *((masks,) if batched else ()))
    return _map("SAM on second-order regression", stated, normalised, observe, inputs)


@cache
def descent(batched: bool, normalised: bool) -> Map:
    """The algorithm in θ; inputs are Q, z at θ = 0, G, the step sizes and the masks."""
    stated = sam.descent(_batch(batched))
    a = sp.Symbol("a", integer=True)
    x = sam.theta
    here = LOWERING.element(sam.residual_at(sam.start, sam.start_jacobian, sam.curved(x), x), (a,))
    observe = (
        ("squared", sp.Sum(here**2, (a, 0, _D - 1))),
        ("theta", LOWERING.array(x)),
    )
    outside = (LOWERING.array(sam.start), LOWERING.array(sam.start_jacobian))
    inputs = (Q, *outside, sizes, *((masks,) if batched else ()))
    return _map("SAM in its parameters", stated, normalised, observe, inputs)


@cache
def velocity(normalised: bool) -> Map:
    """The flow of (z, J) on all of the data: what the states become is their velocity."""
    stated = sam.velocity()
    z = LOWERING.array(sam.residual)
    a = sp.Symbol("a", integer=True)
    observe = (("squared", sp.Sum(z[a] ** 2, (a, 0, _D - 1))),)
    return _map("SAM with vanishing steps: the velocity", stated, normalised, observe, (Q,))


def _batch(batched: bool) -> Any:
    return sam.mask if batched else sp.S.One


def _map(
    name: str, stated: Statement, normalised: bool, observe: Any, inputs: tuple[Any, ...]
) -> Map:
    stepped = {size: sizes[step]}
    body: list[Update] = []
    for letter, form in stated.body.items():
        body.append(_with(LOWERING.update(letter, form), stepped))
        if normalised and letter is sam.gradient:
            body.append(_normalise())
    return Map(
        name=name,
        states=tuple(LOWERING.array(letter) for letter in stated.after),
        after=tuple(_with(LOWERING.update(k, form), stepped) for k, form in stated.after.items()),
        observe=observe,
        numbers=(radius if normalised else reach,),
        inputs=inputs,
        body=tuple(body),
        steps=stated.steps,
    )


def _with(update: Update, values: Any) -> Update:
    return Update(update.left, update.right.subs(values), update.over)


def _normalise() -> Update:
    """ρ = radius/|g|."""
    g, i = LOWERING.array(sam.gradient), sp.Symbol("i", integer=True)
    length = sp.sqrt(sp.Sum(g[i] ** 2, (i, 0, _P - 1)))
    return Update(reach, radius / sp.Max(length, _TINY))
