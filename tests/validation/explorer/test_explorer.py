"""The explorer: its tables make what the examples hold, its files re-run, its page in a browser.

The page is tried where Bokeh, Selenium, chromium and its driver are (``make test-slow`` installs
the first two; the others are packages of the system); otherwise those tests say so and are skipped.
"""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import importlib.util
import re
import shutil
import socket
import sys
import threading
import time
import urllib.request
from html import unescape

import numpy as np
import pytest

import limitlab as ll
from limitlab import cli
from limitlab.theory.core.discover import examples, families
from limitlab.validation.experiment.carry_out import _solved, conduct
from limitlab.validation.experiment.names import snake
from limitlab.validation.experiment.read import read_experiment
from limitlab.validation.explorer import crew, export, tables, work
from limitlab.validation.explorer.serve import ADDRESS, server

pytestmark = pytest.mark.filterwarnings("ignore::limitlab.ValidityWarning")

PAIRS = [(problem, method) for problem, known in tables.pairs().items() for method in known]
of_every_pair = pytest.mark.parametrize("problem, method", PAIRS)
DRIVER, BROWSER = shutil.which("chromedriver"), shutil.which("chromium")
LACKING = [name for name in ("bokeh", "selenium") if importlib.util.find_spec(name) is None]
LACKING += [name for name, path in (("chromedriver", DRIVER), ("chromium", BROWSER)) if not path]
needs_bokeh = pytest.mark.skipif("bokeh" in LACKING, reason="not installed: bokeh ([explore])")
needs_browser = pytest.mark.skipif(bool(LACKING), reason=f"not here: {', '.join(LACKING)}")


# ---- tables ----


def test_every_example_can_be_chosen():
    every = [example for family in families() for example in examples(family)]
    kinds = {(snake(type(e.problem).__name__), snake(type(e.method).__name__)) for e in every}
    assert kinds == set(PAIRS)


@of_every_pair
def test_tables_make_the_objects_of_the_example(problem, method):
    begun = tables.start(problem, method)
    made, learnt, until = work.objects(begun)
    same = [
        example
        for family in families()
        for example in examples(family)
        if type(example.problem) is type(made) and type(example.method) is type(learnt)
    ]
    example = next((each for each in same if each.method == learnt), same[0])
    assert problem == tables.STREAM or until == example.until
    for mine, theirs in ((made, example.problem), (learnt, example.method)):
        for name in (field.name for field in dataclasses.fields(mine) if field.init):
            value = getattr(theirs, name)
            held = isinstance(value, float | int | str | np.ndarray | None)
            if held and (mine is learnt or problem != tables.STREAM):
                # streams begin with a spectrum and a way to clip batches of their own
                known = getattr(mine, name)
                assert np.array_equal(known, value) or (name == "clip" and known == "mean"), name


@of_every_pair
def test_every_number_can_be_moved_between_its_ends(problem, method):
    begun = tables.start(problem, method)
    knobs = tables.knobs(begun)
    assert knobs[-1].path == ("until",)
    for knob in knobs:
        value = tables.get(begun, knob.path)
        assert knob.low <= value <= knob.high
        assert knob.value(knob.position(value)) == pytest.approx(value, rel=1e-3)
        moved = tables.changed(begun, knob.path, knob.value(knob.position(knob.high)))
        assert tables.get(moved, knob.path) == pytest.approx(knob.high, rel=1e-3)
        assert tables.get(begun, knob.path) == value, "the tables before are left alone"


def test_the_asked_for_choices_are_there():
    clipped = tables.start("least_squares", "clipped_sgd")
    names = {knob.path[-1] for knob in tables.knobs(clipped)}
    assert {"rate", "threshold", "batch", "scale", "exponent", "dimension", "until"} <= names
    assert tables.words(clipped) == {"clip": ("mean", "per-sample")}


@pytest.mark.parametrize("place, value", [("rate", "0.4/(1 +"), ("rate", -1.0), ("batch", 1.5)])
def test_bad_values_are_refused_by_their_place(place, value):
    wrong = tables.changed(tables.start(), ("method", place), value)
    with pytest.raises(ll.InvalidInput, match=place):
        work.answer(wrong)


