r"""One unit that learns one unit: :math:`f=\varphi(w\cdot x)`, :math:`y=\varphi(w_*\cdot x)`.

Inputs are standard normal, so that the loss and both parts of its Hessian depend on

.. math:: Q=|w|^2,\qquad R=w\cdot w_*,\qquad T=|w_*|^2

alone. Model derived here, after the definitions of arXiv 2401.10809.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np

from ..activations import GELU, activation_of
from ..core.by_content import ByContent
from ..core.checks import count, number, positive
from ..core.errors import InvalidInput
from ..core.problem import Problem


@dataclass(frozen=True, eq=False)
class SingleIndex(Problem, ByContent):
    """One unit w in d dimensions that learns the unit w*: L = E(φ(w·x) − φ(w*·x))²/2.

    Step size rate, time in steps; rate · steps for the flow.

    Parameters
    ----------
    dimension : int
        d >= 2. The population's motion does not depend on it; batches and weight noise do.
    activation : Activation or str
        `GELU` (β = 1) by default, or another whose kernel E φ(λ)φ(ν) is closed: `ReLU`, `Linear`,
        `Quadratic`; or its word, such as "relu".
    norm, overlap, teacher : float, keyword only
        Q, R and T at the start; R² <= QT.

    Raises
    ------
    InvalidInput
        Q or T not positive; R² > QT.

    Examples
    --------
    >>> import limitlab as ll
    >>> round(ll.SingleIndex(100, norm=0.8, overlap=0.3).cosine, 4)
    0.3354
    """

    family: ClassVar[str] = "hessian"

    dimension: int
    activation: Any = GELU()
    _: KW_ONLY
    norm: float = 1.0
    overlap: float = 0.1
    teacher: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "dimension", count("dimension", self.dimension, 2))
        object.__setattr__(self, "activation", activation_of(self.activation))
        for field in ("norm", "teacher"):
            object.__setattr__(self, field, positive(field, getattr(self, field)))
        object.__setattr__(self, "overlap", number("overlap", self.overlap))
        if self.overlap**2 > self.norm * self.teacher:
            most = float(np.sqrt(self.norm * self.teacher))
            remedy = f"|w·w*| is at most |w||w*| = {most:.6g}"
            raise InvalidInput("overlap", self.overlap, remedy)

    @property
    def cosine(self) -> float:
        """R/√(QT) at the start."""
        return float(self.overlap / np.sqrt(self.norm * self.teacher))

    @property
    def order(self) -> tuple[float, float]:
        """Q and R at the start."""
        return self.norm, self.overlap
