r"""A tuner on second-order regression: the exact recursion of (z, J), and the descent in θ.

With the mask P of a batch of B examples (1 and B = D for all of the data) the tuner sees the loss
:math:`L=z^\top Pz/(2B)`. Along its gradient :math:`\nabla L=g/B,\ g=J^\top Pz`, the residual is

.. math:: z(\eta)=z-\tfrac\eta BJg+\tfrac{\eta^2}{2B^2}Q(g,g),

so that the loss along it is a polynomial of degree four in the step η: every rule is evaluated
exactly. The sharpness of the rule is :math:`\lambda_{\max}(P^{1/2}JJ^\top P^{1/2})/B`. Rules of
arXiv 2407.06183 on the model of arXiv 2210.04860; equations derived here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy as sp

from ..core.loops import Largest, Update
from ..core.loops import step as now
from ..core.map import Map
from ..core.system import Step
from ..second_order import motion
from ..second_order.letters import Ket, Letter, Operator, Symmetric
from ..second_order.lowering import Lowering
from ..second_order.words import rewrite, transpose
from .letters import TINY, bend, eta, fourth, lam, loss, square, third
from .maps import ruled

_D, _P = sp.symbols("D P", integer=True, positive=True)
Q = sp.IndexedBase("Q", shape=(_D, _P, _P))
#: how often each example is in the batch of a step, and the size of the batch
mask, samples = Symmetric(sp.Symbol("m")), sp.Symbol("B", positive=True)
_masks = sp.IndexedBase(str(mask.args[0]))
#: η/B
size = sp.Symbol("h", real=True)
residual, jacobian = motion.residual, motion.jacobian
#: g, Q(g, ·), Jg and Q(g, g)
gradient, curved = Ket(sp.Symbol("g")), Operator(sp.Symbol("C"))
first, second = Ket(sp.Symbol("z_1")), Ket(sp.Symbol("z_2"))
#: the parameters, Q(θ, ·), and the model at θ = 0
theta, turned = motion.parameters_now, Operator(sp.Symbol("T"))
start, start_jacobian = Ket(sp.Symbol("z_0")), Operator(sp.Symbol("G"))
#: the step that was taken last, which is recorded one step later
taken = sp.Symbol("eta_taken", real=True)
#: the kernel of a batch
kernel = sp.IndexedBase("K", shape=(_D, _D))

_COLUMNS = dict.fromkeys((residual, first, second, start), (_D,))
_ROWS = dict.fromkeys((gradient, theta), (_P,))
_MATRICES = dict.fromkeys((jacobian, curved, turned, start_jacobian), (_D, _P))
LOWERING = Lowering(_COLUMNS | _ROWS | _MATRICES, Q)


def moved() -> tuple[Any, Any]:
    """(z, J) after a step of length h along −g, from the exact displacement."""
    along: dict[tuple[Letter, ...], Any] = {
        (motion.displacement,): -size * gradient,
        (motion.bend,): -size * curved,
    }
    after = motion.displaced(residual, jacobian, motion.displacement)
    z, J = (rewrite(motion.bent(form), along) for form in after)
    return rewrite(z, {(jacobian, gradient): first, (curved, gradient): second}), J


def seen(drawn: Any) -> dict[Any, Any]:
    """What a tuner sees: derivatives by the step of the loss of the batch along its gradient."""
    z, _ = moved()
    along = sp.expand((transpose(z) * drawn * z).subs(size, eta / samples) / (2 * samples))
    taylor = {
        name: sp.expand((-1) ** order * sp.factorial(order) * along.coeff(eta, order))
        for order, name in enumerate((loss, None, bend, third, fourth))
        if name is not None
    }
    # the slope along g is −|g|²/B²: as a square it is not negative in floating point either
    return taylor | {square: transpose(gradient) * gradient / samples**2}


def _along(drawn: Any) -> dict[Letter, Any]:
    """g and its images, in words."""
    rows = motion.rows_of_curvature(gradient, None, _D)
    return {
        gradient: transpose(jacobian) * drawn * residual,
        curved: rows,
        first: jacobian * gradient,
        second: curved * gradient,
    }


def _chosen(method: Any, batched: bool) -> tuple[list[Update], Any, tuple[Step, ...]]:
    """The step of the rule after everything that it sees, and the rule."""
    rule, drawn = ruled(method), (mask if batched else sp.S.One)
    words = _along(drawn)
    numbers = seen(drawn)
    body = [LOWERING.update(letter, form) for letter, form in words.items()]
    body += [Update(name, LOWERING.number(form)) for name, form in numbers.items()]
    if lam in rule.step.free_symbols:
        body += _sharpness(batched)
    step = sp.Piecewise((rule.step, square > TINY), (0, True))
    body += [Update(eta, step), Update(size, eta / samples)]
    told = (
        ("the gradient of the batch, times its size", gradient, words[gradient]),
        ("the curvature along it", curved, words[curved]),
        ("the loss along it: a polynomial of degree four in the step", loss, numbers[loss]),
        ("its slope, less the sign", square, numbers[square]),
        ("its curvature", bend, numbers[bend]),
        ("the third derivative along g", third, numbers[third]),
        ("and the fourth; there is no fifth", fourth, numbers[fourth]),
        ("the step of the tuner", "η", rule.step),
    )
    return body, rule, tuple(Step(*line) for line in told)


def _sharpness(batched: bool) -> list[Update]:
    """λ_max of the kernel of the batch, over B."""
    a, b, i = sp.symbols("a b i", integer=True)
    product = sp.Sum(jacobian_array[a, i] * jacobian_array[b, i], (i, 0, _P - 1))
    share = sp.sqrt(_masks[now, a] * _masks[now, b]) if batched else 1
    over = (a, 0, _D - 1), (b, 0, a)
    return [
        Update(kernel[a, b], share * product, over, symmetric=True),
        Update(lam, Largest(kernel) / samples),
    ]


jacobian_array = LOWERING.array(jacobian)


def _map(
    name: str,
    states: dict[Letter, Any],
    observe: Any,
    chosen: tuple[list[Update], Any, tuple[Step, ...]],
    before: list[Update],
    inputs: tuple[Any, ...],
) -> Map:
    body, rule, told = chosen
    # an empty batch shows nothing, and nothing is remembered of it
    kept = [
        sp.Piecewise((eta if new == rule.step else new, square > TINY), (old, True))
        for old, new in zip(rule.kept, rule.after, strict=True)
    ]
    arrays = tuple(LOWERING.array(letter) for letter in states)
    after = tuple(LOWERING.update(letter, form) for letter, form in states.items())
    steps = (*told, *(Step("after the step", f"{x}⁺", form) for x, form in states.items()))
    return Map(
        name=name,
        states=(*arrays, *rule.kept, taken),
        after=(*after, *kept, eta),
        observe=observe,
        numbers=(samples, *rule.numbers),
        inputs=inputs,
        body=(*before, *body),
        steps=steps,
    )


@lru_cache(maxsize=64)
def recursion(method: Any, batched: bool) -> Map:
    """The exact map of (z, J); inputs are Q and, where batched, the masks."""
    z, J = moved()
    a = sp.Symbol("a", integer=True)
    column = LOWERING.array(residual)
    observe = (
        ("squared", sp.Sum(column[a] ** 2, (a, 0, _D - 1))),
        ("taken", taken),
        ("residual", column),
        ("jacobian", jacobian_array),
    )
    return _map(
        f"{type(method).__name__} on second-order regression",
        {residual: z, jacobian: J},
        observe,
        _chosen(method, batched),
        [],
        (Q, *((_masks,) if batched else ())),
    )


@lru_cache(maxsize=64)
def descent(method: Any, batched: bool) -> Map:
    """Descent in θ: the model is evaluated at θ in every step, and nothing is carried beside."""
    here = motion.displaced(start, start_jacobian, motion.displacement)
    z, J = (
        rewrite(motion.bent(form), {(motion.displacement,): theta, (motion.bend,): turned})
        for form in here
    )
    before = {turned: motion.rows_of_curvature(theta, None, _D), residual: z, jacobian: J}
    a = sp.Symbol("a", integer=True)
    square_now = sp.Sum(LOWERING.element(z, (a,)) ** 2, (a, 0, _D - 1))
    observe = (
        ("squared", square_now),
        ("taken", taken),
        ("theta", LOWERING.array(theta)),
    )
    outside = (LOWERING.array(start), LOWERING.array(start_jacobian))
    return _map(
        f"{type(method).__name__} in the parameters",
        {theta: theta - size * gradient},
        observe,
        _chosen(method, batched),
        [LOWERING.update(letter, form) for letter, form in before.items()],
        (Q, *outside, *((_masks,) if batched else ())),
    )
