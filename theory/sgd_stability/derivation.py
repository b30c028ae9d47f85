r"""Second moments of SGD around a minimum that fits every example, from its step and its mask.

.. math:: w^+=w-\frac\eta B\sum_im_iH_iw,\qquad
          M^+=M-\eta(HM+MH)+a\,HMH+b\sum_iH_iMH_i

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
from ..methods.sampling import Moments, batch_size, examples, sampling_moments

rate, coherence, curvature = sp.symbols("eta sigma lambda", positive=True)
beta, b1, b2 = sp.symbols("beta b_1 b_2", positive=True)
#: a run and what its batch pulls with, Σ m_i H_i w; a run after a step
weight, pull, weight_next = sp.symbols("w pull w_next", real=True)
#: in the eigenbasis of H: M_ij, the sum (Σ H_k M H_k)_ij, and eigenvalues of H
moment, singles = sp.symbols("M_ij S_ij", real=True)
pull_i, pull_j = sp.symbols("lambda_i lambda_j", positive=True)
moment_next, gained, flow = sp.symbols("M_next gained M_flow", real=True)
square, single = sp.symbols("a b", real=True)
single_flow = sp.Symbol("b_flow", real=True)
group_growth, group_edge = sp.symbols("r_group edge_group", real=True)
path_growth, path_edge = sp.symbols("r_path edge_path", real=True)
#: λ_max of H
top = sp.Symbol("lambda_1", positive=True)
_n, _B = examples, batch_size

Part = tuple[dict[Any, Any], list[Step]]


@lru_cache(maxsize=8)
def stability_theory(sampling: str) -> Derivation:
    """Derive the second moment, the edge of groups and the sufficient condition, for a sampling."""
    found = sampling_moments(sampling)
    equations, steps = _moments(found, sampling.replace("_", " "))
    groups, group_steps = _groups(equations)
    parts = [(equations, steps), (groups, group_steps)]
    if sampling == "bernoulli":
        parts.append(_path(equations, groups[group_edge]))
    return Derivation(
        "SGD at a minimum that fits every example",
        tuple(pair for own, _ in parts for pair in own.items()),
        tuple(step for _, own in parts for step in own),
    )


def step() -> Any:
    """A run after a step in which the batch pulls by Σ m_i H_i w."""
    return weight - rate / _B * pull


def _moments(found: Moments, words: str) -> Part:
    """E w⁺w⁺ᵀ, with the moments of the mask put in for those of the pull."""
    kept, moved = sp.diff(step(), weight), sp.diff(step(), pull)
    # E[pull | w] = β n H w; a pair of examples has E m_k m_l = b₂, one with itself b₁
    cross = kept * moved * found.beta * _n * (pull_i + pull_j) * moment
    own = {b1: found.b1, b2: found.b2}
    a, b = (sp.factor(sp.simplify((moved**2 * form).subs(own))) for form in (b2 * _n**2, b1 - b2))
    gain = square * pull_i * pull_j * moment + single * singles
    decayed = sp.factor(sp.simplify(cross))
    in_flow = sp.factor(sp.simplify(b / rate))
    equations = {
        weight_next: step(),
        square: a,
        single: b,
        gained: gain,
        moment_next: kept**2 * moment + decayed + gain,
        single_flow: in_flow,
        flow: decayed / rate + single_flow * singles,
    }
    return equations, [
        Step("a run, with what its batch pulls by", weight_next, step()),
        Step(f"sampling {words}: E m", "β", found.beta),
        Step("E m²", "b₁", found.b1),
        Step("E m_k m_l for k ≠ l", "b₂", found.b2),
        Step("the mean pull is β n H w: the second moment loses", "η(HM + MH)", -decayed),
        Step("pairs of different examples give H M H", square, a),
        Step("and each example with itself Σ H_i M H_i, on top", single, b),
        Step("so that in the eigenbasis of H", moment_next, equations[moment_next]),
        Step(
            "in continuous time, Ito's formula keeps this and loses H M H: per unit of η·step",
            single_flow,
            in_flow,
        ),
    ]


def _groups(equations: dict[Any, Any]) -> Part:
    """σ identical examples a direction: H = (σ/n) λ in it, and σ terms of H_i = λ."""
    mean = coherence * curvature / _n
    alone = {pull_i: mean, pull_j: mean, singles: coherence * curvature**2 * moment}
    known = {square: equations[square], single: equations[single]}
    growth = sp.expand(equations[moment_next].subs(alone).subs(known) / moment)
    in_top = sp.factor(sp.simplify(growth.subs(curvature, top * _n / coherence)))
    edge = sp.factor(sp.simplify(_root(in_top)))
    return {group_growth: in_top, group_edge: edge}, [
        Step(
            "σ identical examples a direction: growth of its second moment, with λ_1 = σλ/n",
            group_growth,
            in_top,
        ),
        Step("which is 1 at the rate", group_edge, edge),
    ]


def _path(equations: dict[Any, Any], edge: Any) -> Part:
    """Always the sharpest example, λ_max(H_i) >= n λ_1/σ, with the square of the mean left out."""
    sharpest = {pull_i: 0, pull_j: 0, singles: (_n * top / coherence) ** 2 * moment}
    form = (equations[gained].subs(sharpest) / moment).subs(single, equations[single])
    growth = sp.factor(sp.simplify(form))
    bound = sp.sqrt(sp.factor(rate**2 / growth))
    return {path_growth: growth, path_edge: bound}, [
        Step(
            "always the sharpest example, λ_max(H_i) >= n λ_1/σ: E|w|² grows at least by",
            path_growth,
            growth,
        ),
        Step("so that it diverges above", path_edge, bound),
        Step(
            "edge of groups over this bound, squared",
            "ratio²",
            sp.factor(sp.simplify((edge / bound) ** 2)),
        ),
    ]


def _root(growth: Any) -> Any:
    """The rate at which a growth 1 − 2ηλ + cη² is 1."""
    (found,) = (root for root in sp.solve(sp.Eq(growth, 1), rate) if root != 0)
    return found
