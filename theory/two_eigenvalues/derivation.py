r"""From one step of gradient descent to the end of the edge of stability.

With :math:`T_k=\sum_iw_i^kJ_i^2`, :math:`w=(1,-\epsilon)`, the motion of
:math:`(z,J_1,J_2)` closes on z and :math:`T=T_0`, since :math:`E=z-\tfrac12T_{-1}` is conserved.
Two steps near the flip, with :math:`z^2=\epsilon Z` and :math:`T=2+\epsilon Y+2z`, average to a
linear equation for Z(Y), whose root is the end:

.. math:: \eta\lambda\to2-\tfrac\epsilon2(1+E)+O(\epsilon^2).

Model of arXiv 2210.04860, formulas derived here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.map import Map
from ..core.system import Step

epsilon, E = sp.symbols("epsilon E", real=True)
z, J1, J2, T, y = sp.symbols("z J_1 J_2 T y", real=True)
#: scaled variables Z = z²/ε and Y = y/ε, their start, and the constant of the general solution
Y, Z_0, Y_0, constant = sp.symbols("Y Z_0 Y_0 C", real=True)

z_full, J1_next, J2_next = sp.symbols("z_full J_1_next J_2_next", real=True)
z_next, T_next, T_1 = sp.symbols("z_next T_next T_1", real=True)
z_flow, T_flow = sp.symbols("z_flow T_flow", real=True)
z_pair, y_pair, T_pair = sp.symbols("z_pair y_pair T_pair", real=True)
Z_of_Y, end, C_start = sp.symbols("Z T_end C_start", real=True)
#: not lowered to numpy, which has no Lambert function
END_FROM_START = "Y_{end}"

_WEIGHTS = (sp.S.One, -epsilon)
_h, _root, _zeta = sp.symbols("h s zeta", real=True)
_Z = sp.Symbol("Z", positive=True)

Equations = dict[Any, Any]
Part = tuple[Equations, list[Step]]


@cache
def two_eigenvalue_theory() -> Derivation:
    """Derive the map, the flow, the average over two steps, and the end."""
    model, model_steps = _model()
    closed, closed_steps = _eliminate(model)
    flow, flow_steps = _flow(closed)
    pair, pair_steps = _two_steps(closed)
    ends, end_steps = _end(pair)
    return Derivation(
        name="one example, two eigenvalues of the curvature",
        equations=tuple((model | closed | flow | pair | ends).items()),
        steps=(*model_steps, *closed_steps, *flow_steps, *pair_steps, *end_steps),
    )


def moment(k: int) -> Any:
    """T_k = Σ w_i^k J_i²."""
    first, second = _WEIGHTS
    return first**k * J1**2 + second**k * J2**2


def _model() -> Part:
    """One step θ' = θ − zJ, exactly: z(θ) is quadratic."""
    jacobian, curvature = sp.Matrix([J1, J2]), sp.diag(*_WEIGHTS)
    move = -z * jacobian
    residual = sp.expand(z + (jacobian.T * move)[0] + (move.T * curvature * move)[0] / 2)
    after = jacobian + curvature * move
    model = {z_full: residual, J1_next: sp.factor(after[0]), J2_next: sp.factor(after[1])}
    return model, [
        Step("gradient descent moves θ by −z J; z(θ + d) = z + J·d + d·Q d/2", z_full, residual),
        Step("J(θ + d) = J + Q d", J1_next, model[J1_next]),
        Step("and the second component", J2_next, model[J2_next]),
    ]


def _eliminate(model: Equations) -> Part:
    """Conservation of E, and with it the closed map of z and T."""
    invariant = z - moment(-1) / 2
    kept = sp.expand(_after(invariant, model) - invariant)
    solved = sp.solve([sp.Eq(moment(0), T), sp.Eq(invariant, E)], [J1**2, J2**2], dict=True)[0]
    first, z_map, T_map = (
        sp.collect(sp.expand(sp.cancel(form.subs(solved))), (z, T))
        for form in (moment(1), model[z_full], sp.expand(_after(moment(0), model)))
    )
    slow = T - 2 * (z - E)
    mapped = {z: z_map, T: T_map}
    growth = sp.factor(sp.cancel(slow.subs(mapped, simultaneous=True) / slow))
    return {T_1: first, z_next: z_map, T_next: T_map}, [
        Step("E = z − T₋₁/2 after a step, less E before", "E' − E", kept),
        Step("T = T₀ and E give J₁² and J₂², and with them", T_1, first),
        Step("the closed map", z_next, z_map),
        Step("and", T_next, T_map),
        Step(
            "W = T − 2(z − E) = J₂²(1 + ε)/ε grows by a factor that is second order", "W'/W", growth
        ),
    ]


def _after(quantity: Any, model: Equations) -> Any:
    moved = {z: model[z_full], J1: model[J1_next], J2: model[J2_next]}
    return quantity.subs(moved, simultaneous=True)


def _flow(closed: Equations) -> Part:
    """Steps of length h: z, E ∝ h and T ∝ h; the first order in h is gradient flow."""
    short = {z: _h * z, T: _h * T, E: _h * E}
    flow = {}
    for name, after in ((z_flow, z_next), (T_flow, T_next)):
        change = sp.expand(closed[after].subs(short, simultaneous=True) / _h)
        flow[name] = sp.collect(change.coeff(_h, 1), z)
    return flow, [
        Step("gradient flow: steps of length h → 0, first order in h", z_flow, flow[z_flow]),
        Step("sharpening where z T₁ < 0", T_flow, flow[T_flow]),
    ]


