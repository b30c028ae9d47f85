r"""SAM on one example with two eigenvalues of the curvature, closed in (z, T).

With :math:`T_k=\sum_iw_i^kJ_i^2`, :math:`w=(1,-\epsilon)`, in units of the rate and with
:math:`\rho` = radius/rate,

.. math:: \tilde z=z+\rho zT_0+\tfrac12\rho^2z^2T_1,\qquad
          J_i'=\left[1-\tilde zw_i(1+\rho zw_i)\right]J_i .

:math:`E=z-\tfrac12T_{-1}` is conserved by every displacement of the parameters, so that z and
:math:`T=T_0` are closed. The fixed line z = 0 is stable where T(1 + ρT) < 2. Derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.loops import Update
from ..core.map import Map
from ..core.system import Step
from ..two_eigenvalues.derivation import J1, J2, E, T, epsilon, moment, z

#: radius/rate; of a normalised displacement radius · √rate, with w₁ = 1
reach, radius = sp.symbols("rho radius", nonnegative=True)
ascended, z_flow, T_flow = sp.symbols("z_up z_flow T_flow", real=True)
#: J₁² and J₂²
first, second = sp.symbols("a b", nonnegative=True)
_SQUARES = {J1**2: first, J2**2: second}
_WEIGHTS = (sp.S.One, -epsilon)
_h = sp.Symbol("h", positive=True)
#: a residual of 0 is not divided by
_TINY = sp.Float(1e-150)
_NAME = "SAM on one example, two eigenvalues of the curvature"


@dataclass(frozen=True)
class Motion:
    """J₁² and J₂² in terms of (z, T, E), and z̃, z', T' and J' in terms of these."""

    squares: tuple[Any, Any]
    up: Any
    z_after: Any
    T_after: Any
    J_after: tuple[Any, Any]
    steps: tuple[Step, ...]


@cache
def motion() -> Motion:
    """One step, exactly, and the elimination of J."""
    J, curvature = sp.Matrix([J1, J2]), sp.diag(*_WEIGHTS)
    climb = reach * z * J
    up = _in_squares(z + (J.T * climb)[0] + (climb.T * curvature * climb)[0] / 2)
    move = -ascended * (J + curvature * climb)
    after = _in_squares(z + (J.T * move)[0] + (move.T * curvature * move)[0] / 2)
    jacobian = (J + curvature * move).applyfunc(sp.factor)
    squared = sum(sp.factor(entry**2) for entry in jacobian).subs(_SQUARES)
    solved = sp.solve(
        [sp.Eq(moment(0), T), sp.Eq(z - moment(-1) / 2, E)], [J1**2, J2**2], dict=True
    )[0]
    squares = tuple(sp.collect(sp.cancel(solved[J]), (z, T)) for J in _SQUARES)
    kept = after - (jacobian[0] ** 2 - jacobian[1] ** 2 / epsilon) / 2 - (z - moment(-1) / 2)
    steps = (
        Step("the ascended residual z̃ = z(θ + ρ∇), exactly; a, b = J₁², J₂²", ascended, up),
        Step("a step −z̃J̃ from θ: the residual", "z'", after),
        Step("and the Jacobian", "J₁', J₂'", tuple(jacobian)),
        Step(
            "E = z − T₋₁/2 after the step, less E before",
            "E' − E",
            sp.simplify(kept.subs({first: J1**2, second: J2**2})),
        ),
        Step("T = T₀ and E give J₁², so that z and T are closed", first, squares[0]),
        Step("and J₂²", second, squares[1]),
    )
    return Motion(squares, up, after, squared, tuple(jacobian), steps)


def _in_squares(form: Any) -> Any:
    return sp.collect(sp.expand(form).subs(_SQUARES), (z, ascended))


@cache
def closed_map(normalised: bool) -> Map:
    """One step of (z, T), with the numbers ε, E and ρ."""
    found = motion()
    eliminated = (Update(first, found.squares[0]), Update(second, found.squares[1]))
    body = (*eliminated, *_reach(normalised), Update(ascended, found.up))
    numbers = (epsilon, E, radius if normalised else reach)
    after = (found.z_after, found.T_after)
    return Map(_NAME, (z, T), after, (("z", z), ("T", T)), numbers, (), body, found.steps)


@cache
def full_map(normalised: bool) -> Map:
    """One step of (z, J₁, J₂), with the numbers ε and ρ."""
    found = motion()
    own = (Update(first, J1**2), Update(second, J2**2))
    body = (*own, *_reach(normalised), Update(ascended, found.up))
    numbers = (epsilon, radius if normalised else reach)
    observe = (("z", z), ("T", moment(0)))
    after = (found.z_after, *found.J_after)
    return Map(_NAME, (z, J1, J2), after, observe, numbers, (), body, found.steps)


def _reach(normalised: bool) -> tuple[Update, ...]:
    """ρ = radius/|zJ|."""
    if not normalised:
        return ()
    return (Update(reach, radius / sp.Max(sp.Abs(z) * sp.sqrt(first + second), _TINY)),)


@cache
def flow() -> Derivation:
    """Steps of length h → 0: z, E and T ∝ h, and ρ ∝ 1/h; the first order in h."""
    found = motion()
    short = {z: _h * z, T: _h * T, E: _h * E, reach: reach / _h}
    squares = dict(zip((first, second), found.squares, strict=True))
    forms = []
    for before, after in ((z, found.z_after), (T, found.T_after)):
        change = (after - before).subs(ascended, found.up).subs(squares)
        scaled = sp.expand(sp.cancel(change).subs(short, simultaneous=True) / _h)
        forms.append(sp.collect(scaled.coeff(_h, 1), z))
    steps = (
        *found.steps,
        Step("steps of length h → 0, first order in h", z_flow, forms[0]),
        Step("and", T_flow, forms[1]),
    )
    return Derivation(f"{_NAME}, flow", ((z_flow, forms[0]), (T_flow, forms[1])), steps)
