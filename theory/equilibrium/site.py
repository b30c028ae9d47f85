r"""One effective site: the static limit, the transients without feedback, and the edges.

.. math:: z=\varphi(g+az),\ g\sim N(0,v),\ a=R(\chi),\ v=R'(\chi)q+\sigma_x^2,\quad q=\mathbb Ez^2,
          \ \chi=\mathbb E\frac{\varphi'}{1-a\varphi'},\ \mathcal A=\mathbb E\Big[\Big(
          \frac{\varphi'}{1-a\varphi'}\Big)^2\Big]

Critical where :math:`R'(\chi)\mathcal A=1`. Without feedback an iteration closes in q and in the
mean square of a step, :math:`r_t=\mathbb E(z_t-z_{t-1})^2`. Derived here, by a cavity argument.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import sympy as sp

from ..activations import Activation, ReLU, activation_of, alike
from ..core.derivation import Derivation
from ..core.system import Step
from .transforms import chi, feedback, sigma

q, before, step, noise = sp.symbols("q q_before r sigma_x", nonnegative=True)
#: what enters a unit
h = sp.Symbol("h", real=True)
#: φ′ at a site, a, the variable of the edge, and what a state and a probe field are
s, a, u = sp.symbols("s a u", real=True)
phi, slope, back, coefficient, field = sp.symbols("phi slope feedback coefficient field", real=True)
transfer, edge, response, second = sp.symbols("transfer edge response A", real=True)
field_step, overlap = sp.symbols("field_step overlap", real=True)
#: a state, what its unit answers, and the damping; the state after a step
_z, _moved, _alpha, z_next = sp.symbols("z moved alpha z_next", real=True)
#: a square of A + By under the normal law, up to y
square, _A, _B, _y = sp.symbols("square A B y", real=True)


def site_theory(kind: str, activation: Activation | str) -> Derivation:
    """Derive the effective site of an ensemble with an activation; the same for every number."""
    return _site_theory(kind, alike(activation_of(activation)))


@lru_cache(maxsize=64)
def _site_theory(kind: str, activation: Activation) -> Derivation:
    form = activation.function(h).rewrite(sp.Piecewise)
    fed, weight, steps = feedback(kind)
    variance = weight * q + noise**2
    change = s / (1 - a * s)
    correlation = (q + before - step) / 2  # E z_t z_{t−1}
    equations: dict[Any, Any] = {
        phi: form,
        slope: sp.diff(form, h),
        back: fed,
        coefficient: weight,
        field: variance,
        transfer: change,
        response: second / (1 - weight * second),
        field_step: sigma**2 * step,
        overlap: sp.expand(sigma**2 * (q - correlation)),
        square: _square(),
        z_next: (1 - _alpha) * _z + _alpha * _moved,
    }
    told = (
        *steps,
        Step("a damped iteration, moved = φ(Wz + x)", z_next, equations[z_next]),
        Step("variance of what a site sees beside its own feedback", field, variance),
        Step("derivative of z = φ(g + az) by g, from itself", transfer, _implicit()),
        Step(
            "size of backward gradients, critical where it diverges", response, equations[response]
        ),
        Step(
            "without feedback: variance of h_t − h_{t−1}, in which x cancels",
            field_step,
            sigma**2 * step,
        ),
        Step("and its covariance with h_t", overlap, equations[overlap]),
        Step("∫ (A + By)² φ(y) dy, of one straight piece of φ", square, equations[square]),
    )
    if kind == "goe":
        equations[edge] = sigma**2 * u * (s * u / (u - s))
        told = (*told, *_edges(equations[edge]))
    return Derivation(
        f"equilibrium of a random network, {kind}, {type(activation).__name__}",
        tuple(equations.items()),
        (*told, *_closed(kind, activation)),
    )


@cache
def _square() -> Any:
    """The antiderivative of (A + By)² φ(y) that is odd at A B = 0."""
    density = sp.exp(-(_y**2) / 2) / sp.sqrt(2 * sp.pi)
    # each power by itself, so that no growing exponential is taken out
    whole = sp.Poly((_A + _B * _y) ** 2, _y)
    return sum(c * sp.integrate(_y**n * density, _y) for (n,), c in whole.terms())


def _implicit() -> Any:
    moved = sp.Symbol("moved")
    (found,) = sp.solve(moved - s * (1 + a * moved), moved)
    return found


def _edges(form: Any) -> tuple[Step, ...]:
    """λ₊² = min over u > sup φ′ of σ²u E[φ′u/(u − φ′)], and what it is at u = 1/a."""
    at = sp.simplify(form.subs(u, 1 / a) / sigma**2 - s / (1 - a * s) / a)
    slope_at = sp.simplify(sp.diff(form / sigma**2, u).subs(u, 1 / a))
    first = s / (1 - a * s)
    rest = sp.simplify(slope_at - (first - a * first**2))
    return (
        Step("edge of D^{1/2}WD^{1/2}, squared, is the least over u of the mean of", edge, form),
        Step("at u = 1/a it is σ²χ/a = 1 identically: the difference", "0", at),
        Step(
            "and its derivative there is E[φ′/(1 − aφ′) − a(φ′/(1 − aφ′))²]σ²: the difference",
            "0",
            rest,
        ),
        Step(
            "= a(1 − σ²A): the edge is 1 at criticality only, and below it before and after",
            "λ₊",
            "march from the stable side",
        ),
    )


def _closed(kind: str, activation: Activation) -> tuple[Step, ...]:
    """Closed forms of ReLU, and the end of symmetric orthogonal matrices."""
    if kind == "symmetric-orthogonal" and activation.homogeneous:
        fed, _, _ = feedback(kind)
        end = sp.simplify(sp.limit(sp.solve(sp.Eq(fed, a), sigma)[-1], chi, sp.oo))
        return (Step("R(χ) = a solved for σ as χ → ∞; the end is at a = 1", sigma, end),)
    if not isinstance(activation, ReLU) or kind not in ("goe", "ginibre", "haar"):
        return ()
    half = sp.Rational(1, 2)
    if kind != "goe":
        (length,) = sp.solve(q - half * (sigma**2 * q + noise**2), q)
        return (Step("ReLU: half of the units are on", q, sp.simplify(length)),)
    roots = sp.solve(a - sigma**2 * half / (1 - a), a)
    (fed,) = [root for root in roots if sp.limit(root, sigma, 0) == 0]
    (length,) = sp.solve(q * (1 - a) ** 2 - half * (sigma**2 * q + noise**2), q)
    return (
        Step("ReLU: half of the units are on, χ = ½/(1 − a)", a, fed),
        Step("and", q, sp.simplify(length)),
        Step("which ends where the root vanishes", "σ_c", sp.solve(1 - 2 * sigma**2, sigma)[0]),
    )
