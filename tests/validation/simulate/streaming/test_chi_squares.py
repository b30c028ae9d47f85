"""The chi-square numbers of the reduced chain, against scipy."""

import math

import numpy as np
import pytest
from scipy import stats

from limitlab.solvers.core import random
from limitlab.validation.simulate.streaming.chain import chi_squares

N = 2**16


def draw(freedoms, group=0, n=N):
    laws = np.full(n, float(freedoms))
    shapes = 0.5 * laws - 1 / 3
    slopes = np.where(laws < 2, np.nan, 1 / np.sqrt(9 * np.maximum(shapes, 0.5)))
    size, out = random.padded(n), np.empty(n)
    work = np.empty(size, dtype=np.float32), np.empty(size)
    key = np.uint64(11)
    chi_squares().fill_chi_squares(laws, shapes, slopes, key, np.uint64(group), *work, out)
    return out


@pytest.mark.parametrize("freedoms", [1, 2, 3, 5, 20, 1000, 10**6])
def test_law(freedoms):
    numbers = draw(freedoms)
    assert stats.kstest(numbers, stats.chi2(freedoms).cdf).pvalue > 1e-4
    off = freedoms + 0.04 * math.sqrt(2 * freedoms)
    assert stats.kstest(numbers, stats.chi2(off).cdf).pvalue < 1e-4, "an error must be noticed"


@pytest.mark.parametrize("freedoms", [2, 3, 20, 1000])
def test_tails(freedoms):
    numbers = draw(freedoms)
    for tail in (1e-3, 1 - 1e-3):
        below = int(np.sum(numbers < stats.chi2(freedoms).ppf(tail)))
        assert stats.binomtest(below, N, tail).pvalue > 1e-4


def test_no_freedom_is_zero():
    assert np.all(draw(0, n=256) == 0)


def test_a_short_block_begins_a_long_one_and_groups_differ():
    np.testing.assert_array_equal(draw(3, n=300), draw(3)[:300])
    assert not np.any(draw(3, group=1, n=300) == draw(3, n=300))


def test_the_shortcut_never_accepts_what_the_exact_test_refuses():
    """-h / y^4 = [-y^2/2 - (1 - (1+y)^3 + 3 log(1+y))/9] / y^4 stays below the constant used."""
    y = np.concatenate([np.linspace(-0.5, -0.05, 2000), np.linspace(0.05, 50, 20000)])
    need = (-(y**2) / 2 - (1 - (1 + y) ** 3 + 3 * np.log1p(y)) / 9) / y**4
    assert need.max() < chi_squares().SQUEEZE < need.max() * 1.001
    assert np.all(np.diff(need) < 1e-9), "largest at the end of the interval"
