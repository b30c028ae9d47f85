r"""A network as second-order regression: its quadratic expansion about one θ₀.

.. math:: z(\theta_0+\delta)=z+J\delta+\tfrac12Q(\delta,\delta)+O(|\delta|^3),\qquad
          Q(e_i,\cdot)=\frac{\operatorname{Im}J(\theta_0+i\epsilon e_i)}\epsilon

The derivative along the imaginary axis has no cancellation: it is exact to round-off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.activations import Tanh
from ...theory.core.checks import vector
from ...theory.core.errors import NotAvailable
from ...theory.second_order.problem import QuadraticRegression
from .mlp import MLP

Array = NDArray[np.float64]

#: so small that its square is lost against 1
_STEP = 1e-30


@dataclass(frozen=True, eq=False)
class Expansion:
    """z, J and Q of a network at θ₀.

    Attributes
    ----------
    problem : QuadraticRegression
        z and J; its curvature is P times the mean square of the entries of Q.
    tensor : (D, P, P) array
        Q, for ``simulate(problem, method, tensor=...)``.
    """

    problem: QuadraticRegression
    tensor: Array

    def residual(self, shift: Any, order: int = 2) -> Array:
        """z at θ₀ + shift, (D,), to first or second order."""
        problem, d = self.problem, vector("shift", shift, self.problem.parameters)
        linear = problem.z0 + problem.G @ d
        return linear if order == 1 else linear + 0.5 * (self.tensor @ d) @ d


def quadratic_expansion(network: MLP, theta: Any) -> Expansion:
    """Expand the residuals of a network to second order.

    Parameters
    ----------
    network : MLP
        One output, tanh, squared loss; small: Q takes 8 D P² bytes.
    theta : (P,) array_like
        θ₀.

    Raises
    ------
    NotAvailable
        Several outputs, a kink in the activation, another loss.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> X = np.random.default_rng(0).standard_normal((12, 3))
    >>> net = ll.MLP(X, X[:, :1], hidden=(2,))
    >>> found = ll.quadratic_expansion(net, net.start(np.random.default_rng(1)))
    >>> found.tensor.shape == (12, net.parameters, net.parameters)
    True
    """
    for field, wanted in (("outputs", 1), ("activation", Tanh()), ("objective", "squared")):
        if getattr(network, field) != wanted:
            remedy = f"the expansion is of networks with {field} = {wanted!r}"
            raise NotAvailable(field, getattr(network, field), remedy)
    theta = vector("theta", theta, network.parameters)
    units = np.eye(network.parameters)
    slopes = (network.jacobian(theta + 1j * _STEP * unit).imag / _STEP for unit in units)
    tensor = np.stack(list(slopes), axis=2)
    problem = QuadraticRegression(
        data=network.data,
        parameters=network.parameters,
        curvature=network.parameters * float(np.mean(tensor**2)),
        jacobian=network.jacobian(theta),
        residual=network.residual(theta).ravel(),
    )
    return Expansion(problem, tensor)
