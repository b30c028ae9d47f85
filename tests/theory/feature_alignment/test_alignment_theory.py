"""Non-crossing partitions, the limit at early times, the flow's gradient, and bad input."""

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.theory.feature_alignment.early import early_theory
from limitlab.theory.feature_alignment.flow import closed_theory, flow_theory
from limitlab.theory.feature_alignment.partitions import (
    KAPPA,
    complement,
    mixed_moment,
    non_crossing,
    partitions,
    trace_symbol,
)

TEACHER = [1.0, 0.5, -0.5]


def test_non_crossing_partitions_are_counted_by_catalan_and_all_by_bell():
    assert [len(list(partitions(n))) for n in (1, 2, 3, 4, 5)] == [1, 2, 5, 15, 52]
    assert [len(non_crossing(n)) for n in (1, 2, 3, 4, 5)] == [1, 2, 5, 14, 42]
    # the only crossing one of four
    assert ((0, 2), (1, 3)) not in non_crossing(4)


def test_blocks_of_a_partition_and_of_its_complement_are_n_and_one():
    for n in (2, 3, 4, 5):
        found = [complement(blocks) for blocks in non_crossing(n)]
        assert len(set(found)) == len(found)
        assert all(len(a) + len(b) == n + 1 for a, b in zip(non_crossing(n), found, strict=True))


def test_moments_of_free_words():
    """With b = 1 they are the free moments: Σ over NC of Π κ."""
    one = {trace_symbol("1" * n): 1 for n in (1, 2, 3, 4)}
    poisson = dict.fromkeys(KAPPA, 1)
    assert [mixed_moment(["1"] * n).subs(one).subs(poisson) for n in (1, 2, 3, 4)] == [1, 2, 5, 14]
    k1, k2, k3, _ = KAPPA
    b = [trace_symbol(w) for w in ("A", "B", "C")]
    pairs = [trace_symbol(w) for w in ("BC", "CA", "AB")]
    expected = k1**3 * trace_symbol("ABC") + k3 * b[0] * b[1] * b[2]
    expected += k1 * k2 * sum(one * two for one, two in zip(b, pairs, strict=True))
    assert sp.expand(mixed_moment(["A", "B", "C"]) - expected) == 0


def test_early_theory_holds_the_famous_values():
    f = early_theory().functions
    assert f["isotropic"](y=1.0) == pytest.approx(5 / np.sqrt(28), abs=1e-15)
    assert f["isotropic"](y=0.3) == pytest.approx(f["isotropic"](y=1 / 0.3), abs=1e-15)
    assert f["bound"](c=16.0) == pytest.approx(8 / 17, abs=1e-15)


@pytest.mark.parametrize("centred", [True, False])
def test_velocity_is_the_gradient_of_the_loss(centred):
    """Central differences: their error is of second order in h, and rounding/h."""
    rng = np.random.default_rng(2)
    W, a = rng.standard_normal((4, 3)), rng.standard_normal(4)
    B, S = (x @ x.T for x in rng.standard_normal((2, 3, 3)))
    f = flow_theory(centred).functions

    def loss(W, a):
        D = f["Network"](A=np.diag(a), W=W) - B
        return f["loss"](D=D, S=S)

    G = f["Pull"](D=f["Network"](A=np.diag(a), W=W) - B, S=S)
    h = 1e-5
    for field, base, other in (("W", W, a), ("a", a, W)):
        found = f["Wdot"](A=np.diag(a), W=W, G=G) if field == "W" else np.diag(f["Adot"](W=W, G=G))
        numeric = np.empty_like(base)
        for index in np.ndindex(base.shape):
            step = np.zeros_like(base)
            step[index] = h
            ends = [
                loss(base + s * step, other) if field == "W" else loss(other, base + s * step)
                for s in (1, -1)
            ]
            numeric[index] = (ends[0] - ends[1]) / (2 * h)
        np.testing.assert_allclose(found, -numeric, rtol=1e-6, atol=1e-7 * np.abs(found).max())


def test_loss_is_the_mean_over_samples():
    rng = np.random.default_rng(4)
    problem = ll.QuadraticNetwork(4, 3, TEACHER, [1.0, 2.0, 0.5], centred=False, readout="ones")
    x, y = problem.sample(rng, 200_000)
    squares = (((x @ problem.weights.T) ** 2).sum(axis=1) / 2 - y) ** 2 / 2
    f = flow_theory(False).functions
    D = problem.network - np.diag(TEACHER)
    exact = f["loss"](D=D, S=problem.matrix("inputs"))
    error = squares.std() / np.sqrt(squares.size)
    assert abs(squares.mean() - exact) < 4 * error
    # negative control: without the square of the mean
    less = flow_theory(True).functions["loss"](D=D, S=problem.matrix("inputs"))
    assert abs(squares.mean() - less) > 4 * error


def test_closed_form_is_stated_with_its_integral():
    f = closed_theory().functions
    b = np.array([-1.5, 2.0])
    np.testing.assert_allclose(f["area"](b=b, t=0.7), (np.exp(2 * b * 0.7) - 1) / (2 * b), 1e-13)
    small = f["area"](b=np.array([1e-12]), t=0.7)
    assert small[0] == pytest.approx(0.7, rel=1e-11)


def test_nothing_is_presented_as_proved():
    assert "not proved" in early_theory().explain()


BAD = {
    "width": ((3, 3, TEACHER), {}),
    "teacher": ((4, 3, np.arange(9.0).reshape(3, 3)), {}),
    "inputs": ((4, 3, TEACHER, [1.0, 1.0, 0.0]), {}),
    "readout": ((4, 3, TEACHER), {"readout": "sings"}),
    "paired": ((4, 3, TEACHER), {"readout": "ones", "paired": True}),
    "start": ((4, 3, TEACHER), {"start": np.ones((3, 4))}),
    "scale": ((4, 3, TEACHER), {"scale": 0.0}),
    "dimension": ((4, 2.5, TEACHER), {}),
    "centred": ((4, 3, TEACHER), {"centred": 1}),
}


@pytest.mark.parametrize("field", BAD)
def test_bad_problems_are_refused_by_name(field):
    args, options = BAD[field]
    with pytest.raises(ll.InvalidInput) as caught:
        ll.QuadraticNetwork(*args, **options)
    assert caught.value.field == field


@pytest.mark.parametrize(("ratio", "fraction", "field"), [(0, 0.5, "ratio"), (4, 0.0, "fraction")])
def test_bad_reversing_data_are_refused(ratio, fraction, field):
    with pytest.raises(ll.InvalidInput) as caught:
        ll.QuadraticNetwork.reversing(8, 4, ratio, fraction)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("method", "field"),
    [
        (ll.SignSGD(0.1), "method"),
        (ll.GradientDescent(0.1 / (1 + ll.t)), "rate"),
        (ll.SGD(0.1, batch=2, sampling="bernoulli"), "sampling"),
        (ll.SGD(0.1, batch=2, momentum=0.5), "momentum"),
    ],
)
def test_other_methods_are_refused(method, field):
    with pytest.raises(ll.NotAvailable) as caught:
        ll.derive(ll.QuadraticNetwork(4, 3, TEACHER), method)
    assert caught.value.field == field
