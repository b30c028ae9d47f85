"""The page docs/validity.md, written from what was measured."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

from ...theory.core.dispatch import family
from ...theory.core.errors import InvalidInput
from ...theory.core.version import VERSION
from . import edge, finite_data, learning, practice, stability, streaming
from .regime import SEED, Measured, Study

_HEAD = f"""# How far the theories are from the algorithms

Written by `limitlab validity --out docs/validity.md` (limitlab {VERSION}, seed {SEED}), which
measures every number again.

**error** is (mean of the runs − theory)/theory at the time where it is largest, with its standard
error (none where nothing is random); **announced** is what `solve` announces for itself there;
**one run** is the standard deviation of one run at the last time over that of the theory, where
the theory has one. An error above what is announced and three standard errors is **bold**.
**warns** refers to the warnings below each table, which `solve` raises in that regime.
"""

Row = tuple[Study, Sequence[Measured]]


def studies(only: str = "") -> list[Study]:
    """Return the studies whose title contains a word, in the order of the page.

    Raises
    ------
    InvalidInput
        No title contains it.
    """
    known = [
        *streaming.studies(),
        *practice.studies(),
        *finite_data.studies(),
        *stability.studies(),
        *edge.studies(),
        *learning.studies(),
    ]
    found = [study for study in known if only.lower() in study.title.lower()]
    if not found:
        titles = "; ".join(study.title for study in known)
        raise InvalidInput("only", only, f"give a word of a title: {titles}")
    return found


def family_of(study: Study) -> str:
    """Return the family whose theory a study measures.

    Raises
    ------
    InvalidInput
        Regimes without a problem, and a study that does not say it.
    """
    if study.family:
        return study.family
    first = study.regimes[0]
    if not hasattr(first, "problem"):
        raise InvalidInput("family", study.title, "state the family of this study: Study(family=)")
    return family(first.problem, first.method)


def measured(chosen: Sequence[Study], progress: bool | None = None) -> Iterator[Row]:
    """Measure study by study; `progress` None shows a bar on a terminal."""
    from tqdm import tqdm

    total = sum(len(study.regimes) for study in chosen)
    with tqdm(total=total, disable=None if progress is None else not progress) as bar:
        for study in chosen:
            rows = []
            for regime in study.regimes:
                bar.set_description(f"{study.title}: {regime.label}"[:60])
                rows.append(regime.measure(key_of(study, regime)))
                bar.update()
            yield study, rows


def key_of(study: Study, regime: Any) -> int:
    """Return the key of a regime's random streams: that of its name, whatever else is measured."""
    return crc32(f"{study.title}: {regime.label}".encode())


def page(rows: Iterable[Row]) -> str:
    """Return the page as Markdown."""
    sections = [_section(study, found) for study, found in rows]
    return "\n".join([_HEAD, *sections])


def _section(study: Study, found: Sequence[Measured]) -> str:
    said = list(dict.fromkeys(text for one in found for text in one.warnings))
    lines = [f"## {study.title}", "", study.setting, ""]
    lines += ["| regime | error, % | announced, % | one run | warns |", "|---|---|---|---|---|"]
    lines += [_line(one, said) for one in found]
    if said:
        lines += ["", *(f"{i}. {text}" for i, text in enumerate(said, 1))]
    return "\n".join([*lines, ""])


def _line(one: Measured, said: list[str]) -> str:
    error = f"{100 * one.error:+.2f}"
    if one.sem > 0:
        error = f"{error} ± {100 * one.sem:.2f}"
    if not one.covered:
        error = f"**{error}**"
    if one.diverged:
        error += f" ({one.diverged} runs diverged)"
    announced = "–" if one.announced is None else f"{100 * one.announced:.2f}"
    spread = "–" if one.spread is None else f"{one.spread:.3f} ± {one.spread_sem:.3f}"
    numbers = ", ".join(str(said.index(text) + 1) for text in one.warnings)
    return f"| {one.label} | {error} | {announced} | {spread} | {numbers} |"


def write(text: str, target: str | os.PathLike[str]) -> Path:
    """Write the page, whole or not at all.

    Raises
    ------
    InvalidInput
        A file that cannot be written.
    """
    path = Path(target)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=".validity.", delete=False, encoding="utf-8"
        ) as partial:
            partial.write(text)
        os.replace(partial.name, path)
    except OSError as error:
        remedy = f"cannot be written ({error.strerror}); choose another file"
        raise InvalidInput("out", str(path), remedy) from None
    return path
