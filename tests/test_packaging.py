"""The package as it is installed: a complete list of folders, a light face, a clean wheel."""

from __future__ import annotations

import ast
import importlib
import json
import os
import pydoc
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import limitlab

ROOT = Path(limitlab.__file__).resolve().parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS = ("theory", "solvers", "validation")


def python(code: str, **environment: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_folder_with_modules_is_listed():
    folders = {"limitlab"}
    for room in ROOMS:
        for file in (ROOT / room).rglob("__init__.py"):
            folders.add(".".join(("limitlab", *file.parent.relative_to(ROOT).parts)))
    assert sorted(SETTINGS["tool"]["setuptools"]["packages"]) == sorted(folders)


def test_every_folder_of_the_rooms_ships():
    """A module in a folder without __init__.py would be silently absent from the wheel."""
    data = SETTINGS["tool"]["setuptools"]["package-data"]
    patterns = [
        f"{ROOT.joinpath(*package.split('.')[1:])}/{pattern}"
        for package, globs in data.items()
        for pattern in globs
    ]
    for room in ROOMS:
        for file in (ROOT / room).rglob("*"):
            if file.is_dir() or "__pycache__" in file.parts:
                continue
            in_package = file.suffix == ".py" and (file.parent / "__init__.py").exists()
            assert in_package or any(file.match(pattern) for pattern in patterns), file


def test_only_the_face_and_the_command_live_at_the_root():
    assert {file.name for file in ROOT.glob("*.py")} == {"__init__.py", "__main__.py", "cli.py"}


def test_version_is_stated_once():
    assert SETTINGS["project"]["version"] == limitlab.__version__
    assert f"version: {limitlab.__version__}" in (ROOT / "CITATION.cff").read_text()
    assert f"## {limitlab.__version__}" in (ROOT / "CHANGELOG.md").read_text()


# ---- the face ----

HEAVY = ("sympy", "numba", "scipy", "matplotlib", "xarray")
MEASURE = f"""
import sys, time
start = time.perf_counter()
import limitlab
seconds = time.perf_counter() - start
import json
print(json.dumps([seconds, [name for name in {HEAVY!r} if name in sys.modules]]))
"""


def test_import_is_light():
    best, loaded = min(json.loads(python(MEASURE)) for _ in range(3))
    assert loaded == []
    assert best <= 0.3


def test_the_measure_would_see_a_heavy_import():
    """Negative control: once a name that needs sympy is used, the same look-up finds sympy."""
    heavy = MEASURE.replace("import limitlab\n", "import limitlab.theory.core.symbols\n")
    _, loaded = json.loads(python(heavy))
    assert "sympy" in loaded


#: flat without a group: the verbs, and what they answer
CORRIDOR = {"derive", "solve", "simulate", "compare", "overlay", "convergence", "load", "limits"}
CORRIDOR |= {"paired_difference", "System", "Curve", "Agreement"}


def listed(stub: str) -> dict[str, str]:
    """Name → module of every import of a stub."""
    tree = ast.parse((ROOT / f"{stub}.pyi").read_text())
    return {
        name.asname: each.module or ""
        for each in tree.body
        if isinstance(each, ast.ImportFrom)
        for name in each.names
        if name.name != "*"
    }


def groups() -> list[str]:
    return sorted(name for name, home in listed("__init__").items() if not home)


def test_every_name_is_in_one_group():
    flat = {name for name, home in listed("__init__").items() if home}
    lost = sorted(flat - CORRIDOR)
    stubs = ", ".join(f"{name}.pyi" for name in groups())
    remedy = f"move their lines from __init__.pyi to one of {stubs}, unless they are there already"
    assert not lost, f"{', '.join(lost)}: {remedy}"
    places: dict[str, list[str]] = {}
    for group in groups():
        for name in listed(group):
            places.setdefault(name, []).append(group)
    assert not {name: where for name, where in places.items() if len(where) > 1}
    assert not places.keys() & flat
    assert {*limitlab.__all__} == {"__version__", *groups(), *flat, *places}


def test_every_stub_is_a_group_with_its_line():
    assert sorted(file.stem for file in ROOT.glob("*.pyi")) == sorted([*groups(), "__init__"])
    text = (ROOT / "__init__.pyi").read_text()
    for group in groups():
        assert f"from .{group} import *" in text
        module = importlib.import_module(f"limitlab.{group}")
        assert module is getattr(limitlab, group)
        line = module.__doc__
        assert line.count("\n") == 0 and line.endswith((".", "?"))
        assert line in limitlab.__doc__ and line in repr(module)
        assert dir(module) == sorted(listed(group))
        for name in dir(module):
            assert getattr(module, name) is getattr(limitlab, name)


def test_help_and_completion_show_the_groups():
    from IPython.core.completer import IPCompleter, provisionalcompleter

    text = pydoc.plain(pydoc.render_doc(limitlab.clipping))
    assert "best_threshold" in text and "Does clipping help" in text
    head = python("import limitlab, pydoc; print(pydoc.plain(pydoc.getdoc(limitlab)))")
    assert all(f"{group} " in head for group in groups())
    completer = IPCompleter(namespace={"ll": limitlab}, use_jedi=False)
    with provisionalcompleter():
        found = {
            text: [each.text for each in completer.completions(text, len(text))]
            for text in ("ll.", "ll.clipping.be")
        }
    assert {f".{group}" for group in groups()} <= {*found["ll."]}
    assert ".ast" not in found["ll."], "what the face itself imports is not offered"
    assert found["ll.clipping.be"] == [".best_threshold"]


def test_a_group_refuses_what_is_not_in_it():
    with pytest.raises(AttributeError, match=r"no SGD in limitlab.clipping: it has .*best_thr"):
        limitlab.clipping.SGD  # noqa: B018


@pytest.mark.slow
def test_type_checkers_see_every_name_through_its_group(tmp_path):
    names = [f"ll.{group}.{name}" for group in groups() for name in listed(group)]
    lines = ["import limitlab as ll", "from limitlab.clipping import best_threshold"]
    lines += [f"reveal_type({name})" for name in [*names, "best_threshold", "ll.clipping.SGD"]]
    file = tmp_path / "look.py"
    file.write_text("\n".join(lines))
    command = [sys.executable, "-m", "mypy", "--config-file", "", str(file)]
    path = {**os.environ, "MYPYPATH": str(ROOT / ".types"), "MYPY_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=path, cwd=tmp_path)
    told = [line for line in done.stdout.splitlines() if "look.py" in line]
    seen = [line for line in told if "Revealed type" in line and '"Any"' not in line]
    # sympy has no types, so that its symbol t is anything
    assert len(seen) == len(names), done.stdout
    (error,) = [line for line in told if ": error: " in line]
    assert '"SGD"' in error, "negative control: a name outside its group is an error"


def test_every_name_of_the_face_can_be_had():
    for name in limitlab.__all__:
        assert getattr(limitlab, name) is not None
        assert name in dir(limitlab)
    assert {"LeastSquares", "SGD", "derive", "solve", "simulate", "compare"} <= set(dir(limitlab))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="No limitlab attribute sovle"):
        limitlab.sovle  # noqa: B018


def test_type_checkers_and_the_program_read_one_list():
    homes = {name: home for stub in (*groups(), "__init__") for name, home in listed(stub).items()}
    assert homes.keys() == {*limitlab.__all__} - {"__version__"}
    for name, home in homes.items():
        if not home:
            continue
        module = importlib.import_module(f"limitlab.{home}")
        assert getattr(limitlab, name) is getattr(module, name)


# ---- the wheel ----


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    # a copy, since a build leaves a folder behind from which stale modules could reach a wheel
    unwanted = shutil.ignore_patterns(".*", "build", "out", "__pycache__", "*.egg-info")
    source = shutil.copytree(ROOT, folder / "source", ignore=unwanted)
    (source / ".types").mkdir()
    (source / ".types" / "limitlab").symlink_to("..")  # the name of the package
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_wheel_holds_the_package_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names}
    assert tops == {"limitlab", f"limitlab-{limitlab.__version__}.dist-info"}
    shipped = {name.removeprefix("limitlab/") for name in names if name.startswith("limitlab/")}
    wanted = {"__init__.py", "__main__.py", "cli.py", "py.typed"}
    wanted |= {file.name for file in ROOT.glob("*.pyi")}
    for room in ROOMS:
        for file in (ROOT / room).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                wanted.add(file.relative_to(ROOT).as_posix())
    assert shipped == wanted
    assert not any("test" in name.split("/")[0] for name in shipped)


@pytest.mark.slow
def test_wheel_carries_licence_and_command(wheel):
    archive = zipfile.ZipFile(wheel)
    info = f"limitlab-{limitlab.__version__}.dist-info"
    assert f"{info}/licenses/LICENSE" in archive.namelist()
    assert "limitlab = limitlab.cli:main" in archive.read(f"{info}/entry_points.txt").decode()
