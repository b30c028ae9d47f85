"""What sympy derives for SGD at an interpolating minimum, and what is refused."""

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.theory.core.errors import InvalidInput, NotAvailable
from limitlab.theory.methods import sampling as masks
from limitlab.theory.sgd_stability import derivation as de

B, n = masks.batch_size, masks.examples
eta, sigma, top = de.rate, de.coherence, de.top
PLANE = ll.InterpolatingMinimum(features=[[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])


@pytest.mark.parametrize(
    "sampling, a, b",
    [
        ("bernoulli", eta**2, eta**2 * (n / B - 1) / n**2),
        ("without_replacement", None, (n - B) / (B * (n - 1))),
        ("with_replacement", None, 1 / B),
    ],
)
def test_coefficients(sampling, a, b):
    """a = η²(1 − p) and b = η² p/n for batches of a fixed size, b being p here."""
    theory = de.stability_theory(sampling)
    expected = (a, b) if a is not None else (eta**2 * (1 - b), eta**2 * b / n)
    for name, form in zip(("a", "b"), expected, strict=True):
        assert sp.simplify(theory[name] - form) == 0


def test_groups_and_the_sufficient_condition():
    theory = de.stability_theory("bernoulli")
    m = n / B - 1
    assert sp.simplify(theory["edge_group"] - 2 * sigma / (top * (sigma + m))) == 0
    values = {n: 24, B: 6, sigma: 5, top: 0.7}
    expected = 5 / 0.7 / 3**0.5
    assert float(theory["edge_path"].subs(values)) == pytest.approx(expected, rel=1e-14)
    said = {step.text: step.right for step in theory.steps}
    ratio = next(right for text, right in said.items() if text.startswith("edge of groups over"))
    assert sp.simplify(ratio - 4 * m / (sigma + m) ** 2) == 0


def test_a_refuted_condition_is_not_shipped():
    """λ₁ >= (2/η)(n/σ + n/B − 1)^(−1/2) would call σ = n = 24, B = 6 unstable at ηλ₁ = 1."""
    edge = de.stability_theory("bernoulli")["edge_group"]
    values = {n: 24, B: 6, sigma: 24, top: 1}
    refuted = 2 / sp.sqrt(n / sigma + n / B - 1).subs(values)
    assert refuted == 1 and edge.subs(values) == sp.Rational(16, 9)


def test_coherence_and_its_extremes():
    assert PLANE.coherence == pytest.approx(1.3256939, abs=5e-8)
    assert PLANE.sharpness == pytest.approx(1.7675919, abs=5e-8)
    for size in (1, 3, 12):
        assert ll.InterpolatingMinimum.groups(12, size).coherence == pytest.approx(size)
    same = ll.InterpolatingMinimum(hessians=np.tile(np.eye(3), (5, 1, 1)))
    assert same.coherence == pytest.approx(5 * 3**0.5)  # higher rank: above n


def test_features_are_hessians_of_rank_one():
    H = np.einsum("ni,nj->nij", PLANE.features, PLANE.features)
    other = ll.InterpolatingMinimum(hessians=H)
    np.testing.assert_allclose(other.mean, PLANE.mean)
    np.testing.assert_allclose(other.overlaps, PLANE.overlaps, atol=1e-12)
    rebuilt = np.einsum("nir,njr->nij", other.factors, other.factors)
    np.testing.assert_allclose(rebuilt, H, atol=1e-12)


def test_groups_are_recognised():
    assert ll.InterpolatingMinimum.groups(12, 3).group_sizes.tolist() == [3, 3, 3, 3]
    assert PLANE.group_sizes is None
    uneven = ll.InterpolatingMinimum(features=[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert sorted(uneven.group_sizes.tolist()) == [1, 2]


@pytest.mark.parametrize(
    "wrong, field",
    [
        (lambda: ll.InterpolatingMinimum(), "hessians"),
        (lambda: ll.InterpolatingMinimum(hessians=[np.eye(2)], features=[[1.0]]), "hessians"),
        (lambda: ll.InterpolatingMinimum(hessians=[[[1.0, 0.5], [0.0, 1.0]]]), "hessians"),
        (lambda: ll.InterpolatingMinimum(hessians=[np.diag([1.0, -0.1])]), "hessians"),
        (lambda: ll.InterpolatingMinimum(hessians=np.ones((2, 2, 3))), "hessians"),
        (lambda: ll.InterpolatingMinimum(features=[[0.0, 0.0]]), "features"),
        (lambda: ll.InterpolatingMinimum(features=[[1.0, np.nan]]), "features"),
        (lambda: ll.InterpolatingMinimum(features=[[1.0]], start=[1.0, 2.0]), "start"),
        (lambda: ll.InterpolatingMinimum.groups(10, 3), "group"),
        (lambda: ll.derive(PLANE, ll.SGD(0.1, batch=4)), "batch"),
        (lambda: ll.derive(PLANE, ll.SGD(0.1, momentum=0.5)), "momentum"),
        (lambda: ll.derive(PLANE, ll.CDAT(1.0)), "method"),
        (lambda: ll.solve(PLANE, ll.SGD(0.1 / (1 + ll.t)), 3), "rate"),
    ],
)
def test_bad_input(wrong, field):
    with pytest.raises((InvalidInput, NotAvailable)) as caught:
        wrong()
    assert caught.value.field == field
