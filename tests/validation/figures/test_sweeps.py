"""Figures of a sweep: what is drawn is what it holds, and cells without a value are marked."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.patches import Rectangle

import limitlab as ll
from limitlab.theory.core.errors import InvalidInput, InvalidType

pytestmark = pytest.mark.interpreted


@pytest.fixture
def plane():
    problem = ll.LeastSquares(ll.from_eigenvalues([0.5, 1.75], [120, 80]), noise=ll.Gaussian(0.5))
    noises = {"gauss": ll.Gaussian(0.5), "cauchy": ll.Cauchy(0.3)}
    over = {"rate": [1.0, 0.25, 2.5], "noise": noises}
    return ll.sweep(problem, ll.SGD(0.5), over, 2, points=5, progress=False)


def test_a_heat_map_shows_the_values_and_marks_the_rest(plane, tmp_path):
    figure = ll.heatmap(plane)
    axes, bar = figure.axes
    mesh = axes.collections[0].get_array()
    expected = plane.at("risk").sortby("rate").transpose("noise", "rate").values
    assert np.array_equal(np.ma.filled(mesh, np.nan), expected, equal_nan=True)
    covers = [p for p in axes.patches if isinstance(p, Rectangle)]
    assert len(covers) == 4  # one diverged, three refused
    assert sum(p.get_hatch() is not None for p in covers) == 1
    assert [t.get_text() for t in figure.legends[0].get_texts()] == [
        "lowest",
        "diverged",
        "refused",
    ]
    assert axes.get_xlabel() == "rate" and bar.get_ylabel() == "excess risk $R$"
    figure.savefig(tmp_path / "plane.png")
    assert (tmp_path / "plane.png").stat().st_size > 1000


def test_lines_along_an_axis_and_along_time(plane):
    (axes,) = ll.lines(plane, by="noise").axes
    drawn = axes.lines[0]
    rows = plane.at("risk").sel(noise="gauss").sortby("rate")
    assert np.array_equal(drawn.get_ydata(), rows.values, equal_nan=True)
    assert np.array_equal(drawn.get_xdata(), [0.25, 1.0, 2.5])
    assert any(line.get_marker() == "x" and len(line.get_xdata()) == 1 for line in axes.lines)
    assert [t.get_text() for t in axes.get_legend().get_texts()][1] == "noise = cauchy (refused)"
    (axes,) = ll.lines(plane.sel(noise="gauss"), x="time").axes
    assert np.array_equal(axes.lines[0].get_ydata(), plane.risk.sel(rate=0.25, noise="gauss"))


def test_what_cannot_be_drawn_is_refused(plane):
    with pytest.raises(InvalidType, match="what limitlab.sweep returns"):
        ll.heatmap(np.ones((2, 2)))
    with pytest.raises(InvalidInput, match="give one of rate, noise"):
        ll.heatmap(plane, x="threshold")
    with pytest.raises(InvalidInput, match="has risk"):
        ll.heatmap(plane, "sharpness")
    with pytest.raises(InvalidInput, match="sel"):
        ll.heatmap(plane.expand_dims(batch=[1, 2]))
