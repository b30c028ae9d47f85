r"""The step of a batch of B samples: its mean, its size and its fluctuations.

Averaged steps keep their mean, and every covariance of a step is divided by B. A rule that acts on
the mean gradient makes a radial field of the residuals ℓ ∈ R^B, since given them the mean gradient
is normal, beside its part along Kδ, with covariance S²K/B² and S = ‖ℓ‖: the step is
−(η/d) Σ h_b x_b with h = F(S) ℓ. Stein's lemma in R^B then takes

.. math:: \mu=E\,\mathrm{div}\,h,\quad N=E|h|^2,\quad\chi=E\sum_{ab}\partial_a\partial_b(h_ah_b),
   \quad\zeta=E\,\mathrm{div}(|h|^2h),\quad M_4=E|h|^4

(derived here, after arXiv 2411.12135 and 2406.11733). Only the law of S enters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from ..core.errors import NotAvailable
from ..core.symbols import batch_size, residual, risk
from ..core.system import Step
from ..expectation import Piece, mean_slope, norms, pieces
from .ingredients import Setting
from .votes import gain, slope_of_covariance

B = batch_size
#: norm of the residuals of a batch, and argument of the transform of one squared residual
norm = sp.Symbol("S", positive=True)
frequency = sp.Symbol("s", positive=True)


def is_radial(given: Setting) -> bool:
    """Whether the rule acts on the mean gradient of several samples (a linear one is the same on
    each)."""
    method = given.method
    return method.batch > 1 and method.pool == "mean" and len(given.parts) > 1


def step_moments(given: Setting) -> tuple[Any, Any]:
    """Return μ and N of the step of a method, for any batch."""
    if is_radial(given):
        field = radial_field(given.parts)
        return field.divergence(1), field.power(2)
    mu, power = given.mean(1, 1), given.mean(2, 0)
    if given.method.pool == "both":
        return sp.sympify(gain(given.method.batch)) * mu, power
    return mu, power / B if given.method.batch > 1 else power


def step_noise(given: Setting, single: Mapping[str, Any]) -> dict[str, Any]:
    """Return χ, ζ and M₄ of the step of a batch.

    Parameters
    ----------
    given : Setting
    single : mapping
        "mu", "N", "chi", "zeta" and "M_4" of one sample, for steps that are averaged.
    """
    if given.method.batch == 1:
        return {name: single[name] for name in ("chi", "zeta", "M_4")}
    if is_radial(given):
        field = radial_field(given.parts)
        return {"chi": field.pair(), "zeta": field.divergence(3), "M_4": field.power(4)}
    mu, power = single["mu"], single["N"]
    return {
        "chi": single["chi"] / B + (1 - 1 / B) * mu**2,
        "zeta": (single["zeta"] + (B - 1) * power * mu) / B**2,
        "M_4": (single["M_4"] + (B - 1) * power**2) / B**3,
    }


def sign_pairs(given: Setting, mean: Any, power: Any) -> Any:
    """Return χ of signs that are taken one by one: E[s_i s_j] = V(c_ij) + χ (K δ)_i (K δ)_j/….

    V(c) is the covariance of the steps of two coordinates without signal whose single signs have
    the covariance c. Independent coordinates with signal have c = E[s_i] E[s_j], and there the
    second moment is the product of the means of the steps: that gives χ, to second order.

    Parameters
    ----------
    given : Setting
        Of a sign of one sample, a mean of signs or a majority vote.
    mean : sympy expression
        Mean of the step over K δ.
    power : sympy expression
        Mean square N of the step.
    """
    if given.method.pool == "both":
        batch = given.method.batch
        single = mean / sp.sympify(gain(batch))
        return mean**2 - sp.sympify(slope_of_covariance(batch)) * single**2
    return mean**2 - power * mean**2


def transform(given: Setting) -> tuple[tuple[Any, Any], ...]:
    """Return the definitions through which the law of S enters; none where it does not.

    E e^(−sℓ²) is a normal density of variance 1/(2s) folded with the law of ℓ: twice the density of
    ℓ at 0, which is the slope of the sign rule, at the risk R + 1/(4s).
    """
    if not is_radial(given):
        return ()
    slope, s = sp.Function("mu_sign"), frequency
    signs = pieces(sp.sign(residual), residual, {})
    value = mean_slope(signs, given.noise.laws, given.moments)
    law = sp.sqrt(sp.pi / s) / 2 * slope(risk + 1 / (4 * s))
    return (sp.Function("L")(s), law), (slope(risk), value)


def batch_steps(given: Setting) -> tuple[Step, ...]:
    """Return what the derivation says about the batch; nothing for one sample."""
    if given.method.batch == 1:
        return ()
    if not is_radial(given):
        return (Step(_TEXTS[given.method.pool], "B", sp.Integer(given.method.batch)),)
    field = radial_field(given.parts)
    through = "the law of S enters by the transform of one residual: E e^(−sS²) = L(s)^B"
    return (
        Step(
            _TEXTS["mean"],
            "F(S)",
            sp.Piecewise((field.inside, norm <= field.edge), (field.outside, True)),
        ),
        *(Step(through, *line) for line in transform(given)[:1]),
    )


_TEXTS = {
    "each": "a batch averages the steps of its samples: μ stays and N is divided by B",
    "mean": "the rule acts on the mean gradient of a batch: given the residuals that is normal, "
    "beside its part along Kδ, with covariance S² K/B², S = ‖ℓ‖; the step is −(η/d) Σ h_b x_b with "
    "h = F(S) ℓ, F = ψ(S/B)/S, and below μ = E div h, N = E|h|²",
    "both": "the vote of B signs multiplies a small mean by B binom(B−1, (B−1)/2)/2^(B−1); the "
    "covariances of signs become those of votes",
}


@dataclass(frozen=True)
class RadialField:
    """h = F(S) ℓ in R^B: F inside and outside the sphere S = edge, continuous across it."""

    inside: Any
    outside: Any
    edge: Any

    def power(self, k: int) -> Any:
        """Return E|h|^k."""
        return _tidy(self._mean(lambda f: (f * norm) ** k))

    def divergence(self, k: int) -> Any:
        """Return E div(|h|^(k−1) h)."""
        return self._mean_divergence(lambda f: f**k * norm ** (k - 1))

    def pair(self) -> Any:
        """Return E Σ ∂_a ∂_b (h_a h_b): the divergence of F² ℓ ℓᵀ by rows is radial again."""
        return self._mean_divergence(lambda f: norm * sp.diff(f**2, norm) + (B + 1) * f**2)

    def _mean_divergence(self, factor: Callable[[Any], Any]) -> Any:
        """Return E div(T(S) ℓ), T made from F; a jump of T counts with the density of S."""
        smooth = self._mean(lambda f: norm * sp.diff(factor(f), norm) + B * factor(f))
        if self.edge == 0:
            return _tidy(smooth)
        jump = (factor(self.outside) - factor(self.inside)).subs(norm, self.edge)
        weight = norms.norm_density(risk, self.edge, B)
        return _tidy(smooth + self.edge * sp.simplify(jump) * weight)

    def _mean(self, function: Callable[[Any], Any]) -> Any:
        """Return the mean of a function of F, which is a sum of powers of S on either side."""
        outer = _sum_of_powers(function(self.outside), self._outer)
        if self.edge == 0:
            return outer
        return outer + _sum_of_powers(function(self.inside), self._inner)

    def _inner(self, k: int) -> Any:
        """E[S^k; S ≤ e]."""
        within = norms.norm_within(risk, self.edge, B)
        if k == 0:
            return within
        capped = {2: norms.norm_capped_square, 4: norms.norm_capped_fourth}[k]
        return capped(risk, self.edge, B) - self.edge**k * (1 - within)

    def _outer(self, k: int) -> Any:
        """E[S^k; S > e]."""
        if self.edge == 0:
            # E 1/S² is infinite for two samples, but only its product with B − 2 is asked for
            flux = norms.norm_flux(risk, B) / (B - 2)
            return {0: sp.S.One, -1: norms.norm_mean_inverse(risk, B), -2: flux}[k]
        if k == 0:
            return 1 - norms.norm_within(risk, self.edge, B)
        inverse = {-1: norms.norm_inverse, -2: norms.norm_inverse_square}[k]
        return inverse(risk, self.edge, B)


def radial_field(parts: tuple[Piece, ...]) -> RadialField:
    """Return the field of an odd rule on the mean gradient, given by its pieces.

    Raises
    ------
    NotAvailable
        A rule that is not a line up to one kink and constant from there on.
    """
    factors = [sp.expand(p.value.subs(residual, norm / B) / norm) for p in parts]
    inside, outside = (factors[-2] if len(parts) == 3 else sp.S.Zero), factors[-1]
    if len(parts) > 3 or inside.has(norm) or (outside * norm).has(norm):
        remedy = "on the mean gradient: a line up to one kink and constant from there on"
        raise NotAvailable("rule", [p.value for p in parts], remedy)
    return RadialField(inside, outside, B * parts[-1].lower)


def _sum_of_powers(function: Any, mean: Callable[[int], Any]) -> Any:
    """Replace every power of S by its mean."""
    terms = (term.as_coeff_exponent(norm) for term in sp.Add.make_args(sp.expand(function)))
    return sp.Add(*(c * mean(int(k)) for c, k in terms if c != 0))


def _tidy(expression: Any) -> Any:
    """Collect the means over S, each with one factor."""
    means = sorted(expression.atoms(norms.NormMean), key=str)
    return sp.collect(sp.expand(expression), means, sp.factor)
