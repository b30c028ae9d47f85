r"""Gaussian mixtures, :math:`\epsilon\sim\sum_jp_jN(m_j,\sigma_j^2)`; scale zero is an atom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..core.checks import vector
from ..core.errors import InvalidInput
from .base import Noise


@dataclass(frozen=True)
class GaussianMixture(Noise):
    """Finitely many normal components, for instance rare large outliers.

    Parameters
    ----------
    weights : sequence of float
        Probabilities, > 0, summing to 1 (to 1e-9; the rest is rescaled away).
    scales : sequence of float
        Standard deviations, >= 0; zero is an atom at the mean of its component.
    means : sequence of float, optional
        Centres; all zero by default.

    Raises
    ------
    InvalidInput
        Weights that are not positive or do not sum to 1; negative scales; lengths that differ.

    Examples
    --------
    >>> import limitlab as ll
    >>> rare = ll.GaussianMixture(weights=[0.95, 0.05], scales=[0.3, 3.0])
    >>> round(float(rare.variance), 6)
    0.5355
    """

    weights: Sequence[float]
    scales: Sequence[float]
    means: Sequence[float] | None = None
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"weights": (0.9, 0.1), "scales": (0.3, 2.0)}

    def __post_init__(self) -> None:
        weights = vector("weights", self.weights)
        scales = vector("scales", self.scales, weights.size)
        means = np.zeros(weights.size) if self.means is None else self.means
        means = vector("means", means, weights.size)
        if np.any(weights <= 0):
            raise InvalidInput("weights", self.weights, "give probabilities > 0")
        if abs(weights.sum() - 1.0) > 1e-9:
            remedy = f"sum to {weights.sum():.12g}; give probabilities that sum to 1"
            raise InvalidInput("weights", self.weights, remedy)
        if np.any(scales < 0):
            raise InvalidInput("scales", self.scales, "give standard deviations >= 0")
        for name, values in (
            ("weights", weights / weights.sum()),
            ("scales", scales),
            ("means", means),
        ):
            object.__setattr__(self, name, tuple(values.tolist()))

    def components(self) -> tuple[Any, Any, Any]:
        return self.weights, self.means, self.scales
