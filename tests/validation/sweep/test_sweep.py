"""A plane in one call: cells are what solve gives, whoever computes them; failures are marked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
import sympy as sp
import xarray

import limitlab as ll
from limitlab.theory.core.discover import examples, families
from limitlab.theory.core.errors import InvalidInput, InvalidType, SolveFailed
from limitlab.validation.sweep import cells, pieces

pytestmark = pytest.mark.interpreted

PROBLEM = ll.LeastSquares(ll.from_eigenvalues([0.5, 1.75], [120, 80]), noise=ll.Gaussian(0.5))
EXAMPLES = [example for name in families() for example in examples(name)]
CLIPPED = ll.ClippedSGD(0.5, 1.0)
OVER = {"rate": [0.2, 0.5, 0.9], "threshold": [0.5, 2.0]}


def plane(over=OVER, method=CLIPPED, problem=PROBLEM, **options):
    return ll.sweep(problem, method, over, 2, **{"points": 9, "progress": False, **options})


@pytest.fixture(scope="module")
def clipped():
    import numba

    before, numba.config.DISABLE_JIT = numba.config.DISABLE_JIT, 1
    yield plane()
    numba.config.DISABLE_JIT = before


def digest(found):
    return {name: found[name].values.tobytes() for name in found.data_vars}


def test_a_cell_is_what_solve_gives(clipped):
    assert dict(clipped.sizes) == {"rate": 3, "threshold": 2, "time": 9}
    for rate, threshold in ((0.2, 2.0), (0.9, 0.5)):
        cell = clipped.sel(rate=rate, threshold=threshold)
        curve = ll.solve(PROBLEM, ll.ClippedSGD(rate, threshold), 2, points=9)
        # the sweep's tolerance is 1e-5, and 50 times that its bound
        np.testing.assert_allclose(cell.risk, curve.risk, rtol=5e-5)
        np.testing.assert_allclose(cell.loss, curve["loss"], rtol=5e-5)
        assert np.array_equal(cell.time, curve.time)
        np.testing.assert_allclose(cell.announced_error, curve.diagnostics["finite_size"], 1e-3)
    assert clipped.statuses() == {"ok": 6} and clipped.complete
    other = ll.solve(PROBLEM, ll.ClippedSGD(0.5, 0.5), 2, points=9)  # negative control
    assert np.abs(clipped.sel(rate=0.9, threshold=0.5).risk / other.risk - 1).max() > 0.05


@pytest.mark.parametrize("method", [ll.SGD(0.5), ll.SignSGD(0.5), ll.Huber(0.5, 1.0)])
def test_every_method_of_a_stream_has_the_road_of_many(method):
    found = plane({"rate": [0.2, 0.4]}, method, rtol=1e-7)
    curve = ll.solve(PROBLEM, type(method)(**{**vars(method), "rate": 0.4}), 2, points=9)
    np.testing.assert_allclose(found.sel(rate=0.4).risk, curve.risk, rtol=5e-6)
    announced = curve.diagnostics["finite_size"]
    np.testing.assert_allclose(found.sel(rate=0.4).announced_error, announced, rtol=1e-2, atol=1e-6)


@pytest.mark.parametrize("size", [1, 4, 500])
def test_the_size_of_pieces_changes_no_bit(clipped, monkeypatch, size):
    monkeypatch.setattr(pieces, "TOGETHER", size)
    assert digest(plane()) == digest(clipped)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_number_of_threads_changes_no_bit(clipped, monkeypatch, workers):
    monkeypatch.setattr(pieces, "TOGETHER", 2)
    assert digest(plane(workers=workers)) == digest(clipped)
    with ThreadPoolExecutor(workers) as pool:
        assert digest(plane(executor=pool)) == digest(clipped)


def test_the_order_of_the_axes_changes_no_number(clipped):
    turned = plane(dict(reversed(OVER.items())))
    assert turned.risk.dims == ("threshold", "rate", "time")
    assert np.array_equal(turned.risk.transpose(*clipped.risk.dims), clipped.risk)


@dataclass(frozen=True)
class Breaks(ll.Method):
    """A user's rule with a mistake that shows for some numbers only."""

    width: float

    def rule(self, l):
        if self.width == 2.0:
            raise ZeroDivisionError("mistake")
        return l / (1 + sp.Abs(l) / self.width)


