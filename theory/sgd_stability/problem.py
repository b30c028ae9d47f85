r"""The quadratic around a minimum that fits every example.

.. math:: L(w)=\frac1n\sum_{i=1}^n\tfrac12w^\top H_iw,\qquad
          w^+=\Big(I-\frac\eta B\sum_im_iH_i\Big)w,\qquad H_i\succeq0

Setting of arXiv 2401.12332.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from ..core.by_content import ByContent
from ..core.checks import array, count, positive, read_only, vector
from ..core.errors import InvalidInput
from ..core.problem import Problem

#: asymmetry, and eigenvalues relative to the largest, that are rounding
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class InterpolatingMinimum(Problem, ByContent):
    """n examples whose losses are all smallest at w = 0, with the curvatures H_i.

    Step size rate (batch prefactor rate/B), time in steps; loss wᵀHw/2 with H the mean of H_i; the
    edge of full-batch descent is rate · sharpness = 2.

    Parameters
    ----------
    hessians : (n, d, d) array_like, optional
        Symmetric and positive semidefinite.
    features : (n, d) array_like, optional
        x_i, for H_i = x_i x_iᵀ: linear regression that fits every example. One of the two is given.
    start : (d,) array_like, optional
        Default: ones.

    Raises
    ------
    InvalidInput
        Both or none; a H_i that is not symmetric or has a negative eigenvalue; every H_i is 0.

    Examples
    --------
    >>> import limitlab as ll
    >>> minimum = ll.InterpolatingMinimum(features=[[1, 0], [1, 1], [0, 2]])
    >>> round(minimum.coherence, 7), round(minimum.sharpness, 7)
    (1.3256939, 1.7675919)
    """

    family: ClassVar[str] = "sgd_stability"

    hessians: Any = None
    features: Any = None
    start: Any = None

    def __post_init__(self) -> None:
        if (self.hessians is None) == (self.features is None):
            raise InvalidInput("hessians", self.hessians, "give one of hessians= and features=")
        if self.features is not None:
            object.__setattr__(self, "features", array("features", self.features, 2))
        else:
            object.__setattr__(self, "hessians", _semidefinite(self.hessians))
        name = "features" if self.hessians is None else "hessians"
        if not np.all(np.isfinite(self.mean)):
            remedy = "is too large: its curvatures are no floats; give it in other units"
            raise InvalidInput(name, getattr(self, name), remedy)
        if self.sharpness == 0:
            raise InvalidInput(name, getattr(self, name), "every curvature is 0: nothing moves")
        start = np.ones(self.dimension) if self.start is None else self.start
        object.__setattr__(self, "start", vector("start", start, self.dimension))

    @classmethod
    def groups(cls, data: int, group: int, curvature: float = 1.0) -> InterpolatingMinimum:
        """Return data/group orthogonal directions, each shared by `group` identical examples.

        Parameters
        ----------
        data, group : int
            n, and a divisor of it: the coherence.
        curvature : float
            λ_max of every H_i; that of H is curvature · group/data.
        """
        data, group = count("data", data), count("group", group)
        if data % group:
            raise InvalidInput("group", group, f"give a divisor of data = {data}")
        rows = np.repeat(np.eye(data // group), group, axis=0)
        return cls(features=np.sqrt(positive("curvature", curvature)) * rows)

    @property
    def data(self) -> int:
        """n."""
        return len(self.features if self.hessians is None else self.hessians)

    @property
    def dimension(self) -> int:
        """d."""
        return int((self.features if self.hessians is None else self.hessians).shape[1])

    @cached_property
    def mean(self) -> np.ndarray:
        """H, shape (d, d)."""
        with np.errstate(over="ignore", invalid="ignore"):
            if self.hessians is None:
                return read_only(self.features.T @ self.features / self.data)
            return read_only(self.hessians.mean(axis=0))

    @cached_property
    def _modes(self) -> tuple[np.ndarray, np.ndarray]:
        values, vectors = np.linalg.eigh(self.mean)
        moving = values > ROUNDING * max(float(values[-1]), 0.0)
        return values[moving], vectors[:, moving]

    @property
    def eigenvalues(self) -> np.ndarray:
        """Of H, without those that are 0."""
        return self._modes[0]

    @property
    def eigenvectors(self) -> np.ndarray:
        """Of H, one a column, without those that no H_i moves."""
        return self._modes[1]

    @property
    def sharpness(self) -> float:
        """λ_max(H)."""
        return float(self.eigenvalues[-1]) if self.eigenvalues.size else 0.0

    @cached_property
    def factors(self) -> np.ndarray:
        """A_i with H_i = A_i A_iᵀ, shape (n, d, largest rank)."""
        if self.hessians is None:
            return read_only(self.features[:, :, None].copy())
        values, vectors = np.linalg.eigh(self.hessians)
        values = np.where(values > ROUNDING * values.max(), values, 0.0)
        rank = int(np.count_nonzero(values, axis=1).max())
        found = vectors[:, :, -rank:] * np.sqrt(values[:, None, -rank:])
        return read_only(np.ascontiguousarray(found))

    @cached_property
    def overlaps(self) -> np.ndarray:
        """S_ij = √tr H_i H_j, shape (n, n)."""
        n, d, rank = self.factors.shape
        rows = self.factors.transpose(0, 2, 1).reshape(n * rank, d)
        squares = ((rows @ rows.T) ** 2).reshape(n, rank, n, rank).sum(axis=(1, 3))
        return read_only(np.sqrt(squares))

    @cached_property
    def largest(self) -> float:
        """max_i λ_max(H_i)."""
        gram = np.einsum("nda,ndb->nab", self.factors, self.factors)
        return float(np.linalg.eigvalsh(gram)[:, -1].max())

    @cached_property
    def coherence(self) -> float:
        """σ = λ_max(S)/max_i λ_max(H_i): from 1 for orthogonal rank one to n for identical H_i."""
        return float(np.linalg.eigvalsh(self.overlaps)[-1]) / self.largest

    @cached_property
    def group_sizes(self) -> np.ndarray | None:
        """Examples of each group, where they are orthogonal groups of identical rank-one H_i."""
        own = np.diag(self.overlaps)
        if self.factors.shape[2] != 1 or own.min() == 0:
            return None
        cosine = self.overlaps / np.sqrt(np.outer(own, own))
        same = cosine > 0.5
        sizes = same.sum(axis=1)
        exact = np.abs(cosine - same).max() < 1e-9 and np.ptp(own) < 1e-9 * own.max()
        if not exact:
            return None
        _, first = np.unique(np.argmax(same, axis=1), return_index=True)
        return sizes[first]


def _semidefinite(values: Any) -> np.ndarray:
    found = array("hessians", values, 3)
    if found.shape[1] != found.shape[2]:
        raise InvalidInput("hessians", values, f"has the shape {found.shape}; give (n, d, d)")
    scale = np.abs(found).max()
    odd = np.abs(found - found.transpose(0, 2, 1)).max(axis=(1, 2))
    if odd.max() > ROUNDING * scale:
        where = int(np.argmax(odd))
        raise InvalidInput("hessians", values, f"number {where} is not symmetric; give (H + Hᵀ)/2")
    lowest = np.linalg.eigvalsh(found)[:, 0]
    if lowest.min() < -1e-10 * scale * found.shape[1]:
        where = int(np.argmin(lowest))
        remedy = f"number {where} has the eigenvalue {lowest[where]:.3g}; give none below 0"
        raise InvalidInput("hessians", values, remedy)
    return found
