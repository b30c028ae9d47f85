"""A law of the user's own that contradicts itself is refused where the problem is stated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.theory.noise.consistency import check_law


@dataclass(frozen=True)
class Bell(ll.Noise):
    """A normal law, drawn `factor` too wide."""

    scale: float
    factor: float = 1.0

    def density(self, e):
        return sp.exp(-(e**2) / (2 * self.scale**2)) / (self.scale * sp.sqrt(2 * sp.pi))

    def sample(self, rng, n):
        return self.factor * self.scale * rng.standard_normal(n)


def stated(noise):
    return ll.LeastSquares(ll.isotropic(10), noise)


@pytest.mark.parametrize("scale", [1e-8, 0.5, 1e8])
def test_a_law_that_agrees_is_taken(scale):
    assert stated(Bell(scale)).noise.variance == pytest.approx(scale**2)


@pytest.mark.parametrize("factor", [0.5, 1.5, 3.0, -2.0, 0.0])
def test_a_sampler_of_another_law_is_refused(factor):
    with pytest.raises(ll.InvalidInput, match="^sample = 'Bell': draws a share|^sample"):
        stated(Bell(0.5, factor))


@pytest.mark.parametrize("name", ["variance", "fourth_moment"])
@pytest.mark.parametrize("value", [-1.0, math.nan])
def test_a_negative_moment_is_refused(name, value):
    kind = type("Own", (Bell,), {name: value})
    with pytest.raises(ll.InvalidInput, match=f"^{name} = "):
        stated(kind(0.5))


def test_a_fourth_moment_below_the_square_of_the_second_is_refused():
    class Flat(Bell):
        variance: ClassVar[float] = 1.0
        fourth_moment: ClassVar[float] = 0.5

    with pytest.raises(ll.InvalidInput, match="^fourth_moment = 0.5"):
        stated(Flat(1.0))


def test_a_sampler_that_raises_is_named():
    class Broken(Bell):
        def sample(self, rng, n):
            raise RuntimeError("no numbers today")

    with pytest.raises(ll.InvalidInput, match="no numbers today"):
        stated(Broken(0.5))


def test_shifted_and_skewed_laws_that_agree_are_taken():
    class Late(Bell):
        def density(self, e):
            return sp.Piecewise((0, e < 1), (sp.exp(1 - e), True))

        def sample(self, rng, n):
            return 1 + rng.exponential(size=n)

    stated(Late(0.5))

    class Early(Late):
        def sample(self, rng, n):
            return rng.exponential(size=n)

    with pytest.raises(ll.InvalidInput, match="^sample = 'Early'"):
        stated(Early(0.5))


def test_right_samplers_are_not_refused_by_chance(monkeypatch):
    """40 other generators: none refuses the right law, all refuse one that is 1.5 times as wide."""
    for seed in range(40):
        monkeypatch.setattr("limitlab.theory.noise.consistency._SEED", seed)
        check_law(Bell(0.5 + seed))
        with pytest.raises(ll.InvalidInput):
            check_law(Bell(0.5 + seed, 1.5))


def test_shipped_laws_are_not_drawn_from(monkeypatch):
    monkeypatch.setattr(ll.Gaussian, "sample", lambda *a: pytest.fail("drawn"), raising=False)
    stated(ll.Gaussian(0.5))
    assert np.isfinite(stated(ll.Gaussian(0.5)).risk)