def test_a_cell_that_fails_is_marked_and_stops_nothing():
    noises = {"gauss": ll.Gaussian(0.5), "cauchy": ll.Cauchy(0.3)}
    found = plane({"rate": [0.5, 2.5, -1.0], "noise": noises}, ll.SGD(0.5))
    state = found.status.to_pandas()
    assert list(state["gauss"]) == ["ok", "diverged", "refused"]
    assert list(state["cauchy"]) == ["refused"] * 3
    assert "rate = -1" in str(found.reason.sel(rate=-1, noise="gauss").values)
    assert "no limit exists" in str(found.reason.sel(rate=0.5, noise="cauchy").values)
    assert "1.25 of the stability limit" in str(found.reason.sel(rate=2.5, noise="gauss").values)
    assert np.isnan(found.risk.sel(noise="cauchy")).all()
    own = plane({"width": [1.0, 2.0, 3.0]}, Breaks(0.5, 1.0))
    assert list(own.status.values) == ["ok", "refused", "ok"]
    assert "mistake" in str(own.reason.values[1])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SolveFailed("the risk grows without bound", 1.0, 0.1, 1e290), "diverged"),
        (SolveFailed("3 of 9 runs of SGD diverged", 1.0, 0.1, np.inf), "diverged"),
        (SolveFailed("too many steps", 1.0, 0.1, 0.5), "failed"),
        (InvalidInput("rate", -1, "give a number > 0"), "refused"),
        (ZeroDivisionError("division by zero"), "failed"),
    ],
)
def test_errors_become_what_they_say(error, status):
    answer = cells.failure(error)
    assert answer.status == status and str(error) in answer.reason


def test_the_best_cell_of_all_and_of_each(clipped):
    last = clipped.risk.isel(time=-1)
    best = clipped.best("risk", over=("rate", "threshold"))
    assert float(best.risk) == float(last.min())
    assert float(last.sel(rate=best.rate, threshold=best.threshold)) == float(last.min())
    each = clipped.best("risk", over="rate")
    assert each.risk.dims == ("threshold",)
    assert np.array_equal(each.risk, last.min("rate"))
    assert np.array_equal(each.rate, last.rate[last.argmin("rate").values])
    worst = clipped.best(largest=True)
    assert float(worst.risk) == float(last.max())
    early = clipped.best(time=0.0)
    assert float(early.risk) == pytest.approx(1.0)


def test_the_best_is_none_of_the_cells_that_are_not_ok():
    found = plane(
        {"rate": [0.5, 2.5], "noise": {"g": ll.Gaussian(0.5), "c": ll.Cauchy(0.3)}}, ll.SGD(0.5)
    )
    best = found.best(over="rate")
    assert float(best.rate.sel(noise="g")) == 0.5
    assert np.isnan(best.rate.sel(noise="c")) and np.isnan(best.risk.sel(noise="c"))
    named = found.best(over=("rate", "noise"))
    assert str(named.noise.values) == "g"


def test_it_is_a_dataset_and_files_give_it_back(clipped, tmp_path):
    assert isinstance(clipped, xarray.Dataset) and isinstance(clipped.sel(rate=0.5), ll.Sweep)
    assert float(clipped.sel(rate=0.5).best().threshold) in OVER["threshold"]
    clipped.save(tmp_path / "plane.nc")
    again = ll.load(tmp_path / "plane.nc")
    assert isinstance(again, ll.Sweep) and again.identical(clipped)
    assert again.best().identical(clipped.best())
    assert again.provenance["source"] == "sweep"
    clipped.to_netcdf(tmp_path / "plain.nc", engine="h5netcdf")
    with xarray.open_dataset(tmp_path / "plain.nc", engine="h5netcdf") as plain:
        assert np.array_equal(plain.risk, clipped.risk)


def test_fields_that_go_together_and_whole_objects():
    pairs = {("rate", "noise.scale"): [(0.2, 0.1), (0.5, 0.9)]}
    found = plane(pairs)
    assert found.risk.dims == ("rate_noise.scale", "time")
    assert list(found.coords["noise.scale"].values) == [0.1, 0.9]
    curve = ll.solve(
        ll.LeastSquares(PROBLEM.covariance, ll.Gaussian(0.9)), ll.ClippedSGD(0.5, 1.0), 2, points=9
    )
    np.testing.assert_allclose(found.risk[1], curve.risk, rtol=5e-5)
    methods = {"sgd": ll.SGD(0.5), "slow": ll.ClippedSGD(0.5 / (1 + ll.t), 1.0)}
    laws = {"flat": ll.isotropic(50), "two": ll.from_eigenvalues([1.0, 3.0], [20, 30])}
    both = plane({"method": methods, "covariance": laws})
    assert both.statuses() == {"ok": 4} and list(both.method.values) == ["sgd", "slow"]
    problems = plane({"problem": {"one": PROBLEM}})
    assert problems.statuses() == {"ok": 1}


