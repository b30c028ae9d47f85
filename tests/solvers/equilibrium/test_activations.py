"""One notion of activations: both families take words and objects, and say what they have not."""

import numpy as np
import pytest

import limitlab as ll


@pytest.mark.parametrize(("word", "unit"), [("tanh", ll.Tanh()), ("relu", ll.ReLU())])
def test_a_word_is_the_activation(word, unit):
    one, two = (ll.EquilibriumNetwork("goe", 0.4, each) for each in (word, unit))
    assert one == two and ll.equilibrium(one) == ll.equilibrium(two)


def test_a_sharp_gelu_is_the_relu():
    """q(β) − q(ReLU) falls like 1/β³: φ² differs by 1/β² on a width of 1/β."""
    relu = ll.equilibrium(ll.EquilibriumNetwork("goe", 0.4, ll.ReLU())).q
    gaps = [
        ll.equilibrium(ll.EquilibriumNetwork("goe", 0.4, ll.GELU(beta))).q - relu
        for beta in (40.0, 80.0)
    ]
    assert np.log2(gaps[0] / gaps[1]) == pytest.approx(3, abs=0.2)


def test_one_unit_takes_words():
    problem, method = ll.SingleIndex(50, "relu", norm=0.8, overlap=0.3), ll.GradientDescent(0.2)
    other = ll.SingleIndex(50, ll.ReLU(), norm=0.8, overlap=0.3)
    assert problem == other
    assert ll.hessian_parts(problem).neglected == ll.hessian_parts(other).neglected
    with pytest.raises(ll.NotAvailable, match="Tanh"):
        ll.derive(ll.SingleIndex(50, "tanh"), method)
    with pytest.raises(ll.InvalidInput, match="swish"):
        ll.SingleIndex(50, "swish")


def test_units_without_a_steepest_slope_feed_back_too_much():
    with pytest.raises(ll.NoLimit, match="several states"):
        ll.equilibrium(ll.EquilibriumNetwork("goe", 0.3, ll.Quadratic()))
    free = ll.equilibrium(ll.EquilibriumNetwork("ginibre", 0.3, ll.Quadratic()))
    assert free.q == pytest.approx(0.75 * free.variance**2, rel=1e-9)
