"""Choices, knobs and buttons: each tells the page what was asked, and holds no state beside."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

from ...theory.covariance import COVARIANCES
from ..experiment.names import NOISE_NAMES
from .tables import Knob, Table, get, knobs, pairs, words

#: covariances that are numbers, and not lists of them
_SPECTRA = [name for name in COVARIANCES if name not in ("from_eigenvalues", "from_matrix")]
_LAWS = [name for name in NOISE_NAMES if name not in ("empirical", "gaussian_mixture")]
_MESSAGE = "min-height:3.2em;overflow-wrap:anywhere;"


class Panel:
    """The widgets of a page."""

    def __init__(self, page: Any) -> None:
        from bokeh.models import Button, Column, Div, Select

        self._page, self._quiet = page, False
        kinds = list(pairs())
        self._choices = {
            name: Select(title=name, name=name, options=options, sizing_mode="stretch_width")
            for name, options in (
                ("problem", kinds),
                ("method", []),
                ("covariance", _SPECTRA),
                ("noise", _LAWS),
            )
        }
        for select in self._choices.values():
            select.on_change("value", self._choose)
        self._knobs = Column(sizing_mode="stretch_width")
        self.message = Div(name="message", sizing_mode="stretch_width")
        self._progress = Div(name="progress", sizing_mode="stretch_width")
        self._files = Div(name="files", sizing_mode="stretch_width")
        self._report = Div(name="report", sizing_mode="stretch_width")
        buttons = [
            self._button(Button, "simulate", "primary", page.simulate),
            self._button(Button, "stop", "default", page.stop),
            self._button(Button, "export", "default", self._export),
        ]
        self.parts = [*self._choices.values(), self._knobs]
        self.above = [self._row(buttons), self.message, self._progress]
        self.below = [self._report, self._files]

    @staticmethod
    def _button(kind: Any, name: str, colour: str, call: Callable[[], None]) -> Any:
        button = kind(label=name, name=name, button_type=colour, width=96)
        button.on_click(lambda event: call())
        return button

    @staticmethod
    def _row(parts: list[Any]) -> Any:
        from bokeh.models import Row

        return Row(children=parts, styles={"flex-wrap": "wrap"})

    # ---- choices and knobs ----

    def build(self, tables: Table) -> None:
        """Make the widgets of other tables."""
        problem = tables["problem"]
        self._quiet = True
        for name, value in (("problem", problem["kind"]), ("method", tables["method"]["kind"])):
            self._choices[name].value = value
        self._choices["method"].options = list(pairs()[problem["kind"]])
        for name in ("covariance", "noise"):
            self._choices[name].visible = name in problem
            if name in problem:
                self._choices[name].value = problem[name]["kind"]
        rows = [self._knob(knob, get(tables, knob.path)) for knob in knobs(tables)]
        self._knobs.children = [*rows, *self._words(tables)]
        self._quiet = False

    def _choose(self, attribute: str, old: Any, new: Any) -> None:
        if self._quiet:
            return
        value = {name: select.value for name, select in self._choices.items()}
        self._page.choose(
            value["problem"],
            value["method"],
            value["covariance"] or "power_law",
            value["noise"] or "gaussian",
        )

    def _knob(self, knob: Knob, value: Any) -> Any:
        """A slider, and a text that takes what a file takes: a number, or an expression in t."""
        from bokeh.models import Slider, TextInput

        name = knob.path[-1]
        text = TextInput(title=name, name=f"{name}_text", value=str(value), width=110)
        low, high = knob.position(knob.low), knob.position(knob.high)
        slider = Slider(
            name=name,
            start=low,
            end=high,
            step=1 if knob.whole and not knob.logarithmic else (high - low) / 200,
            value=knob.position(value) if isinstance(value, int | float) else low,
            show_value=False,
            sizing_mode="stretch_width",
            margin=(26, 12, 0, 6),
        )
        slider.on_change("value", partial(self._slid, knob, text))
        text.on_change("value", partial(self._typed, knob, slider))
        row = self._row([text, slider])
        row.sizing_mode, row.styles = "stretch_width", {}
        return row

    def _slid(self, knob: Knob, text: Any, attribute: str, old: Any, new: float) -> None:
        if self._quiet:
            return
        value = knob.value(new)
        self._quiet, text.value, self._quiet = True, str(value), False
        self._page.move(knob.path, value)

    def _typed(self, knob: Knob, slider: Any, attribute: str, old: Any, new: str) -> None:
        if self._quiet:
            return
        value = _read(new)
        if isinstance(value, int | float) and value == value:
            self._quiet, slider.value, self._quiet = True, knob.position(value), False
        self._page.move(knob.path, value)

    def _words(self, tables: Table) -> list[Any]:
        from bokeh.models import Select

        found = []
        for name, options in words(tables).items():
            chosen = tables["method"].get(name, "")
            select = Select(title=name, name=name, value=chosen, options=["", *options])
            select.on_change("value", partial(self._said, name))
            found.append(select)
        return found

    def _said(self, name: str, attribute: str, old: Any, new: str) -> None:
        self._page.move(("method", name), new or None)

    # ---- what is told ----

    def say(self, text: str, failed: bool) -> None:
        """Show a message below the figure."""
        colour = "color:#a40000;font-weight:600;" if failed else "color:#444;"
        self.message.text = f'<div style="{_MESSAGE}{colour}" role="status">{text}</div>'
        if not failed:
            self._report.text = self._files.text = self._progress.text = ""

    def wait(self, text: str) -> None:
        """Say that an answer takes a while."""
        self.message.text = f'<div style="{_MESSAGE}color:#444;" role="status">{text} …</div>'

    def progress(self, share: float) -> None:
        """How much of the simulation is done."""
        self._progress.text = f'<progress value="{share:.3f}" max="1"></progress>'

    def done(self, message: str, report: str) -> None:
        """The simulation has ended."""
        self._progress.text = escape(message)
        style = "white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px"
        self._report.text = f'<pre style="{style}">{escape(report)}</pre>' if report else ""

    def _export(self) -> None:
        links, texts = [], []
        if self._page.shown is None:
            self._files.text = "<p>nothing is shown yet</p>"
            return
        for name, (kind, content) in self._page.files().items():
            address = f"data:{kind};base64,{base64.b64encode(content).decode()}"
            links.append(f'<a download="{name}" href="{address}">{name}</a>')
            if kind == "text/plain":
                body = escape(content.decode())
                style = "overflow:auto;max-width:90vw;font-size:12px"
                texts.append(
                    f"<details><summary>{name}</summary><pre style='{style}'>{body}</pre></details>"
                )
        self._files.text = f"<p>save: {' · '.join(links)}</p>{''.join(texts)}"


def _read(text: str) -> Any:
    """A whole number, a number, or what a file takes as text."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
