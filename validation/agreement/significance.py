"""t-tests of an interval hypothesis at many times, held to one level by Holm's rule.

At each time H0 is |E mean − theory| ≤ margin. The p-value is taken at the boundary of H0,
P(|T| ≥ gap) for an estimate centred at distance margin: with Student's t on runs − 1 degrees of
freedom, P = sf((gap − margin)/sem) + sf((gap + margin)/sem) (derived here). It is the two-sided
t-test for margin = 0 and never smaller than the true probability inside H0.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import t as student

#: probability with which an error called detectable is rejected
POWER = 0.99


def p_values(gap: np.ndarray, sem: np.ndarray, margin: np.ndarray, dof: np.ndarray) -> np.ndarray:
    """P-value of |E mean − theory| ≤ margin at each time; all arguments broadcast to (T,)."""
    distance = np.abs(gap)
    safe = np.where(sem > 0, sem, 1.0)
    upper, lower = (distance - margin) / safe, (distance + margin) / safe
    p = np.minimum(student.sf(upper, dof) + student.sf(lower, dof), 1.0)
    return np.where(sem > 0, p, np.where(distance > margin, 0.0, 1.0))


def holm(p: np.ndarray) -> np.ndarray:
    """Adjusted p-values: H0 at time i is rejected at `level` over all where the result is ≤ level.

    Holm's step-down rule holds for any dependence between the times.
    """
    order = np.argsort(p)
    factors = np.arange(p.size, 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * p[order]), 1.0)
    return adjusted


def detectable(
    sensitivity: np.ndarray, sem: np.ndarray, margin: np.ndarray, dof: np.ndarray, level: float
) -> float:
    """Smallest relative error of a coefficient that is rejected with probability `POWER`.

    Parameters
    ----------
    sensitivity : (T,) array
        Change of the quantity per relative change of the coefficient, ∂R/∂log A.
    sem, margin, dof : (T,) arrays
        As in :func:`p_values`.
    level : float
        Level over all times.

    Notes
    -----
    Power of the best single time, so a lower bound of the power of all of them. The margin in
    the quantile is dropped on the far side, which makes it conservative again.
    """
    critical = student.isf(level / sem.size / 2, dof) + student.isf(1 - POWER, dof)
    size = np.abs(sensitivity)
    needed = margin + critical * sem
    found = needed[size > 0] / size[size > 0]
    return float(found.min()) if found.size else np.inf
