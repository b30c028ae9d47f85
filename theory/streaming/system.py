r"""The narrow waist: one symbolic system, lowered to curves, paths, code and LaTeX.

Every streaming method has the same form. With mode energies :math:`y_i` that sum to the risk,

.. math:: \dot y_i = -A(R,t)\,\lambda_iy_i + B(R,t)\,\frac{q_i}{d},\qquad R=\sum_iy_i ,

and A, B are read off ``System.drift`` and ``System.source_term``; nothing is typed a second time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy as sp

from ..core.errors import InvalidInput
from ..core.printer import ARRAYS, PRELUDE, SourcePrinter
from ..core.printer import latex as formula
from ..core.symbolic import Parameter
from ..core.symbols import decay_rate, dimension, energy, residual, risk, same_mode, source_weight
from ..core.system import Derived, Step, narrate, typeset
from .letters import letters
from .noise_parts import NoiseParts, noise_parts
from .transform_printer import transform_functions

COEFFICIENT = f"R, t, p, {ARRAYS}"


@dataclass(frozen=True)
class ModeSystem(Derived):
    """The limit of a streaming method, a `System`: equations of the mode energies.

    Attributes
    ----------
    name : str
        Name of the method.
    drift, source_term : sympy expressions
        The two parts of dy_i/dt: proportional to y_i, and free of it.
    rate : sympy expression
        η, the step size times d.
    definitions : tuple of (applied function, expression)
        μ, N and, for a schedule, η(t).
    rule : sympy expression or None
        ψ(ℓ), from which the finite-dimensional step is compiled.
    acts_on : str
        ``"residual"``, ``"norm"`` or ``"coordinate"``.
    parameters : tuple of Parameter
    noise_form : str
        ``"closed"``: the noise is in the formulas; ``"mixture"`` or ``"nodes"``: it is an array of
        Gaussian components, or of quadrature nodes of its density.
    steps : tuple of Step
        The derivation.
    covariance : sympy expression or None
        G_ij = d Cov(dy_i, dy_j)/dt of one step, in both modes; None where only the mean is derived.
    """

    name: str
    drift: Any
    source_term: Any
    rate: Any
    definitions: tuple[tuple[Any, Any], ...]
    rule: Any
    acts_on: str
    parameters: tuple[Parameter, ...]
    noise_form: str
    steps: tuple[Step, ...] = ()
    covariance: Any = None

    @property
    def numbers(self) -> tuple[Any, ...]:
        """The symbols of the parameters."""
        return tuple(parameter.symbol for parameter in self.parameters)

    @cached_property
    def beside_rate(self) -> tuple[Parameter, ...]:
        """The parameters but those that the rate alone reads."""
        formulas = [self.rule, *(value for _, value in self.definitions if value != self.rate)]
        read = set().union(*(sp.sympify(f).free_symbols for f in formulas if f is not None))
        return tuple(
            q
            for q in self.parameters
            if (q.owner, q.field) != ("method", "rate") or q.symbol in read
        )

    @property
    def decay(self) -> Any:
        """A(R, t) in dy_i/dt = −A λ_i y_i + B q_i/d."""
        return _free(-self.drift / (decay_rate * energy), "drift", self.drift)

    @property
    def source_strength(self) -> Any:
        """B(R, t) in dy_i/dt = −A λ_i y_i + B q_i/d."""
        ratio = self.source_term * dimension / source_weight
        return _free(ratio, "source_term", self.source_term)

    @property
    def noise(self) -> NoiseParts:
        """D, E, F and H of the one-step covariance (:mod:`.noise_parts`)."""
        return noise_parts(self.covariance)

    @cached_property
    def mean(self) -> ModeSystem:
        """The same system without its covariance: all that the risk ODE takes."""
        if self.covariance is None:
            return self
        equations = self.drift + self.source_term
        kept = tuple(
            (name, value)
            for name, value in self.definitions
            if equations.has(name) or not self.covariance.has(name)
        )
        return replace(self, covariance=None, definitions=kept)

    @property
    def jacobian(self) -> Any:
        """J_ij = ∂(dy_i/dt)/∂y_j: through the mode itself, and through R."""
        own = same_mode * sp.diff(self.drift, energy)
        return own + sp.diff(self.drift + self.source_term, risk)

    @property
    def relaxation(self) -> Any:
        """Drift coefficient a in du_i = −a u_i dt + √v dW_i, y_i = λ_i u_i²/2."""
        return sp.cancel(-self.drift / (2 * energy))

    @property
    def diffusion(self) -> Any:
        """Variance v per unit time in du_i = −a u_i dt + √v dW_i, y_i = λ_i u_i²/2."""
        return sp.cancel(2 * self.source_term / decay_rate)

    @cached_property
    def source(self) -> str:
        """The generated code: rate, rule, mu, power, decay, source, and the noise's four parts."""
        return generate(self)

    def latex(self, environment: str | None = None) -> str:
        """Return the equations in LaTeX, one a line.

        Parameters
        ----------
        environment : str, optional
            ``"align"`` (or another environment of amsmath) wraps them.
        """
        return typeset(self._equations(), environment)

    def explain(self) -> str:
        """Return the derivation, from the one-step mean and covariance to the equations."""
        return narrate(self.steps)

    def _equations(self) -> list[tuple[str, str]]:
        renamed = letters(q.symbol for q in self.parameters)

        def latex(expression: Any) -> str:
            return formula(sp.sympify(expression).xreplace(renamed))

        a, v = latex(self.relaxation), latex(self.diffusion)
        y, lam = latex(energy), latex(decay_rate)
        equations = [
            (r"\dot{y}_{i}", latex(self.drift + self.source_term)),
            ("R", rf"\sum_i {y}"),
            (r"du_i", rf"-{a} u_i\,dt + \sqrt{{{v}}}\,dW_i"),
            (y, rf"\frac{{1}}{{2}}{lam} u_i^2"),
        ]
        if self.rule is not None:
            equations.append((r"\psi\left(\ell\right)", latex(self.rule)))
        if self.covariance is not None:
            equations += [
                (r"G_{ij}", latex(self.covariance)),
                (r"J_{ij}", latex(self.jacobian)),
                (r"\dot{\Sigma}", r"J\Sigma + \Sigma J^{T} + \frac{1}{d}G"),
                (r"\mathrm{Var}\,R", r"\sum_{ij} \Sigma_{ij}"),
            ]
        equations += [(latex(f), latex(e)) for f, e in self.definitions]
        return equations + [
            (formula(new), rf"\mathrm{{{old.name.replace('_', ' ')}}}")
            for old, new in renamed.items()
            if new != old
        ]


