"""The documentation: every block runs, every link leads somewhere, every equation is the package's.

The site is built where its extra is installed (``pip install '.[docs]'``, as `make docs` and
`make test-slow` do); otherwise those tests say so and are skipped.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
from html import unescape
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote

import matplotlib
import pytest

import limitlab as ll
from limitlab import cli
from limitlab.theory.core.discover import examples, families
from limitlab.validation.gallery.make import figures

matplotlib.use("Agg")
ROOT = Path(ll.__file__).resolve().parent
DOCS = ROOT / "docs"
NEEDED = ("sphinx", "myst_nb", "pydata_sphinx_theme", "sphinx_design", "ziamath")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
WRITTEN = sorted(
    file.relative_to(DOCS).as_posix()
    for file in (*DOCS.glob("*.md"), *DOCS.glob("how-to/*.md"))
    if file.name != "validity.md"
)
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def text(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


# ---- what is written ----


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::limitlab.ValidityWarning")
@pytest.mark.parametrize("page", [page for page in WRITTEN if PYTHON.search(text(page))])
def test_the_blocks_of_a_page_run(page, tmp_path, monkeypatch):
    """They are one program, run in an empty folder; commands after it."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "page"}
    monkeypatch.setitem(sys.modules, "page", type(sys)("page"))  # where its dataclasses live
    for block in PYTHON.findall(text(page)):
        exec(compile(block, page, "exec"), names)
    for line in "".join(SHELL.findall(text(page))).splitlines():
        command, *words = shlex.split(line)
        assert command == "limitlab" and cli.main(words) == 0


def test_no_block_is_of_a_kind_that_is_not_run():
    for page in WRITTEN:
        kinds = set(re.findall(r"^```(\S+)", text(page), re.MULTILINE))
        assert kinds <= {"python", "sh", "{toctree}"}, page


def test_the_pages_that_were_asked_for_are_listed():
    listed = text("how-to/index.md")
    for file in DOCS.glob("how-to/*.md"):
        assert file.stem == "index" or f"\n{file.stem}\n" in listed


def test_every_family_states_units_and_assumptions():
    """A new family writes them into the docstring of its package: its page is printed from that."""
    for family in families():
        words = import_module(f"limitlab.theory.{family}").__doc__
        missing = [head for head in ("Units", "Assumptions") if f"\n## {head}\n" not in words]
        assert not missing, f"theory/{family}/__init__.py: add {' and '.join(missing)}"


@pytest.mark.slow
def test_every_study_of_measured_errors_has_a_family():
    from limitlab.validation.validity.page import family_of, studies

    assert {family_of(study) for study in studies()} <= set(families())


# ---- what is built ----


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    if MISSING:
        pytest.skip(f"not installed: {', '.join(MISSING)}; pip install '.[docs]' builds the site")
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    command += ["-d", str(out / "trees"), str(DOCS), str(out / "html")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out / "html"


def html(site: Path, page: str) -> str:
    return (site / page).read_text(encoding="utf-8")


@pytest.mark.slow
def test_every_equation_of_every_family_is_on_its_page(site):
    for family in families():
        page = html(site, f"printed/theory/{family}.html")
        shown = {" ".join(unescape(tex).split()) for tex in re.findall(r'data-tex="(.*?)"', page)}
        for example in examples(family):
            limit = {k: v for k, v in example.theory.items() if k == "limit"}
            system = ll.derive(example.problem, example.method, **limit)
            for line in system.latex().splitlines():
                assert " ".join(line.split()) in shown, f"{family}: {line}"
            assert " ".join(f"{line} + 1".split()) not in shown, "negative control"


@pytest.mark.slow
def test_every_page_of_a_theory_has_what_a_reader_looks_for(site):
    for family in families():
        page = html(site, f"printed/theory/{family}.html")
        for part in ("What is learnt", "Limits", "Units", "Assumptions", "Papers"):
            assert f"<h2>{part}<" in page, f"{family}: {part}"
        measured = page.partition("<h2>Measured errors<")[2]
        assert "<td>" in measured and "no study of this theory" not in measured, family
        assert "arxiv.org/abs/" in page or "Derived here; it follows no paper" in page, family
        steps = page.partition("Derivation, step by step")[2].partition("</details>")[0]
        assert steps.count("<li>") >= 3, family


def test_names_of_several_letters_are_upright_and_commands_stay(monkeypatch):
    pytest.importorskip("latex2mathml")
    pytest.importorskip("ziamath")
    monkeypatch.syspath_prepend(str(DOCS))
    from make.mathml import markup

    shown = markup(r"\frac{field}{x_{edge}} = \operatorname{erf}(\lambda g_{ij}) + PSP", "inline")
    assert "<mtext>field</mtext>" in shown and "<mtext>edge</mtext>" in shown
    assert "<mfrac>" in shown and "erf" in shown and "&#x003BB;" in shown
    assert "<mi>i</mi><mi>j</mi>" in shown and "<mi>P</mi><mi>S</mi><mi>P</mi>" in shown


@pytest.mark.slow
def test_every_public_name_is_in_the_reference(site):
    pages = "".join(file.read_text("utf-8") for file in site.glob("printed/reference/*.html"))
    for name in {*ll.__all__} - {*ll._GROUPS, "__version__"}:
        assert pages.count(f'id="limitlab.{name}"') == 1, name


@pytest.mark.slow
def test_every_figure_is_in_the_gallery_with_its_file(site):
    for name in figures():
        assert f'href="{name}.html"' in html(site, "printed/gallery/index.html")
        assert f"{name}.py" in html(site, f"printed/gallery/{name}.html")


@pytest.mark.slow
def test_every_link_inside_leads_somewhere_and_nothing_is_loaded_from_outside(site):
    pages = {
        file: file.read_text("utf-8")
        for file in site.rglob("*.html")
        if "_static" not in file.parts
    }
    anchors = {file: set(re.findall(r'\bid="([^"]+)"', page)) for file, page in pages.items()}
    for file, page in pages.items():
        for tag, target in re.findall(r'<(\w+)[^>]*?\s(?:href|src)="([^"]*)"', page):
            if target.startswith("data:"):  # a picture inside the page
                continue
            if re.match(r"(https?:|mailto:|javascript:)", target):
                assert tag == "a", f"{file.name} loads {target}"
                continue
            where, _, anchor = unescape(unquote(target)).partition("#")
            goal = (file.parent / where.split("?")[0]).resolve() if where else file
            assert goal.exists(), f"{file.name}: {target}"
            if anchor and goal in anchors and "genindex" not in goal.name:
                assert anchor in anchors[goal], f"{file.name}: {target}"


@pytest.mark.slow
def test_search_finds_the_words(site):
    index = html(site, "searchindex.js").removeprefix("Search.setIndex(").removesuffix(")")
    terms = json.loads(index)["terms"]
    assert {"sharp", "clip", "quantil"} <= {term[:7].rstrip("ps") for term in terms} | terms.keys()


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no chromium here: the pages are not opened")
def test_the_site_opens_and_searches_from_the_file_system(site):
    address = f"{(site / 'search.html').as_uri()}?q=intrinsic"
    command = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    done = subprocess.run(
        [*command, "--virtual-time-budget=15000", address],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert re.search(r'<a[^>]+href="concepts\.html', done.stdout)
