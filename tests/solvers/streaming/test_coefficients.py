"""Tables of A and B in log R."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.solvers.core.chebyshev import panels
from limitlab.solvers.streaming import coefficients
from limitlab.solvers.streaming.coefficients import Coefficients
from limitlab.theory.streaming.derive import bind

ENDS = np.log(1e-6), np.log(2.0)


def smooth(log_risk):
    risk = np.exp(log_risk)
    return np.log([1 / np.sqrt(risk + 0.3), risk / (risk + 0.2)])


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
def test_curves_of_many_rates_share_a_table(monkeypatch):
    made = []
    tabulated = Coefficients._tabulated

    def counted(self, *asked):
        made.append(self)
        return tabulated(self, *asked)

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
