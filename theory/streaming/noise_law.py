"""How the label noise enters a derivation: in closed form, as a mixture, or as quadrature nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from ..core import stated
from ..core.errors import InvalidInput
from ..core.numeric import values_of
from ..core.symbolic import Parameter, twin
from ..core.symbols import noise as epsilon
from ..expectation.residual import ResidualLaw, convolved, gaussian, mixture_component

#: mixtures up to this size are written out in formulas; larger ones are summed over an array
WRITTEN_OUT = 4


@dataclass(frozen=True)
class NoiseForm:
    """Laws of the residual whose sum is its law, the parameters in them, and how they arose."""

    laws: tuple[ResidualLaw, ...]
    parameters: tuple[Parameter, ...]
    form: str


def noise_form(noise: Any, *, moving: bool = False) -> NoiseForm:
    """Return how ``noise`` enters the formulas, in closed form where there is one.

    Nodes stand around the kinks of the rule; where those are ``moving``, a density of polynomials
    has its closed form too, which loses digits under wide Gaussians.

    Raises
    ------
    InvalidInput
        A noise law that states neither ``components`` nor ``density``.
    """
    symbolic, parameters = twin(noise, "noise")
    components = stated.components(noise)
    if components is not None:
        return _mixture(noise, symbolic, parameters)
    density = on_twin(lambda law: stated.density(law, epsilon), symbolic, noise)
    if density is None:
        raise InvalidInput(
            "noise", type(noise).__name__, "state components(self) or density(self, e)"
        )
    values = parameter_values(parameters, {"noise": noise})
    centres = tuple(sp.Float(-e) for e in noise.support_points)
    law = convolved(density, epsilon, values, centres, powers=moving)
    if law is None:
        return NoiseForm((mixture_component(sampled=True),), (), "nodes")
    return NoiseForm((law,), parameters, "closed")


def _mixture(noise: Any, symbolic: Any, parameters: tuple[Parameter, ...]) -> NoiseForm:
    summed = NoiseForm((mixture_component(not _is_mixture(noise)),), (), "mixture")
    if len(stated.components(noise)[0]) > WRITTEN_OUT or not _scalar_fields(symbolic):
        return summed
    components = on_twin(stated.components, symbolic, noise)
    laws = tuple(
        gaussian(*(sp.sympify(part) for part in component))
        for component in zip(*components, strict=True)
    )
    return NoiseForm(laws, parameters, "closed")


def _is_mixture(noise: Any) -> bool:
    """Whether a law is its components, whose moments are then its own, and not near to them."""
    weights, means, scales = (np.asarray(part, dtype=float) for part in stated.components(noise))
    fourth = weights @ (means**4 + 6 * means**2 * scales**2 + 3 * scales**4) / weights.sum()
    stands = float(noise.moment(4))
    return bool(np.isfinite(stands) and abs(fourth - stands) <= 1e-9 * stands)


def _scalar_fields(symbolic: Any) -> bool:
    return not any(isinstance(v, (tuple, list, np.ndarray)) for v in vars(symbolic).values())


def on_twin(read: Callable[[Any], Any], symbolic: Any, original: Any) -> Any:
    """Evaluate on the twin; on the numbers where the law branches on a field."""
    try:
        return read(symbolic)
    except InvalidInput:
        return read(original)


def density_function(noise: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Return the density of ``noise`` as a vectorised function of numbers."""
    return values_of(sp.sympify(stated.density(noise, epsilon)), epsilon, {})


def parameter_values(
    parameters: tuple[Parameter, ...], owners: Mapping[str, Any]
) -> dict[Any, float]:
    """Return a number for every parameter symbol."""
    return {p.symbol: p.read(owners) for p in parameters}
