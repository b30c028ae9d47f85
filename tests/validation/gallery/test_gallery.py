"""The gallery as a whole: every figure has its parts, and files carry what they show."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from limitlab import cli
from limitlab.solvers.core.curve import Curve
from limitlab.theory.core.errors import InvalidInput
from limitlab.validation import gallery
from limitlab.validation.agreement.compare import compare
from limitlab.validation.figures.style import HouseFigure
from limitlab.validation.gallery import page
from limitlab.validation.gallery.check import Check, agreement, near
from limitlab.validation.gallery.make import FOLDERS, Made, figures, make, module_of, write
from limitlab.validation.gallery.parameters import with_values
from limitlab.validation.gallery.sheet import sheet

NAMES = list(figures())


def test_no_two_figures_share_a_name():
    root = Path(gallery.__file__).parent
    files = [file for folder in FOLDERS for file in (root / folder).glob("[!_]*.py")]
    assert len(files) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_has_its_parts(name):
    module = module_of(name)
    assert module.TITLE and "\n" not in module.TITLE
    caption = module.CAPTION.format(**dataclasses.asdict(module.QUICK))
    assert "Take-away: " in caption and len(caption) < 700
    for form in (module.QUICK, module.FULL):
        assert dataclasses.is_dataclass(form) and form.__dataclass_params__.frozen
    for part in (module.compute, module.draw, module.checks):
        assert callable(part)


def test_an_unknown_figure_is_refused_with_the_nearest():
    with pytest.raises(InvalidInput, match="did you mean 'noise_functions'"):
        module_of("noise_function")


@pytest.fixture
def made():
    figure = HouseFigure(figsize=(2, 1))
    figure.provenance = {"figure": "empty", "parameters": {"seed": 17}}
    return Made("empty", figure, (Check("one", 1.0, 0.0, 2.0, "formula"),), "report\n", 0.0)


@pytest.mark.slow
def test_a_figure_takes_inches_values_and_shows_its_numbers(tmp_path, capsys):
    command = ["figure", "noise_functions", "--out", str(tmp_path), "--format", "png"]
    values = ["--width", "4.2", "--set", "points=11", "highest=20", "--data"]
    assert cli.main([*command, *values]) in (0, 1)
    assert "points = 11" in capsys.readouterr().out
    png = (tmp_path / "noise_functions.png").read_bytes()
    assert int.from_bytes(png[16:20], "big") == round(4.2 * 300)
    rows = list(csv.DictReader((tmp_path / "noise_functions.csv").open(encoding="utf-8")))
    cauchy = [row for row in rows if row["label"] == "Cauchy" and row["panel"] == "1"]
    assert len(cauchy) == 11 and float(cauchy[-1]["x"]) == pytest.approx(20)


@pytest.mark.parametrize(
    "words",
    [
        ["--width", "wide"],
        ["--set", "pionts=3"],
        ["--set", "points=many"],
        ["--set", "points=1.5"],
        ["--set", "points"],
        ["--set", "scale=nan"],
        ["--set", "points=-1"],
        ["--format", "gif"],
    ],
)
def test_bad_arguments_of_a_figure_end_in_a_line(words, tmp_path, capsys):
    assert cli.main(["figure", "noise_functions", "--out", str(tmp_path / "x"), *words]) == 2
    assert capsys.readouterr().err.startswith("limitlab: error: ")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", NAMES)
def test_every_stated_number_can_be_set(name):
    form = module_of(name).QUICK
    for field, value in dataclasses.asdict(form).items():
        several = value if isinstance(value, tuple | list) else (value,)
        if all(isinstance(one, int | float | str) and not isinstance(one, bool) for one in several):
            text = ",".join(map(str, several))
            assert getattr(with_values(form, {field: text}), field) == (
                tuple(value) if isinstance(value, list) else value
            )


def test_files_carry_their_provenance(made, tmp_path):
    files = write(made, tmp_path, ("pdf", "svg", "png"))
    assert [file.suffix for file in files] == [".pdf", ".svg", ".png", ".txt"]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    for file in files[:3]:
        text = re.sub(r"&quot;|\\", "", file.read_bytes().decode("latin-1"))
        assert json.dumps(17) in text and "parameters" in text


def test_an_unknown_format_or_a_bad_folder_is_refused(made, tmp_path):
    with pytest.raises(InvalidInput, match="format"):
        write(made, tmp_path / "out", ("bmp",))
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="out"):
        write(made, tmp_path / "file" / "deeper", ("pdf",))


def test_a_number_outside_its_bounds_fails_the_figure(made):
    assert made.passed
    assert not near("slope", -0.4, -0.5, 0.05, "three standard errors").passed
    failed = dataclasses.replace(made, checks=(Check("one", 3.0, 0.0, 2.0, "formula"),))
    assert not failed.passed and str(failed.checks[0]).startswith("FAIL")


def test_not_a_number_passes_no_check():
    assert not Check("lost", float("nan"), 0.0, 1.0, "formula").passed


@pytest.mark.slow
def test_the_caption_says_the_regime_and_what_holds(tmp_path):
    made = make("noise_functions", values={"points": 7})
    assert "Take-away: " in made.caption and "points 7" in made.caption
    assert f"Of {len(made.checks)} checked numbers" in made.caption
    write(made, tmp_path, ("svg",))
    assert (tmp_path / "noise_functions.caption.txt").read_text() == made.caption + "\n"
    results = made.figure.provenance["checks"]
    assert [one["name"] for one in results] == [check.name for check in made.checks]
    assert all(one["passed"] in (True, False) for one in results)


@pytest.mark.slow
def test_panels_have_letters_and_logarithms_plain_ticks():
    figure = make("noise_functions", width="two-column").figure
    assert figure.get_size_inches()[0] == 6.75
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["a", "b", "c"]
    figure.draw_without_rendering()
    texts = [tick.get_text() for tick in figure.axes[1].get_yticklabels()]
    assert "0.01" in texts and "10" in texts


@pytest.mark.slow
@pytest.mark.parametrize(("width", "columns"), [(3.25, 2), (6.75, 2)])
def test_panels_are_alike_with_strips_and_without(width, columns):
    def panels(axes):
        for k, axis in enumerate(axes):
            axis.set(xlabel="x", ylabel="y" if k else "a label of\nanother width")

    figure = sheet(panels, width, rows=2, columns=columns, strips=(1, 2))
    figure.draw_without_rendering()
    main = [axis.get_position() for axis in figure.axes if axis not in figure.strips.values()]
    strips = [strip.get_position() for strip in figure.strips.values()]
    assert np.ptp([box.width for box in main + strips]) < 1e-6
    plain, *others = main
    assert np.ptp([box.height for box in others[:2] + strips]) > 0.05
    assert abs(main[1].height - main[2].height) < 1e-6
    assert plain.y0 == pytest.approx(strips[0].y0) and plain.y1 == pytest.approx(main[1].y1)


def test_ensembles_in_a_strip_do_not_hide_one_another():
    def panels(axes):
        strip = axes[0].figure.strips[axes[0]]
        for _ in range(3):
            strip.errorbar([1.0, 2.0, 3.0], [0.1, -0.4, 0.2], [0.1, 0.1, 0.1], fmt="o")

    strip = sheet(panels, 3.25, strips=(0,)).axes[1]
    x = np.array([container[0].get_xdata() for container in strip.containers])
    bars = [container[2][0].get_segments()[0][0, 0] for container in strip.containers]
    assert np.all(np.diff(x, axis=0) > 0) and np.allclose(x[:, 0], bars)
    assert strip.get_ylim()[0] == -strip.get_ylim()[1]


@pytest.mark.parametrize("limits", [(0.4, 8), (30, 600), (0.02, 0.4), (1.5, 90), (0.11, 4)])
def test_a_logarithmic_axis_has_several_labels(limits):
    def panels(axes):
        axes[0].set(xscale="log", yscale="log", xlim=limits, ylim=limits)

    figure = sheet(panels, 3.25)
    figure.draw_without_rendering()
    for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis):
        low, high = limits
        shown = [t for t in axis.get_majorticklocs() if low <= t <= high]
        assert len(shown) >= 3


@pytest.mark.parametrize(("width", "columns"), [("icml", 2), ("neurips", 3)])
def test_narrow_pages_are_composed(width, columns):
    """Two panels a row, and the last one alone takes the whole width."""
    figure = make("noise_functions", width=width).figure
    places = [axes.get_subplotspec() for axes in figure.axes]
    assert len({place.colspan.start for place in places}) == columns
    assert len(places[-1].colspan) == (2 if width == "icml" else 1)
    assert figure.get_size_inches()[1] < 4.5


def test_a_comparison_that_is_open_does_not_pass():
    open_ = Check("one", 1.0, 0.0, 2.0, "few runs", undecided=True)
    assert open_.within and not open_.passed and str(open_).startswith("OPEN")


@pytest.mark.parametrize(("runs", "passes"), [(1000, True), (30, False), (10, False)])
def test_agreement_passes_only_where_errors_would_show(runs, passes):
    time = np.linspace(0.0, 4.0, 9)
    line = np.exp(-time)
    noise = 1 + 0.2 * np.random.default_rng(1).standard_normal((runs, 1))
    theory = Curve(time, {"risk": line})
    report = compare(theory, Curve.from_runs(time, line * noise, axis=0))
    assert report.p_values.min() > report.level  # nothing is rejected in any of the cases
    assert agreement("a limit", report).passed is passes
    if runs == 30:
        weak = agreement("a limit", report, within=0.4)
        assert weak.passed and weak.name.endswith("(to 40 %)")


def test_the_page_shows_every_figure_as_it_is_drawn_now():
    """Made by `limitlab gallery`: text of the modules, and a picture of each, small and marked."""
    docs = Path(gallery.__file__).parents[2] / "docs"
    assert (docs / page.PAGE).read_text(encoding="utf-8") == page.text()
    stale = []
    for name in NAMES:
        file = docs / page.FOLDER / f"{name}.png"
        assert file.stat().st_size <= page.MOST
        if page.mark_of(name).encode() not in file.read_bytes():
            stale.append(name)
    assert not stale, f"limitlab gallery --only {' '.join(stale)}"
    assert {file.stem for file in (docs / page.FOLDER).glob("*.png")} == set(NAMES)


def test_the_page_of_times_has_a_row_a_figure():
    docs = Path(gallery.__file__).parents[2] / "docs"
    text = (docs / "figure_times.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| (\w+) \| \d+ \|", text, re.MULTILINE)) == sorted(NAMES)


def test_a_page_of_one_figure(tmp_path, capsys):
    assert cli.main(["gallery", "--out", str(tmp_path), "--only", "noise_functions"]) == 0
    picture = tmp_path / "gallery" / "noise_functions.png"
    assert picture.stat().st_size <= page.MOST and "noise_functions" in capsys.readouterr().out
    assert cli.main(["gallery", "--out", str(tmp_path), "--only", "noise_function"]) == 2


def test_the_exit_status_says_whether_the_numbers_hold(made, tmp_path, monkeypatch, capsys):
    failed = dataclasses.replace(made, checks=(Check("one", 3.0, 0.0, 2.0, "formula"),))
    open_ = Check("one", 1.0, 0.0, 2.0, "few runs", undecided=True)
    undecided = dataclasses.replace(made, checks=(open_,))
    for result, status in ((made, 0), (failed, 1), (undecided, 3)):
        monkeypatch.setattr(f"{make.__module__}.make", lambda *_, found=result, **__: found)
        assert cli.main(["figure", "noise_functions", "--out", str(tmp_path)]) == status
    assert "wrote" in capsys.readouterr().out


def test_the_list_names_every_figure(capsys):
    assert cli.main(["list", "figures"]) == 0
    listed = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == NAMES


@pytest.mark.slow
@pytest.mark.parametrize("words", [["figure", "noise_functions"], ["validity"]], ids=" ".join)
def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_computed(
    words, tmp_path, monkeypatch, capsys
):
    def computed(*_):
        raise AssertionError("computed first")

    monkeypatch.setattr("limitlab.validation.gallery.xiao2024.noise_functions.compute", computed)
    monkeypatch.setattr("limitlab.validation.validity.page.measured", computed)
    (tmp_path / "taken").write_text("a file")
    assert cli.main([*words, "--out", str(tmp_path / "taken" / "inside")]) == 2
    assert "choose another folder" in capsys.readouterr().err
    with pytest.raises(AssertionError, match="computed first"):
        cli.main([*words, "--out", str(tmp_path / "free")])
