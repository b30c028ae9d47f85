"""Who imports whom: rooms, cores and families keep their order, and nothing goes in circles.

Read from the source, imports inside functions included, so that no lazy import hides an arrow.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

import limitlab

ROOT = Path(limitlab.__file__).parent
ROOMS = ("theory", "solvers", "validation")
#: found by their folders: a new family is held to the order by being there
FAMILIES = {file.parent.name for file in (ROOT / "theory").glob("*/derive.py")}
#: families that are built on another one: Adam sees a stream, SAM descends on two problems, tuners
#: on one; the stability of SGD takes Lanczos from the linear model
BUILT_ON = {
    ("adam", "streaming"),
    ("memory", "streaming"),
    ("sam", "second_order"),
    ("sam", "two_eigenvalues"),
    ("tuners", "second_order"),
    ("sgd_stability", "linear"),
}


@cache
def modules(root):
    """Name → (path, whether a package) of every module of the rooms."""
    found = {}
    for path in sorted(p for room in ROOMS for p in (root / room).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        package = parts[-1] == "__init__"
        found[".".join(parts[:-1] if package else parts)] = (path, package)
    return found


@cache
def arrows(root):
    """Every (importer, imported) pair of the rooms' modules, names below the package's."""
    known = modules(root)
    found = set()
    for name, (path, package) in known.items():
        here = name.split(".") if package else name.split(".")[:-1]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = [*here[: len(here) - node.level + 1], *(node.module or "").split(".")]
                base = ".".join(part for part in base if part)
                for alias in node.names:
                    target = f"{base}.{alias.name}"
                    target = target if target in known else base
                    if target in known and target != name:
                        found.add((name, target))
    return found


def circles(pairs):
    """The groups of two or more that reach one another."""
    reach, following = {}, {}
    for a, b in pairs:
        following.setdefault(a, set()).add(b)
    for start in following:
        seen, todo = set(), [start]
        while todo:
            for other in following.get(todo.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
        reach[start] = seen
    return {
        frozenset(b for b in reach if b in reach[a] and a in reach[b])
        for a in reach
        if a in reach[a]
    }


def folder_arrows(root, depth):
    """The arrows between folders, told apart down to a depth below the package."""
    known = modules(root)

    def folder(name):
        parts = name.split(".") if known[name][1] else name.split(".")[:-1]
        return ".".join(parts[:depth])

    pairs = {(folder(a), folder(b)) for a, b in arrows(root)}
    # modules beside a subfolder lean on it, and it on them
    return {(a, b) for a, b in pairs if a != b and not _holds(a, b) and not _holds(b, a)}


def _holds(a, b):
    return b.startswith(f"{a}.")


def family(name):
    return next((part for part in name.split(".")[:-1] if part in FAMILIES), None)


def faults(root):
    """What breaks the order, in words."""
    found = []
    for a, b in sorted(arrows(root)):
        one, other = a.split(".")[0], b.split(".")[0]
        if ROOMS.index(one) < ROOMS.index(other):
            found.append(f"{one} imports {other}: {a} -> {b}")
        if a.startswith("theory.core.") and not b.startswith("theory.core."):
            found.append(f"theory/core imports more than itself: {a} -> {b}")
        if ".core." in a and family(b):
            found.append(f"a core knows a family: {a} -> {b}")
        pair = family(a), family(b)
        if None not in pair and pair[0] != pair[1] and pair not in BUILT_ON:
            found.append(f"a family imports another one: {a} -> {b}")
        if "streaming.advice" in b and a.startswith("solvers.streaming") and "advice" not in a:
            found.append(f"a limit imports advice: {a} -> {b}")
    found += [f"modules in a circle: {sorted(c)}" for c in circles(arrows(root))]
    for depth in range(1, 6):
        found += [f"folders in a circle: {sorted(c)}" for c in circles(folder_arrows(root, depth))]
    return found


def test_arrows_are_seen():
    found = arrows(ROOT)
    assert ("solvers.streaming.solve", "solvers.streaming.running_threshold") in found
    assert len(found) > 1000


def test_imports_keep_the_order():
    assert faults(ROOT) == []


def planted(tmp_path, files):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return faults(tmp_path)


PLANTED = {
    "modules in a circle": {
        "theory/linear/a.py": "from .b import x\n",
        "theory/linear/b.py": "def f():\n    from . import a\n",
    },
    "folders in a circle": {
        "validation/figures/a.py": "from ..agreement.c import x\n",
        "validation/agreement/c.py": "x = 1\n",
        "validation/agreement/b.py": "def f():\n    from ..figures.d import y\n",
        "validation/figures/d.py": "y = 1\n",
    },
    "folders in a circle: ['validation.simulate.linear.a'": {
        "validation/simulate/linear/a/__init__.py": "",
        "validation/simulate/linear/a/c.py": "from ..b.d import x\n",
        "validation/simulate/linear/b/__init__.py": "",
        "validation/simulate/linear/b/d.py": "x = 1\n",
        "validation/simulate/linear/b/e.py": "def f():\n    from ..a.f import y\n",
        "validation/simulate/linear/a/f.py": "y = 1\n",
    },
    "theory imports solvers": {
        "theory/linear/a.py": "from ...solvers.core.b import x\n",
        "solvers/core/b.py": "",
    },
    "solvers imports validation": {
        "solvers/linear/a.py": "from ...validation.b import x\n",
        "validation/b.py": "",
    },
    "imports more than itself": {
        "theory/core/a.py": "from ..schedules.b import x\n",
        "theory/schedules/b.py": "",
    },
    "a core knows a family": {
        "solvers/core/a.py": "from ..linear.b import x\n",
        "solvers/linear/b.py": "",
    },
    "a family imports another one": {
        "theory/linear/a.py": "from ..streaming.b import x\n",
        "theory/streaming/b.py": "",
    },
    "a limit imports advice": {
        "solvers/streaming/a.py": "def f():\n    from .advice.b import x\n",
        "solvers/streaming/advice/b.py": "",
    },
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(fault, tmp_path):
    assert any(fault in line for line in planted(tmp_path, PLANTED[fault]))


def test_a_sound_tree_has_no_fault(tmp_path):
    files = {"theory/core/a.py": "", "solvers/core/b.py": "from ...theory.core.a import x\n"}
    assert planted(tmp_path, files) == []
