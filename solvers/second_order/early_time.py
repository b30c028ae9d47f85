"""The first two steps of second-order regression, averaged over curvature and batches: numbers.

Every number is evaluated from the formulas that
:mod:`limitlab.theory.second_order.early_time` derives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.derivation import Derivation
from ...theory.core.errors import SolveFailed
from ...theory.core.warn import warn
from ...theory.methods.base import Method
from ...theory.second_order import early_time as derived
from ...theory.second_order.problem import QuadraticRegression
from .arguments import Request

Array = NDArray[np.float64]

#: relative gap of squared singular values below which perturbation theory is doubtful
NEAR = 0.05
#: gap relative to the largest below which singular values are equal, up to round-off
EQUAL = 1e-12


@dataclass(frozen=True, eq=False)
class EarlyTime:
    """Averages over the curvature and over the batches of two steps, one number for every mode.

    Modes are those of J at the start, singular values falling. The overlap u_aᵀJ_tv_a is *not* the
    singular value s_a(t) of J_t: level repulsion moves that one at the same order in q.

    Attributes
    ----------
    singular_values : (modes,) array
        s_a of the start.
    overlap_first, overlap_second : (modes,) arrays
        First and second difference of the overlap; exact at any D, P and rate.
    singular_shift : (modes,) array or None
        s_a(1) − s_a to first order in q; None for D > P, NaN where s_a is zero or not simple.
    flow_second : (modes,) array
        Second time derivative, under gradient flow, of the eigenvalues s_a² of the NTK; NaN where
        one is not simple. For D > P its D − P zeros repel too.
    kernel_first, kernel_second : (modes,) arrays
        First and second difference of u_aᵀΘ_tu_a at P → ∞, to first order in κ.
    """

    singular_values: Array
    overlap_first: Array
    overlap_second: Array
    singular_shift: Array | None
    flow_second: Array
    kernel_first: Array
    kernel_second: Array

    @property
    def derivations(self) -> tuple[Derivation, ...]:
        """What was derived, with its steps and LaTeX."""
        return derived.overlap(), derived.singular_values(), derived.flow(), derived.order_kappa()

    def __str__(self) -> str:
        rows = [(f.name, getattr(self, f.name)) for f in fields(self)]
        return "\n".join(f"{name:>16}  {values}" for name, values in rows)


def early_time(problem: QuadraticRegression, method: Method) -> EarlyTime:
    """Evaluate the early-time formulas.

    Parameters
    ----------
    problem : QuadraticRegression
    method : GradientDescent or SGD
        With a constant rate and no momentum.

    Returns
    -------
    EarlyTime

    Raises
    ------
    NotAvailable
        A schedule, or momentum.
    SolveFailed
        Numbers that no float can hold.

    Warns
    -----
    ValidityWarning
        Two singular values are so close that second-order perturbation theory is doubtful: with
        the gap. One is zero.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> turn = np.array([[np.sqrt(3), -1], [1, np.sqrt(3)]]) / 2
    >>> jacobian = turn @ np.diag([2.0, 1.0]) @ np.eye(2, 4)
    >>> problem = ll.QuadraticRegression(2, 4, 0.04, jacobian, [1, 0.5])
    >>> ll.early_time(problem, ll.SGD(0.4)).overlap_second.round(8)
    array([-0.00125795, -0.00041103])
    """
    ask = Request.of(problem, method, None)
    _warn_of_gaps(all_modes(problem.G)[1], problem.parameters)
    try:
        with np.errstate(over="raise"):
            return _evaluate(ask)
    except (OverflowError, FloatingPointError) as error:
        reason = "the second step exceeds what a float can hold"
        raise SolveFailed(reason, 2.0, float(method.rate), math.inf) from error


def _evaluate(ask: Request) -> EarlyTime:
    """The formulas, mode by mode."""
    problem, common = ask.problem, _common(ask)
    U, s = all_modes(problem.G)
    size = min(problem.G.shape)
    modes = [{"u_a": U[:, k], "s_a": s[k], "ell_a": s[k] ** 2} for k in range(size)]
    others = [{"u_b": U[:, k], "s_b": s[k], "ell_b": s[k] ** 2} for k in range(s.size)]
    shared = _shared(s)[:size]

    def of_modes(formula: Any) -> Array:
        return np.array([formula(**common, **a) for a in modes], dtype=float)

    def of_pairs(formula: Any) -> Array:
        sums = [
            np.nan
            if shared[i]
            else sum(formula(**common, **a, **b) for j, b in enumerate(others) if j != i)
            for i, a in enumerate(modes)
        ]
        return np.array(sums, dtype=float)

    overlap, true = derived.overlap().functions, derived.singular_values().functions
    flow, kernel = derived.flow().functions, derived.order_kappa().functions
    D, P = problem.data, problem.parameters
    shift = None
    if D <= P:
        with np.errstate(divide="ignore", invalid="ignore"):
            shift = of_pairs(true["R_ab"]) + (P - D) * of_modes(true["R_0"])
        # a zero is not simple: s_a and −s_a meet
        shift[_zero(s)] = np.nan
    return EarlyTime(
        s[:size],
        of_modes(overlap["Delta_1"]),
        of_modes(overlap["Delta_2"]),
        shift,
        of_modes(flow["F_a"]) + of_pairs(flow["F_ab"]),
        of_modes(kernel["D_1"]),
        of_modes(kernel["D_2"]),
    )


def _common(ask: Request) -> dict[str, Any]:
    """What all modes share, by the names of the derivation."""
    problem, moments = ask.problem, ask.batches.moments
    return {
        "z": problem.z0,
        "Theta": problem.gram,
        "q": problem.q,
        "kappa": problem.kappa,
        "P": problem.parameters,
        "g": ask.constant_rate("both steps have one size") / ask.batches.batch,
        "beta": moments.beta,
        "b_1": moments.b1,
        "b_2": moments.b2,
    }


def all_modes(G: Array) -> tuple[Array, Array]:
    """Return U (D, D) and s of G, padded by the zeros that GGᵀ has for D > P."""
    U, s, _ = np.linalg.svd(G, full_matrices=G.shape[0] > G.shape[1])
    return U, np.pad(s, (0, G.shape[0] - s.size))


def _zero(s: Array) -> NDArray[np.bool_]:
    return s <= EQUAL * s[0]


def _shared(s: Array) -> NDArray[np.bool_]:
    """Which singular values occur more than once."""
    gaps = np.abs(s[:, None] - s[None, :])
    return np.sum(gaps <= EQUAL * s[0], axis=1) > 1


def _warn_of_gaps(s: Array, parameters: int) -> None:
    """Warn of zero and of close ones among the D values of `all_modes`."""
    both = s.size <= parameters
    s = s[:parameters]
    texts = []
    if _zero(s).any():
        lost = "singular_shift" if both else "flow_second"
        texts.append(f"a singular value is 0: {lost} is NaN there")
    squares = s[:-1] ** 2
    gaps = np.divide(-np.diff(s**2), squares, out=np.zeros_like(squares), where=squares > 0)
    if gaps.size and gaps.min() < NEAR:
        k = int(np.argmin(gaps))
        held = "singular_shift and flow_second hold" if both else "flow_second holds"
        texts.append(
            f"singular values {s[k]:.4g} and {s[k + 1]:.4g} are close (relative gap of squares "
            f"{gaps[k]:.2g}): {held} only for shifts well below it, and NaN at equal ones"
        )
    if texts:
        warn("; ".join(texts))
