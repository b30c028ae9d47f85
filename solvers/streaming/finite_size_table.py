"""Measured finite-size error of the mean risk of clipped SGD, Huber and signSGD.

Each number is the largest |E R_k − R|/R · d over the laws of noise of its group, with the
standard error of that cell. Measured on isotropic data with R(0) = 1 at d = 32 (one cell was
repeated: clipped SGD at d = 16, 64, 128 and signSGD at d = 16, 64 give products with d equal
within about two errors). Clipped SGD by the exact chain for |δ|,
Huber likewise without the norm, signSGD by the full vector; 30 000 runs per unit rate for
clipping, 50 000 for the sign, against the risk equation by Runge–Kutta with steps of 0.002.
Laws: none, Gaussian(0.1) (quiet); Gaussian(0.5), Rademacher(0.5), Cauchy(0.3) (noisy); the
table of signSGD covers all five. `benchmarks/finite_size_table.py` measures it again.

Axes: rate · mean eigenvalue (for signSGD η tr D^½/d over √R), threshold over √R, and the rate
integrated over time. By scale invariance R is the largest risk on the path. A spectrum enters
by d⋆ instead of d.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

RATES = (0.1, 0.4, 0.8, 1.2, 1.6, 2.4)
THRESHOLDS = (0.5, 1.0, 2.0)
TRAVELLED = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
SIGN_RATES = (0.1, 0.2, 0.4, 0.8, 1.6)
#: noise strength E min(ε², R)/R from which the noisy group holds alone
NOISY = 0.2

# (group, rate, threshold, travelled); group 0 is quiet, 1 is noisy
CLIPPED = (
    (
        (
            (0.01, 0.02, 0.05, 0.10, 0.15, 0.72, 1.64),
            (0.01, 0.03, 0.08, 0.23, 1.25, 1.52, 1.52),
            (0.14, 0.23, 0.47, 0.84, 0.94, 1.04, 1.04),
        ),
        (
            (0.01, 0.03, 0.05, 0.10, 0.19, 0.23, 2.41),
            (0.01, 0.01, 0.04, 0.19, 0.83, 1.96, 3.09),
            (0.06, 0.13, 0.28, 0.60, 1.05, 1.43, 2.43),
        ),
        (
            (0.02, 0.04, 0.07, 0.15, 0.29, 0.43, 3.56),
            (0.02, 0.04, 0.06, 0.09, 0.43, 2.08, 5.89),
            (0.05, 0.13, 0.25, 0.60, 1.45, 3.27, 7.15),
        ),
        (
            (0.02, 0.03, 0.07, 0.14, 0.32, 0.65, 3.74),
            (0.03, 0.04, 0.08, 0.18, 0.42, 2.18, 9.90),
            (0.10, 0.15, 0.38, 0.82, 2.17, 5.70, 14.48),
        ),
        (
            (0.02, 0.05, 0.10, 0.19, 0.41, 0.82, 2.40),
            (0.04, 0.08, 0.12, 0.23, 0.50, 1.86, 8.87),
            (0.13, 0.26, 0.52, 1.10, 2.50, 6.40, 19.29),
        ),
        (
            (0.02, 0.05, 0.09, 0.22, 0.41, 0.80, 1.29),
            (0.03, 0.09, 0.15, 0.32, 0.53, 1.26, 2.42),
            (0.16, 0.45, 0.73, 1.41, 2.23, 3.20, 3.72),
        ),
    ),
    (
        (
            (0.02, 0.03, 0.04, 0.06, 0.07, 0.25, 1.08),
            (0.01, 0.03, 0.06, 0.19, 0.70, 1.59, 1.59),
            (0.08, 0.16, 0.35, 0.74, 1.07, 1.07, 1.07),
        ),
        (
            (0.01, 0.03, 0.05, 0.10, 0.17, 0.27, 0.81),
            (0.03, 0.03, 0.05, 0.08, 0.36, 0.79, 0.79),
            (0.08, 0.14, 0.27, 0.54, 0.88, 0.88, 0.88),
        ),
        (
            (0.01, 0.03, 0.06, 0.12, 0.23, 0.33, 0.66),
            (0.03, 0.05, 0.08, 0.10, 0.19, 0.75, 0.96),
            (0.03, 0.06, 0.13, 0.34, 0.94, 1.59, 1.59),
        ),
        (
            (0.02, 0.04, 0.08, 0.13, 0.24, 0.36, 0.64),
            (0.02, 0.04, 0.11, 0.18, 0.30, 0.84, 1.13),
            (0.08, 0.13, 0.29, 0.62, 1.49, 2.62, 2.87),
        ),
        (
            (0.02, 0.03, 0.07, 0.14, 0.29, 0.42, 0.56),
            (0.04, 0.07, 0.13, 0.23, 0.39, 0.89, 1.31),
            (0.11, 0.21, 0.42, 0.86, 1.64, 2.84, 3.68),
        ),
        (
            (0.02, 0.04, 0.07, 0.16, 0.29, 0.49, 0.56),
            (0.03, 0.09, 0.15, 0.27, 0.45, 0.87, 1.25),
            (0.14, 0.41, 0.62, 1.12, 1.65, 2.15, 2.33),
        ),
    ),
)
CLIPPED_ERROR = (
    (
        (
            (0.00, 0.01, 0.01, 0.02, 0.03, 0.09, 0.20),
            (0.01, 0.01, 0.02, 0.04, 0.08, 0.14, 0.14),
            (0.02, 0.03, 0.04, 0.07, 0.11, 0.16, 0.16),
        ),
        (
            (0.00, 0.01, 0.01, 0.02, 0.03, 0.07, 0.17),
            (0.01, 0.01, 0.02, 0.03, 0.07, 0.12, 0.21),
            (0.02, 0.02, 0.04, 0.06, 0.09, 0.14, 0.22),
        ),
        (
            (0.00, 0.01, 0.01, 0.01, 0.02, 0.05, 0.13),
            (0.01, 0.01, 0.02, 0.03, 0.05, 0.09, 0.16),
            (0.01, 0.02, 0.03, 0.04, 0.07, 0.11, 0.18),
        ),
        (
            (0.00, 0.01, 0.01, 0.01, 0.02, 0.04, 0.09),
            (0.01, 0.01, 0.02, 0.02, 0.04, 0.06, 0.12),
            (0.01, 0.02, 0.02, 0.03, 0.05, 0.08, 0.14),
        ),
        (
            (0.00, 0.01, 0.01, 0.01, 0.02, 0.03, 0.06),
            (0.01, 0.01, 0.01, 0.02, 0.03, 0.04, 0.07),
            (0.01, 0.01, 0.02, 0.02, 0.03, 0.05, 0.10),
        ),
        (
            (0.00, 0.01, 0.01, 0.01, 0.02, 0.03, 0.03),
            (0.01, 0.01, 0.01, 0.02, 0.02, 0.03, 0.03),
            (0.01, 0.01, 0.01, 0.02, 0.02, 0.03, 0.03),
        ),
    ),
    (
        (
            (0.00, 0.01, 0.01, 0.02, 0.03, 0.07, 0.11),
            (0.01, 0.02, 0.02, 0.04, 0.07, 0.14, 0.14),
            (0.02, 0.03, 0.04, 0.07, 0.12, 0.12, 0.12),
        ),
        (
            (0.00, 0.01, 0.01, 0.02, 0.03, 0.05, 0.05),
            (0.01, 0.01, 0.02, 0.04, 0.06, 0.09, 0.09),
            (0.02, 0.02, 0.04, 0.06, 0.08, 0.08, 0.08),
        ),
        (
            (0.00, 0.01, 0.01, 0.02, 0.03, 0.04, 0.06),
            (0.01, 0.01, 0.02, 0.03, 0.05, 0.07, 0.07),
            (0.01, 0.02, 0.03, 0.04, 0.06, 0.05, 0.05),
        ),
        (
            (0.00, 0.01, 0.01, 0.01, 0.02, 0.04, 0.05),
            (0.01, 0.01, 0.02, 0.02, 0.04, 0.04, 0.04),
            (0.02, 0.02, 0.02, 0.03, 0.04, 0.04, 0.04),
        ),
        (
            (0.00, 0.01, 0.01, 0.01, 0.02, 0.03, 0.04),
            (0.01, 0.01, 0.02, 0.02, 0.03, 0.04, 0.04),
            (0.02, 0.01, 0.02, 0.03, 0.03, 0.04, 0.04),
        ),
        (
            (0.00, 0.01, 0.01, 0.01, 0.02, 0.03, 0.03),
            (0.01, 0.01, 0.01, 0.02, 0.02, 0.03, 0.03),
            (0.01, 0.01, 0.02, 0.02, 0.03, 0.03, 0.03),
        ),
    ),
)
# (rate, travelled)
SIGN = (
    (0.02, 0.04, 0.08, 0.20, 0.77, 0.77, 0.77),
    (0.03, 0.05, 0.10, 0.26, 0.81, 0.81, 0.81),
    (0.03, 0.08, 0.12, 0.30, 0.75, 0.75, 0.75),
    (0.04, 0.08, 0.13, 0.28, 0.56, 0.65, 0.65),
    (0.03, 0.05, 0.09, 0.19, 0.36, 0.48, 0.48),
)
SIGN_ERROR = (
    (0.01, 0.01, 0.02, 0.04, 0.09, 0.09, 0.09),
    (0.01, 0.01, 0.02, 0.03, 0.07, 0.07, 0.07),
    (0.01, 0.01, 0.02, 0.03, 0.06, 0.06, 0.06),
    (0.01, 0.01, 0.02, 0.03, 0.04, 0.05, 0.05),
    (0.01, 0.01, 0.02, 0.02, 0.03, 0.03, 0.03),
)


def clipped_bias(
    rate: np.ndarray, threshold: np.ndarray, strength: np.ndarray, travelled: np.ndarray
) -> np.ndarray:
    """Upper envelope of |bias| · d⋆ of clipped methods, of many cells.

    Parameters
    ----------
    rate, threshold : (cells,) arrays
        Rate · mean eigenvalue; threshold over √R. Held at the ends of the table outside it.
    strength : (cells,) array
        E min(ε², R)/R of the noise: the quiet and the noisy group are mixed by it.
    travelled : (cells, T) array
        Rate · mean eigenvalue integrated to each time. Beyond the table the quiet group grows
        in proportion (the risk falls geometrically), the noisy one stays.
    """
    noisy = np.minimum(strength / NOISY, 1.0)[:, None]
    table = np.moveaxis(_upper(CLIPPED, CLIPPED_ERROR), 0, 2)
    table = _at(np.broadcast_to(table, (rate.size, *table.shape)), np.log(RATES), np.log(rate))
    # 0 where the rule discards large residuals
    clip = np.log(np.maximum(threshold, THRESHOLDS[0]))
    table = _at(table, np.log(THRESHOLDS), clip)
    beyond = np.maximum(travelled / TRAVELLED[-1], 1.0)
    quiet, loud = _along(table[:, 0], travelled), _along(table[:, 1], travelled)
    return (1 - noisy) * quiet * beyond + noisy * loud


def sign_bias(rate: np.ndarray, travelled: np.ndarray) -> np.ndarray:
    """Upper envelope of |bias| · d⋆ of signSGD; arguments as of :func:`clipped_bias`."""
    table = _upper(SIGN, SIGN_ERROR)
    table = np.broadcast_to(table, (rate.size, *table.shape))
    return _along(_at(table, np.log(SIGN_RATES), np.log(rate)), travelled)


@lru_cache(maxsize=2)
def _upper(values: tuple, errors: tuple) -> np.ndarray:
    """Values plus two standard errors, never falling along the last axis."""
    return np.maximum.accumulate(np.array(values) + 2 * np.array(errors), axis=-1)


def _at(tables: np.ndarray, knots: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Linear interpolation of each cell's table along its first axis, held at both ends."""
    position = np.interp(places, knots, np.arange(len(knots)))
    low = np.minimum(position.astype(int), len(knots) - 2)
    cells = np.arange(len(places))
    share = (position - low).reshape(-1, *[1] * (tables.ndim - 2))
    return tables[cells, low] + share * (tables[cells, low + 1] - tables[cells, low])


def _along(rows: np.ndarray, travelled: np.ndarray) -> np.ndarray:
    """Each cell's row, from 0 at 0, where it has travelled to; held beyond its end."""
    rows = np.concatenate([np.zeros((len(rows), 1)), rows], axis=1)
    knots = np.array([0.0, *TRAVELLED])
    low = np.clip(np.searchsorted(knots, travelled, side="right") - 1, 0, knots.size - 2)
    share = np.clip((travelled - knots[low]) / np.diff(knots)[low], 0.0, 1.0)
    cells = np.arange(len(rows))[:, None]
    return rows[cells, low] + share * (rows[cells, low + 1] - rows[cells, low])
