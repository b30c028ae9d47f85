r"""The four effects of taking signs, as functions of a problem.

The drift of signSGD is :math:`\frac{\eta}{\sqrt P}\frac2\pi\Psi(R)D^{-1/2}K\delta` with
:math:`P=2R+\sigma^2` and noise of covariance :math:`K_\sigma`: an effective rate
:math:`\eta g(R)`, noise compression :math:`\Psi`, diagonal preconditioning and a reshaped noise
(names of arXiv 2411.12135, formulas derived here).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....theory.core.checks import positive
from ....theory.core.errors import InvalidInput, NotAvailable
from ....theory.methods import SignSGD
from ....theory.streaming.modes import Modes, modes_of, sign_geometry
from ....theory.streaming.problem import LeastSquares, check_stream
from ..expectations import Expectations, expectations
from ..stationary import stationary

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reshaping:
    """The noise of SGD and of signSGD in units of every coordinate's own spread.

    Attributes
    ----------
    correlation, sign_covariance : (d, d) arrays
        C, and K_σ = (2/π) arcsin C.
    """

    correlation: Array
    sign_covariance: Array

    @property
    def weak(self) -> Array:
        """K_σ to first order in the correlations, (2/π) C + (1 − 2/π) I."""
        share = 2 / math.pi
        return share * self.correlation + (1 - share) * np.eye(len(self.correlation))

    @property
    def spectra(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues of C and of K_σ, increasing."""
        plain, signs = map(np.linalg.eigvalsh, (self.correlation, self.sign_covariance))
        return plain, signs


@dataclass(frozen=True, eq=False)
class SignEffects:
    """What signs change against SGD on one problem; built by :func:`effects`.

    Attributes
    ----------
    problem : LeastSquares
    rate : float
        η of signSGD.
    """

    problem: Any
    rate: float

    @cached_property
    def _expectations(self) -> Expectations:
        return expectations(self.problem, SignSGD(self.rate))

    @cached_property
    def _modes(self) -> tuple[Modes, Modes]:
        """Modes of SGD and of signSGD."""
        return modes_of(self.problem, False), modes_of(self.problem, True)

    @property
    def _variance(self) -> float:
        return float(self.problem.noise.variance)

    def effective_rate(self, risk: Any) -> Array:
        """η g(R) = η φ(R)/√(2R), the rate of a mode over its λ; R > 0, any shape."""
        return self.rate * self._expectations.phi(risk) / np.sqrt(2 * np.asarray(risk, dtype=float))

    def compression(self, risk: Any) -> Array:
        """Ψ(R): above 1 the noise law helps signSGD, below 1 it hurts; inf where σ² is."""
        power = 2 * np.asarray(risk, dtype=float) + self._variance
        return math.pi / 2 * self.effective_rate(risk) / self.rate * np.sqrt(power)

    @property
    def compression_limits(self) -> tuple[float, float]:
        """Ψ(0) = √(2πσ²) f(0), with f the density of the noise, and Ψ(∞)."""
        if self._variance == 0:
            return 1.0, 1.0
        density = float(self.problem.noise.density_at_zero)
        at_zero = 0.0 if density == 0 else math.sqrt(2 * math.pi * self._variance) * density
        return at_zero, 1.0 if math.isfinite(self._variance) else math.inf

    @property
    def condition_numbers(self) -> tuple[float, float]:
        """tr K/(d μ_min) of SGD and tr D^½/(d λ_min) of signSGD, over directions that vary."""
        sgd, sign = (found.mean_rate / float(found.rates.min()) for found in self._modes)
        return sgd, sign

    @property
    def preconditioning(self) -> float:
        """Condition number of SGD over that of signSGD."""
        sgd, sign = self.condition_numbers
        return sgd / sign

    @property
    def reshaping(self) -> Reshaping:
        """C and K_σ, d² numbers each; finite d."""
        self.problem.covariance.check_expansion()
        seen = sign_geometry(self.problem.covariance)
        return Reshaping(seen.correlation, seen.sign_covariance)

    @property
    def rate_ratio(self) -> float:
        """Slowest linear rate of signSGD over that of SGD, at equal small stationary risk.

        (4/π²) Ψ(0)² cond_SGD/cond_sign; inf where σ² is, since SGD has no limit there.

        Raises
        ------
        InvalidInput
            No noise: SGD then has no stationary risk to compare at.
        """
        if self._variance == 0:
            remedy = "without noise SGD stalls at no risk, so there is nothing to compare at"
            raise InvalidInput("noise", self.problem.noise, remedy)
        at_zero, _ = self.compression_limits
        return 4 / math.pi**2 * at_zero**2 * self.preconditioning

    @cached_property
    def limit_risk(self) -> float:
        """Stationary risk, √(2R) φ(R) = η tr D^½/(2d): only the diagonal of K enters."""
        found = stationary(self.problem, SignSGD(self.rate))
        return float(found.roots[found.stable][0])

    @property
    def small_rate_risk(self) -> float:
        """Stationary risk to first order in η, η tr D^½/(4d √(8/π) f(0)).

        Raises
        ------
        NotAvailable
            The density of the noise at 0 is 0 or infinite: the law has another power there.
        """
        density = float(self.problem.noise.density_at_zero)
        if not 0 < density < math.inf:
            remedy = f"its density at 0 is {density:g}; the law needs one that is > 0 and finite"
            raise NotAvailable("noise", self.problem.noise, remedy)
        return self.rate * self._modes[1].mean_rate / (4 * math.sqrt(8 / math.pi) * density)

    @property
    def large_rate_risk(self) -> float:
        """Stationary risk for large η, π²η² (tr D^½)²/(32 d²): no rate diverges."""
        return (math.pi * self.rate * self._modes[1].mean_rate) ** 2 / 32


def effects(problem: LeastSquares, rate: float) -> SignEffects:
    """Return the four effects of signSGD on a problem as functions of the risk.

    Parameters
    ----------
    problem : LeastSquares
    rate : float
        η of signSGD: step size rate/d, t = k/d.

    Raises
    ------
    InvalidInput, InvalidType
        A rate that is not a number > 0.

    Examples
    --------
    >>> import limitlab as ll
    >>> found = ll.effects(ll.LeastSquares(ll.isotropic(1000), ll.Gaussian(0.5)), rate=0.3)
    >>> round(float(found.compression(0.1)), 12), round(found.rate_ratio, 6)
    (1.0, 0.405285)
    """
    check_stream(problem)
    return SignEffects(problem, positive("rate", rate))
