"""The gallery: every figure with its title, its picture where there is one, and its file."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType

from limitlab.validation.gallery.make import figures, module_of

DOCS = Path(__file__).parents[1]


def pages() -> dict[str, str]:
    """Return the page of the gallery, and one a figure with the file that draws it."""
    papers: dict[str, list[str]] = {}
    found = {}
    for name, place in figures().items():
        module = module_of(name)
        papers.setdefault(place.split(".")[1], []).append(_card(name, module))
        found[f"gallery/{name}.md"] = _page(name, module)
    parts = [_HEAD]
    for paper, cards in papers.items():
        parts.append(f"## {paper}\n\n::::{{grid}} 1 2 2 3\n:gutter: 3\n\n" + "\n".join(cards))
        parts.append("::::\n")
    listed = "\n".join(figures())
    parts.append(f"```{{toctree}}\n:hidden:\n\n{listed}\n```\n")
    return {"gallery/index.md": "\n".join(parts), **found}


_HEAD = """# Gallery

Each is drawn by `limitlab figure NAME`, with the numbers that it must hit checked and printed
beside it; `--full` takes the ensembles of a publication, `--data` writes the numbers too. Behind
each card is the file that draws it.
"""


def _picture(name: str) -> str:
    return f"{name}.png" if (DOCS / "gallery" / f"{name}.png").exists() else ""


def _card(name: str, module: ModuleType) -> str:
    picture = _picture(name)
    image = f":img-top: {picture}\n:img-alt: {module.TITLE}\n" if picture else ""
    head = f":::{{grid-item-card}} {name}\n:class-card: gallery-card\n"
    return f"{head}:link: {name}\n:link-type: doc\n{image}\n{module.TITLE}\n:::\n"


def _page(name: str, module: ModuleType) -> str:
    file = module.__name__.removeprefix("limitlab.").replace(".", "/") + ".py"
    picture = _picture(name)
    image = f"![{module.TITLE}]({picture})\n\n" if picture else ""
    source = inspect.getsource(module).rstrip()
    return (
        f"# {name}\n\n{module.TITLE}\n\n{image}`limitlab figure {name}` draws it; the file is "
        f"`{file}`.\n\n````python\n{source}\n````\n"
    )
