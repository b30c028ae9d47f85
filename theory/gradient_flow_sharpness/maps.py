r"""Gradient descent on both networks as maps: in the weights, closed in their squares, as a flow.

For the scalar network with :math:`\pi=\prod w_i`, :math:`s_i=w_i^2`

.. math:: w_i'=w_i-\eta(\pi-1)\frac\pi{w_i},\qquad
          s_i'=s_i\Big[1-\frac{\eta(\pi-1)\pi}{s_i}\Big]^2,\qquad
          \pi'=\pi\prod_i\Big[1-\frac{\eta(\pi-1)\pi}{s_i}\Big],

so that a balance obeys
:math:`(s_i-s_j)'=(s_i-s_j)\left[1-\eta^2(\pi-1)^2\pi^2/(s_is_j)\right]`, exactly. The quasi-static
map projects every step back to the same flow curve :math:`s_i=x_i+c`. Derived here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.loops import Settled, Update
from ..core.map import Map
from ..core.system import Step

D, N, d = sp.symbols("D N d", integer=True, positive=True)
i, j, a = sp.symbols("i j a", integer=True)
rate = sp.Symbol("eta", positive=True)
#: the product of the weights, and after a step
product, stepped = sp.symbols("pi q", real=True)
shift = sp.Symbol("c", real=True)
w, s, x = (sp.IndexedBase(name, shape=(D,)) for name in "wsx")
u, v, A, B = (sp.IndexedBase(name, shape=(d,)) for name in "uvAB")
X, y = sp.IndexedBase("X", shape=(N, d)), sp.IndexedBase("y", shape=(N,))
residual, pull = sp.IndexedBase("r", shape=(N,)), sp.IndexedBase("k", shape=(d,))
LAYERS, EXAMPLES, INPUTS = (i, 0, D - 1), (a, 0, N - 1), (i, 0, d - 1)
#: a product below 0 by any float counts as lost
_FAR = sp.Float(1e300)
#: Newton steps back to the flow curve; from either side they converge, doubling their digits
NEWTON = 12


def _factor(square: Any) -> Any:
    """By what a step multiplies the weight with this square: w' = w − η ∂L/∂w, over w."""
    weight, others = sp.symbols("w_i m", positive=True)
    loss = (weight * others - 1) ** 2 / 2
    force = sp.diff(loss, weight).subs(others, product / weight)
    return 1 - rate * (force / weight).subs(weight, sp.sqrt(square))


def balances() -> tuple[Step, ...]:
    """What a step does to squares and balances."""
    first, second = sp.symbols("s_i s_j", positive=True)
    moved = [square * _factor(square) ** 2 for square in (first, second)]
    law = sp.factor(sp.simplify((moved[0] - moved[1]) / (first - second)))
    return (
        Step("a step multiplies a weight by", "w_i'/w_i", _factor(first)),
        Step("and with it its square", "s_i'", moved[0]),
        Step("so that a balance is multiplied by", "(s_i − s_j)'/(s_i − s_j)", law),
        Step(
            "to first order in η all squares move alike: flow conserves balances",
            "ṡ_i",
            sp.factor(sp.diff(moved[0], rate).subs(rate, 0)),
        ),
    )


def _watched(form: Any) -> tuple[tuple[str, Any], ...]:
    return (("product", form), ("outside", sp.Max(0, -form) * _FAR))


@cache
def scalar_descent() -> Map:
    """Gradient descent in the weights."""
    whole = sp.Product(w[i], LAYERS)
    body = (Update(product, whole),)
    after = (Update(w[i], w[i] * _factor(w[i] ** 2), (LAYERS,)),)
    watched = (*_watched(whole), ("weights", w))
    return Map(
        "gradient descent on a scalar network", (w,), after, watched, (rate,), (), body, balances()
    )


@cache
def scalar_squares() -> Map:
    """The same, closed in the squares of the weights and their product."""
    after = (
        product * sp.Product(_factor(s[i]), LAYERS),
        Update(s[i], s[i] * _factor(s[i]) ** 2, (LAYERS,)),
    )
    watched = (*_watched(product), ("squares", s))
    return Map(
        "squares of the weights of a scalar network",
        (product, s),
        after,
        watched,
        (rate,),
        (),
        (),
        balances(),
    )


