r"""Tuners on two curvatures: the fixed point of the ratio of the two modes, and its multiplier.

.. math:: \ln r^+=\ln r+2\ln|1-\eta\kappa|-2\ln|1-\eta|,\qquad \eta=\eta(r),\quad r=g_1^2/g_2^2

Both modes shrink alike where :math:`\eta=2/(\kappa+1)`; the slope of the map there is
:math:`\mu`, and the point is stable where :math:`|\mu|<1`.
Setting of arXiv 2407.06183, formulas derived here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.errors import NotAvailable
from ..core.system import Step
from ..methods.cdat import CDAT
from ..methods.polyak import Polyak
from .letters import kappa, square
from .maps import pair_seen, ruled

r = sp.Symbol("r", positive=True)
scale = sp.Symbol("c", positive=True)
fixed, slope, step = sp.symbols("r_fixed mu eta", real=True)
lowest, highest = sp.symbols("c_low c_high", real=True)
flip_1, flip_2 = sp.symbols("c_flip_1 c_flip_2", real=True)


@cache
def ratio_theory(kind: type[Any]) -> Derivation:
    """Derive the fixed point, its slope, and where it exists and flips, for CDAT or Polyak."""
    chosen = step_of_ratio(kind)
    both = sp.Eq(kappa * step - 1, 1 - step)  # the only way to |1 − ηκ| = |1 − η| with η > 0
    (shared,) = sp.solve(both, step)
    (point,) = sp.solve(sp.Eq(chosen, shared), r)
    point = sp.factor(point)
    move = 2 * sp.log(kappa * step - 1) - 2 * sp.log(1 - step)
    turn = sp.diff(move, step).subs(step, shared) * (sp.diff(chosen, r) * r).subs(r, point)
    mu = sp.factor(sp.simplify(1 + turn))
    top, bottom = sp.fraction(point)
    ends = sorted((sp.solve(side, scale)[0] for side in (top, bottom)), key=_size)
    flips = sorted(sp.solve(sp.numer(sp.together(mu + 1)), scale), key=_size)
    found = {
        step: chosen,
        fixed: point,
        slope: mu,
        lowest: ends[0],
        highest: ends[1],
        flip_1: sp.factor(flips[0]),
        flip_2: sp.factor(flips[1]),
    }
    return Derivation(
        f"{kind.__name__} on two curvatures",
        tuple(found.items()),
        (
            Step("the step as a function of the ratio", step, chosen),
            Step("both modes shrink alike", "η", shared),
            Step("at the ratio", fixed, point),
            Step("which is positive above the scale", lowest, ends[0]),
            Step("and below", highest, ends[1]),
            Step("the slope of ln r ↦ ln r⁺ there", slope, mu),
            Step("it is −1 at", "c", found[flip_1]),
            Step("and at", "c", found[flip_2]),
            Step("the two meet where", "κ", sp.solve(sp.Eq(*flips), kappa)),
        ),
    )


def step_of_ratio(kind: type[Any]) -> Any:
    """η(r) of a tuner with one number, from its rule."""
    if kind not in (CDAT, Polyak):
        raise NotAvailable("method", kind.__name__, "the ratio map is derived for CDAT and Polyak")
    rule = ruled(kind(1.0))
    first, second = r / (1 + r), 1 / (1 + r)
    seen = pair_seen(*sp.symbols("w_1 w_2", positive=True))
    w1, w2 = sp.symbols("w_1 w_2", positive=True)
    inside = {square: 1, **seen, rule.numbers[0]: scale}
    form = sp.piecewise_fold(rule.step.subs(inside))
    return sp.factor(sp.simplify(form.subs({w1: first, w2: second})))


def _size(form: Any) -> Any:
    """For an order that holds at large κ."""
    return float(form.subs(kappa, 50))
