"""The reference: a page a group of the face, with every public name on it."""

from __future__ import annotations

import inspect
import re
from typing import Any

import limitlab as ll

#: classes whose methods are for users
_WITH_MEMBERS = ("Curve", "Agreement", "System", "Covariance", "Noise", "Method")


def pages() -> dict[str, str]:
    """Return the page of the verbs, one a group, and the one that lists them."""
    grouped = {name for group in ll._GROUPS.values() for name in group.__all__}
    flat = [n for n in ll.__all__ if n not in {*grouped, *ll._GROUPS, "__version__"}]
    found = {"reference/verbs.md": _page("Verbs, and what they answer", _FLAT, sorted(flat))}
    for name, group in ll._GROUPS.items():
        says = f"`limitlab.{name}`: {group.__doc__}"
        found[f"reference/{name}.md"] = _page(name.capitalize(), says, sorted(group.__all__))
    rows = [f"| [{n}]({n}.md) | {g.__doc__} | {len(g.__all__)} |" for n, g in ll._GROUPS.items()]
    listed = "\n".join(["verbs", *ll._GROUPS])
    found["reference/index.md"] = _INDEX.format(rows="\n".join(rows), listed=listed)
    return found


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


def _entry(name: str) -> str:
    thing = getattr(ll, name)
    options = ""
    if isinstance(thing, type):
        kind = "exception" if issubclass(thing, BaseException) else "class"
        options = "   :members:\n" if name in _WITH_MEMBERS else ""
    else:
        kind = "function" if callable(thing) and inspect.isroutine(thing) else "data"
    # a constant has the docstring of its class, which says nothing about it
    options += "   :no-value:\n" if kind == "data" else ""
    return f".. auto{kind}:: limitlab.{name}\n{options}\n"


def escape_docstring(
    app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Keep |z|² and λ_ from being read as marks; formulas and code are left alone."""
    if name == "limitlab.t":
        lines[:] = ["The time, in which schedules are written: k/d on streams, steps elsewhere."]
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