# ---- files ----


@of_every_pair
def test_file_and_program_make_the_same_objects(problem, method, tmp_path, monkeypatch):
    begun = tables.start(problem, method)
    made, learnt, until = work.objects(begun)
    limit = next(iter(ll.limits(made, learnt)))
    shown = work.Answer(made, learnt, until, limit, 7, ll.Curve([0.0, until], {"loss": [1, 1]}))
    file = tmp_path / "explored.toml"
    file.write_text(export.toml(begun, shown))
    monkeypatch.chdir(tmp_path)
    experiment = read_experiment(file)
    assert (experiment.cases[0].problem, experiment.methods[0]) == (made, learnt)
    assert (experiment.run.until, experiment.run.points) == (until, 7)
    head = export.python(begun, shown).partition("theory =")[0]
    names: dict[str, object] = {}
    exec(head, names)
    assert (names["problem"], names["method"]) == (made, learnt)


def test_expressions_are_written_as_they_were_read():
    begun = tables.changed(tables.start(), ("method", "rate"), "0.4/(1 + t)")
    begun = tables.changed(begun, ("problem", "noise", "scale"), "1/4")
    made, learnt, until = work.objects(begun)
    shown = work.Answer(made, learnt, until, "ode", 7, ll.Curve([0.0, until], {"risk": [1, 1]}))
    names: dict[str, object] = {}
    exec(export.python(begun, shown).partition("theory =")[0], names)
    assert (names["problem"], names["method"]) == (made, learnt)


@pytest.mark.slow
def test_what_is_exported_gives_the_same_numbers(tmp_path, monkeypatch, capsys):
    begun = tables.start("least_squares", "clipped_sgd")
    begun = tables.changed(begun, ("problem", "covariance", "dimension"), 200)
    shown = work.answer(begun)
    told: list[float] = []
    *_, runs = work.rounds(shown, crew.Watched(told.append))
    assert runs.runs == work.ROUNDS[-1] and told[-1] == 1.0 and told == sorted(told)
    file = tmp_path / "explored.toml"
    file.write_text(export.toml(begun, shown))
    monkeypatch.chdir(tmp_path)
    (result,) = conduct(read_experiment(file))
    again = result.others.get(shown.limit, result.theory)
    for curve, other in ((again, shown.curve), (result.runs, runs)):
        assert np.array_equal(curve["risk"], other["risk"])
        assert np.array_equal(curve.std("risk"), other.std("risk"))
    names: dict[str, object] = {}
    exec(export.python(begun, shown), names)
    assert np.array_equal(names["theory"]["risk"], shown.curve["risk"])
    assert np.array_equal(names["runs"].sample("risk"), runs.sample("risk"))
    assert export.svg(shown, runs).lstrip().startswith(b"<?xml")


@pytest.mark.slow
def test_a_simulation_can_be_stopped():
    shown = work.answer(tables.start())
    watched = crew.Watched(lambda share: watched.stop())
    with pytest.raises(crew.Stopped):
        list(work.rounds(shown, watched))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["sgd", "clipped_sgd", "signsgd"])
def test_a_warm_update_takes_fifty_milliseconds(method):
    """Of the processor: what else runs on a machine is not the page's."""
    begun = tables.start("least_squares", method)
    work.answer(begun)
    taken = []
    for rate in np.linspace(0.2, 0.5, 15):
        moved = tables.changed(begun, ("method", "rate"), float(rate))
        before = time.thread_time()
        work.answer(moved)
        taken.append(time.thread_time() - before)
    assert np.median(taken) <= 0.05


