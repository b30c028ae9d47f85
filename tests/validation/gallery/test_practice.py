"""Figures on optimisers as they are run: every number is hit, and none by a spoilt theory."""

from dataclasses import replace
from functools import cache

import pytest
from matplotlib.figure import Figure

from limitlab.validation.gallery.make import module_of

pytestmark = pytest.mark.slow

FIGURES = ("compute_frontier", "rates_that_follow", "private_noise")


@cache
def data_of(name):
    """What the figure computes in its quick form, once."""
    module = module_of(name)
    return module.compute(module.QUICK)


def scaled(curve, factor=1.1):
    """The curve with its values off by a factor."""
    return replace(curve, values={name: factor * array for name, array in curve.values.items()})


@pytest.mark.parametrize("name", FIGURES)
def test_every_number_is_hit(name):
    failed = [check for check in module_of(name).checks(data_of(name)) if not check.passed]
    assert not failed, "\n".join(map(str, failed))


@pytest.mark.parametrize("width", ["neurips", "icml"])
@pytest.mark.parametrize("name", FIGURES)
def test_it_draws_at_both_widths(name, width):
    assert isinstance(module_of(name).draw(data_of(name), width), Figure)


@pytest.mark.parametrize("name", ["rates_that_follow", "private_noise"])
def test_a_theory_that_is_off_fails(name):
    spoilt = {key: (scaled(theory), runs) for key, (theory, runs) in data_of(name).items()}
    assert not all(check.passed for check in module_of(name).checks(spoilt))


def test_other_exponents_fail():
    data = replace(data_of("compute_frontier"), alpha=0.7)
    assert not all(check.passed for check in module_of("compute_frontier").checks(data))
