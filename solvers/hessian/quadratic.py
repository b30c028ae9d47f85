"""Traces of the Hessian of a network with squares, and its loss at noisy weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import array, number, vector
from ...theory.core.errors import InvalidInput
from ...theory.hessian.quadratic import quadratic_network

Array = NDArray[np.float64]


@dataclass(frozen=True)
class QuadraticTraces:
    """L, traces and noisy loss of f = (xᵀΘx − tr Θ)/2, Θ = Σ a_i w_i w_iᵀ, with labels of B.

    Attributes
    ----------
    loss, noisy_loss : float
        ‖Θ − B‖²/4, and its mean under noise on the weights.
    gauss_newton, neglected : float
        Traces of the two parts of the Hessian.
    bounded : bool
        Whether L + λ tr H is bounded below over the trained parameters, λ > 0.
    """

    loss: float
    noisy_loss: float
    gauss_newton: float
    neglected: float
    bounded: bool

    @property
    def hessian(self) -> float:
        """tr H."""
        return self.gauss_newton + self.neglected


def quadratic_traces(
    weights: Any, readout: Any, teacher: Any, *, noise: float = 0.0, train_readout: bool = False
) -> QuadraticTraces:
    """Return the traces of both parts of the Hessian of a network with squares, exactly.

    Parameters
    ----------
    weights : (k, d) array_like
    readout : (k,) array_like
    teacher : (d, d) array_like
        B, symmetric.
    noise : float
        Standard deviation σ of the noise on every weight.
    train_readout : bool
        The readout is a parameter too. The penalty on tr H is then unbounded below where
        tr B > 0 (or < 0: with the signs of the readout turned).

    Returns
    -------
    QuadraticTraces

    Raises
    ------
    InvalidInput
        Wrong shapes; a teacher that is not symmetric; σ < 0.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.quadratic_traces([[1.0, 0.0]], [1.0], [[1.0, 0.0], [0.0, 0.0]]).gauss_newton
    3.0
    """
    W = array("weights", weights, 2)
    a, B = vector("readout", readout, len(W)), array("teacher", teacher, 2)
    sigma, d = number("noise", noise), W.shape[1]
    if B.shape != (d, d):
        raise InvalidInput("teacher", B, f"has shape {B.shape}; give ({d}, {d})")
    if np.abs(B - B.T).max() > 1e-12 * max(np.abs(B).max(), 1e-300):
        raise InvalidInput("teacher", B, "is not symmetric; give (B + B.T)/2")
    if sigma < 0:
        raise InvalidInput("noise", noise, "give a number >= 0")
    found = {name: float(value) for name, value in traces_at(W, a, B, sigma).items()}
    gauss_newton = found["gauss_newton"] + (found["readout"] if train_readout else 0.0)
    bounded = not (train_readout and np.trace(B) != 0)
    return QuadraticTraces(
        found["loss"], found["noisy_loss"], gauss_newton, found["neglected"], bounded
    )


def traces_at(W: Any, a: Any, B: Array, sigma: float = 0.0) -> dict[str, Any]:
    """What the derivation computes at weights and readouts, complex ones too."""
    E, size = (W.T * a) @ W - B, np.sum(W**2, axis=1)
    known = {
        "E_2": np.sum(E**2),
        "E_1": np.trace(E),
        "a_1": a.sum(),
        "a_2": np.sum(a**2),
        "aw_2": np.sum(a**2 * size),
        "w_4": np.sum(size**2),
        "d": W.shape[1],
        "sigma": sigma,
    }
    return {name: f(**known) for name, f in quadratic_network().functions.items()}
