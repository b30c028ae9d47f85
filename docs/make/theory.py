"""One page a family: its equations, printed by the package, with the steps that lead to them."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import sympy as sp

import limitlab as ll
from limitlab.solvers.core.limits import THREADS, Limits
from limitlab.theory.core.discover import examples, families
from limitlab.theory.core.printer import latex
from limitlab.validation.validity.page import family_of, studies

DOCS = Path(__file__).parents[1]
_PAPER = re.compile(r"(?:arXiv[: ])?\b(\d{4}\.\d{5})\b")


def pages() -> dict[str, str]:
    """Return the page of every family, and the one that lists them."""
    measured = _measured()
    found = {f"theory/{name}.md": page(name, measured) for name in families()}
    listed = "\n".join(families())
    found["theory/index.md"] = _INDEX.format(listed=listed)
    return found


_INDEX = """# Theories

One page a family. Every equation on them is printed by the package when the site is built, from
the object that is solved and simulated, so that no page can say another thing than the code does.

```{{toctree}}
:maxdepth: 1

{listed}
```
"""


def page(family: str, measured: dict[str, list[str]]) -> str:
    """Return the page of a family as Markdown."""
    package = import_module(f"limitlab.theory.{family}")
    title, _, words = (inspect.getdoc(package) or family).partition("\n")
    parts = [f"# {title.rstrip('.')}\n", _learnt(family), *_derived(family), _limits(family)]
    parts += [words.strip() + "\n", _papers(family), _errors(measured.get(family, []))]
    return "\n".join(part for part in parts if part)


def _learnt(family: str) -> str:
    """What is learnt: the docstrings of the modules and classes that state it."""
    kinds = list(dict.fromkeys(type(example.problem) for example in examples(family)))
    lines = ["## What is learnt\n"]
    for module in dict.fromkeys(inspect.getmodule(kind) for kind in kinds):
        lines += [_restructured(inspect.getdoc(module) or "")]
    for kind in kinds:
        says = (inspect.getdoc(kind) or "").split("\nParameters\n")[0].strip()
        lines += [f"[](#limitlab.{kind.__name__}): {_plain(says)}\n"]
    methods = dict.fromkeys(type(example.method) for example in examples(family))
    links = ", ".join(f"[](#limitlab.{kind.__name__})" for kind in methods)
    return "\n".join([*lines, f"Methods: {links}.\n"])


def _derived(family: str) -> list[str]:
    """A section a system: every example that derives another one, and every limit that does."""
    seen: dict[Any, str] = {}
    for example in examples(family):
        for limit in _derivable(family, example):
            try:
                system = ll.derive(example.problem, example.method, **limit)
            except ll.NotAvailable:
                continue  # this pair has no such limit
            seen.setdefault(system, limit.get("limit", ""))
    names = [system.name for system in seen]
    return [
        _system(system, f', limit "{limit}"' if limit and names.count(system.name) > 1 else "")
        for system, limit in seen.items()
    ]


def _derivable(family: str, example: Any) -> list[dict[str, str]]:
    """The limits that decide what is derived, that of the example first."""
    own = {k: v for k, v in example.theory.items() if k == "limit"}
    module = import_module(f"limitlab.theory.{family}.derive")
    if "limit" not in inspect.signature(module.derive).parameters:
        return [own]
    known = (
        getattr(module, "LIMITS", None) or import_module(f"limitlab.solvers.{family}.solve").LIMITS
    )
    return [own, *({"limit": name} for name in known)]


def _system(system: Any, which: str) -> str:
    equations = [f"$$\n{line}\n$$\n" for line in system.latex().splitlines()]
    steps = [f"{n}. {_plain(step.text)}\n\n   {_step(step)}\n" for n, step in _numbered(system)]
    return "\n".join(
        [
            f"## {system.name[0].upper()}{system.name[1:]}{which}\n",
            *equations,
            ":::{dropdown} Derivation, step by step\n",
            *steps,
            ":::\n",
        ]
    )


def _numbered(system: Any) -> Any:
    return enumerate(system.steps, start=1)


def _step(step: Any) -> str:
    """What a step gives: a formula where it is one of sympy, its own words otherwise."""
    if isinstance(step.left, sp.Basic) and isinstance(step.right, sp.Basic):
        return f"$$\n   {latex(step.left)} = {latex(step.right)}\n   $$"
    return f"{_side(step.left)} = {_side(step.right)}"


def _side(side: Any) -> str:
    if isinstance(side, tuple):
        return f"({', '.join(map(_side, side))})"
    if isinstance(side, sp.Basic):
        return f"${latex(side)}$"
    return f"`` {side} ``"


def _limits(family: str) -> str:
    table: Limits = import_module(f"limitlab.solvers.{family}.solve").LIMITS
    lines = ["## Limits\n", "| `limit=` | what it is | options |", "|---|---|---|"]
    for name, limit in table.items():
        own = [f"`{o}` ({_cell(v.text)})" for o, v in limit.options.items() if o not in THREADS]
        lines.append(f'| `"{name}"` | {_cell(limit.text)} | {"; ".join(own)} |')
    return "\n".join([*lines, ""])


def _papers(family: str) -> str:
    """The papers that the modules of the family and its methods name."""
    texts = [inspect.getdoc(module) or "" for module in _modules(family)]
    methods = [type(example.method) for example in examples(family)]
    texts += [" ".join(getattr(kind, "references", ())) for kind in methods]
    found = sorted({number for text in texts for number in _PAPER.findall(text)})
    links = [f"- [arXiv:{number}](https://arxiv.org/abs/{number})" for number in found]
    note = "The equations are this package's own derivations; its constants and letters may differ."
    if not found:
        links, note = [], "Derived here; it follows no paper."
    return "\n".join(["## Papers\n", *links, "", note, ""])


def _modules(family: str) -> list[ModuleType]:
    folder = Path(import_module(f"limitlab.theory.{family}").__file__ or "").parent
    names = sorted(file.stem for file in folder.glob("*.py"))
    kinds = [type(example.problem) for example in examples(family)]
    return [
        *(import_module(f"limitlab.theory.{family}.{name}") for name in names),
        *(import_module(kind.__module__) for kind in kinds),
    ]


def _measured() -> dict[str, list[str]]:
    """Sections of the page of measured errors, by family."""
    text = (DOCS / "validity.md").read_text(encoding="utf-8")
    sections = {part.partition("\n")[0]: part for part in text.split("\n## ")[1:]}
    found: dict[str, list[str]] = {}
    for study in studies():
        if study.title in sections:
            found.setdefault(family_of(study), []).append(sections[study.title])
    return found


def _errors(sections: list[str]) -> str:
    if not sections:
        return "## Measured errors\n\n`limitlab validity` has no study of this theory yet.\n"
    told = [f"### {section.strip()}\n" for section in sections]
    return "\n".join(["## Measured errors\n", "As [](/validity.md) explains them.\n", *told])


# ---- words ----


def _restructured(text: str) -> str:
    """A docstring, which is reStructuredText, inside a page of Markdown."""
    return f"```{{eval-rst}}\n{text}\n```\n"


def _plain(text: str) -> str:
    """Words in which Markdown finds no marks; roles of formulas become formulas."""
    parts = re.split(r":math:`(.*?)`", text, flags=re.DOTALL)
    marked = [re.sub(r"([\\*_\[\]<>$|`])", r"\\\1", part) for part in parts[::2]]
    return "".join(
        part + (f"${parts[2 * i + 1]}$" if 2 * i + 1 < len(parts) else "")
        for i, part in enumerate(marked)
    )


def _cell(text: str) -> str:
    return _plain(" ".join(text.split()))
