r"""The exact motion of second-order regression, stated once.

z and J are quadratic and linear in the parameters, so that a displacement d moves them by

.. math:: z'=z+Jd+\tfrac12Q(d,d),\qquad J'=J+Q(d,\cdot),\qquad\theta'=\theta+d,

exactly, and a force f on the examples displaces by :math:`d=-J^\top f`: for a step of SGD
:math:`f=gPz`, for one of the limiting SDE :math:`f=z\,d\tau+\sqrt{h\,d\tau}\,S\xi`. The averages of
:mod:`.early_time`, Itô's formula of :mod:`.sde`, the equations and the steps that run are lowerings
of these lines. Model of arXiv 2404.19261 and 2210.04860.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.system import Step
from ..methods import batch_noise
from .letters import Bra, Curvature, Diagonal, Ket, Letter, Operator, Word
from .wick import rows_of_curvature
from .words import as_arrays, transpose, words

data, prefactor = sp.symbols("D g", positive=True)
residual, jacobian = Ket(sp.Symbol("z")), Operator(sp.Symbol("J"))
parameters_now, mask = Ket(sp.Symbol("theta")), Diagonal(sp.Symbol("m"))
displacement, force, noise = Ket(sp.Symbol("d")), Ket(sp.Symbol("f")), Ket(sp.Symbol("s"))
#: Q(d, ·), the matrix with the rows dᵀQ_a
bend = Operator(sp.Symbol("Q_d"))
#: h = η/D, and the step of a path in flow time
unit, interval = sp.symbols("h Delta_tau", positive=True)

FORCE, SDE_FORCE, ROOT, HOMOGENISED, MOVE = sp.symbols("f f_sde s s_homogenised d")
Z_NEXT, J_NEXT, THETA_NEXT = sp.symbols("z_next J_next theta_next")
BENT = r"Q(d,\cdot)"


def displaced(z: Any, J: Any, d: Any) -> tuple[Any, Any]:
    """Return (z, J) after the parameters have moved by d; exact."""
    return (
        z + J * d + rows_of_curvature(d, d, data) / 2,
        J + rows_of_curvature(d, None, data),
    )


def descent(J: Any, pulled: Any) -> Any:
    """The displacement by a force on the examples."""
    return -transpose(J) * pulled


def batch_force(z: Any, drawn: Any) -> Any:
    """The force of a batch on its examples."""
    return prefactor * drawn * z


def step(z: Any, J: Any, drawn: Any) -> tuple[Any, Any]:
    """Return (z, J) after one step on the examples of a mask; exact."""
    return displaced(z, J, descent(J, batch_force(z, drawn)))


@cache
def motion() -> Derivation:
    """The force of a batch, the displacement by it, and what that moves."""
    equations = {FORCE: as_arrays(batch_force(residual, mask))} | _moved()
    return Derivation(
        "second-order regression, one step",
        tuple(equations.items()),
        (
            Step("the examples of the batch pull", FORCE, equations[FORCE]),
            *_steps(equations),
        ),
        ((r"Q_d", BENT),),
    )


def path_equations() -> tuple[dict[Any, Any], tuple[Step, ...]]:
    """The same for a step of the limiting SDE, with the noise of a batch; and its derivation."""
    own = {batch_noise.residual: residual.args[0]}
    equations: dict[Any, Any] = {
        ROOT: batch_noise.noise_root().subs(own),
        HOMOGENISED: batch_noise.homogenised_root(),
    }
    equations[SDE_FORCE] = as_arrays(residual * interval + sp.sqrt(unit * interval) * noise)
    equations |= _moved()
    return equations, (
        Step("S ξ, from the covariance of the mask", ROOT, equations[ROOT]),
        Step("the same variance for every example", HOMOGENISED, equations[HOMOGENISED]),
        Step("force of a step of a path", SDE_FORCE, equations[SDE_FORCE]),
        *_steps(equations),
    )


def _moved() -> dict[Any, Any]:
    z, J = displaced(residual, jacobian, displacement)
    return {
        MOVE: as_arrays(descent(jacobian, force)),
        Z_NEXT: as_arrays(bent(z)),
        J_NEXT: as_arrays(bent(J)),
        THETA_NEXT: as_arrays(parameters_now + displacement),
    }


def _steps(equations: dict[Any, Any]) -> tuple[Step, ...]:
    texts = (
        ("gradient descent displaces by", MOVE),
        ("z is quadratic in θ", Z_NEXT),
        ("J is its derivative", J_NEXT),
    )
    return tuple(Step(text, left, equations[left]) for text, left in texts)


def bent(expression: Any) -> Any:
    """Write Q(d, ·) as one matrix, the letter `bend`."""
    return sp.Add(*(c * sp.Mul(*_with_bend(word)) for c, word in words(expression)))


def _with_bend(word: Word) -> tuple[Letter, ...]:
    places = [i for i, letter in enumerate(word) if isinstance(letter, Curvature)]
    if not places:
        return word
    (k,) = places
    before, after = word[: k - 2], word[k + 1 :]
    if word[k - 1] != displacement.T or isinstance(word[k - 2], Bra):
        raise ArithmeticError(f"{word} is not of the form Q(d, ·)")
    return (*before, bend, *after)
