"""The pages that are printed from the package: theory, reference, gallery, notebooks, changelog.

They are written into ``docs/printed`` before Sphinx reads, and only where they changed. A family,
a name of the face or a figure joins by being there.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from . import gallery, reference, theory

DOCS = Path(__file__).parents[1]
PRINTED = DOCS / "printed"


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", lambda app: write(PRINTED))
    # before the sections are read
    app.connect("autodoc-process-docstring", reference.say_returns, priority=400)
    app.connect("autodoc-process-docstring", reference.escape_docstring)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write(folder: Path) -> None:
    """Write every printed page, and take away what is printed no longer."""
    pages = {**theory.pages(), **reference.pages(), **gallery.pages(), **_taken_over()}
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for path in [p for p in folder.rglob("*") if p.is_file()]:
        if path.relative_to(folder).as_posix() not in pages and path.suffix in (".md", ".ipynb"):
            path.unlink()
    for image in (DOCS / "gallery").glob("*.png"):
        shutil.copy(image, folder / "gallery")


#: links of a notebook, and where the site has what they lead to
_MOVED = {
    r"\.\./CONTRIBUTING\.md": "../contributing.md",
    r"\.\./docs/gallery\.md#(\w+)": r"../gallery/\1.md",
    r"\.\./docs/gallery\.md": "../gallery/index.md",
}


def _taken_over() -> dict[str, str]:
    """Texts that live elsewhere in the repository."""
    root = DOCS.parent
    found = {
        name.lower(): (root / name).read_text(encoding="utf-8")
        for name in ("CHANGELOG.md", "CONTRIBUTING.md")
    }
    for file in sorted((root / "notebooks").glob("*.ipynb")):
        text = file.read_text(encoding="utf-8")
        for here, there in _MOVED.items():
            text = re.sub(here, there, text)
        found[f"notebooks/{file.name}"] = text
    names = "\n".join(sorted(Path(n).stem for n in found if n.endswith(".ipynb")))
    found["notebooks/index.md"] = f"# Notebooks\n\n```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n"
    return found
