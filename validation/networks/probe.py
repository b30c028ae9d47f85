r"""The noise kernel norm of a network, from products with its Jacobian only.

.. math:: \operatorname{tr}N=\tfrac1D\mathbb E|J^\top v|^2,\qquad
          \mathcal K_{\rm tr}=\frac{\eta c}{2C}\operatorname{tr}N\le\mathcal K_{\rm closure}
          \le\mathcal K_2\le\mathcal K_{\rm exact}\le\max_k\lambda_{\max}(R_k)

with Rademacher v (Hutchinson) and the top eigenvalues by Lanczos; for small steps
:math:`R_k=\tfrac{\eta c}2J_kJ_k^\top` with the rows :math:`J_k` of one example (C outputs are one
block, hence 1/C; the cross-entropy has the C − 1 rows of ``losses.gauss_newton``). Formulas of
:mod:`limitlab.theory.linear.derivation`, derived there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...solvers.core import random
from ...solvers.linear.kernel_norm import constant_rate
from ...theory.core.checks import count, positive
from ...theory.core.errors import InvalidInput, InvalidType, NotAvailable
from ...theory.linear.derivation import linear_theory
from ...theory.methods.base import Method
from ...theory.methods.sampling import Batches, batches
from .linearisation import Linearisation

Array = NDArray[np.float64]

#: residual of an eigenvector, relative to its eigenvalue, whose own error is of its square
RESIDUAL = 1e-8


@dataclass(frozen=True, eq=False)
class Probe:
    """What was measured of a network, and the norms that follow for any rate.

    Attributes
    ----------
    trace, trace_error : float
        tr N and its standard error (0 where it was summed exactly).
    top : (k,) array
        Largest eigenvalues of N, descending.
    grams : (examples, C, C) array
        J_k J_kᵀ of the visited examples.
    data, outputs : int
    batches : Batches
    """

    trace: float
    trace_error: float
    top: Array
    grams: Array
    data: int
    outputs: int
    batches: Batches

    @property
    def sharpness(self) -> float:
        """λ_max(N): the edge is rate · sharpness = 2."""
        return float(self.top[0])

    def kernel_trace(self, rate: float) -> float:
        """K_tr, of first order in the rate."""
        return float(self._term("K_trace_i", rate, self.trace))

    def closure(self, rate: float) -> tuple[float, float]:
        """Bounds of K_closure, up to the standard error of the trace.

        The top modes are exact. The others lie between what the trace counts and what they would
        be if all were as near to the edge as the last of the top ones; infinite beyond the edge.
        """
        if self._term("Delta", rate, self.top[0]) <= 0:
            return math.inf, math.inf
        if self.batches.full:
            return 0.0, 0.0
        exact = self._term("K_i", rate, self.top)
        first = self._term("K_trace_i", rate, self.top)
        rest = max(self.kernel_trace(rate) - float(first.sum()), 0.0)
        known, ratio = float(exact.sum()), float(exact[-1] / first[-1])
        return known + rest * min(ratio, 1.0), known + rest * max(ratio, 1.0)

    def second_moment(self, rate: float) -> float:
        """K_2 for small steps, over the visited examples."""
        if self.batches.full:
            return 0.0
        blocks = self._blocks(rate)
        return float(np.sum(blocks**2) / np.trace(blocks, axis1=1, axis2=2).sum())

    def highest(self, rate: float) -> float | None:
        """max λ_max(R_k) for small steps; None unless every example was visited."""
        if len(self.grams) < self.data:
            return None
        return float(np.linalg.eigvalsh(self._blocks(rate))[:, -1].max())

    def lower(self, rate: float) -> float:
        """The best lower estimate of K_exact."""
        closure = self.closure(rate)[0]
        return closure if math.isinf(closure) else max(closure, self.second_moment(rate))

    def upper(self, rate: float) -> float | None:
        """An upper bound of K_exact: R_k of a finite step exceeds that of small ones at most as the
        top mode does. None unless every example was visited."""
        highest = self.highest(rate)
        if highest is None:
            return None
        if self._term("Delta", rate, self.top[0]) <= 0:
            return math.inf
        if self.batches.full:
            return 0.0
        worst = self._term("K_i", rate, self.top[0]) / self._term("K_trace_i", rate, self.top[0])
        return highest * max(float(worst), 1.0)

    def verdict(self, rate: float) -> str:
        """Mean-square "unstable" where a lower estimate is at least 1, "stable" where every example
        was visited and the upper bound is below 1, else "undecided"."""
        if self.lower(rate) >= 1:
            return "unstable"
        upper = self.upper(rate)
        return "stable" if upper is not None and upper < 1 else "undecided"

    def rate_at(self, target: float = 1.0) -> float:
        """The rate at which the lower estimate reaches ``target``."""
        from scipy.optimize import brentq

        positive("target", target)
        if self.batches.full:
            raise NotAvailable("batch", self.batches.batch, "full batches have no noise kernel")
        high = 1 / self.sharpness
        while self.lower(high) < target:
            high *= 2

        def excess(rate: float) -> float:
            norm = self.lower(rate)
            return 1.0 if math.isinf(norm) else (norm - target) / (norm + target)

        return float(brentq(excess, 1e-9 * high, high, xtol=1e-14, rtol=1e-10))

    def _blocks(self, rate: float) -> Array:
        """R_k; K_tr is the mean of their traces over D C."""
        return self.outputs * self._term("K_trace_i", rate, self.grams)

    @cached_property
    def _functions(self) -> Any:
        return linear_theory(self.batches.sampling).functions

    @cached_property
    def _numbers(self) -> dict[str, float]:
        mask, own = self.batches.moments, {"D": self.data, "C": self.outputs}
        return {"c": mask.c, "nu": mask.nu, "mu": self.batches.momentum, **own}

    def _term(self, name: str, rate: float, eigenvalue: Any) -> Any:
        return self._functions[name](eta=rate, lambda_i=eigenvalue, **self._numbers)

    def __str__(self) -> str:
        lines = f"tr N {self.trace:.4g} ± {self.trace_error:.2g}, sharpness {self.sharpness:.4g}"
        return f"{lines}; {len(self.grams)} of {self.data} examples visited"


def probe(
    network: Linearisation,
    method: Method,
    *,
    probes: int = 32,
    top: int = 5,
    examples: int = 32,
    seed: int | np.random.SeedSequence | None = 0,
) -> Probe:
    """Measure what the noise kernel norm of a network needs, at one θ.

    Parameters
    ----------
    network : Linearisation
        The products Jv and Jᵀu; for the cross-entropy those of ``gauss_newton``.
    method : GradientDescent or SGD
        Its batch, sampling and momentum; the rate goes into the norms.
    probes : int
        Hutchinson vectors, at least 2; where every example is visited the trace is exact instead.
    top : int
        Eigenvalues by Lanczos.
    examples : int
        Examples whose own J_k J_kᵀ is formed, C products each.
    seed : int, SeedSequence or None

    Raises
    ------
    InvalidInput
        Not a Linearisation; NaN in a product; more eigenvalues than there are; a Jacobian of 0.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> J = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0], [1.0, 0.0, 0.5]])
    >>> near = ll.Linearisation(lambda v: J @ v, lambda u: J.T @ u, data=3, parameters=3)
    >>> measured = ll.probe(near, ll.SGD(0.1, batch=1), top=1)
    >>> round(measured.trace, 6), round(measured.kernel_trace(0.1), 6)
    (2.75, 0.1375)
    """
    if not isinstance(network, Linearisation):
        raise InvalidType("network", network, "give a Linearisation: jvp and vjp at one θ")
    if count("top", top) >= network.size:
        raise InvalidInput("top", top, f"N has {network.size} eigenvalues; give fewer")
    drawn = batches(method, network.data)
    rng = np.random.default_rng(random.seed_sequence(seed))
    constant_rate(method)
    visited = min(count("examples", examples), network.data)
    chosen = rng.permutation(network.data)[:visited]
    rows = [network.rows(int(k)) for k in chosen]
    grams = np.array([J @ J.T for J in rows])
    if visited == network.data:
        trace, error = float(np.trace(grams, axis1=1, axis2=2).sum()) / network.data, 0.0
    else:
        trace, error = _hutchinson(network, count("probes", probes, 2), rng)
    return Probe(
        trace, error, largest(network, top, rng), grams, network.data, network.outputs, drawn
    )


def _hutchinson(
    network: Linearisation, probes: int, rng: np.random.Generator
) -> tuple[float, float]:
    signs = rng.choice([-1.0, 1.0], size=(probes, network.size))
    squares = np.array([np.sum(network.pull(v) ** 2) for v in signs]) / network.data
    return float(squares.mean()), float(squares.std(ddof=1) / np.sqrt(probes))


def largest(network: Linearisation, top: int, rng: np.random.Generator | None = None) -> Array:
    """The top eigenvalues of N = JJᵀ/D by Lanczos, falling."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    def apply(u: Array) -> Array:
        return network.push(network.pull(np.asarray(u).reshape(-1))) / network.data

    kernel = LinearOperator((network.size, network.size), matvec=apply, dtype=np.float64)
    rng = np.random.default_rng(0) if rng is None else rng
    start = rng.standard_normal(network.size)
    if not apply(start).any():
        raise InvalidInput("network", network, "its Jacobian is 0: nothing moves; try another θ")
    return eigsh(kernel, k=top, which="LA", v0=start, return_eigenvectors=False, tol=RESIDUAL)[::-1]
