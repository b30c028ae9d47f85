"""Write a finished experiment: figure, report and curves, each file whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ...solvers.core.cache import write_atomically
from ...theory.core.errors import InvalidInput
from .carry_out import Result
from .read import Experiment
from .report import report

if TYPE_CHECKING:
    from matplotlib.figure import Figure


#: names of the files of the last run, one a line: the next one replaces these and no others
CONTENTS = "contents.txt"
REPORT = "report.txt"


def prepare_folder(experiment: Experiment) -> str:
    """Make the experiment's folder and try to write into it, before anything is computed.

    Returns
    -------
    str
        What a run into it replaces; empty where nothing.

    Raises
    ------
    InvalidInput
        The folder cannot be written.
    """
    target = experiment.output.folder.resolve()
    with _named_errors(target):
        with partial_folder(target):
            pass
        old = _contents(target)
    if not old:
        return ""
    return f"{experiment.output.folder} holds an earlier run: its {len(old)} files are replaced"


def write_folder(experiment: Experiment, results: list[Result], figure: Figure) -> list[Path]:
    """Write everything into the experiment's folder, in place of what an earlier run wrote.

    All files are written into a hidden folder inside it first, which is on the same file system
    whatever the folder is a link to, and then moved into place, the report last.

    Returns
    -------
    list of Path
        The files, in the order in which they were moved.

    Raises
    ------
    InvalidInput
        The folder cannot be written.
    """
    target = experiment.output.folder.resolve()
    with _named_errors(target), partial_folder(target) as partial:
        _fill(partial, experiment, results, figure)
        names = _move(partial, target)
    return [experiment.output.folder / name for name in names]


@contextmanager
def _named_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = f"cannot be written ({error.strerror}); choose another folder"
        raise InvalidInput("output.folder", str(target), remedy) from None


@contextmanager
def partial_folder(target: Path) -> Iterator[Path]:
    """A hidden folder inside the target; folders made for it that stay empty are taken away."""
    made = [folder for folder in (target, *target.parents) if not folder.exists()]
    target.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial.", dir=target))
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        for folder in made:
            if not any(folder.iterdir()):
                folder.rmdir()


def _contents(target: Path) -> list[str]:
    """The files of the last run that are still there."""
    try:
        names = (target / CONTENTS).read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return []
    return [
        name for name in names if name and Path(name).name == name and (target / name).is_file()
    ]


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
    (folder / REPORT).write_text(report(experiment, results), encoding="utf-8")


def _move(partial: Path, target: Path) -> list[str]:
    """Move everything into place; what only an earlier run wrote is taken away."""
    names = sorted(file.name for file in partial.iterdir())
    old = _contents(target)
    # until all is in place the list holds the files of both runs
    write_atomically(target / CONTENTS, _lines(dict.fromkeys([*old, *names, CONTENTS])))
    for name in names:
        if name != REPORT:
            os.replace(partial / name, target / name)
    for name in set(old) - {*names, CONTENTS}:
        (target / name).unlink(missing_ok=True)
    write_atomically(target / CONTENTS, _lines([*names, CONTENTS]))
    # where the report stands, everything else does
    os.replace(partial / REPORT, target / REPORT)
    return [*(name for name in [*names, CONTENTS] if name != REPORT), REPORT]


def _lines(names: Iterable[str]) -> bytes:
    return ("\n".join(names) + "\n").encode()
