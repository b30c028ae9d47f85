r"""The two numbers of a rule and a noise law, as functions of the risk.

:math:`\mu(R)=E\,\psi'(\ell)`, :math:`N(R)=E\,\psi(\ell)^2`, and for signSGD
:math:`\phi(R)=\sqrt{2/\pi}\,\sqrt{2R}\,\mu(R)`, evaluated by the compiled code of the System.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...theory.core.checks import array
from ...theory.core.errors import InvalidInput, NotAvailable
from ...theory.methods.base import Method
from ...theory.streaming.derive import Binding, bind, derive
from ...theory.streaming.problem import LeastSquares
from ..core.compile import load


@dataclass(frozen=True, eq=False)
class Expectations:
    """μ(R) and N(R) of one problem and method, vectorised in R (any shape, R >= 0)."""

    binding: Binding
    module: Any
    acts_on: str
    variance: float

    def mu(self, risk: Any, time: float = 0.0) -> np.ndarray:
        """Mean slope E ψ′(ℓ), the factor by which the rule reduces descent."""
        return self._at(risk, time)[0]

    def N(self, risk: Any, time: float = 0.0) -> np.ndarray:
        """Mean square E ψ(ℓ)²."""
        return self._at(risk, time)[1]

    def nu(self, risk: Any, time: float = 0.0) -> np.ndarray:
        """Variance-reduction factor N/(2R + σ²); refused where σ² is infinite."""
        if not np.isfinite(self.variance):
            raise InvalidInput("noise", self.variance, "nu needs finite variance; use N instead")
        return self.N(risk, time) / (2 * np.asarray(risk, dtype=float) + self.variance)

    def phi(self, risk: Any, time: float = 0.0) -> np.ndarray:
        """First-order correlation of the signs, (2/π) E exp(−ε²/4R); coordinate-wise rules only."""
        if self.acts_on != "coordinate":
            raise NotAvailable("phi", self.acts_on, "belongs to coordinate-wise methods; use mu, N")
        return 2 * np.sqrt(np.asarray(risk, dtype=float) / np.pi) * self.mu(risk, time)

    def _at(self, risk: Any, time: float) -> tuple[np.ndarray, np.ndarray]:
        grid = np.atleast_1d(np.asarray(risk, dtype=np.float64))
        flat = array("risk", grid.ravel(), 1)
        if flat.min() < 0:
            raise InvalidInput("risk", float(flat.min()), "give risks >= 0")
        b = self.binding
        pair = self.module.expectations_at(
            np.array(flat), float(time), b.p, b.weights, b.means, b.scales
        )
        shape = np.shape(risk)
        return tuple(part.reshape(shape) for part in pair)


def expectations(problem: LeastSquares, method: Method) -> Expectations:
    """Return μ(R) and N(R) of a method on a problem, compiled from the derivation.

    Raises
    ------
    NoLimit, NotAvailable
        As :func:`limitlab.derive`.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LeastSquares(ll.isotropic(100), ll.Gaussian(0.5))
    >>> found = ll.expectations(problem, ll.ClippedSGD(0.5, threshold=1.0))
    >>> bool(found.mu(0.1) < 1)
    True
    """
    system = derive(problem, method)
    module = load(system.source, "streaming/expectations")
    return Expectations(
        bind(system, problem, method), module, method.acts_on, float(problem.noise.variance)
    )
