"""The equations of a quadratic network at the numbers of one problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Field:
    """Velocity, loss and feature matrices of a state (W, a).

    Parameters
    ----------
    problem : QuadraticNetwork
    functions : mapping
        Of the derivation.
    """

    problem: Any
    functions: Mapping[str, Any]

    @cached_property
    def inputs(self) -> Array:
        """S."""
        return np.asarray(self.problem.matrix("inputs"))

    @cached_property
    def teacher(self) -> Array:
        """B."""
        return np.asarray(self.problem.matrix("teacher"))

    def deviation(self, W: Array, a: Array) -> Array:
        """D = Θ − B."""
        f = self.functions
        return f["Deviation"](Theta=f["Network"](A=np.diag(a), W=W), B=self.teacher)

    def velocity(self, W: Array, a: Array) -> tuple[Array, Array]:
        """What flow does to W and a; a frozen readout does not move."""
        f = self.functions
        G = f["Pull"](D=self.deviation(W, a), S=self.inputs)
        moved = f["Wdot"](A=np.diag(a), W=W, G=G)
        if not self.problem.train_readout:
            return moved, np.zeros_like(a)
        return moved, np.diagonal(f["Adot"](W=W, G=G)).copy()

    def loss(self, W: Array, a: Array) -> float:
        """Of the population."""
        return float(self.functions["loss"](D=self.deviation(W, a), S=self.inputs))
