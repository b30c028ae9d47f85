r"""Private SGD: per-sample clipping with Gaussian noise added to the mean of the batch.

.. math:: \theta^+=\theta-\frac\eta d\Big[\frac1B\sum_b\mathrm{clip}(g_b)
   +\frac{\sigma c\sqrt{\operatorname{tr}K}}B\,\xi\Big],\qquad\xi\sim N(0,I_d)

The noise moves every direction alike, :math:`\mathrm{Var}\,\Delta u=\nu/d^2` a step, so that by
Itô's formula each mode gains :math:`\frac\nu{2d}\,n_i\lambda_i` a unit of time: not in proportion
to :math:`\lambda_i^2n_i` as the noise of the gradients is (derived here). At a fixed multiplier the
risk grows like d; the limit is that of :math:`\sigma=s/\sqrt d`, and holds at this d as it is.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, cached_property
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.ito import ito
from ..core.symbols import decay_rate, dimension, source_weight
from ..core.system import Step
from .beside import ModesBeside

rate, threshold, multiplier, batch, trace = sp.symbols("eta c sigma_n B trK", positive=True)
_u = sp.Symbol("u_i", real=True)
#: ν, what a mode gains, and the noise of a mode's energy over y_i
strength, gain, own_noise = sp.symbols("nu gain own_noise", positive=True)


class PrivateSystem(ModesBeside):
    """The modes of per-sample clipping, and what the added noise does to them; a `System`.

    The modes gain `gain` beside what their equations say.
    """

    @property
    def name(self) -> str:
        return f"{self.modes.name}, private"

    @cached_property
    def mean(self) -> PrivateSystem:
        """Without the covariance of one step."""
        return replace(self, modes=self.modes.mean)


def without_noise(method: Any) -> Any:
    """The same method without the added noise."""
    return replace(method, noise_multiplier=0.0)


@cache
def private_law() -> Derivation:
    """Derive what the added noise does to the energy of a mode, and to its fluctuations."""
    per_step = (rate * multiplier * threshold / batch) ** 2 * trace
    variance = dimension * strength / dimension**2
    one = ito(decay_rate * _u**2 / 2, _u, sp.S.Zero, variance)
    directions = source_weight / decay_rate**2
    gained = sp.simplify(directions * one)
    # the energy moves by λ u Δu, whose variance over y_i = λ u²/2 is, times d
    along = sp.simplify(dimension * (decay_rate * _u) ** 2 * variance / (decay_rate * _u**2 / 2))
    return Derivation(
        "added noise",
        ((strength, per_step), (gain, gained), (own_noise, along)),
        (
            Step("variance of one step along any direction, times d²", strength, per_step),
            Step("Itô's formula for λ_i u²/2, in n_i = q_i/λ_i² directions", gain, gained),
            Step("variance of λ_i u Δu over y_i, a unit of time, times d", own_noise, along),
        ),
    )
