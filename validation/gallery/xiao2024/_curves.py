"""What several figures of this folder draw: a limit with the runs beside it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from ....solvers.core.curve import Curve
from ....theory.core.errors import ValidityWarning
from ..look import SIMULATION, THEORY, key, thin

TIME = "time $t$ = steps$/d$"
RISK = "excess risk $R$"


@contextmanager
def outside_its_range() -> Iterator[None]:
    """Silence the warnings of a theory that a figure takes beyond its range on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ValidityWarning)
        yield


def pair(
    axis: Any, theory: Curve, runs: Curve, colour: str, label: str = "", markers: int = 12
) -> None:
    """Draw the limit as a line and the mean of the runs with two standard errors as markers."""
    axis.plot(theory.time, theory["risk"], color=colour, label=label or None, **THEORY)
    points(axis, runs, colour, markers)


def points(axis: Any, runs: Curve, colour: str, markers: int = 12) -> None:
    """Draw the mean of the runs with two standard errors."""
    at = thin(runs.time, markers)
    axis.errorbar(
        runs.time[at],
        runs["risk"][at],
        2 * runs.sem("risk")[at],
        color=colour,
        elinewidth=0.6,
        **SIMULATION,
    )


def legend(axis: Any, columns: int, line: str = "limit") -> None:
    """Put the labels of a panel over its figure, after what lines and markers stand for."""
    key(axis, {line: THEORY, "mean of runs ± 2 s.e.": SIMULATION}, columns)


def plain_log(axis: Any) -> None:
    """Put a logarithmic scale of few decades on an x or y axis, with ticks at 1, 2 and 5."""
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set_minor_formatter(NullFormatter())
