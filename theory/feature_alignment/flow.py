r"""Gradient flow of the quadratic network on the population, from its loss.

.. math:: L=\tfrac14\operatorname{tr}SDSD\ \big[+\tfrac18(\operatorname{tr}DS)^2\big],\qquad
          D=\Theta-B,\qquad \dot W=-2AWG,\quad \dot A=-WGW^\top,\quad G=\partial L/\partial\Theta,

the second term of L where means are not subtracted. For A = S = 1 it is a Riccati equation of WᵀW.
Derived here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.system import Step

k, d = sp.symbols("k d", integer=True, positive=True)
W, A = sp.MatrixSymbol("W", k, d), sp.MatrixSymbol("A", k, k)
B, S, D, G, Theta = (sp.MatrixSymbol(name, d, d) for name in ("B", "S", "D", "G", "Theta"))
SYMMETRIC = {X.T: X for X in (A, B, S, D, G, Theta)}
rate, batch = sp.symbols("eta b", positive=True)
t, start, strength = sp.symbols("t n_0 b", positive=True)
#: what is computed
NAMES = "Network Deviation Pull Wdot Adot loss NFM AGOP Tangent heating filling"
Network, Deviation, Pull, Wdot, Adot, loss, NFM, AGOP, Tangent, heating, filling = sp.symbols(NAMES)


@cache
def flow_theory(centred: bool) -> Derivation:
    """Derive the loss, its gradient in W and A, the feature matrices, and the noise of SGD."""
    mean_square = sp.Integer(0) if centred else sp.Trace(D * S) ** 2 / 8
    main = sp.Trace(S * D * S * D) / 4
    pull = _of(main, D)
    if not centred:
        pull = pull + sp.Trace(D * S) / 4 * _of(sp.Trace(D * S), D)
    inner = sp.Trace(G * W.T * A * W)
    equations: dict[Any, Any] = {
        Network: W.T * A * W,
        Deviation: Theta - B,
        Pull: pull,
        Wdot: -_of(inner, W),
        Adot: -_of(inner, A),
        loss: main + mean_square,
        NFM: W.T * W,
        AGOP: Theta * S * Theta,
        Tangent: A * W * S * W.T * A,
        **_noise(),
    }
    text = "means are subtracted" if centred else "with the square of the mean"
    steps = (
        Step("f − y = ½ xᵀDx − const, D = Θ − B", "D", Theta - B),
        Step("E (xᵀDx)² for x ~ N(0, 1), each d a number, by Wick", "E", _wick()),
        Step(f"hence ½ E(f − y)², {text}", loss, equations[loss]),
        Step("its derivative by Θ", "G", pull),
        Step("and by W, through Θ = WᵀAW", "∂L/∂W", _of(inner, W)),
        Step("and by A, of which the diagonal is meant", "∂L/∂A", _of(inner, A)),
        Step("∇f = Θx: its outer product", "AGOP", equations[AGOP]),
        Step("A = S = 1: AGOP = NFM², the ansatz with α = ½ holds", "AGOP", "NFM^2"),
        *_riccati(),
        Step(
            "SGD, batch b: loss that noise adds, per time and loss; e and ∇f taken independent",
            heating,
            equations[heating],
        ),
        Step("and what it adds to |W − W₀|²", filling, equations[filling]),
    )
    return Derivation("gradient flow of a quadratic network", tuple(equations.items()), steps)


def _of(form: Any, X: Any) -> Any:
    return form.diff(X).subs(SYMMETRIC).doit()


def _wick() -> Any:
    """E (xᵀDx)² for diagonal D of two eigenvalues, by the moments of the normal law."""
    one, two = sp.symbols("D_1 D_2")
    x = sp.symbols("x_1 x_2")
    form = sp.Poly(sp.expand((one * x[0] ** 2 + two * x[1] ** 2) ** 2), *x)
    moments = {0: 1, 2: 1, 4: 3}
    total = sum(c * moments[i] * moments[j] for (i, j), c in form.terms())
    assert sp.expand(total - (one + two) ** 2 - 2 * (one**2 + two**2)) == 0
    return "(tr D)^2 + 2 tr D^2"


def _noise() -> dict[Any, Any]:
    r"""What the noise of a batch adds, for one sample of squared error 2L independent of ∇f.

    (∇f·∇f′)² = (xᵀQx′)²(x·x′)² with Q = WᵀA²W, averaged over x and x′ by Wick.
    """
    Q = W.T * A * A * W
    tr = sp.Trace
    wick = (
        tr(S * Q * S * Q) * tr(S * S)
        + 2 * tr(Q * S * Q * S * S * S)
        + 2 * tr(Q * S * S) ** 2
        + 2 * tr(Q * S * S * Q * S * S)
        + 2 * tr(Q * S * S * S * Q * S)
    )
    fill = tr(Q * S) * tr(S) + 2 * tr(Q * S * S)
    return {heating: rate / batch * wick, filling: 2 * rate / batch * fill}


def _riccati() -> tuple[Step, ...]:
    """n' = 2bn − 2n², and that the closed form solves it."""
    integral = sp.integrate(sp.exp(2 * strength * t), (t, 0, t))
    n = start * sp.exp(2 * strength * t) / (1 + 2 * start * integral)
    rest = sp.simplify(sp.diff(n, t) - 2 * strength * n + 2 * n**2)
    return (
        Step("and N = WᵀW obeys a Riccati equation", "N'", "BN + NB − 2N²"),
        Step("one dimension: the solution", "n(t)", sp.simplify(n)),
        Step("in place: n' − 2bn + 2n²", "rest", rest),
    )


@cache
def closed_theory() -> Derivation:
    """The closed form for A = S = 1 in the eigenbasis of B, and what is observed of it."""
    value = sp.Symbol("b", real=True)
    integral = sp.Integral(sp.exp(2 * value * t), (t, 0, t))
    growth, area = sp.symbols("growth area", real=True)
    flow = flow_theory(True)
    # a small b: (e^{2bt} − 1)/(2b) loses its digits, sinh does not
    whole = t * sp.exp(value * t) * _sinhc(value * t)
    equations: dict[Any, Any] = {growth: sp.exp(value * t), area: whole}
    kept = {name: flow[name] for name in (Deviation, loss, AGOP)}
    return Derivation(
        "closed form of a network with A = S = 1",
        (*equations.items(), *kept.items()),
        (
            Step("N = e^{Bt} W₀ᵀ [1 + 2 W₀ J W₀ᵀ]⁻¹ W₀ e^{Bt}, J as B", "J", integral),
            Step("which is", area, whole),
            *_riccati(),
        ),
    )


def _sinhc(x: Any) -> Any:
    return sp.Piecewise((sp.sinh(x) / x, sp.Ne(x, 0)), (1, True))
