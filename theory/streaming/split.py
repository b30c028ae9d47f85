r"""The split equations of sign methods: a mean path :math:`\mu`, and fluctuations around it.

With :math:`x_i=\sqrt{K_{ii}}\,\xi`, :math:`\langle x,\delta\rangle=\sqrt{2R}\,g` and
:math:`\rho_i=E\,\xi g`, Price's theorem gives the mean sign of one sample from its slope,

.. math:: \frac{d}{d\rho}E\,\mathrm{sign}(\xi\ell)=E\,\partial_\xi\mathrm{sign}(\xi)\;
          \partial_g\mathrm{sign}(\sqrt{2R}\,g-\epsilon),

in which :math:`\xi=0`, so that g has the variance :math:`1-\rho^2` and the mean slope of the sign
is the one at the risk :math:`R(1-\rho^2)`. To first order in ρ this is the decay A of the modes,
which replaces that slope. The mean of a vote of n − 1 signs whose mean is x, and of the sign of a
mean of n Gaussian residuals whose correlation with the input is x, is :math:`S_n(x)`. Itô's
formula gives the fluctuations (derived here, after arXiv 2411.12135).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp

from ..core.ito import ito
from ..core.printer import latex
from ..core.symbols import decay_rate, dimension, risk, source_weight
from ..core.system import Step, narrate, typeset

#: decay of the modes, A(R), and the strength B of their source
decay, source_strength = sp.Function("A"), sp.Symbol("B", positive=True)
#: η, a coordinate's variance K_ii and its entry of K μ
size, variance = sp.Symbol("eta", positive=True), sp.Symbol("K_ii", positive=True)
pull = sp.Symbol("h_i", real=True)
#: the energy f_i of the fluctuations, the coordinate's mean sign, and w_iᵀ E s
energy = sp.Symbol("f_i", nonnegative=True)
mean_sign, overlap = sp.symbols("s_i a_i", real=True)
correlation = sp.Symbol("rho_i", real=True)
#: the path's entry μ_i, and how many coordinates are alike
entry, count = sp.Symbol("mu_i", real=True), sp.Symbol("n_i", positive=True)
#: n of S_n, at least 2
order = sp.Symbol("n", positive=True)
_fluctuation, _angle, _value = sp.symbols("u_i theta v", real=True)
_mean_slope = sp.Function("mu")


@dataclass(frozen=True)
class SplitSystem:
    """The right-hand side of the split equations, a derivation.

    Attributes
    ----------
    correlation : sympy expression
        ρ_i.
    linear, exact : sympy expressions
        E s_i of one sample: to first order in ρ_i, and exact.
    saturation : sympy expression
        S_n of `mean_sign`.
    path, fluctuation : sympy expressions
        dμ_i/dt and df_i/dt.
    share : sympy expression
        What a coordinate, or n_i equal ones with f_i as their sum, adds to R.
    steps : tuple of Step
        The derivation.
    """

    correlation: Any
    linear: Any
    exact: Any
    saturation: Any
    path: Any
    fluctuation: Any
    share: Any
    steps: tuple[Step, ...]

    name = "split"

    def sign(self, curved: bool, batch_order: int) -> Any:
        """Return E s_i in ρ_i: of one sample, of a vote or of the sign of a batch's mean.

        Parameters
        ----------
        curved : bool
            Whether a single sample's sign enters by its exact mean.
        batch_order : int
            n of S_n; 0 where nothing saturates.
        """
        single = self.exact if curved else self.linear
        if not batch_order:
            return single
        saturation = self.saturation.subs(order, batch_order)
        at_zero = sp.diff(saturation, mean_sign).subs(mean_sign, 0)
        return saturation.subs(mean_sign, single / at_zero)

    @property
    def diagonal(self) -> Any:
        """df_i/dt where K is diagonal: w_i has one entry, whose square is q_i/λ_i."""
        along = sp.sqrt(source_weight / decay_rate) * mean_sign
        return self.fluctuation.subs(overlap, along)

    def latex(self, environment: str | None = None) -> str:
        """Return the equations in LaTeX, one a line, or in an environment of amsmath."""
        lines = [
            (latex(correlation), latex(self.correlation)),
            (latex(mean_sign), latex(self.exact)),
            ("R", rf"\sum_i {latex(self.share)}"),
            (r"\dot{\mu}_i", latex(self.path)),
            (r"\dot{f}_i", latex(self.fluctuation)),
            ("S_n", latex(self.saturation)),
        ]
        return typeset(lines, environment)

    def explain(self) -> str:
        """Return the derivation."""
        return narrate(self.steps)


@lru_cache(maxsize=1)
def derive_split() -> SplitSystem:
    """Derive the split equations of a sign method whose modes have the decay A(R) and the source B.

    Both are those of the method's limit, for votes and batches too.
    """
    slope = _slope_of_mean()
    ratio = pull / sp.sqrt(2 * risk * variance)
    # where ρ is small the path decays as the modes do, whose energies are squares
    first = 2 * size * slope.subs(correlation, 0) / sp.sqrt(2 * risk)
    (known,) = sp.solve(sp.Eq(decay(risk), first), _mean_slope(risk))
    by_decay = slope.replace(_mean_slope, lambda r: known.subs(risk, r))
    linear = by_decay.subs(correlation, 0) * correlation
    turned = by_decay.subs(correlation, sp.sin(_angle)) * sp.cos(_angle)
    turned = turned.subs(1 - sp.sin(_angle) ** 2, sp.cos(_angle) ** 2)
    exact = sp.Integral(turned, (_angle, 0, sp.asin(correlation)))
    fluctuation = _fluctuations()
    steps = (
        Step("Price's theorem on sign(ξ) sign(√(2R) g − ε)", "dE[s_i]/dρ_i", slope),
        Step("the decay of the modes, where ρ_i is small", "A(R)", first),
        Step("… and so, from 0 to ρ_i = sin θ", "E[s_i]", exact),
        Step("Itô on λ_i u²/2, covariance of a step K_σ − E s E sᵀ", "df_i/dt", fluctuation),
    )
    path, share = -size * mean_sign, count * entry * pull / 2 + energy
    return SplitSystem(ratio, linear, exact, _saturation(), path, fluctuation, share, steps)


def _slope_of_mean() -> Any:
    """dE[sign(ξ) sign(√(2R) g − ε)]/dρ: the jump of the first sign, the slope of the second."""
    jump = sp.diff(sp.sign(_value), _value)
    density = sp.exp(-(_value**2) / 2) / sp.sqrt(2 * sp.pi)
    second = sp.sqrt(2 * risk) * _mean_slope(risk * (1 - correlation**2))
    return sp.integrate(jump * density, (_value, -sp.oo, sp.oo)) * second


def _saturation() -> Any:
    """S_n of a mean sign: the integral of (1 − v²)^(n/2 − 1), v = sin θ, which is 1 at 1."""
    density = sp.cos(_angle) ** (order - 2) * sp.diff(sp.sin(_angle), _angle)

    def up_to(end: Any) -> Any:
        return sp.Integral(density, (_angle, 0, sp.asin(end)))

    return up_to(mean_sign) / up_to(sp.S.One)


def _fluctuations() -> Any:
    """df_i/dt of f_i = λ_i u²/2 along a left vector w_i with w_iᵀ K_σ w_i = q_i/λ_i."""
    spread = 2 * source_strength / dimension * (source_weight / decay_rate - overlap**2)
    pulled = -decay(risk) * decay_rate * _fluctuation / 2
    change = ito(decay_rate * _fluctuation**2 / 2, _fluctuation, pulled, spread)
    return sp.expand(change).subs(_fluctuation**2, 2 * energy / decay_rate)
