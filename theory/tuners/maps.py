r"""The maps of a tuner: gradient descent on the loss, and the smaller map that it closes on.

For the toy λ = l₀ + ku closes with x (and the bulk), :math:`x^+=(1-\eta\lambda)x`,
:math:`\lambda^+=\lambda+\eta(a-bx^2)`; for two curvatures :math:`\rho=\ln g_1^2/g_2^2` closes by
itself, because a tuner sees a quadratic in units of |g|². The step is the tuner's own, evaluated
on derivatives of the loss; the losses are cubic, so that three of them are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp

from ..core.errors import NotAvailable
from ..core.loops import Update, step
from ..core.map import Map
from ..core.symbolic import twin
from ..core.system import Step
from ..methods.gradient_descent import GradientDescent
from ..methods.tuner import Local, Memory, Tuner
from .letters import (
    TINY,
    alpha,
    bend,
    bottom,
    curvatures,
    eta,
    every,
    fourth,
    h,
    j,
    k,
    kappa,
    l0,
    lam,
    loss,
    noise,
    ratio,
    size,
    slopes,
    square,
    third,
    u,
    v,
    x,
    x1,
    x2,
)

#: above every ceiling: what an observed number is where the map has left its branch
BEYOND = sp.Float("1e300")
#: the smallest factor by which a mode counts as damped, and the largest logarithm of a float
_LEAST, _MOST = sp.Float("1e-300"), sp.Integer(700)


@dataclass(frozen=True)
class Ruled:
    """A tuner's rule in symbols: the step, its memory, and where their numbers come from."""

    step: Any
    memory: tuple[Memory, ...]
    kept: tuple[Any, ...]
    after: tuple[Any, ...]
    parameters: tuple[tuple[sp.Symbol, str], ...]

    @property
    def numbers(self) -> tuple[Any, ...]:
        """The symbols of the method's fields."""
        return tuple(symbol for symbol, _ in self.parameters)


HERE = Local(loss, square, bend, third, fourth, lam)
#: what a tuner sees of a loss that is cubic: its fourth derivative is 0
CUBIC = Local(loss, square, bend, third, sp.S.Zero, lam)


def ruled(method: Any, here: Local = HERE) -> Ruled:
    """Evaluate a method's rule on symbols.

    Raises
    ------
    NotAvailable
        Neither a tuner nor gradient descent at a constant rate.
    """
    if isinstance(method, GradientDescent):
        if getattr(method.rate, "free_symbols", None):
            raise NotAvailable("rate", method.rate, "a schedule is no tuner; give a number")
        rate = sp.Symbol("rate", positive=True)
        return Ruled(rate, (), (), (), ((rate, "rate"),))
    if not isinstance(method, Tuner):
        remedy = "give GradientDescent, CDAT, Armijo, Polyak, OnEdge or another Tuner"
        raise NotAvailable("method", method, remedy)
    symbolic, found = twin(method, "method")
    letters = {
        p.symbol: sp.Symbol(method.letters.get(p.field, p.field), real=True, positive=True)
        for p in found
    }
    kept = tuple(sp.Symbol(memory.name, real=True) for memory in method.memory)
    chosen, after = symbolic.step(here, kept)
    renamed = [sp.sympify(form).xreplace(letters) for form in (chosen, *after)]
    fields = tuple((letters[p.symbol], p.field) for p in found)
    return Ruled(renamed[0], method.memory, kept, tuple(renamed[1:]), fields)


# ---- the toy ----


#: λ of u
sharp_form = l0 + k * u


def toy_loss(bounded: bool) -> Any:
    """L of x and u: along a valley that ends in a parabola, or does not end."""
    valley = h * (u - bottom) ** 2 / 2 if bounded else -alpha * u
    return sharp_form * x**2 / 2 + valley


@lru_cache(maxsize=64)
def toy_map(method: Any, bounded: bool, noisy: bool, closed: bool, per_step: bool = False) -> Map:
    """Gradient descent in (x, u, v), or the closed map of (x, λ, v); where ``per_step`` u moves by
    its slope, whatever the step size."""
    rule, second = ruled(method, CUBIC), lam if closed else u
    seen, seen_steps = _seen(toy_loss(bounded), noisy, closed)
    sharp = lam if closed else sharp_form
    body = (
        *seen,
        Update(eta, sp.Piecewise((rule.step, square > TINY), (0, True)).subs(lam, sharp)),
    )
    gx, gu = _slope(x), _slope(u)
    lifted = along_valley(gu, per_step)
    moved = x - eta * gx, (lam + k * lifted) if closed else u + lifted
    after = (*moved, Update(v[j], v[j] - eta * slopes[j], (every,)))
    kept = [(new.subs(rule.step, eta) if new == rule.step else new) for new in rule.after]
    observe = (
        ("loss", loss),
        ("sharpness", sharp),
        ("step", eta),
        ("edge", eta * sharp),
        ("x", x),
        ("gradient", square),
        ("branch", sp.Piecewise((0, sharp > 0), (BEYOND, True))),
    )
    inputs = (curvatures, noise) if noisy else (curvatures,)
    return Map(
        f"{type(method).__name__} on a loss that sharpens",
        (x, second, v, *rule.kept),
        (*after, *kept),
        observe,
        (l0, k, *((h, bottom) if bounded else (alpha,)), *rule.numbers),
        inputs,
        body,
        (
            *seen_steps,
            Step("the step of the tuner", "η", rule.step),
            *_toy_steps(bounded, closed, per_step),
        ),
    )


