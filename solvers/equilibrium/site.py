"""The effective site at the numbers of one problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from ...theory.activations import alike
from ...theory.core.errors import NoLimit
from ...theory.equilibrium.site import site_theory
from .quadrature import normal_nodes

Array = NDArray[np.float64]

#: Newton steps for a site, and the change at which they end
_NEWTON, _SMALL = 60, 1e-15


@dataclass(frozen=True, eq=False)
class Site:
    """A site of a problem with a scale σ.

    Parameters
    ----------
    problem : EquilibriumNetwork
    functions : mapping
        Of the derivation.
    scale : float
        σ, in place of the problem's.
    """

    problem: Any
    functions: Mapping[str, Any]
    scale: float

    @property
    def activation(self) -> Any:
        """Of the problem."""
        return self.problem.activation

    @cached_property
    def lines(self) -> tuple[Array, Array, Array] | None:
        """Where the pieces of φ end, from −∞ to ∞, φ at 0 on each and its slope; None where one
        is not straight."""
        if not self.activation.straight:
            return None
        ends = np.array([-np.inf, *self.activation.kinks, np.inf])
        kinks = ends[1:-1]
        inside = (
            np.array([0.0])
            if not kinks.size
            else np.array([kinks[0] - 1, *(kinks[1:] + kinks[:-1]) / 2, kinks[-1] + 1])
        )
        slopes = self.slope(inside)
        return ends, self.phi(inside) - slopes * inside, slopes

    @cached_property
    def shape(self) -> dict[str, float]:
        """The numbers of the activation."""
        return {str(symbol): value for symbol, value in self.activation.symbols.items()}

    @property
    def numbers(self) -> dict[str, float]:
        """What the formulas take."""
        problem = self.problem
        return {"sigma": self.scale, "tau": problem.tau, "sigma_x": problem.input_scale}

    def phi(self, h: Array) -> Array:
        """φ."""
        return self._of_unit("phi", h)

    def slope(self, h: Array) -> Array:
        """φ′."""
        return self._of_unit("slope", h)

    def _of_unit(self, name: str, h: Array) -> Array:
        return np.asarray(self.functions[name](h=h, **self.shape) + np.zeros_like(h))

    def feedback(self, chi: float) -> float:
        """a, refused where a site has several states."""
        return float(self.functions["feedback"](chi=chi, **self.numbers))

    def variance(self, q: float, chi: float) -> float:
        """v."""
        return float(self.functions["field"](q=q, chi=chi, **self.numbers))

    def after(self, z: Array, moved: Array, rate: float) -> Array:
        """z after a damped step towards what the units answer."""
        return np.asarray(self.functions["z_next"](z=z, moved=moved, alpha=rate))

    def coefficient(self, chi: float) -> float:
        """R′(χ), or σ² without feedback."""
        return float(self.functions["coefficient"](chi=chi, **self.numbers))

    def solved(self, v: float, a: float) -> tuple[Array, Array, Array]:
        """Return weights, z and φ′ on nodes of g; z = φ(g + az) by Newton's method."""
        if a > 0 and not a * self.activation.steepest < 1:
            raise NoLimit(
                "scale", self.scale, f"a sup φ′ = {a:.4g} >= 1: a site has several states"
            )
        width = float(np.sqrt(v))
        # a kink of the site lies at g = κ − aφ(κ)
        seams = np.array(self.activation.seams)
        x, weights = normal_nodes((seams - a * self.phi(seams)) / width)
        g = width * x
        h = g / (1 - a * 0.5) if a else g
        for _ in range(_NEWTON if a else 0):
            change = (h - g - a * self.phi(h)) / (1 - a * self.slope(h))
            h = h - change
            if np.abs(change).max() <= _SMALL * (1 + np.abs(h).max()):
                break
        return weights, self.phi(h), self.slope(h)

    def means(self, v: float, chi: float) -> tuple[float, float, float]:
        """Return E z², E φ′/(1 − aφ′) and E (φ′/(1 − aφ′))²."""
        a = self.feedback(chi)
        weights, z, slopes = self.solved(v, a)
        moved = self.functions["transfer"](s=slopes, a=a)
        return float(weights @ z**2), float(weights @ moved), float(weights @ moved**2)


@lru_cache(maxsize=64)
def _compiled(kind: str, activation: Any) -> Mapping[str, Any]:
    return site_theory(kind, activation).compiled(erf=erf)


def functions_of(problem: Any, system: Any = None) -> Mapping[str, Any]:
    """The functions of a problem's derivation, or of a given one."""
    if system is not None:
        return dict(system.compiled(erf=erf))
    return _compiled(problem.kind, alike(problem.activation))


def site_of_functions(problem: Any, functions: Mapping[str, Any]) -> Site:
    """The site of a problem at its own scale."""
    return Site(problem, functions, problem.scale)
