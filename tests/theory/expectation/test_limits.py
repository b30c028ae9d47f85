"""Every law and rule at the ends of its numbers, over sixteen decades: nothing cancels silently.

A law of scale s at the risk R under the threshold c depends on R/s² and c/s alone, so that R and c
over sixteen decades reach every limit: c → ∞ and 0, R → ∞ and 0, s → ∞ and 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.solvers.streaming.expectations import expectations
from limitlab.solvers.streaming.validity import _about_digits
from limitlab.theory.expectation.reference import reference
from limitlab.theory.streaming.derive import bind
from limitlab.theory.streaming.tabulated_means import rounding

pytestmark = pytest.mark.interpreted


@dataclass(frozen=True)
class Skewed(ll.Noise):
    """Two exponential sides: the mean is not zero."""

    right: float
    left: float

    def density(self, e):
        sides = sp.Piecewise((sp.exp(-e / self.right), e >= 0), (sp.exp(e / self.left), True))
        return sides / (self.right + self.left)


@dataclass(frozen=True)
class SoftThreshold(ll.Method):
    width: float

    def rule(self, l):  # noqa: E741
        return sp.sign(l) * sp.Max(sp.Abs(l) - self.width, 0)


@dataclass(frozen=True)
class Trimmed(ll.Method):
    width: float

    def rule(self, l):  # noqa: E741
        return sp.Piecewise((l, sp.Abs(l) < self.width), (0, True))


@dataclass(frozen=True)
class HardThreshold(ll.Method):
    width: float

    def rule(self, l):  # noqa: E741
        return sp.Piecewise((0, sp.Abs(l) < self.width), (l, True))


@dataclass(frozen=True)
class Biweight(ll.Method):
    width: float

    def rule(self, l):  # noqa: E741
        inside = l * (1 - (l / self.width) ** 2) ** 2
        return sp.Piecewise((inside, sp.Abs(l) < self.width), (0, True))


@dataclass(frozen=True)
class Hampel(ll.Method):
    width: float

    def rule(self, l):  # noqa: E741
        size, w = sp.Abs(l), self.width
        falling = w * sp.sign(l) * (4 * w - size) / (2 * w)
        level = w * sp.sign(l)
        return sp.Piecewise(
            (l, size < w), (level, size < 2 * w), (falling, size < 4 * w), (0, True)
        )


@dataclass(frozen=True)
class Window(ll.Method):
    """On one side only, and not around zero."""

    width: float

    def rule(self, l):  # noqa: E741
        return sp.Piecewise((1, (l > self.width) & (l < 2 * self.width)), (0, True))


LAWS = {
    "gaussian": ll.Gaussian(0.5),
    "rademacher": ll.Rademacher(0.5),
    "uniform": ll.Uniform(0.5),
    "laplace": ll.Laplace(0.5),
    "mixture": ll.GaussianMixture([0.9, 0.1], [0.3, 2.0]),
    "none": ll.NoNoise(),
    "skewed": Skewed(0.8, 0.2),
}
RULES: dict[str, Callable[[float], Any]] = {
    "huber": lambda c: ll.Huber(0.5, c),
    "sign": lambda c: ll.SignSGD(0.5),
    "soft threshold": lambda c: SoftThreshold(0.5, c),
}
THRESHOLDS = 10.0 ** np.arange(-8, 9, 4)
RISKS = 10.0 ** np.arange(-16, 17, 4)
#: below this a mean is no part of any curve, and its logarithm is worth more digits than it has
NEGLIGIBLE = 1e-200


def worst_error(law: Any, method: Any) -> float:
    """Largest relative error of μ and N over the risks, against the closed form in 450 digits."""
    problem = ll.LeastSquares(ll.isotropic(10), noise=law)
    system = ll.derive(problem, method)
    binding = bind(system, problem, method)
    values = {q.symbol: v for q, v in zip(system.parameters, binding.p, strict=False)}
    arrays = (binding.weights, binding.means, binding.scales)
    found = expectations(problem, method)
    worst = 0.0
    for name, (_, formula) in zip(("mu", "N"), system.definitions[:2], strict=True):
        exact = reference(formula, values, arrays, digits=450)
        for risk in RISKS:
            right, ours = exact(risk), float(getattr(found, name)(risk))
            if abs(right) > NEGLIGIBLE:
                worst = max(worst, float(abs((mpmath.mpf(ours) - right) / right)))
    return worst


@pytest.mark.slow
@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", LAWS)
def test_nothing_cancels(name, rule, threshold):
    if rule == "sign" and threshold != 1:
        pytest.skip("the sign has no threshold")
    assert worst_error(LAWS[name], RULES[rule](threshold)) <= 1e-9


ENDING = {rule.__name__: rule for rule in (Trimmed, Biweight, Hampel, Window, HardThreshold)}
#: tried in the slow suite; every pair makes a table in many digits
TRIED = {("Trimmed", 1e-8), ("Biweight", 1e-4), ("Window", 1.0), ("HardThreshold", 1e4)}


@pytest.mark.slow
@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize(
    ("rule", "threshold"),
    [
        pytest.param(rule, c, marks=() if (rule, c) in TRIED else pytest.mark.long)
        for rule in ENDING
        for c in THRESHOLDS
    ],
)
def test_slopes_that_nearly_cancel(name, rule, threshold):
    """A narrow rule that ends: μ ~ c³ is what terms of order c leave."""
    assert worst_error(LAWS[name], ENDING[rule](0.5, threshold)) <= 1e-9


def test_a_narrow_rule_that_ends():
    assert worst_error(LAWS["laplace"], Trimmed(0.5, 1e-4)) <= 1e-9


@dataclass(frozen=True)
class Logistic(ll.Noise):
    scale: float
    middle: float = 0.0

    def density(self, e):
        return 1 / (4 * self.scale * sp.cosh((e - self.middle) / (2 * self.scale)) ** 2)

    def sample(self, rng, n):
        return rng.logistic(self.middle, self.scale, n)


@dataclass(frozen=True)
class Welsch(ll.Method):
    width: float

    def rule(self, l):  # noqa: E741
        return l * sp.exp(-(l**2) / (2 * self.width**2))


def welsch_slope(width, law, risk):
    """μ in many digits: under one value of the noise the rule has a closed mean slope."""
    with mpmath.workdps(40):
        v = mpmath.mpf(width) ** 2 + 2 * mpmath.mpf(risk)

        def summand(e):
            slope = width**3 / v**1.5 * (1 - e * e / v) * mpmath.exp(-e * e / (2 * v))
            return slope / (4 * law.scale * mpmath.cosh((e - law.middle) / (2 * law.scale)) ** 2)

        far = 60 * law.scale
        near = [k * mpmath.sqrt(v) for k in (-60, -8, -4, -2, -1, 0, 1, 2, 4, 8, 60)]
        places = {law.middle, law.middle - far, law.middle + far, *near}
        return mpmath.quad(summand, sorted(e for e in places if abs(e - law.middle) <= far))


@pytest.mark.slow
@pytest.mark.parametrize("middle", [0.0, 0.3])
@pytest.mark.parametrize("width", [1e-9, 1e-5, 1e-2, 0.5, 1e3])
def test_a_smooth_rule_of_any_width_is_right_or_says_how_far(width, middle):
    """A rule that redescends without an end, under a density: grids, no closed form."""
    law, method = Logistic(0.2, middle), Welsch(0.5, width)
    found = expectations(ll.LeastSquares(ll.isotropic(200), noise=law), method)
    for risk in (1e-16, 1e-8, 1e-3, 1.0):
        right = welsch_slope(width, law, risk)
        announced = rounding(method, law, 0.5 * risk, 2 * risk)
        error = float(abs((mpmath.mpf(float(found.mu(risk))) - right) / right))
        assert error <= max(1e-9, 2 * announced), risk
        # the control: where the rule is not narrow, nothing is announced
        assert width < 1e-3 or announced < 1e-9


@pytest.mark.slow
@pytest.mark.compiled
def test_digits_that_are_lost_are_announced():
    """Under a density without a closed form doubles are all there is."""
    problem = ll.LeastSquares(ll.isotropic(200), noise=Logistic(0.2))
    for width, lost in ((1e-9, True), (0.5, False)):
        curve = ll.solve(problem, Trimmed(0.5, width), 1, points=3)
        said = "; ".join(curve.provenance["remarks"])
        assert ("digits are lost" in said) == lost


@pytest.mark.slow
@pytest.mark.compiled
@pytest.mark.parametrize(("width", "lost"), [(1e-6, True), (0.2, False)])
def test_digits_that_a_moving_rule_loses_are_announced(width, lost):
    """No table holds a width that moves: code has doubles, and says what they leave."""
    problem = ll.LeastSquares(ll.isotropic(200), noise=ll.Laplace(0.2))
    moving = Trimmed(0.5, width * (1 + ll.t) / (2 + ll.t))
    curve = ll.solve(problem, moving, 1, points=3)
    near = float(curve.risk[0]) * np.linspace(0.9, 1.1, 41)
    fixed = expectations(problem, Trimmed(0.5, width / 2)).mu(near)
    error = np.max(np.abs(expectations(problem, moving).mu(near) / fixed - 1))
    remark = _about_digits(problem, moving, curve.time, curve.risk)
    assert (remark is not None) == lost
    if remark is not None:
        assert 0.1 < error / remark.error < 10, error  # the largest of 41 draws and of 6


@pytest.mark.parametrize("name", ["uniform", "laplace"])
@pytest.mark.parametrize("threshold", [1e-8, 1e8])
def test_the_worst_pairs_do_not_cancel(name, threshold):
    assert worst_error(LAWS[name], ll.Huber(0.5, threshold)) <= 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("name", LAWS)
def test_limits_are_those_on_paper(name):
    """c → ∞: μ = 1, N = 2R + σ².  c → 0: μ/2c = p_ℓ(0), N = c².  R → ∞: the noise is not seen."""
    law = LAWS[name]
    problem = ll.LeastSquares(ll.isotropic(10), noise=law)
    for risk in (1e-8, 1.0, 1e8):
        wide = expectations(problem, ll.Huber(0.5, 1e8))
        assert float(wide.mu(risk)) == pytest.approx(1, rel=1e-9)
        assert float(wide.N(risk)) == pytest.approx(2 * risk + law.variance, rel=1e-9)
        narrow, sign = expectations(problem, ll.Huber(0.5, 1e-9)), ll.SignSGD(0.5)
        slope = float(expectations(problem, sign).mu(risk))
        if slope > NEGLIGIBLE:
            assert float(narrow.mu(risk)) == pytest.approx(1e-9 * slope, rel=1e-7)
        assert float(narrow.N(risk)) == pytest.approx(1e-18, rel=1e-4)
    far = expectations(problem, ll.Huber(0.5, 1.0))
    assert float(far.mu(1e18)) == pytest.approx(1 / math.sqrt(math.pi * 1e18), rel=1e-9)
    assert float(far.N(1e18)) == pytest.approx(1, rel=1e-9 + 1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("law", [ll.StudentT(3.0, 0.5), ll.Cauchy(0.5)], ids=repr)
def test_heavy_tails_have_their_limits(law):
    problem = ll.LeastSquares(ll.isotropic(10), noise=law)
    for risk in (1e-12, 1e-4, 1.0):
        narrow = expectations(problem, ll.Huber(0.5, 1e-6 * math.sqrt(risk)))
        slope = float(expectations(problem, ll.SignSGD(0.5)).mu(risk))
        assert float(narrow.mu(risk)) == pytest.approx(1e-6 * math.sqrt(risk) * slope, rel=1e-9)
        assert float(narrow.N(risk)) == pytest.approx(1e-12 * risk, rel=3e-6)
    far = expectations(problem, ll.Huber(0.5, 1.0))
    assert float(far.mu(1e22)) == pytest.approx(1 / math.sqrt(math.pi * 1e22), rel=1e-9)
    tiny = replace(law, scale=1e-16)
    small = expectations(ll.LeastSquares(ll.isotropic(10), tiny), ll.Huber(0.5, 1.0))
    none = expectations(ll.LeastSquares(ll.isotropic(10), ll.NoNoise()), ll.Huber(0.5, 1.0))
    assert float(small.mu(1.0)) == pytest.approx(float(none.mu(1.0)), rel=1e-9)
    assert float(small.N(1.0)) == pytest.approx(float(none.N(1.0)), rel=1e-9)
