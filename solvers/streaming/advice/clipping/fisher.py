r"""Fisher information of the residual law, :math:`\mathcal I=\int p_\ell'^2/p_\ell`.

It bounds the gain of clipping (derived here): by Cauchy–Schwarz
:math:`\mu^2=(E\,\psi\,p_\ell'/p_\ell)^2\le N\,\mathcal I`, whatever the rule ψ.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from .....theory.core.atoms import normal_pdf
from .....theory.core.checks import array
from .....theory.core.errors import InvalidInput, NotAvailable
from .....theory.core.nodes import MixtureSum
from .....theory.core.printer import PRELUDE, SourcePrinter
from .....theory.core.symbolic import numbers
from .....theory.streaming.noise_law import NoiseForm, noise_form
from .....theory.streaming.system import COEFFICIENT
from ....core.compile import load, writable

Array = NDArray[np.float64]

#: panels double in width from a quarter of the width of the law to 2^50 of it
_OCTAVES = 2.0 ** np.arange(-2, 51)
#: where the density is below this, nothing is left of the integral
_FAINT = 1e-200
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
place = sp.Symbol("x", real=True)


def fisher_information(problem: Any, risk: ArrayLike) -> Array:
    """Fisher information of the law of the residual under a shift, at risks > 0.

    Parameters
    ----------
    problem : LeastSquares
    risk : array_like, any shape

    Raises
    ------
    NotAvailable
        A density outside the closed class that has no components.
    """
    risks = array("risk", np.ravel(risk), 1)
    if risks.min() <= 0:
        raise InvalidInput("risk", float(risks.min()), "give risks > 0")
    information = [_information(problem.noise, float(R)) for R in risks]
    return np.array(information).reshape(np.shape(risk))


def _information(noise: Any, R: float) -> float:
    places, weights = _quadrature(*_centres(noise, R))
    heights, slopes = residual_density(noise, places, R)
    seen = heights > _FAINT
    return float(np.sum(weights[seen] * slopes[seen] ** 2 / heights[seen]))


def residual_density(noise: Any, places: Array, R: float) -> tuple[Array, Array]:
    """Density of ℓ = √(2R) Z − ε and its derivative at the places, from the derived law."""
    form = noise_form(noise)
    if form.form == "nodes":
        remedy = "its residual density has no closed form; state components(self)"
        raise NotAvailable("noise", noise, remedy)
    p = np.append(numbers(form.parameters, {"noise": noise}), 0.0)
    arrays = noise.component_arrays() if form.form == "mixture" else (np.empty(0),) * 3
    module = load(_lowered(form), "streaming/density")
    return module.density_at(writable(places), R, p, *(writable(a) for a in arrays))


@lru_cache(maxsize=32)
def _lowered(form: NoiseForm) -> str:
    printer = SourcePrinter((*(q.symbol for q in form.parameters), place), {})
    law = [(one.density(place), one.summed) for one in form.laws]
    functions = [
        printer.function("density", COEFFICIENT, _total(law), floor=True),
        printer.function(
            "slope", COEFFICIENT, _total([(_slope(p), s) for p, s in law]), floor=True
        ),
    ]
    return "\n\n".join([PRELUDE, *printer.functions, *functions])


def _total(summands: list[tuple[Any, bool]]) -> Any:
    return sp.Add(*(MixtureSum(value) if summed else value for value, summed in summands))


def _slope(density: Any) -> Any:
    """Differentiate; every e^A φ(z) becomes one exponential, which can neither overflow nor hide
    that it cancels another."""
    terms = sp.Add.make_args(sp.expand(sp.diff(density, place)))
    return sp.Add(*(_one_exponential(sp.Mul.make_args(term)) for term in terms))


def _one_exponential(factors: tuple[Any, ...]) -> Any:
    growing = [f for f in factors if isinstance(f, (sp.exp, normal_pdf))]
    if len(growing) < 2:
        return sp.Mul(*factors)
    bells = [f for f in growing if isinstance(f, normal_pdf)]
    exponent = sum(f.args[0] for f in growing if f not in bells)
    exponent -= sum(f.args[0] ** 2 for f in bells) / 2
    rest = sp.Mul(*(f for f in factors if f not in growing))
    return rest * sp.exp(sp.expand(exponent)) / sp.sqrt(2 * sp.pi) ** len(bells)


def _centres(noise: Any, R: float) -> tuple[Array, float]:
    """Points around which the residual law varies, and the shortest width on which it does."""
    arrays = noise.component_arrays()
    narrowest = 0.0 if arrays is None else float(np.min(arrays[2]))
    return -np.array(noise.support_points), float(np.sqrt(2 * R + narrowest**2))


def _quadrature(centres: Array, width: float) -> tuple[Array, Array]:
    """Gauss–Legendre panels that double in width away from every centre."""
    reach = np.concatenate([-_OCTAVES[::-1], [0.0], _OCTAVES]) * width
    edges = np.unique(np.add.outer(centres, reach))
    edges = edges[np.concatenate([[True], np.diff(edges) > 0.05 * width])]
    half, middle = 0.5 * np.diff(edges), 0.5 * (edges[1:] + edges[:-1])
    return (middle[:, None] + half[:, None] * _NODES).ravel(), (half[:, None] * _WEIGHTS).ravel()
