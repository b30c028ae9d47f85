r"""What is derived for a tuner, with its numbers: periods, growth, fixed points and windows.

The formulas are those of :mod:`limitlab.theory.tuners.averages` and
:mod:`limitlab.theory.tuners.ratio`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ...theory.core.errors import NotAvailable
from ...theory.methods.base import Method
from ...theory.methods.cdat import CDAT
from ...theory.methods.gradient_descent import GradientDescent
from ...theory.methods.on_edge import OnEdge
from ...theory.methods.polyak import Polyak
from ...theory.tuners.averages import averaged_constant, averaged_theory, slow_theory
from ...theory.tuners.derive import check
from ...theory.tuners.problem import SharpnessToy, TwoCurvatures
from ...theory.tuners.ratio import ratio_theory


@dataclass(frozen=True)
class EdgeCycle:
    """Gradient descent at a constant rate around the edge of the toy.

    Attributes
    ----------
    period : float
        Steps of a small circle around x = x*, ηλ = 2.
    overshoot : float
        The largest ηλ − 2, from the start; NaN from x = 0.
    modulus : float
        By which the circle grows in a step.
    steps : float
        In which it grows by e: the averages hold for fewer.
    """

    period: float
    overshoot: float
    modulus: float
    steps: float


@dataclass(frozen=True)
class Sharpening:
    """The slow law of λ².

    Attributes
    ----------
    growth : float
        dλ²/dt at the start.
    kept : float or None
        q = x²/x*² that CDAT keeps at the sharpness of the start.
    """

    growth: float
    kept: float | None = None


@dataclass(frozen=True)
class RatioPoint:
    """The fixed point of the ratio r = g₁²/g₂² of two modes.

    Attributes
    ----------
    ratio, step : float or None
        r and η = 2/(kappa + 1), None where there is no fixed point.
    slope : float or None
        μ of ln r ↦ ln r⁺: stable where |μ| < 1.
    stable : bool
    rate : float or None
        ln((kappa − 1)/(kappa + 1)), at which both modes shrink in a step.
    exists, flips : (float, float)
        Scales between which there is a fixed point, and those at which μ = −1: it is stable outside
        of the flips and between the first two.
    winner : str
        The mode that is left where there is none: "sharp" or "flat".
    """

    ratio: float | None
    step: float | None
    slope: float | None
    stable: bool
    rate: float | None
    exists: tuple[float, float]
    flips: tuple[float, float]
    winner: str = ""


def tuner_predictions(
    problem: SharpnessToy | TwoCurvatures, method: Method
) -> EdgeCycle | Sharpening | RatioPoint:
    """Return what is derived for a tuner.

    Parameters
    ----------
    problem : SharpnessToy or TwoCurvatures
    method : GradientDescent, OnEdge (fraction <= 1), CDAT or Polyak
        On the toy without bounded=, the first three; on two curvatures the last two, without an
        ema and a cap.

    Raises
    ------
    NotAvailable
        A pair for which nothing is derived.

    Examples
    --------
    >>> import limitlab as ll
    >>> point = ll.tuner_predictions(ll.TwoCurvatures(5.0), ll.CDAT(1.3))
    >>> round(point.slope, 7), point.stable
    (-0.2269231, True)
    """
    check(problem, method)
    if isinstance(problem, TwoCurvatures):
        return _ratio(problem, method)
    if isinstance(method, GradientDescent):
        averaged_theory(problem, method)
        return _cycle(problem, float(method.rate))
    theory = slow_theory(problem, method)
    f, known = theory.functions, _numbers(problem)
    if isinstance(method, OnEdge):
        return Sharpening(float(f["growth"](**known, phi=method.fraction)))
    tuner: Any = method
    own = {"sigma": tuner.scale, "lambda_": problem.sharpness}
    kept = float(f["q_lambda"](**known, **own))
    return Sharpening(float(f["growth"](**known, q_lambda=kept)), kept)


def _numbers(problem: Any) -> dict[str, float]:
    return {
        "a": problem.sharpening,
        "b": problem.stabilising,
        "x_star": problem.balance,
        "x_0": abs(problem.start[0]),
        "alpha": abs(problem.alpha),
    }


def _cycle(problem: Any, rate: float) -> EdgeCycle:
    known = _numbers(problem) | {"eta": rate, "y_0": rate * problem.sharpness - 2}
    f = averaged_constant(problem.per_step).functions
    over = float(f["overshoot"](**known)) if known["x_0"] > 0 else math.nan
    modulus = float(f["modulus"](**known))
    return EdgeCycle(float(f["period"](**known)), over, modulus, 1 / math.log(modulus))


def _ratio(problem: Any, method: Any) -> RatioPoint:
    if not isinstance(method, (CDAT, Polyak)):
        remedy = "the ratio map is derived for CDAT and Polyak"
        raise NotAvailable("method", method, remedy)
    if getattr(method, "ema", 0.0) or method.largest != math.inf:
        raise NotAvailable("method", method, "derived without an ema and a cap; leave them out")
    kind: Any = type(method)
    f = ratio_theory(kind).functions
    known = {"kappa": problem.kappa, "c": method.scale}
    exists = float(f["c_low"](**known)), float(f["c_high"](**known))
    first, second = sorted((float(f["c_flip_1"](**known)), float(f["c_flip_2"](**known))))
    if not exists[0] < method.scale < exists[1]:
        # long steps damp the flat mode more, short ones the sharp mode
        winner = "sharp" if method.scale >= exists[1] else "flat"
        return RatioPoint(None, None, None, False, None, exists, (first, second), winner)
    slope = float(f["mu"](**known))
    shrink = math.log((problem.kappa - 1) / (problem.kappa + 1))
    return RatioPoint(
        float(f["r_fixed"](**known)),
        2 / (problem.kappa + 1),
        slope,
        abs(slope) < 1,
        shrink,
        exists,
        (first, second),
    )