#: names that the functions of the formulas have in generated code
FUNCTIONS = {
    "mu": "mu",
    "N": "power",
    "g_A": "mu",
    "s_A^2": "power",
    "chi": "chi",
    "zeta": "zeta",
    "M_4": "fourth",
}


def generate(system: ModeSystem) -> str:
    """Return the Python source of a system, to be compiled after a header and the helpers.

    It defines ``rate(t, p)``, ``rule(ell, t, p)`` and, as functions of (R, t, p, weights, means,
    scales), ``mu``, ``power``, ``decay`` (A) and ``source`` (B); with a covariance also its moments
    ``chi``, ``zeta``, ``fourth`` and its parts ``noise_diagonal`` (D), ``noise_pair`` (E),
    ``noise_cross`` (F) and ``noise_source`` (H).
    """
    calls = {name: f"{code}({COEFFICIENT})" for name, code in FUNCTIONS.items()}
    printer = SourcePrinter(
        tuple(q.symbol for q in system.parameters), calls | {"eta": "rate(t, p)"}
    )
    given = {f.func.__name__: expression for f, expression in system.definitions}
    coefficients = {FUNCTIONS[name]: given[name] for name in FUNCTIONS if name in given}
    coefficients |= {"decay": system.decay, "source": system.source_strength}
    if system.covariance is not None:
        coefficients |= {f"noise_{name}": part for name, part in vars(system.noise).items()}
    functions = [
        printer.function("rate", "t, p", system.rate),
        *([] if system.rule is None else [printer.function("rule", "ell, t, p", system.rule)]),
        *(printer.function(n, COEFFICIENT, e, floor=True) for n, e in coefficients.items()),
    ]
    functions += transform_functions(printer, given)
    return "\n\n".join([PRELUDE, *printer.functions, *functions])


def _free(ratio: Any, field: str, given: Any) -> Any:
    ratio = sp.cancel(ratio)
    if ratio.has(energy, decay_rate, source_weight, residual):
        raise InvalidInput(
            field, given, "must be linear in the mode: drift ∝ λ_i y_i, source_term ∝ q_i/d"
        )
    return ratio
