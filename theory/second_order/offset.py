r"""Second-order regression just beyond the edge: where gradient descent ends, in many dimensions.

In the singular basis of J let :math:`J_u=\sqrt{2+y}\,e_u` be the top row, in units in which the
step is 1, :math:`J_k=\sqrt{\theta_k}\,e_k` another one, and n a direction off all rows; z is the
residual along the top mode, of the order of y. Two steps, of which the first order alternates,
average to

.. math:: d\ln z=y,\qquad dy=-c\,z^2,\qquad c=\lvert\Pi_\perp Q_uJ_u\rvert^2,

a step, with :math:`\Pi_\perp` the projector off the rows of J: what the other modes answer,
:math:`z_k=O(z^2)`, takes away the part of :math:`Q_uJ_u` along their rows, each mode its own. So
:math:`y^2+cz^2` is conserved to leading order, and a run that begins with z → 0 at y ends at −y.
All is derived here from the exact step of :mod:`.motion`. Model of arXiv 2210.04860.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.system import Step
from .letters import Letter
from .lowering import Lowering
from .motion import jacobian, mask, prefactor, residual, step

#: of the pair of steps: y = h λ_max − 2, the residual along its mode, and c
y, z, c = sp.symbols("y z c", real=True)
Z_RATE, Y_RATE, CONSERVED, Y_END = sp.symbols("z_rate y_rate conserved y_end")
#: the mode (D, 1), Q_u = Σ u_a Q_a (P, P) and J (D, P) that give c
D, P = sp.symbols("D P", integer=True, positive=True)
mode, bent, rows = (
    sp.MatrixSymbol(name, *shape) for name, shape in (("u", (D, 1)), ("Q_u", (P, P)), ("J", (D, P)))
)
C = sp.Symbol("leaving")

#: the top mode and another one; their directions, and one off all rows
_MODES, _DIRECTIONS = "uk", "ukn"
_Q = sp.IndexedBase("Q", shape=(2, 3, 3))
_CURVATURES = tuple(
    f"q_{a}_{i}{j}" for a in _MODES for i, j in ("uu", "uk", "un", "kk", "kn", "nn")
)
#: polynomials in the size s, the scaled z_u, z_k and y, r = √θ and the curvatures; orders below s³
_ring, _s, _zeta, _xi, _Y, _r, *_q = sp.ring(
    ("s", "zeta", "xi", "Y", "r", *_CURVATURES), sp.QQ.algebraic_field(sp.sqrt(2))
)
_ROOT = _ring(sp.sqrt(2))
_ORDERS = 3

State = tuple[list[Any], list[list[Any]]]


@cache
def offset_theory() -> Derivation:
    """Derive the average over two steps, what it conserves, and the end."""
    start = _start()
    after = _pair(start)
    slaved = _slaved(after)
    z_change = _order(after[0][0] - start[0][0], slaved)
    # the top mode turns by s² only, which changes y at s⁴
    before, now = (sum((x * x for x in J[0]), _ring.zero) for _, J in (start, after))
    # z alternates: y of the pair is its mean over two steps, y less z times the slope along u
    own = 2 * _curvature("u", "u", "u")
    mean = (_Y - own * _zeta).as_expr()
    z_rate = z_change / 2
    y_rate = sp.factor((_order(now - before, slaved) - own.as_expr() * z_change) / 2)
    if sp.expand(z_rate - _zeta.as_expr() * mean) != 0:
        raise ArithmeticError(f"the residual grows by {z_rate}, which is not z times {mean}")
    leaving = _leaving()
    found = sp.cancel(-y_rate / _zeta.as_expr() ** 2)
    if sp.simplify(_in_basis(leaving) - found) != 0:
        raise ArithmeticError(f"c = {found} is not the square off the rows of J")
    slope = {Z_RATE: z * y, Y_RATE: -c * z**2}
    conserved = _integral(slope)
    end = -sp.sqrt(conserved)
    equations = {**slope, C: leaving, CONSERVED: conserved, Y_END: end}
    return Derivation(
        "second-order regression beyond the edge",
        tuple(equations.items()),
        (
            Step(
                "two steps of size s leave what the other modes answer, to order s²", "xi", slaved
            ),
            Step("the residual along the top mode, a step, in the mean of two", Z_RATE, z_rate),
            Step("which is z times the mean of y over both", "y", mean),
            Step("that mean moves, a step, by", Y_RATE, y_rate),
            Step("which is −c z², with the square off the rows of J", C, leaving),
            Step("dy/dz is integrated", CONSERVED, conserved),
            Step("at z = 0 on the other side", Y_END, end),
        ),
    )


def _start() -> State:
    """z = sζ along u, s²ξ along the other mode; J in its singular basis, with 2 + sY on top."""
    none, moved = _ring.zero, _s * _Y / 4
    top = _ROOT * (1 + moved - moved**2 / 2)  # √(2 + sY) to the order s²
    return [_s * _zeta, _s**2 * _xi], [[top, none, none], [none, _r, none]]


def _pair(state: State) -> State:
    """Two exact steps, every example drawn."""
    names: dict[Letter, tuple[int, ...]] = {residual: (2,), jacobian: (2, 3), mask: (1, 2)}
    lowering = Lowering(names, _Q)
    arrays = lowering.array(residual), lowering.array(jacobian)
    z_next, J_next = step(residual, jacobian, mask)
    z_forms = [_written(lowering.element(z_next, (a,))) for a in range(2)]
    J_forms = [[_written(lowering.element(J_next, (a, i))) for i in range(3)] for a in range(2)]
    for _ in range(2):
        known = _entries(state, *arrays)
        state = (
            [_value(form, known) for form in z_forms],
            [[_value(form, known) for form in forms] for forms in J_forms],
        )
    return state


def _written(form: Any) -> Any:
    """Every sum written out, as a polynomial of the entries."""
    form = sp.expand(form.doit()).subs(prefactor, 1)
    drawn = {entry: 1 for entry in form.atoms(sp.Indexed) if str(entry.base) == str(mask.args[0])}
    form = form.subs(drawn)
    return sp.Poly(form, *sorted(form.atoms(sp.Indexed), key=str))


def _entries(state: State, residuals: Any, slopes: Any) -> dict[Any, Any]:
    values, J = state
    known = {residuals[a]: values[a] for a in range(2)}
    for a, name in enumerate(_MODES):
        known |= {slopes[a, i]: J[a][i] for i in range(3)}
        known |= {
            _Q[a, i, j]: _curvature(name, _DIRECTIONS[i], _DIRECTIONS[j])
            for i in range(3)
            for j in range(3)
        }
    return known


def _curvature(a: str, i: str, j: str) -> Any:
    """The element of Q_a between two directions; symmetric."""
    names = f"q_{a}_{i}{j}", f"q_{a}_{j}{i}"
    return next(_q[_CURVATURES.index(name)] for name in names if name in _CURVATURES)


def _value(form: Any, known: dict[Any, Any]) -> Any:
    """The polynomial at entries that are series in s."""
    total = _ring.zero
    for powers, coefficient in form.terms():
        term = _ring(coefficient)
        for entry, power in zip(form.gens, powers, strict=True):
            for _ in range(power):
                term = _short(term * known[entry])
        total += term
    return total


def _short(value: Any) -> Any:
    """Without the orders that are not kept."""
    kept = {powers: factor for powers, factor in value.terms() if powers[0] < _ORDERS}
    return _ring.from_dict(kept)


def _slaved(after: State) -> Any:
    """ξ that two steps leave as it is: the other mode answers at once."""
    own = _xi.as_expr()
    change = after[0][1].as_expr().coeff(_s.as_expr(), 2) - own
    return sp.factor(sp.solve(change, own)[0])


def _order(value: Any, slaved: Any) -> Any:
    """The order s², with the other mode slaved; there is none below."""
    form = _short(value).as_expr().subs(_xi.as_expr(), slaved)
    if any(sp.expand(form.coeff(_s.as_expr(), k)) != 0 for k in range(2)):
        raise ArithmeticError(f"two steps change by {form}, of an order below s²")
    return sp.expand(form.coeff(_s.as_expr(), 2))


def _leaving() -> Any:
    """|Π_⊥ Q_u J_u|², the trace of a matrix of one element."""
    moved = bent * rows.T * mode
    off = moved - rows.T * (rows * rows.T).I * rows * moved
    return sp.Trace(off.T * off)


def _in_basis(form: Any) -> Any:
    """The same in the singular basis of J at the edge."""
    of_u = [[_curvature("u", i, j).as_expr() for j in _DIRECTIONS] for i in _DIRECTIONS]
    J = [[sp.sqrt(2), 0, 0], [0, _r.as_expr(), 0]]
    known = {mode: [[1], [0]], bent: of_u, rows: J}
    small = {D: 2, P: 3}
    places = {name.subs(small): sp.ImmutableMatrix(value) for name, value in known.items()}
    return form.subs(small).subs(places).doit()


def _integral(slope: dict[Any, Any]) -> Any:
    """What both conserve: y² less the integral of d(y²)/dz = 2y ẏ/ż over z."""
    growth = sp.cancel(2 * y * slope[Y_RATE] / slope[Z_RATE])
    if growth.has(y):
        raise ArithmeticError(f"d(y²)/dz = {growth} has y in it")
    return y**2 - sp.integrate(growth, z)
