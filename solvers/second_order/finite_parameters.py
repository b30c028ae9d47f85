r"""How far the mean over runs of P parameters is from T1: announced, from T1 itself.

At finite P the NTK of a run fluctuates. In the eigenbasis of :math:`\Theta(t)`, with eigenvalues
:math:`\lambda_a`,

.. math:: V_{ab}={\rm Var}\,\Theta_{ab}=\tfrac\kappa P\big[(\lambda_a+\lambda_b)|\theta|^2
                 +(G_a\cdot\theta)^2+(G_b\cdot\theta)^2\big]

at leading order, from the two terms :math:`G_a\cdot Q_b\theta`. It repels the top eigenvalue from
each of the others by :math:`\sqrt{\Delta_b^2/4+V_{ab}}-\Delta_b/2` with the gap
:math:`\Delta_b`, and it adds :math:`|\delta z|^2=X|z|^2` to the loss, with

.. math:: X=\tfrac\kappa P\Big({\rm tr}\,\Theta+D\,\tfrac{z^\top\Theta z}{|z|^2}\Big)
            \sum_{s,r<t}C_{s+\frac12,r+\frac12}\,\tfrac{m_s\cdot m_r}D,\qquad
          m_s=g_sP_s\tfrac{|z_s|}{|z_{s+1}|} .

Mean responses of the same order are not in these two: a measured factor allows for them. What the
loss has moved of the sharpness is as uncertain as the loss was then, which past the edge is most of
it: :math:`\sum_s|\lambda_{s+1}-\lambda_s|\min(X_s,1)` comes beside. Derived here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...theory.core.percent import percent
from ...theory.core.warn import warn
from .fixed_data import FixedData

Array = NDArray[np.float64]

#: measured errors of the mean over the two formulas: 0.6 to 1.4 for λ_max and 0.3 to 4.5 for the
#: loss wherever that is below 30 %, on 13 problems with D = 2 … 16, B = 1 … D, h λ_max = 0.1 … 1,
#: P = 64, from first steps to 1e-3 of the loss
REPULSION, RESPONSE = 1.5, 5.0
#: announced relative error of the sharpness above which a curve comes with a warning
LARGEST_SILENT_ERROR = 0.1
#: announced relative error of the loss above which it comes with one
LARGEST_LOSS_ERROR = 1.0
#: where it is from
ORIGIN = "computed from the fluctuations of the NTK"
#: relative errors from here on are not known: the expansion in 1/P has broken down
LARGEST_KNOWN = 1.0


def announced(solution: FixedData, steps: NDArray[np.int64], parameters: int) -> Array:
    """Return the relative errors of the mean loss and of the mean sharpness, (2, T).

    Infinite where an error is too large to be known; NaN from where T1 has run away.

    Parameters
    ----------
    solution : FixedData
    steps : (T,) int array
    parameters : int
        P of the runs.
    """
    lost = solution.stopped
    known = int(steps[-1]) if lost is None else lost - 1
    pushes = _pushes(solution, known)
    loss = np.array([_loss(solution, t, pushes[t]) for t in range(known + 1)]) / parameters
    moved = _moved(solution, loss)
    errors = np.full((2, steps.size), np.nan)
    for k, t in enumerate(steps[steps <= known].tolist()):
        repelled = REPULSION * _sharpness(solution, t, parameters)
        errors[:, k] = np.expm1(min(RESPONSE * loss[t], LARGEST_KNOWN)), repelled + moved[t]
    return np.where(errors >= LARGEST_KNOWN, np.inf, errors)


def _moved(solution: FixedData, loss: Array) -> Array:
    """Error of the sharpness from that of the loss which has moved it, relative, at every step."""
    top = np.array([np.linalg.eigvalsh(solution.kernel(t)[0])[-1] for t in range(loss.size)])
    uncertain = np.abs(np.diff(top)) * np.minimum(loss[:-1], 1.0)
    gathered = np.append(0.0, np.cumsum(uncertain))
    return np.divide(gathered, top, out=np.zeros_like(top), where=top > 0)


def _pushes(solution: FixedData, last: int) -> Array:
    """The double sum over earlier steps, for every t up to the last."""
    arrays = solution.arrays
    size = np.linalg.norm(arrays["z"][:, : last + 1], axis=0)
    ratio = np.divide(size[:-1], size[1:], out=np.ones(last), where=size[1:] > 0)
    m = arrays["g"][:last] * arrays["m"][:, :last] * ratio
    C = arrays["C"][: last + 1, : last + 1]
    between = (C[1:, 1:] + C[:-1, 1:] + C[1:, :-1] + C[:-1, :-1]) / 4
    sums = (between * (m.T @ m) / len(m)).cumsum(axis=0).cumsum(axis=1)
    return np.append(0.0, np.diagonal(sums))


def _loss(solution: FixedData, t: int, pushes: float) -> float:
    """X · P."""
    theta, _ = solution.kernel(t)
    z = solution.arrays["z"][:, t]
    square = float(z @ z)
    mean = float(z @ theta @ z) / square if square > 0 else 0.0
    return float(solution.kappa * (np.trace(theta) + z.size * mean) * pushes)


def _sharpness(solution: FixedData, t: int, parameters: int) -> float:
    """Shift of the top eigenvalue, relative to it."""
    theta, _ = solution.kernel(t)
    arrays = solution.arrays
    values, vectors = np.linalg.eigh(theta)
    if values[-1] <= 0:
        return 0.0
    square = (vectors.T @ (arrays["x"][:, :t] @ arrays["R"][t, 1 : t + 1])) ** 2  # (G_a·θ)²
    both = (values[-1] + values[:-1]) * arrays["C"][t, t] + square[-1] + square[:-1]
    gap = values[-1] - values[:-1]
    shift = np.sqrt(gap**2 / 4 + solution.kappa / parameters * both) - gap / 2
    return float(shift.sum() / values[-1])


def remarks(errors: Array, steps: NDArray[np.int64], parameters: int) -> list[str]:
    """Say how far the means at P parameters are expected to be off; warnings where that is far."""
    said = [_about_sharpness(errors[1], steps, parameters)]
    lost = steps[errors[0] > LARGEST_LOSS_ERROR]
    if lost.size:
        said.append(
            f"from step {lost[0]} on the mean loss at P = {parameters} is expected to be off from "
            f"T1 by more than {100 * LARGEST_LOSS_ERROR:.0f} %: only earlier steps can test it"
        )
        warn(said[-1])
    return said


def _about_sharpness(errors: Array, steps: NDArray[np.int64], parameters: int) -> str:
    worst = int(np.nanargmax(errors))
    size = float(errors[worst])
    by = f"up to {percent(size)}" if np.isfinite(size) else "an unknown part"
    text = (
        f"at P = {parameters} T1 is expected to be off by {by} of the mean sharpness, at step "
        f"{steps[worst]} ({ORIGIN})"
    )
    if size > LARGEST_SILENT_ERROR:
        warn(text)
    return text
