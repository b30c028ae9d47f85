r"""What a network is trained on: the mean over examples of a loss of its outputs a.

==================  =======================================  ======================================
objective           loss of an example                       residual z, its derivative by a
==================  =======================================  ======================================
``squared``         :math:`|a-y|^2/2`                        :math:`a-y`
``cross_entropy``   :math:`-\sum_cy_c\log p_c`               :math:`p-y,\quad p=\mathrm{softmax}(a)`
==================  =======================================  ======================================

Near one θ the cross-entropy is the squared loss of the rows :math:`H_k^{1/2}J_k`,
:math:`H_k=\mathrm{diag}(p_k)-p_kp_k^\top` (Gauss-Newton). Every H_k annihilates the constant
vector, so that an example has C − 1 rows and not C.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import array
from ...theory.core.errors import InvalidInput
from .linearisation import Linearisation

Array = NDArray[np.float64]

OBJECTIVES = ("squared", "cross_entropy")
#: how far the sum of the probabilities of an example may be from 1, in single precision too
_ROUNDING = 1e-5


def softmax(outputs: Array) -> Array:
    """p of each row."""
    weights = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def residual(objective: str, outputs: Array, targets: Array) -> Array:
    """z, (D, C)."""
    return (outputs if objective == "squared" else softmax(outputs)) - targets


def mean_loss(objective: str, outputs: Array, targets: Array) -> float:
    """The loss, mean over the rows."""
    return float(losses(objective, outputs, targets).sum()) / len(outputs)


def losses(objective: str, outputs: Array, targets: Array) -> Array:
    """The loss of each row."""
    if objective == "squared":
        return np.sum((outputs - targets) ** 2, axis=1) / 2
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -np.sum(targets * logs, axis=1)


def gauss_newton(near: Linearisation, probabilities: Array) -> Linearisation:
    """Return the linearisation whose N is that of the cross-entropy.

    Parameters
    ----------
    near : Linearisation
        Of the outputs before the softmax.
    probabilities : (D, C) array
        Their softmax.

    Returns
    -------
    Linearisation
        With C − 1 rows an example, F_k J_k where F_kᵀF_k = H_k. Its noise kernel norm is a local
        criterion of linear noise: off interpolation the noise of the residuals adds a floor, and
        K < 1 means bounded.

    Raises
    ------
    InvalidInput
        Not D rows of C numbers >= 0 that sum to 1.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> X = np.random.default_rng(0).standard_normal((12, 3))
    >>> net = ll.MLP(X, X[:, :2], hidden=(4,))
    >>> near = net.linearisation(net.start(np.random.default_rng(1)))
    >>> found = ll.gauss_newton(near, np.full((12, 2), 0.5))
    >>> found.outputs  # one fewer than classes
    1
    """
    factors = half_weights(_distributions(near, probabilities))
    data, free, outputs = factors.shape

    def weigh(a: Array) -> Array:
        return np.einsum("kic,kc->ki", factors, a.reshape(data, outputs)).ravel()

    def unweigh(u: Array) -> Array:
        return np.einsum("kic,ki->kc", factors, u.reshape(data, free)).ravel()

    return Linearisation(
        lambda v: weigh(near.push(v)),
        lambda u: near.pull(unweigh(u)),
        data,
        near.parameters,
        free,
        lambda k: factors[k] @ near.rows(k),
    )


def _distributions(near: Linearisation, probabilities: Array) -> Array:
    p = array("probabilities", probabilities, 2)
    if p.shape != (near.data, near.outputs):
        remedy = f"has shape {p.shape}; give ({near.data}, {near.outputs})"
        raise InvalidInput("probabilities", probabilities, remedy)
    if p.min() < 0 or np.abs(p.sum(axis=1) - 1).max() > _ROUNDING:
        raise InvalidInput("probabilities", probabilities, "give rows >= 0 that sum to 1")
    return p


def half_weights(probabilities: Array) -> Array:
    """F_k with F_kᵀF_k = H_k, (D, C − 1, C): without the eigenvector of eigenvalue 0."""
    p = probabilities
    weights = p[:, :, None] * (np.eye(p.shape[1]) - p[:, None, :])
    values, vectors = np.linalg.eigh(weights)
    return np.sqrt(np.maximum(values[:, 1:, None], 0)) * vectors[:, :, 1:].transpose(0, 2, 1)
