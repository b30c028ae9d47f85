r"""Closed forms of one mode: its course, and how long it waits on the plateau.

A block with input strength a and target β moves as one end to end with target β in the time a²t.

One layer: :math:`\dot v=\beta-v`. Two layers, with the conserved :math:`c=u_1^2-u_2^2` and
:math:`r=(u_1+u_2)^2`, :math:`s=u_1u_2=(r-c^2/r)/4`:

.. math:: \dot r=2\beta r-\tfrac12r^2+\tfrac12c^2 .

L balanced layers, :math:`w=u\beta^{-1/L}`:

.. math:: \beta^{2-2/L}\,t=\int_{w_0}^w\frac{dv}{v^{L-1}(1-v^L)}
          =\int_{w_0}^wv^{1-L}dv+\int_{w_0}^w\frac{v\,dv}{1-v^L},

of which the first is the plateau and the second the way from there. Derived here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.system import Step
from .loss import mode_loss, velocities

t, beta = sp.symbols("t beta", positive=True)
first, second = sp.symbols("u_1 u_2", real=True)
#: the conserved difference, and (u₁ + u₂)² at the start and later
c, r0, r = sp.Symbol("c", real=True), sp.Symbol("r_0", positive=True), sp.Symbol("r", positive=True)
#: where r comes to rest
p = sp.Symbol("p", positive=True)
v0 = sp.Symbol("v_0", real=True)
w, w0, s0 = sp.symbols("w w_0 s_0", positive=True)
L = sp.Symbol("L", integer=True, positive=True)
_k = sp.Symbol("k", integer=True)
_v, _others = sp.symbols("v o", positive=True)
v, s, plateau_2, plateau, arrival = sp.symbols("v s plateau_2 plateau arrival")


@cache
def closed_theory() -> Derivation:
    """Derive the courses of one layer, of two, and of L balanced ones, and their plateaus."""
    equations = {
        v: _one_layer(),
        p: _root(),
        r: _two_layers(),
        s: (r - c**2 / r) / 4,
        plateau_2: _escape(),
        plateau: beta ** (2 / L - 2) * sp.integrate(_v ** (1 - L), (_v, w0, w)),
        arrival: beta ** (2 / L - 2) * _arrival(),
    }
    name = "closed forms of one mode of a deep linear student"
    return Derivation(name, tuple(equations.items()), _told(equations))


def _one_layer() -> Any:
    """v(t) of one layer, v̇ = β − v."""
    course = sp.Function("v")
    (pull,) = velocities((first,), (beta,), (1,))
    flow = sp.Eq(course(t).diff(t), pull.subs(first, course(t)))
    return sp.dsolve(flow, course(t), ics={course(0): v0}).rhs


@cache
def _riccati() -> Any:
    """ṙ of two layers in r and c, from their velocities."""
    pulls = velocities((first, second), (beta, 1), (2,))
    # u₁ + u₂ = √r, u₁ − u₂ = c/√r
    gap = c / sp.sqrt(r)
    here = {first: (sp.sqrt(r) + gap) / 2, second: (sp.sqrt(r) - gap) / 2}
    return sp.expand((2 * (first + second) * sum(pulls)).subs(here))


def _root() -> Any:
    (found,) = [x for x in sp.solve(_riccati(), r) if x.subs({beta: 1, c: 0}) > 0]
    return found


def _two_layers() -> Any:
    """r(t), by partial fractions between the roots p and −c²/p of ṙ."""
    low = -(c**2) / p
    assert sp.expand(-(r - _root()) * (r + c**2 / _root()) / 2 - _riccati()).simplify() == 0
    ratio = (r - p) / (r - low)
    # (r − p)/(r + c²/p) decays at a rate that does not depend on r
    decay = sp.simplify(-sp.diff(ratio, r) / ratio * -(r - p) * (r - low) / 2)
    left = sp.Symbol("q")
    found = sp.solve(sp.Eq(ratio, left), r)[0]
    return found.subs(left, ratio.subs(r, r0) * sp.exp(-decay * t))


def _escape() -> Any:
    """Time in which a residual that stays β would bring two layers to s = β."""
    (top,) = [
        x for x in sp.solve(sp.Eq((r - c**2 / r) / 4, beta), r) if x.subs({beta: 1, c: 0}) > 0
    ]
    pulls = (beta * second, beta * first)  # u̇ with the residual β
    growth = sp.simplify(2 * sum(pulls) / (first + second))
    return sp.log(top / r0) / growth


def _balanced() -> Any:
    """u̇ of L equal layers; the others of them have the product o."""
    pull = -sp.diff(mode_loss(_v * _others, beta, 1), _v)
    return sp.factor(sp.powsimp(pull.subs(_others, _v ** (L - 1)), force=True))


def _arrival() -> Any:
    """∫₀ʷ v/(1 − vᴸ) dv, by its poles at the roots of one."""
    angle = 2 * sp.pi * _k / L
    turned = sp.cos(2 * angle) + sp.I * sp.sin(2 * angle)  # −L times the residue, ω²
    across, along = w * sp.sin(angle), 1 - w * sp.cos(angle)
    # left as it is: expanded, it would lose the digits of (1 − w)² near w = 1
    logarithm = sp.log(across**2 + along**2) / 2 + sp.I * sp.atan2(across, along)
    term = sp.expand_mul(turned * logarithm, deep=False)
    real = sum(part for part in sp.Add.make_args(term) if not part.has(sp.I))
    return -sp.Sum(real, (_k, 0, L - 1)) / L


def _told(equations: dict[Any, Any]) -> tuple[Step, ...]:
    start = {c: 0, r0: 4 * s0, p: _root().subs(c, 0)}
    course = sp.simplify(equations[r].subs(start) / 4)
    half = sp.solve(sp.Eq(course, beta / 2), t)[0]
    wait = sp.simplify(equations[plateau_2].subs(start))
    return (
        LABEL,
        Step("one layer has no plateau", "v(t)", equations[v]),
        Step("two layers: r = (u_1 + u_2)², c = u_1² − u_2² is conserved", "r'", _riccati()),
        Step("which rests at", p, equations[p]),
        Step("and between its roots", "r(t)", equations[r]),
        Step("s = u_1 u_2", "s", equations[s]),
        Step("balanced, c = 0 and r_0 = 4 s_0", "s(t)", course),
        Step("half of the target is learnt at", "t_half", half),
        Step("plateau: until a residual that stays β would have brought s to β", "t", wait),
        Step("unbalanced", "t", equations[plateau_2]),
        Step("L balanced layers", "u'", _balanced()),
        Step(
            "w = u β^(−1/L): 1/(v^(L−1) (1 − v^L)) = v^(1−L) + v/(1 − v^L); plateau",
            "t",
            equations[plateau],
        ),
        Step("and the way from there, by the poles at the roots of one", "t", equations[arrival]),
    )


#: what this theory is, and what not
LABEL = Step(
    "inspired by arXiv 2312.13223, solvable form derived here: linear layers; no theory of that "
    "recipe on networks, and of none of its accuracies",
    "f(x)",
    "U_L ⋯ U_1 x",
)
