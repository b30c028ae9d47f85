"""Runs and paths of the linear model take derived steps; the samplers draw the stated law."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.solvers.core import random
from limitlab.theory.linear.derivation import compiled_source, linear_theory
from limitlab.theory.methods import batch_noise
from limitlab.theory.methods.sampling import (
    Batches,
    batch_size,
    batches,
    draw_masks,
    examples,
    pair_law,
)
from limitlab.theory.methods.sgd import SAMPLINGS
from limitlab.validation.simulate.linear.simulate import Run, kernels

MODEL = ll.LinearModel(jacobian=[[2.0, 0.5], [0.5, 1.0], [0.1, 0.3]], residual=[1.0, -0.5, 0.2])
METHOD = ll.SGD(0.2, batch=2, momentum=0.3)


def planted(left, factor):
    """The theory with one right side multiplied."""
    theory = linear_theory("without_replacement")
    return replace(
        theory,
        equations=tuple((a, factor * b if str(a) == left else b) for a, b in theory.equations),
    )


# ---- steps ----


@pytest.mark.interpreted
@pytest.mark.parametrize("left", ["y_after", "z_after"])
def test_an_error_planted_in_the_step_moves_runs_equations_and_code(left):
    true, wrong = (planted(left, f) for f in (1, sp.Float(1 + 1e-6)))
    assert wrong.latex() != true.latex() and wrong.source != true.source
    assert compiled_source(wrong) != compiled_source(true)
    steps, rates = np.arange(4), np.full(3, 0.2)
    key = random.seed_sequence(1)
    own, same, other = (
        Run(MODEL, batches(METHOD, 3), rates, s).squares(key, steps) for s in (None, true, wrong)
    )
    assert np.array_equal(own, same)
    assert np.max(np.abs(other / own - 1)) > 1e-8


@pytest.mark.interpreted
@pytest.mark.parametrize(
    ("limit", "left"),
    [
        ("exact", "M_next"),
        ("closure", "M_next"),
        ("volterra", "b_i"),
        ("ode", "flow"),
        ("sde", "s"),
        ("sde", "sde_pull"),
        ("sde", "sde_spread"),
    ],
)
def test_every_limit_solves_the_given_system(limit, left):
    method = ll.SGD(0.2, batch=2)
    options = {"paths": 3, "seed": 1} if limit == "sde" else {}

    def solved(system):
        return ll.solve(MODEL, method, 1, limit=limit, points=2, system=system, **options)["loss"]

    own, given = solved(None), solved(ll.derive(MODEL, method))
    assert np.array_equal(own, given)
    assert np.max(np.abs(solved(planted(left, sp.Float(1.05))) / own - 1)) > 1e-5


def test_what_is_of_another_family_is_refused():
    other = ll.derive(ll.TwoEigenvalueModel(0.05, 0.2), ll.GradientDescent(1.0))
    with pytest.raises(ll.InvalidType, match="system"):
        ll.solve(MODEL, METHOD, 1, system=other)


# ---- noise of a batch ----


@pytest.mark.parametrize("factor", [1, 1 + 1e-6])
@pytest.mark.parametrize("share", [0, 1])
def test_the_root_is_one_of_the_covariance_of_the_mask(share, factor):
    """E S ξ ξᵀ Sᵀ of three examples, symbolically; an error of 1e-6 is seen."""
    count = 3
    z = sp.symbols(f"z:{count}", real=True)
    xi = sp.symbols(f"xi:{count}", real=True)
    form = (factor * batch_noise.noise_root()).subs(
        {batch_noise.nu: share, examples: count, batch_noise.mean_normal: sum(xi) / count}
    )
    columns = [
        form.subs({batch_noise.residual: a, batch_noise.normal: b})
        for a, b in zip(z, xi, strict=True)
    ]
    values = dict(zip(z, (1.0, -0.7, 0.4), strict=True)) | {batch_noise.c: 1}
    gaps = []
    for i, j in itertools.product(range(count), repeat=2):
        found = sum(sp.diff(columns[i], x) * sp.diff(columns[j], x) for x in xi)
        wanted = batch_noise.noise_covariance(z[i] * z[j], z[i] ** 2 if i == j else 0)
        gap = found - wanted.subs({batch_noise.nu: share, examples: count})
        gaps.append(sp.expand(gap).subs(values))
    assert (max(abs(float(g)) for g in gaps) < 1e-12) is (factor == 1)


# ---- samplers ----


def stated(sampling, batch, data, x, y):
    """E x^m y^m′ of a pair of examples, from the law."""
    law, names = pair_law(sampling)
    return float(law.subs({batch_size: batch, examples: data, names[0]: x, names[1]: y}))


def outcomes(sampling, batch, data):
    """Every outcome of the sampler that draws one after the other, equally likely each."""
    order, drawn = np.arange(data), np.empty(max(data, batch), dtype=np.int64)
    cells = {
        "without_replacement": [data - i for i in range(batch)],
        "with_replacement": [data] * batch,
        "bernoulli": [data] * data,
    }[sampling]
    number = SAMPLINGS.index(sampling)
    for places in itertools.product(*(range(n) for n in cells)):
        uniforms = np.ones(max(data, batch)) / 2
        uniforms[: len(cells)] = [(k + 0.5) / n for k, n in zip(places, cells, strict=True)]
        count = kernels().draw(number, batch, uniforms, order.copy(), drawn)
        yield np.bincount(drawn[:count], minlength=data)


@pytest.mark.interpreted
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("error", [0, 1e-6])
def test_the_compiled_sampler_has_the_stated_law(sampling, error):
    """E x^m y^m′ over all of its outcomes is the generating function, to rounding."""
    batch, data, x, y = 2, 4, 0.7, 1.6
    exact = stated(sampling, batch, data, x, y)
    masks = np.array(list(outcomes(sampling, batch, data)))
    for k, other in itertools.permutations(range(data), 2):
        found = np.mean(x ** masks[:, k] * y ** masks[:, other])
        assert (abs(found - exact * (1 + error)) < 1e-12) == (error == 0)


class Ranks:
    """Stands in for a generator: every ranking of the examples, once each."""

    def __init__(self, data):
        self.rankings = np.array(list(itertools.permutations(range(data))), dtype=float)

    def random(self, shape):
        assert shape == self.rankings.shape
        return self.rankings


def test_masks_without_replacement_have_the_stated_law():
    """All 24 rankings of four examples give the generating function, to rounding."""
    ranks = Ranks(4)
    masks = draw_masks(Batches("without_replacement", 2, 4), len(ranks.rankings), ranks)
    exact = stated("without_replacement", 2, 4, 0.7, 1.6)
    found = np.mean(0.7 ** masks[:, 0] * 1.6 ** masks[:, 3])
    assert abs(found - exact) < 1e-12 < abs(found - exact * (1 + 1e-6))
