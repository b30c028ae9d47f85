"""The overlay figure: what is on it, in which order, and that nothing overlaps."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest

from limitlab.solvers.core.curve import Curve
from limitlab.theory.core.errors import InvalidInput, InvalidType
from limitlab.validation.figures.overlay import overlay

TIMES = np.linspace(0, 4, 41)


def pair(name, rate, floor=0.05, runs=50, seed=1):
    risk = floor + (1 - floor) * np.exp(-rate * TIMES)
    theory = Curve(
        TIMES,
        {"risk": risk},
        diagnostics={"finite_size": np.full(TIMES.size, 0.002)},
        label=f"{name}, limit",
        provenance={"method": f"{name}(rate={rate})", "limit": "ode"},
    )
    noise = 0.1 * np.random.default_rng(seed).standard_normal((runs, 1)) * np.sqrt(TIMES / 4)
    ensemble = Curve.from_runs(
        TIMES, risk * (1 + noise), label=f"{name}, d = 1000", provenance=theory.provenance
    )
    return theory, ensemble


THREE = [*pair("SGD", 0.6), *pair("signSGD", 0.9), *pair("clipped SGD", 1.3)]


def theory_lines(axes):
    return [line for line in axes.lines if line.get_zorder() == 5]


def test_theory_lies_in_front_of_everything():
    axes = overlay(*THREE).axes[0]
    fronts = theory_lines(axes)
    assert len(fronts) == 3
    others = [a.get_zorder() for a in (*axes.lines, *axes.collections) if a not in fronts]
    assert max(others) < 5


def test_one_colour_a_method():
    axes = overlay(*THREE).axes[0]
    assert len({line.get_color() for line in theory_lines(axes)}) == 3
    again = overlay(*THREE[:2], THREE[1]).axes[0]
    assert {line.get_color() for line in again.lines} == {"C0"}


def test_methods_with_one_name_are_told_apart():
    figure = overlay(*pair("SGD", 0.6), *pair("SGD", 0.9))
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "SGD(rate=0.6)" in names and "SGD(rate=0.9)" in names


def test_axes_are_named_with_units():
    upper, lower = overlay(*THREE).axes
    assert upper.get_ylabel() == "excess risk $R$" and upper.get_yscale() == "log"
    assert lower.get_xlabel() == "time $t$ = steps$/d$" and lower.get_ylabel() == "residual (%)"
    names = [text.get_text() for text in upper.figure.legends[0].get_texts()]
    assert "mean of 50 runs ± 2 s.e." in names and "5–95 % of runs" in names
    assert "theory (ODE)" in names


def test_a_corrected_curve_is_not_called_the_limit():
    theory, runs = pair("SGD", 0.6)
    corrected = replace(theory, provenance=theory.provenance | {"correction": "split"})
    names = [text.get_text() for text in overlay(theory, corrected, runs).legends[0].get_texts()]
    assert "theory (ODE)" in names and "theory (split ODE)" in names


def test_residuals_are_the_relative_difference():
    theory, runs = pair("SGD", 0.6)
    shifted = Curve.from_runs(TIMES, 1.02 * runs.sample("risk"), provenance=runs.provenance)
    lower = overlay(theory, shifted).axes[1]
    drawn = lower.containers[0].lines[0].get_ydata()
    expected = 100 * (shifted.risk / theory.risk - 1)
    assert np.all(np.isin(np.round(drawn, 8), np.round(expected, 8)))


@pytest.mark.parametrize("width", ["neurips", "icml", 4.0])
@pytest.mark.parametrize("curves", [THREE, THREE[:2], THREE[::2]])
def test_nothing_overlaps(width, curves):
    figure = overlay(*curves, width=width)
    figure.draw_without_rendering()
    renderer = figure._get_renderer()
    boxes = [axes.get_tightbbox(renderer) for axes in figure.axes]
    boxes.append(figure.legends[0].get_window_extent(renderer))
    for i, box in enumerate(boxes):
        assert box.x0 >= -1 and box.x1 <= figure.bbox.x1 + 1
        assert not any(box.padded(-1).overlaps(other.padded(-1)) for other in boxes[:i])


@pytest.mark.parametrize("width", ["neurips", "icml"])
def test_tick_labels_do_not_touch(width):
    figure = overlay(*THREE, width=width)
    figure.draw_without_rendering()
    for axes in figure.axes:
        for labels, low, high in (
            (axes.get_xticklabels(), "x0", "x1"),
            (axes.get_yticklabels(), "y0", "y1"),
        ):
            boxes = [t.get_window_extent() for t in labels if t.get_visible() and t.get_text()]
            boxes = sorted((getattr(b, low), getattr(b, high)) for b in boxes if b.width)
            gaps = [b[0] - a[1] for a, b in zip(boxes, boxes[1:], strict=False)]
            assert all(gap >= 0 for gap in gaps)


@pytest.mark.parametrize("ending", ["pdf", "svg", "png"])
def test_saves(ending, tmp_path):
    path = tmp_path / f"figure.{ending}"
    overlay(*THREE, width="icml").savefig(path)
    assert path.stat().st_size > 5000
    assert overlay(*THREE[:2], width="icml").get_size_inches()[0] == 3.25


def test_settings_of_matplotlib_are_left_alone(tmp_path):
    before = dict(mpl.rcParams)
    overlay(*THREE).savefig(tmp_path / "figure.pdf")
    assert dict(mpl.rcParams) == before


def test_pyplot_is_not_imported():
    code = """
import sys, limitlab.validation.figures.overlay
sys.exit('matplotlib.pyplot' in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_own_runs_join_the_only_method():
    theory, runs = pair("SGD", 0.6)
    mine = Curve.from_runs(TIMES, runs.sample("risk"))
    figure = overlay(theory, mine)
    assert len(figure.axes) == 2
    assert {line.get_color() for line in figure.axes[0].lines} == {"C0"}


def test_theory_alone_and_its_band():
    theory, _ = pair("SGD", 0.6)
    banded = dataclasses.replace(theory, spread={"risk": 0.1 * theory.risk})
    assert len(overlay(theory).axes) == 1
    assert len(overlay(banded).axes[0].lines) == 3


def test_band_edge_at_zero_does_not_stretch_the_axis():
    theory, runs = pair("SGD", 0.6)
    low = runs.sample("risk").copy()
    low[:5] = 1e-9
    upper = overlay(theory, Curve.from_runs(TIMES, low)).axes[0]
    assert upper.get_ylim()[0] > 1e-3


def test_linear_axis_where_values_are_not_positive():
    theory, _ = pair("SGD", 0.6)
    signed = dataclasses.replace(theory, values={"risk": theory.risk - 0.5})
    assert overlay(signed).axes[0].get_yscale() == "linear"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"width": "a4"}, "width"),
        ({"width": 0.1}, "width"),
        ({"band": 1.0}, "band"),
        ({"labels": ["one"]}, "labels"),
    ],
)
def test_bad_arguments_are_named(options, field):
    with pytest.raises(InvalidInput) as caught:
        overlay(*THREE, **options)
    assert caught.value.field == field


def test_needs_curves():
    with pytest.raises(InvalidInput):
        overlay()
    with pytest.raises(InvalidType):
        overlay(np.ones(3))
