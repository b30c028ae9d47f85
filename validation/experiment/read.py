"""An experiment file (TOML), read and checked before anything is computed.

Tables: ``[problem]`` (a covariance and a noise law, or a real data set), one ``[[method]]`` or
more, ``[run]``, ``[output]`` and, for `limitlab sweep`, ``[sweep]``.  An unknown key is an error
that names the nearest known one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from ...solvers.solve import limits
from ...theory.core.checks import LARGEST, LARGEST_ENSEMBLE, count, positive
from ...theory.core.errors import InvalidInput, InvalidType
from ...theory.core.problem import Problem
from ...theory.methods import Method
from ..data import FEATURES, SOURCES, data_problem
from ..figures.style import inches
from ..simulate.streaming.simulate import DECIDING
from .names import METHOD_NAMES, PROBLEM_NAMES, check_keys, limit_tables, make, nearest

FORMATS = ("pdf", "svg", "png")
LONGEST_FOLDER = 200


@dataclass(frozen=True, eq=False)
class Case:
    """One problem of an experiment.

    Attributes
    ----------
    label : str
    problem : Problem
    notes : tuple of str
        Lines for the report.
    rows, targets : arrays or None
        Real data to stream beside the Gaussian surrogate.
    """

    label: str
    problem: Problem
    notes: tuple[str, ...] = ()
    rows: np.ndarray | None = None
    targets: np.ndarray | None = None


@dataclass(frozen=True)
class RunOptions:
    """How far and how often: the keys of ``[run]``, with their defaults."""

    until: float
    points: int = 51
    runs: int = DECIDING
    seed: int = 0
    limits: tuple[str, ...] = ()
    paths: int = 500
    level: float = 1e-3
    workers: int | None = None


@dataclass(frozen=True)
class Output:
    """Where to write: the keys of ``[output]``."""

    folder: Path
    formats: tuple[str, ...] = ("pdf", "png")
    width: str | float = "neurips"


@dataclass(frozen=True, eq=False)
class Experiment:
    """What an experiment file says."""

    name: str
    cases: tuple[Case, ...]
    methods: tuple[Method, ...]
    run: RunOptions
    output: Output
    text: str
    sweep: Mapping[str, Any] | None = None


def read_experiment(path: str | Path, folder: str | Path | None = None) -> Experiment:
    """Read an experiment file.

    Parameters
    ----------
    path : path
        A TOML file.
    folder : path, optional
        Where to write instead of the folder that the file names.

    Raises
    ------
    InvalidInput, InvalidType
        Naming the table and the key.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except OSError as error:
        raise InvalidInput("experiment", str(path), f"cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # a number of 5000 digits is a ValueError too
        raise InvalidInput("experiment", str(path), f"not a TOML file: {error}") from None
    check_keys(tables, ("problem", "method", "run", "output", "sweep"), "experiment")
    for name in ("problem", "method", "run"):
        if name not in tables:
            raise InvalidInput("experiment", str(path), f"has no [{name}]; add one")
    experiment = Experiment(
        name=path.stem,
        methods=_methods(tables["method"]),
        run=_run_options(tables["run"], 0 if "sweep" in tables else 1),
        output=_output(tables.get("output", {}), path.stem, folder),
        cases=_cases(tables["problem"]),  # last: it may load data
        text=text,
        sweep=_sweep(tables),
    )
    _check_limits(experiment)
    return experiment


def _sweep(tables: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if "sweep" not in tables:
        return None
    from .sweep import over

    return over(tables["sweep"])


def _check_limits(experiment: Experiment) -> None:
    """Refuse a limit that one of the pairs does not have."""
    for case in experiment.cases:
        for method in experiment.methods:
            known = limits(case.problem, method)
            for name in experiment.run.limits:
                if name not in known:
                    raise InvalidInput("run.limits", name, f"{method.label} has {', '.join(known)}")


def _table(value: Any, field: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidType(field, value, f"write a table [{field}]")
    return value


# ---- [problem] ----


def _cases(table: Any) -> tuple[Case, ...]:
    table = _table(table, "problem")
    if "data" in table and "kind" not in table:
        check_keys(table, ("data",), "problem")
        return _data_cases(_table(table["data"], "problem.data"))
    table = {"kind": "least_squares", **table}
    return (Case(_label(table), make(table, PROBLEM_NAMES, "problem")),)


def _label(table: Mapping[str, Any]) -> str:
    """The kinds of the tables in words: of the covariance and the noise, or of the problem."""
    inner = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    if not inner:
        return _words(table)
    nouns = {"noise": " noise"}
    return ", ".join(f"{_words(value)}{nouns.get(key, '')}" for key, value in inner.items())


def _words(table: Mapping[str, Any]) -> str:
    return str(table.get("kind", "")).replace("_", " ")


def _data_cases(table: Mapping[str, Any]) -> tuple[Case, ...]:
    known = ("kind", "features", "dimension", "seed")
    check_keys(table, known, "problem.data")
    source = _choices([table.get("kind")], SOURCES, "problem.data.kind")[0]
    features = _choices(table.get("features", ["relu"]), FEATURES, "problem.data.features")
    size = {
        name: count(f"problem.data.{name}", table[name], least)
        for name, least in (("dimension", 1), ("seed", 0))
        if name in table
    }
    return tuple(_data_case(source, each, size) for each in features)


def _data_case(source: str, features: str, size: dict[str, int]) -> Case:
    data = data_problem(source, features, **size)
    n, d = data.rows.shape
    note = (
        f"{n} rows, d = {d}; intrinsic dimension {data.intrinsic_dimension:.1f}; "
        f"mean kurtosis of the features {data.kurtosis:.1f} (Gaussian: 3); "
        f"spread of the squared norm {data.norm_spread:.2f} (Gaussian: 1)"
    )
    return Case(data.label, data.problem, (note,), data.rows, data.targets)


# ---- [[method]], [run], [output] ----


def _methods(tables: Any) -> tuple[Method, ...]:
    if not isinstance(tables, list) or not tables:
        raise InvalidType("method", tables, "write one [[method]] or more")
    return tuple(make(table, METHOD_NAMES, f"method[{i}]") for i, table in enumerate(tables))


def _run_options(table: Any, least_runs: int) -> RunOptions:
    table = dict(_table(table, "run"))
    check_keys(table, (each.name for each in fields(RunOptions)), "run")
    if "until" not in table:
        raise InvalidInput("run", table, "give run.until, the time at which to stop")
    for name in ("until", "level"):
        if name in table:
            table[name] = positive(f"run.{name}", table[name])
    if table.get("level", 0.5) >= 1:
        raise InvalidInput("run.level", table["level"], "give a probability between 0 and 1")
    for name, least in (
        ("points", 2),
        ("runs", least_runs),
        ("seed", 0),
        ("paths", 1),
        ("workers", 1),
    ):
        if name in table:
            most = {"seed": None, "points": LARGEST_ENSEMBLE, "runs": LARGEST_ENSEMBLE}
            table[name] = count(f"run.{name}", table[name], least, most.get(name, LARGEST))
    if "limits" in table:
        every = [name for known in limit_tables().values() for name in known]
        table["limits"] = _choices(table["limits"], tuple(dict.fromkeys(every)), "run.limits")
    return RunOptions(**table)


def _output(table: Any, name: str, folder: str | Path | None) -> Output:
    table = _table(table, "output")
    check_keys(table, (each.name for each in fields(Output)), "output")
    formats = _choices(table.get("formats", ["pdf", "png"]), FORMATS, "output.formats")
    width = table.get("width", "neurips")
    try:
        inches(width)
    except InvalidInput as error:
        raise type(error)("output.width", width, error.remedy) from None
    if folder is not None:
        return Output(Path(folder).expanduser(), formats, width)
    return Output(safe_folder(table.get("folder", f"out/{name}")), formats, width)


def safe_folder(folder: Any) -> Path:
    """Return a folder below the current one; a file may not point anywhere else."""
    field = "output.folder"
    if not isinstance(folder, str):
        raise InvalidType(field, folder, "give a relative path as text")
    windows, posix = PureWindowsPath(folder), PurePosixPath(folder)
    parts = {*windows.parts, *posix.parts}
    outside = windows.anchor or posix.anchor or ".." in parts or folder.startswith("~")
    if "$" in folder or "%" in folder:
        remedy = "variables of the environment are not put in; write the path out"
        raise InvalidInput(field, folder, remedy)
    if outside or not posix.parts or not folder.isprintable() or len(folder) > LONGEST_FOLDER:
        remedy = "give a plain relative path without '..'; `--output` may point anywhere"
        raise InvalidInput(field, folder, remedy)
    return Path(folder)


def _choices(values: Any, known: Any, field: str) -> tuple[str, ...]:
    if not isinstance(values, list) or not values:
        raise InvalidType(field, values, f"give a list of {', '.join(known)}")
    for value in values:
        if value not in known:
            raise InvalidInput(field, value, nearest(str(value), known))
    return tuple(dict.fromkeys(values))
