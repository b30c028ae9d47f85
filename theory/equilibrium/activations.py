"""The activations of an equilibrium network, and where their slopes jump."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

#: what enters a unit
h = sp.Symbol("h", real=True)


@dataclass(frozen=True)
class Activation:
    """φ(h), the places at which φ′ jumps, sup φ′, and whether φ(ch) = cφ(h) for c > 0."""

    form: Any
    kinks: tuple[float, ...] = ()
    steepest: float = 1.0
    homogeneous: bool = False

    @property
    def slope(self) -> Any:
        """φ′, away from the kinks."""
        return sp.diff(self.form, h)


#: kinks as pieces, so that no derivative of a Max is left
_RELU = sp.Piecewise((h, h > 0), (0, True))
_HARD = sp.Piecewise((-1, h < -1), (1, h > 1), (h, True))

ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation(h, homogeneous=True),
    "relu": Activation(_RELU, (0.0,), homogeneous=True),
    "tanh": Activation(sp.tanh(h)),
    "hard-tanh": Activation(_HARD, (-1.0, 1.0)),
}