def _two_steps(closed: Equations) -> Part:
    """Compose two steps with z = sζ, y = s²Y, s² = ε, and keep the leading orders of the change."""
    near = {T: 2 + y + 2 * z}
    once = {z: closed[z_next].subs(near), y: (closed[T_next] - 2 - 2 * closed[z_next]).subs(near)}
    scaled = {z: _root * _zeta, y: _root**2 * Y, epsilon: _root**2}
    middle = {name: form.subs(scaled, simultaneous=True) for name, form in once.items()}
    twice = {
        name: form.subs(middle | {epsilon: _root**2}, simultaneous=True)
        for name, form in once.items()
    }
    z_change = _leading(twice[z] - scaled[z], 3).subs(_zeta, z / _root)
    y_change = _leading(twice[y] - scaled[y], 4).subs(_zeta, z / _root)
    z_dot = sp.factor(z_change.subs(Y, y / _root**2))
    y_dot = sp.factor(y_change.subs(_root, sp.sqrt(epsilon)))
    both = (near[T] + near[T].subs(once, simultaneous=True)) / 2 - 2
    mean = 2 + _leading(both.subs(scaled, simultaneous=True), 2).subs(
        {_zeta: z / _root, Y: y / _root**2}
    )
    return {z_pair: z_dot, y_pair: y_dot, T_pair: mean}, [
        Step(
            "z = ε^½ ζ and T = 2 + y + 2z, y = εY: two steps change z by, to order ε^{3/2}",
            z_pair,
            z_dot,
        ),
        Step("and y by, to order ε²", y_pair, y_dot),
        Step("T averaged over the two, to order ε", T_pair, mean),
    ]


def _leading(change: Any, power: int) -> Any:
    """The term of a change of this order in s; all lower ones vanish."""
    terms = sp.Poly(sp.expand(change), _root)
    lower = [k for (k,) in terms.monoms() if k < power]
    if lower:
        raise ArithmeticError(f"two steps change by terms of the orders {lower} in s = ε^½")
    return sp.expand(terms.coeff_monomial(_root**power) * _root**power)


def _end(pair: Equations) -> Part:
    """Solve dZ/dY, and find where Z reaches 0."""
    ratio = sp.cancel(2 * z * pair[z_pair] / pair[y_pair])
    slope = sp.cancel(ratio.subs({z: sp.sqrt(epsilon * _Z), y: epsilon * Y}))
    function = sp.Function("Z")
    found = sp.dsolve(sp.Eq(function(Y).diff(Y), slope.subs(_Z, function(Y))), function(Y)).rhs
    general = _with_constant(found)
    manifold = general.subs(constant, 0)
    at_start = sp.solve(general.subs(Y, Y_0) - Z_0, constant)[0]
    ends = {Z_of_Y: general, C_start: at_start}
    ends |= {end: 2 + epsilon * sp.solve(manifold, Y)[0], END_FROM_START: _root_below(general)}
    return ends, [
        Step("Z = z²/ε along the orbit, dZ/dY = ε 2z ż/(ε ẏ)", "dZ/dY", slope),
        Step("a linear equation", Z_of_Y, general),
        Step("from a start (Y₀, Z₀)", C_start, at_start),
        Step("orbits from large Y have C → 0: the slow manifold", "Z", manifold),
        Step("it ends at Z = 0, where T = 2 + εY", end, sp.factor(ends[end])),
        Step("from a finite start: the root of Z below it", END_FROM_START, ends[END_FROM_START]),
    ]


def _root_below(general: Any) -> Any:
    """Z(Y) = 0 with Y = −(1 + E)(1 + v)/2 reads v e^v = A: v is Lambert's function of A.

    Its principal branch is the root below the start: for C > 0 there is one root only, and for
    C < 0 the start lies between the two.
    """
    v = sp.Symbol("v", real=True)
    place = -(1 + E) * (1 + v) / 2
    at_root = sp.solve(sp.simplify(general.subs(Y, place)), constant)[0]
    argument = constant / sp.simplify(at_root / (v * sp.exp(v)))
    return place.subs(v, sp.LambertW(argument))


def _with_constant(found: Any) -> Any:
    """The general solution with the constant as the factor of the exponential."""
    c1 = sp.Symbol("C1")
    expanded = sp.expand(found)
    particular = sp.expand(expanded.subs(c1, 0))
    exponential = sp.simplify(expanded - particular) / c1
    rate = sp.simplify(sp.diff(exponential, Y) / exponential)
    return constant * sp.exp(rate * Y) + sp.collect(particular, Y)


def closed_map(theory: Derivation) -> Map:
    """One step of (z, T), with the numbers ε and E."""
    after = (theory[z_next], theory[T_next])
    observe = (("z", z), ("T", T))
    return Map(theory.name, (z, T), after, observe, (epsilon, E), steps=theory.steps)


def full_map(theory: Derivation) -> Map:
    """One step of (z, J₁, J₂), with the number ε; T = J₁² + J₂²."""
    after = (theory[z_full], theory[J1_next], theory[J2_next])
    observe = (("z", z), ("T", moment(0)))
    return Map(theory.name, (z, J1, J2), after, observe, (epsilon,), steps=theory.steps)
