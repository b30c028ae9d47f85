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
from limitlab.validation.figures.registry import METHODS, colours, ordered, shade

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
    assert {line.get_color() for line in again.lines} <= {METHODS["SGD"], shade(METHODS["SGD"], 1)}


def test_methods_with_one_name_are_told_apart():
    figure = overlay(*pair("SGD", 0.6), *pair("SGD", 0.9))
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "SGD(rate=0.6)" in names and "SGD(rate=0.9)" in names


def test_axes_are_named_with_units():
    upper, lower = overlay(*THREE).axes
    assert upper.get_ylabel() == "excess risk $R$" and upper.get_yscale() == "log"
    assert lower.get_xlabel() == "time $t$ = steps$/d$" and lower.get_ylabel() == "residual (%)"
    names = [text.get_text() for text in upper.figure.legends[0].get_texts()]
    assert "simulation, mean of 50 runs ± 2 s.e." in names
    assert "band of one run, 5–95 %" in names
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
    assert {line.get_color() for line in figure.axes[0].lines} == {METHODS["SGD"]}


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


# ---- one look: colours, coincidence, axes of a user ----


def test_a_method_has_one_colour_wherever_it_is_drawn():
    alone = theory_lines(overlay(*THREE[2:4]).axes[0])[0].get_color()
    beside = [line.get_color() for line in theory_lines(overlay(*THREE).axes[0])]
    assert beside == [METHODS[name] for name in ("SGD", "signSGD", "clipped SGD")]
    assert alone == METHODS["signSGD"]


@pytest.mark.parametrize("other", ["SGD", "mine", "CDAT 1.9"])
def test_a_method_of_ones_own_keeps_its_colour(other):
    first = colours(["soft sign"])["soft sign"]
    assert colours([other, "soft sign"])["soft sign"] == first
    assert first not in METHODS.values()


def test_no_two_names_share_a_colour():
    names = [f"method {k}" for k in range(30)] + [
        "CDAT 1",
        "CDAT 1.9",
        "CDAT 2",
        "SGD",
        "SGD(rate=2)",
    ]
    found = colours(names)
    assert len(set(found.values())) == len(names)
    assert found["SGD"] == METHODS["SGD"]


@pytest.mark.parametrize("name", [*METHODS, "SAM, ρ = 5", "clipped SGD, limit", "0.9 of the edge"])
def test_labels_are_found_in_the_register(name):
    assert colours([name])[name] in METHODS.values()


def test_ordered_parameters_go_from_dark_to_light():
    shades = [mpl.colors.to_rgb(c) for c in ordered((1, 3, 9, 27)).values()]
    lightness = np.array(shades) @ (0.2126, 0.7152, 0.0722)
    assert np.all(np.diff(lightness) > 0)


def test_lines_that_coincide_are_all_seen():
    """Four methods with one risk are drawn in turns; curves apart are solid."""
    same = [pair(name, 0.6)[0] for name in ("SGD", "signSGD", "Huber", "Adam")]
    dashes = [line.get_linestyle() for line in theory_lines(overlay(*same).axes[0])]
    assert dashes[0] == "-" and all(dash == "--" for dash in dashes[1:])
    patterns = {str(line._dash_pattern) for line in theory_lines(overlay(*same).axes[0])}
    assert len(patterns) == 4
    assert {line.get_linestyle() for line in theory_lines(overlay(*THREE).axes[0])} == {"-"}


def test_it_draws_on_axes_of_a_user():
    figure = mpl.figure.Figure()
    axes = figure.subplots(2, 2)
    with mpl.rc_context({"font.size": 9}):
        assert overlay(*THREE, ax=axes[0, 0]) is figure
        assert overlay(*THREE, ax=axes[:, 1], colors={"SGD": "red"}) is figure
    assert len(axes[0, 0].lines) and not axes[1, 0].lines and axes[1, 1].lines
    assert theory_lines(axes[0, 1])[0].get_color() == "red"
    figure.draw_without_rendering()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"colors": ["red", "nocolour", "blue"]}, "colors"),
        ({"colors": {"SGD": 3}}, "colors"),
        ({"colors": "red"}, "colors"),
        ({"linestyles": {"SGD": "wavy"}}, "linestyles"),
        ({"linestyles": {"SGD": (0, (1,))}}, "linestyles"),
        ({"labels": "abcdef"}, "labels"),
        ({"labels": [1, 2, 3, 1, 2, 3]}, "labels"),
        ({"labels": [None] * 6}, "labels"),
        ({"scale": ["loglog"]}, "scale"),
        ({"scale": "log"}, "scale"),
        ({"x": "epochs"}, "x"),
        ({"band": "wide"}, "band"),
        ({"height": -1}, "height"),
        ({"height": float("nan")}, "height"),
        ({"height": "tall"}, "height"),
        ({"ax": 3}, "ax"),
        ({"ax": []}, "ax"),
    ],
)
def test_what_cannot_be_drawn_is_named(given, field):
    with pytest.raises(InvalidInput, match=f"^{field} = "):
        overlay(*THREE, **given)


