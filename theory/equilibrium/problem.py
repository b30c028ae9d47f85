r"""A deep equilibrium network at initialisation.

.. math:: z=\varphi(Wz+x),\qquad x\sim N(0,\sigma_x^2I_N)\text{ independent of }W,\qquad
          \sigma^2=N\,\mathrm{Var}(W_{ij})

The families of matrices are those of arXiv 2207.09432; whose convention of scale is not known here,
so that σ is always N Var.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..activations import Tanh, activation_of
from ..core.checks import between, choice, count, number, positive
from ..core.errors import InvalidInput, InvalidType
from ..core.problem import Problem

ENSEMBLES = ("ginibre", "haar", "goe", "symmetric-orthogonal", "elliptic")
INPUTS = ("quantiles", "gaussian")


@dataclass(frozen=True)
class EquilibriumNetwork(Problem):
    """A random network whose output is the fixed point of one layer.

    Parameters
    ----------
    ensemble : str or ("elliptic", tau)
        "ginibre" (independent entries), "haar" (σ times orthogonal), "goe" (symmetric Gaussian),
        "symmetric-orthogonal" (σ times ±1 in a Haar basis, half and half), or ("elliptic", τ) with
        N E W_ij W_ji = τσ², −1 <= τ <= 1.
    scale : float
        σ >= 0.
    activation : Activation or str
        `Tanh`, `HardTanh`, `ReLU`, `GELU(beta)`, `Linear` or one of your own; or its word: "tanh",
        "hard-tanh", "relu", "gelu", "linear".
    input_scale : float
        σ_x > 0.
    size : int
        N of the finite network.
    inputs : str
        Of the finite network: "quantiles" of the normal law in random order, so that they do not
        fluctuate, or "gaussian".

    Raises
    ------
    InvalidInput
        An unknown ensemble or activation; τ outside [−1, 1]; a negative scale.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.EquilibriumNetwork(("elliptic", 1.0), 0.3).tau
    1.0
    """

    family: ClassVar[str] = "equilibrium"

    ensemble: str | Any
    scale: float
    activation: Any = Tanh()
    input_scale: float = 0.7
    size: int = 400
    inputs: str = "quantiles"

    def __post_init__(self) -> None:
        object.__setattr__(self, "ensemble", _ensemble(self.ensemble))
        object.__setattr__(self, "scale", number("scale", self.scale))
        if self.scale < 0:
            raise InvalidInput("scale", self.scale, "give σ >= 0")
        object.__setattr__(self, "activation", activation_of(self.activation))
        object.__setattr__(self, "input_scale", positive("input_scale", self.input_scale))
        object.__setattr__(self, "size", count("size", self.size, 2, 20_000))
        choice("inputs", self.inputs, INPUTS)
        if self.kind == "symmetric-orthogonal" and self.size % 2:
            raise InvalidInput("size", self.size, "half of the signs are −1; give an even N")

    @property
    def kind(self) -> str:
        """The name of the ensemble."""
        return self.ensemble if isinstance(self.ensemble, str) else self.ensemble[0]

    @property
    def tau(self) -> float:
        """τ; of a Haar matrix 0."""
        if not isinstance(self.ensemble, str):
            return float(self.ensemble[1])
        return 1.0 if self.kind in ("goe", "symmetric-orthogonal") else 0.0


def _ensemble(given: Any) -> Any:
    if isinstance(given, str):
        if given == "elliptic":
            raise InvalidInput("ensemble", given, 'give ("elliptic", tau) with its τ')
        choice("ensemble", given, ENSEMBLES)
        return given
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise InvalidType("ensemble", given, 'give a name, or ("elliptic", tau)')
    if given[0] != "elliptic":
        raise InvalidInput("ensemble", given, 'only "elliptic" takes a number beside it')
    return ("elliptic", between("tau", given[1], -1.0, 1.0))
