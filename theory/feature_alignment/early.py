r"""The alignment at t → 0⁺: exact, in the limit of large d and k, and in that of a wide network.

.. math:: \frac{[QPQSQP]}{\sqrt{[QPQP]\,[QSQPQSQP]}},\qquad Q=W_0^\top A^2W_0,\quad P=M^2,

:math:`M=\mathbb E[r\,xx^\top]`, [·] = tr/d. In the limit Q is free compound Poisson with
:math:`\kappa_n=(d/k)^{n-1}\mathbb Ea^{2n}`. Derived here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.system import Step
from .partitions import KAPPA, complement, mixed_moment, non_crossing, trace_symbol

#: d/k and E a^{2n}
y = sp.Symbol("y", positive=True)
EVEN = sp.symbols("m_2 m_4 m_6 m_8", positive=True)
numerator, nfm_square, agop_square = sp.symbols("numerator nfm_square agop_square", real=True)
limit, wide, isotropic = sp.symbols("limit wide isotropic", real=True)
bound, spread = sp.symbols("bound spread", real=True)
condition = sp.Symbol("c", positive=True)
#: the traces that the limit needs
WORDS = ("P", "S", "PS", "PP", "SS", "PPS", "PSS", "PSPS")


@cache
def early_theory() -> Derivation:
    """Derive the limit at 0⁺, that of a wide network, its bound, and the data that reach it."""
    top = mixed_moment(("P", "S", "P"))
    nfm = mixed_moment(("P", "P"))
    agop = mixed_moment(("S", "P", "S", "P"))
    cumulants = {KAPPA[n - 1]: y ** (n - 1) * EVEN[n - 1] for n in (1, 2, 3, 4)}
    pairs = zip(_NAMES, (top, nfm, agop), strict=True)
    forms = {name: form.subs(cumulants) for name, form in pairs}
    value = _alignment(*forms.values())
    alone = {kappa: 0 for kappa in KAPPA[1:]}
    far = _alignment(*(form.subs(alone) for form in (top, nfm, agop)))
    white = {trace_symbol(word): 1 for word in WORDS} | dict.fromkeys(EVEN, 1)
    flat = sp.sqrt(sp.factor(sp.simplify((value.subs(white)) ** 2)))
    worst, told = _blocks()
    equations = {**forms, limit: value, wide: sp.simplify(far), isotropic: flat, bound: worst}
    steps = (
        Step("flow: W₀' = A W₀ M, so that of W − W₀ the feature matrix is", "NFM", "MQM t²"),
        Step("and with K₀ = A W₀ S W₀ᵀ A the gradients' outer product", "AGOP", "MQSQM t²"),
        Step("non-crossing partitions of 3, with their complements", "NC(3)", _listed(3)),
        Step("of 4", "NC(4)", _listed(4)),
        Step("hence, b₁ = P, b₂ = S, b₃ = P (that Q is free is not proved here)", "[QPQSQP]", top),
        Step("and", "[QPQP]", nfm),
        Step("and", "[QSQPQSQP]", agop),
        Step("free compound Poisson: κ_n = (d/k)ⁿ⁻¹ E a²ⁿ", "κ₂", cumulants[KAPPA[1]]),
        Step("wide: κ_n = 0 from n = 2 on", wide, equations[wide]),
        Step("S = M = 1, a = ±1", isotropic, flat),
        Step("which is the same at d/k and k/d", "difference", _symmetric(flat)),
        Step("and smallest at d = k", "at y = 1", flat.subs(y, 1)),
        *told,
    )
    return Derivation("alignment at early times", tuple(equations.items()), steps)


_NAMES = (numerator, nfm_square, agop_square)


def _alignment(top: Any, nfm: Any, agop: Any) -> Any:
    return top / sp.sqrt(nfm * agop)


def _listed(n: int) -> str:
    def text(blocks: Any) -> str:
        return "|".join("".join(str(i + 1) for i in block) for block in blocks)

    return ", ".join(f"{text(blocks)} → {text(complement(blocks))}" for blocks in non_crossing(n))


def _symmetric(form: Any) -> Any:
    return sp.simplify(form**2 - form.subs(y, 1 / y) ** 2)


def _blocks() -> tuple[Any, tuple[Step, ...]]:
    """Two eigenvalues c and 1 of S under weights ω and 1 − ω: the smallest E s/√E s²."""
    weight = sp.Symbol("omega", positive=True)
    mean = weight * condition + 1 - weight
    square = weight * condition**2 + 1 - weight
    (best,) = sp.solve(sp.diff(mean**2 / square, weight), weight)[-1:]
    worst = sp.sqrt(sp.factor(sp.simplify((mean**2 / square).subs(weight, best))))
    return sp.simplify(worst), (
        Step(
            "wide: at least E s/√E s² by Cauchy and Schwarz, weights ω ∝ M⁴; for c and 1",
            "(E s)²/E s²",
            mean**2 / square,
        ),
        Step("smallest at the weight of c", "ω", sp.simplify(best)),
        Step("where it is", bound, sp.simplify(worst)),
        Step(
            "two blocks with p₁ μ₁⁴ c = p₂ μ₂⁴ have that weight: ω/(1 − ω)",
            "p₁μ₁⁴/(p₂μ₂⁴)",
            sp.simplify(best / (1 - best)),
        ),
    )
