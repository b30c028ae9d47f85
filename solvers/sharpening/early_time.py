"""The first two steps of second-order regression, averaged over curvature and batches: numbers.

Every number is evaluated from the formulas that
:mod:`limitlab.theory.sharpening.quadratic_derivation` derives.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import ValidityWarning
from ...theory.sharpening import quadratic_derivation as derived
from ...theory.sharpening.derivation import Derivation
from .request import Request

Array = NDArray[np.float64]

#: relative gap of squared singular values below which perturbation theory is doubtful
NEAR = 0.05


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
        s_a(1) − s_a to first order in q; None for D > P.
    flow_second : (modes,) array
        Second time derivative, under gradient flow, of the eigenvalues s_a² of the NTK.
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


def early_time(problem: Any, method: Any) -> EarlyTime:
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

    Warns
    -----
    ValidityWarning
        Two singular values are so close that second-order perturbation theory is doubtful: with
        the gap.

    Examples
    --------
    >>> import numpy as np
    >>> from limitlab import SGD, QuadraticRegression
    >>> turn = np.array([[np.sqrt(3), -1], [1, np.sqrt(3)]]) / 2
    >>> jacobian = turn @ np.diag([2.0, 1.0]) @ np.eye(2, 4)
    >>> problem = QuadraticRegression(2, 4, 0.04, jacobian, [1, 0.5])
    >>> early_time(problem, SGD(0.4)).overlap_second.round(8)
    array([-0.00125795, -0.00041103])
    """
    U, s, _ = np.linalg.svd(problem.G, full_matrices=False)
    _warn_of_gaps(s)
    common = _common(problem, method)
    modes = [{"u_a": U[:, k], "s_a": s[k], "ell_a": s[k] ** 2} for k in range(s.size)]
    others = [{"u_b": U[:, k], "s_b": s[k], "ell_b": s[k] ** 2} for k in range(s.size)]

    def of_modes(formula: Any) -> Array:
        return np.array([formula(**common, **a) for a in modes], dtype=float)

    def of_pairs(formula: Any) -> Array:
        return np.array(
            [
                sum(formula(**common, **a, **b) for j, b in enumerate(others) if j != i)
                for i, a in enumerate(modes)
            ],
            dtype=float,
        )

    overlap, true = derived.overlap().functions, derived.singular_values().functions
    flow, kernel = derived.flow().functions, derived.order_kappa().functions
    D, P = problem.data, problem.parameters
    shift = None
    if D <= P:
        shift = of_pairs(true["R_ab"]) + (P - D) * of_modes(true["R_0"])
    return EarlyTime(
        s,
        of_modes(overlap["Delta_1"]),
        of_modes(overlap["Delta_2"]),
        shift,
        of_modes(flow["F_a"]) + of_pairs(flow["F_ab"]),
        of_modes(kernel["D_1"]),
        of_modes(kernel["D_2"]),
    )


def _common(problem: Any, method: Any) -> dict[str, Any]:
    """What all modes share, by the names of the derivation."""
    ask = Request.of(problem, method, None)
    moments = ask.batches.moments
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


def _warn_of_gaps(s: Array) -> None:
    if s.size < 2:
        return
    gaps = -np.diff(s**2) / s[:-1] ** 2
    k = int(np.argmin(gaps))
    if gaps[k] < NEAR:
        text = (
            f"singular values {s[k]:.4g} and {s[k + 1]:.4g} are close (relative gap of squares "
            f"{gaps[k]:.2g}): singular_shift and flow_second hold only for shifts well below it"
        )
        warnings.warn(text, ValidityWarning, stacklevel=3)
