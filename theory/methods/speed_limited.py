"""Speed-limited descent: every layer moves at a speed of its own, whatever its gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..core.checks import positive, vector
from ..core.errors import InvalidInput, NotAvailable
from .base import Method


@dataclass(frozen=True)
class SpeedLimited(Method):
    """W_l ← W_l − rate C_l ∇_l L/(|∇_l L| + epsilon), layer by layer. For QuadraticNetwork.

    It never rests: near a minimum it jumps about at the size rate · C_l, so give a target.

    Parameters
    ----------
    rate : float
    speeds : (2,) array_like
        C of the weights and of the readout; 0 keeps a layer as it is, and so does a problem that
        does not train its readout.
    target : float, optional
        Stop where the loss falls below it.
    epsilon : float
        Added to the norm of a gradient.

    Raises
    ------
    InvalidInput
        A negative speed, or none above 0; a target or an epsilon that is not positive.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.SpeedLimited(0.02, speeds=(1.0, 0.0), target=1e-3).target
    0.001
    """

    speeds: Any = (1.0, 1.0)
    target: Any = None
    epsilon: float = 1e-12

    references: ClassVar[tuple[str, ...]] = ("arXiv:2402.05271",)
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"rate": 0.02}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch > 1:
            raise NotAvailable("batch", self.batch, "descends on the population; leave it out")
        speeds = vector("speeds", self.speeds, 2)
        if speeds.min() < 0 or speeds.max() == 0:
            raise InvalidInput("speeds", self.speeds, "give two speeds >= 0, one of them above")
        object.__setattr__(self, "speeds", tuple(float(c) for c in speeds))
        if self.target is not None:
            object.__setattr__(self, "target", positive("target", self.target))
        object.__setattr__(self, "epsilon", positive("epsilon", self.epsilon))

    def rule(self, l: Any) -> Any:  # noqa: E741
        """Refuse: the step needs the gradient of a layer."""
        remedy = "the step is no function of one residual; it has a theory for QuadraticNetwork"
        raise NotAvailable("rule", type(self).__name__, remedy)

    @property
    def label(self) -> str:
        return f"speed-limited, C = {self.speeds[0]:g}, {self.speeds[1]:g}"
