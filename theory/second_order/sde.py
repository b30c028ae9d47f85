r"""The limiting SDE of second-order regression, and the Itô drifts of loss and NTK.

In flow time :math:`\tau=ht`, :math:`h=\eta/D`, with :math:`SS^\top=c\,[D\,\mathrm{diag}(z^2)-\nu
zz^\top]` the covariance of the batch,

.. math:: d\theta=-J^\top z\,d\tau+\sqrt h\,J^\top S\,dW .

z and J are quadratic and linear in θ, so that Itô's formula is the exact displacement with its
linear part replaced by the drift and its quadratic part by :math:`\Sigma=hJ^\top SS^\top J`. Model
of arXiv 2404.19261 and 2210.04860; derived here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.system import Step
from .early_time import gram, parameters, u_a, u_b, variance
from .letters import Ket, Letter, Symmetric, basis
from .motion import descent, displaced, displacement, jacobian, path_equations, residual
from .wick import gaussian_average
from .words import close, rewrite, transpose, words

#: Σ = h JᵀSSᵀJ
covariance = Symmetric(sp.Symbol("Sigma"))

_J, _JT = jacobian, jacobian.T


def ito_drift(change: Any) -> Any:
    """Drift of a quantity whose change is ``change``, a polynomial in dθ."""
    total = []
    for coefficient, word in words(change):
        places = [i for i, letter in enumerate(word) if letter in (displacement, displacement.T)]
        if len(places) == 1:
            total.append(coefficient * sp.Mul(*map(_drift, word)))
        elif len(places) == 2:
            total.append(coefficient * _second_moment(word, places))
    return rewrite(sp.Add(*total), {(_J, _JT): gram})


def _drift(letter: Letter) -> Any:
    drift = descent(_J, residual)
    if letter == displacement:
        return drift
    return transpose(drift) if letter == displacement.T else letter


def _second_moment(word: tuple[Letter, ...], places: list[int]) -> Any:
    """dθ dθᵀ → Σ dτ, the two ends joined by a basis."""
    i = basis("i", parameters)
    ends = [i if isinstance(word[k], Ket) else i.T for k in places]
    second = covariance * i if ends[1] == i else i.T * covariance
    between = word[places[0] + 1 : places[1]]
    return sp.Mul(*word[: places[0]], ends[0], *between, second, *word[places[1] + 1 :])


@cache
def quadratic_sde() -> Derivation:
    """Itô drifts of |z|² and of u_aᵀΘu_b, and the average of the latter over a fresh Q."""
    z, J = displaced(residual, _J, displacement)
    moved, path_steps = path_equations()
    square = sp.expand(transpose(z) * z - residual.T * residual)
    kernel = sp.expand(u_a.T * J * transpose(J) * u_b - u_a.T * _J * _JT * u_b)
    drifts = [ito_drift(change) for change in (square, kernel)]
    fresh = gaussian_average(drifts[1], variance, parameters)
    names = (r"\mathcal{A}\,|z|^2", r"\mathcal{A}\,u_a^{\top}\Theta u_b")
    average = rf"\mathbb{{E}}_Q\,{names[1]}"
    results = [sp.expand(close(e)) for e in (*drifts, fresh)]
    return Derivation(
        "second-order regression, limiting SDE",
        (*moved.items(), *zip((*names, average), results, strict=True)),
        (
            Step("change of z under dθ; exact", "dz", sp.expand(z - residual)),
            Step("change of J under dθ; exact", "dJ", sp.expand(J - _J)),
            Step("linear part → drift, quadratic part → Σ: |z|²", "A|z|²", results[0]),
            Step("the same for the NTK", "A Θ_ab", results[1]),
            Step("over a fresh Q only the isotropic growth is left", "E A Θ_ab", results[2]),
            *path_steps,
        ),
        (
            (r"d\theta", r"-J^{\top}z\,d\tau+\sqrt{h}\,J^{\top}S\,dW"),
            (r"\Sigma", r"hJ^{\top}SS^{\top}J"),
            (r"SS^{\top}", r"c\,[D\,\mathrm{diag}(z^2)-\nu zz^{\top}]"),
        ),
    )
