r"""Second moments of SGD around a minimum that fits every example, from the mask.

.. math:: M^+=M-\eta(HM+MH)+a\,HMH+b\sum_iH_iMH_i

with :math:`M=\mathbb Eww^\top` and a, b from the moments of the mask. For n/σ orthogonal groups of
σ identical rank-one H_i it closes on numbers, which gives the edge; the sufficient condition for
instability keeps the path that always meets the sharpest example.
Setting of arXiv 2401.12332, formulas derived here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.system import Step
from ..methods.sampling import batch_size, examples, sampling_moments

rate, coherence, curvature = sp.symbols("eta sigma lambda", positive=True)
beta, b1, b2 = sp.symbols("beta b_1 b_2", positive=True)
moment = sp.Symbol("M", real=True)
square, single = sp.symbols("a b", real=True)
single_flow = sp.Symbol("b_flow", real=True)
group_growth, group_edge = sp.symbols("r_group edge_group", real=True)
path_growth, path_edge = sp.symbols("r_path edge_path", real=True)
#: λ_max of H
top = sp.Symbol("lambda_1", positive=True)


@lru_cache(maxsize=8)
def stability_theory(sampling: str) -> Derivation:
    """Derive the second moment, the edge of groups and the sufficient condition, for a sampling."""
    found = sampling_moments(sampling)
    n, B = examples, batch_size
    prefactor = (rate / B) ** 2
    forms = {square: prefactor * b2 * n**2, single: prefactor * (b1 - b2)}
    own = {beta: found.beta, b1: found.b1, b2: found.b2}
    a, b = (sp.factor(sp.simplify(form.subs(own))) for form in forms.values())
    flow = sp.factor(sp.simplify(b / rate))
    # a group: H = (σ/n) λ in its direction, and σ terms of H_i = λ
    mean = coherence * curvature / n
    growth = sp.expand(1 - 2 * rate * mean + a * mean**2 + coherence * b * curvature**2)
    in_top = sp.factor(sp.simplify(growth.subs(curvature, top * n / coherence)))
    edge = sp.factor(sp.simplify(_root(in_top)))
    # the path of the sharpest example, λ_max(H_i) >= n λ_1/σ, with the square of the mean left out
    path = sp.factor(sp.simplify(b * (n * top / coherence) ** 2))
    words = sampling.replace("_", " ")
    equations: dict[Any, Any] = {
        square: a,
        single: b,
        single_flow: flow,
        group_growth: in_top,
        group_edge: edge,
    }
    steps = [
        Step(f"sampling {words}: E m", "β", found.beta),
        Step("E m²", "b₁", found.b1),
        Step("E m_k m_l for k ≠ l", "b₂", found.b2),
        Step("pairs of different examples give H M H", square, a),
        Step("and each example with itself Σ H_i M H_i, on top", single, b),
        Step(
            "in continuous time, Ito's formula keeps this and loses H M H: per unit of η·step",
            single_flow,
            flow,
        ),
        Step(
            "σ identical examples a direction: growth of its second moment, with λ_1 = σλ/n",
            group_growth,
            in_top,
        ),
        Step("which is 1 at the rate", group_edge, edge),
    ]
    if sampling == "bernoulli":
        equations |= {path_growth: path, path_edge: sp.sqrt(sp.factor(rate**2 / path))}
        steps += [
            Step(
                "always the sharpest example, λ_max(H_i) >= n λ_1/σ: E|w|² grows at least by",
                path_growth,
                path,
            ),
            Step("so that it diverges above", path_edge, equations[path_edge]),
            Step(
                "edge of groups over this bound, squared",
                "ratio²",
                sp.factor(sp.simplify((edge / equations[path_edge]) ** 2)),
            ),
        ]
    return Derivation(
        "SGD at a minimum that fits every example", tuple(equations.items()), tuple(steps)
    )


def _root(growth: Any) -> Any:
    """The rate at which a growth 1 − 2ηλ + cη² is 1."""
    (found,) = (root for root in sp.solve(sp.Eq(growth, 1), rate) if root != 0)
    return found
