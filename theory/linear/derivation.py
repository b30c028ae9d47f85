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
from ..core.printer import SourcePrinter
from ..core.system import Step
from ..methods.batch_noise import (
    c,
    homogenised_root,
    masked_second,
    noise_covariance,
    noise_root,
    nu,
)
from ..methods.sampling import examples, sampling_moments

rate, momentum, growth = sp.symbols("eta mu r", positive=True)
rate_i, rate_j = sp.symbols("lambda_i lambda_j", nonnegative=True)
outputs = sp.Symbol("C", positive=True)
#: M_ij = E z_i z_j, X_ij = E z_i y_j, Y_ij = E y_i y_j, and S_ij = (Vᵀ diag(E z²) V)_ij
M, X, X_t, Y, S = sp.symbols("M_ij X_ij X_ji Y_ij S_ij", real=True)
#: the sum of M_ii over all modes, 2 D times the loss
total = sp.Symbol("L", nonnegative=True)

M_next, X_next, Y_next = sp.symbols("M_next X_next Y_next", real=True)
gamma_growth, gamma, slack = sp.symbols("Gamma_r Gamma Delta", real=True)
kept, fed, kernel, kernel_trace = sp.symbols("a_i b_i K_i K_trace_i", real=True)
drift, diffusion_drift, gamma_ito = sp.symbols("flow flow_ito Gamma_ito", real=True)
#: residual, velocity and N P z/β of a run; after a step
residual, velocity, pull = sp.symbols("z y pull", real=True)
y_after, z_after = sp.symbols("y_after z_after", real=True)
#: of the SDE of a mode, dz_i = pull_i z_i dτ + spread_i s_i dW; s of one example
sde_pull, sde_spread = sp.symbols("sde_pull sde_spread", real=True)
root, homogenised = sp.symbols("s s_homogenised", real=True)


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
    moved = dict(zip((y_after, z_after), step(), strict=True))
    steps = [
        Step("velocity of a run, pulled by N P z/β", y_after, moved[y_after]),
        Step("and its residual", z_after, moved[z_after]),
        *pair_steps,
        *noise_steps,
        *closed_steps,
        *flow_steps,
    ]
    return moved | pair | noise | closed | flow, steps


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
    masked = masked_second(M, S)
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


def step() -> tuple[Any, Any]:
    """Velocity and residual after a step in which the batch pulls by N P z/β."""
    return momentum * velocity - rate * pull, residual + y_after


def _rows(eigenvalue: Any) -> tuple[Any, Any]:
    """z' and y' of a mode, pulled by λ s, as rows in (z, y, s)."""
    own = sp.Symbol("s")
    after, moved = step()
    after = after.subs(pull, eigenvalue * own)
    moved = moved.subs(y_after, after)
    states = (residual, velocity, own)
    return tuple(sp.Matrix([[sp.diff(form, x) for x in states]]) for form in (moved, after))


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
    spread_i, spread_j = (sp.sqrt(rate) * eigenvalue for eigenvalue in (rate_i, rate_j))
    pair_covariance = spread_i * spread_j * noise_covariance(M, S)
    covariance = sp.ones(2) * pair_covariance  # of z_i z_j only the mixed derivative is not 0
    # the pull of a step, with the mask's mean, in units of η
    pulled = [sp.diff(step()[0], pull) / rate * own for own in (rate_i * z_i, rate_j * z_j)]
    moved = ito(z_i * z_j, (z_i, z_j), pulled, covariance)
    generator = sp.expand(moved).subs(z_i * z_j, M)
    (stationary,) = sp.solve(generator, M)
    flow = {
        drift: sp.collect(increment, (M, total)),
        diffusion_drift: sp.expand(generator.subs(own)),
        gamma_ito: sp.factor(stationary / S),
        sde_pull: sp.diff(pulled[0], z_i),
        sde_spread: spread_i,
        root: noise_root(),
        homogenised: homogenised_root(),
    }
    noise = "−N z dτ + √(η c) N (D diag z² − ν z zᵀ)^½ dW"
    lacking = "Itô's formula for z_i²: the SDE lacks η λ² p_i, the square of the mean step"
    beyond = "so that for z_i z_j the kernel of the SDE is not that of the steps: M_ij = Γ_ij S_ij"
    return flow, [
        Step("flow time τ = η t, in closed form: dp_i/dτ = (p_i' − p_i)/η", drift, flow[drift]),
        Step("the limiting SDE", "dz", noise),
        Step(lacking, diffusion_drift, flow[diffusion_drift]),
        Step(beyond, gamma_ito, flow[gamma_ito]),
        Step("S ξ of one example, a root of the covariance of the mask", root, flow[root]),
    ]


#: what compiled loops of runs and of paths call: the quantity, and its arguments
COMPILED = {
    "y_after": "z, y, pull, eta, mu",
    "z_after": "z, y_after",
    "s": "z, xi, xi_mean, c, nu, D",
    "s_homogenised": "z_norm, xi, c",
}


def compiled_source(theory: Derivation) -> str:
    """Return the functions of a run's step, and of the noise of a path."""
    printer = SourcePrinter((), {})
    return "\n\n".join(
        printer.function(f"{name}_of", arguments, theory[name])
        for name, arguments in COMPILED.items()
    )
