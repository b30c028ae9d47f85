r"""Adam on streaming least squares: a conjectured limit (after arXiv 2411.12135, derived here).

The step sees the past through two averages, :math:`\mathrm{EMA}_\beta(y)=(1-\beta)\sum_{l\ge0}
\beta^ly_{-l}`. Three limits, by how long they remember beside d steps:

``"short"``
    both forget within o(d) steps. With :math:`\xi\sim N(0,1)`, :math:`z\sim N(0,2R)` and
    :math:`\ell=z-\epsilon`,

    .. math:: g_A=\frac1{2R}E\frac{\mathrm{EMA}_{\beta_1}(\xi^2\ell z)}
              {\sqrt{\mathrm{EMA}_{\beta_2}(\xi^2\ell^2)}},\qquad
              s_A^2=E\Big[\Big(\xi_0\ell_0\sum_{l\ge0}\frac{(1-\beta_1)\beta_1^l}{\sqrt{v_l}}\Big)^2
              \Big],

    the mean of a step and the long-run variance of the correlated steps.
``"slow-variance"``
    :math:`\beta_2=1-c_2/d`: v follows the residual power on the scale of t.
``"slow"``
    :math:`\beta_1=1-c_1/d` too: m is a state of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import sympy as sp

from ..core.errors import NoLimit, NotAvailable
from ..core.ito import ito
from ..core.symbolic import Block, Parameter, twin
from ..core.symbols import decay_rate, dimension, energy, risk, source_weight, t
from ..core.system import Step
from ..core.tabulated import lookup
from ..methods.base import Method
from ..streaming.problem import LeastSquares
from ..streaming.system import ModeSystem
from .choice import BLOCK, LARGEST_ERROR, choose_memory, forgets, memory_error
from .memory import MemorySystem, memory_system
from .stream import Sample, drift_sample, variance_sample


class stream_mean(sp.Function):  # noqa: N801
    """A mean over the stationary stream of gradients at risk R, tabulated in log R.

    Arguments: the risk, the symbol of the table, and the `Sample` that is averaged.
    """

    nargs = 3

    def _latex(self, printer: Any, exp: Any = None) -> str:
        text = printer._print(self.args[2])
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"

    def _sympystr(self, printer: Any) -> str:
        return printer._print(self.args[2])

    def _pythoncode(self, printer: Any) -> str:
        return printer.doprint(sp.exp(lookup(sp.log(self.args[0]), self.args[1])))


@dataclass(frozen=True)
class StreamTable(Block):
    """The table of a `stream_mean`; its knots are (log R, log of the mean) of the owner's field."""

    def block(self, owners: Any) -> list[float]:
        means = owners[self.owner]
        return [means.log_risk.size, *means.log_risk, *getattr(means, self.field)]


def check_variance(method: Any) -> None:
    """Refuse β₂ = 0: 1/√v is 1/|g| then, whose products with other steps have no mean.

    Raises
    ------
    NotAvailable
    """
    if method.beta2 == 0:
        remedy = "v forgets at once; for beta1 = 0 this is SignSGD, otherwise g_A is infinite"
        raise NotAvailable("beta2", method.beta2, remedy)


def check_memory(problem: Any, method: Any, chosen: str) -> None:
    """Refuse a limit that this problem and these memories do not have.

    Raises
    ------
    NotAvailable
        A dense covariance except for "slow-variance"; memories of another length.
    NoLimit
        Slow averages and E ε⁴ = ∞.
    """
    if method.batch > 1 and chosen != "short":
        remedy = 'slow averages are derived for one sample a step; memory="short" takes a batch'
        raise NotAvailable("batch", method.batch, remedy)
    if chosen != "slow-variance" and not problem.covariance.is_diagonal:
        remedy = 'this limit is held against simulation for diagonal K only; memory="slow-variance"'
        raise NotAvailable("covariance", problem.covariance, remedy + " takes a dense one")
    if chosen == "short":
        check_variance(method)
        if 4 * forgets(method.beta1) > BLOCK:
            remedy = 'too long a memory to count as short; give memory="slow"'
            raise NotAvailable("beta1", method.beta1, remedy)
    elif not math.isfinite(problem.noise.fourth_moment):
        remedy = 'averages over d steps need a finite fourth moment; memory="short" does not'
        raise NoLimit("noise", problem.noise, remedy)
    elif math.isinf(problem.dimension):
        raise NotAvailable("memory", chosen, "1 − β = c/d needs a finite dimension")
    elif memory_error(problem, method, chosen) >= LARGEST_ERROR:
        remedy = f'memories too short for memory="{chosen}": nothing is known of its error; '
        raise NotAvailable("beta2", method.beta2, remedy + 'take beta2 near 1, or memory="short"')


