r"""The limiting SDE of SAM with batches on second-order regression, to first order in the radius.

In flow time :math:`\tau=h\beta t` (rate/D · steps) the mean of a step over its mask is the drift,

.. math:: b=-J^\top z-\frac\rho\beta\Big[J^\top\Omega[JJ^\top]z
          +\sum_aQ_aJ^\top\Omega[zz^\top]e_a\Big],\qquad
          d\theta=b\,d\tau+\sqrt{\eta/D}\,J^\top S\,dW ,

with :math:`SS^\top=c\,[D\,\mathrm{diag}(z^2)-\nu zz^\top]`, the covariance of a step without the
displacement. A step of a path moves θ by Euler's scheme, and z and J follow θ exactly, so that
Itô's drift :math:`\tfrac12\operatorname{tr}(Q_a\Sigma)` of z is there. Setting of arXiv 2302.08692;
derived here by the averages of :mod:`limitlab.theory.second_order.wick`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.loops import Update
from ..core.loops import step as now
from ..core.map import Map
from ..core.system import Step
from ..methods import batch_noise
from ..methods.sampling import examples
from ..second_order.letters import Ket, Operator, Word
from ..second_order.motion import interval, unit
from ..second_order.wick import BatchAverage, b1, b2, batch_average
from ..second_order.words import rewrite, transpose, words
from . import step as sam
from .early_time import first_order, fraction, in_states
from .regression import LOWERING, Q

#: Ω[JJᵀ]z, Ω[zzᵀ]J and S ξ
climbed, mixed, noise = Ket(sp.Symbol("u")), Operator(sp.Symbol("V")), Ket(sp.Symbol("s"))
#: standard normals of the steps, one for each example
normals = sp.IndexedBase("xi", shape=(sp.Symbol("steps", integer=True), examples))
_mean = sp.Symbol("xi_mean", real=True)
_z, _J, _d = sam.residual, sam.jacobian, sam.displacement
#: what is computed once in a step of a path, in words
_SHARED: dict[Word, Any] = {
    (BatchAverage(_J, _J.T), _z): climbed,
    (BatchAverage(_z, _z.T), _J): mixed,
}


@cache
def drift() -> Any:
    """The mean of a step over its mask for a given Q, per unit of flow time; in words."""
    step = first_order(in_states(sam.recursion().body[_d], sam.recursion().body))
    mean = batch_average(step, sam.mask, fraction) / (sam.size * fraction)
    return sp.Add(*(sp.expand(c) * sp.Mul(*word) for c, word in words(mean)))


@cache
def paths() -> Map:
    """A step of a path: Euler's scheme in θ; inputs are Q and the normals."""
    kick = sp.sqrt(unit * interval) * -transpose(_J) * noise
    moved = rewrite(interval * drift() + kick, _SHARED)
    z, J = sam.residual_at(_z, _J, sam.turn, _d), sam.jacobian_at(_J, sam.turn)
    body = {
        climbed: BatchAverage(_J, _J.T) * _z,
        mixed: BatchAverage(_z, _z.T) * _J,
        _d: moved,
        sam.turn: sam.curved(_d),
    }
    shapes = {climbed: (sam.data,), noise: (sam.data,), mixed: (sam.data, sam.parameters)}
    lower = LOWERING.with_shapes(shapes)
    a = sp.Symbol("a", integer=True)
    column = lower.array(_z)
    return Map(
        name="SAM with batches on second-order regression, limiting SDE",
        states=(column, lower.array(_J)),
        after=(lower.update(_z, z), lower.update(_J, J)),
        observe=(
            ("squared", sp.Sum(column[a] ** 2, (a, 0, sam.data - 1))),
            ("residual", column),
            ("jacobian", lower.array(_J)),
        ),
        numbers=(unit, interval, sam.reach, fraction, b1, b2, batch_noise.c, batch_noise.nu),
        inputs=(Q, normals),
        body=(*_noise(column, lower.array(noise)), *(lower.update(*x) for x in body.items())),
        steps=(
            Step("the mean of a step over its mask, to first order in ρ, per unit τ", "b", drift()),
            Step("S ξ, from the covariance of the mask", noise, batch_noise.noise_root()),
            Step("Euler's scheme in θ", _d, moved),
            Step("z is quadratic in θ", "z'", z),
            Step("J is its derivative", "J'", J),
        ),
    )


def _noise(z: Any, s: Any) -> tuple[Update, Update]:
    """S ξ of every example."""
    a = sp.Symbol("a", integer=True)
    every = (a, sp.S.Zero, sam.data - 1)
    own = {
        batch_noise.residual: z[a],
        batch_noise.normal: normals[now, a],
        batch_noise.mean_normal: _mean,
    }
    return (
        Update(_mean, sp.Sum(normals[now, a], every) / sam.data),
        Update(s[a], batch_noise.noise_root().subs(own), (every,)),
    )
