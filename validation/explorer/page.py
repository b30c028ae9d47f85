"""The page: knobs and choices beside the curve, which follows them.

Bokeh keeps a document for every open page. What is computed runs in a thread of its own, and only
the newest state is computed: while a knob is dragged, states in between are left out. A state that
takes long, such as a horizon of a billion steps, is not waited for once another one is asked.
"""

from __future__ import annotations

import time
from functools import partial
from html import escape
from typing import Any

from ...solvers.core.curve import Curve
from ...theory.core.errors import LimitlabError
from . import export, work
from .crew import Stopped, Watched, begin
from .panel import Panel
from .picture import Picture
from .tables import Table, changed, get, start, stream

#: seconds after which a newer state is computed beside the one that is still computed, and how many
#: may be computed at once
_PATIENCE, _MOST = 2.0, 3


class Page:
    """One open page: its tables, what was computed from them last, and its widgets."""

    def __init__(self, document: Any) -> None:
        from bokeh import layouts

        self.document = document
        self.tables: Table = start()
        self.shown: work.Answer | None = None
        self.runs: Curve | None = None
        #: numbers of the newest state, of the one that is waited for and of the last that was told
        self._asked, self._awaited, self._told = 0, 0, 0
        self._alive = 0  # how many are computed
        self._since, self._closed = 0.0, False
        self._crew: Watched | None = None
        self._wished = False  # a simulation, as soon as the newest state is there
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
        self._wished = False
        self.stop()
        self._overtake(self._asked)

    @property
    def _busy(self) -> bool:
        return self._awaited > 0

    def _overtake(self, number: int) -> None:
        """Compute a state that is still the newest one: now, or when nobody waits for another."""
        if self._closed or number != self._asked or number in (self._awaited, self._told):
            return
        left = _PATIENCE - (time.monotonic() - self._since) if self._busy else 0.0
        if left > 0:
            self.document.add_timeout_callback(partial(self._overtake, number), 1e3 * left + 1)
        elif self._alive < _MOST:
            self._begin()

    def _begin(self) -> None:
        """Compute the newest state; what takes long, such as compiling, is told."""
        self._awaited, self._since = self._asked, time.monotonic()
        self._alive += 1
        begin(self._compute, self.tables, self._asked)
        self.document.add_timeout_callback(partial(self._still, self._asked), 700)

    def _still(self, number: int) -> None:
        if number == self._awaited == self._asked:
            self.panel.wait("computing; a new form of equation is compiled once, in some seconds")

    def _compute(self, tables: Table, number: int) -> None:
        """In a thread of its own."""
        began = time.perf_counter()
        found: work.Answer | None = None
        message = ""
        try:
            found = work.answer(tables)
        except Exception as error:  # whatever it is, the page goes on
            message = _told(error)
        self._later(self._show, tables, number, found, message, time.perf_counter() - began)

    def _show(
        self, tables: Table, number: int, found: work.Answer | None, message: str, seconds: float
    ) -> None:
        """In the thread of the server."""
        self._alive -= 1
        if number != self._awaited:  # it was not waited for
            self._overtake(self._asked)
            return
        began = time.perf_counter()
        self._awaited, self._told = 0, number
        if found is not None:
            self.stop()  # a simulation of what is no longer shown
            self.shown, self.runs, self.solved = found, None, tables
            self.picture.draw(found)
            taken = seconds + time.perf_counter() - began
            note = "".join(f"<li>{escape(text)}</li>" for text in found.remarks)
            text = f'limit "{found.limit}", {1e3 * taken:.0f} ms<ul>{note}</ul>'
            self.panel.say(text, failed=False)
            if self._wished:
                self.simulate()
        else:
            text = f"{escape(message)}<br>The curve is that of the last values that have one."
            self.panel.say(text, failed=True)
        self._overtake(self._asked)

    def _later(self, call: Any, *args: Any) -> None:
        if not self._closed:
            self.document.add_next_tick_callback(partial(call, *args))

    # ---- simulation ----

    def simulate(self) -> None:
        """Run the algorithm beside the curve; what is finished is drawn."""
        self._wished = self._busy
        if self._wished or self.shown is None or self._crew is not None:
            return
        self._crew = crew = Watched(lambda share: self._later(self._progress, crew, share))
        self.panel.progress(0.0)
        begin(self._simulate, self.shown, crew)

    def _simulate(self, given: work.Answer, crew: Watched) -> None:
        """In a thread of its own."""
        message = ""
        try:
            for runs in work.rounds(given, crew):
                self._later(self._fill_in, given, crew, runs)
        except Stopped:
            message = "stopped"
        except Exception as error:  # whatever it is, the page goes on
            message = _told(error)
        crew.shutdown(wait=False)
        self._later(self._end, crew, message)

    def _progress(self, crew: Watched, share: float) -> None:
        if self._crew is crew:
            self.panel.progress(share)

    def _fill_in(self, given: work.Answer, crew: Watched, runs: Curve) -> None:
        if self._crew is crew and given is self.shown:
            self.runs = runs
            self.picture.beside(runs, export.quantity(given.curve))

    def _end(self, crew: Watched, message: str) -> None:
        if self._crew is crew:
            self._crew = None
            self.panel.done(message, "" if self.runs is None else self._compared())

    def _compared(self) -> str:
        from ..agreement.compare import compare

        assert self.shown is not None and self.runs is not None
        try:
            return str(compare(self.shown.curve, self.runs, export.quantity(self.shown.curve)))
        except LimitlabError as error:
            return str(error)

    def stop(self) -> None:
        """Let the simulation end where it is; what has come by then stays."""
        if self._crew is not None:
            self._crew.stop()
            self._crew = None
            self.panel.done("stopped", "" if self.runs is None else self._compared())

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
        if self._crew is not None:
            self._crew.stop()


def _told(error: Exception) -> str:
    """The words of an error of ours; of another one its kind too."""
    return str(error) if isinstance(error, LimitlabError) else f"{type(error).__name__}: {error}"


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
