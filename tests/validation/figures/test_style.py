"""Figures of the house look the same whatever the user has set."""

from __future__ import annotations

import io
import pickle

import matplotlib as mpl
import numpy as np
import pytest

from limitlab.solvers.core.curve import Curve
from limitlab.theory.core.errors import InvalidInput
from limitlab.validation.figures.overlay import overlay
from limitlab.validation.figures.style import inches

TIME = np.linspace(0.1, 1, 9)
CURVES = (
    Curve(TIME, {"risk": np.exp(-TIME)}, label="SGD, limit"),
    Curve.from_runs(TIME, np.exp(-TIME) * (1 + 0.01 * np.arange(5)[:, None]), label="SGD, runs"),
)
FOREIGN = {
    "text.usetex": True,
    "savefig.bbox": "tight",
    "savefig.transparent": True,
    "figure.dpi": 300,
    "axes.grid": True,
    "axes.facecolor": "black",
    "lines.marker": "x",
    "axes.formatter.limits": (0, 0),
    "figure.subplot.left": 0.4,
    "pdf.fonttype": 3,
}


def saved(figure, way):
    buffer = io.BytesIO()
    if way == "savefig":
        figure.savefig(buffer, format="png", metadata={"Software": None})
    else:  # as notebooks do, past savefig
        figure.canvas.print_figure(buffer, format="png", metadata={"Software": None}, dpi=120)
    return buffer.getvalue()


@pytest.mark.parametrize("way", ["savefig", "notebook"])
@pytest.mark.parametrize("pickled", [False, True])
def test_settings_of_the_user_do_not_leak_in(way, pickled):
    plain = saved(overlay(*CURVES, width="icml"), way)
    with mpl.rc_context(FOREIGN):
        figure = overlay(*CURVES, width="icml")
        if pickled:
            figure = pickle.loads(pickle.dumps(figure))
        assert saved(figure, way) == plain
        assert mpl.rcParams["figure.dpi"] == 300
    width = int.from_bytes(plain[16:20], "big")
    assert width == round(3.25 * (300 if way == "savefig" else 120))


@pytest.mark.parametrize("key", ["axes.facecolor", "axes.grid", "savefig.bbox"])
def test_each_of_these_settings_would_show(key):
    """The control: on a plain figure of matplotlib the same settings change the picture."""

    def drawn():
        figure = mpl.figure.Figure(figsize=(3.25, 2))
        figure.add_subplot().plot(TIME)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
        return buffer.getvalue()

    plain = drawn()
    with mpl.rc_context({key: FOREIGN[key]}):
        assert drawn() != plain


@pytest.mark.parametrize(("given", "width"), [("neurips", 5.5), ("4.2", 4.2), (4, 4.0)])
def test_widths_are_names_or_inches(given, width):
    assert inches(given) == width


@pytest.mark.parametrize("given", ["wide", "0.2", 100, True, None, [1], float("nan"), "nan"])
def test_other_widths_are_refused(given):
    with pytest.raises(InvalidInput, match="^width = "):
        inches(given)


def test_fonts_of_the_user_reach_an_overlay():
    with mpl.rc_context({"font.size": 16, "font.family": ["DejaVu Sans"], "ytick.labelsize": 5}):
        figure = overlay(*CURVES)
    upper = figure.axes[0]
    assert upper.yaxis.label.get_size() == 16 and upper.yaxis.label.get_family() == ["DejaVu Sans"]
    assert figure.legends[0].get_texts()[0].get_size() == 14  # 7/8 of it, as in the house
    assert upper.yaxis.get_ticklabels()[0].get_size() == 5
    assert overlay(*CURVES).axes[0].yaxis.label.get_size() == 8


def test_the_size_of_the_user_is_the_default():
    with mpl.rc_context({"figure.figsize": (4.2, 3.1)}):
        assert tuple(overlay(*CURVES).get_size_inches()) == (4.2, 3.1)
        assert overlay(*CURVES, width="icml").get_size_inches()[0] == 3.25
    assert overlay(*CURVES).get_size_inches()[0] == 5.5


@pytest.mark.parametrize("ending", ["pdf", "svg", "png"])
def test_files_are_the_same_each_time(ending, tmp_path):
    """No dates, no random marks; a title is kept."""
    contents = []
    for name in ("a", "b"):
        file = tmp_path / f"{name}.{ending}"
        overlay(*CURVES, width="icml").savefig(file, metadata={"Title": "kept"})
        contents.append(file.read_bytes())
    assert contents[0] == contents[1]
    assert b"kept" in contents[0] or ending == "pdf"
    assert not any(word in contents[0] for word in (b"CreationDate", b"<dc:date>"))
