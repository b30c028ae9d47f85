"""solve: sanity values, options, refusals and warnings."""

from __future__ import annotations

import dataclasses
import math
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from limitlab.solvers.core import compile
from limitlab.solvers.solve import solve
from limitlab.solvers.streaming.validity import stability_limit
from limitlab.theory.core.errors import (
    InvalidInput,
    NoLimit,
    NotAvailable,
    SolveFailed,
    ValidityWarning,
)
from limitlab.theory.core.symbols import t
from limitlab.theory.covariance import (
    from_eigenvalues,
    isotropic,
    marchenko_pastur,
    power_law,
    toeplitz,
)
from limitlab.theory.derive import derive
from limitlab.theory.methods import SGD, ClippedSGD, SignSGD
from limitlab.theory.noise import Cauchy, Gaussian, Laplace, StudentT
from limitlab.theory.streaming.problem import LeastSquares

pytestmark = pytest.mark.interpreted

PROBLEM = LeastSquares(isotropic(2000), Gaussian(0.5))


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ValidityWarning)
        yield


def test_sign_with_laplace_noise_has_its_sanity_value():
    curve = solve(LeastSquares(isotropic(1000), Laplace(0.6)), SignSGD(0.4), 2)
    assert curve.risk[-1] == pytest.approx(0.6144373, abs=5e-8)


def test_clipped_sgd_with_two_eigenvalues_has_its_sanity_value():
    curve = solve(
        LeastSquares(from_eigenvalues([2, 0.5], [50, 150]), Laplace(0.6)), ClippedSGD(0.8, 0.7), 2
    )
    assert curve.risk[-1] == pytest.approx(0.3750324, abs=5e-8)


def test_isotropic_sgd_is_the_closed_form():
    curve = solve(PROBLEM, SGD(0.5), 6)
    speed, floor = 0.75, 0.5 * 0.25 * 0.25 / 0.75
    expected = floor + (1 - floor) * np.exp(-speed * curve.time)
    assert np.max(np.abs(curve.risk / expected - 1)) < 1e-8
    assert curve.loss == pytest.approx(curve.risk + 0.125)
    assert curve.steps[-1] == 12_000 and curve.time.size == 101


@pytest.mark.compiled
def test_infinite_dimension_is_the_limit_of_large_ones():
    large, infinite = (
        solve(LeastSquares(marchenko_pastur(d, 0.5), Gaussian(0.5)), SGD(0.5), 4)
        for d in (100_000, math.inf)
    )
    assert np.max(np.abs(large.risk / infinite.risk - 1)) < 1e-4
    assert infinite.steps is None and np.all(infinite.diagnostics["finite_size"] == 0)


def test_diagnostics_are_those_that_comparisons_need():
    curve = solve(PROBLEM, SGD(0.5), 2, points=11)
    wanted = {"finite_size", "error_estimate", "drift_sensitivity", "noise_sensitivity"}
    assert set(curve.diagnostics) == wanted and curve.provenance["finite_size_origin"] == "computed"
    assert np.all(curve.diagnostics["error_estimate"] < 1e-6)
    assert np.all(curve.diagnostics["drift_sensitivity"][1:] < 0)
    assert np.all(curve.diagnostics["noise_sensitivity"][1:] > 0)


@pytest.mark.slow
def test_heavy_tails_use_a_table_and_keep_their_accuracy():
    problem = LeastSquares(power_law(200, 0.5), StudentT(3, 0.4))
    default, tight = (
        solve(problem, SignSGD(0.4), 4, rtol=rtol, points=11).risk for rtol in (1e-8, 1e-11)
    )
    assert np.max(np.abs(default / tight - 1)) < 5e-8


def test_a_changed_system_is_the_one_that_is_solved():
    system = derive(PROBLEM, SGD(0.5))
    changed = dataclasses.replace(system, drift=system.drift * 1.05)
    plain, other = (solve(PROBLEM, SGD(0.5), 2, points=5, system=s) for s in (system, changed))
    first_order = plain.risk + 0.05 * plain.diagnostics["drift_sensitivity"]
    assert (
        np.allclose(other.risk, first_order, rtol=5e-3)
        and abs(other.risk[-1] / plain.risk[-1] - 1) > 0.02
    )


@pytest.mark.slow
@pytest.mark.compiled
@pytest.mark.parametrize(
    "covariance", [power_law(300, 0.5), toeplitz(40, 0.5)], ids=["diagonal", "dense"]
)
def test_sde_paths_surround_the_ode(covariance):
    problem = LeastSquares(covariance, Gaussian(0.5))
    ode = solve(problem, SignSGD(0.4), 2, points=5)
    sde = solve(problem, SignSGD(0.4), 2, points=5, limit="sde", paths=300, seed=1, progress=False)
    assert sde.sample("risk").shape == (300, 5) and np.all(sde.std("risk")[1:] > 0)
    gap = np.abs(sde.risk - ode.risk)[1:]
    assert np.all(gap < 5 * sde.sem("risk")[1:] + 2 / covariance.dimension * ode.risk[1:])
    again = solve(
        problem,
        SignSGD(0.4),
        2,
        points=5,
        limit="sde",
        paths=300,
        seed=1,
        progress=False,
        workers=1,
    )
    assert np.array_equal(again.sample("risk"), sde.sample("risk"))


