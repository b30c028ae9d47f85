"""A user's own runs from a csv file: times in the first column, one further column a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...solvers.core.curve import Curve
from ...theory.core.errors import InvalidInput
from ..experiment.read import read_experiment
from .fit import fit
from .result import Fit


def read_runs(path: str | Path, quantity: str = "risk") -> Curve:
    """Read runs; a first line that holds no numbers is a heading.

    Raises
    ------
    InvalidInput
        A file that cannot be read; lines of unequal length; what is no number.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("runs", str(path), f"cannot be read: {error}") from None
    rows = [line.split(",") for line in lines if line.strip()]
    if rows and not _numbers(rows[0]):
        rows = rows[1:]
    bad = [i for i, row in enumerate(rows) if not _numbers(row) or len(row) != len(rows[0])]
    if not rows or bad or len(rows[0]) < 2:
        where = f"line {bad[0] + 1} of the numbers" if bad else "the file"
        remedy = f"{where} is not a time and one number a run, with commas between them"
        raise InvalidInput("runs", str(path), remedy)
    table = np.array([[float(cell) for cell in row] for row in rows])
    name = Path(path).stem
    return Curve.from_runs(table[:, 0], table[:, 1:].T, quantity, axis=0, label=name)


def _numbers(row: list[str]) -> bool:
    try:
        return all(np.isfinite(float(cell)) for cell in row)
    except ValueError:
        return False


def fit_file(
    experiment: str | Path, runs: str | Path, free: list[str], quantity: str = "risk"
) -> Fit:
    """Fit the problem and the first method of an experiment file to runs of a csv file."""
    read: Any = read_experiment(experiment)
    return fit(read_runs(runs, quantity), read.cases[0].problem, read.methods[0], free)
