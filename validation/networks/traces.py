r"""Traces of the Hessian of a network and of its two parts, by Hutchinson's estimate.

.. math:: \operatorname{tr}H=\mathbb E\,v^\top Hv,\qquad
          \operatorname{tr}\mathrm{GN}=\mathbb E\,|Jv|^2/D,\qquad
          \operatorname{tr}\mathrm{NME}=\operatorname{tr}H-\operatorname{tr}\mathrm{GN},

v of independent signs, the same for all three. What is lost at a kink, where automatic
differentiation has φ″ = 0, is lost here too. Definitions after arXiv 2401.10809.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...solvers.core import random
from ...theory.core.checks import count, vector
from ...theory.core.errors import InvalidType
from .mlp import MLP

Array = NDArray[np.float64]


@dataclass(frozen=True)
class HessianTraces:
    """Traces of the Hessian of the mean loss, and their standard errors over the vectors.

    Attributes
    ----------
    hessian, gauss_newton, neglected : float
        The third is the difference of the first two.
    hessian_error, gauss_newton_error, neglected_error : float
    probes : int
    """

    hessian: float
    gauss_newton: float
    neglected: float
    hessian_error: float
    gauss_newton_error: float
    neglected_error: float
    probes: int

    def __str__(self) -> str:
        parts = (
            ("H", self.hessian, self.hessian_error),
            ("Gauss-Newton", self.gauss_newton, self.gauss_newton_error),
            ("neglected", self.neglected, self.neglected_error),
        )
        told = ", ".join(f"{name} {value:.4g} ± {error:.2g}" for name, value, error in parts)
        return f"tr: {told} ({self.probes} vectors)"


def hessian_traces(
    network: MLP,
    theta: Any,
    *,
    probes: int = 64,
    seed: int | np.random.SeedSequence | None = 0,
) -> HessianTraces:
    """Estimate the traces of the Hessian of a network, its Gauss–Newton part and the neglected one.

    Parameters
    ----------
    network : MLP
    theta : (P,) array_like
    probes : int
        Vectors of signs, at least 2; each is a product with H and one with J.
    seed : int, SeedSequence or None

    Returns
    -------
    HessianTraces
        Of the loss |z|²/(2D), or of the mean cross-entropy.

    Raises
    ------
    InvalidInput, InvalidType
        What is no network; parameters of another number; fewer than two probes.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> net = ll.MLP(np.eye(3), np.zeros((3, 1)), hidden=(2,), activation="linear")
    >>> found = ll.hessian_traces(net, np.zeros(11), probes=4)
    >>> found.hessian, found.gauss_newton  # at 0 only the bias of the output moves anything
    (1.0, 1.0)
    """
    if not isinstance(network, MLP):
        raise InvalidType("network", network, "give an MLP")
    at = vector("theta", theta, network.parameters)
    rng = np.random.default_rng(random.seed_sequence(seed))
    signs = rng.choice([-1.0, 1.0], size=(count("probes", probes, 2), at.size))
    near, every = network.linearisation(at), np.ones(network.data)
    data = network.data
    curved = np.array([v @ network.curvature(at, v, every) for v in signs]) / data
    squares = np.array([np.sum(near.push(v) ** 2) for v in signs]) / data
    (whole, error), (first, first_error), (rest, rest_error) = (
        _mean(each) for each in (curved, squares, curved - squares)
    )
    return HessianTraces(whole, first, rest, error, first_error, rest_error, len(signs))


def _mean(values: Array) -> tuple[float, float]:
    """A mean and its standard error."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size))
