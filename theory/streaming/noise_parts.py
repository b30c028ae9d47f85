r"""The four strengths of the noise of the mode energies, read off their one-step covariance.

.. math:: d\,\frac{\mathrm{Cov}(dy_i,dy_j)}{dt}=D\lambda_i\lambda_jy_i\delta_{ij}
   +E\lambda_iy_i\lambda_jy_j+F\Big(\frac{q_i}d\lambda_jy_j+\frac{q_j}d\lambda_iy_i\Big)
   +H\frac{q_i}d\frac{q_j}d
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from ..core.errors import InvalidInput
from ..core.symbols import (
    decay_rate,
    dimension,
    energy,
    other_decay_rate,
    other_energy,
    other_source_weight,
    residual,
    same_mode,
    source_weight,
)

VARIABLES = (same_mode, energy, other_energy, source_weight, other_source_weight)


@dataclass(frozen=True)
class NoiseParts:
    """D, E, F and H of the module's equation, as expressions in R and t."""

    diagonal: Any
    pair: Any
    cross: Any
    source: Any


def noise_parts(covariance: Any) -> NoiseParts:
    """Read D, E, F and H off a covariance.

    Raises
    ------
    InvalidInput
        A term that is not one of the four.
    """
    terms = dict(sp.Poly(sp.expand(covariance), *VARIABLES, domain="EX").terms())

    def strength(exponents: tuple[int, ...], scale: Any) -> Any:
        return sp.expand(terms.pop(exponents, 0) / scale)

    parts = NoiseParts(
        strength((1, 1, 0, 0, 0), decay_rate * other_decay_rate),
        strength((0, 1, 1, 0, 0), decay_rate * other_decay_rate),
        strength((0, 0, 1, 1, 0), other_decay_rate / dimension),
        strength((0, 0, 0, 1, 1), dimension**-2),
    )
    mirrored = strength((0, 1, 0, 0, 1), decay_rate / dimension)
    if any(terms.values()) or sp.simplify(mirrored - parts.cross) != 0 or not _free(parts):
        raise InvalidInput(
            "covariance",
            covariance,
            "give D λ_i λ_j y_i δ_ij + E λ_i y_i λ_j y_j + "
            "F (q_i λ_j y_j + q_j λ_i y_i)/d + H q_i q_j/d² with D, E, F, H free of the modes",
        )
    return parts


def _free(parts: NoiseParts) -> bool:
    modal = (*VARIABLES, decay_rate, other_decay_rate, residual, dimension)
    found = (parts.diagonal, parts.pair, parts.cross, parts.source)
    return not any(sp.sympify(part).has(*modal) for part in found)
