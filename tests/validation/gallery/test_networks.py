"""Figures on networks: their numbers are hit, and wrong data miss them."""

from dataclasses import replace
from functools import cache

import numpy as np
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


def lines_exchanged(data):
    """Symmetric weights on the line of independent ones."""
    own, other = ("symmetric", "tanh"), data.lines["independent", "tanh"]
    mean, error, _ = data.networks[own]
    line = np.interp(data.ends[own] * np.array(data.parameters.shares), *other)
    return replace(data, networks=data.networks | {own: (mean, error, line)})


def without_memory(data):
    """The theory of independent weights for symmetric ones."""
    own = data.theory["symmetric, tanh"]
    wrong = replace(own, values={**own.values, "loss": 1.5 * own["loss"]})
    return replace(data, theory=data.theory | {"symmetric, tanh": wrong})


def edge_moved(data):
    return replace(data, edge=1.05 * data.edge)


def bias_of_another_order(data):
    """A bias that does not fall between the largest d."""
    bias = data.bias["signs"].copy()
    bias[-1] = bias[-2]
    return replace(data, bias=data.bias | {"signs": bias})


def no_gain(data):
    ends = data.ends.copy()
    ends[0, 0, 2] = ends[0, 0, 0]
    return replace(data, ends=ends)


def same_times(data):
    """The penalty as quick as without the neglected part."""
    return replace(data, times=data.times | {"penalty": data.times["penalty, no NME"]})


def no_kink(data):
    """What automatic differentiation sees of a ReLU."""
    return replace(data, neglected=data.neglected | {"ReLU": 0 * data.neglected["ReLU"]})


def bounded(data):
    """The penalty on the whole trace as that on its first part."""
    return replace(data, hessian=data.hessian | {"tr H": data.hessian["tr GN"]})


SPOILT = [
    ("early_alignment_of_features", draws_off, "largest |z|"),
    ("alignment_along_training", batches_exchanged, "at the largest noise"),
    ("alignment_on_digits", limits_exchanged, "from infinite width"),
    ("alignment_on_digits", speeds_exchanged, "below it"),
    ("traces_on_digits", lost_part, "largest |z| of tr NME"),
    ("lengths_of_equilibria", lines_exchanged, "largest |z| of networks"),
    ("transients_of_equilibria", without_memory, "with memory"),
    ("ends_of_equilibria", edge_moved, "N to infinity"),
    ("bias_of_early_alignment", bias_of_another_order, "first and second order"),
    ("speeds_of_layers", no_gain, "above descent"),
    ("paths_of_methods", same_times, "steps with"),
    ("surface_of_one_unit", no_kink, "closed form"),
    ("penalties_on_traces", bounded, "fall of tr H"),
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
