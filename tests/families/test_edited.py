"""A class or function that its author edits in place, as IPython's %autoreload does, states
something else at once: no cache knows it by its name or its place in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.solvers.adam.table import stream_means
from limitlab.solvers.streaming.advice.clipping.fisher import fisher_information
from limitlab.theory.core.by_content import digest
from limitlab.theory.streaming.modes import modes

pytestmark = pytest.mark.interpreted


def law(width):
    """A class of one name whose text has another width in it."""

    @dataclass(frozen=True)
    class Own(ll.Noise):
        scale: float = 1.0

        def density(self, e):
            return sp.exp(-sp.Abs(e) / (width * self.scale)) / (2 * width * self.scale)

        def sample(self, rng, n):
            return rng.laplace(0, width * self.scale, n)

    return Own


def rule(height):
    @dataclass(frozen=True)
    class Own(ll.Method):
        def rule(self, l):  # noqa: E741
            return height * l

    return Own


def problem(noise):
    return ll.LeastSquares(ll.isotropic(20), noise)


def edit(thing, cls):
    """What autoreload does to the instances of a class whose file was edited."""
    object.__setattr__(thing, "__class__", cls)
    return thing


def information(noise):
    return float(fisher_information(problem(noise), 0.1))


def averages(noise):
    means = stream_means(noise, 0.5, 0.9, 0.1, 1.0, blocks=4)
    return float(means.drift[0])


def curve(noise):
    return float(ll.solve(problem(noise), ll.Huber(0.5, 1.0), 1, points=3).risk[-1])


COMPILED = pytest.param(averages, marks=(pytest.mark.slow, pytest.mark.compiled))


@pytest.mark.parametrize("of", [information, COMPILED, curve], ids=lambda f: f.__name__)
def test_an_edited_law(of):
    noise = law(0.3)(1.0)
    before = of(noise)
    assert of(noise) == before  # and from the cache
    after = of(edit(noise, law(0.9)))
    assert after == pytest.approx(of(law(0.9)(1.0)), rel=1e-9)
    assert abs(after / before - 1) > 0.01


def test_an_edited_sampler_is_held_against_its_density_again():
    noise = law(0.3)(1.0)
    problem(noise)

    class Wrong(law(0.3)):
        def sample(self, rng, n):
            return rng.laplace(0, 0.9, n)

    with pytest.raises(ll.InvalidInput, match="sample"):
        problem(edit(noise, Wrong))


def test_an_edited_rule():
    method = rule(1.0)(rate=0.3)
    before = ll.solve(problem(ll.Gaussian(0.3)), method, 1, points=3).risk[-1]
    after = ll.solve(problem(ll.Gaussian(0.3)), edit(method, rule(0.5)), 1, points=3).risk[-1]
    assert after == ll.solve(problem(ll.Gaussian(0.3)), rule(0.5)(rate=0.3), 1, points=3).risk[-1]
    assert abs(after / before - 1) > 0.01


def test_an_edited_start():
    def start(x):
        return np.ones_like(x)

    def edited(x):
        return 2 * np.ones_like(x)

    def energy():
        asked = ll.LeastSquares(ll.power_law(20, 0.5), ll.Gaussian(0.3), start=start)
        return modes(asked, ll.SGD(0.3)).energies.sum()

    before, known = energy(), digest(start)
    assert digest(start) == known
    start.__code__ = edited.__code__
    assert digest(start) != known
    assert energy() == pytest.approx(4 * before)
