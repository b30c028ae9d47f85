r"""One example, two eigenvalues of the curvature: the smallest model with an edge of stability.

.. math:: z(\theta)=z_0+G\theta+\tfrac12\theta^\top Q\theta,\qquad Q=\mathrm{diag}(1,-\epsilon),
          \qquad L=z^2/2

Everything is in units of the rate: z stands for rate · z and J for :math:`\sqrt{\rm rate}` J, which
removes the rate from the motion. The sharpness :math:`|J|^2` becomes T = rate · sharpness, with the
edge at T = 2, and :math:`E=z-\tfrac12(J_1^2-J_2^2/\epsilon)` does not change.
Model of arXiv 2210.04860.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..core.checks import number, vector
from ..core.errors import InvalidInput
from ..core.problem import Problem

#: start (z, T) where none is given: just beyond the edge, a little off the fixed line z = 0
DEFAULT_START = (0.05, 2.25)


@dataclass(frozen=True)
class TwoEigenvalueModel(Problem):
    """Gradient descent on one example with two eigenvalues of the curvature, 1 and −ε.

    Step size rate, time in steps; the edge of stability is T = rate · sharpness = 2. Invariant and
    start are in units of the rate (z for rate · z, E for rate · E), so that the motion of T does
    not depend on the rate.

    Parameters
    ----------
    epsilon : float
        ε > −1; the predicted end needs ε > 0.
    invariant : float
        E = z − (J₁² − J₂²/ε)/2; the predicted end needs E > −1.
    start : (z, T), optional
        Residual and rate · sharpness at the start. Default: (0.05, 2.25).

    Raises
    ------
    InvalidInput
        ε <= −1; a start that no real Jacobian has: J₁² or J₂² is negative.

    Examples
    --------
    >>> import limitlab as ll
    >>> model = ll.TwoEigenvalueModel(epsilon=0.01, invariant=0.25)
    >>> model.start, round(model.slow, 9)
    ((0.05, 2.25), 2.65)
    >>> TwoEigenvalueModel.from_state([2, -0.02], residual=0.025, jacobian=[1.5, 0.1]).epsilon
    0.01
    """

    family: ClassVar[str] = "two_eigenvalues"

    epsilon: float
    invariant: float
    start: Any = None

    def __post_init__(self) -> None:
        epsilon, invariant = number("epsilon", self.epsilon), number("invariant", self.invariant)
        if epsilon <= -1:
            remedy = "give a number > −1: the eigenvalues 1 and −ε must differ, 1 being the larger"
            raise InvalidInput("epsilon", self.epsilon, remedy)
        object.__setattr__(self, "epsilon", epsilon)
        object.__setattr__(self, "invariant", invariant)
        start = DEFAULT_START if self.start is None else self.start
        z, T = map(float, vector("start", start, 2))
        object.__setattr__(self, "start", (z, T))
        squares = self.squares
        if min(squares) < 0:
            found = ", ".join(f"{square:.6g}" for square in squares)
            remedy = f"gives J₁², J₂² = {found}; give (z, T) with both >= 0: J₂² is ε W/(1 + ε), "
            raise InvalidInput("start", start, f"{remedy}with W = T − 2(z − E) = {self.slow:.6g}")

    @classmethod
    def from_state(cls, weights: Any, residual: float, jacobian: Any) -> TwoEigenvalueModel:
        """Return the model that starts at a residual and a Jacobian.

        Parameters
        ----------
        weights : (w₁, w₂)
            Eigenvalues of Q, w₁ > 0 and w₂ != 0 below it.
        residual : float
            z, in units of the rate.
        jacobian : (J₁, J₂)
            In units of the root of the rate.
        """
        w1, w2 = map(float, vector("weights", weights, 2))
        if w1 <= 0 or w2 == 0 or w2 >= w1:
            raise InvalidInput("weights", weights, "give w₁ > 0 and w₂ != 0 below it")
        z, (a, b) = w1 * number("residual", residual), vector("jacobian", jacobian, 2)
        epsilon = -w2 / w1
        invariant = z - (a**2 - b**2 / epsilon) / 2
        return cls(epsilon, float(invariant), (z, float(a**2 + b**2)))

    @property
    def slow(self) -> float:
        """W = T − 2(z − E) = J₂² (1 + ε)/ε, the slow variable; the flip is at W = 2 + 2E."""
        z, T = self.start
        return T - 2 * (z - self.invariant)

    @property
    def squares(self) -> tuple[float, float]:
        """J₁² and J₂² at the start."""
        second = self.epsilon * self.slow / (1 + self.epsilon)
        return self.start[1] - second, second
