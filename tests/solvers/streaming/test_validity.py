"""Warnings and corrections: what the library says about itself, with the size of the error."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp

from limitlab.solvers.solve import solve
from limitlab.solvers.streaming.coefficients import Coefficients
from limitlab.solvers.streaming.corrections import Limit
from limitlab.solvers.streaming.finite_size import FiniteSize
from limitlab.solvers.streaming.validity import diagnostics, remarks, stability_limit
from limitlab.theory.core.errors import InvalidInput, NotAvailable, ValidityWarning
from limitlab.theory.covariance import (
    from_eigenvalues,
    isotropic,
    marchenko_pastur,
    power_law,
    toeplitz,
)
from limitlab.theory.derive import derive
from limitlab.theory.methods import SGD, ClippedSGD, SignSGD
from limitlab.theory.methods.base import Method
from limitlab.theory.noise import Gaussian, Rademacher
from limitlab.theory.streaming.derive import bind
from limitlab.theory.streaming.problem import LeastSquares

pytestmark = pytest.mark.interpreted

TIMES = np.array([0.0, 1.0])
PEAK = np.array([1.0] + [0.0] * 299)
LOCAL = LeastSquares(isotropic(300), Gaussian(0.5), start=PEAK)
SMALL = LeastSquares(isotropic(20), Gaussian(0.5))


def solved(problem, method, until=1.0, **options):
    """The curve and what was warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ValidityWarning)
        curve = solve(problem, method, until, points=5, rtol=1e-6, **options)
    return curve, " / ".join(str(w.message) for w in caught)


def test_a_localised_start_is_measured_and_corrected():
    limit, said = solved(LOCAL, SignSGD(0.4))
    fixed, why = solved(LOCAL, SignSGD(0.4), correction="auto")
    split, silence = solved(LOCAL, SignSGD(0.4), correction="split")
    gap = 100 * np.max(np.abs(limit.risk / fixed.risk - 1) * fixed.risk / limit.risk)
    assert f"off by {gap:.2g} %" in said and 'correction="auto"' in said
    assert "max ρ_i² = 1" in why and "solved instead" in why and silence == ""
    assert fixed.risk == pytest.approx(split.risk)
    names = [c.provenance["correction"] for c in (limit, fixed, split)]
    assert names == [None, "split", "split"] and fixed.label == "signSGD, split limit"


def test_a_spread_start_is_left_alone():
    problem = LeastSquares(isotropic(300), Gaussian(0.5))
    plain, said = solved(problem, SignSGD(0.4))
    auto, why = solved(problem, SignSGD(0.4), correction="auto")
    assert said == why == "" and auto.provenance["correction"] is None
    assert auto.risk == pytest.approx(plain.risk, rel=0)


def test_localisation_alone_does_not_warn():
    """ρ² above the mark, but over so short a time that the two roads agree to 1 %."""
    assert solved(LOCAL, SignSGD(0.4), until=0.01)[1] == ""


def test_noise_without_mass_near_zero_is_checked_at_moderate_localisation():
    """d log φ/d log R = a²/(4R) multiplies ρ² in the first term that the limit neglects."""
    problem, method = LeastSquares(isotropic(64), Rademacher(0.5)), SignSGD(0.4)
    system = derive(problem, method)
    law = Coefficients.of(system.source, bind(system, problem, method))
    for risk, factor in ((0.01, 0.25 / 0.04), (5.0, 1.0)):
        limit = Limit(problem, method, law, TIMES, SimpleNamespace(risk=np.array([risk])), None, 0)
        assert limit.localisation() == pytest.approx(factor / 64, rel=1e-4)


def test_small_dimensions_offer_the_exact_mean():
    limit, said = solved(SMALL, SGD(0.5), 4.0)
    exact, silence = solved(SMALL, SGD(0.5), 4.0, limit="exact")
    auto, why = solved(SMALL, SGD(0.5), 4.0, correction="auto")
    assert 'limit="exact"' in said and "d = 20" in said and silence == ""
    assert "the exact mean is given instead" in why
    assert auto.risk == pytest.approx(exact.risk, rel=0)
    announced = limit.diagnostics["finite_size"][-1]
    assert exact.risk[-1] / limit.risk[-1] - 1 == pytest.approx(announced, rel=0.2)
    assert np.all(exact.diagnostics["finite_size"] == 0) and exact.label == "SGD, exact mean"


def test_auto_keeps_a_limit_that_is_good_enough():
    large = LeastSquares(isotropic(2000), Gaussian(0.5))
    assert solved(large, SGD(0.5), correction="auto")[0].provenance["correction"] is None
    clipped, _ = solved(SMALL, ClippedSGD(0.5, 1.0), correction="auto")
    assert clipped.provenance["correction"] is None


def test_exact_modes_come_with_the_exact_mean():
    problem = LeastSquares(power_law(30, 0.5), Gaussian(0.5))
    curve, _ = solved(problem, SGD(0.5), limit="exact", modes=True)
    assert curve["modes"].sum(axis=1) == pytest.approx(curve.risk, rel=1e-12)


