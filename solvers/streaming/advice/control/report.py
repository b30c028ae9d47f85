r"""Can any schedule of unclipped SGD recover what clipping gains? An answer in numbers.

Where :math:`\mu^2/\nu\le1` at every risk met, unclipped SGD at the rate ημ is at least as good as
any clipped schedule; where it exceeds 1 the best pair (η(t), c(t)) is compared with the best η(t)
(criterion of arXiv 2406.11733; comparison derived here).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .....theory.core.checks import positive
from .....theory.streaming.problem import LeastSquares, check_stream
from ..schedules import schedule_along
from .model import ControlModel
from .optimise import Optimum, best_constants, optimise, refined, sampled, solved

_COARSE, _FINE = 24, 48


@dataclass(frozen=True)
class RecoveryReport:
    """The risk at the horizon of six ways to train, and the gap between the two best.

    Attributes
    ----------
    until : float
        T.
    risks : dict
        R(T) of each: "constant SGD", "greedy SGD", "optimal SGD", "constant clipped", "greedy
        clipped", "optimal clipped"; infinite where unclipped SGD has no limit.
    methods : dict
        The methods themselves, with their schedules (None where there is none).
    gap : float
        log of optimal SGD over optimal clipped: positive where clipping gains.
    interval : (float, float)
        What the gap can be, given the errors of the solver and of the optimiser.
    """

    until: float
    risks: dict[str, float]
    methods: dict[str, Any]
    gap: float
    interval: tuple[float, float]

    @property
    def verdict(self) -> str:
        """What follows."""
        low, high = self.interval
        if math.isinf(self.gap):
            return "unclipped SGD has no limit: no schedule of it recovers anything"
        if low > 0:
            return "no schedule of SGD recovers what clipping gains"
        if high < 0:
            return "SGD with its best schedule beats every clipped one found"
        return "the best schedules with and without clipping agree within the error"

    def __str__(self) -> str:
        rows = [f"R({self.until:g})"]
        rows += [f"  {name:<16} {risk:.8g}" for name, risk in self.risks.items()]
        low, high = self.interval
        rows.append(f"  log gap {self.gap:.3e}, between {low:.3e} and {high:.3e}")
        return "\n".join([*rows, f"  {self.verdict}"])


def no_schedule_recovers(problem: LeastSquares, until: float) -> RecoveryReport:
    """Compare the best rate schedule of SGD with the best pair of rate and threshold.

    Parameters
    ----------
    problem : LeastSquares
        Its noise in closed form or with components.
    until : float
        Horizon T, t = k/d.

    Returns
    -------
    RecoveryReport
        It prints as a table. The interval of the gap adds, for either side, the relative error
        of the ODE, what 48 pieces gain over 24, and how far the second best of several starts
        fell short.

    Raises
    ------
    InvalidInput, InvalidType
        A horizon that is not a number > 0; what is no problem of a stream.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LeastSquares(ll.isotropic(100), ll.StudentT(df=2.5, scale=1.0))
    >>> report = ll.no_schedule_recovers(problem, until=1.0)
    >>> report.risks["optimal clipped"] < report.risks["optimal SGD"]
    True
    """
    check_stream(problem)
    horizon = positive("until", until)
    # clipped SGD starts from the best of unclipped SGD too, which it contains
    plain = math.isfinite(float(problem.noise.variance))
    sides = {"SGD": _Side(problem, horizon, clips=False)} if plain else {}
    inherited = [sides["SGD"].best] if plain else []
    sides["clipped"] = _Side(problem, horizon, clips=True, inherited=inherited)
    risks, methods = {}, {}
    for side in ("SGD", "clipped"):
        for kind in ("constant", "greedy", "optimal"):
            name = f"{kind} {side}"
            answer = sides[side].answers[kind] if side in sides else (math.inf, None)
            risks[name], methods[name] = answer
    return RecoveryReport(horizon, risks, methods, *_gap(sides))


class _Side:
    """The three ways of one method, and the uncertainty of its best."""

    def __init__(
        self,
        problem: LeastSquares,
        until: float,
        clips: bool,
        inherited: list[Optimum] = [],  # noqa: B006
    ) -> None:
        greedy = schedule_along(problem, until, threshold="best" if clips else math.inf)
        lowest = float(greedy.curve.risk[-1])
        model = ControlModel.of(problem, until, lowest, clips)
        constant = best_constants(problem, model, clips)
        flat = tuple(
            np.full(_COARSE + 1, part[0]) for part in (constant.log_rates, constant.log_thresholds)
        )
        starts = [sampled(model, greedy, _COARSE), (flat[0], flat[1])]
        coarse = optimise(problem, model, starts, clips)
        starts = [refined(model, coarse, _FINE), sampled(model, greedy, _FINE)]
        widest = np.full(_FINE + 1, model.range[1])
        starts += [(refined(model, one, _FINE)[0], widest) for one in inherited]
        self.best = optimise(problem, model, starts, clips)
        gained = abs(math.log(coarse.risk / self.best.risk))
        self.doubt = self.best.error + gained + self.best.spread
        self.answers = {
            "constant": (constant.risk, constant.method),
            "greedy": (solved(problem, greedy.method, until)[0], greedy.method),
            "optimal": (self.best.risk, self.best.method),
        }


def _gap(sides: dict[str, _Side]) -> tuple[float, tuple[float, float]]:
    """Return the gap and its interval: each optimum may be lower than what was found."""
    if "SGD" not in sides:
        return math.inf, (math.inf, math.inf)
    plain, clipped = sides["SGD"], sides["clipped"]
    gap = math.log(plain.best.risk / clipped.best.risk)
    return gap, (gap - plain.doubt - clipped.best.error, gap + clipped.doubt + plain.best.error)