def along_valley(slope: Any, per_step: bool, step_size: Any = eta) -> Any:
    """u⁺ − u: the step size enters, or does not."""
    return -slope if per_step else -step_size * slope


def _slope(coordinate: Any) -> Any:
    return sp.Symbol(f"g_{coordinate}", real=True)


def _seen(whole: Any, noisy: bool, closed: bool) -> tuple[list[Update], list[Step]]:
    """What a tuner sees of the toy, from derivatives of its loss; the bulk coordinate by itself."""
    coordinates = (x, u)
    if sp.Poly(whole, *coordinates).total_degree() > 3:
        raise NotAvailable("loss", whole, "the expansion along the gradient is cubic")
    tilt = [noise[step, i] for i in range(2)] if noisy else [0, 0]
    tilt_bulk = noise[step, j + 2] if noisy else 0
    one = sp.Symbol("v_j", real=True)
    own = curvatures[j] * one**2 / 2
    slope_bulk = sp.diff(own, one).subs(one, v[j]) + tilt_bulk
    curved = sp.diff(own, one, 2)
    gradient = [sp.diff(whole, c) + s for c, s in zip(coordinates, tilt, strict=True)]
    letters = [_slope(c) for c in coordinates]
    bends = sum(
        sp.diff(whole, a, b) * ga * gb
        for a, ga in zip(coordinates, letters, strict=True)
        for b, gb in zip(coordinates, letters, strict=True)
    )
    thirds = sum(
        sp.diff(whole, a, b, c) * ga * gb * gc
        for a, ga in zip(coordinates, letters, strict=True)
        for b, gb in zip(coordinates, letters, strict=True)
        for c, gc in zip(coordinates, letters, strict=True)
    )
    tilted = sum(c * s for c, s in zip(coordinates, tilt, strict=True))
    forms = {
        loss: whole + tilted + sp.Sum(own.subs(one, v[j]) + tilt_bulk * v[j], every),
        **{g: form for g, form in zip(letters, gradient, strict=True)},
    }
    updates = [Update(g, _simple(form, closed)) for g, form in forms.items()]
    updates.append(Update(slopes[j], slope_bulk, (every,)))
    lengths = sum(g**2 for g in letters) + sp.Sum(slopes[j] ** 2, every)
    updates.append(Update(square, lengths))
    updates.append(Update(bend, _simple(bends, closed) + sp.Sum(curved * slopes[j] ** 2, every)))
    updates.append(Update(third, _simple(thirds, closed)))
    return updates, [
        Step("the loss, its slope along x", letters[0], gradient[0]),
        Step("and along u", letters[1], gradient[1]),
        Step("the curvature along the gradient", bend, sp.factor(bends)),
        Step("the third derivative along it; there is no fourth", third, sp.factor(thirds)),
    ]


def _simple(form: Any, closed: bool) -> Any:
    """The form in the coordinates of the map: λ = l₀ + ku for u where it is closed."""
    return form.subs(sharp_form, lam).subs(u, (lam - l0) / k) if closed else form


def _toy_steps(bounded: bool, closed: bool, per_step: bool) -> list[Step]:
    gx, gu = (sp.diff(toy_loss(bounded), c) for c in (x, u))
    lifted = along_valley(gu, per_step)
    if not closed:
        return [Step("gradient descent", "x⁺", x - eta * gx), Step("and", "u⁺", u + lifted)]
    sharper = sp.factor(k * lifted)
    return [
        Step("λ = l₀ + k u; gradient descent in x", "x⁺", sp.factor(_simple(x - eta * gx, True))),
        Step("and in u: it sharpens while x² is small, b = k²/2 stabilises", "λ⁺ − λ", sharper),
    ]


# ---- two curvatures ----