def test_times_of_the_exact_mean_are_whole_steps():
    curve = solve(SMALL, SGD(0.5), times=[0.0, 0.51, 1.02], limit="exact")
    assert curve.time.tolist() == [0.0, 0.5, 1.0] and curve.steps.tolist() == [0, 10, 20]


def test_intrinsic_dimension_counts_where_nothing_is_clipped():
    spiked = from_eigenvalues([40.0] + [1.0] * 399)
    curve, said = solved(LeastSquares(spiked, Gaussian(0.5)), SGD(0.05), 0.1)
    # an expected error below 2 % is no warning, but the provenance holds the remark
    assert said == "" and "tr K/‖K‖" in " / ".join(curve.provenance["remarks"])


def test_one_call_is_one_warning_and_the_provenance_holds_it():
    problem, method = LeastSquares(isotropic(4), Gaussian(0.5)), SGD(2.5)
    with pytest.warns(ValidityWarning) as caught:
        curve = solve(problem, method, 0.5, points=5, rtol=1e-6)
    (only,) = caught
    for words in ("expected to be off", "the steps are coarse", "stability limit"):
        assert words in str(only.message)
        assert any(words in remark for remark in curve.provenance["remarks"])
    assert only.filename == __file__


def said_of(covariance, method):
    """The remarks on a problem that is announced to have no error of finite size."""
    nothing = FiniteSize(np.zeros(2), "measured table")
    problem = LeastSquares(covariance, Gaussian(0.5))
    return " / ".join(remarks(problem, method, TIMES, np.ones(2), nothing))


def test_coarse_steps_are_named_with_their_size():
    spiked = from_eigenvalues([100.0] + [1.0] * 399)
    assert "η ‖K‖/d = 0.2" in said_of(spiked, ClippedSGD(0.8, 1.0))
    assert said_of(spiked, ClippedSGD(0.3, 1.0)) == ""


def test_a_common_correlation_is_named():
    assert "‖C‖/d = 0.8" in said_of(toeplitz(60, 0.99), SignSGD(0.1))
    assert said_of(toeplitz(60, 0.3), SignSGD(0.1)) == ""


def test_instability_is_named_and_measured():
    curve, said = solved(LeastSquares(isotropic(2000), Gaussian(0.5)), SGD(2.1))
    assert "stability limit 2 d/tr K = 2" in said
    assert curve.provenance["diagnostics"]["stability"] == pytest.approx(1.05)
    assert stability_limit(SMALL) == 2.0 and stability_limit(SMALL, batch=4) == 8.0


def test_diagnostics_by_method():
    assert diagnostics(LOCAL, SignSGD(0.4), TIMES) == pytest.approx(
        {"intrinsic_dimension": 300, "max_rho_squared": 1.0, "common_correlation": 1 / 300}
    )
    endless = LeastSquares(marchenko_pastur(math.inf, 0.5), Gaussian(0.5))
    assert set(diagnostics(endless, SGD(0.5), TIMES)) == {"stability"}


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"correction": "both"}, InvalidInput, '"auto", "split" or "exact"'),
        ({"correction": "split"}, NotAvailable, "act on coordinates"),
        ({"correction": "auto", "limit": "sde"}, NotAvailable, 'belongs to limit="ode"'),
        ({"correction": "auto", "modes": True}, NotAvailable, "have none"),
        ({"limit": "exact", "system": derive(SMALL, SGD(0.5))}, NotAvailable, "derives its own"),
    ],
)
def test_corrections_that_do_not_exist_are_refused(options, error, match):
    with pytest.raises(error, match=match):
        solve(SMALL, SGD(0.5), 1.0, **options)
    with pytest.raises(NotAvailable, match="unclipped SGD"):
        solve(SMALL, SignSGD(0.4), 1.0, limit="exact")


@dataclass(frozen=True)
class Exponential(Method):
    def rule(self, l):  # noqa: E741
        return sp.exp(l)


@dataclass(frozen=True)
class Tanh(Method):
    def rule(self, l):  # noqa: E741
        return sp.tanh(l)


@pytest.mark.parametrize(
    ("method", "warned"),
    [
        (Exponential(1e-3), True),
        (Tanh(0.5), False),
        (ClippedSGD(0.5, 1.0), False),
        (SGD(0.5), False),
    ],
)
def test_events_that_no_ensemble_meets_are_named(method, warned):
    problem, nothing = LeastSquares(isotropic(300), Gaussian(0.5)), FiniteSize(np.zeros(2), "none")
    said = remarks(problem, method, TIMES, np.array([1.0, 8.0]), nothing)
    rare = [remark for remark in said if "residuals that are met" in remark]
    assert bool(rare) == warned
    # negative control: where the risk is small the rule's mean square is met
    assert not any("met" in remark for remark in remarks(problem, method, TIMES, TIMES, nothing))
    assert all(remark.error > 1.0 for remark in rare)