def derive(
    problem: LeastSquares, method: Method, *, memory: str | None = None
) -> ModeSystem | MemorySystem:
    """Derive the limit of Adam.

    Parameters
    ----------
    problem : LeastSquares
    method : Adam
    memory : {"short", "slow-variance", "slow"}, optional
        How long the averages remember beside d steps. None: as `solve` chooses.

    Returns
    -------
    System
        For short memories a `ModeSystem`, whose two means are read from tables
        (`limitlab.solvers.adam`); else a `MemorySystem`.

    Raises
    ------
    NotAvailable, NoLimit
        What `solve` refuses: β₂ = 0, a dense covariance except for "slow-variance", averages that
        do not remember as long as is asked for.
    """
    check_variance(method)
    chosen = choose_memory(problem, method, memory)
    check_memory(problem, method, chosen)
    return _short(method) if chosen == "short" else memory_system(chosen == "slow")


def sample_of(system: ModeSystem, name: str) -> Sample:
    """The sample whose mean over the stream is the coefficient of this name."""
    given = {f.func.__name__: mean for f, mean in system.definitions}
    return given[name].args[2]


def _short(method: Any) -> ModeSystem:
    symbolic, parameters = twin(method, "method")
    rate = sp.sympify(symbolic.rate)
    eta = sp.Function("eta")(t) if rate.has(t) else rate
    names = sp.Function("g_A")(risk), sp.Function("s_A^2")(risk)
    tables = tuple(
        StreamTable(sp.Symbol(f"T_{field}"), "stream", field) for field in ("drift", "variance")
    )
    samples = (drift_sample(), variance_sample())
    means = tuple(
        stream_mean(risk, table.symbol, sample)
        for table, sample in zip(tables, samples, strict=True)
    )
    drift, source, steps = _modes(eta, *names, *means)
    rates = tuple(q for q in parameters if q.field == "rate")
    definitions = (*zip(names, means, strict=True), *(((eta, rate),) if rate.has(t) else ()))
    known: tuple[Parameter, ...] = (*rates, *tables)
    return ModeSystem(
        method.label, drift, source, rate, definitions, None, method.acts_on, known, "closed", steps
    )


def _modes(
    eta: Any, mean: Any, variance: Any, mean_value: Any, variance_value: Any
) -> tuple[Any, Any, tuple[Step, ...]]:
    u, d = sp.Symbol("u_i", real=True), dimension
    drift = -eta * mean * decay_rate * u
    spread = eta**2 * variance * source_weight / (decay_rate * d)
    generated = sp.expand(ito(decay_rate * u**2 / 2, u, drift, spread)).subs(
        u**2, 2 * energy / decay_rate
    )
    free, proportional = sp.expand(generated).as_independent(energy, as_Add=True)
    steps = (
        Step("a conjecture: m and v have forgotten θ's motion within o(d) steps", "g", "ℓ x"),
        Step(
            "mean of a step over D^(-1/2) K δ; the variances of the inputs cancel", mean, mean_value
        ),
        Step(
            "long-run variance of the steps, which follow each other with correlation",
            variance,
            variance_value,
        ),
        Step("drift of a mode u = w_iᵀ δ in d steps", "b", drift),
        Step("… and its variance; q_i = λ_i (Wᵀ Σ W)_ii / s_A²", "v", spread),
        Step("Itô's formula for y_i = λ_i u_i²/2", "dy_i/dt", generated),
    )
    return proportional, free, steps
