"""A sweep from an experiment file: lists in its [sweep] table are cells, solved and simulated.

One [sweep] table serves every [[method]]; each method has a store of its own in the folder of the
output, where the finished sweep and its heat map are written too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...theory.core.errors import InvalidInput, InvalidType
from ..figures.sweeps import heatmap, lines
from ..sweep.result import Sweep
from ..sweep.sweep import sweep
from .names import COVARIANCE_NAMES, NOISE_NAMES, make

_MAKERS = {"noise": NOISE_NAMES, "covariance": COVARIANCE_NAMES}


def over(table: Any) -> dict[str, Any]:
    """Return what a [sweep] table varies: a list of numbers, schedules or tables a field.

    Raises
    ------
    InvalidInput, InvalidType
        Not a table of lists.
    """
    if not isinstance(table, Mapping) or not table:
        raise InvalidType("sweep", table, "write a table [sweep] of fields and lists of values")
    found: dict[str, Any] = {}
    for name, values in _flat(table, ""):
        if not isinstance(values, list) or not values:
            raise InvalidType(f"sweep.{name}", values, "give a list of values")
        found[name] = _values(name, values)
    return found


def _flat(table: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    """The lists of a table by dotted names: noise.scale = [...] is a table in TOML."""
    found: list[tuple[str, Any]] = []
    for key, value in table.items():
        inner = isinstance(value, Mapping)
        found += _flat(value, f"{prefix}{key}.") if inner else [(f"{prefix}{key}", value)]
    return found


def _values(name: str, values: list[Any]) -> Any:
    makers = _MAKERS.get(name.rsplit(".", 1)[-1])
    if not any(isinstance(value, Mapping) for value in values):
        return values
    if makers is None:
        known = ", ".join(_MAKERS)
        raise InvalidType(f"sweep.{name}", values, f"only {known} are given by tables")
    tables = [dict(value) for value in values]
    named = {_name(table): make(table, makers, f"sweep.{name}") for table in tables}
    if len(named) < len(tables):
        raise InvalidInput(f"sweep.{name}", values, "two of them are the same")
    return named


def _name(table: Mapping[str, Any]) -> str:
    rest = ", ".join(f"{k} = {v}" for k, v in table.items() if k != "kind")
    return f"{table.get('kind')}({rest})" if rest else str(table.get("kind"))


def carry_out(
    experiment: Any, *, shard: str | None, workers: int | None, executor: Any
) -> list[tuple[str, Sweep]]:
    """Do the sweep of every method, or a part of it, and return each by the name of its files."""
    if experiment.sweep is None:
        raise InvalidInput("experiment", experiment.name, "has no [sweep]; add one")
    run, found = experiment.run, []
    for case in experiment.cases:
        for number, method in enumerate(experiment.methods, start=1):
            name = f"{number:02d}_{method.label.lower().replace(' ', '_')}"
            result = sweep(
                case.problem,
                method,
                experiment.sweep,
                run.until,
                points=run.points,
                limit=run.limits[0] if run.limits else None,
                runs=run.runs or None,
                seed=run.seed,
                store=experiment.output.folder / f"{name}.store",
                shard=shard,
                workers=workers or run.workers,
                executor=executor,
            )
            found.append((name, result))
            if result.provenance["interrupted"]:
                return found
    return found


def write(experiment: Any, results: list[tuple[str, Sweep]]) -> list[Path]:
    """Write each sweep, and a figure where it has one or two axes."""
    folder, files = experiment.output.folder, []
    for name, result in results:
        result.save(folder / f"{name}.nc")
        files.append(folder / f"{name}.nc")
        long = [axis for axis in result.axes if result.sizes[axis] > 1]
        quantity = next(str(q) for q in result.data_vars if "time" in result[q].dims)
        if len(long) not in (1, 2):
            continue
        draw = heatmap if len(long) == 2 else lines
        figure = draw(result, quantity, width=experiment.output.width)
        for extension in experiment.output.formats:
            figure.savefig(folder / f"{name}.{extension}")
            files.append(folder / f"{name}.{extension}")
    return files


def summary(results: list[tuple[str, Sweep]]) -> str:
    """How many cells are in which state, and the reasons of those that are not ok."""
    text = []
    for name, result in results:
        counts = ", ".join(f"{count} {status}" for status, count in result.statuses().items())
        text.append(f"{name}: {counts}")
        reasons = {str(r) for r in result["reason"].values.ravel() if str(r)}
        text += [f"  {reason}" for reason in sorted(reasons)[:5]]
    return "\n".join(text)
