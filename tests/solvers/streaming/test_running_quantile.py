"""The limit of a running quantile is derived from its step and solved as it is printed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.solvers.streaming.moving_threshold import MovingThreshold
from limitlab.solvers.streaming.running_threshold import (
    Running,
    clipped_along,
    clipped_spectrum,
    rate_in_time,
)
from limitlab.theory.schedules.running_quantile import RunningQuantile, quantile_limit, updated

PROBLEM = ll.LeastSquares(ll.isotropic(50), ll.Gaussian(0.5))


def test_the_limit_is_the_mean_of_many_small_steps():
    """At a fixed share of unclipped steps, d steps move log c by its slope, to order 1/d."""
    share, fraction, gain, dimension = 0.25, 0.6, 3.0, 1000
    slope = quantile_limit().functions["log_c_slope"](gamma=gain, p=fraction, mu_c=share)
    c = sp.Float(1)
    for norm in (1e6, 1e6, 1e6, 1e-6):
        c = updated(c, norm, dimension, fraction, gain)
    assert float(sp.log(c)) * dimension / 4 == pytest.approx(slope, rel=1e-9)


@pytest.mark.slow
def test_an_error_planted_in_the_limit_moves_threshold_and_equation():
    quantile = RunningQuantile(0.6, 1.0, 3.0)
    true = quantile_limit()
    ((left, right),) = true.equations
    wrong = replace(true, equations=((left, sp.Float(1.05) * right),))
    assert wrong.latex() != true.latex() and wrong.source != true.source
    spectrum = clipped_spectrum(PROBLEM)
    ends = []
    for theory in (true, wrong):
        law = Running(MovingThreshold(PROBLEM), rate_in_time(0.5), quantile, theory)
        method = clipped_along(spectrum, law, 1.0)
        ends.append(ll.solve(PROBLEM, method, 1.0, points=3)["risk"][-1])
    assert abs(ends[1] / ends[0] - 1) > 1e-5
    assert np.isfinite(ends).all()
