"""The figure on the linear stability of SGD: its numbers, and data of which a part is wrong."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from matplotlib.figure import Figure

from limitlab.validation.gallery.dexter2024 import mean_square_and_single_runs as figure

pytestmark = pytest.mark.slow


@cache
def data_of():
    """What the figure computes in its quick form, once."""
    return figure.compute(figure.QUICK)


def failures(data):
    return [check.name for check in figure.checks(data) if not check.passed]


def test_every_number_is_hit():
    failed = [check for check in figure.checks(data_of()) if not check.passed]
    assert not failed, "\n".join(map(str, failed))


@pytest.mark.parametrize("width", ["neurips", "icml"])
def test_it_is_drawn(width):
    drawn = figure.draw(data_of(), width)
    assert isinstance(drawn, Figure)
    drawn.draw_without_rendering()


def test_a_bound_below_the_edge_is_seen():
    data = data_of()
    low = {group: edges * (1.0, 0.5, 1.0) for group, edges in data.edges.items()}
    assert sum("sufficient" in name for name in failures(replace(data, edges=low))) == 2


def test_runs_that_follow_the_mean_square_are_seen():
    data = data_of()
    group = data.parameters.groups[0]
    rates = data.parameters.rates
    grown = (rates > data.edges[group][:, :1]).astype(float)
    wrong = replace(data, growing=data.growing | {group: grown})
    missed = [name for name in failures(wrong) if "one group" in name]
    assert any("against" in name for name in missed)
    assert any("although" in name for name in missed)
    slower = replace(data, growth=data.growth + [[[0.05]], [[0.0]]])
    assert any("exponent" in name for name in failures(slower))


def test_another_mean_square_is_seen():
    data = data_of()
    theory, runs = data.mean
    other = replace(theory, values={**theory.values, "mean_square": 1.1 * theory.mean_square})
    assert any("|z|" in name for name in failures(replace(data, mean=(other, runs))))


def test_the_mean_square_is_not_its_own_runs():
    """Theory in the place of the runs has no error at all, which no ensemble has."""
    theory, runs = data_of().mean
    same = replace(runs, values={**runs.values, "mean_square": theory.mean_square})
    assert any("|z|" in name for name in failures(replace(data_of(), mean=(theory, same))))


def test_a_plane_that_follows_the_mean_square_is_seen():
    data = data_of()
    grown = (data.plane_edges[..., 0] < data.parameters.plane_rate).astype(float)
    assert any("plane" in name for name in failures(replace(data, plane=grown)))
    turned = replace(data, plane=data.plane[:, ::-1])
    assert any("against" in name for name in failures(turned))


def test_edges_of_single_runs_at_the_mean_square_are_seen():
    data = data_of()
    equal = {g: np.column_stack([e[:, 0]] * 3) for g, e in data.edges.items()}
    missed = failures(replace(data, edges=equal))
    assert sum("over the edge" in name for name in missed) >= 4
