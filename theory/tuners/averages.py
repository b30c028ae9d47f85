r"""What the map of the toy does on average: at a constant rate, on the edge, and under CDAT.

With :math:`y=\eta\lambda-2`, two steps of :math:`x^+=-(1+y)x` give :math:`\dot{\ln|x|}=y`, and

.. math:: \dot y=\eta^2(a-bx^2),\qquad
          \mathcal H=\tfrac12y^2+\eta^2\left(\tfrac b2x^2-a\ln|x|\right)

is conserved. A tuner that keeps ηλ = 2φ sharpens like :math:`\lambda^2=\lambda_0^2+4\phi at`; CDAT
keeps ηλ = 2 at a :math:`q=x^2/x_*^2` of its own, so that :math:`\dot{\lambda^2}=4a(1-q(\lambda))`.
Setting of arXiv 2407.06183, formulas derived here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.errors import NotAvailable
from ..core.system import Step
from ..methods.cdat import CDAT
from ..methods.gradient_descent import GradientDescent
from ..methods.on_edge import OnEdge
from .letters import alpha, bend, k, lam, square, u, x
from .maps import along_valley, ruled, sharp_form, toy_loss

a, b, rate = sp.symbols("a b eta", positive=True)
y, x_0, y_0 = sp.symbols("y x_0 y_0", real=True)
amplitude = sp.Symbol("x", positive=True)
x_flow, y_flow, energy = sp.symbols("x_flow y_flow H", real=True)
period, overshoot, modulus = sp.symbols("period overshoot modulus", real=True)
fraction, scale = sp.symbols("phi sigma", positive=True)
#: q = x²/x*² and x* = √(2α/k)
q, star = sp.symbols("q x_star", positive=True)
slope = sp.Symbol("alpha", positive=True)
drive = sp.Symbol("D", positive=True)
share, product, growth = sp.symbols("q_lambda product growth", real=True)


@cache
def averaged_constant(per_step: bool = False) -> Derivation:
    """Constant rate: the average over two steps, its invariant, and the spiral of the map."""
    after, drive_text = _step(per_step), "η" if per_step else "η²"
    flow = {
        x_flow: amplitude * sp.series(sp.log(after[0] / amplitude), y, 0, 2).removeO(),
        y_flow: sp.expand(after[1] - y),
    }
    # dy/dt depends on x alone and dln|x|/dt is y
    pulled = sp.integrate(sp.expand(-flow[y_flow] / amplitude), amplitude)
    invariant = y**2 / 2 + sp.collect(sp.expand(pulled), rate)
    change = sp.diff(invariant, amplitude) * flow[x_flow] + sp.diff(invariant, y) * flow[y_flow]
    rest = {amplitude: sp.sqrt(a / b), y: 0}
    frequency = _imaginary(sp.Matrix([flow[x_flow], flow[y_flow]]), rest)
    spiral = sp.Matrix(after).jacobian([amplitude, y]).subs(rest)
    size = sp.sqrt(sp.expand(spiral.det()))
    start = invariant.subs({amplitude: x_0, y: y_0}, simultaneous=True)
    highest = sp.sqrt(sp.expand(2 * (start - invariant.subs(rest))))
    found = {
        **flow,
        energy: invariant,
        period: 2 * sp.pi / frequency,
        overshoot: highest,
        modulus: size,
    }
    return Derivation(
        "gradient descent at the edge, averaged over two steps",
        tuple(found.items()),
        (
            Step(
                f"|x|⁺ = (1 + y)|x| and y⁺ = y + {drive_text}(a − b x²); first order in y",
                "dx/dt",
                flow[x_flow],
            ),
            Step("and", "dy/dt", flow[y_flow]),
            Step("conserved", "dH/dt", sp.simplify(change)),
            Step("its value", energy, invariant),
            Step("at rest x² = a/b, y = 0: the frequency of small circles", "ω", frequency),
            Step("H at the first maximum of y, where x² = a/b", overshoot, highest),
            Step("the map there is a spiral: the modulus of its multipliers", modulus, size),
        ),
    )


def _step(per_step: bool) -> tuple[Any, Any]:
    """One step of (|x|, y) at a constant rate, from the loss."""
    whole = toy_loss(False)
    gx, gu = sp.diff(whole, x), sp.diff(whole, u)
    moved = sp.factor(((x - rate * gx) / x).subs(sharp_form, (2 + y) / rate))
    drives = {k: sp.sqrt(2 * b), alpha: a / sp.sqrt(2 * b)}
    lifted = sp.expand(rate * k * along_valley(gu, per_step, rate)).subs(drives)
    return sp.expand(-moved) * amplitude, sp.expand(y + lifted.subs(x, amplitude))


def _imaginary(field: Any, rest: dict[Any, Any]) -> Any:
    """The frequency of small circles about a point of rest."""
    trace, det = (
        getattr(field.jacobian([amplitude, y]).subs(rest), name)() for name in ("trace", "det")
    )
    return sp.sqrt(sp.simplify(det - trace**2 / 4))


@cache
def on_edge_theory(exact: bool) -> Derivation:
    """ηλ = 2φ: λ grows like a root; at φ = 1 the amplitude is frozen, below it dies."""
    rule = ruled(OnEdge(0.5))
    step = rule.step.subs(rule.numbers[0], fraction)
    left = b * x_0**2 if exact else 0
    squared = sp.expand(2 * lam * step * (a - left))
    found = {growth: squared.subs(fraction, 1) if exact else squared}
    amplitude_text = "φ = 1: |x| stays" if exact else "φ < 1: |x|⁺ = |1 − 2φ||x| dies"
    return Derivation(
        "a tuner at a fraction of the edge",
        tuple(found.items()),
        (
            Step("the step", "η", step),
            Step(f"{amplitude_text}; dλ/dt = η (a − b x²)", "d λ²/dt", found[growth]),
        ),
    )


@cache
def cdat_theory() -> Derivation:
    """CDAT: ηλ as a function of λ and q, the q that it keeps, and the slow law of λ²."""
    whole = toy_loss(False)
    gx, gu = (sp.diff(whole, c).subs(sharp_form, lam) for c in (x, u))
    hessian = [[sp.diff(whole, c, d).subs(sharp_form, lam) for d in (x, u)] for c in (x, u)]
    lengths = gx**2 + gu**2
    bends = sum(
        g * row[i] * other
        for g, row in zip((gx, gu), hessian, strict=True)
        for i, other in enumerate((gx, gu))
    )
    rule = ruled(CDAT(2.0))
    step = rule.step.args[0][0].subs({square: lengths, sp.Abs(bend): bends, rule.numbers[0]: scale})
    on = {x: star * sp.sqrt(q), k: 2 * slope / star**2, alpha: slope}
    edge = sp.factor(sp.simplify((step * lam).subs(on)))
    top, _ = sp.fraction(sp.together(edge - 2))
    condition = sp.Poly(sp.expand(top / slope**2).subs(lam, slope * sp.sqrt(drive) / star), q)
    kept = _positive_root(condition)
    kept = kept.subs(drive, lam**2 * star**2 / slope**2)
    slow = 4 * a * (1 - share)
    gap = sp.Symbol("2_minus_sigma", positive=True)
    below = kept.subs(scale, 2 - gap)
    near = sp.simplify(sp.series(1 - below, gap, 0, 2).removeO() / gap)
    far = sp.factor(sp.limit(below.subs(lam, sp.sqrt(drive)) * drive, drive, sp.oo))
    middle = sp.solve(condition.as_expr().subs(q, sp.Rational(1, 2)), drive)[0]
    return Derivation(
        "CDAT on a loss that sharpens",
        ((product, edge), (share, kept), (growth, slow)),
        (
            Step("ηλ with x² = q x*², x*² = 2α/k", product, edge),
            Step("it keeps ηλ = 2: the positive root of the quadratic in q", share, kept),
            Step("dλ/dt = (2/λ)(a − b x²)", "d λ²/dt", slow),
            Step("(1 − q)/(2 − σ) as σ → 2", "limit", near),
            Step("q λ² as λ → ∞", "limit", far),
            Step("q = 1/2 at (λ x*/α)² =", "D", middle),
        ),
    )


def _positive_root(condition: Any) -> Any:
    """The positive root of a quadratic, in the form that does not cancel where it is small."""
    second, first, constant = condition.all_coeffs()
    if second.subs({scale: 1, drive: 1}) > 0:
        second, first, constant = -second, -first, -constant
    root = sp.sqrt(first**2 - 4 * second * constant)
    return 2 * constant / (root - first)


def averaged_theory(problem: Any, method: Any) -> Derivation:
    """The average over two steps, which needs a constant rate."""
    if not isinstance(method, GradientDescent):
        raise NotAvailable("limit", "averaged", "needs a constant rate: give GradientDescent")
    _plain(problem, "averaged")
    return averaged_constant(problem.per_step)


def slow_theory(problem: Any, method: Any) -> Derivation:
    """The slow law of λ², for tuners that keep ηλ in place."""
    _plain(problem, "slow")
    if problem.per_step:
        raise NotAvailable("per_step", True, 'the slow law is of descent; use limit="map"')
    if isinstance(method, OnEdge) and method.fraction <= 1:
        return on_edge_theory(method.fraction == 1)
    if isinstance(method, CDAT) and method.scale <= 2 and not problem.bulk:
        if method.damping:
            raise NotAvailable("damping", method.damping, "the slow law has none; use 0")
        return cdat_theory()
    remedy = "there is a slow law for OnEdge(fraction <= 1), and for CDAT(scale <= 2) without bulk"
    raise NotAvailable("limit", "slow", remedy)


def _plain(problem: Any, limit: str) -> None:
    if problem.bounded is not None:
        raise NotAvailable("limit", limit, "the valley must not end: leave bounded= out")
    if problem.noise:
        raise NotAvailable("noise", problem.noise, f'limit="{limit}" has none; use 0')
    if problem.sharpening <= 0:
        raise NotAvailable("alpha", problem.alpha, "nothing sharpens: give alpha · k > 0")
