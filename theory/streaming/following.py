r"""The limit of a method whose rate follows the run: its modes, and what the rate is.

With A = ηa(R), B = η²b(R) of the method at the rate η,

.. math:: \dot y_i=-\eta a\lambda_iy_i+\eta^2bc_i,\qquad
   \frac{d}{dt}b^2=\frac{\operatorname{tr}K}dN(R)

for :math:`\eta\propto1/b`, N = 2b being the mean square of a step; and the rate
:math:`\eta^\star=a\sum w_i\lambda_iy_i/(2b\sum w_ic_i)` at which :math:`\sum w_iy_i` falls fastest
(derived here).
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.symbols import dimension
from ..core.system import Step
from ..schedules.following import AdaGradNorm, size, square
from .beside import ModesBeside
from .system import ModeSystem

#: η; a and b; P = Σ w λ y and Q = Σ w c; scale
rate, pull, push = sp.symbols("eta a b", positive=True)
along, across, scale = sp.symbols("P Q s", positive=True)
#: d b²/dt
slope = sp.Symbol("b2_slope", real=True)


class FollowingSystem(ModesBeside):
    """Modes at the rate 1, and the equations of the rate; a `System`.

    The equations of the modes have a factor η in their drift and η² in their source; the law has
    "eta", and where it has a state of its own "b2_slope".
    """

    @property
    def has_state(self) -> bool:
        """Whether b² is integrated beside the modes."""
        return any(left == slope for left, _ in self.law.equations)

    @cached_property
    def derivatives(self) -> Derivation:
        """Slopes of η and of db²/dt in what they depend on, for the band."""
        found = tuple(
            (sp.Symbol(f"{left}_{variable}"), sp.diff(right, variable))
            for left, right in self.law.equations
            for variable in (square, pull, push, along)
        )
        return Derivation("slopes", found)


def derive_following(method: Any, modes: ModeSystem) -> FollowingSystem:
    """Return the system of a method with a rate that follows the run, from its modes at rate 1."""
    given = method.rate
    law = _norms(given.forgetting is not None) if isinstance(given, AdaGradNorm) else _greedy()
    return FollowingSystem(modes, law)


@cache
def _norms(forgets: bool) -> Derivation:
    example = AdaGradNorm(1.0, 1.0, 1.0 if forgets else None)
    change = sp.expand(example.after() - square)
    mean = sp.factor(sp.expand(dimension * change).subs(size**2, 2 * push))
    value = scale / sp.sqrt(square)
    return Derivation(
        "norms of the steps",
        ((rate, value), (slope, mean)),
        (
            Step("one step moves b² by, with |g|² = ψ² tr K", "Δ b²", change),
            Step("d steps a unit of time; E ψ² = N = 2 b", slope, mean),
            Step("the rate", rate, value),
        ),
    )


@cache
def _greedy() -> Derivation:
    fall = -rate * pull * along + rate**2 * push * across
    (best,) = sp.solve(sp.diff(fall, rate), rate)
    value = scale * best
    return Derivation(
        "steepest mean descent",
        ((rate, value),),
        (
            Step("Σ w_i y_i changes by, P = Σ w_i λ_i y_i and Q = Σ w_i c_i", "d/dt Σ w y", fall),
            Step("it falls fastest at", "eta*", best),
            Step("the rate", rate, value),
        ),
    )
