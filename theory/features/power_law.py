r"""Least squares on random features of power-law inputs: a stream with an irreducible loss.

Inputs :math:`z\in\mathbb R^v` with variances :math:`D_j=j^{-2\alpha}`, labels
:math:`\langle z,b\rangle` with :math:`b_j=j^{-\beta}`, features :math:`x=W^\top z`, entries of W
:math:`N(0,1/d)`. With :math:`\hat K=W^\top DW`, :math:`\theta^\star=\hat K^{-1}W^\top Db` the
residual of :math:`\theta^\star` is :math:`N(0,2R_\infty)` and independent of x, where
:math:`2R_\infty=b^\top Db-b^\top DW\theta^\star`: least squares with covariance :math:`\hat K`,
Gaussian noise and the start :math:`-\theta^\star` (derived here; the model is that of arXiv
2405.15074).

Conventions. Loss here is :math:`\tfrac12E(\langle x,\theta\rangle-y)^2=R+R_\infty`; half of what
papers that leave out the ½ call loss. A step is η/d times the mean gradient of the batch: a rate γ
on the summed batch is :math:`\eta=\gamma dB`, on the mean :math:`\eta=\gamma d`. The exponent of
the variances is 2α, that of the target's components β.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..core.checks import count, number, positive
from ..core.errors import InvalidInput, InvalidType
from ..covariance import from_eigenvalues, from_matrix
from ..noise import Gaussian
from ..streaming.problem import LeastSquares
from .equivalent import Equivalent

#: sampled features: a matrix of v d numbers is drawn
LARGEST_SAMPLE = 2**27


@dataclass(frozen=True, eq=False)
class PowerLawFeatures(LeastSquares):
    """A `LeastSquares` that was made by `power_law_features`.

    Attributes
    ----------
    inputs : int
        v.
    alpha, beta : float
    irreducible : float
        R∞: loss = risk + R∞.
    """

    inputs: int = 0
    alpha: float = 0.0
    beta: float = 0.0

    #: the limit of unclipped SGD where none is asked for: the intrinsic dimension stays bounded
    #: as d grows, so that the ODE does not become exact
    linear_limit: ClassVar[str] = "exact"

    @property
    def irreducible(self) -> float:
        return 0.5 * float(self.noise.variance)


def power_law_features(
    v: int,
    d: int,
    alpha: float,
    beta: float,
    seed: Any = None,
    deterministic: bool | None = None,
) -> PowerLawFeatures:
    """Return least squares on d random features of v power-law inputs.

    Parameters
    ----------
    v, d : int
        Dimensions of the inputs and of the features, d < v.
    alpha, beta : float
        Var z_j = j^(−2α), b_j = j^(−β); α > 0 and 2α + 2β > 1.
    seed : int, optional
        Draw W; d² and v d numbers are held. The features are then the coordinates of the problem.
    deterministic : bool, optional
        The deterministic equivalent, in the eigenbasis, for any d; the default without a seed. One
        draw is some ten per cent from it: compare means over draws.

    Returns
    -------
    PowerLawFeatures
        ``solve`` of unclipped SGD gives the exact mean at this d unless another limit is asked for.

    Raises
    ------
    InvalidInput
        d ≥ v, exponents out of range, a seed beside ``deterministic=True``, neither of them.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.power_law_features(800, 100, 0.7, 0.7)
    >>> round(2 * problem.irreducible, 6)
    0.010804
    """
    v, d = count("v", v), count("d", d)
    if not d < v:
        raise InvalidInput("d", d, f"give fewer features than inputs, v = {v}")
    alpha, beta = positive("alpha", alpha), number("beta", beta)
    if 2 * alpha + 2 * beta <= 1:
        remedy = f"give more than 1/2 − alpha = {0.5 - alpha:g}: the loss at 0 grows with v else"
        raise InvalidInput("beta", beta, remedy)
    if deterministic is None:
        deterministic = seed is None
    if not isinstance(deterministic, bool):
        raise InvalidType("deterministic", deterministic, "give True or False")
    if deterministic and seed is not None:
        raise InvalidInput("seed", seed, "the deterministic equivalent draws nothing; leave it out")
    if not deterministic and seed is None:
        raise InvalidInput("seed", seed, "give the seed of the features")
    own = {"inputs": v, "alpha": alpha, "beta": beta}
    if deterministic:
        return _equivalent(Equivalent(v, d, alpha, beta), own)
    return _drawn(v, d, alpha, beta, seed, own)


def _equivalent(found: Equivalent, own: dict[str, Any]) -> PowerLawFeatures:
    eigenvalues, masses = found.modes()
    # equal neighbours would be grouped, and a start is a number a coordinate
    start = np.sqrt(masses / eigenvalues)
    noise = Gaussian(float(np.sqrt(found.floor)))
    return PowerLawFeatures(from_eigenvalues(eigenvalues), noise, start, **own)


def _drawn(
    v: int, d: int, alpha: float, beta: float, seed: Any, own: dict[str, Any]
) -> PowerLawFeatures:
    if v * d > LARGEST_SAMPLE:
        remedy = f"v d = {v * d:.3g} is too large to draw; leave out the seed"
        raise InvalidInput("v", v, remedy)
    j = np.arange(1.0, v + 1)
    root, target = j**-alpha, j**-beta
    weights = np.random.default_rng(seed).standard_normal((v, d)) / np.sqrt(d)
    scaled = root[:, None] * weights
    best, *_ = np.linalg.lstsq(scaled, root * target, rcond=None)
    rest = root * target - scaled @ best
    noise = Gaussian(float(np.sqrt(rest @ rest)))
    return PowerLawFeatures(from_matrix(scaled.T @ scaled), noise, -best, **own)
