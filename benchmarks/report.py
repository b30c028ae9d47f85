"""Tables of measurements with their goals, as text, as markdown and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

HEADER = ("", "value", "ratio", "goal", "verdict", "remark")


@dataclass(frozen=True)
class Goal:
    """A bound on a row's ratio, or on its value.

    Parameters
    ----------
    bound : float
    least : bool
        The number must be at least (else at most) the bound.
    of : {"ratio", "value"}
    unit : str
        Printed after the bound.
    """

    bound: float
    least: bool = True
    of: str = "ratio"
    unit: str = "×"

    def reached(self, number: float) -> bool:
        return number >= self.bound if self.least else number <= self.bound

    def __str__(self) -> str:
        space = "" if self.unit in "×%" else " "
        return f"{'≥' if self.least else '≤'} {self.bound:g}{space}{self.unit}"


def at_least(bound: float) -> Goal:
    """A ratio of at least `bound`."""
    return Goal(bound)


def at_most(bound: float, unit: str, of: str = "value") -> Goal:
    """A value of at most `bound`."""
    return Goal(bound, least=False, of=of, unit=unit)


@dataclass(frozen=True)
class Row:
    """One measurement; `value` None means that it was not taken, and `remark` says why."""

    name: str
    value: float | None
    ratio: float | None = None
    goal: Goal | None = None
    remark: str = ""

    @property
    def judged(self) -> float | None:
        """The number that the goal is about."""
        if self.goal is None or self.value is None:
            return None
        return self.ratio if self.goal.of == "ratio" else self.value

    @property
    def verdict(self) -> str:
        if self.goal is None:
            return ""
        number = self.judged
        if number is None:
            return "not measured"
        return "reached" if self.goal.reached(number) else "not reached"

    def cells(self) -> tuple[str, ...]:
        """What is printed."""
        ratio = "" if self.ratio is None else f"{short(self.ratio)}×"
        goal = "" if self.goal is None else str(self.goal)
        return self.name, short(self.value), ratio, goal, self.verdict, self.remark


@dataclass(frozen=True)
class Table:
    """Rows in one unit.

    Parameters
    ----------
    ratio : str
        Header of the ratio column ("to limitlab": the row's cost over limitlab's).
    """

    title: str
    unit: str
    rows: list[Row]
    ratio: str = "to limitlab"
    caption: str = ""

    def header(self) -> tuple[str, ...]:
        return (HEADER[0], self.unit, self.ratio, *HEADER[3:])

    def as_json(self) -> dict[str, Any]:
        rows = [asdict(row) | {"verdict": row.verdict} for row in self.rows]
        return asdict(self) | {"rows": rows}


def short(number: float | None) -> str:
    """Three significant digits.

    Examples
    --------
    >>> [short(x) for x in (0.0123, 1.0, 4148.0, 2.1e-11, None)]
    ['0.0123', '1.00', '4148', '2.1e-11', '–']
    """
    if number is None:
        return "–"
    size = abs(number)
    if size >= 1e6 or 0 < size < 1e-3:
        return f"{number:.1e}"
    if size >= 100:
        return f"{number:.0f}"
    return f"{number:#.3g}"


def _used(table: Table) -> tuple[list[int], list[tuple[str, ...]]]:
    """The columns that hold anything, and all lines."""
    lines = [table.header(), *(row.cells() for row in table.rows)]
    columns = [i for i in range(len(HEADER)) if i < 2 or any(line[i] for line in lines[1:])]
    return columns, lines


def as_text(table: Table) -> str:
    """A table for the terminal."""
    columns, lines = _used(table)
    widths = {i: max(len(line[i]) for line in lines) for i in columns}
    numeric = {1, 2}

    def line_of(line: tuple[str, ...]) -> str:
        cells = (
            line[i].rjust(widths[i]) if i in numeric else line[i].ljust(widths[i]) for i in columns
        )
        return "  ".join(cells).rstrip()

    head = [f"## {table.title}", *([table.caption] if table.caption else [])]
    return "\n".join([*head, *(line_of(line) for line in lines)])


def as_markdown(table: Table) -> str:
    """A table for a page."""
    columns, lines = _used(table)
    bars = ["| " + " | ".join(line[i] for i in columns) + " |" for line in lines]
    rule = "|" + "|".join("--:" if i in (1, 2) else "---" for i in columns) + "|"
    head = [f"### {table.title}", "", *([table.caption, ""] if table.caption else [])]
    return "\n".join([*head, bars[0], rule, *bars[1:]])


def summary(tables: Iterable[Table]) -> Table:
    """One line a goal."""
    rows = [
        Row(f"{table.title} ({table.unit}): {row.name}", row.value, row.ratio, row.goal, row.remark)
        for table in tables
        for row in table.rows
        if row.goal is not None
    ]
    reached = sum(row.verdict == "reached" for row in rows)
    measured = sum(row.verdict != "not measured" for row in rows)
    return Table("Goals", "value", rows, "ratio", f"Reached: {reached} of the {measured} measured.")
