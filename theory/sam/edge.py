r"""The edge of stability of SAM, and the 2-cycle of the normalised one.

On a quadratic of curvature s (the sharpness)

.. math:: x'=\left[1-\eta s(1+\rho s)\right]x,\qquad
          s_c=\frac4{\eta+\sqrt\eta\sqrt{\eta+8\rho}},

and with the displacement ρ∇/|∇|: :math:`x'=(1-\eta s)x-\eta\rho s\,\mathrm{sign}(x)`,
whose attractor is :math:`x\to-x`, :math:`|x|=\eta\rho s/(2-\eta s)`. Edge and cycle are
those of arXiv 2302.08692 and of its model, derived here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.system import Step

rate, radius, curvature = sp.symbols("eta rho s", positive=True)
critical, product, cycle, cycle_gradient, multiplier = sp.symbols(
    "s_c edge_product x_c G_c mu", positive=True
)
_x, _root = sp.symbols("x r", positive=True)


@cache
def edge() -> Derivation:
    """Derive the edge, its form without cancellation, and the 2-cycle."""
    step = _step(radius)
    grows = sp.factor(1 - step / _x)
    found = [s for s in sp.solve(sp.Eq(grows, 2), curvature) if _at(s) > 0]
    stable = _without_cancellation(found[0])
    distance = _step(radius / sp.Abs(curvature * _x)).subs(sp.Abs(_x), _x)
    size = sp.solve(sp.Eq(sp.simplify(distance), -_x), _x)[0]
    forms = {
        product: grows,
        critical: stable,
        cycle: sp.factor(size),
        cycle_gradient: sp.factor(curvature * size),
        multiplier: sp.factor(sp.diff(distance, _x)),
    }
    back = sp.simplify(grows.subs(radius, radius / (curvature * size)) - 2)
    steps = (
        Step("on a quadratic of curvature s a step takes x to", "x'", step),
        Step("|x'| < |x| where this is below 2", product, grows),
        Step("it is 2 at", critical, found[0]),
        Step("without cancellation", critical, stable),
        Step("with the displacement ρ∇/|∇|, for x > 0", "x'", sp.simplify(distance)),
        Step("x → −x at", cycle, forms[cycle]),
        Step("where the gradient is", cycle_gradient, forms[cycle_gradient]),
        Step("which a step approaches by the factor", multiplier, forms[multiplier]),
        Step("the edge with ρ/|∇| there, less 2", "ηs(1 + ρs/|∇|) − 2", back),
    )
    return Derivation("the edge of stability of SAM", tuple(forms.items()), steps)


def _step(displacement: Any) -> Any:
    """x − η L'(x + ρ L'(x)) on L = s x²/2."""
    return _x - rate * curvature * (_x + displacement * curvature * _x)


def _at(form: Any) -> float:
    return float(form.subs({rate: 0.5, radius: 0.1}))


def _without_cancellation(form: Any) -> Any:
    """(r − 1)/(2ρ) with r² = 1 + 8ρ/η is 4/(η + ηr), and ηr = √η √(η + 8ρ) has no overflow."""
    root = sp.sqrt(rate + 8 * radius) / sp.sqrt(rate)
    written = sp.simplify(form.subs(radius, rate * (_root**2 - 1) / 8), rational=True)
    reduced = sp.factor(sp.simplify(written.subs(sp.Abs(_root), _root)))
    above, below = sp.fraction(reduced)
    result = above / sp.expand(below.subs(_root, root))
    if abs(_at(result) - _at(form)) > 1e-12:
        raise ArithmeticError("the two forms of the edge differ")
    return result