@pytest.mark.slow
@of_every_pair
def test_every_export_re_runs_to_what_is_shown(problem, method, tmp_path):
    begun = tables.start(problem, method)
    shown = work.answer(begun)
    file = tmp_path / "explored.toml"
    file.write_text(export.toml(begun, shown))
    experiment = read_experiment(file)
    of_file = _solved(experiment, experiment.cases[0], experiment.methods[0])
    if of_file.provenance["limit"] != shown.limit:
        of_file = _solved(experiment, experiment.cases[0], experiment.methods[0], shown.limit)
    names: dict[str, object] = {}
    exec(export.python(begun, shown).partition("runs =")[0], names)
    name = export.quantity(shown.curve)
    for again in (of_file, names["theory"]):
        assert np.array_equal(again[name], shown.curve[name], equal_nan=True)
    assert next(work.rounds(shown, crew.Watched(lambda share: None))).time[-1] > 0


def test_a_run_of_more_steps_than_somebody_waits_for_is_refused():
    begun = tables.changed(tables.start(), ("problem", "covariance"), {"kind": "isotropic"})
    begun = tables.changed(begun, ("problem", "covariance", "dimension"), 10**9)
    made, learnt, until = work.objects(begun)
    curve = ll.Curve([0.0, until], {"risk": [1.0, 1.0]}, steps=[0, int(until * 1e9)])
    shown = work.Answer(made, learnt, until, "ode", 2, curve)
    with pytest.raises(ll.InvalidInput, match="export it"):
        next(work.rounds(shown, crew.Watched(lambda share: None)))


# ---- the page, without a server ----


class Loop:
    """Stands for the document of a page: what is to be called later waits for `pump`."""

    def __init__(self):
        self.waiting = []

    def add_root(self, root): ...

    def on_session_destroyed(self, call): ...

    def add_next_tick_callback(self, call):
        self.waiting.append((0.0, call))

    def add_timeout_callback(self, call, milliseconds):
        self.waiting.append((time.monotonic() + milliseconds / 1e3, call))

    def pump(self, condition, seconds=20):
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            due = [each for each in self.waiting if each[0] <= time.monotonic()]
            self.waiting = [each for each in self.waiting if each not in due]
            for _, call in due:
                call()
            time.sleep(0.005)
        assert condition()


@pytest.fixture
def page(monkeypatch):
    """A page whose curves cost nothing: ``page.asked`` are the horizons that were computed."""
    pytest.importorskip("bokeh")
    from limitlab.validation.explorer.page import Page

    asked, gate = [], threading.Event()

    def answer(tables):
        asked.append(tables["until"])
        if tables["until"] == 1e9:
            assert gate.wait(20)
        if tables["until"] == 13:
            raise IndexError("no such thing")
        until = float(tables["until"])
        curve = ll.Curve([0.0, until], {"risk": [1.0, 0.5]})
        return work.Answer(None, None, until, "ode", 2, curve)

    monkeypatch.setattr(work, "answer", answer)
    loop = Loop()
    made = Page(loop)
    made.asked, made.gate, made.loop = asked, gate, loop
    loop.pump(lambda: made.shown is not None)
    yield made
    gate.set()
    made.close()


def test_a_state_is_computed_once(page):
    begun = time.monotonic()
    page.loop.pump(lambda: time.monotonic() - begun > 0.3)
    assert page.asked == [4.0]
    page.move(("until",), 5.0)
    page.loop.pump(lambda: page.shown.until == 5.0)
    assert page.asked == [4.0, 5.0]


def test_any_error_is_told_and_the_page_goes_on(page):
    page.move(("until",), 13)
    page.loop.pump(lambda: "IndexError: no such thing" in page.panel.message.text)
    assert page.shown.until == 4.0
    page.move(("until",), 6.0)
    page.loop.pump(lambda: page.shown.until == 6.0)


def test_what_takes_long_is_not_waited_for(page, monkeypatch):
    monkeypatch.setattr("limitlab.validation.explorer.page._PATIENCE", 0.05)
    page.move(("until",), 1e9)
    page.loop.pump(lambda: page.asked[-1] == 1e9)
    page.move(("until",), 7.0)
    page.loop.pump(lambda: page.shown.until == 7.0)
    page.gate.set()
    page.loop.pump(lambda: page._alive == 0)
    assert page.shown.until == 7.0 and page.asked == [4.0, 1e9, 7.0]


