r"""Where the two-eigenvalue model ends: just under the edge, by an amount of order ε.

.. math:: 2-\eta\lambda\to\tfrac\epsilon2(1+E)\quad\text{from large }Y,\qquad
          -\epsilon Y_{end}\quad\text{from }(Y_0,Z_0)=((T-2-2z)/\epsilon,\ z^2/\epsilon)

Not universal: derived for :math:`\epsilon>0`, :math:`E>-1` and :math:`\epsilon(1+E)\ll1`; the error
is one order higher, relative :math:`O(\epsilon)` and :math:`O(\sqrt\epsilon)`.
Model of arXiv 2210.04860, formulas derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...theory.checks import count
from ...theory.sharpening import two_eigenvalues_derivation as derived
from ...theory.sharpening.two_eigenvalues_derivation import closed_source, two_eigenvalue_theory
from .orbit import Rest, rest

#: steps after which an orbit that has not come to rest is given up
MOST_STEPS = 10_000_000


@dataclass(frozen=True)
class EdgeOffset:
    """The offset 2 − rate · sharpness at the end of the motion; ``float(offset)`` is its value.

    Attributes
    ----------
    value : float
        Of the exact map; NaN where the orbit diverged.
    predicted : float or None
        ε(1 + E)/2, for orbits that arrive from large Y.
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


def edge_offset(problem: Any, *, most: int = MOST_STEPS) -> EdgeOffset:
    """Follow the exact map to its end, and set the predicted end beside it.

    Parameters
    ----------
    problem : TwoEigenvalueModel
    most : int
        Steps after which it is given up.

    Examples
    --------
    >>> from limitlab.theory.sharpening.two_eigenvalues import TwoEigenvalueModel
    >>> offset = edge_offset(TwoEigenvalueModel(epsilon=0.01, invariant=0.25))
    >>> round(float(offset), 7), round(offset.predicted, 7)
    (0.0063683, 0.00625)
    """
    found = end_of(problem, count("most", most, 4))
    return EdgeOffset(2 - found.value, *predictions(problem), found.steps, found.state,
                      no_prediction(problem))  # fmt: skip


def end_of(problem: Any, most: int, theory: Any = None) -> Rest:
    """The end of the orbit of the closed map."""
    source = closed_source(theory or two_eigenvalue_theory())
    return rest(source, problem.start, (problem.epsilon, problem.invariant), most)


def no_prediction(problem: Any) -> str:
    """Why the end is not predicted; empty where it is."""
    if problem.epsilon <= 0:
        return "no prediction: the derivation needs ε > 0"
    if problem.invariant <= -1:
        return "no prediction: the derivation needs E > −1"
    return ""


def predictions(problem: Any) -> tuple[float | None, float | None]:
    """The offsets from large Y and from the start of the problem."""
    if no_prediction(problem):
        return None, None
    theory, (z, T) = two_eigenvalue_theory(), problem.start
    numbers = {derived.epsilon: problem.epsilon, derived.E: problem.invariant}
    scaled = {derived.Y_0: (T - 2 - 2 * z) / problem.epsilon, derived.Z_0: z**2 / problem.epsilon}
    kept = theory[derived.C_start].subs(numbers | scaled)
    place = theory[derived.END_FROM_START].subs(numbers | {derived.constant: kept})
    far = 2 - float(theory[derived.end].subs(numbers))
    return far, -problem.epsilon * float(place)
