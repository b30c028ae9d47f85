r"""T2: second-order regression at D, P → ∞ with α = D/P fixed (dynamical mean field).

:math:`z_a(\theta)` is a Gaussian field with the covariance :math:`\varphi` of
:math:`c_{ts}=\theta_t\cdot\theta_s/D`, and every example sees the same scalar process,

.. math:: \varphi(x)=\sigma^2+\alpha(\tilde ax+\tilde\kappa x^2/2),\qquad
          z(t)=\zeta(t)-\sum_{s<t}M_{ts}m(s)z(s),\qquad\mathbb E\zeta_t\zeta_s=\varphi(c_{ts}),

with its own mask :math:`m`. Masks at distinct times are independent. Model of arXiv 2404.19261 and
2210.04860; derived here.
"""

from __future__ import annotations

from functools import cache

import sympy as sp

from ..core.loops import Update, step
from ..core.recursion import Recursion, Recursions
from ..core.system import Step

t = step
s, r = sp.symbols("s r", integer=True, nonnegative=True)
alpha, sigma2 = sp.symbols("alpha sigma^2", positive=True)
a, kappa = sp.symbols("atilde kappatilde", positive=True)
beta, b1 = sp.symbols("beta b_1", positive=True)
NUMBERS = (alpha, a, kappa, sigma2, beta, b1)

R, M, H, A, W, S, Lam, c = map(sp.IndexedBase, ("R", "M", "H", "A", "W", "S", "Lambda", "c"))
rate, loss = sp.IndexedBase("g"), sp.IndexedBase("L")

#: upper edge of the bulk of Θ
upper_edge = sp.Symbol("Theta_+")

#: the overlap c at which covariances of the field are taken
field_argument = sp.Symbol("x")
field_covariance = sigma2 + alpha * (a * field_argument + kappa * field_argument**2 / 2)


def phi(x: sp.Expr) -> sp.Expr:
    """Covariance of the field z_a(θ)."""
    return field_covariance.subs(field_argument, x)


def psi(x: sp.Expr) -> sp.Expr:
    """P φ′ in the raw variable θ·θ′ = D x: the covariance of the gradients ∇z_a, times P."""
    return sp.expand(sp.diff(field_covariance, field_argument) / alpha).subs(field_argument, x)


@cache
def proportional() -> Recursion:
    """The closed recursion of loss, response and overlap."""
    row = (s, 0, t - 1)
    past = (r, 0, t - 1)
    push = rate[s] * R[t, s + 1] * psi(c[t, s])
    returned = sp.Sum(M[s, r] * A[r, t], (r, 0, s - 1))
    mean = -alpha * rate[t] * psi(c[t, r]) * beta * H[t, r]
    bend = kappa * rate[t] * rate[r] * R[t, r + 1] * S[t, r]
    noise = sp.Sum(R[s, r + 1] * rate[r] * psi(c[t, r]) * S[t, r], (r, 0, s - 1))
    updates = (
        Update(M[t, s], push, (row,)),
        Update(H[t, t], sp.S.One),
        Update(H[t, s], -beta * sp.Sum(M[t, r] * H[r, s], (r, s, t - 1)), (row,)),
        Update(A[s, t], phi(c[s, t]) - beta * returned, ((s, 0, t),)),
        Update(W[s, t], beta * A[s, t] - sp.Sum(M[t, r] * S[s, r], past), (row,)),
        Update(S[s, t], beta * W[s, t], (row,), symmetric=True),
        Update(loss[t], (A[t, t] - sp.Sum(M[t, r] * W[r, t], past)) / 2),
        Update(S[t, t], 2 * b1 * loss[t]),
        Update(Lam[t, r], mean + bend, ((r, 0, t),)),
        Update(R[t + 1, s], R[t, s] + sp.Sum(Lam[t, r] * R[r, s], (r, s, t)), ((s, 0, t),)),
        Update(R[t + 1, t + 1], sp.S.One),
        Update(
            c[t + 1, s],
            c[t, s] + sp.Sum(Lam[t, r] * c[r, s], (r, 0, t)) + rate[t] * noise,
            ((s, 0, t + 1),),
            symmetric=True,
        ),
    )
    return Recursion(updates, NUMBERS, (R, M, H, A, W, S, Lam, c, rate, loss), loss[t])


@cache
def bulk_edge() -> sp.Expr:
    """Upper edge of the bulk of Θ, ψ(c)(1 + √α)², as a function of x = c_tt; outliers lie above."""
    return psi(field_argument) * (1 + sp.sqrt(alpha)) ** 2


@cache
def proportional_derivation() -> Recursions:
    """The recursion, with where each line comes from."""
    solved = {str(u.left): u.right for u in proportional().updates}
    origins = (
        ("an example's own push returns through ∇z_a·∇z_a → ψ", M[t, s]),
        ("row t of (I + βM)⁻¹; the response of m z to ζ is χ = βH", H[t, s]),
        ("E z_s ζ_t", A[s, t]),
        ("E m_s z_s z_t", W[s, t]),
        ("half of E z_t², the train loss", loss[t]),
        ("mean of Σ m z ∇z, and the shift of ∇z by Q_aQ_a ≈ qP", Lam[t, r]),
        ("response of θ_{t+1} to a displacement of θ_s", R[t + 1, s]),
        ("θ_{t+1}·θ_s/D, with the force noise g²ψS a direction", c[t + 1, s]),
    )
    return Recursions(
        "second-order regression, D and P → ∞ together",
        (proportional(),),
        tuple(Step(text, left, solved[str(left)]) for text, left in origins),
        (
            (r"\varphi(x)", field_covariance),
            (r"\psi(x)", psi(field_argument)),
            (upper_edge, bulk_edge()),
        ),
    )