@pytest.mark.parametrize("diffusion", ["published", "exact"])
def test_both_sdes_of_sgd_are_there(diffusion):
    options = dict(points=3, limit="sde", paths=20, seed=1, progress=False)
    sde = solve(PROBLEM, SGD(0.5), 1, diffusion=diffusion, **options)
    assert sde.runs == 20 and sde.provenance["diffusion"] == diffusion


@pytest.mark.parametrize(
    ("options", "error", "names"),
    [
        ({"limit": "pde"}, InvalidInput, "limit"),
        ({"diffusion": "wrong"}, InvalidInput, "diffusion"),
        ({"rtol": 1.0}, InvalidInput, "rtol"),
        ({"rtol": -1.0}, InvalidInput, "rtol"),
        ({"paths": 0}, InvalidInput, "paths"),
        ({"step": 0.0}, InvalidInput, "step"),
        ({"workers": 0}, InvalidInput, "workers"),
        ({"seed": 1.5}, InvalidInput, "seed"),
        ({"until": -1}, InvalidInput, "until"),
        ({"times": [0.0, 2.0, 1.0]}, InvalidInput, "times"),
    ],
)
def test_bad_options_are_refused_by_name(options, error, names):
    with pytest.raises(error, match=names):
        solve(PROBLEM, SGD(0.5), **({"until": 1} | options))


def test_limits_that_do_not_exist_are_refused():
    with pytest.raises(NoLimit, match="infinite"):
        solve(LeastSquares(isotropic(2000), Cauchy(0.3)), SGD(0.5), 1)
    with pytest.raises(NotAvailable, match="finite dimension"):
        problem = LeastSquares(marchenko_pastur(math.inf, 0.5), Gaussian(0.5))
        solve(problem, SGD(0.5), 1, limit="sde", diffusion="published")


def warned(problem, method, until=1.0):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ValidityWarning)
        solve(problem, method, until, points=5)
    return " / ".join(str(w.message) for w in caught if issubclass(w.category, ValidityWarning))


def test_warnings_say_how_large_the_error_is():
    assert warned(PROBLEM, SGD(0.5)) == ""
    assert "% of the mean risk" in (
        text := warned(LeastSquares(isotropic(20), Gaussian(0.5)), SGD(0.5), 4.0)
    )
    assert "d = 20" in text and "computed" in text
    assert "stability limit 2 d/tr K = 2" in warned(PROBLEM, SGD(2.1))
    peak = np.zeros(2000)
    peak[0] = 1.0
    local = LeastSquares(isotropic(2000), Gaussian(0.5), start=peak)
    assert "localised" in warned(local, SignSGD(0.4))
    assert warned(local, SGD(0.5)) == ""
    assert stability_limit(PROBLEM) == 2.0


def test_divergence_is_a_curve_or_a_typed_error_never_nan():
    finite = solve(PROBLEM, SGD(2.5), 20)
    assert np.all(np.isfinite(finite.risk)) and finite.risk[-1] > 1e8
    with pytest.raises(SolveFailed, match="grows without bound") as caught:
        solve(PROBLEM, SGD(2.5), 2000)
    assert 0 < caught.value.time < 2000 and caught.value.state > 1e280


@pytest.mark.compiled
@pytest.mark.slow
@pytest.mark.parametrize("limit", ["ode", "sde"])
def test_kernels_are_compiled_for_one_set_of_types(limit, monkeypatch):
    monkeypatch.setattr(compile, "_loaded", {})
    # read-only arrays, numpy scalars and the like must not compile (and store) a second version
    for covariance in (from_eigenvalues([2, 0.5], [50, 150]), toeplitz(10, 0.5)):
        problem = LeastSquares(covariance, StudentT(3, 0.4))
        few = {"paths": 2} if limit == "sde" else {}
        solve(problem, SignSGD(0.4), 1, points=3, limit=limit, progress=False, **few)
    modules = list(compile._loaded.values())
    counts = [
        len(function.signatures)
        for module in modules
        for function in vars(module).values()
        if hasattr(function, "signatures")
    ]
    assert 1 in counts and max(counts) == 1
    assert [compile._compilations(module) for module in modules] == [0] * len(modules)


PLAIN = """
from limitlab.solvers.solve import solve
from limitlab.theory.covariance import isotropic
from limitlab.theory.streaming.problem import LeastSquares
from limitlab.theory.methods import SignSGD
from limitlab.theory.noise import Laplace
print(repr(float(solve(LeastSquares(isotropic(1000), Laplace(0.6)), SignSGD(0.4), 2,
points=5).risk[-1])))
"""


def test_without_the_compiler_the_numbers_are_the_same():
    here = solve(LeastSquares(isotropic(1000), Laplace(0.6)), SignSGD(0.4), 2, points=5).risk[-1]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PLAIN], env=environment, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) == pytest.approx(here, rel=1e-12)


def test_every_schedule_of_a_method_is_checked():
    with pytest.raises(InvalidInput, match=r"threshold = 1 - t: is -1 at t = 2"):
        solve(PROBLEM, ClippedSGD(0.5, 1 - t), 2)
