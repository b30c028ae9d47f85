"""How objects show themselves where they are the last line of a notebook's cell.

A page is a heading, equations, a table and what can be unfolded; it is written once and rendered as
HTML and as LaTeX. Equations are printed from the objects, never typed.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
import sympy as sp

from .errors import LimitlabError
from .printer import latex

#: characters of a value, and rows of a table, that are shown
LONGEST, MOST_ROWS = 90, 12
Equations = Iterable[tuple[str, str]]
Rows = Sequence[Sequence[Any]]


class Shown:
    """Base of the nouns that say what they are: their equations, and the values of their fields."""

    def statement(self) -> list[tuple[str, str]]:
        """(left, right) in LaTeX of what the object states in sympy; of most there is nothing."""
        return []

    def _repr_html_(self) -> str:
        rows = [(name, _value_html(value)) for name, value in _fields(self)]
        says = _first_sentence(type(self))
        parts = [heading(type(self).__name__, says), math_html(_stated(self))]
        return block(*parts, table_html(("", "value"), rows, raw=True) if rows else "")

    def _repr_latex_(self) -> str:
        rows = [(name, _text(value)) for name, value in _fields(self)]
        return math_latex([*_stated(self), *((rf"\text{{{plain(n)}}}", v) for n, v in rows)])


class Tabled:
    """Base of the answers that are a heading and a table; their words unfold."""

    def _headed(self) -> tuple[str, str]:
        """What the answer is, and a sentence about it."""
        raise NotImplementedError

    def _tabled(self) -> tuple[Sequence[str], Rows]:
        """Names of the columns, and rows."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        words = folded("in words", f"<pre>{escape(str(self))}</pre>")
        return block(heading(*self._headed()), table_html(*self._tabled()), words)

    def _repr_latex_(self) -> str:
        return table_latex(*self._tabled())


def _stated(shown: Shown) -> list[tuple[str, str]]:
    """The statement; what a user's class states wrongly is told by the verbs, not by a display."""
    try:
        return shown.statement()
    except LimitlabError:
        return []


def _fields(shown: Any) -> list[tuple[str, Any]]:
    if not dataclasses.is_dataclass(shown):
        return []
    return [(f.name, getattr(shown, f.name)) for f in dataclasses.fields(shown) if f.repr or f.init]


def _first_sentence(kind: type) -> str:
    """The first paragraph of the class's own docstring; dataclasses make one up where none is."""
    text = inspect.getdoc(kind) if "__doc__" in vars(kind) else None
    paragraph = " ".join((text or "").split("\n\n")[0].split())
    return "" if paragraph.startswith(f"{kind.__name__}(") else paragraph


# ---- values ----


def words(value: Any) -> str:
    """A value in one line: an array by its shape and range, anything long by its beginning."""
    if isinstance(value, np.ndarray) and value.size > 4:
        shape = " × ".join(map(str, value.shape))
        low, high = (f"{x:.4g}" for x in (np.min(value), np.max(value)))
        return f"{shape} numbers from {low} to {high}"
    if callable(value) and hasattr(value, "__name__"):
        return f"the function {value.__name__}"
    text = " ".join((f"{value:.6g}" if isinstance(value, float) else repr(value)).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _value_html(value: Any) -> str:
    return rf"\({latex(value)}\)" if isinstance(value, sp.Basic) else escape(words(value))


def _text(value: Any) -> str:
    return latex(value) if isinstance(value, sp.Basic) else rf"\text{{{plain(words(value))}}}"


def plain(text: str) -> str:
    """Text that LaTeX takes as it is."""
    names = {"\\": r"\backslash ", "~": r"\sim ", "^": r"\hat{}"}
    return "".join(names.get(c, rf"\{c}" if c in "_%&#${}" else c) for c in text)


# ---- parts of a page ----


def block(*parts: str) -> str:
    """The parts of a page, one below the other."""
    inner = "\n".join(part for part in parts if part)
    return f'<div class="limitlab">\n{inner}\n</div>'


def heading(title: str, says: str = "") -> str:
    """What the object is, and a sentence about it."""
    return f"<strong>{escape(title)}</strong>" + (f"<p>{escape(says)}</p>" if says else "")


def math_html(equations: Equations) -> str:
    """Equations as a display that MathJax sets."""
    lines = aligned(equations)
    return f'<div class="math">\\[{escape(lines, quote=False)}\\]</div>' if lines else ""


def math_latex(equations: Equations) -> str:
    """Equations as a display of LaTeX."""
    return f"$${aligned(equations)}$$"


def aligned(equations: Equations) -> str:
    """Equations below each other, at their equality signs; nothing where there are none."""
    body = " \\\\\n".join(f"{left} &= {right}" for left, right in equations)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}" if body else ""


def table_html(head: Sequence[str], rows: Rows, raw: bool = False) -> str:
    """A table; cells are text, or HTML where `raw`."""
    turned = (lambda cell: str(cell)) if raw else (lambda cell: escape(str(cell)))
    lines = ["<tr>" + "".join(f"<th>{escape(name)}</th>" for name in head) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{turned(c)}</td>" for c in row) + "</tr>" for row in rows]
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def table_latex(head: Sequence[str], rows: Rows) -> str:
    """The same table as an array of LaTeX."""
    lines = [" & ".join(rf"\text{{{plain(str(cell))}}}" for cell in row) for row in (head, *rows)]
    body = " \\\\\n".join([f"{lines[0]} \\\\ \\hline", *lines[1:]]).replace(
        "\\hline \\\\", "\\hline"
    )
    return f"$$\\begin{{array}}{{{'r' * len(head)}}}\n{body}\n\\end{{array}}$$"


def folded(summary: str, body: str) -> str:
    """What is shown only on request."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def some(size: int, most: int = MOST_ROWS) -> np.ndarray:
    """Indices of at most so many rows, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, size - 1, min(size, most)).round().astype(int))
