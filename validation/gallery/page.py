"""The gallery as a page: a small picture of every figure with its caption, and how it is made.

The pictures are committed, so that the figures are seen without computing. Each carries a mark of
the module and the parameters from which it was drawn; a test compares the marks, so that a figure
that was changed without its picture is noticed.
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from ...solvers.core.blas import one_thread
from ...solvers.core.runner import processors
from ...theory.core.errors import InvalidInput
from .check import Check
from .look import outside_its_range
from .make import figures, make, module_of

PAGE, FOLDER = "gallery.md", "gallery"
#: pixels across, and the most bytes of a picture
WIDTH, MOST = 640, 40_000
_HEAD = """# Gallery

Every figure of the package in its quick form: lines are theory, hollow markers are means over runs
with two standard errors, shaded bands hold 5 to 95 % of single runs. `limitlab figure NAME` draws
one at full size, checks its numbers, and writes a caption beside it; `limitlab gallery` makes this
page.
"""


@dataclass(frozen=True)
class Drawn:
    """A figure on the page: its picture, its checks, and the seconds that it took."""

    name: str
    file: Path
    checks: tuple[Check, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether every number lies where it must."""
        return all(check.passed for check in self.checks)

    def __str__(self) -> str:
        held = sum(check.passed for check in self.checks)
        wrong = "".join(f"\n  {check}" for check in self.checks if not check.passed)
        took = f"{held} of {len(self.checks)} checks hold, {self.seconds:.1f} s"
        return f"{self.name}: {took}, wrote {self.file}{wrong}"


def write_page(folder: str | os.PathLike[str], only: Iterable[str] = ()) -> Iterator[Drawn]:
    """Draw the pictures of all figures, or of some, as many at a time as there are processors,
    and write the page around all of them.

    Yields
    ------
    Drawn
        As they are drawn, in the order of the page.

    Raises
    ------
    InvalidInput
        An unknown figure; a folder that cannot be written.
    """
    target, names = Path(folder), list(only) or list(figures())
    for name in names:
        module_of(name)
    try:
        (target / FOLDER).mkdir(parents=True, exist_ok=True)
        yield from _drawn(names, target)
        (target / PAGE).write_text(text(), encoding="utf-8")
    except OSError as error:
        remedy = f"cannot be written ({error.strerror}); choose another folder"
        raise InvalidInput("out", str(target), remedy) from None


def _drawn(names: list[str], target: Path) -> Iterator[Drawn]:
    workers = min(processors(), len(names))
    if workers == 1:
        yield from map(partial(draw, folder=target), names)
        return
    work = partial(_draw_beside_others, folder=target)
    # processes begin anew: one that is a copy of this one would inherit the locks of its threads
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as processes:
        yield from processes.map(work, names)


def draw(name: str, folder: Path) -> Drawn:
    """Compute, check and draw a figure, and write its small picture."""
    with outside_its_range():
        made = make(name)
    return Drawn(name, save(name, made.figure, folder), made.checks, made.seconds)


def _draw_beside_others(name: str, folder: Path) -> Drawn:
    with one_thread():
        return draw(name, folder)


def text() -> str:
    """Return the page: titles, pictures and captions of all figures, as their modules say them."""
    parts = [_HEAD]
    for name in figures():
        module = module_of(name)
        caption = module.CAPTION.format(**asdict(module.QUICK))
        title = module.TITLE[0].upper() + module.TITLE[1:]
        parts.append(
            f"## {name}\n\n![{module.TITLE}]({FOLDER}/{name}.png)\n\n*{title}.* {caption}\n"
        )
    return "\n".join(parts)


def save(name: str, figure: Any, folder: str | os.PathLike[str]) -> Path:
    """Write a figure as a small picture with its mark."""
    from PIL import Image, PngImagePlugin

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=2 * WIDTH / figure.get_figwidth())
    picture = Image.open(buffer).convert("RGB")
    mark = PngImagePlugin.PngInfo()
    mark.add_text("Source", mark_of(name))
    path = Path(folder) / FOLDER / f"{name}.png"
    for shrink, colours in ((1.0, 192), (1.0, 64), (1.0, 24), (0.75, 24), (0.6, 16), (0.5, 16)):
        size = (round(shrink * WIDTH), round(shrink * WIDTH * picture.height / picture.width))
        small = picture.resize(size, Image.Resampling.LANCZOS).quantize(colours)
        small.save(path, format="PNG", optimize=True, pnginfo=mark)
        if path.stat().st_size <= MOST:
            break
    return path


def mark_of(name: str) -> str:
    """Return the mark of a figure: of the text of its module and its quick parameters."""
    module = module_of(name)
    code = Path(str(module.__file__)).read_bytes()
    return f"{zlib.crc32(code):08x} {zlib.crc32(repr(module.QUICK).encode()):08x}"
