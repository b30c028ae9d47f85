r"""Where gradient flow ends, and how sharp the loss is there.

Scalar network: :math:`x_i=w_i^2+c` with the one c for which :math:`\sum_i\ln x_i=0`, and
:math:`\varphi=\sum_i1/x_i`. Diagonal linear network: :math:`U_i=u_ie^{-s_i},\ V_i=v_ie^{s_i}`,
:math:`s=X^\top\nu`, with ν the minimum of the convex

.. math:: F(\nu)=\tfrac12\sum_i\left(u_i^2e^{-2s_i}+v_i^2e^{2s_i}\right)+y\cdot\nu .

Definition of arXiv 2305.13064; formulas derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import positive
from ...theory.core.errors import InvalidType, SolveFailed
from ...theory.gradient_flow_sharpness.problem import DiagonalLinearNetwork, ScalarNetwork

Array = NDArray[np.float64]

_BISECTIONS, _NEWTON = 120, 200
#: up to here a step of gradient descent is proved not to raise the sharpness …
PROVED = 1.0
#: … and was never seen to; for two layers it does exactly above
SEEN = float(np.sqrt(2))


@dataclass(frozen=True, eq=False)
class FlowSharpness:
    """The end of gradient flow from a network's weights; ``float(found)`` is the sharpness there.

    Attributes
    ----------
    value : float
        Sharpness λ_max(JJᵀ)/N at the end of the flow.
    end : array, or a pair of arrays
        Squares x_i of the weights of a scalar network; (U, V) of a diagonal linear one.
    certificate : float or None
        M = max rate |π − 1| π/(w_i w_j) of a scalar network, where a rate was given.
    monotone : str
        "proved" for M <= 1: the next step does not raise the value; "seen" for M <= √2: it never
        did in tests, and for two layers it cannot; "open" above, where it can. "" without M.
    """

    value: float
    end: Any
    certificate: float | None = None
    monotone: str = ""

    def __float__(self) -> float:
        return self.value


def gradient_flow_sharpness(
    problem: ScalarNetwork | DiagonalLinearNetwork, rate: float | None = None
) -> FlowSharpness:
    """Follow gradient flow to its end, by algebra, and return the sharpness there.

    Parameters
    ----------
    problem : ScalarNetwork or DiagonalLinearNetwork
    rate : float, optional
        For the certificate that the next step of gradient descent does not raise it.

    Raises
    ------
    InvalidInput, InvalidType
        Another problem; a rate that is not positive.

    Examples
    --------
    >>> import limitlab as ll
    >>> round(float(ll.gradient_flow_sharpness(ll.ScalarNetwork([2, 0.5, 0.3]))), 7)
    4.4445148
    """
    if isinstance(problem, DiagonalLinearNetwork):
        U, V = diagonal_end(problem, problem.u, problem.v)
        return FlowSharpness(diagonal_sharpness(problem.inputs, U**2 + V**2), (U, V))
    if not isinstance(problem, ScalarNetwork):
        raise InvalidType("problem", problem, "give a ScalarNetwork or a DiagonalLinearNetwork")
    squares = problem.weights**2
    x = flow_squares(squares)
    if rate is None:
        return FlowSharpness(float(np.sum(1 / x)), x)
    M = float(certificate(squares, np.prod(problem.weights), positive("rate", rate)))
    regime = "proved" if M <= PROVED else "seen" if M <= SEEN else "open"
    return FlowSharpness(float(np.sum(1 / x)), x, M, regime)


def flow_squares(squares: Array) -> Array:
    """x_i = s_i + c with Σ ln x_i = 0, along the last axis of squares s.

    Bracketed in the logarithm of the smallest x: Newton's method fails near c = −min s.
    """
    gaps = squares - squares.min(axis=-1, keepdims=True)
    depth = squares.shape[-1]
    high = np.zeros(squares.shape[:-1])
    low = -(depth - 1) * np.log1p(gaps.max(axis=-1))
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        above = np.log(gaps + np.exp(middle)[..., None]).sum(axis=-1) > 0
        high, low = np.where(above, middle, high), np.where(above, low, middle)
    return gaps + np.exp((low + high) / 2)[..., None]


def certificate(squares: Array, product: Any, rate: Any) -> Array:
    """M, with the two smallest weights of the last axis."""
    smallest = np.sqrt(np.partition(squares, 1, axis=-1)[..., :2])
    return rate * np.abs(product - 1) * np.abs(product) / np.prod(smallest, axis=-1)


def diagonal_end(problem: DiagonalLinearNetwork, u: Array, v: Array) -> tuple[Array, Array]:
    """(U, V) where the flow from (u, v) ends: damped Newton on the dual.

    Raises
    ------
    SolveFailed
        The minimum is not found: the targets are out of reach of floats.
    """
    X, y = problem.inputs, problem.targets
    nu, scale = np.zeros(len(y)), max(float(np.abs(y).max()), float(np.max(u**2 + v**2)))

    def at(point: Array) -> tuple[float, Array, Array]:
        s = X.T @ point
        with np.errstate(over="ignore"):
            a, b = u**2 * np.exp(-2 * s), v**2 * np.exp(2 * s)
            return float(np.sum(a + b) / 2 + y @ point), a, b

    value, a, b = at(nu)
    for _ in range(_NEWTON):
        gradient = y - X @ (a - b)
        if np.abs(gradient).max() <= 1e-13 * scale * max(1.0, float(np.abs(X).sum(axis=1).max())):
            return np.sign(u) * np.sqrt(a), np.sign(v) * np.sqrt(b)
        step = np.linalg.lstsq(X @ ((2 * (a + b))[:, None] * X.T), gradient, rcond=None)[0]
        length = 1.0
        while length > 1e-12:
            found, a_next, b_next = at(nu - length * step)
            if found <= value - 1e-4 * length * float(gradient @ step) + 1e-15 * abs(value):
                break
            length /= 2
        nu, value, a, b = nu - length * step, found, a_next, b_next
    raise SolveFailed("the end of the gradient flow was not found", 0.0, length, value)


def diagonal_sharpness(inputs: Array, squares: Array) -> float:
    """λ_max of (4/N) X diag(u² + v²) Xᵀ."""
    gram = 4 / len(inputs) * (inputs * squares) @ inputs.T
    return float(np.linalg.eigvalsh(gram)[-1])
