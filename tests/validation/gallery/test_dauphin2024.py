"""The figure on the neglected part: every number is hit, and none by data that are wrong."""

from dataclasses import replace
from functools import cache

import pytest

from limitlab.validation.gallery.make import module_of

pytestmark = pytest.mark.slow
NAME = "neglected_part"


@cache
def computed():
    module = module_of(NAME)
    return module.compute(module.QUICK)


def failures(data):
    return [check.name for check in module_of(NAME).checks(data) if not check.passed]


def test_every_number_is_hit():
    assert not failures(computed())
    module_of(NAME).draw(computed(), "two-column").draw_without_rendering()


def test_what_is_wrong_is_seen():
    data = computed()
    same = replace(data, minima=data.minima | {"hessian": data.minima["gauss-newton"]})
    assert any("strength" in name for name in failures(same))
    alike = replace(
        data, curves=data.curves | {"penalty": data.curves["penalty, no neglected part"]}
    )
    assert any("penalty" in name for name in failures(alike))
    assert any("ReLU" in name for name in failures(replace(data, limit=1.1 * data.limit)))
    overlap = 1.01 * data.theory["overlap"]
    other = replace(data.theory, values={**data.theory.values, "overlap": overlap})
    assert any("map" in name for name in failures(replace(data, theory=other)))
