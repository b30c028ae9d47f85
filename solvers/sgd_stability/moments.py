r"""The second moment of SGD in the moving eigendirections of H, and the rate at which it is stable.

.. math:: \eta^*=\frac2{\lambda_{\max}(C^{-1/2}\mathcal DC^{-1/2})},\qquad
          C:M\mapsto\tfrac12(HM+MH),\quad
          \mathcal D:M\mapsto\tfrac a{\eta^2}HMH+\tfrac b{\eta^2}\sum_iH_iMH_i

C is diagonal in the eigenbasis of H, so that no operator is ever a matrix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.methods.sampling import Batches
from ..core.lanczos import largest_eigenvalue

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moments:
    """The map of M = E w wᵀ of a problem and its batches.

    Parameters
    ----------
    problem : InterpolatingMinimum
    drawn : Batches
    functions : mapping
        Of the derivation.
    """

    problem: Any
    drawn: Batches
    functions: Mapping[str, Any]

    @cached_property
    def factors(self) -> Array:
        """A_i in the moving eigendirections, (rank, n, modes)."""
        turned = np.einsum("ndr,dk->rnk", self.problem.factors, self.problem.eigenvectors)
        return np.ascontiguousarray(turned)

    @cached_property
    def _rows(self) -> tuple[Array, Array]:
        """The columns of every A_i as rows, and as columns."""
        rows = self.factors.reshape(-1, self.pulls.size)
        return rows, rows.T

    @cached_property
    def pulls(self) -> Array:
        """Eigenvalues of H."""
        return np.asarray(self.problem.eigenvalues)

    def coefficients(self, rate: float) -> tuple[float, float]:
        """The a and b of the recursion."""
        if self.drawn.full:
            return rate**2, 0.0
        numbers = {"eta": rate, "B": self.drawn.batch, "D": self.drawn.data}
        a, b = (float(self.functions[name](**numbers)) for name in ("a", "b"))
        return a, b

    def singles(self, M: Array) -> Array:
        """Σ_i H_i M H_i for H_i = A_i A_iᵀ."""
        total = np.zeros_like(M)
        ranks = range(len(self.factors))
        for r in ranks:
            for s in ranks:
                left, right = self.factors[r], self.factors[s]
                weights = np.einsum("nk,nk->n", left @ M, right)
                total += left.T @ (weights[:, None] * right)
        return total

    def _of(self, name: str, M: Array, **numbers: float) -> Array:
        """A derived form of M in the eigenbasis of H."""
        pulls = self.pulls
        alone = any(numbers.get(b, 0.0) for b in ("b", "b_flow"))
        values = {"M_ij": M, "lambda_i": pulls[:, None], "lambda_j": pulls}
        values["S_ij"] = self.singles(M) if alone else np.zeros_like(M)
        return np.asarray(self.functions[name](**values, **numbers))

    def step(self, M: Array, rate: float) -> Array:
        """M after a step."""
        a, b = self.coefficients(rate)
        return self._of("M_next", M, eta=rate, a=a, b=b)

    def velocity(self, M: Array, rate: float) -> Array:
        """What the limiting SDE does to M, per unit of rate · steps."""
        batch, data = self.drawn.batch, self.drawn.data
        noise = 0.0 if self.drawn.full else self.functions["b_flow"](eta=rate, B=batch, D=data)
        return self._of("M_flow", M, b_flow=float(noise))

    def run(self, w: Array, masks: Array, rate: float) -> Array:
        """Runs, a row each, after a step that draws each example as often as its mask says."""
        rows, columns = self._rows
        drawn = masks if len(self.factors) == 1 else np.tile(masks, len(self.factors))
        pull = (drawn * (w @ columns)) @ rows
        after: Array = self.functions["w_next"](w=w, pull=pull, eta=rate, B=self.drawn.batch)
        return after

    def largest_rate(self) -> float:
        """η*: the mean square is stable below it."""
        a, b = self.coefficients(1.0)
        halves = (self.pulls[:, None] + self.pulls) / 2
        root = 1 / np.sqrt(halves)

        def apply(X: Array) -> Array:
            return root * self._of("gained", root * X, a=a, b=b)

        return 2 / largest_eigenvalue(apply, np.diag(np.sqrt(self.pulls)))

    def radius(self, rate: float) -> float:
        """The spectral radius of a step, which keeps positive semidefinite matrices such."""
        return largest_eigenvalue(lambda M: self.step(M, rate), np.eye(self.pulls.size))
