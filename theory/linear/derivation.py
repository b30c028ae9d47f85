r"""Second moments of SGD on a linear model, from the mask to the noise kernel.

.. math:: y'=\mu y-\tfrac{\eta}{\beta}NPz,\qquad z'=z+y'

In the eigenbasis of N, with :math:`e=\eta\lambda` and :math:`s=V^\top Pz/\beta`, one step is
:math:`z_i'=z_i+\mu y_i-e_is_i`, so that the moments
:math:`M=\mathbb Ezz^\top,\ X=\mathbb Ezy^\top,\ Y=\mathbb Eyy^\top` of a pair of modes close on
themselves and on the source :math:`S=V^\top\mathrm{diag}(M)V`. Everything else follows: solving
for M at growth r per step gives the resolvent :math:`\Gamma_{ij}(r)`, at r = 1 the noise kernel;
the diagonal with :math:`S\to(\operatorname{tr}M/DC)I` is the closure.

Model of arXiv 2404.19261, formulas derived here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.ito import ito
from ..core.system import Step
from ..methods.sampling import examples, sampling_moments

rate, momentum, growth = sp.symbols("eta mu r", positive=True)
rate_i, rate_j = sp.symbols("lambda_i lambda_j", nonnegative=True)
c, nu = sp.symbols("c nu", nonnegative=True)
outputs = sp.Symbol("C", positive=True)
#: M_ij = E z_i z_j, X_ij = E z_i y_j, Y_ij = E y_i y_j, and S_ij = (Vᵀ diag(E z²) V)_ij
M, X, X_t, Y, S = sp.symbols("M_ij X_ij X_ji Y_ij S_ij", real=True)
#: the sum of M_ii over all modes, 2 D times the loss
total = sp.Symbol("L", nonnegative=True)

M_next, X_next, Y_next = sp.symbols("M_next X_next Y_next", real=True)
gamma_growth, gamma, slack = sp.symbols("Gamma_r Gamma Delta", real=True)
kept, fed, kernel, kernel_trace = sp.symbols("a_i b_i K_i K_trace_i", real=True)
drift, diffusion_drift, gamma_ito = sp.symbols("flow flow_ito Gamma_ito", real=True)


@lru_cache(maxsize=8)
def linear_theory(sampling: str) -> Derivation:
    """Derive the second-moment theory; the sampling enters the definitions of c and ν only."""
    equations, steps = _given_mask()
    definitions, mask_steps = _mask(sampling)
    return Derivation(
        name="SGD on a linear model",
        equations=tuple(equations.items()),
        steps=(*mask_steps, *steps),
        definitions=tuple(definitions.items()),
    )


@lru_cache(maxsize=1)
def _given_mask() -> tuple[dict[Any, Any], list[Step]]:
    """What follows for any c and ν."""
    pair, pair_steps = _pair()
    noise, noise_steps = _noise_kernel(pair)
    closed, closed_steps = _closure(pair, noise[gamma])
    flow, flow_steps = _continuous(pair)
    return pair | noise | closed | flow, [*pair_steps, *noise_steps, *closed_steps, *flow_steps]


def _mask(sampling: str) -> tuple[dict[Any, Any], list[Step]]:
    found = sampling_moments(sampling)
    name = sampling.replace("_", " ")
    return {c: found.c, nu: found.nu}, [
        Step(f"sampling {name}: E m², from the generating function of the mask", "b₁", found.b1),
        Step("E m_k m_l for k ≠ l", "b₂", found.b2),
        Step("(b₁ − b₂)/β² = c D with β = B/D", c, found.c),
        Step("b₂/β² = 1 − ν c", nu, found.nu),
    ]


def _pair() -> tuple[dict[Any, Any], list[Step]]:
    """One step of the moments of modes i and j: row of i · Gram matrix of (z, y, s) · row of j."""
    masked = (1 - nu * c) * M + c * examples * S
    gram = sp.Matrix([[M, X, M], [X_t, Y, X_t], [M, X, masked]])
    residual_i, velocity_i = _rows(rate_i)
    residual_j, velocity_j = _rows(rate_j)
    moments = {
        M_next: residual_i * gram * residual_j.T,
        X_next: residual_i * gram * velocity_j.T,
        Y_next: velocity_i * gram * velocity_j.T,
    }
    states = (M, X, X_t, Y, S)
    pair = {name: sp.collect(sp.expand(form[0]), states) for name, form in moments.items()}
    return pair, [
        Step("the mask is independent of z and has mean β", "E[s | z]", "z"),
        Step("E[P M P]/β² = (b₂ M + (b₁ − b₂) diag M)/β², in the eigenbasis", "E s_i s_j", masked),
        Step("z_i' = z_i + μ y_i − η λ_i s_i; multiply and average", M_next, pair[M_next]),
        Step("the same for z_i' y_j'", X_next, pair[X_next]),
        Step("the same for y_i' y_j'", Y_next, pair[Y_next]),
    ]


def _rows(eigenvalue: Any) -> tuple[Any, Any]:
    """z' and y' of a mode as rows in (z, y, s)."""
    pull = -rate * eigenvalue
    return sp.Matrix([[1, momentum, pull]]), sp.Matrix([[0, momentum, pull]])


def _noise_kernel(pair: dict[Any, Any]) -> tuple[dict[Any, Any], list[Step]]:
    """Solve the four moment equations at growth r for M in units of the source S."""
    swap = {rate_i: rate_j, rate_j: rate_i, X: X_t, X_t: X}
    mirrored = pair[X_next].xreplace(swap)
    unknown = (M, X, X_t, Y)
    right = (pair[M_next], pair[X_next], mirrored, pair[Y_next])
    equations = [f - growth * u for f, u in zip(right, unknown, strict=True)]
    (solved,) = sp.solve(equations, unknown, dict=True)
    # factoring seven symbols sometimes takes minutes, by the luck of its evaluation points
    general = sp.cancel(solved[M] / S)
    stationary = sp.factor(general.subs(growth, 1))
    pole = sp.denom(sp.factor(stationary.subs(rate_j, rate_i)))
    pole = sp.expand(pole * sp.sign(pole.subs({rate: 0, momentum: sp.S.Half})))
    noise = {gamma_growth: general, gamma: stationary, slack: pole}
    matrix = "𝓜_kl = Σ_ij V_ki V_kj V_li V_lj Γ_ij maps diag M to itself; K_exact = ρ(𝓜)"
    return noise, [
        Step("solve r M = M', r X = X', r Y = Y' for M/S", gamma_growth, general),
        Step(f"r = 1: M_ij = Γ_ij S_ij, so that {matrix}", gamma, stationary),
        Step("Γ_ii is finite and positive while its denominator is; beyond, K = ∞", slack, pole),
    ]


def _closure(pair: dict[Any, Any], kernel_ij: Any) -> tuple[dict[Any, Any], list[Step]]:
    """The diagonal with S_ii = L/(D C), its Volterra kernel, and the kernel norm."""
    own = {rate_j: rate_i, X_t: X}
    plain = sp.expand(pair[M_next].subs(momentum, 0).subs(own))
    a = sp.factor(plain.coeff(M, 1))
    b = sp.factor(plain.coeff(S, 1) / (examples * outputs))
    geometric = sp.factor(b / (1 - a))
    summand = sp.factor(kernel_ij.subs(own) / (examples * outputs))
    first = sp.factor(sp.diff(summand, rate).subs(rate, 0) * rate)
    closed = {kept: a, fed: b, kernel: summand, kernel_trace: first}
    diagonal = "high dimension, S → (tr M/(D C)) I, μ = 0: p_i' = a_i p_i + b_i Σ_j p_j; it keeps"
    volterra = (
        "Volterra: L_t = Σ_i a_i^t p_i(0) + Σ_s k_(t−1−s) L_s with k_r = Σ_i b_i a_i^r; a mode's"
    )
    secular = "growth r: det(r − diag a − b 1ᵀ) = 0; by the determinant lemma"
    return closed, [
        Step(diagonal, kept, a),
        Step("and is fed by all", fed, b),
        Step(f"{volterra} sum", "Σ_r b_i a_i^r", geometric),
        Step(secular, "Σ_i b_i/(r − a_i)", 1),
        Step("K_closure = Σ_i K_i, K_i = Γ_ii/(D C), for any momentum", kernel, summand),
        Step("to first order in η: the trace form", kernel_trace, first),
    ]


def _continuous(pair: dict[Any, Any]) -> tuple[dict[Any, Any], list[Step]]:
    """Flow time τ = η t: the closure's increment per η, and Itô's formula for the SDE."""
    own = {rate_j: rate_i, X_t: X, S: total / (examples * outputs), momentum: 0}
    increment = sp.expand((pair[M_next].subs(momentum, 0).subs(own) - M) / rate)
    z_i, z_j = sp.symbols("z_i z_j", real=True)
    pair_covariance = rate * c * rate_i * rate_j * (examples * S - nu * M)
    covariance = sp.ones(2) * pair_covariance  # of z_i z_j only the mixed derivative is not 0
    moved = ito(z_i * z_j, (z_i, z_j), (-rate_i * z_i, -rate_j * z_j), covariance)
    generator = sp.expand(moved).subs(z_i * z_j, M)
    (stationary,) = sp.solve(generator, M)
    flow = {
        drift: sp.collect(increment, (M, total)),
        diffusion_drift: sp.expand(generator.subs(own)),
        gamma_ito: sp.factor(stationary / S),
    }
    noise = "−N z dτ + √(η c) N (D diag z² − ν z zᵀ)^½ dW"
    lacking = "Itô's formula for z_i²: the SDE lacks η λ² p_i, the square of the mean step"
    beyond = "so that for z_i z_j the kernel of the SDE is not that of the steps: M_ij = Γ_ij S_ij"
    return flow, [
        Step("flow time τ = η t, in closed form: dp_i/dτ = (p_i' − p_i)/η", drift, flow[drift]),
        Step("the limiting SDE", "dz", noise),
        Step(lacking, diffusion_drift, flow[diffusion_drift]),
        Step(beyond, gamma_ito, flow[gamma_ito]),
    ]
