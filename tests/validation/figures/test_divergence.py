"""Finite data whose runs diverge: said by the run, by compare and by the figure."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import limitlab as ll

QUADRATIC = ll.QuadraticRegression(10, 30, 0.5)
LINEAR = ll.LinearModel(jacobian=np.random.default_rng(0).normal(size=(8, 12)), residual=np.ones(8))
MODELS = {
    "second_order": (QUADRATIC, lambda rate: ll.SGD(4.0 * rate, batch=5)),
    "linear": (LINEAR, lambda rate: ll.SGD(6.0 * rate / LINEAR.sharpness, batch=4)),
}


def simulated(name, rate):
    problem, method = MODELS[name]
    return ll.simulate(problem, method(rate), until=2000, points=21, runs=4, seed=1, progress=False)


@pytest.mark.parametrize("name", MODELS)
def test_runs_that_diverge_are_counted_and_dated(name):
    with pytest.warns(ll.ValidityWarning, match="of 4 runs diverged, the first by step") as said:
        runs = simulated(name, 1.0)
    lost = runs.provenance["diverged"]
    assert f"{len(lost)} of" in str(said[0].message) and len(said) == 1
    assert f"by step {min(lost.values())}:" in str(said[0].message)
    texts = [text.get_text() for text in ll.overlay(runs).legends[0].get_texts()]
    assert any(f"{len(lost)} diverged from step {min(lost.values())}" in text for text in texts)
    line = ll.Curve(runs.time, {"loss": np.ones(runs.time.size)}, provenance={"time": "steps"})
    with pytest.raises(ll.InvalidInput, match=f"diverged in {len(lost)} of 4 runs"):
        ll.compare(line, runs)


@pytest.mark.parametrize("name", MODELS)
def test_runs_that_stay_are_silent(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runs = simulated(name, 1e-3)
    assert "diverged" not in runs.provenance
    texts = [text.get_text() for text in ll.overlay(runs).legends[0].get_texts()]
    assert not any("diverged" in text for text in texts)
