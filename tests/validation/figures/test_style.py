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
    "font.size": 20,
    "axes.grid": True,
    "axes.facecolor": "black",
    "lines.marker": "x",
    "xtick.labelsize": 20,
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
        assert mpl.rcParams["font.size"] == 20
    width = int.from_bytes(plain[16:20], "big")
    assert width == round(3.25 * (300 if way == "savefig" else 120))


@pytest.mark.parametrize("key", ["font.size", "axes.grid", "savefig.bbox"])
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