@lru_cache(maxsize=64)
def full_pair(method: Any) -> Map:
    """Gradient descent in (x₁, x₂)."""
    whole = pair_loss()
    slopes_ = [sp.diff(whole, c) for c in (x1, x2)]
    bends = sum(g**2 * sp.diff(whole, c, 2) for g, c in zip(slopes_, (x1, x2), strict=True))
    rule = ruled(method, CUBIC)
    body = (
        Update(loss, whole),
        Update(square, sum(g**2 for g in slopes_)),
        Update(bend, bends),
        Update(third, sp.S.Zero),
        Update(eta, sp.Piecewise((rule.step, square > TINY), (0, True)).subs(lam, kappa)),
    )
    after = [c - eta * g for c, g in zip((x1, x2), slopes_, strict=True)]
    kept = [eta if new == rule.step else new for new in rule.after]
    observe = (
        ("loss", loss),
        ("sharpness", kappa),
        ("step", eta),
        ("edge", eta * kappa),
        ("x_1", x1),
        ("x_2", x2),
        ("gradient", square),
    )
    return Map(
        f"{type(method).__name__} on two curvatures",
        (x1, x2, *rule.kept),
        (*after, *kept),
        observe,
        (kappa, *rule.numbers),
        (),
        body,
        (Step("gradient descent", "x₁⁺", after[0]), Step("and", "x₂⁺", after[1])),
    )


def pair_loss() -> Any:
    """L of x₁ and x₂."""
    return (kappa * x1**2 + x2**2) / 2


def share_form() -> Any:
    """g₁²/|g|² in terms of ρ, without overflow."""
    small = sp.exp(-sp.Abs(ratio))
    return sp.Piecewise((1 / (1 + small), ratio >= 0), (small / (1 + small), True))


def pair_seen(share: Any, other: Any) -> dict[Any, Any]:
    """Loss and gᵀHg in units of |g|², from the loss; g₁² = κ²x₁² is `share`, g₂² is `other`."""
    whole = pair_loss()
    g1, g2 = sp.diff(whole, x1), sp.diff(whole, x2)
    squares = {x1: sp.sqrt(share) / (g1 / x1), x2: sp.sqrt(other) / (g2 / x2)}
    bends = g1**2 * sp.diff(whole, x1, 2) + g2**2 * sp.diff(whole, x2, 2)
    return {loss: sp.expand(whole.subs(squares)), bend: sp.expand(bends.subs(squares))}


@lru_cache(maxsize=64)
def closed_pair(method: Any) -> Map:
    """The map of ρ = ln g₁²/g₂², and of G = ln |g|² beside it."""
    share, other, change = sp.symbols("w_1 w_2 Delta", positive=True)
    factor_1, factor_2 = sp.symbols("f_1 f_2", real=True)
    rule, seen = ruled(method, CUBIC), pair_seen(share, other)
    for name in ("damping", "minimum"):
        if getattr(method, name, 0) != 0:
            remedy = "the ratio of two modes has no scale; use 0"
            raise NotAvailable(name, getattr(method, name), remedy)
    body = (
        Update(share, share_form()),
        Update(other, share_form().subs(ratio, -ratio)),
        Update(loss, seen[loss]),
        Update(square, sp.S.One),
        Update(bend, seen[bend]),
        Update(third, sp.S.Zero),
        Update(eta, rule.step.subs(lam, kappa)),
        Update(factor_1, sp.log(sp.Max(sp.Abs(1 - eta * kappa), _LEAST))),
        Update(factor_2, sp.log(sp.Max(sp.Abs(1 - eta), _LEAST))),
        Update(change, sp.Max(share * (1 - eta * kappa) ** 2 + other * (1 - eta) ** 2, _LEAST)),
    )
    kept = [
        (eta if new == rule.step else new) / (change if memory.squared else 1)
        for new, memory in zip(rule.after, rule.memory, strict=True)
    ]
    length = sp.exp(sp.Min(size, _MOST))
    observe = (
        ("loss", length * loss),
        ("sharpness", kappa),
        ("step", eta),
        ("edge", eta * kappa),
        ("log_ratio", ratio),
        ("log_gradient", size),
        ("growth_1", factor_1),
        ("growth_2", factor_2),
        ("gradient", length),
    )
    return Map(
        f"{type(method).__name__} on two curvatures",
        (ratio, size, *rule.kept),
        (ratio + 2 * (factor_1 - factor_2), size + sp.log(change), *kept),
        observe,
        (kappa, *rule.numbers),
        (),
        body,
        (
            Step("in units of |g|² the loss is", loss, seen[loss]),
            Step("and its curvature along the gradient", bend, seen[bend]),
            Step("the step of the tuner", "η", rule.step),
            Step(
                "each mode by itself: g₁⁺ = (1 − ηκ) g₁, g₂⁺ = (1 − η) g₂",
                "ρ⁺",
                ratio + 2 * (factor_1 - factor_2),
            ),
        ),
    )
