r"""The empirical law of given residuals, atoms or smoothed by a Gaussian bandwidth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..core.by_content import ByContent
from ..core.checks import number, vector
from ..core.errors import InvalidInput
from .base import Noise


@dataclass(frozen=True, eq=False, repr=False)
class Empirical(ByContent, Noise):
    """A draw is one of the samples, each equally likely, plus a normal of sd `bandwidth`.

    Without a bandwidth the law has atoms: sign methods then stall once the risk is far below the
    smallest squared sample. The law is used as it is; subtract the mean first to centre it.

    Parameters
    ----------
    samples : array_like, shape (n,)
        Finite residuals.
    bandwidth : float, optional
        Standard deviation of the smoothing, >= 0; None means atoms.

    Raises
    ------
    InvalidInput
        Samples that are no list of finite numbers; a negative bandwidth.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.Empirical([-1.0, 0.0, 1.0], bandwidth=0.5).variance
    0.9166666666666666
    """

    samples: np.ndarray
    bandwidth: float | None = None
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"samples": (-0.7, -0.1, 0.3, 0.6)}

    def __post_init__(self) -> None:
        object.__setattr__(self, "samples", vector("samples", self.samples))
        if self.bandwidth is None:
            return
        bandwidth = number("bandwidth", self.bandwidth)
        if bandwidth < 0:
            raise InvalidInput("bandwidth", self.bandwidth, "give a number >= 0, or None")
        object.__setattr__(self, "bandwidth", bandwidth or None)

    def components(self) -> tuple[Any, Any, Any]:
        """One component per distinct sample."""
        means, counts = np.unique(self.samples, return_counts=True)
        scales = np.full(means.size, 0.0 if self.bandwidth is None else self.bandwidth)
        return counts / self.samples.size, means, scales

    def moment(self, k: int) -> Any:
        width = 0.0 if self.bandwidth is None else self.bandwidth
        before, current = np.zeros_like(self.samples), np.ones_like(self.samples)
        for order in range(1, k + 1):
            step = self.samples * current + (order - 1) * width**2 * before
            before, current = current, step
        return float(np.mean(current))

    def sample(self, rng: np.random.Generator, n: int | tuple[int, ...]) -> np.ndarray:
        drawn = self.samples[rng.integers(0, self.samples.size, size=n)]
        if self.bandwidth is not None:
            drawn = drawn + self.bandwidth * rng.standard_normal(n)
        return drawn

    def __repr__(self) -> str:
        return f"Empirical({self.samples.size} samples, bandwidth={self.bandwidth})"
