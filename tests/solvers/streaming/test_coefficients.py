"""Tables of A and B in log R, and the short way to those of long mixtures."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.solvers.core.chebyshev import mixed, panels
from limitlab.solvers.streaming import coefficients
from limitlab.solvers.streaming.coefficients import Coefficients
from limitlab.theory.streaming.derive import bind

ENDS = np.log(1e-6), np.log(2.0)
WEIGHTS, SHIFTS = np.array([0.6, 0.3, 0.1]), np.array([0.0, 0.4, 1e9])


def smooth(log_risk):
    risk = np.exp(log_risk)
    return np.log([1 / np.sqrt(risk + 0.3), risk / (risk + 0.2)])


def test_a_mixture_is_the_sum_of_shifted_points():
    at = np.linspace(*ENDS, 9)
    risks = np.exp(at)[:, None] + SHIFTS
    wanted = np.log(np.exp(smooth(np.log(risks))) @ WEIGHTS)
    np.testing.assert_allclose(mixed(smooth, ENDS, WEIGHTS, SHIFTS)(at), wanted, atol=1e-9)
    # negative control: shifts by s² in place of s²/2
    assert np.abs(mixed(smooth, ENDS, WEIGHTS, 2 * SHIFTS)(at) - wanted).max() > 1e-2


def test_power_laws_go_on_above_what_is_smooth():
    def rough(log_risk):
        return np.where(log_risk < 12.0, smooth(log_risk), np.nan)

    at, shifts = np.linspace(*ENDS, 9), np.array([0.0, 0.4, 1e7])
    wanted = mixed(smooth, ENDS, WEIGHTS, shifts)(at)
    # R/(R + 0.2) has the slope 0.2/R at the end of its panels, R > exp(10), and then none
    off = 0.2 * np.exp(-10) * np.log(1e7 / np.exp(10))
    np.testing.assert_allclose(mixed(rough, ENDS, WEIGHTS, shifts)(at), wanted, atol=off)


def test_panels_end_where_the_functions_are_not_smooth():
    def broken(log_risk):
        return smooth(log_risk) + np.where(log_risk < -5.3, 0.1, 0.0)

    assert len(panels(smooth, *ENDS)) == 9
    # panels of width 2 from log 2 downwards: the third from the top holds the jump
    assert len(panels(broken, *ENDS)) == 3


@dataclass(frozen=True)
class Tanh(ll.Method):
    width: float

    def rule(self, l):  # noqa: E741
        return sp.tanh(l / self.width)


@pytest.mark.parametrize(
    ("method", "tabulated"), [(Tanh(0.8, 0.7), True), (ll.Huber(0.8, 0.7), False)]
)
def test_rules_without_a_closed_form_are_tabulated(method, tabulated):
    """Their means are read from tables, so that no coefficient is slow."""
    problem = ll.LeastSquares(ll.isotropic(10), noise=ll.Laplace(0.6))
    system = ll.derive(problem, method)
    assert ("mean_series" in system.source) == tabulated
    assert not Coefficients.of(system.source, bind(system, problem, method)).slow


@pytest.mark.slow
@pytest.mark.parametrize("law", [ll.StudentT(3, 0.5), ll.Cauchy(0.3)])
def test_heavy_tails_through_a_point(law, monkeypatch):
    problem, method = ll.LeastSquares(ll.isotropic(10), noise=law), Tanh(0.8, 0.7)
    system = ll.derive(problem, method)
    whole = Coefficients.of(system.source, bind(system, problem, method))
    short = whole.table(2.0, 1.0)
    monkeypatch.setattr(Coefficients, "_point", lambda self: None)
    monkeypatch.setattr(coefficients, "SPAN", 1e-3)
    direct = whole.table(2.0, 1.0)
    count = len(direct) - 1
    np.testing.assert_allclose(short[-count:], direct[-count:], atol=1e-10)
    # negative control: components of twice the width
    wider = replace(whole, scales=2 * whole.scales).table(2.0, 1.0)
    assert np.abs(wider[-count:] - direct[-count:]).max() > 0.1


def test_curves_of_many_rates_share_a_table(monkeypatch):
    made = []
    tabulated = Coefficients._tabulated

    def counted(self, largest, until):
        made.append(self)
        return tabulated(self, largest, until)

    monkeypatch.setattr(Coefficients, "_tabulated", counted)
    monkeypatch.setattr(coefficients, "_tables", {})
    problem = ll.LeastSquares(ll.isotropic(10), noise=ll.StudentT(3, 0.5))
    methods = [ll.ClippedSGD(rate, 0.7) for rate in (0.3, 0.5, 0.4)]
    system = ll.derive(problem, methods[0])

    def bound(method, system=system):
        return Coefficients.of(system.source, bind(system, problem, method))

    tables = [bound(method).table(2.0, 2.0) for method in methods]
    assert len(made) == 1 and all(table is tables[0] for table in tables)
    # negative controls: another threshold; coefficients over η and η² that depend on the rate
    bound(ll.ClippedSGD(0.3, 0.8)).table(2.0, 2.0)
    assert len(made) == 2
    given = replace(system, drift=system.drift * system.rate)
    first, second = (bound(method, given).table(2.0, 2.0) for method in methods[:2])
    assert len(made) == 4 and np.abs(first - second).max() > 0.1
