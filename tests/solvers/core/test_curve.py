"""Curves: shapes, statistics, and files that are whole or refused."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest

import limitlab as ll
from limitlab.solvers.core.curve import Curve
from limitlab.solvers.streaming import ode
from limitlab.theory.core.errors import InvalidInput, NotAvailable, SolveFailed

TIME = np.linspace(0.0, 1.0, 5)
RUNS = np.random.default_rng(1).normal(1.0, 0.1, (40, 5))


@pytest.fixture
def curve():
    return Curve.from_runs(TIME, RUNS, provenance={"rate": "η", "seed": 3})


def test_statistics_of_runs(curve):
    assert np.array_equal(curve.risk, RUNS.mean(axis=0)) and np.array_equal(
        curve["risk"], curve.risk
    )
    assert np.array_equal(curve.std("risk"), RUNS.std(axis=0, ddof=1))
    assert np.allclose(curve.sem("risk"), curve.std("risk") / np.sqrt(40))
    assert np.array_equal(curve.quantile("risk", 0.5), np.median(RUNS, axis=0))
    assert curve.runs == 40 and curve.kind == "simulation"


def test_a_spread_without_runs_gives_normal_quantiles():
    band = Curve(TIME, {"risk": np.ones(5)}, {"risk": np.full(5, 0.1)})
    assert band.quantile("risk", 0.975) == pytest.approx(1 + 0.1 * 1.959963984540054)
    with pytest.raises(NotAvailable):
        band.sem("risk")


def test_arrays_are_copies_that_cannot_be_written(curve):
    with pytest.raises(ValueError):
        curve.risk[0] = 0.0
    assert RUNS.flags.writeable


def test_unknown_names_are_typed_errors(curve):
    with pytest.raises(NotAvailable, match="hold: risk"):
        curve["loss"]
    with pytest.raises(AttributeError, match="it has risk"):
        curve.loss  # noqa: B018
    with pytest.raises(InvalidInput, match="level"):
        curve.quantile("risk", 95)


def test_shapes_and_times_are_checked():
    with pytest.raises(InvalidInput, match="increasing"):
        Curve(np.array([0.0, 1.0, 1.0]), {})
    with pytest.raises(InvalidInput, match="5 times"):
        Curve(TIME, {"risk": np.ones(4)})
    with pytest.raises(InvalidInput, match="kind"):
        Curve(TIME, {"risk": np.ones(5)}, kind="guess")
    with pytest.raises(InvalidInput, match="finite"):
        Curve.from_runs(TIME, np.full((2, 5), np.nan))


def test_copies_and_pickles(curve):
    for twin in (copy.copy(curve), pickle.loads(pickle.dumps(curve))):
        assert np.array_equal(twin.risk, curve.risk)


def test_files_give_the_curve_back(curve, tmp_path):
    full = Curve(
        TIME,
        {"risk": TIME, "loss": TIME + 1},
        {"risk": TIME},
        {"risk": RUNS},
        {"finite_size": TIME},
        steps=np.arange(5),
        label="sign, d = 5",
        provenance={"nested": {"a": [1, 2]}},
    )
    for number, original in enumerate((curve, full)):
        path = tmp_path / f"{number}.nc"
        original.save(path)
        again = Curve.load(path)
        for group in ("values", "spread", "samples", "diagnostics"):
            one, two = getattr(original, group), getattr(again, group)
            assert one.keys() == two.keys() and all(
                np.array_equal(one[name], two[name]) for name in one
            )
        assert (again.kind, again.label, again.provenance) == (
            original.kind,
            original.label,
            original.provenance,
        )
        assert (
            again.steps is None
            if original.steps is None
            else np.array_equal(again.steps, original.steps)
        )


def test_xarray_has_the_dimensions_of_the_contract(curve):
    data = curve.to_xarray()
    assert data["risk"].dims == ("time",) and data["risk_samples"].dims == ("run", "time")
    assert "units" in data["time"].attrs


def test_every_truncation_and_bit_flip_is_detected(curve, tmp_path):
    path = tmp_path / "curve.nc"
    curve.save(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(2)
    damaged = [whole[:n] for n in rng.integers(0, len(whole), 20)]
    for place in rng.integers(0, 8 * len(whole), 100):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << (place % 8)
        damaged.append(bytes(flipped))
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(InvalidInput, match="damaged"):
            Curve.load(path)


def test_a_failed_write_keeps_the_old_file(curve, tmp_path, monkeypatch):
    import limitlab.solvers.core.cache as cache

    path = tmp_path / "curve.nc"
    curve.save(path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.os, "fsync", full)
    with pytest.raises(InvalidInput, match="No space left"):
        curve.save(path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidInput, match="no such file"):
        Curve.load(tmp_path / "absent.nc")


def test_arrays_have_axes_of_their_own(tmp_path):
    """A recorded matrix state comes with its axes, through xarray and the disk."""
    jacobians = np.arange(12.0).reshape(2, 2, 3)
    curve = Curve([0.0, 1.0], {"loss": [1.0, 0.5]}, arrays={"jacobian": jacobians})
    assert np.array_equal(curve["jacobian"], jacobians)
    assert curve.to_xarray()["jacobian_array"].dims == ("time", "jacobian_1", "jacobian_2")
    curve.save(tmp_path / "curve.nc")
    assert Curve.load(tmp_path / "curve.nc") == curve
    changed = replace(curve, arrays={"jacobian": jacobians + 1})
    assert changed != curve
    with pytest.raises(InvalidInput, match="arrays"):
        Curve([0.0, 1.0], {"loss": [1.0, 0.5]}, arrays={"jacobian": np.ones((3, 2))})


@pytest.mark.slow
def test_what_a_solution_tells_of_itself_waits_until_it_is_read(monkeypatch, tmp_path):
    problem = ll.LeastSquares(ll.isotropic(300), noise=ll.Gaussian(0.5))
    method = ll.ClippedSGD(0.4, 1.1)
    ll.solve(problem, method, 1, points=5)
    solved = []
    own = ode.integrate_cells
    monkeypatch.setattr(ode, "integrate_cells", lambda *a: solved.append(1) or own(*a))
    curve = ll.solve(problem, method, 1, points=5)
    assert len(solved) == 1
    assert list(curve.diagnostics) == [
        "finite_size",
        "error_estimate",
        "drift_sensitivity",
        "noise_sensitivity",
    ]
    drift = curve.diagnostics["drift_sensitivity"]
    assert len(solved) == 2 and curve.diagnostics["drift_sensitivity"] is drift
    assert drift[-1] < 0 and not drift.flags.writeable
    curve.save(tmp_path / "curve.nc")
    again = pickle.loads(pickle.dumps(curve))
    assert again == curve == ll.load(tmp_path / "curve.nc")
    assert isinstance(again.diagnostics, dict)


def test_what_is_not_known_of_a_solution_is_said_to_be_so(monkeypatch):
    def fails(*_):
        raise SolveFailed("the risk grows without bound", 1.0, 0.1, 1e300)

    curve = ll.solve(ll.LeastSquares(ll.isotropic(300), ll.Gaussian(0.5)), ll.SGD(0.4), 1, points=5)
    monkeypatch.setattr(ode, "integrate_cells", fails)
    assert np.all(np.isnan(curve.diagnostics["noise_sensitivity"]))
    assert np.all(np.isinf(curve.diagnostics["error_estimate"]))
