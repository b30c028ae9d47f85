r"""Can clipping help on this problem? The comparison criterion over the risks that are met.

:math:`\max_{R,c}\mu_c^2/\nu_c` against 1 (arXiv 2406.11733; form and comparison derived here).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .....theory.core.checks import positive
from .....theory.methods import SGD
from .....theory.streaming.problem import LeastSquares
from ....solve import solve
from ..schedules import schedule_along
from .criteria import ClippingCriteria, clipping_criteria

Array = NDArray[np.float64]

#: a gain below one in a thousand is not called help
WORTHWHILE = 1e-3
#: without a horizon, risks from the start down to this fraction of it are met
_DEEP = 1e-4
_RISKS = 25


@dataclass(frozen=True)
class ClippingVerdict:
    """Whether clipping can help, by how much, and why.

    Attributes
    ----------
    helps : bool
    ratio : float
        Largest μ²/ν over the risks met; infinite where σ² is.
    risk, threshold : float
        Where it is reached; the threshold is ``inf`` where it is best not to clip.
    interval : (float, float) or None
        Risks, of those met, at which some threshold gains at least 0.1 %.
    met : (float, float)
        Risks met.
    reason : str
    """

    helps: bool
    ratio: float
    risk: float
    threshold: float
    interval: tuple[float, float] | None
    met: tuple[float, float]
    reason: str

    def __bool__(self) -> bool:
        return self.helps

    def __str__(self) -> str:
        word = "clipping can help" if self.helps else "clipping cannot help"
        place = f"largest μ²/ν = {self.ratio:.4g} at R = {self.risk:.4g}, c = {self.threshold:.4g}"
        return f"{word}: {self.reason} ({place}; risks met: {self.met[0]:.4g} to {self.met[1]:.4g})"


def can_clipping_help(
    problem: LeastSquares, until: float | None = None, rate: Any = None
) -> ClippingVerdict:
    """Tell whether some threshold beats unclipped SGD of equal drift at the risks that are met.

    Parameters
    ----------
    problem : LeastSquares
    until : float, optional
        Horizon (t = k/d). Without it: every risk from the start down to 1e-4 of it.
    rate : float or schedule, optional
        The risks met are those of SGD at this rate; by default, those of the greedy schedule of
        clipped SGD.

    Returns
    -------
    ClippingVerdict
        True where it can help; it prints as a sentence.

    Raises
    ------
    InvalidInput, InvalidType
        A horizon or a rate that is not positive; what is no problem of a stream.

    Examples
    --------
    >>> import limitlab as ll
    >>> verdict = ll.can_clipping_help(ll.LeastSquares(ll.isotropic(100), ll.Cauchy(0.5)))
    >>> verdict.helps, verdict.ratio
    (True, inf)
    """
    criteria = clipping_criteria(problem)
    lowest, highest = _met(problem, until, rate)
    risks = np.geomspace(lowest, highest, _RISKS)
    thresholds = criteria.best_threshold(risks)
    # at c = 0 the ratio is the limit of a vanishing threshold
    ratios = np.where(
        thresholds > 0,
        criteria.comparison_ratio(risks, np.where(thresholds > 0, thresholds, np.inf)),
        criteria.vanishing_threshold(risks),
    )
    best = int(np.argmax(ratios))
    finite = math.isfinite(float(problem.noise.variance))
    gains = ratios > 1 + WORTHWHILE if finite else np.ones(_RISKS, dtype=bool)
    interval = _interval(risks, ratios, np.asarray(gains))
    return ClippingVerdict(
        helps=bool(gains.any()),
        ratio=float(ratios[best]) if finite else math.inf,
        risk=float(risks[best]),
        threshold=float(thresholds[best]),
        interval=interval,
        met=(lowest, highest),
        reason=_reason(criteria, interval, highest),
    )


def _met(problem: Any, until: float | None, rate: Any) -> tuple[float, float]:
    if until is None:
        return _DEEP * problem.risk, problem.risk
    horizon = positive("until", until)
    if rate is None:
        path = schedule_along(problem, horizon).curve
    else:
        path = solve(problem, SGD(rate), horizon)
    return float(path.risk.min()), float(path.risk.max())


def _interval(risks: Array, ratios: Array, gains: Any) -> tuple[float, float] | None:
    """The range of the risks that gain, its upper end interpolated in log R."""
    if not gains.any():
        return None
    last = int(np.flatnonzero(gains)[-1])
    upper = float(risks[last])
    if last + 1 < risks.size:
        excess = ratios[last : last + 2] - 1 - WORTHWHILE
        share = excess[0] / (excess[0] - excess[1])
        upper *= float((risks[last + 1] / risks[last]) ** share)
    return float(risks[np.argmax(gains)]), upper


def _reason(
    criteria: ClippingCriteria, interval: tuple[float, float] | None, highest: float
) -> str:
    if _gaussian(criteria.problem.noise):
        return (
            "the residual is Gaussian at every risk, so μ = E[hℓ]/E[ℓ²] and μ² <= ν by "
            "Cauchy–Schwarz"
        )
    if not math.isfinite(float(criteria.problem.noise.variance)):
        return "the noise has infinite variance, so unclipped SGD has no limit at all"
    if interval is None:
        return "no threshold has μ²/ν > 1.001 at any risk met"
    if interval[1] >= highest:
        return "some threshold gains at every risk met"
    return f"it gains once the risk is below {interval[1]:.4g}, against the noise level"


def _gaussian(noise: Any) -> bool:
    arrays = noise.component_arrays()
    return arrays is not None and arrays[0].size == 1 and float(arrays[1][0]) == 0.0
