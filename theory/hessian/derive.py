r"""derive for SingleIndex: the map of (Q, R) under a step, and its flow.

.. math:: w'=(1-\eta g_1)w-\eta g_2w_*,\qquad
          Q'=|w'|^2+\eta^2\tfrac db\,\mathbb E\big[e^2\varphi'(\lambda)^2\big],\qquad
          R'=w'\cdot w_*,

with the direction g of the method, and the second term for batches of b ∝ d fresh samples.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..activations.base import Activation, alike
from ..core.checks import choice
from ..core.errors import NotAvailable
from ..core.loops import Update
from ..core.map import Map
from ..core.system import Step
from ..methods.base import Method
from ..methods.gradient_descent import GradientDescent
from ..methods.gradient_penalty import GradientPenalty
from ..methods.sam import SAM
from ..methods.sgd import SGD
from ..methods.weight_noise import WeightNoise
from .problem import SingleIndex
from .step import Loss, Q, R, T, displaced, loss_of, moved, project, returned, square

LIMITS = ("map", "flow")
METHODS = (GradientDescent, SGD, GradientPenalty, SAM, WeightNoise)
rate = sp.Symbol("eta", positive=True)
#: ρ, σ²d, d/b and the number of noises a step
strength, variance, ratio, draws = sp.symbols("rho s_2 delta m", nonnegative=True)
NUMBERS = (rate, T, strength, variance, ratio, draws)
#: nodes and weights of a standard normal
count = sp.Symbol("N", integer=True, positive=True)
nodes, weights = (sp.IndexedBase(name, shape=(count,)) for name in ("x", "p"))
_i, _j = sp.symbols("i j", integer=True)
_c, _g, _there = (sp.symbols(f"{name}_1 {name}_2", real=True) for name in ("c", "g", "h"))
_length, _noise = sp.symbols("n V", nonnegative=True)
_Q, _R = sp.Symbol("Q_there", positive=True), sp.Symbol("R_there", real=True)
#: |∇L| from which its direction is no number
_NO_LENGTH = sp.Float(1e-300)


def derive(problem: SingleIndex, method: Method, *, limit: str = "map") -> Map:
    """Derive how Q and R move under a method; the same for every value of the numbers.

    Parameters
    ----------
    problem : SingleIndex
    method : GradientDescent, SGD, GradientPenalty, SAM or WeightNoise
    limit : {"map", "flow"}
        "flow" is a `Map` whose states become their velocity, of the population.

    Returns
    -------
    Map

    Raises
    ------
    NotAvailable
        Another method, momentum, a schedule, a batch of SAM or of a gradient penalty, an
        activation without a kernel.
    """
    choice("limit", limit, LIMITS)
    check(method, limit)
    noisy = limit == "map" and batched(method)
    drawn = limit == "map" and getattr(method, "draws", None) is not None
    kind = next(kind for kind in METHODS if isinstance(method, kind))
    parts = (
        getattr(method, "hessian", getattr(method, "objective", "")),
        getattr(method, "normalised", False),
    )
    # activations of one class print alike
    return _derived(alike(problem.activation), kind, parts, noisy, drawn, limit)


def batched(method: Any) -> bool:
    """Whether a step sees fresh samples instead of the population."""
    return isinstance(method, SGD) or (
        not isinstance(method, GradientDescent) and method.batch is not None
    )


def check(method: Any, limit: str) -> None:
    """Refuse what has no theory here."""
    if not isinstance(method, METHODS):
        remedy = "use GradientDescent, SGD, GradientPenalty, SAM or WeightNoise"
        raise NotAvailable("method", method, remedy)
    given: Any = method
    if getattr(method.rate, "free_symbols", None):
        raise NotAvailable("rate", method.rate, "the theory has one rate; give a number")
    if getattr(method, "momentum", 0.0):
        raise NotAvailable("momentum", given.momentum, "it is derived without momentum; use 0")
    if getattr(method, "sampling", None) is not None:
        raise NotAvailable("sampling", given.sampling, "samples are fresh; leave it out")
    if isinstance(method, GradientDescent) and method.batch > 1:
        raise NotAvailable("batch", method.batch, "use SGD(rate, batch=b)")
    if isinstance(method, (SAM, GradientPenalty)) and batched(method):
        remedy = "it has a theory for the whole population; leave it out (simulate takes one)"
        raise NotAvailable("batch", method.batch, remedy)
    if limit == "flow" and (batched(method) or getattr(method, "draws", None) is not None):
        raise NotAvailable("limit", limit, "a flow has no batches and no draws; use the map")


@cache
def _derived(
    activation: Activation,
    kind: type[Method],
    parts: tuple[str, bool],
    noisy: bool,
    drawn: bool,
    limit: str,
) -> Map:
    loss = loss_of(activation)
    body, direction, steps = _direction(loss, kind, parts)
    numbers = (*NUMBERS, *activation.symbols)
    told = (*_told(loss), *steps)
    if limit == "flow":
        along = project(_g)
        body = (*body, *_named(_g, direction))
        after = (-2 * along[0], -along[1])
        return Map(_name(kind), (Q, R), after, watched(loss), numbers, (), body, told)
    point = displaced(_g, -rate)
    size, along = moved(point)
    body = [*body, *_named(_g, direction)]
    inputs: tuple[Any, ...] = ()
    if noisy:
        form = spread(activation)
        inputs = (nodes, weights) if form.has(nodes) else ()
        shift = variance if kind is WeightNoise else 0
        body.append(Update(_noise, form.subs(Q, Q + shift)))
        size += rate**2 * ratio * _noise / (draws if drawn else 1)
        told = (*told, Step("and a batch of b = d/δ samples adds to Q'", "η²δV, V", form))
    if drawn:
        size += rate**2 * _g[0] ** 2 * variance / draws
    return Map(
        _name(kind), (Q, R), (size, along), watched(loss), numbers, inputs, tuple(body), told
    )


def _name(kind: type[Method]) -> str:
    return f"{kind.__name__} on one unit: norm and overlap"


def _named(names: Any, values: Any) -> tuple[Update, ...]:
    return tuple(Update(name, value) for name, value in zip(names, values, strict=True))


def _direction(loss: Loss, kind: type[Method], parts: tuple[str, bool]) -> tuple[Any, Any, Any]:
    """Intermediate quantities, the direction of the step on w and w*, and how it comes about."""
    part, normalised = parts
    if kind is WeightNoise:
        form = (
            loss.noisy_gradient(variance)
            if part == "exact"
            else loss.penalised_gradient(variance, part)
        )
        return (), form, (Step("the gradient of the objective has on w", "g_1", form[0]),)
    body = [*_named(_c, loss.gradient)]
    if kind not in (SAM, GradientPenalty):
        return tuple(body), _c, ()
    reach = strength
    if normalised:
        body.append(Update(_length, sp.sqrt(sp.Max(square(_c), 0))))
        reach = strength / sp.Max(_length, _NO_LENGTH)
    if kind is GradientPenalty:
        product = loss.hessian_times(_c, part)
        form = tuple(c + reach * h for c, h in zip(_c, product, strict=True))
        return tuple(body), form, (Step("the penalty adds to c_1, H c on w", "h_1", product[0]),)
    point = displaced(_c, reach)
    there = [c.subs({Q: _Q, R: _R}, simultaneous=True) for c in loss.gradient]
    body += [*_named((_Q, _R), moved(point)), *_named(_there, there)]
    form = returned(_there, point)
    return tuple(body), form, (Step("the gradient at w' = w + ρg, back on w", "g_1", form[0]),)


def spread(activation: Activation) -> Any:
    """V = E e²φ'(λ)²: a batch adds η² V d/b to Q."""
    closed = activation.gradient_noise()
    if closed is not None:
        return closed
    x = sp.Symbol("x", real=True)
    value = activation.function(x)
    here = sp.sqrt(Q) * nodes[_i]
    target = R / sp.sqrt(Q) * nodes[_i] + sp.sqrt(sp.Max(T - R**2 / Q, 0)) * nodes[_j]
    error = value.subs(x, here) - value.subs(x, target)
    inside = weights[_i] * weights[_j] * (error * sp.diff(value, x).subs(x, here)) ** 2
    return sp.Sum(inside, (_i, 0, count - 1), (_j, 0, count - 1))


def watched(loss: Loss) -> tuple[tuple[str, Any], ...]:
    """What is recorded: loss, order parameters, |∇L|, and the traces per dimension as d → ∞."""
    gradient = loss.gradient
    return (
        ("loss", loss.value),
        ("norm", Q),
        ("overlap", R),
        ("gradient", sp.sqrt(sp.Max(square(gradient), 0))),
        ("hessian", gradient[0]),
        ("gauss_newton", loss.gauss_newton),
        ("neglected", gradient[0] - loss.gauss_newton),
    )


def _told(loss: Loss) -> tuple[Step, ...]:
    gradient = loss.gradient
    return (
        Step("the kernel E φ(λ)φ(ν), by Stein's lemma", "k", loss.activation.kernel()),
        Step("gives the loss", "ℓ", loss.value),
        Step("its gradient on w", "c_1", gradient[0]),
        Step("and on w*", "c_2", gradient[1]),
        Step("trace of the Gauss–Newton part per dimension", "γ", loss.gauss_newton),
        Step("heat identity: that of the whole Hessian is c_1; neglected", "c_1 − γ", "c_1 − γ"),
    )
