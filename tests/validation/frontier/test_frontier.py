"""Loss against compute."""

from __future__ import annotations

import numpy as np
import pytest

import limitlab as ll
from limitlab.theory.core.errors import InvalidInput

SIZES = (50, 100, 200, 400, 800, 1600)


@pytest.mark.slow
def test_the_frontier_is_the_envelope_and_has_the_exponents_of_its_phase():
    """β < ½ < α: L ≈ d^(1 − 2α − 2β) + k^(−(2α + 2β − 1)/(2α)) (derived in the figure)."""
    found = ll.compute_frontier(0.8, 0.2, SIZES)
    for i in range(len(SIZES)):
        inside = np.interp(
            np.log(found.compute), np.log(found.compute_of(i)), np.log(found.curves[i]["loss"][1:])
        )
        assert np.all(np.log(found.loss) <= inside + 1e-12)
        assert found.curves[i].provenance["limit"] == "exact"
    for name, expected in (("loss", 1 / 2.6), ("dimension", 1 / 2.6)):
        value, low, high = found.exponents[name]
        assert value == pytest.approx(expected, abs=0.03) and low < value < high
    assert "loss ∝ compute^−" in found.summary() and found.figure().axes
    np.testing.assert_allclose(
        found.irreducible[0], ll.power_law_features(200, 50, 0.8, 0.2).irreducible
    )


@pytest.mark.slow
def test_another_method_and_limit():
    with pytest.warns(ll.ValidityWarning):
        found = ll.compute_frontier(
            0.8,
            0.2,
            (50, 100, 200, 400),
            method=lambda problem, rate: ll.SGD(rate, batch=2),
            limit="ode",
        )
    assert found.curves[0].provenance["limit"] == "ode"


def test_refusals():
    with pytest.raises(InvalidInput, match="three or more"):
        ll.compute_frontier(0.8, 0.2, (50, 100))
    with pytest.raises(InvalidInput, match="fraction"):
        ll.compute_frontier(0.8, 0.2, SIZES, fraction=2.0)
