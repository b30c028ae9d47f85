r"""Second-order regression: the first two steps, averaged over the curvature and the batch.

Everything here follows from the exact step of :mod:`.motion` by the averages of :mod:`.wick`. Model
of arXiv 2404.19261 and 2210.04860; formulas derived here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.system import Step
from .letters import Diagonal, Ket, Symmetric, Transposed, Word
from .motion import data, jacobian, residual, step
from .wick import batch_average, gaussian_average, rows_of_curvature, up_to
from .words import close, rewrite, transpose, words

#: q, P, β = B/D, κ = qP; D and the batch prefactor g = η/B are those of the step
variance, parameters = sp.symbols("q P", positive=True)
fraction, strength = sp.symbols("beta kappa", positive=True)
#: singular values of J, eigenvalues of Θ = JJᵀ
s_a, s_b, l_a, l_b = sp.symbols("s_a s_b ell_a ell_b", positive=True)

gram = Symmetric(sp.Symbol("Theta"))
masks = Diagonal(sp.Symbol("P_0")), Diagonal(sp.Symbol("P_1"))
u_a, u_b, v_a, v_b = (Ket(sp.Symbol(name)) for name in ("u_a", "u_b", "v_a", "v_b"))
#: a direction in the null space of J
v_null = Ket(sp.Symbol("v_0"))

_J, _JT = jacobian, jacobian.T
#: J v = s u, Jᵀu = s v, and the orthonormality of both bases
MODES: dict[Word, Any] = {
    (_J, v_a): s_a * u_a,
    (_J, v_b): s_b * u_b,
    (_J, v_null): sp.S.Zero,
    (_JT, u_a): s_a * v_a,
    (_JT, u_b): s_b * v_b,
    (_J, _JT): gram,
    (gram, u_a): s_a**2 * u_a,
    (gram, u_b): s_b**2 * u_b,
    **{(x.T, x): sp.S.One for x in (u_a, u_b, v_a, v_b, v_null)},
    **{(x.T, y): sp.S.Zero for x, y in ((u_a, u_b), (v_a, v_b), (v_a, v_null), (v_b, v_null))},
}


@cache
def first_steps() -> tuple[tuple[Any, Any], ...]:
    """(z, J) at the start, after one and after two steps; J to second order in the curvature."""
    start = (residual, jacobian)
    one = step(*start, masks[0])
    z, J = step(*one, masks[1])
    return start, one, (z, up_to(J, 3))


def averaged(expression: Any) -> Any:
    """Average over the curvature and over both masks, in the modes of J."""
    expression = gaussian_average(expression, variance, parameters)
    for mask in reversed(masks):
        expression = batch_average(rewrite(expression, MODES), mask, fraction)
    return sp.expand(close(rewrite(expression, MODES)))


@cache
def overlap() -> Derivation:
    """Mean first and second differences of the overlap u_aᵀ J_t v_a."""
    (_, start), (_, one), (_, two) = first_steps()
    first, second = start - one, two - 2 * one + start
    name = sp.symbols("Delta_1 Delta_2")
    results = [averaged(u_a.T * difference * v_a) for difference in (-first, second)]
    results = [sp.factor(result, deep=False) for result in results]
    return Derivation(
        "overlap with the modes of the start",
        tuple(zip(name, results, strict=True)),
        (
            Step("one step", "J'", sp.expand(-first)),
            Step("only terms of even degree in Q survive; Isserlis pairs them", name[1], second),
            Step("average over the masks of both steps, in the modes of J", name[1], results[1]),
        ),
        _mask_definitions(),
    )


@cache
def singular_values() -> Derivation:
    """Mean shift of a singular value in one step, to second order in the curvature (D ≤ P).

    The shift of the matrix [[0, J], [Jᵀ, 0]] has the eigenvectors (u_b, ±v_b)/√2, ±s_b, and the
    null vectors (0, v): second-order perturbation of the eigenvalue s_a.
    """
    change = first_steps()[1][1] - jacobian
    other, null = (_level_repulsion(change, x) for x in ("mode", "null"))
    names = sp.symbols("R_ab R_0")
    total = r"\sum_{b\neq a}R_{ab}+(P-D)\,R_0"
    return Derivation(
        "true singular values after one step",
        ((r"\mathbb{E}\,[s_a(1)-s_a]", total), (names[0], other), (names[1], null)),
        (
            Step("one step", "X = J' − J", sp.expand(change)),
            Step("first order averages to zero", "uᵀXv", averaged(u_a.T * change * v_a)),
            Step("repulsion by the modes ±s_b", names[0], other),
            Step("repulsion by one direction of the null space of J", names[1], null),
        ),
        _mask_definitions(),
    )


def _level_repulsion(change: Any, kind: str) -> Any:
    """Mean second-order shift of s_a by the pair of modes ±s_b, or by one null direction."""
    if kind == "null":
        return averaged(_squared(u_a.T * change * v_null)) / (2 * s_a)
    there, back = u_a.T * change * v_b, u_b.T * change * v_a
    total = sp.S.Zero
    for sign in (1, -1):
        element = (sign * there + back) / 2
        total += averaged(_squared(element)) / (s_a - sign * s_b)
    return sp.factor(sp.together(total), deep=False)


def _squared(number: Any) -> Any:
    """The square of a closed word, its second factor transposed to keep the sums apart."""
    return number * transpose(number)


@cache
def order_kappa() -> Derivation:
    """Mean differences of u_aᵀ Θ_t u_a over two steps at P → ∞, to first order in κ = qP."""
    forms = [_gram(J) for _, J in first_steps()]
    first, second = forms[1] - forms[0], forms[2] - 2 * forms[1] + forms[0]
    names = sp.symbols("D_1 D_2")
    results = [_large(averaged(up_to(difference, 2))) for difference in (first, second)]
    return Derivation(
        "NTK over two steps, to first order in κ",
        tuple(zip(names, results, strict=True)),
        (
            Step("to second order in Q the NTK after one step", "Θ_1", forms[1]),
            Step("Isserlis, both masks, q = κ/P and P → ∞: first difference", names[0], results[0]),
            Step("… second difference", names[1], results[1]),
        ),
        _mask_definitions(),
    )


def _gram(J: Any) -> Any:
    """u_aᵀ J Jᵀ u_a to second order in the curvature."""
    return up_to(u_a.T * J * transpose(J) * u_a, 2)


def _large(expression: Any) -> Any:
    """The limit P → ∞ at fixed κ = qP."""
    scaled = sp.expand(expression.subs(variance, strength / parameters))
    return sp.Add(*(sp.limit(term, parameters, sp.oo) for term in sp.Add.make_args(scaled)))


@cache
def flow() -> Derivation:
    """Mean second derivatives of Θ and of its eigenvalues under the flow θ' = −Jᵀz."""
    first = _derivative(u_a.T * jacobian * _JT * u_b)
    second = _derivative(_derivative(u_a.T * jacobian * _JT * u_a))
    repulsion = averaged(_squared(first)) / (s_a**2 - s_b**2)
    diagonal, repulsion = (_in_eigenvalues(e) for e in (averaged(second), 2 * repulsion))
    names = sp.symbols("F_a F_ab")
    total = r"F_{a}+\sum_{b\neq a}F_{ab}"
    return Derivation(
        "eigenvalues of the NTK under gradient flow",
        ((r"\mathbb{E}\,\ddot\ell_a", total), (names[0], diagonal), (names[1], repulsion)),
        (
            Step("the flow: residual", "dz/dτ", _rate_of(residual)),
            Step("the flow: Jacobian", "dJ/dτ", _rate_of(jacobian)),
            Step("first derivative", "u_aᵀΘ'u_b", first),
            Step("mean second derivative, diagonal", names[0], diagonal),
            Step("2 E(u_aᵀΘ'u_b)²/(ℓ_a − ℓ_b), level repulsion", names[1], repulsion),
        ),
    )


