r"""T1: second-order regression at P → ∞ with D, the steps and κ = qP fixed.

:math:`Q_a\theta_t=\xi_a(t)+\sum_{s<t}m_a(t,s)\theta_s` with Gaussian :math:`\xi_a`,
:math:`\xi_a(t)\cdot\xi_b(t')\to\kappa\,\delta_{ab}C_{tt'}`, and the reaction
:math:`m_a(t,s)=-\kappa R_{t,s+1}u_a(s)`: a push at step s is felt from s + 1 on. Overlaps
:math:`C_{ts}=\theta_t\cdot\theta_s` and the response :math:`R_{ts}` of :math:`\theta_t` to
:math:`\theta_s` concentrate, so that everything closes on them and on
:math:`u(t)=g_tP_tz(t)`, the batch prefactor included. Exact in this limit for any Gram matrix, any
residual, and any given masks. Model of arXiv 2404.19261 and 2210.04860; derived here.
"""

from __future__ import annotations

from functools import cache

import sympy as sp

from ..core.loops import Update, step
from ..core.recursion import Recursion, Recursions
from ..core.system import Step

t = step
s, r, a, b = sp.symbols("s r a b", integer=True, nonnegative=True)
kappa, D, top = sp.symbols("kappa D s_1", positive=True)

z, u, x, m, memory, y, w, place = map(sp.IndexedBase, ("z", "u", "x", "m", "mu", "y", "w", "rho"))
R, C, omega, force = map(sp.IndexedBase, ("R", "C", "omega", "f"))
gram, start, rate, loss, ntk = map(sp.IndexedBase, ("Theta_0", "z_0", "g", "L", "Theta"))
direction, overlap = map(sp.IndexedBase, ("U", "shat"))

_examples = (a, 0, D - 1)


@cache
def fixed_data() -> Recursion:
    """The closed recursion of z, R and C."""
    pushed = x[a, s] + kappa * C[t, s] * u[a, s]
    past = (s, 0, t - 1)
    drift = sp.Sum(R[s, r + 1] * force[t, r], (r, 0, s - 1))
    updates = (
        Update(z[a, t], start[a] - sp.Sum(R[t, s + 1] * pushed, past), (_examples,)),
        Update(loss[t], sp.Sum(z[a, t] ** 2, _examples) / (2 * D)),
        Update(u[a, t], rate[t] * m[a, t] * z[a, t], (_examples,)),
        Update(x[a, t], sp.Sum(gram[a, b] * u[b, t], (b, 0, D - 1)), (_examples,)),
        Update(force[t, s], sp.Sum(u[a, t] * pushed, _examples), ((s, 0, t),)),
        Update(
            omega[t, r],
            kappa * R[t, r + 1] * sp.Sum(u[a, t] * u[a, r], _examples),
            ((r, 0, t - 1),),
        ),
        Update(R[t + 1, s], R[t, s] + sp.Sum(omega[t, r] * R[r, s], (r, s, t - 1)), ((s, 0, t),)),
        Update(R[t + 1, t + 1], sp.S.One),
        Update(
            C[t + 1, s],
            C[t, s] + drift + sp.Sum(omega[t, r] * C[s, r], (r, 0, t - 1)),
            ((s, 0, t + 1),),
            symmetric=True,
        ),
    )
    arrays = (z, u, x, m, R, C, omega, force, gram, start, rate, loss)
    return Recursion(updates, (kappa,), arrays, loss[t], ((D, gram),))


@cache
def tangent_kernel() -> Recursion:
    """What is read off at one time: Θ(t) and the overlap u₁ᵀJ_t v₁ with the top mode."""
    pushed = x[a, r] + kappa * C[t, r] * u[a, r]
    before, past = (r, 0, s - 1), (s, 0, t - 1)
    cross = memory[b, s] * y[a, s] + memory[a, s] * y[b, s] + memory[a, s] * w[b, s]
    along = [sp.Sum(direction[c] * v[c, s], (c, 0, D - 1)) for c, v in ((a, memory), (b, place))]
    updates = (
        Update(memory[a, s], -kappa * R[t, s + 1] * u[a, s], (past, _examples)),
        Update(y[a, s], -sp.Sum(R[s, r + 1] * pushed, before), (past, _examples)),
        Update(place[a, s], -sp.Sum(R[s, r + 1] * x[a, r], before), (past, _examples)),
        Update(w[a, s], sp.Sum(C[s, r] * memory[a, r], (r, 0, t - 1)), (past, _examples)),
        Update(
            ntk[a, b],
            gram[a, b] + kappa * C[t, t] * sp.KroneckerDelta(a, b) + sp.Sum(cross, past),
            (_examples, (b, 0, D - 1)),
        ),
        Update(overlap[t], top + sp.Sum(along[0] * along[1], past) / top),
    )
    arrays = (u, x, R, C, gram, memory, y, place, w, ntk, direction, overlap)
    return Recursion(updates, (kappa, top), arrays, overlap[t], ((D, gram),))


@cache
def fixed_data_derivation() -> Recursions:
    """The recursion and the kernel, with where each line comes from."""
    programs = fixed_data(), tangent_kernel()
    solved = {str(u.left): u.right for program in programs for u in program.updates}
    origins = (
        ("ξ_a(s) enters θ_{s+1} with the weight −u_a(s): the reaction m_a(t,s)", memory[a, s]),
        ("the update is linear in all earlier θ_r, with the weights", omega[t, r]),
        ("its response to a displacement of θ_s", R[t + 1, s]),
        ("G_a·θ_t and ξ_a·θ_t′; both halves of θ·Q_aθ/2 are equal", z[a, t]),
        ("the force b_t = Σ u_a(t) [G_a + ξ_a(t)] on earlier forces", force[t, s]),
        ("θ_{t+1} on θ_s", C[t + 1, s]),
        ("(G_a + ξ_a(t))·θ_s", y[a, s]),
        ("J_a·J_b with J_a = G_a + ξ_a(t) + Σ m_a(t,s) θ_s", ntk[a, b]),
    )
    return Recursions(
        "second-order regression, P → ∞ at fixed D",
        programs,
        tuple(Step(text, left, solved[str(left)]) for text, left in origins),
    )
