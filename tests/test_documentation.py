"""Every example that a reader can copy runs: the README, CONTRIBUTING and the docstrings."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
import shlex
from pathlib import Path

import matplotlib
import pytest

import limitlab
from limitlab import cli
from limitlab.validation.gallery.make import figures

matplotlib.use("Agg")
ROOT = Path(limitlab.__file__).resolve().parent
SNIPPET = re.compile(r"```python\n(.*?)```", re.DOTALL)
SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"^limitlab (.*?)(?:\s{2,}#.*)?$", re.MULTILINE)
PAGES = ("README.md", "CONTRIBUTING.md")


def modules() -> list[str]:
    rooms = [name for _, name, _ in pkgutil.walk_packages(limitlab.__path__, "limitlab.")]
    # templates are texts for the compiler; their names stand for generated functions
    skipped = re.compile(r"limitlab\.(__main__|tests|.*\.templates\.)")
    return ["limitlab", *(name for name in rooms if not skipped.match(name))]


def test_the_walk_finds_every_module():
    found = set(modules())
    for room in ("theory", "solvers", "validation"):
        for file in (ROOT / room).rglob("*.py"):
            if (file.parent / "__init__.py").exists() and "templates" not in file.parts:
                parts = file.relative_to(ROOT).with_suffix("").parts
                name = ".".join(("limitlab", *parts)).removesuffix(".__init__")
                assert name in found


class Finder(doctest.DocTestFinder):
    """Finds the examples of functions that are wrapped, too."""

    def _from_module(self, module, thing):
        return super()._from_module(module, inspect.unwrap(thing) if callable(thing) else thing)


def examples_of(name):
    module = importlib.import_module(name)
    return Finder(exclude_empty=True).find(module, name, module=module)


#: modules whose examples compile for seconds, or read a large data set
SLOW = {
    f"limitlab.{name}"
    for name in (
        "solvers.memory.best",
        "solvers.sam.early_time",
        "solvers.streaming.advice.clipping.verdict",
        "solvers.streaming.advice.control.optimise",
        "solvers.streaming.advice.control.report",
        "solvers.streaming.advice.schedules",
        "validation.data",
        "validation.frontier.frontier",
        "validation.simulate.linear.growth",
    )
}
SHOWN = [
    pytest.param(name, marks=[pytest.mark.slow, pytest.mark.compiled]) if name in SLOW else name
    for name in modules()
]


@pytest.mark.interpreted
@pytest.mark.parametrize("name", SHOWN)
def test_docstring_examples(name):
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for test in examples_of(name):
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0


# ---- the reference ----

#: what verbs return: nobody makes one, so that nothing is refused
ANSWERS = {"Agreement", "Covariance", "Sweep", "System"}
PUBLIC = [
    name
    for name in limitlab.__all__
    if inspect.isroutine(getattr(limitlab, name)) or isinstance(getattr(limitlab, name), type)
]


def lacking(name, thing):
    """The sections that a reader of the reference would miss."""
    own = thing.__dict__.get("__doc__") if isinstance(thing, type) else thing.__doc__
    text = inspect.cleandoc(own or "")
    # as a reader types it, by its name on the face
    typed = r"^(>>>|\.\.\.) .*\bll\." + ("" if name in ANSWERS else rf"{name}\b")
    found = set() if re.search(typed, text, re.M) else {"Examples"}
    told = isinstance(thing, type) and issubclass(thing, BaseException | Warning)
    taken = inspect.signature(thing).parameters if not told and name not in ANSWERS else ()
    if taken and not re.search(r"^Raises\n-+$", text, re.M):
        found.add("Raises")
    return found


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_an_example_and_says_what_it_refuses(name):
    assert not lacking(name, getattr(limitlab, name))


def test_a_name_without_sections_is_noticed():
    def bare(rate: float) -> float:
        """Return the rate."""
        return rate

    assert lacking("bare", bare) == {"Examples", "Raises"}
    assert lacking("Bare", type("Bare", (limitlab.SGD,), {})) == {"Examples", "Raises"}


@pytest.mark.parametrize("name", PUBLIC)
def test_the_example_of_every_public_name_is_run(name):
    thing = inspect.unwrap(getattr(limitlab, name))
    assert f"{thing.__module__}.{thing.__name__}" in {
        each.name for each in examples_of(thing.__module__)
    }


@pytest.mark.parametrize("name", modules())
def test_every_module_says_what_it_is(name):
    assert inspect.getdoc(importlib.import_module(name))


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_snippets_run(page, tmp_path, monkeypatch):
    """The snippets of a page are one program, run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    snippets = SNIPPET.findall((ROOT / page).read_text())
    assert snippets
    names: dict[str, object] = {}
    for snippet in snippets:
        exec(compile(snippet, page, "exec"), names)


def commands() -> list[str]:
    return COMMAND.findall("".join(SHELL.findall((ROOT / "README.md").read_text())))


def test_the_readme_shows_commands():
    shown = {command.split()[0] for command in commands()}
    known = {"derive", "run", "list", "figure", "gallery", "validity", "doctor"}
    known |= {"explore", "sweep"}
    assert shown == known


@pytest.mark.slow
# a page is served until Ctrl-C; its tests are those of the explorer
@pytest.mark.parametrize("command", [c for c in commands() if c != "explore"])
def test_commands_of_the_readme_run(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    # the intrinsic dimension of digits is too small for a verdict, as the README says
    assert cli.main(shlex.split(command)) == (3 if "digits.toml" in command else 0)


def test_the_readme_names_every_figure():
    named = set(re.findall(r"`(\w+)`", (ROOT / "README.md").read_text()))
    assert not set(figures()) - named


def test_links_of_the_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text()):
            if "://" not in target and not target.startswith("docs/demo"):
                assert (ROOT / target).exists(), f"{page} links to {target}"


def test_no_row_of_a_table_stands_twice():
    """Two rows of one name are an old one and a new one."""
    for table in re.findall(r"(?:^\|.*\n)+", (ROOT / "README.md").read_text(), re.MULTILINE):
        names = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
        assert len(names) == len(set(names)), names
