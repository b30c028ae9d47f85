"""The figure on distillation by blocks: every number is hit, and none by data that are wrong."""

from dataclasses import replace
from functools import cache

import pytest

import limitlab as ll
from limitlab.validation.gallery.make import module_of

pytestmark = pytest.mark.slow
NAME = "blocks_against_the_plateau"


@cache
def computed():
    module = module_of(NAME)
    return module.compute(module.QUICK)


def failures(data):
    return [check.name for check in module_of(NAME).checks(data) if not check.passed]


def test_every_number_is_hit():
    assert not failures(computed())
    for width in ("two-column", "icml"):
        module_of(NAME).draw(computed(), width).draw_without_rendering()


def test_what_is_wrong_is_seen():
    data = computed()
    p = data.parameters
    halves = {depth: 1.03 * times for depth, times in data.halves.items()}
    assert any("half" in name for name in failures(replace(data, halves=halves)))
    slow = {start: found * [1, 1.03] for start, found in data.found_times.items()}
    assert any("to the loss" in name for name in failures(replace(data, found_times=slow)))
    waits = data.found_halves | {2: 1.05 * data.found_halves[2]}
    assert any("plateau" in name for name in failures(replace(data, found_halves=waits)))
    alone = {s: replace(r, times=r.times * 0 + r.blockwise) for s, r in data.times.items()}
    assert any("best switch" in name for name in failures(replace(data, times=alone)))
    # the noise of a quarter of the batch is twice as large
    problem = ll.BlockwiseDistillation(p.strengths, p.noisy_start, switch=0)
    small = ll.SGD(p.noisy_rate, batch=p.batch // 4)
    loud = ll.solve(problem, small, p.noisy_until, points=25, paths=p.paths, seed=p.seed)
    seen = failures(replace(data, bands=data.bands | {"end to end": loud}))
    assert any("standard deviations" in name for name in seen)
    assert any("share of runs" in name for name in seen)