@cache
def scalar_velocity() -> Map:
    """Gradient flow: the first order in η."""
    square = sp.Symbol("s_i", positive=True)
    slope = sp.diff(square * _factor(square) ** 2, rate).subs(rate, 0)
    grows = sp.diff(_factor(square), rate).subs(rate, 0)
    after = (
        product * sp.Sum(grows.subs(square, s[i]), LAYERS),
        Update(s[i], sp.simplify(slope).subs(square, s[i]), (LAYERS,)),
    )
    return Map(
        "gradient flow of a scalar network: the velocity",
        (product, s),
        after,
        _watched(product),
        (),
        (),
        (),
        balances(),
    )


@cache
def quasi_static() -> Map:
    """A step, and the way back to the flow curve through x: states c and π, input x."""
    moved = sp.Product(sp.sqrt(x[i] + shift) * _factor(x[i] + shift), LAYERS)
    near, back = sp.symbols("c_near c_back", real=True)
    whole, slope = sp.Product(x[i] + near, LAYERS), sp.Sum(1 / (x[i] + near), LAYERS)
    newton = near - (1 - stepped**2 / whole) / slope
    body = (Update(stepped, moved), Update(back, Settled(near, shift, newton, NEWTON)))
    defect = sp.Product(x[i] + shift, LAYERS) / product**2 - 1
    steps = (
        *balances(),
        Step("a step from s_i = x_i + c", stepped, moved),
        Step("Newton's step towards Π(x_i + c) = q², convex in c", "c'", newton),
    )
    watched = (*_watched(product), ("shift", shift), ("defect", defect))
    return Map(
        "the step projected back to its flow curve",
        (shift, product),
        (back, stepped),
        watched,
        (rate,),
        (x,),
        body,
        steps,
    )


# ---- diagonal linear network ----


def _growth(sign: int) -> Any:
    """By what a step multiplies u_i (sign 1) or v_i (−1); k = 2Xᵀz/N."""
    return 1 - sign * rate * pull[i]


def _pulls(squares: Any) -> tuple[Update, ...]:
    """z, and k = 2Xᵀz/N, from u² − v²."""
    fitted = sp.Sum(X[a, i] * squares, INPUTS)
    return (
        Update(residual[a], fitted - y[a], (EXAMPLES,)),
        Update(pull[i], 2 * sp.Sum(X[a, i] * residual[a], EXAMPLES) / N, (INPUTS,)),
    )


def _size(squares: Any) -> tuple[tuple[str, Any], ...]:
    """|z|², and the largest weights by their sum of squares."""
    inner = sp.Sum(X[a, i] * squares, INPUTS) - y[a]
    return (("squared", sp.Sum(inner**2, EXAMPLES)),)


_TOLD = (
    Step(
        "∂L/∂u_i = u_i k_i and ∂L/∂v_i = −v_i k_i with",
        pull[i],
        2 * sp.Sum(X[a, i] * residual[a], EXAMPLES) / N,
    ),
    Step(
        "so that u_i v_i changes by a factor of second order",
        "(u_iv_i)'/(u_iv_i)",
        sp.expand(_growth(1) * _growth(-1)),
    ),
)


@cache
def diagonal_descent() -> Map:
    """Gradient descent in u and v."""
    net = u[i] ** 2 - v[i] ** 2
    after = tuple(Update(b[i], b[i] * _growth(sign), (INPUTS,)) for b, sign in ((u, 1), (v, -1)))
    return Map(
        "gradient descent on a diagonal linear network",
        (u, v),
        after,
        (*_size(net), ("u", u), ("v", v)),
        (rate,),
        (X, y),
        _pulls(net),
        _TOLD,
    )


@cache
def diagonal_squares() -> Map:
    """The same, closed in the squares A = u², B = v²."""
    net = A[i] - B[i]
    after = tuple(
        Update(b[i], b[i] * _growth(sign) ** 2, (INPUTS,)) for b, sign in ((A, 1), (B, -1))
    )
    return Map(
        "squares of the weights of a diagonal linear network",
        (A, B),
        after,
        (*_size(net), ("A", A), ("B", B)),
        (rate,),
        (X, y),
        _pulls(net),
        _TOLD,
    )


@cache
def diagonal_velocity() -> Map:
    """Gradient flow: the first order in η."""
    net = A[i] - B[i]
    after = tuple(
        Update(b[i], b[i] * sp.diff(_growth(sign) ** 2, rate).subs(rate, 0), (INPUTS,))
        for b, sign in ((A, 1), (B, -1))
    )
    return Map(
        "gradient flow of a diagonal linear network: the velocity",
        (A, B),
        after,
        _size(net),
        (),
        (X, y),
        _pulls(net),
        _TOLD,
    )
