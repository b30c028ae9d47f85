"""Results of a full run: one JSON file a day, and the page that a README can quote."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .machine import describe
from .report import Table, as_markdown, summary

FOLDER = Path(__file__).parent / "results"


def page(tables: Sequence[Table], machine: dict[str, Any], date: str) -> str:
    """The markdown page: machine, goals, all tables."""
    versions = ", ".join(f"{name} {v or '–'}" for name, v in machine["versions"].items())
    lines = [
        f"Measured on {date} by `make bench`: {machine['processor']}, {machine['cores']} cores "
        f"({', '.join(machine['vector_extensions'])}), {machine['memory_gib']} GiB, "
        f"{machine['system']}, Python {machine['python']}, BLAS {machine['blas']}; {versions} "
        f"(–: not installed). Load average before the run: {machine['load_before']}.",
        as_markdown(summary(tables)),
        *(as_markdown(table) for table in tables),
    ]
    return "# Benchmarks\n\n" + "\n\n".join(lines) + "\n"


def write(tables: Sequence[Table], load: float, folder: Path = FOLDER) -> tuple[str, str]:
    """Write both files and return their names; `load` is the load average before the run."""
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    machine = describe() | {"load_before": round(load, 1)}
    record = {"date": date, "machine": machine, "tables": [table.as_json() for table in tables]}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{date}.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    (folder / "latest.md").write_text(page(tables, machine, date))
    return f"{folder.name}/{date}.json", f"{folder.name}/latest.md"