def test_a_simulation_that_was_stopped_leaves_the_next_one_alone(page, monkeypatch):
    first, second = threading.Event(), threading.Event()
    turns = iter((first, second))

    def rounds(given, watched):
        yield ll.Curve.from_runs([0.0, 4.0], [[1.0, 0.5], [1.0, 0.4]], axis=0)
        assert next(turns).wait(20)
        if watched._stop.is_set():
            raise crew.Stopped

    monkeypatch.setattr(work, "rounds", rounds)
    page.simulate()
    page.loop.pump(lambda: page.runs is not None)
    page.stop()
    assert "stopped" in page.panel._progress.text and page.runs is not None
    page.simulate()
    second_crew = page._crew
    first.set()
    begun = time.monotonic()
    page.loop.pump(lambda: time.monotonic() - begun > 0.2)
    assert page._crew is second_crew and "stopped" not in page.panel._progress.text
    second.set()
    page.loop.pump(lambda: page._crew is None)


def test_a_simulation_waits_for_the_newest_curve(page, monkeypatch):
    seen = []
    monkeypatch.setattr(work, "rounds", lambda given, watched: iter(seen.append(given) or ()))
    page.move(("until",), 8.0)
    page.simulate()
    page.loop.pump(lambda: seen)
    assert seen[0].until == 8.0


# ---- server ----


def test_without_bokeh_the_remedy_is_said(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "bokeh.application", None)
    assert cli.main(["explore", "--no-browser"]) == 2
    assert "limitlab[explore]" in capsys.readouterr().err


@pytest.fixture
def running():
    """The address of a server in a thread of its own."""
    found = []

    def serve():
        asyncio.set_event_loop(asyncio.new_event_loop())
        found.append(server())
        found[0].io_loop.start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    until = time.monotonic() + 60
    while not found and time.monotonic() < until:
        time.sleep(0.05)
    yield found[0].port
    found[0].io_loop.add_callback(found[0].io_loop.stop)
    thread.join(timeout=20)


@pytest.mark.slow
@needs_bokeh
def test_it_listens_on_the_loopback_and_loads_from_itself(running):
    page = urllib.request.urlopen(f"http://{ADDRESS}:{running}/").read().decode()
    loaded = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="([^"]+)"', page)
    assert loaded and not [where for where in loaded if "//" in where]
    outward = socket.gethostbyname(socket.gethostname())
    if not outward.startswith("127."):
        with pytest.raises(OSError), socket.create_connection((outward, running), timeout=2):
            pass
    with pytest.raises(ll.InvalidInput, match="port"):
        server(running)


# ---- the page, in a browser ----