def test_limits_with_a_band_have_it():
    found = plane(
        {"rate": [0.3]},
        ll.SGD(0.3),
        limit="fluctuations",
        problem=ll.LeastSquares(ll.isotropic(100), ll.Gaussian(0.5)),
    )
    curve = ll.solve(
        ll.LeastSquares(ll.isotropic(100), ll.Gaussian(0.5)),
        ll.SGD(0.3),
        2,
        points=9,
        limit="fluctuations",
    )
    assert np.array_equal(found.risk_spread[0], curve.std("risk"))


@pytest.mark.slow
@pytest.mark.compiled
@pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda e: f"{type(e.problem).__name__}-{type(e.method).__name__}"
)
def test_every_family_is_swept(example):
    over = {"method": {"one": example.method, "again": example.method}}
    found = ll.sweep(
        example.problem, example.method, over, example.until, points=5, **example.theory
    )
    curve = ll.solve(example.problem, example.method, example.until, points=5, **example.theory)
    main = next(iter(curve.values))
    assert set(found.status.values) <= {"ok", "diverged"}, found.reason.values
    values = found[main].sel({"method": "again"}).values[: curve.time.size]
    if isinstance(example.problem, ll.QuadraticRegression):  # every cell draws its batches
        assert np.all(np.isfinite(values))
        return
    if example.theory.get("limit") == "sde":  # every cell draws its paths
        allowed = 5 * np.sqrt(2) * curve.sem(main) + 1e-12
        assert np.all(np.abs(values - curve[main]) < allowed)
        assert np.any(np.abs(1.3 * values - curve[main]) > allowed)  # the control
        return
    np.testing.assert_allclose(values, curve[main], rtol=1e-4, atol=1e-12)


@pytest.mark.parametrize(
    ("over", "field", "says"),
    [
        ({"rat": [0.1]}, "rat", "did you mean rate"),
        ({"noise.scal": [0.1]}, "noise.scal", "did you mean scale"),
        ({"rate": []}, "rate", "at least one value"),
        ({"rate": "0.1"}, "rate", "list of values"),
        ({"rate": [0.1, 0.1]}, "rate", "two values are called so"),
        ({"rate": [0.1], "method.rate": [0.2]}, "rate", "varied twice"),
        ({("rate", "threshold"): [0.1]}, "rate", "rows of 2 values"),
        ({}, "over", "give a dict"),
        ([0.1], "over", "give a dict"),
        ({3: [0.1]}, "over", "name a field"),
        ({"covariance.dimension": [3]}, "covariance.dimension", "known"),
    ],
)
def test_bad_planes_are_refused(over, field, says):
    with pytest.raises(InvalidInput, match=says) as caught:
        plane(over)
    assert field in str(caught.value)


def test_bad_calls_are_refused():
    with pytest.raises(InvalidType, match="give one method"):
        ll.sweep(PROBLEM, [ll.SGD(0.5)], OVER, 2)
    with pytest.raises(InvalidInput, match='"i/n"'):
        plane(shard="5/4", store="nowhere")
    with pytest.raises(InvalidInput, match="give store="):
        plane(shard="1/4")
    with pytest.raises(InvalidInput, match="has none|system"):
        plane(system=ll.derive(PROBLEM, ll.SGD(0.5)))


def test_an_interruption_returns_what_is_done(monkeypatch):
    monkeypatch.setattr(pieces, "TOGETHER", 2)
    call, calls = cells.Piece.__call__, []

    def stopped(self):
        calls.append(1)
        if len(calls) % 3 == 2:
            raise KeyboardInterrupt
        return call(self)

    monkeypatch.setattr(cells.Piece, "__call__", stopped)
    with pytest.warns(ll.ValidityWarning, match="are missing"):
        found = plane(workers=1)
    assert found.statuses()["ok"] >= 2 and found.statuses()["missing"] >= 2
    assert not found.complete and found.provenance["interrupted"]
    calls.clear()
    with pytest.raises(ll.Interrupted) as caught:
        plane(workers=1, on_interrupt="raise")
    assert caught.value.runs == 6 and isinstance(caught.value.partial, ll.Sweep)
