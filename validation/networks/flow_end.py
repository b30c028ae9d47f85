r"""The sharpness at the end of the gradient flow of a network, integrated until it is over.

.. math:: \dot\theta=-\nabla L(\theta),\qquad\varphi(\theta_0)=\lambda_{\max}(JJ^\top)/D
          \ \text{ at }\ \theta(\infty)

A network has no closed form for it. The flow is integrated with error control until the loss is
small; from there on it is nearly that of a linear model, which ends at :math:`\theta-J^+z`: φ there
tells what is left, and an integration at a coarser tolerance tells the error of the scheme.
Definition of arXiv 2305.13064.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...solvers.stepping.initial_value import initial_value
from ...theory.core.checks import positive, vector
from ...theory.core.errors import InvalidType, NotAvailable, SolveFailed
from .mlp import MLP
from .probe import largest

Array = NDArray[np.float64]

#: rtol of the second integration over that of the first
_COARSER = 100.0
#: gradients at most
_SLOPES = 1_000_000


@dataclass(frozen=True, eq=False)
class FlowEnd:
    """Where the gradient flow from a θ ends.

    Attributes
    ----------
    sharpness : float
        φ.
    error : float
        Estimate of its error: what the rest of the flow would add, and that of the scheme.
    theta : (P,) array
    loss, time : float
        There.
    """

    sharpness: float
    error: float
    theta: Array
    loss: float
    time: float


def flow_end(
    network: MLP,
    theta: Array,
    *,
    loss: float = 1e-10,
    rtol: float = 1e-8,
    longest: float = 1e5,
) -> FlowEnd:
    """Integrate the gradient flow until it is over.

    Parameters
    ----------
    network : MLP
        With the squared loss, which ends at an interpolating minimum.
    theta : (P,) array_like
    loss : float
        At which the flow counts as over.
    rtol : float
        Relative tolerance of a step.
    longest : float
        Flow time after which a loss that has not come down is taken to stay.

    Raises
    ------
    SolveFailed
        The loss stays above ``loss``: the network does not interpolate.
    """
    if not isinstance(network, MLP):
        raise InvalidType("network", network, "give an MLP")
    if network.objective != "squared":
        raise NotAvailable("objective", network.objective, "its flow has no end; use squared")
    start = vector("theta", theta, network.parameters)
    last, scheme = positive("loss", loss), positive("rtol", rtol)
    if network.loss(start) <= last:
        return FlowEnd(
            _sharpness(network, start), _left(network, start), start, network.loss(start), 0.0
        )
    (end, time), (coarse, _) = (
        _integrated(network, start, last, r, longest) for r in (scheme, _COARSER * scheme)
    )
    found = _sharpness(network, end)
    error = _left(network, end) + abs(_sharpness(network, coarse) - found)
    return FlowEnd(found, error, end, network.loss(end), time)


def _left(network: MLP, theta: Array) -> float:
    """What the rest of the flow adds to φ, by the linear flow: the shortest way to z = 0."""
    way = np.linalg.lstsq(network.jacobian(theta), network.residual(theta).ravel(), rcond=None)[0]
    return abs(_sharpness(network, theta - way) - _sharpness(network, theta))


def _integrated(
    network: MLP, start: Array, loss: float, rtol: float, longest: float
) -> tuple[Array, float]:
    """θ where the loss has come down so far, and the time."""
    every = np.ones(network.data)

    def velocity(t: float, x: Array) -> Array:
        return -network.gradient(x, every) / network.data

    def over(t: float, x: Array) -> float:
        return network.loss(x) - loss

    over.terminal = True  # type: ignore[attr-defined]
    span, atol = (0.0, longest), rtol * 1e-3
    way = initial_value(velocity, span, start, most=_SLOPES, rtol=rtol, atol=atol, events=over)
    end, time = way.y[:, -1], float(way.t[-1])
    if way.status != 1:
        remedy = f"the loss stays above {loss:.3g}: the network does not interpolate"
        raise SolveFailed(remedy, time, 0.0, network.loss(end))
    return end, time


def _sharpness(network: MLP, theta: Array) -> float:
    return float(largest(network.linearisation(theta), 1)[0])
