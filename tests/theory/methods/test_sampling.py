"""Moments of masks: against the table, every batch, and draws; with wrong constants refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sympy as sp

from limitlab.theory.core.errors import InvalidInput, NotAvailable
from limitlab.theory.methods import SGD, GradientDescent, SignSGD
from limitlab.theory.methods.sampling import (
    Batches,
    batch_size,
    batches,
    draw_masks,
    examples,
    mask_moments,
    pair_law,
    sampling_moments,
)
from limitlab.theory.methods.sgd import SAMPLINGS

B, D = batch_size, examples
TABLE = {
    "without_replacement": (B / D, B * (B - 1) / (D * (D - 1)), (D - B) / (B * (D - 1)), 1),
    "with_replacement": (B / D + B * (B - 1) / D**2, B * (B - 1) / D**2, 1 / B, 1),
    "bernoulli": (B / D, B**2 / D**2, 1 / B - 1 / D, 0),
}


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_moments_derived_from_the_laws_are_those_of_the_table(sampling):
    found = sampling_moments(sampling)
    for value, wanted in zip((found.b1, found.b2, found.c, found.nu), TABLE[sampling], strict=True):
        assert sp.simplify(value - wanted) == 0
    assert sp.simplify(found.beta - B / D) == 0


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize(("batch", "data"), [(1, 5), (2, 5), (3, 4)])
def test_moments_are_those_of_all_masks(sampling, batch, data, all_masks):
    masks, chances = all_masks(sampling, batch, data)
    second = np.einsum("b,bk,bl->kl", chances, masks, masks)
    found = mask_moments(sampling, batch, data)
    same = np.eye(data, dtype=bool)
    assert np.allclose(second[same], found.b1, rtol=0, atol=1e-14)
    assert np.allclose(second[~same], found.b2, rtol=0, atol=1e-14)
    assert chances @ masks == pytest.approx(np.full(data, found.beta), abs=1e-14)


@pytest.mark.parametrize("data", [1, 4])
def test_the_full_batch_has_no_noise(data):
    assert mask_moments("without_replacement", data, data).c == 0
    assert batches(GradientDescent(0.1), data).full
    assert not batches(SGD(0.1, batch=data, sampling="with_replacement"), data).full


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_drawn_masks_have_these_moments_and_no_others(sampling):
    """Level 1e-4 by a normal test of means; without the noise term the same test rejects."""
    drawn = Batches(sampling, 2, 5)
    masks = draw_masks(drawn, 20_000, np.random.default_rng(7))
    found = drawn.moments

    def worst(b1, b2):
        products = np.stack([masks[:, 0] ** 2 - b1, masks[:, 0] * masks[:, 3] - b2])
        errors = np.maximum(products.std(axis=1), 1e-12) / np.sqrt(len(masks))
        return np.max(np.abs(products.mean(axis=1)) / errors)

    assert worst(found.b1, found.b2) < 4.1
    assert worst(found.beta**2, found.beta**2) > 4.1


class Outcomes:
    """Stands in for a generator: every outcome once, with its chance in `chances`."""

    def multinomial(self, n, pvals, size):
        places = list(itertools.product(range(len(pvals)), repeat=n))
        self.chances = np.array([np.prod(np.take(pvals, p)) for p in places])
        return np.array([np.bincount(p, minlength=len(pvals)) for p in places])

    def random(self, shape):
        places = np.array(list(itertools.product(range(shape[1]), repeat=shape[1])))
        self.chances = np.full(len(places), 1 / len(places))
        return (places + 0.5) / shape[1]


@pytest.mark.parametrize("error", [0, 1e-6])
@pytest.mark.parametrize("sampling", ["with_replacement", "bernoulli"])
def test_masks_have_the_stated_law(sampling, error):
    """E x^m y^m′ over all outcomes is the generating function, to rounding."""
    rng, (law, names) = Outcomes(), pair_law(sampling)
    masks = draw_masks(Batches(sampling, 2, 4), 1, rng)
    exact = float(law.subs({B: 2, D: 4, names[0]: 0.7, names[1]: 1.6}))
    for k, other in itertools.permutations(range(4), 2):
        found = rng.chances @ (0.7 ** masks[:, k] * 1.6 ** masks[:, other])
        assert (abs(found - exact * (1 + error)) < 1e-12) == (error == 0)


def test_what_finite_data_refuse():
    with pytest.raises(InvalidInput, match="1 to D = 5"):
        batches(SGD(0.1, batch=6), 5)
    with pytest.raises(NotAvailable, match="GradientDescent"):
        batches(SignSGD(0.1), 5)
    for passes in ("shuffled", "shuffle", "random_reshuffling", "epoch", "Epochs", "permutation"):
        with pytest.raises(NotAvailable, match="depend on one another"):
            SGD(0.1, batch=2, sampling=passes)
    with pytest.raises(InvalidInput, match="use one of"):
        SGD(0.1, batch=2, sampling="uniform")
    with pytest.raises(NotAvailable, match="all of the data"):
        batches(GradientDescent(0.1, batch=2), 5)
    assert batches(SGD(0.1, batch=2), 5).sampling == "without_replacement"
