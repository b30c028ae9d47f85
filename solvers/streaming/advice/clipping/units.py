r"""Conversion between the units of this package and those normalised by the trace of K.

Here a step is rate/d and t = k/d; normalised by the trace it is
:math:`\tilde\eta/\operatorname{tr}K` and :math:`\tilde t=k/\operatorname{tr}K`, so that with
:math:`\bar\lambda=\operatorname{tr}(K)/d`: :math:`\tilde\eta=\bar\lambda\eta`,
:math:`\tilde t=t/\bar\lambda`, and c stays (arXiv 2406.11733; derived here). At
:math:`\operatorname{tr}K=d` they are the same.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .....theory.core.checks import choice
from .....theory.core.errors import InvalidType
from .....theory.covariance import Covariance

CONVENTIONS = ("dimension", "trace")


class Units(NamedTuple):
    """Rate, time and threshold in one convention."""

    rate: Any
    time: Any
    threshold: Any


def convert_units(
    rate: Any, time: Any, threshold: Any, covariance: Covariance, *, to: str
) -> Units:
    """Convert rate, time and threshold from one convention to the other.

    Parameters
    ----------
    rate, time, threshold : float or array_like
    covariance : Covariance
    to : {"trace", "dimension"}
        What step size and time are divided by afterwards; "dimension" is this package's own.

    Raises
    ------
    InvalidInput
        An unknown convention.

    Examples
    --------
    >>> import limitlab as ll
    >>> K = ll.from_eigenvalues([2.0, 0.5], [50, 150])
    >>> float(ll.convert_units(0.8, 1.75, 0.7, K, to="trace").time)
    2.0
    """
    choice("to", to, CONVENTIONS)
    if not isinstance(covariance, Covariance):
        raise InvalidType("covariance", covariance, "give a covariance such as isotropic(1000)")
    mean = covariance.mean_eigenvalue
    stretch = mean if to == "trace" else 1 / mean
    return Units(np.multiply(rate, stretch)[()], np.divide(time, stretch)[()], threshold)
