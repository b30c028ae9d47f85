"""The reference: a page a group of the face, with every public name and what it returns."""

from __future__ import annotations

import inspect
import re
import types
import typing
from typing import Any

import matplotlib.figure
import numpy as np
import sympy as sp

import limitlab as ll

#: classes whose methods are for users
_WITH_MEMBERS = ("Curve", "Agreement", "System", "Covariance", "Noise", "Method")


def pages() -> dict[str, str]:
    """Return the page of the verbs, one a group, and the one that lists them."""
    grouped = {name for group in ll._GROUPS.values() for name in group.__all__}
    _shown.clear()
    flat = [n for n in ll.__all__ if n not in {*grouped, *ll._GROUPS, "__version__"}]
    found = {"reference/verbs.md": _page("Verbs, and what they answer", _FLAT, sorted(flat))}
    for name, group in ll._GROUPS.items():
        says = f"`limitlab.{name}`: {group.__doc__}"
        found[f"reference/{name}.md"] = _page(name.capitalize(), says, sorted(group.__all__))
    rows = [f"| [{n}]({n}.md) | {g.__doc__} | {len(g.__all__)} |" for n, g in ll._GROUPS.items()]
    listed = "\n".join(["verbs", *ll._GROUPS])
    found["reference/index.md"] = _INDEX.format(rows="\n".join(rows), listed=listed)
    return found


_TIME = """The time, in which schedules are written: k/d on streams, steps elsewhere.

>>> import limitlab as ll
>>> ll.SGD(rate=0.4 / (1 + ll.t)).rate
0.4/(t + 1)
"""
_FLAT = "Every other name is here too, as `limitlab.NAME`, and in the group of its subject."
_INDEX = """# Reference

| group | what it holds | names |
|---|---|---|
| [verbs](verbs.md) | The verbs, and what they answer. | |
{rows}

```{{toctree}}
:hidden:

{listed}
```
"""


def _page(title: str, says: str, names: list[str]) -> str:
    body = "\n".join(_entry(name) for name in names)
    return f"# {title}\n\n{says}\n\n```{{eval-rst}}\n{body}```\n"


#: results that are on a page already: several functions return the same
_shown: set[type] = set()


def _entry(name: str) -> str:
    thing = getattr(ll, name)
    found = [kind for kind in _returned(thing) if _is_own(kind) and kind not in _shown]
    _shown.update(found)
    results = "".join(
        f".. autoclass:: {kind.__module__}.{kind.__name__}\n   :members:\n\n" for kind in found
    )
    return _entry_of(name, thing) + results


def _entry_of(name: str, thing: Any) -> str:
    options = ""
    if isinstance(thing, type):
        kind = "exception" if issubclass(thing, BaseException) else "class"
        options = "   :members:\n" if name in _WITH_MEMBERS else ""
    else:
        kind = "function" if callable(thing) and inspect.isroutine(thing) else "data"
    # a constant has the docstring of its class, which says nothing about it
    options += "   :no-value:\n" if kind == "data" else ""
    return f".. auto{kind}:: limitlab.{name}\n{options}\n"


# ---- what is returned ----

#: words for what is no class of this package
_WORDS = {
    np.ndarray: "array",
    sp.Expr: "sympy expression",
    matplotlib.figure.Figure: "matplotlib.figure.Figure",
}


def _returned(thing: Any) -> tuple[Any, ...]:
    """The classes that a function says it returns; none of a class, or where any can come."""
    if not inspect.isroutine(thing):
        return ()
    function = inspect.unwrap(thing)
    try:
        kind = eval(function.__annotations__["return"], function.__globals__)
    except NameError:  # imported for the type checker alone: its docstring says it
        return ()
    parts = typing.get_args(kind) if typing.get_origin(kind) in (tuple, types.UnionType) else ()
    return tuple(typing.get_origin(part) or part for part in parts or (kind,) if part is not Any)


def _face(kind: Any) -> str:
    """The name on the face of a class or of the nearest one that it is built on."""
    bases = (base for base in getattr(kind, "__mro__", ()) if base.__name__ in ll.__all__)
    return next((base.__name__ for base in bases if getattr(ll, base.__name__) is base), "")


def _is_own(kind: Any) -> bool:
    inside = isinstance(kind, type) and kind.__module__.startswith("limitlab.")
    return inside and not _face(kind) and not issubclass(kind, matplotlib.figure.Figure)


def _word(kind: Any) -> str:
    """How a class is called on the page, with a link where it is one of the package."""
    if _is_own(kind):
        return f":class:`~{kind.__module__}.{kind.__name__}`"
    if name := _face(kind):
        return f":class:`~limitlab.{name}`"
    return _WORDS.get(kind, getattr(kind, "__name__", str(kind)))


def say_returns(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Where a docstring has no section for it, say what a function returns, by its annotation."""
    kinds = _returned(thing) if what == "function" else ()
    if not kinds or "Returns" in lines:
        return
    many = "tuple of " if len(set(kinds)) < len(kinds) else ""
    text = many + " or ".join(dict.fromkeys(map(_word, kinds)))
    later = [i for i, line in enumerate(lines) if line in ("Raises", "Warns", "Notes", "Examples")]
    lines[min(later, default=len(lines)) : 0] = ["", "Returns", "-------", text, ""]


def escape_docstring(
    app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Keep |z|² and λ_ from being read as marks; formulas and code are left alone."""
    if name == "limitlab.t":
        lines[:] = _TIME.splitlines()
    literal = False
    for i, line in enumerate(lines):
        if line.strip():
            literal = line.startswith("    ") and literal or line.lstrip().startswith(">>>")
        if not literal:
            lines[i] = "".join(map(_escaped, re.split(r"(:\w+:`[^`]*`|``[^`]*``|`[^`]*`)", line)))


def _escaped(part: str) -> str:
    if part.startswith(("`", ":")) and part.endswith("`"):
        return part
    part = re.sub(r"\|", r"\|", part)
    return re.sub(r"(?<=\w)_(?=\W|$)", r"\_", part)
