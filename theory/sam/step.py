r"""One step of SAM on second-order regression, in words: exact, and closed in (z, J).

With a mask :math:`P` of the batch (1 for all of the data), step size :math:`h` and reach
:math:`\rho`,

.. math:: g=J^\top Pz,\quad \tilde z=z+\rho Jg+\tfrac{\rho^2}2Q(g,g),\quad
          \tilde J=J+\rho\,Q(g,\cdot),\quad d=-h\,\tilde J^\top P\tilde z,

.. math:: z'=z+Jd+\tfrac12Q(d,d),\qquad J'=J+Q(d,\cdot).

It is stated here once; the recursion that runs and the averages over the curvature are lowered
from these words. For the loss :math:`|z|^2/(2D)` of this package h = rate/B and ρ = radius/B, or
ρ = radius/|g| where it is normalised. Algorithm of arXiv 2302.08692; equations derived here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from ..core.checks import positive
from ..core.errors import InvalidInput
from ..core.system import Step
from ..second_order.letters import Ket, Letter, Operator, Symmetric
from ..second_order.wick import rows_of_curvature
from ..second_order.words import transpose

#: D and P; step size h, reach ρ
data, parameters = sp.symbols("D P", integer=True, positive=True)
size, reach = sp.symbols("h rho", real=True)

residual, jacobian = Ket(sp.Symbol("z")), Operator(sp.Symbol("J"))
mask = Symmetric(sp.Symbol("m"))
gradient, displacement = Ket(sp.Symbol("g")), Ket(sp.Symbol("d"))
#: Q(g, ·) and Q(d, ·)
bend, turn = Operator(sp.Symbol("B")), Operator(sp.Symbol("C"))
ascended, ascended_jacobian = Ket(sp.Symbol("z_up")), Operator(sp.Symbol("J_up"))
#: the parameters, those of the ascended point, and the model at θ = 0
theta, theta_up = Ket(sp.Symbol("theta")), Ket(sp.Symbol("theta_up"))
start, start_jacobian = Ket(sp.Symbol("z_0")), Operator(sp.Symbol("G"))

Words = Mapping[Letter, Any]


@dataclass(frozen=True)
class Statement:
    """Quantities in the order in which they are computed, and the states after the step."""

    body: Words
    after: Words
    steps: tuple[Step, ...]


def residual_at(z: Any, J: Any, bent: Any, move: Any) -> Any:
    """z(θ + move) of a model that is quadratic in its parameters, with bent = Q(move, ·)."""
    return z + J * move + bent * move / 2


def jacobian_at(J: Any, bent: Any) -> Any:
    """J(θ + move)."""
    return J + bent


def curved(move: Any) -> Any:
    """Q(move, ·), the D × P matrix with the rows moveᵀQ_a."""
    return rows_of_curvature(move, None, data)


def recursion(batch: Any = mask) -> Statement:
    """The step in (z, J); ``batch`` is the letter of a mask, or 1."""
    z, J, g, d = residual, jacobian, gradient, displacement
    body = {
        g: transpose(J) * batch * z,
        bend: curved(g),
        ascended: residual_at(z, J, reach * bend, reach * g),
        ascended_jacobian: jacobian_at(J, reach * bend),
        d: -size * transpose(ascended_jacobian) * batch * ascended,
        turn: curved(d),
    }
    after = {z: residual_at(z, J, turn, d), J: jacobian_at(J, turn)}
    return Statement(body, after, _told(body, after))


def descent(batch: Any = mask) -> Statement:
    """The algorithm itself, in θ: the model is evaluated at θ and at θ + ρ∇."""
    z, J, g, x, up = residual, jacobian, gradient, theta, theta_up
    body = {
        bend: curved(x),
        z: residual_at(start, start_jacobian, bend, x),
        J: jacobian_at(start_jacobian, bend),
        g: transpose(J) * batch * z,
        up: x + reach * g,
        turn: curved(up),
        ascended: residual_at(start, start_jacobian, turn, up),
        ascended_jacobian: jacobian_at(start_jacobian, turn),
    }
    after = {x: x - size * transpose(ascended_jacobian) * batch * ascended}
    return Statement(body, after, _told(body, after))


def velocity(batch: Any = sp.S.One) -> Statement:
    """The flow: the change of (z, J) to first order in h, per unit of h · steps."""
    stated = recursion(batch)
    body = dict(stated.body)
    body[displacement] = body[displacement].subs(size, 1)
    # d is linear in h, and Q(d, d) is of second order
    after = {residual: jacobian * displacement, jacobian: turn}
    return Statement(body, after, _told(body, after))


def _told(body: Words, after: Words) -> tuple[Step, ...]:
    words = {
        gradient: "the gradient of the batch, up to its normalisation",
        bend: "the curvature along it",
        theta_up: "the ascended point",
        ascended: "the residual at the ascended point, exactly",
        ascended_jacobian: "and the Jacobian there",
        displacement: "a step with the gradient of the ascended point",
        turn: "the curvature along the step",
        residual: "the residual",
        jacobian: "the Jacobian",
        theta: "the parameters",
    }
    return tuple(
        Step(words[letter], f"{letter}{prime}", form)
        for lines, prime in ((body, ""), (after, "'"))
        for letter, form in lines.items()
    )


def constant_rate(method: Any, why: str) -> float:
    """The rate, where it is one number."""
    if getattr(method.rate, "free_symbols", None):
        raise InvalidInput("rate", method.rate, f"{why}; give a number")
    return positive("rate", method.rate)
