"""Figures on step-size tuners: every number is hit, and none by data of which a part is wrong."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from matplotlib.figure import Figure

from limitlab.validation.gallery.make import module_of

pytestmark = pytest.mark.slow

FIGURES = ("tuners_at_the_edge", "ratio_of_two_modes", "long_run_of_tuners")


@cache
def data_of(name):
    """What the figure computes in its quick form, once."""
    module = module_of(name)
    return module.compute(module.QUICK)


def failures(name, data):
    return [check.name for check in module_of(name).checks(data) if not check.passed]


@pytest.mark.parametrize("name", FIGURES)
def test_every_number_is_hit(name):
    failed = [check for check in module_of(name).checks(data_of(name)) if not check.passed]
    assert not failed, "\n".join(map(str, failed))


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("width", ["neurips", "icml"])
def test_it_is_drawn(name, width):
    figure = module_of(name).draw(data_of(name), width)
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()


def changed(curve, name, values):
    return replace(curve, values={**curve.values, name: values})


def test_other_rules_are_seen():
    """CDAT that does not pin, a law of another sharpening, a spiral that does not open."""
    name = FIGURES[0]
    data = data_of(name)
    swapped = replace(data, runs=data.runs | {"on": data.runs["below"]})
    assert any("CDAT 2" in failed for failed in failures(name, swapped))
    law = data.laws["fraction"]
    faster = replace(
        data, laws=data.laws | {"fraction": changed(law, "sharpness", 1.01 * law.sharpness)}
    )
    assert any("fraction" in failed for failed in failures(name, faster))
    shrink = np.exp(-0.001 * data.small.time)
    closed = changed(data.small, "edge", 2 + (data.small.edge - 2) * shrink)
    off = (np.abs(closed.x) - data.balance) * shrink
    closed = changed(closed, "x", np.sign(closed.x) * (data.balance + off))
    spiral = replace(data, small=closed)
    assert any("spiral" in failed for failed in failures(name, spiral))


def test_a_diagram_of_another_condition_number_is_seen():
    name = FIGURES[1]
    data = data_of(name)
    other = replace(data, parameters=replace(data.parameters, kappa=9.0))
    assert len(failures(name, other)) >= 3
    halved = replace(data, greedy=data.greedy[::2])
    assert any("greedy" in failed for failed in failures(name, halved))


def test_a_polyak_that_is_greedy_is_seen():
    name = FIGURES[2]
    data = data_of(name)
    slow = replace(data, runs=data.runs | {"Polyak": data.runs["greedy (CDAT 1)"]})
    assert any("Polyak" in failed for failed in failures(name, slow))
    same = {batch: data.medians[1] for batch in data.medians}
    alike = replace(data, medians=same, errors={batch: data.errors[1] for batch in same})
    assert any("batch" in failed for failed in failures(name, alike))
