r"""Where gradient descent on a scalar network stops, from just beyond the edge.

With :math:`s=(\pi-1)^2`, :math:`\delta=\eta\varphi-2` and the squares x at the end of the flow,

.. math:: \dot s=2s(\delta-s/\kappa),\qquad\dot x_i=\eta^2s\,(1/x_i-q_2/q_1),

where κ and the drift C of δ go with the shape. At the C and κ of the edge the end is
:math:`\eta\varphi_\infty=2-C\kappa/2` from far above. Since φ is at least the number of layers D,
nothing stops where ηD >= 2. Good to a few thousandths for starts with δ₀, |e₀| <= 0.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import number, positive, vector
from ...theory.core.errors import InvalidType, NoLimit, SolveFailed
from ...theory.core.warn import warn
from ...theory.gradient_flow_sharpness.derive import check_method
from ...theory.gradient_flow_sharpness.normal_form import normal_form, universal
from ...theory.gradient_flow_sharpness.problem import ScalarNetwork
from ...theory.methods.base import Method
from ..stepping.initial_value import initial_value
from .flow_end import flow_squares

Array = NDArray[np.float64]

#: start beyond which the prediction is off by more than a few thousandths
NEAR = 0.1
#: ln s at which nothing is left that moves the shape, and steps that suffice for it
_DEAD, _LONG = -60.0, 1e12


@dataclass(frozen=True)
class StoppingPoint:
    """Where descent stops; ``float(found)`` is rate · sharpness there.

    Attributes
    ----------
    value : float
        From the start that was given, with the drift of the shape.
    universal : float
        2 − Cκ/2 with the C and κ of the edge: from far above it, whatever the start.
    kappa, drift : float
        κ and C at the edge; descent ends close to it where Cκ ≪ 1.
    offset, residual : float
        δ₀ and e₀ of the start.
    """

    value: float
    universal: float
    kappa: float
    drift: float
    offset: float
    residual: float

    def __float__(self) -> float:
        return self.value


def stopping_point(problem: ScalarNetwork, method: Method) -> StoppingPoint:
    """Predict rate · sharpness at the end of gradient descent on a scalar network.

    Parameters
    ----------
    problem : ScalarNetwork
    method : GradientDescent

    Raises
    ------
    NoLimit
        rate · D >= 2: every minimum repels. a₂² + a₃ <= 0: beyond the edge there is no small
        cycle to stop from (subcritical).

    Warns
    -----
    ValidityWarning
        A start with |δ₀| or |e₀| above 0.1.

    Examples
    --------
    >>> import limitlab as ll
    >>> found = ll.stopping_point(ll.ScalarNetwork([1.18, 0.88]), ll.GradientDescent(0.95))
    >>> round(found.value, 3), round(found.universal, 3)
    (1.982, 1.946)
    """
    if not isinstance(problem, ScalarNetwork):
        raise InvalidType("problem", problem, "give a ScalarNetwork")
    check_method(method)
    x = flow_squares(problem.weights**2)
    error = float(np.prod(problem.weights)) - 1
    return stopping_of(x, float(method.rate), error)


def stopping_of(squares: Any, rate: float, residual: float) -> StoppingPoint:
    """The same for the squares x_i at the end of the flow, Π x_i = 1, and e₀ = π₀ − 1."""
    x, eta = vector("squares", squares), positive("rate", rate)
    error, depth = number("residual", residual), x.size
    if eta * depth >= 2:
        remedy = f"with {depth} layers the sharpness is at least {depth}: every minimum repels"
        raise NoLimit("rate", rate, f"{remedy}; give a rate below {2 / depth:g}")
    offset = eta * float(np.sum(1 / x)) - 2
    if max(abs(offset), abs(error)) > NEAR * (1 + 1e-9):
        warn(
            f"the normal form holds near the edge: |δ₀| = {abs(offset):.2g}, |e₀| = "
            f"{abs(error):.2g} are above {NEAR}, and the end may be off by a few hundredths"
        )
    coefficients(x, eta)
    at_edge = coefficients(_carried(x, eta), eta)
    kappa, C = at_edge["kappa"], at_edge["C"]
    far = 2 + float(normal_form().functions[str(universal)](kappa=kappa, C=C))
    end = offset if error == 0 else _end(x, eta, error)
    return StoppingPoint(2 + end, far, kappa, C, offset, error)


def coefficients(squares: Array, rate: float) -> dict[str, float]:
    """q_k, a₂, a₃, κ and C."""
    f = normal_form().functions
    numbers: dict[str, float] = {"eta": rate}
    numbers |= {f"q_{k}": float(np.sum(squares ** (-k))) for k in (1, 2, 3)}
    numbers |= {name: float(f[name](**numbers)) for name in ("a_2", "a_3")}
    inverse = numbers["a_2"] ** 2 + numbers["a_3"]
    if inverse <= 0:
        remedy = f"subcritical: a₂² + a₃ = {inverse:.3g} <= 0, no small cycle beyond the edge"
        raise NoLimit("squares", squares, remedy)
    return numbers | {name: float(f[name](**numbers)) for name in ("kappa", "C")}


def velocity(system: Any, rate: float) -> Callable[[float, Array], Array]:
    """The change per step of (ln s, x), from the equations of a derivation."""
    f = system.functions

    def change(t: float, y: Array) -> Array:
        x = y[1:]
        now: dict[str, Any] = {**coefficients(x, rate)}
        now |= {"s": float(np.exp(y[0])), "delta": rate * now["q_1"] - 2, "x": x}
        return np.concatenate([[f["s_dot"](**now) / now["s"]], f["x_dot"](**now)])

    return change


def _carried(squares: Array, rate: float) -> Array:
    """The shape where its drift takes it to the edge, φ = 2/rate."""
    f = normal_form().functions

    def change(delta: float, x: Array) -> Array:
        now: dict[str, Any] = {**coefficients(x, rate), "s": 1.0, "x": x}
        moved: Array = f["x_dot"](**now) / f["delta_dot"](**now)
        return moved

    offset = rate * float(np.sum(1 / squares)) - 2
    if offset == 0:
        return squares
    found = initial_value(change, (offset, 0.0), squares, rtol=1e-10, atol=1e-12)
    shape: Array = found.y[:, -1]
    return shape


def _end(squares: Array, rate: float, residual: float) -> float:
    """δ where s has died out."""

    def gone(t: float, y: Array) -> float:
        return float(y[0]) - _DEAD

    gone.terminal = True  # type: ignore[attr-defined]
    start = np.concatenate([[2 * np.log(abs(residual))], squares])
    found = initial_value(
        velocity(normal_form(), rate),
        (0.0, _LONG),
        start,
        "LSODA",
        events=gone,
        rtol=1e-9,
        atol=1e-12,
    )
    if found.status != 1:
        raise SolveFailed("descent does not stop", float(found.t[-1]), 0.0, float(found.y[0, -1]))
    return rate * float(np.sum(1 / found.y[1:, -1])) - 2