class Look:
    """A page in a browser, asked by the names of its models."""

    def __init__(self, driver, port):
        self.driver = driver
        driver.get(f"http://{ADDRESS}:{port}/")
        self.until(lambda: self.ask("return window.Bokeh && Bokeh.documents.length"))
        self.until(lambda: len(self.column("theory")) > 0)

    def ask(self, script, *args):
        return self.driver.execute_script(script, *args)

    def model(self, name, what):
        return self.ask(f"return Bokeh.documents[0].get_model_by_name('{name}').{what}")

    def put(self, name, value):
        script = f"Bokeh.documents[0].get_model_by_name('{name}').value = arguments[0]"
        self.ask(script, value)

    def column(self, source, name="value"):
        return self.ask(
            "const s = Bokeh.documents[0].get_model_by_name(arguments[0]);"
            "return s ? Array.from(s.data[arguments[1]] || []) : []",
            source,
            name,
        )

    def find(self, tag, text=""):
        """An element inside the shadows that Bokeh draws into."""
        return self.ask(
            "function walk(root) { for (const e of root.querySelectorAll('*')) {"
            "  if (e.matches(arguments_[0]) && e.textContent.includes(arguments_[1])) return e;"
            "  if (e.shadowRoot) { const f = walk(e.shadowRoot); if (f) return f; } } return null }"
            "var arguments_ = arguments; return walk(document)",
            tag,
            text,
        )

    def until(self, condition, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return
            time.sleep(0.03)
        raise AssertionError(f"not within {seconds} s; message: {self.model('message', 'text')}")


@pytest.fixture
def look(running):
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    for option in ("headless=new", "no-sandbox", "disable-gpu", "window-size=1280,1100"):
        options.add_argument(f"--{option}")
    options.binary_location = BROWSER
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.set_script_timeout(120)  # a busy machine is no fault of the page
    try:
        yield Look(driver, running)
    finally:
        driver.quit()


@pytest.mark.slow
@needs_browser
def test_dragging_a_slider_moves_the_curve(look):
    from selenium.webdriver.common.keys import Keys

    before, rate = look.column("theory"), look.model("rate_text", "value")
    handle = look.ask(
        "const view = Bokeh.index.find_one_by_id"
        " ? Bokeh.index.find_one_by_id(Bokeh.documents[0].get_model_by_name('rate').id) : null;"
        "return view && view.shadow_el.querySelector('.noUi-handle')"
    )
    assert handle is not None
    for _ in range(10):
        handle.send_keys(Keys.ARROW_LEFT)
    look.until(lambda: look.column("theory") != before)
    look.until(lambda: look.model("rate_text", "value") != rate)
    assert float(look.model("rate_text", "value")) < float(rate)
    low, high = look.column("theory", "low"), look.column("theory", "high")
    assert low[-1] < look.column("theory")[-1] < high[-1]


@pytest.mark.slow
@needs_browser
def test_bad_input_is_told_and_keeps_the_last_curve(look):
    before = look.column("theory")
    for wrong in ("0.4/(1 +", "-2", "__import__('os')", "", "nan", "inf", "abc", "9" * 400):
        look.put("rate_text", wrong)
        look.until(lambda: "The curve is that of the last values" in look.model("message", "text"))
        assert "rate" in look.model("message", "text") and look.column("theory") == before
    look.put("rate_text", "0.25")
    look.until(lambda: look.column("theory") != before)
    assert "The curve is that" not in look.model("message", "text")


@pytest.mark.slow
@needs_browser
def test_runs_fill_in_and_the_exported_file_gives_what_is_shown(look, tmp_path, monkeypatch):
    look.put("dimension_text", "150")
    look.until(lambda: look.model("dimension_text", "value") == "150")
    look.until(lambda: "ms" in look.model("message", "text"))
    time.sleep(0.5)
    look.find("button", "simulate").click()
    look.until(lambda: look.model("report", "text"), 120)
    assert re.search(r"AGREES|UNDECIDED", look.model("report", "text"))
    look.find("button", "export").click()
    look.until(lambda: "explored.svg" in look.model("files", "text"))
    text = look.model("files", "text")
    files = dict(re.findall(r'download="([\w.]+)" href="data:[\w/+]+;base64,(.*?)"', text))
    assert set(files) == {"explored.toml", "explored.py", "explored.svg"}
    (tmp_path / "explored.toml").write_bytes(base64.b64decode(files["explored.toml"]))
    monkeypatch.chdir(tmp_path)
    (result,) = conduct(read_experiment(tmp_path / "explored.toml"))
    again = result.others.get("fluctuations", result.theory)
    assert look.column("theory") == list(again["risk"])
    assert look.column("runs") == list(result.runs["risk"])
    assert b"</svg>" in base64.b64decode(files["explored.svg"])
    assert "least_squares" in unescape(look.model("files", "text"))


@pytest.mark.slow
@needs_browser
def test_the_phase_plane_belongs_to_the_two_eigenvalues(look):
    assert not look.model("phase_plane", "visible")
    look.put("problem", "two_eigenvalue_model")
    look.until(lambda: len(look.column("plane", "T")) == 201)
    assert look.model("phase_plane", "visible")
    outside = look.ask(
        "return performance.getEntriesByType('resource').map(e => e.name)"
        f".filter(name => !name.startsWith('http://{ADDRESS}') && !name.startsWith('data:'))"
    )
    assert outside == []


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize("width", [1280, 420])
def test_nothing_is_wider_than_the_window(look, width):
    look.driver.set_window_size(width, 1000)
    time.sleep(0.5)
    assert look.ask("return document.documentElement.scrollWidth - window.innerWidth") <= 0
