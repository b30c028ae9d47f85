r"""Two networks whose gradient flow ends where algebra says.

.. math:: L=\tfrac12\Big(\prod_iw_i-1\Big)^2,\qquad
          L=\tfrac1{2N}\left|X(u\circ u-v\circ v)-y\right|^2 .

Gradient flow conserves :math:`w_i^2-w_j^2`, and :math:`u_iv_i`. Models of arXiv 2305.13064.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..core.by_content import ByContent
from ..core.checks import array, vector
from ..core.errors import InvalidInput
from ..core.problem import Problem

#: relative residual of a least-squares fit from which the targets cannot be interpolated
_UNREACHED = 1e-9


@dataclass(frozen=True, eq=False)
class ScalarNetwork(Problem, ByContent):
    """A network of one weight a layer that learns to return 1: L = (Π w − 1)²/2.

    One example, so that the sharpness at a minimum is Σ 1/w_i²; step size rate, time in steps, the
    edge is rate · sharpness = 2. Another target is a matter of units.

    Parameters
    ----------
    weights : (D,) array_like
        D >= 2 of them, none 0, with a product > 0.

    Raises
    ------
    InvalidInput
        Fewer than two weights, one that is 0, or a product below 0.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.ScalarNetwork([2, 0.5, 0.3]).depth
    3
    """

    family: ClassVar[str] = "gradient_flow_sharpness"

    weights: Any

    def __post_init__(self) -> None:
        given = vector("weights", self.weights)
        if given.size < 2:
            raise InvalidInput("weights", self.weights, "give at least two layers")
        if np.any(given == 0):
            raise InvalidInput("weights", self.weights, "give weights that are not 0")
        if np.prod(np.sign(given)) < 0:
            remedy = "give a product > 0: the flow to 1 starts on its side of 0"
            raise InvalidInput("weights", self.weights, remedy)
        object.__setattr__(self, "weights", given)

    @property
    def depth(self) -> int:
        """D."""
        return int(self.weights.size)


@dataclass(frozen=True, eq=False)
class DiagonalLinearNetwork(Problem, ByContent):
    """Squared regression, f(x) = ⟨u∘u − v∘v, x⟩ on N examples: L = |z|²/(2N).

    Step size rate, time in steps, sharpness = λ_max(JJᵀ)/N, the edge is rate · sharpness = 2.

    Parameters
    ----------
    u, v : (d,) array_like
        None 0.
    inputs : (N, d) array_like
        X.
    targets : (N,) array_like
        y; such that some u∘u − v∘v fits it.

    Raises
    ------
    InvalidInput
        Wrong shapes; a weight of 0; targets that no weights reach.

    Examples
    --------
    >>> import limitlab as ll
    >>> u, v, inputs, targets = [1.0, 0.5], [0.5, 1.0], [[1.0, 2.0]], [1.0]
    >>> network = ll.DiagonalLinearNetwork(u, v, inputs, targets)
    >>> network.family
    'gradient_flow_sharpness'
    """

    family: ClassVar[str] = "gradient_flow_sharpness"

    u: Any
    v: Any
    inputs: Any
    targets: Any

    def __post_init__(self) -> None:
        u = vector("u", self.u)
        v, X = vector("v", self.v, u.size), array("inputs", self.inputs, 2)
        if X.shape[1] != u.size:
            raise InvalidInput("inputs", X, f"has shape {X.shape}; give (N, {u.size})")
        y = vector("targets", self.targets, len(X))
        for field, value in (("u", u), ("v", v)):
            if np.any(value == 0):
                raise InvalidInput(field, value, "give weights that are not 0")
        missed = float(np.linalg.norm(X @ np.linalg.lstsq(X, y, rcond=None)[0] - y))
        if missed > _UNREACHED * float(np.linalg.norm(y)):
            raise InvalidInput(
                "targets",
                y,
                "no weights fit them: the rows of inputs depend on each other; leave some out",
            )
        for field, value in (("u", u), ("v", v), ("inputs", X), ("targets", y)):
            object.__setattr__(self, field, value)

    @property
    def data(self) -> int:
        """N."""
        return len(self.targets)
