"""The figure of features with slow momentum hits its numbers, and misses them once spoilt."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import limitlab as ll
from limitlab.solvers.streaming.finite_size import mean_square_load
from limitlab.validation.gallery.make import module_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::limitlab.theory.core.errors.ValidityWarning"),
]


@cache
def computed():
    module = module_of("features_and_momentum")
    return module, module.compute(module.QUICK)


def test_hits_its_numbers_and_is_drawn_at_both_widths():
    module, data = computed()
    found = module.checks(data)
    assert all(check.passed for check in found), "\n".join(map(str, found))
    for width, inches in (("neurips", 5.5), ("icml", 3.25)):
        assert module.draw(data, width).get_figwidth() == inches


def test_a_wrong_part_is_seen():
    module, data = computed()
    first, second, third = module.NAMES
    theory, runs = data.pairs[second]
    off = replace(theory, values={name: 1.15 * array for name, array in theory.values.items()})
    cases = {
        second: replace(data, pairs={**data.pairs, second: (off, runs)}),
        "rate 30": replace(data, faster=theory),
        "least loss": replace(data, pairs={**data.pairs, third: data.pairs[first]}),
        "exponents": replace(data, frontiers={**data.frontiers, second: _steep(data, first)}),
    }
    for word, spoilt in cases.items():
        failed = [check.name for check in module.checks(spoilt) if not check.passed]
        assert any(word in name for name in failed), (word, failed)


def _steep(data, name):
    frontier = data.frontiers[name]
    value, low, high = frontier.exponents["loss"]
    return replace(frontier, exponents={"loss": (value + 0.1, low, high)})


@pytest.mark.parametrize("d", [400, 1600])
@pytest.mark.parametrize("momentum", [0.0, ll.slow_memory(2.0, direct=1.0)], ids=["plain", "slow"])
def test_features_agree_with_their_exact_mean(momentum, d):
    """Errors of 5 % of the drift would be seen; another rate is rejected, and so is the ODE."""
    problem = ll.power_law_features(4 * d, d, 0.7, 0.7)
    rate = 0.25 / mean_square_load(problem, ll.SGD(1.0))
    method, times = ll.SGD(rate, momentum=momentum), np.array([0.0, 0.25, 0.5, 1.0, 2.0])
    runs = ll.simulate(problem, method, times=times, runs=3000, seed=d, progress=False)
    exact = ll.solve(problem, method, times=times, limit="exact")
    report = ll.compare(exact, runs)
    assert report.p_values.min() > report.level and report.detectable_drift < 0.05, report
    wrong = ll.solve(problem, replace(method, rate=1.15 * rate), times=times, limit="exact")
    assert ll.compare(wrong, runs).passed is False
