"""Figures on networks: their numbers are hit, and wrong data miss them."""

from dataclasses import replace
from functools import cache

import pytest

from limitlab.validation.gallery.make import module_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::limitlab.theory.core.errors.ValidityWarning"),
]


@cache
def computed(name):
    module = module_of(name)
    return module, module.compute(module.QUICK)


def draws_off(data):
    """Draws that are 2 % too large."""
    return replace(data, draws={ratio: 1.02 * each for ratio, each in data.draws.items()})


def batches_exchanged(data):
    """The runs of the least noise as those of the largest."""
    noises = list(data.runs)
    return replace(data, runs=data.runs | {noises[-1]: data.runs[noises[0]]})


def one_ensemble(data):
    """Orthogonal weights drawn as independent ones."""
    return replace(data, lengths=data.lengths | {"haar": 1.1 * data.lengths["haar"]})


def limits_exchanged(data):
    """The limit of one label as that of another."""
    other = data.limits["8 or not"]
    return replace(data, limits=data.limits | {"even or odd": other})


def speeds_exchanged(data):
    """W alone as descent."""
    return replace(data, ends=data.ends | {"W alone": data.ends["descent"] + 1e-3})


def lost_part(data):
    """The neglected part counted twice."""
    return replace(data, exact=2 * data.exact)


SPOILT = [
    ("early_alignment_of_features", draws_off, "largest |z|"),
    ("alignment_along_training", batches_exchanged, "at the largest noise"),
    ("alignment_on_digits", limits_exchanged, "largest |z|"),
    ("alignment_on_digits", speeds_exchanged, "paired t"),
    ("traces_on_digits", lost_part, "largest |z| of tr NME"),
    ("equal_means_different_widths", one_ensemble, "mean length, orthogonal"),
]


@pytest.mark.parametrize("name", sorted({name for name, _, _ in SPOILT}))
def test_numbers_are_hit_and_it_is_drawn(name):
    module, data = computed(name)
    failed = [str(check) for check in module.checks(data) if not check.passed]
    assert not failed, "\n".join(failed)
    for width in ("neurips", "icml"):
        module.draw(data, width)


@pytest.mark.parametrize(("name", "spoil", "seen_by"), SPOILT)
def test_spoilt_data_miss_a_check(name, spoil, seen_by):
    module, data = computed(name)
    failed = [check.name for check in module.checks(spoil(data)) if not check.passed]
    assert any(seen_by in each for each in failed)
