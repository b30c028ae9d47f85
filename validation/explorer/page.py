"""The page: knobs and choices beside the curve, which follows them.

Bokeh keeps a document for every open page. What is computed runs in a thread of the page's own, and
only the newest state is computed: while a knob is dragged, states in between are left out.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from html import escape
from typing import Any

import numpy as np

from ...solvers.core.curve import Curve
from ...theory.core.errors import LimitlabError
from . import export, work
from .panel import Panel
from .picture import Picture
from .tables import Table, changed, get, start, stream

_FAILED = (LimitlabError, ArithmeticError, ValueError, TypeError, np.linalg.LinAlgError)


class Page:
    """One open page: its tables, what was computed from them last, and its widgets."""

    def __init__(self, document: Any) -> None:
        from bokeh import layouts

        self.document = document
        self.tables: Table = start()
        self.shown: work.Answer | None = None
        self.runs: Curve | None = None
        self._pool = ThreadPoolExecutor(1)
        self._asked, self._busy, self._closed = 0, False, False
        self._crew: work.Watched | None = None
        self.panel, self.picture = Panel(self), Picture()
        self.panel.build(self.tables)
        left = {"flex": "1 1 300px", "max-width": "420px"}
        right = {"flex": "3 1 340px", "min-width": "0"}
        document.add_root(
            layouts.row(
                layouts.column(*self.panel.parts, styles=left, sizing_mode="stretch_width"),
                layouts.column(
                    *self.panel.above,
                    *self.picture.parts,
                    *self.panel.below,
                    styles=right,
                    sizing_mode="stretch_width",
                ),
                sizing_mode="stretch_width",
                styles={"flex-wrap": "wrap", "gap": "1rem", "max-width": "1500px"},
            )
        )
        document.on_session_destroyed(lambda context: self.close())
        self.refresh()

    # ---- what is asked ----

    def move(self, path: tuple[str, ...], value: Any) -> None:
        """Put another value at a place of the tables."""
        if get_or_none(self.tables, path) == value:
            return
        self.tables = changed(self.tables, path, value)
        self.refresh()

    def choose(self, problem: str, method: str, covariance: str, noise: str) -> None:
        """Begin with other kinds; numbers that both have are kept."""
        old = self.tables
        new = start(problem, method)
        if "covariance" in new["problem"]:
            new["problem"] = stream(covariance, noise)
        if old["problem"]["kind"] == problem:
            new["until"] = old["until"]
            for part in ("problem", "method"):
                new[part] = _carried(old[part], new[part])
        self.tables = new
        self.panel.build(new)
        self.refresh()

    def refresh(self) -> None:
        """Compute what the tables say, unless something newer is asked meanwhile."""
        self._asked += 1
        self.stop()
        if not self._busy:
            self._begin()

    def _begin(self) -> None:
        """Compute the newest state; what takes long, such as compiling, is told."""
        if self._closed:
            return
        self._busy = True
        self._pool.submit(self._compute, self.tables, self._asked)
        self.document.add_timeout_callback(partial(self._still, self._asked), 700)

    def _still(self, number: int) -> None:
        if self._busy and number == self._asked:
            self.panel.wait("computing; a new form of equation is compiled once, in some seconds")

    def _compute(self, tables: Table, number: int) -> None:
        """In the thread of the page."""
        began = time.perf_counter()
        found: work.Answer | None = None
        message = ""
        try:
            found = work.answer(tables)
        except _FAILED as error:
            message = str(error)
        self._later(self._show, tables, number, found, message, time.perf_counter() - began)

    def _show(
        self, tables: Table, number: int, found: work.Answer | None, message: str, seconds: float
    ) -> None:
        """In the thread of the server."""
        began = time.perf_counter()
        self._busy = False
        if found is not None:
            self.shown, self.runs, self.solved = found, None, tables
            self.picture.draw(found)
            taken = seconds + time.perf_counter() - began
            note = "".join(f"<li>{escape(text)}</li>" for text in found.remarks)
            text = f'limit "{found.limit}", {1e3 * taken:.0f} ms<ul>{note}</ul>'
            self.panel.say(text, failed=False)
        else:
            text = f"{escape(message)}<br>The curve is that of the last values that have one."
            self.panel.say(text, failed=True)
        if number != self._asked:
            self._begin()

    def _later(self, call: Any, *args: Any) -> None:
        if not self._closed:
            self.document.add_next_tick_callback(partial(call, *args))

    # ---- simulation ----

    def simulate(self) -> None:
        """Run the algorithm beside the curve; what is finished is drawn."""
        if self.shown is None or self._crew is not None:
            return
        self._crew = work.Watched(lambda share: self._later(self.panel.progress, share))
        ThreadPoolExecutor(1).submit(self._simulate, self.shown, self._crew)

    def _simulate(self, given: work.Answer, crew: work.Watched) -> None:
        message = ""
        try:
            for runs in work.rounds(given, crew):
                self._later(self._fill_in, given, runs)
        except work.Stopped:
            message = "stopped"
        except _FAILED as error:
            message = str(error)
        crew.shutdown(wait=False)
        self._later(self._end, crew, message)

    def _fill_in(self, given: work.Answer, runs: Curve) -> None:
        if given is self.shown:
            self.runs = runs
            self.picture.beside(runs, export.quantity(given.curve))

    def _end(self, crew: work.Watched, message: str) -> None:
        if self._crew is crew:
            self._crew = None
        report = "" if self.runs is None else self._compared()
        self.panel.done(message, report)

    def _compared(self) -> str:
        from ..agreement.compare import compare

        assert self.shown is not None and self.runs is not None
        try:
            return str(compare(self.shown.curve, self.runs, export.quantity(self.shown.curve)))
        except _FAILED as error:
            return str(error)

    def stop(self) -> None:
        """Let the simulation end where it is."""
        if self._crew is not None:
            self._crew.stop()
            self._crew = None

    # ---- export ----

    def files(self) -> dict[str, tuple[str, bytes]]:
        """Name → kind and content of what is shown: as a file, as a program, as a figure."""
        if self.shown is None:
            return {}
        return {
            "explored.toml": ("text/plain", export.toml(self.solved, self.shown).encode()),
            "explored.py": ("text/plain", export.python(self.solved, self.shown).encode()),
            "explored.svg": ("image/svg+xml", export.svg(self.shown, self.runs)),
        }

    def close(self) -> None:
        """The page was left."""
        self._closed = True
        self.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)


def get_or_none(tables: Table, path: tuple[str, ...]) -> Any:
    """The value at a place, None where there is none."""
    try:
        return get(tables, path)
    except KeyError:
        return None


def _carried(old: Table, new: Table) -> Table:
    """A new table with the numbers of the old one, also inside its tables."""
    kept = dict(new)
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            kept[key] = _carried(before, value)
        elif isinstance(value, int | float) and isinstance(before, int | float | str):
            kept[key] = before
    return kept
