"""Write a finished experiment: figure, report and curves, each file whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ...theory.core.errors import InvalidInput
from .carry_out import Result
from .read import Experiment
from .report import report

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_folder(experiment: Experiment, results: list[Result], figure: Figure) -> list[Path]:
    """Write everything into the experiment's folder.

    All files are written into a hidden folder beside it first and then moved into place, the
    report last.

    Returns
    -------
    list of Path
        The files, in the order in which they were moved.

    Raises
    ------
    InvalidInput
        The folder cannot be written.
    """
    target = experiment.output.folder
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            _fill(partial, experiment, results, figure)
            return _move(partial, target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        remedy = f"cannot be written ({error.strerror}); choose another folder"
        raise InvalidInput("output.folder", str(target), remedy) from None


def _fill(folder: Path, experiment: Experiment, results: list[Result], figure: Figure) -> None:
    for extension in experiment.output.formats:
        figure.savefig(folder / f"{experiment.name}.{extension}")
    for number, result in enumerate(results, start=1):
        curves = {"theory": result.theory, "runs": result.runs, **result.others}
        if result.on_rows is not None:
            curves["rows"] = result.on_rows
        stem = f"{number:02d}_{result.method.label.lower().replace(' ', '_')}"
        for name, curve in curves.items():
            curve.save(folder / f"{stem}_{name}.nc")
    (folder / "experiment.toml").write_text(experiment.text, encoding="utf-8")
    (folder / "report.txt").write_text(report(experiment, results), encoding="utf-8")


def _move(partial: Path, target: Path) -> list[Path]:
    target.mkdir(exist_ok=True)
    # report.txt sorts last by the key: where it stands, everything else does
    files = sorted(partial.iterdir(), key=lambda file: (file.name == "report.txt", file.name))
    for file in files:
        os.replace(file, target / file.name)
    return [target / file.name for file in files]
