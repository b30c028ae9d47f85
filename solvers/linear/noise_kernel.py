r"""The norm of the noise kernel: does SGD on a linear model converge in mean square?

.. math:: \mathcal K_{\rm closure}=\tfrac1{DC}\sum_i\Gamma_{ii}\le
          \mathcal K_2=\frac{\sum_k\|R_k\|^2}{\sum_k\operatorname{tr}R_k}\le
          \mathcal K_{\rm exact}=\rho(\mathcal M)\le\max_k\lambda_{\max}(R_k)

:math:`R_k` are the diagonal blocks of :math:`V\mathrm{diag}(\Gamma_{ii})V^\top` and
:math:`\mathcal M:S\mapsto\mathrm{bdiag}[V(\Gamma\circ V^\top SV)V^\top]`. The closure is always
optimistic. Stability needs finite :math:`\Gamma_{ii}` and :math:`\mathcal K_{\rm exact}<1`.

Model of arXiv 2404.19261; the exact norm and the bracket are derived here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import NotAvailable
from ...theory.linear.derivation import linear_theory
from ...theory.methods.sampling import Batches
from ..core.lanczos import largest_eigenvalue
from .moments import blocks, constants, from_blocks

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NoiseKernel:
    """The noise kernel of a problem and its batches, as a function of the rate.

    Every norm is infinite where the step is beyond the edge: Γ_ii is not finite there.

    Parameters
    ----------
    problem : LinearModel
    batches : Batches
    functions : mapping, optional
        Of the derivation; default: those of the sampling.

    Raises
    ------
    NotAvailable
        Every eigenvalue is 0.
    """

    problem: Any
    batches: Batches
    functions: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.problem.sharpness == 0:
            raise NotAvailable("problem", self.problem, "every eigenvalue is 0: nothing moves")
        if not self.functions:
            functions = linear_theory(self.batches.sampling).functions
            object.__setattr__(self, "functions", functions)

    @cached_property
    def numbers(self) -> dict[str, float]:
        """c, ν, μ, D and C."""
        return constants(self.problem, self.batches)

    @cached_property
    def moving(self) -> Array:
        """λ_i > 0; modes that do not move feed no noise."""
        return self.problem.eigenvalues[self.problem.eigenvalues > 0]

    @cached_property
    def vectors(self) -> Array:
        """Their eigenvectors, one a column."""
        return np.ascontiguousarray(self.problem.eigenvectors[:, : self.moving.size])

    def beyond_edge(self, rate: float) -> bool:
        """Whether the denominator of Γ_ii has vanished for some mode."""
        slack = self.functions["Delta"](eta=rate, lambda_i=self.moving, **self.numbers)
        return bool(np.any(slack <= 0))

    def trace(self, rate: float) -> float:
        """K_tr: to first order in the rate, without regard to the edge."""
        each = self.functions["K_trace_i"](eta=rate, lambda_i=self.moving, **self.numbers)
        return float(each.sum())

    def closure(self, rate: float) -> float:
        """K_closure."""
        if self.beyond_edge(rate):
            return math.inf
        each = self.functions["K_i"](eta=rate, lambda_i=self.moving, **self.numbers)
        return float(each.sum())

    def second_moment(self, rate: float) -> float:
        """K_2, below K_exact."""
        return self.bracket(rate)[0]

    def highest(self, rate: float) -> float:
        """max r, above K_exact."""
        return self.bracket(rate)[1]

    def bracket(self, rate: float) -> tuple[float, float]:
        """K_2 and max r, between which K_exact lies."""
        return (math.inf, math.inf) if self.beyond_edge(rate) else self._bracket("Gamma", rate)

    def _bracket(self, name: str, rate: float) -> tuple[float, float]:
        own = self._gamma(name, rate, self.moving, self.moving)
        R = blocks(self.vectors * own, self.vectors, self.problem.outputs)
        trace = float(np.trace(R, axis1=1, axis2=2).sum())
        second = float(np.sum(R**2)) / trace if trace else 0.0
        return second, float(np.linalg.eigvalsh(R)[:, -1].max())

    def exact(self, rate: float) -> float:
        """K_exact."""
        return math.inf if self.beyond_edge(rate) else self.radius("Gamma", rate)

    def of_sde(self, rate: float, exact: bool) -> float:
        """The norm of the limiting SDE with one noise an example: at 1 its mean loss diverges.

        `exact`: the spectral radius; otherwise K_2, below it.
        """
        return self.radius("Gamma_ito", rate) if exact else self._bracket("Gamma_ito", rate)[0]

    def radius(self, name: str, rate: float, **growth: float) -> float:
        """Spectral radius of 𝓜 with ``Gamma``, ``Gamma_ito``, or ``Gamma_r`` at growth r."""
        column, row = self.moving[:, None], self.moving[None, :]
        gamma = self._gamma(name, rate, column, row, **growth)
        V, C = self.vectors, self.problem.outputs

        def apply(S: Array) -> Array:
            return blocks(V @ (gamma * from_blocks(V, S)), V, C)

        return largest_eigenvalue(apply, np.tile(np.eye(C), (self.problem.data, 1, 1)))

    def _gamma(self, name: str, rate: float, row: Array, column: Array, **growth: float) -> Array:
        values = {**self.numbers, **growth, "eta": rate}
        return self.functions[name](lambda_i=row, lambda_j=column, **values)
