"""From the name of a figure to its files: with its provenance inside, its report, its caption."""

from __future__ import annotations

import json
import os
import pkgutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from ...theory.core.errors import InvalidInput
from ...theory.core.version import VERSION
from ..experiment.names import nearest
from ..experiment.write import partial_folder
from ..figures.drawn import table
from ..figures.style import HouseFigure, inches
from .check import Check
from .parameters import with_values

FOLDERS = (
    "xiao2024",
    "marshall2024",
    "agarwala2024",
    "agarwala2022",
    "agarwala2023",
    "kreisler2023",
    "roulet2024",
    "dauphin2024",
    "dexter2024",
    "practice",
    "beaglehole2024",
    "schoenholz2022",
    "kao2023",
)
FORMATS = ("pdf", "svg", "png")
#: field of each format's metadata that takes free text
_TEXT = {"pdf": "Subject", "svg": "Description", "png": "Description"}


@dataclass(frozen=True, eq=False)
class Made:
    """A figure that was drawn: its checks, what it took, and its files."""

    name: str
    figure: HouseFigure
    checks: tuple[Check, ...]
    report: str
    seconds: float
    caption: str = ""

    @property
    def passed(self) -> bool:
        """Whether every number lies where it must."""
        return all(check.passed for check in self.checks)


def figures() -> dict[str, str]:
    """Return the name of every figure and the module that draws it."""
    found = {}
    for folder in FOLDERS:
        package = import_module(f".{folder}", __package__)
        for module in pkgutil.iter_modules(package.__path__):
            if not module.name.startswith("_"):
                found[module.name] = f".{folder}.{module.name}"
    return found


def module_of(name: str) -> ModuleType:
    """Return the module of a figure.

    Raises
    ------
    InvalidInput
        An unknown name; the nearest one is named.
    """
    known = figures()
    if name not in known:
        raise InvalidInput("figure", name, nearest(name, known))
    return import_module(known[name], __package__)


def make(
    name: str,
    *,
    full: bool = False,
    width: str | float = "neurips",
    values: Mapping[str, Any] | None = None,
) -> Made:
    """Compute, draw and check a figure.

    Parameters
    ----------
    name : str
    full : bool
        Ensembles for publication; otherwise half a minute at most.
    width : {"neurips", "icml"} or float
    values : mapping of name to value, optional
        In place of the stated parameters. The checks are those of the stated ones.

    Raises
    ------
    InvalidInput
        An unknown figure or parameter; a value of another kind.
    """
    width = inches(width)
    module = module_of(name)
    parameters = with_values(module.FULL if full else module.QUICK, values or {})
    start = time.perf_counter()
    data = module.compute(parameters)
    seconds = time.perf_counter() - start
    checks = tuple(module.checks(data))
    figure = module.draw(data, width)
    figure.provenance = _provenance(name, module, parameters, full, checks)
    report = _report(name, module, parameters, checks)
    return Made(name, figure, checks, report, seconds, _caption(module, parameters, checks))


def _provenance(
    name: str, module: ModuleType, parameters: Any, full: bool, checks: tuple[Check, ...]
) -> dict[str, Any]:
    return {
        "figure": name,
        "title": module.TITLE,
        "limitlab": VERSION,
        "form": "full" if full else "quick",
        "parameters": asdict(parameters),
        "checks": [
            {**asdict(check), "passed": check.passed, "undecided": check.undecided}
            for check in checks
        ],
    }


def _caption(module: ModuleType, parameters: Any, checks: tuple[Check, ...]) -> str:
    """What a paper prints under the figure: panels and take-away, the regime, the checks."""
    given = asdict(parameters)
    first = module.TITLE[0].upper() + module.TITLE[1:]
    regime = ", ".join(f"{name} {_short(value)}" for name, value in given.items())
    held = sum(check.passed for check in checks)
    text = f"{first}. {module.CAPTION.format(**given)} Regime: {regime}."
    return f"{text} Of {len(checks)} checked numbers {held} hold (limitlab {VERSION})."


def _short(value: Any) -> str:
    """A number or name; of many the first, the last and how many."""
    if not isinstance(value, tuple | list):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if len(value) > 6:
        return f"{_short(value[0])} … {_short(value[-1])} ({len(value)})"
    return "(" + ", ".join(map(_short, value)) + ")"


def _report(name: str, module: ModuleType, parameters: Any, checks: tuple[Check, ...]) -> str:
    given = ", ".join(f"{key} = {value}" for key, value in asdict(parameters).items())
    lines = [f"{name}: {module.TITLE}", f"parameters: {given}", f"limitlab {VERSION}", ""]
    return "\n".join([*lines, *map(str, checks)]) + "\n"


@contextmanager
def writing(folder: str | os.PathLike[str], formats: tuple[str, ...] = ()) -> Iterator[Path]:
    """A hidden folder inside the one of the figures; entered and left at once it tries whether
    anything can be written there, before anything is computed.

    Raises
    ------
    InvalidInput
        An unknown format; a folder that cannot be written.
    """
    for extension in formats:
        if extension not in FORMATS:
            raise InvalidInput("format", extension, f"use one of {', '.join(FORMATS)}")
    target = Path(folder)
    try:
        with partial_folder(target) as partial:
            yield partial
    except OSError as error:
        remedy = f"cannot be written ({error.strerror}); choose another folder"
        raise InvalidInput("out", str(target), remedy) from None


def write(
    made: Made,
    folder: str | os.PathLike[str],
    formats: tuple[str, ...],
    data: bool = False,
) -> list[Path]:
    """Write the figure in each format, its report and its caption, each file whole or not at all.

    Parameters
    ----------
    data : bool
        Also a table (csv) of the numbers that it shows.

    Raises
    ------
    InvalidInput
        An unknown format; a folder that cannot be written.
    """
    target = Path(folder)
    text = json.dumps(made.figure.provenance, default=str)
    with writing(target, formats) as partial:
        files = [partial / f"{made.name}.{extension}" for extension in formats]
        for file, extension in zip(files, formats, strict=True):
            made.figure.savefig(file, metadata={"Title": made.name, _TEXT[extension]: text})
        report = partial / f"{made.name}.txt"
        report.write_text(made.report, encoding="utf-8")
        if made.caption:
            files.append(partial / f"{made.name}.caption.txt")
            files[-1].write_text(made.caption + "\n", encoding="utf-8")
        if data:
            files.append(partial / f"{made.name}.csv")
            files[-1].write_text(table(made.figure), encoding="utf-8")
        for file in (*files, report):
            os.replace(file, target / file.name)
    return [target / file.name for file in (*files, report)]
