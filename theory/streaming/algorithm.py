r"""One step of the algorithm on a sample, for a rule ψ.

.. math:: \delta_i'=\delta_i-h\,w\,x_i,\quad w=\psi(\ell)\ \text{or}\ \psi(n)\,\ell/n,\;
          n=|\ell|\,|x|/\sqrt{\operatorname{tr}K};\qquad
          \delta_i'=\delta_i-h\,\psi(\ell x_i)

where the rule acts on the residual, on the gradient's norm, or on coordinates; h = η/d. In an
eigenspace in which x has the component a along δ and the square b across it, the length q of δ
becomes that of :math:`(q-hwa,\,hw\sqrt b)` (derived here).
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from ..core.symbols import residual

#: δ_i, x_i, h = η/d, and |x|/√tr K
coordinate, sample = sp.symbols("delta_i x_i", real=True)
step_size, length = sp.symbols("h s", nonnegative=True)
#: q, and a and b of the sample in an eigenspace
distance, square_across = sp.symbols("q b", nonnegative=True)
along = sp.Symbol("a", real=True)


def weight(rule: Any, acts_on: str) -> Any:
    """Return w, by which the sample is multiplied; a zero gradient has the weight 0.

    Parameters
    ----------
    rule : sympy expression
        ψ(ℓ).
    acts_on : {"residual", "norm"}
    """
    if acts_on == "residual":
        return rule
    norm = sp.Abs(residual) * length
    ratio = rule.subs(residual, norm) / norm * residual
    return sp.Piecewise((ratio, norm > 0), (0, True))


def sample_step(rule: Any, acts_on: str) -> Any:
    """Return δ_i after a step, for a rule on "residual", "norm" or "coordinate"."""
    if acts_on == "coordinate":
        return coordinate - step_size * rule.subs(residual, residual * sample)
    return coordinate - step_size * weight(rule, acts_on) * sample


def distance_step(rule: Any, acts_on: str) -> Any:
    """Return q after a step, for a rule on "residual" or "norm"."""
    moved = step_size * weight(rule, acts_on)
    after = sp.Matrix([distance, 0]) - moved * sp.Matrix([along, sp.sqrt(square_across)])
    return sp.sqrt(after.dot(after))
