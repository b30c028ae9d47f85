"""Curves of a user's own runs, and what a file gives back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from limitlab.solvers.core.curve import Curve, load
from limitlab.theory.core.errors import InvalidInput

TIMES = np.linspace(0.1, 1.0, 5)


def test_runs_that_are_columns_say_so():
    runs = np.arange(15.0).reshape(3, 5)
    with pytest.raises(InvalidInput, match=r"transpose them, or give axis=1"):
        Curve.from_runs(TIMES, runs.T)
    turned = Curve.from_runs(TIMES, runs.T, axis=1)
    assert turned == Curve.from_runs(TIMES, runs) and turned.runs == 3
    with pytest.raises(InvalidInput, match="axis=0"):
        Curve.from_runs(TIMES, runs, axis=1)
    with pytest.raises(InvalidInput, match="^axis = 2"):
        Curve.from_runs(TIMES, runs, axis=2)


def test_as_many_runs_as_times_demand_an_axis():
    runs = np.arange(25.0).reshape(5, 5)
    with pytest.raises(InvalidInput, match="axis=0 for one row a run"):
        Curve.from_runs(TIMES, runs)
    assert Curve.from_runs(TIMES, runs, axis=1).risk[0] == runs[0].mean()
    assert Curve.from_runs(TIMES, runs, axis=0).risk[0] == runs[:, 0].mean()
    assert Curve.from_runs([1.0], [[2.0]]).runs == 1


@pytest.mark.parametrize("values", [[["a"] * 5], [[1, 2], [1]], np.ones((2, 5)) * 1j, [[None] * 5]])
def test_runs_that_are_no_real_numbers_are_refused(values):
    with pytest.raises(InvalidInput, match="^values = "):
        Curve.from_runs(TIMES, values)


PROVENANCES = [
    {"b": np.bool_(True), "n": np.float32(0.5), "k": np.int64(3), "x": np.arange(3)},
    {"half": sp.Rational(1, 2), "pi": sp.pi, "expression": sp.Symbol("x") + 1, "yes": sp.true},
    {3: 4, "nested": {"a": (1, 2), "s": {2, 1}}, "path": Path("x"), "nothing": None},
    {"nan": float("nan"), "inf": np.inf, "complex": 1j, "bytes": b"x", "big": 10**30},
]


@pytest.mark.parametrize("provenance", PROVENANCES)
@pytest.mark.parametrize("quantity", ["risk", "steps", "time", "a/b", "risk_spread", "λ ‖K‖"])
def test_a_loaded_curve_equals_the_saved_one(tmp_path, provenance, quantity):
    own = Curve.from_runs(
        TIMES, np.arange(15.0).reshape(3, 5), quantity, provenance=provenance, label="x"
    )
    curve = replace(
        own,
        values={**own.values, "risk": TIMES, "risk_spread": TIMES * np.nan},
        spread={**own.spread, "risk": TIMES + 1},
        steps=np.arange(5),
    )
    curve.save(tmp_path / "curve.nc")
    assert load(tmp_path / "curve.nc") == curve
    assert load(tmp_path / "curve.nc") != own and hash(curve) == hash(load(tmp_path / "curve.nc"))


@pytest.mark.parametrize("name", ["x.csv", "x.npz", "x.json", "x.txt", "x.nc.gz"])
def test_an_ending_of_another_format_is_refused(tmp_path, name):
    curve = Curve.from_runs(TIMES, np.ones((2, 5)))
    with pytest.raises(InvalidInput, match="netCDF-4"):
        curve.save(tmp_path / name)
    assert not list(tmp_path.iterdir())
    for fine in ("x.nc", "x.h5", "plain", "rate_0.5"):
        curve.save(tmp_path / fine)
        assert load(tmp_path / fine) == curve
