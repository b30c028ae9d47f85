r"""The covariance of one step of the mode energies, by Stein's lemma.

With h = ψ(ℓ), the step −(η/d) h x changes y_i = λ_i u_i²/2 by

.. math:: \Delta y_i=-\frac\eta d\lambda_ihg_i+\frac{\eta^2}{2d^2}q_ih^2,\qquad g_i=u_ix_i,

where the g_i are independent normals of variance 2y_i and sum to ℓ + ε. Stein's lemma turns each
moment of (h, g_i, g_j) into a derivative of a power of ψ (derived here; the papers keep the second
moment of the step only).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp

from ..core.symbols import (
    decay_rate,
    dimension,
    energy,
    other_decay_rate,
    other_energy,
    other_source_weight,
    risk,
    same_mode,
    source_weight,
)
from ..core.system import Step
from .batches import is_radial, sign_pairs, step_noise
from .ingredients import Setting, named
from .system import ModeSystem

#: h, and g of the two modes
h, g_i, g_j = sp.symbols("h g_i g_j", real=True)


def with_covariance(system: ModeSystem, given: Setting) -> ModeSystem:
    """Return a system with the covariance of one step, its moments and the derivation added.

    Raises
    ------
    NoLimit
        A moment of the noise that the covariance needs is infinite.
    """
    mu, power = (name for name, _ in system.definitions[:2])
    mean = given.kappa * mu
    definitions: tuple[tuple[Any, Any], ...] = ()
    if given.method.acts_on == "coordinate":
        chi, definitions, opening = _pairs_of_signs(given, mean, power)
        zeta, fourth = mean * power, power**2
    else:
        values = step_noise(given, {"mu": mu, "N": given.method.batch * power, **_moments(given)})
        definitions = tuple((named(name, value), value) for name, value in values.items())
        chi, zeta, fourth = (name for name, _ in definitions)
        opening = tuple(Step(_TEXTS[str(f.func)], f, value) for f, value in definitions)
    covariance, steps = _one_step(given.eta, _stein(mean, power, chi, zeta, fourth))
    used: set[Any] = set().union(*(e.free_symbols for _, e in definitions))
    new = tuple(q for q in given.known if q.symbol in used and q not in system.parameters)
    return replace(
        system,
        definitions=system.definitions + definitions,
        parameters=system.parameters + new,
        steps=(*system.steps, *opening, *steps),
        covariance=covariance,
    )


def _pairs_of_signs(given: Setting, mean: Any, power: Any) -> tuple[Any, Any, tuple[Step, ...]]:
    """Return χ of a step of signs, what it is defined by, and how it came about."""
    if not is_radial(given):
        chi = sign_pairs(given, mean, power)
        return chi, (), (*_SIGNS, Step(_TEXTS["pairs"], "χ", chi))
    value = sp.sympify(step_noise(given, {})["chi"])
    name = named("chi", value)
    steps = (
        *_SIGNS,
        Step(_TEXTS["chi"], name, value),
        Step(_TEXTS["radial"], "E[W²] − 1", 2 * risk * name),
    )
    return given.kappa**2 * name, ((name, value),), steps


def _moments(given: Setting) -> dict[str, Any]:
    """Return χ = E (ψ²)″, ζ = E (ψ³)′ and M₄ = E ψ⁴ of the step of one sample."""
    values = {"chi": given.mean(2, 2), "zeta": given.mean(3, 1), "M_4": given.mean(4, 0)}
    return {name: sp.sympify(value) for name, value in values.items()}


def _stein(mu: Any, power: Any, chi: Any, zeta: Any, fourth: Any) -> dict[Any, Any]:
    """Return the means of the monomials in h, g_i, g_j that a step and its square hold."""
    y_i, y_j = energy, other_energy
    return {
        h * g_i: 2 * y_i * mu,
        h * g_j: 2 * y_j * mu,
        h**2: power,
        h**2 * g_i * g_j: 2 * y_i * power * same_mode + 4 * y_i * y_j * chi,
        h**3 * g_i: 2 * y_i * zeta,
        h**3 * g_j: 2 * y_j * zeta,
        h**4: fourth,
    }


def _one_step(eta: Any, means: dict[Any, Any]) -> tuple[Any, tuple[Step, ...]]:
    """Return G_ij = d² Cov(Δy_i, Δy_j), d steps a unit of time, and how it came about."""
    d = dimension
    one = _increment(eta, decay_rate, g_i, source_weight)
    other = _increment(eta, other_decay_rate, g_j, other_source_weight)
    square = _mean(one * other, means)
    covariance = sp.expand(d**2 * (square - _mean(one, means) * _mean(other, means)))
    steps = (
        Step(
            "one step changes the energy of a mode, with h = ψ(ℓ) and g_i = u_i x_i, by",
            "Δy_i",
            one,
        ),
        *(
            Step("Stein, with g_i of variance 2 y_i", f"E[{m}]", means[m])
            for m in (h * g_i, h**2 * g_i * g_j, h**3 * g_i)
        ),
        Step(
            "the covariance of one step, times d for d steps a unit of time and d more for its "
            "size",
            "G_ij",
            covariance,
        ),
    )
    return covariance, steps


def _increment(eta: Any, rate: Any, product: Any, weight: Any) -> Any:
    """Return λ u Δu + λ Δu²/2 for Δu = −(η/d) h x, the mean of x² being q/λ."""
    size = eta / dimension
    return -size * rate * h * product + size**2 * weight * h**2 / 2


def _mean(polynomial: Any, means: dict[Any, Any]) -> Any:
    """Replace every monomial in h, g_i, g_j by its mean."""
    terms = sp.Poly(sp.expand(polynomial), h, g_i, g_j).terms()
    return sum(factor * means[h**a * g_i**b * g_j**c] for (a, b, c), factor in terms)


_TEXTS = {
    "chi": "Stein twice: E[h² g_i g_j] = E[h²] E[g_i g_j] + 4 y_i y_j χ with E (ψ²)″, in which "
    "jumps of (ψ²)′ count with the density of ℓ and jumps of ψ² with minus its slope",
    "pairs": "independent coordinates have the covariance E[s_i] E[s_j] of single signs, and steps "
    "whose second moment is the product of their means",
    "radial": "given the residuals, coordinate i of the mean gradient over its size is ρ_i W and a "
    "normal number of variance 1 − ρ_i², W = Σ ℓ_b⟨x_b, δ⟩/(S √(2R)), so that signs have the "
    "second moment K_σ + (2/π) (E[W²] − 1) ρρᵀ, E[W²] by Stein",
    "zeta": "Stein for the cube: E (ψ³)′",
    "M_4": "mean fourth power, E ψ⁴",
}
_SIGNS = (
    Step(
        "for signs h g_i stands for s_i u_i with s the step of a coordinate, and h² does not "
        "fluctuate; the second moment of s is that of steps without signal (N K_σ, or the "
        "covariance of votes; diagonal K here) and a term χ of the order of its squared mean",
        "cov(s)",
        "N K_σ + (χ − (E[s]/Kδ)²) KδδᵀK",
    ),
)
