"""SGD with the gradient norm clipped (arXiv 2406.11733); its limit clips the residual."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import sympy as sp

from ..core.checks import choice, number
from ..core.errors import InvalidInput, NotAvailable
from ..schedules.following import FollowingRate
from ..schedules.running_quantile import RunningQuantile
from ..schedules.schedule import as_schedule
from .base import Method

CLIPS = ("mean", "per-sample")


@dataclass(frozen=True)
class ThresholdMethod(Method):
    """Common rule of the methods that clip: ψ(ℓ) = max(−c, min(ℓ, c))."""

    threshold: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.threshold, RunningQuantile) and self.acts_on == "norm":
            return
        unbounded = self.threshold in (math.inf, sp.oo)
        threshold = sp.oo if unbounded else as_schedule(self.threshold, "threshold")
        object.__setattr__(self, "threshold", threshold)

    def rule(self, l: Any) -> Any:  # noqa: E741
        if self.threshold == sp.oo:
            return l
        running = isinstance(self.threshold, RunningQuantile)
        c = self.threshold.start if running else self.threshold
        # of symbols there is nothing to simplify, and sympy takes milliseconds to find that out
        evaluate = not isinstance(l, sp.Symbol)
        return sp.Max(-c, sp.Min(l, c, evaluate=evaluate), evaluate=evaluate)


@dataclass(frozen=True)
class ClippedSGD(ThresholdMethod):
    """θ ← θ − (rate/d) min(1, c √tr K/‖g‖) g with g = ℓ x.

    Parameters
    ----------
    rate : float or schedule
    threshold : float, schedule or RunningQuantile
        c, in units of the residual: the gradient norm is clipped at c √tr K. ``inf`` is plain SGD;
        a running quantile of the norms is followed from step to step.
    clip : {"mean", "per-sample"}, keyword only
        What is clipped where ``batch`` is above 1: the mean gradient of the batch, or the
        gradient of every sample before the mean is taken. Must be stated then.
    noise_multiplier : float, keyword only
        σ ≥ 0 of private SGD: Gaussian noise of standard deviation σ c √tr K/batch is added to every
        coordinate of the mean of the clipped gradients. How private that is depends on σ, the
        share of the data in a batch and the number of steps: ask the accountant of a library for
        private training (Opacus, TensorFlow Privacy, dp-accounting).

    Raises
    ------
    InvalidInput
        A batch above 1 without ``clip``; added noise with the mean clipped, or without a threshold.

    Examples
    --------
    >>> import limitlab as ll
    >>> private = ll.ClippedSGD(0.8, 1.0, batch=8, clip="per-sample", noise_multiplier=1.0)
    >>> private.label
    'private SGD'
    """

    _: KW_ONLY
    clip: str | None = None
    noise_multiplier: float = 0.0

    acts_on: ClassVar[str] = "norm"
    references: ClassVar[tuple[str, ...]] = ("arXiv:2406.11733",)
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"rate": 0.8, "threshold": 1.0}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.clip is not None:
            choice("clip", self.clip, CLIPS)
        elif self.batch > 1:
            remedy = f'say what a batch of {self.batch} clips: clip="mean" or clip="per-sample"'
            raise InvalidInput("clip", self.clip, remedy)

        self._check_noise()

    def _check_noise(self) -> None:
        noise = number("noise_multiplier", self.noise_multiplier)
        object.__setattr__(self, "noise_multiplier", noise)
        if noise < 0:
            raise InvalidInput("noise_multiplier", noise, "give a number >= 0")
        if noise == 0:
            return
        if self.clip == "mean":
            remedy = 'bounds what one sample does only with clip="per-sample"'
            raise InvalidInput("noise_multiplier", noise, remedy)
        for field in self.remembered:
            remedy = "with added noise is not derived; leave one of the two out"
            raise NotAvailable(field, getattr(self, field), remedy)
        fixed = isinstance(self.threshold, RunningQuantile) or self.threshold == sp.oo
        if fixed or isinstance(self.rate, FollowingRate):
            remedy = "is in units of the threshold: give a number or a schedule for it and the rate"
            raise InvalidInput("noise_multiplier", noise, remedy)

    @property
    def pool(self) -> str:
        return "mean" if self.clip == "mean" else "each"

    @property
    def label(self) -> str:
        return "private SGD" if self.noise_multiplier else "clipped SGD"