def _in_eigenvalues(expression: Any) -> Any:
    """Write s² as ℓ."""
    powers = {s_a: sp.sqrt(l_a), s_b: sp.sqrt(l_b)}
    return sp.factor(expression.subs(powers), deep=False)


def _rate_of(letter: Any) -> Any:
    """Time derivative of a letter under the flow; zero for what does not move."""
    push = _JT * residual
    if letter == residual:
        return -jacobian * push
    if letter == jacobian:
        return -rows_of_curvature(push, None, data)
    if isinstance(letter, Transposed) or letter == residual.T:
        return transpose(_rate_of(letter.T))
    return sp.S.Zero


def _derivative(expression: Any) -> Any:
    """Leibniz' rule on words."""
    total = [
        coefficient * sp.Mul(*word[:i]) * _rate_of(letter) * sp.Mul(*word[i + 1 :])
        for coefficient, word in words(expression)
        for i, letter in enumerate(word)
    ]
    return sp.expand(sp.Add(*total))


def _mask_definitions() -> tuple[tuple[str, str], ...]:
    return (
        (r"\Omega[M]", r"b_2M+(b_1-b_2)\,\mathrm{diag}\,M"),
        ("b_1", r"\mathbb{E}\,m_k^2"),
        ("b_2", r"\mathbb{E}\,m_km_l"),
    )
