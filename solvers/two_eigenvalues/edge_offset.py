r"""Where the two-eigenvalue model ends: just under the edge, by an amount of order ε.

.. math:: 2-\eta\lambda\to\tfrac\epsilon2(1+E)\quad\text{from large }Y,\qquad
          -\epsilon Y_{end}\quad\text{from }(Y_0,Z_0)=((T-2-2z)/\epsilon,\ z^2/\epsilon)

Not universal: derived for :math:`\epsilon>0`, :math:`E>-1`, :math:`\epsilon(1+E)\ll1` and
:math:`J_2^2=O(\epsilon)`; the error is one order higher, relative :math:`O(\epsilon)` and
:math:`O(\sqrt\epsilon)`.
Model of arXiv 2210.04860, formulas derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...theory.core.checks import count
from ...theory.core.errors import InvalidInput, InvalidType
from ...theory.core.map import Map
from ...theory.core.warn import warn
from ...theory.two_eigenvalues import derivation as derived
from ...theory.two_eigenvalues.derivation import closed_map, two_eigenvalue_theory
from ...theory.two_eigenvalues.problem import TwoEigenvalueModel
from ..stepping.orbit import Rest, rest

#: |z| or T beyond which an orbit has diverged: z grows like z²T from there; of 18 000 starts with
#: |z| up to 5 and T up to 50 those that stayed finite never left |z|, T < 50
CEILING = 1e4
#: steps after which an orbit that has not come to rest is given up
MOST_STEPS = 10_000_000
#: steps that can be counted
LARGEST_COUNT = 2**63 - 1
#: ε(1 + E) above which there is no prediction: from the default start ε(1 + E)/2 is off by at most
#: 20 % up to here, by 24 % at .4, by 40 % at .7, and above 1 orbits may not end at all
STEEP = 0.2
#: J₂² above which there is none. Of 476 random starts at ε(1 + E) < .2 and z² < .1 those that ended
#: were off by at most 23 % at J₂² < .1 and by half at J₂² < .3; above .4 by 60 % to a factor 30
LARGE = 0.4
#: z² and y = εY above which there is none. Of 2906 random starts, predictions from the start were
#: off by up to 31 % in 99 of 100 below both (by 59 % at most); above, some by a factor 20
FAR, HIGH = 0.1, 1.0
#: Y₀/(1 + E) from which orbits count as arriving from large Y. Of 1500 random starts the median
#: error of ε(1 + E)/2 was 44 % at Y₀/(1 + E) < .25, 13 % at .5 to 1, 2.5 % above 3
ABOVE = 0.6


@dataclass(frozen=True)
class EdgeOffset:
    """The offset 2 − rate · sharpness at the end of the motion; ``float(offset)`` is its value.

    Attributes
    ----------
    value : float
        Of the exact map; NaN where the orbit diverged.
    predicted : float or None
        ε(1 + E)/2, for orbits that arrive from large Y: Y₀ > 0.6 (1 + E).
    predicted_from_start : float or None
        From the start of this orbit.
    steps : int
        Until the motion had ended.
    state : {"ended", "budget", "diverged"}
        "budget": T was still moving when the steps were spent.
    remark : str
        Why there is no prediction.
    """

    value: float
    predicted: float | None
    predicted_from_start: float | None
    steps: int
    state: str
    remark: str = ""

    def __float__(self) -> float:
        return self.value


def edge_offset(problem: TwoEigenvalueModel, *, most: int = MOST_STEPS) -> EdgeOffset:
    """Follow the exact map to its end, and set the predicted end beside it.

    Parameters
    ----------
    problem : TwoEigenvalueModel
    most : int
        Steps after which it is given up.

    Raises
    ------
    InvalidType
        Another problem.

    Warns
    -----
    ValidityWarning
        The orbit diverged, or did not end in time.

    Examples
    --------
    >>> import limitlab as ll
    >>> offset = ll.edge_offset(ll.TwoEigenvalueModel(epsilon=0.01, invariant=0.25))
    >>> round(float(offset), 7), round(offset.predicted, 7)
    (0.0063683, 0.00625)
    """
    if not isinstance(problem, TwoEigenvalueModel):
        raise InvalidType("problem", problem, "give a TwoEigenvalueModel")
    found = end_of(problem, count("most", most, 4))
    if found.state != "ended":
        warn(unfinished(found.state, found.steps))
    return EdgeOffset(
        2 - found.value,
        *predictions(problem, found.state),
        found.steps,
        found.state,
        unpredicted(problem, found.state),
    )


def end_of(problem: Any, most: int, theory: Any = None) -> Rest:
    """The end of the orbit of the closed map."""
    if most > LARGEST_COUNT:
        raise InvalidInput("most", most, "give at most 2⁶³ − 1 steps")
    return end_of_orbit(
        closed_map(theory or two_eigenvalue_theory()),
        problem.start,
        (problem.epsilon, problem.invariant),
        most,
    )


def end_of_orbit(system: Map, start: Any, numbers: Any, most: int) -> Rest:
    """The end of an orbit that observes z and T."""
    return rest(system, start, numbers, most, ceiling=CEILING, size="z", measure="T")


def unfinished(state: str, step: int | None) -> str:
    """What to warn of an orbit that diverged, or ran out of budget."""
    at = "" if step is None else f" at step {step}"
    return f"{state}{at}: the motion had not ended; its last T is no end"


def unpredicted(problem: Any, state: str) -> str:
    """Why the end of an orbit is not predicted; empty where it is."""
    why = no_prediction(problem)
    if why:
        return why
    if state == "diverged":
        return "no prediction: the orbit diverged"
    steep, square = problem.epsilon * (1 + problem.invariant), problem.squares[1]
    if steep > STEEP:
        return f"no prediction: ε(1 + E) = {steep:.3g} is not small; it holds up to {STEEP}"
    if square > LARGE:
        return f"no prediction: J₂² = {square:.3g} is not of the order ε; it holds up to {LARGE}"
    return _unfit_start(problem)


def _unfit_start(problem: Any) -> str:
    z, y = problem.start[0], problem.epsilon * _scaled_start(problem)[0]
    if z == 0:
        return "no prediction: at z = 0 nothing moves"
    if z**2 > FAR:
        return f"no prediction: z² = {z**2:.3g} is not small; it holds up to {FAR}"
    if y > HIGH:
        return f"no prediction: y = {y:.3g} above the flip is not small; it holds up to {HIGH}"
    return ""


def no_prediction(problem: Any) -> str:
    """Why nothing is derived for the end; empty where it is."""
    if problem.epsilon <= 0:
        return "no prediction: the derivation needs ε > 0"
    if problem.invariant <= -1:
        return "no prediction: the derivation needs E > −1"
    return ""


def predictions(problem: Any, state: str) -> tuple[float | None, float | None]:
    """The offsets from large Y and from the start of the problem, where they hold."""
    if unpredicted(problem, state):
        return None, None
    theory, (Y, Z) = two_eigenvalue_theory(), _scaled_start(problem)
    numbers = {derived.epsilon: problem.epsilon, derived.E: problem.invariant}
    kept = theory[derived.C_start].subs(numbers | {derived.Y_0: Y, derived.Z_0: Z})
    place = theory[derived.END_FROM_START].subs(numbers | {derived.constant: kept})
    far = 2 - float(theory[derived.end].subs(numbers))
    arrives = Y / (1 + problem.invariant) > ABOVE
    return far if arrives else None, -problem.epsilon * float(place)


def _scaled_start(problem: Any) -> tuple[float, float]:
    """Y₀ and Z₀."""
    z, T = problem.start
    return (T - 2 - 2 * z) / problem.epsilon, z**2 / problem.epsilon