def test_axes_of_a_user_belong_together_and_are_flat():
    first, second = (mpl.figure.Figure().add_subplot() for _ in range(2))
    solid = mpl.figure.Figure().add_subplot(projection="3d")
    for axes in ([first, second], [first, first], solid):
        with pytest.raises(InvalidInput, match=r"^ax = "):
            overlay(*THREE, ax=axes)
    assert not first.lines and not second.lines


def test_none_keeps_the_colour_of_the_house_and_arrays_are_colours():
    figure = overlay(*THREE, colors=[None, "r", np.array([0.0, 0, 1])])
    lines = theory_lines(figure.axes[0])
    assert lines[0].get_color() == METHODS["SGD"] and lines[1].get_color() == "r"
    assert tuple(lines[2].get_color()) == (0.0, 0.0, 1.0)


def test_colours_and_line_styles_are_taken():
    figure = overlay(*THREE, colors=["k", "r", "g"], linestyles={"signSGD": ":"})
    lines = theory_lines(figure.axes[0])
    assert [line.get_color() for line in lines] == ["k", "r", "g"]
    assert [line.get_linestyle() for line in lines] == ["-", ":", "-"]


def steps_of(curve, each=1000, **provenance):
    steps = np.round(curve.time * each).astype(int)
    return replace(curve, steps=steps, provenance=curve.provenance | provenance)


def test_the_axis_counts_time_steps_or_samples():
    theory, runs = (steps_of(curve, samples_per_step=4) for curve in pair("SGD", 0.6))
    for x, last, name in (
        ("time", 4, "time $t$ = steps$/d$"),
        ("steps", 4000, "step"),
        ("samples", 16000, "samples"),
    ):
        upper, lower = overlay(theory, runs, x=x).axes
        assert theory_lines(upper)[0].get_xdata()[-1] == last
        assert lower.get_xlabel() == name
    by_method = replace(theory, provenance={"method": "SGD(rate=0.5, batch=8)"})
    assert theory_lines(overlay(by_method, x="samples").axes[0])[0].get_xdata()[-1] == 32000


@pytest.mark.parametrize("scale", ["linear", "semilogx", "semilogy", "loglog"])
def test_scales_and_markers_spaced_for_them(scale):
    upper, lower = overlay(*THREE, scale=scale).axes
    log_x, log_y = scale in ("semilogx", "loglog"), scale in ("semilogy", "loglog")
    assert (upper.get_xscale() == "log", upper.get_yscale() == "log") == (log_x, log_y)
    assert (lower.get_xscale() == "log") == log_x
    x = upper.containers[0].lines[0].get_xdata()
    gaps = np.diff(np.log(x[x > 0]) if log_x else x)
    assert gaps.max() < 3.5 * np.median(gaps)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"x": "epochs"}, InvalidInput),
        ({"x": "steps"}, InvalidInput),
        ({"scale": "log"}, InvalidInput),
        ({"scale": "loglog", "log": True}, InvalidInput),
        ({"colors": {"Sgd": "red"}}, InvalidInput),
        ({"colors": ["red"]}, InvalidInput),
        ({"colors": "red"}, InvalidType),
        ({"linestyles": {"no": ":"}}, InvalidInput),
        ({"ax": 3}, InvalidType),
    ],
)
def test_bad_choices_are_refused(options, error):
    with pytest.raises(error):
        overlay(*THREE, **options)


def test_plain_numbers_on_logarithmic_axes():
    axes = overlay(*THREE[:2]).axes[0]
    axes.figure.draw_without_rendering()
    texts = [tick.get_text() for tick in axes.get_yticklabels() if tick.get_text()]
    assert texts and not any("^" in text for text in texts)
